"""Doctor in broken states: the right check fails, in the right words, with the right command and exit code 1."""

from __future__ import annotations

import json
import os
import socket
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import NamedTuple

import pytest
from flask import Flask
from sqlalchemy import text

from pmsapp import clock
from pmsapp.domain.actor import COMMAND_LINE
from pmsapp.extensions import db
from pmsapp.factory import create_app
from pmsapp.models import PMSConnection
from pmsapp.services.base import audit
from pmsapp.services.base.transaction import writing
from pmsapp.services.monitoring import disk, process_heartbeats, running_processes
from pmsapp.settings import Settings
from tests.cli.conftest import Outcome, Pmsapp
from tests.support import postgres
from tests.support.actors import make_user
from tests.support.clock import FrozenClock

pytestmark = pytest.mark.skipif(postgres.SERVER is not None, reason="one machine with SQLite")


class _Answers(BaseHTTPRequestHandler):
    """What the web server says to a probe, and a vendor to anything."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{"status": "ok"}')

    def do_HEAD(self) -> None:
        self.send_response(404)
        self.end_headers()

    def date_time_string(self, timestamp: float | None = None) -> str:
        return f"{clock.now():%a, %d %b %Y %H:%M:%S} GMT"

    def log_message(self, *args: object) -> None:
        """Says nothing."""


@pytest.fixture
def server() -> Iterator[HTTPServer]:
    made = HTTPServer(("127.0.0.1", 0), _Answers)
    thread = threading.Thread(target=made.serve_forever, daemon=True)
    thread.start()
    yield made
    made.shutdown()
    made.server_close()
    thread.join()


@pytest.fixture
def held() -> Iterator[None]:
    """The test process stands for the installation's: what it announced is let go afterwards."""
    before = len(running_processes._held)
    yield
    for handle in running_processes._held[before:]:
        os.close(handle)
    del running_processes._held[before:]


class Machine(NamedTuple):
    """A sound installation, everything running, before something is broken in it."""

    app: Flask
    folder: Path
    port: int
    clock: FrozenClock


@pytest.fixture
def machine(
    app: Flask, instance_dir: Path, server: HTTPServer, held: None, frozen_clock: FrozenClock
) -> Machine:
    make_user("admin")
    _beat()
    port = server.server_address[1]
    for name in ("web", "scheduler", "worker"):
        running_processes.announce(
            instance_dir, name, app.extensions["pmsapp_keys"].ids, port=port if name == "web" else None
        )
    with writing() as session:
        session.add(
            PMSConnection(
                pms_type="gentu",
                display_name="Gentu",
                time_zone="Australia/Melbourne",
                secret_uid="x",
                created_at=clock.now(),
                updated_at=clock.now(),
            )
        )
    return Machine(app, instance_dir, port, frozen_clock)


def _beat() -> None:
    process_heartbeats.beat(process_heartbeats.SCHEDULER)
    process_heartbeats.beat(process_heartbeats.WORKER)


@pytest.fixture
def doctor(pmsapp: Pmsapp, server: HTTPServer) -> Callable[..., Outcome]:
    """`pmsapp doctor --online --json`, the vendor being on this machine."""

    def call(**environ: str) -> Outcome:
        db.engine.dispose()
        vendor = f"http://127.0.0.1:{server.server_address[1]}"
        given = {"PMSAPP_GENTU_BASE_URL": vendor, "PMSAPP_ALLOWED_PMS_HOSTS": "127.0.0.1", **environ}
        return pmsapp("doctor", "--online", "--json", **given)

    return call


def _failed(outcome: Outcome) -> dict[str, tuple[str, str]]:
    items = json.loads(outcome.out)["items"]
    return {item["name"]: (item["message"], item["hint"] or "") for item in items if item["state"] == "fail"}


def test_a_sound_installation_that_runs_ends_with_0(machine: Machine, doctor: Callable[..., Outcome]) -> None:
    found = doctor()
    assert (_failed(found), found.code) == ({}, 0)


def _key_missing(machine: Machine) -> None:
    (machine.folder / "encryption_keys").unlink()


def _wrong_owner(machine: Machine) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give a file away")
    os.chown(machine.folder / "secret_key", 65534, 65534)


def _wrong_mode(machine: Machine) -> None:
    (machine.folder / "pmsapp.sqlite3").chmod(0o644)


def _nothing_runs(machine: Machine) -> None:
    for path in (machine.folder / "running").glob("*.json"):
        path.unlink()
    machine.clock.advance(minutes=10)


def _worker_dead(machine: Machine) -> None:
    machine.clock.advance(minutes=10)
    process_heartbeats.beat(process_heartbeats.SCHEDULER)


def _redis_dead(machine: Machine) -> None:
    (machine.folder / "redis").mkdir(mode=0o700)
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(machine.folder / "redis" / "redis.sock"))


def _tables(version: str) -> Callable[[Machine], None]:
    def change(machine: Machine) -> None:
        with writing() as session:
            session.execute(text("update alembic_version set version_num = :v"), {"v": version})

    return change


def _clock_behind(machine: Machine) -> None:
    with writing() as session:
        audit.record(session, COMMAND_LINE, "test.happened")
    machine.clock.advance(hours=-1)
    _beat()


def _web(settings: Settings, headers: dict[str, str]) -> int:
    app = create_app(settings)
    status = app.test_client().get("/login", headers=headers).status_code
    with app.app_context():
        db.engine.dispose()
    return status


def _proxy_not_declared(machine: Machine) -> None:
    _web(
        machine.app.extensions["pmsapp_settings"],
        {"X-Forwarded-For": "203.0.113.7", "X-Forwarded-Proto": "https"},
    )


def _host_not_allowed(machine: Machine) -> None:
    status = _web(machine.app.extensions["pmsapp_settings"], {"Host": "runsheet.clinic.example"})
    assert status == 400


def _older_process(machine: Machine) -> None:
    (told,) = (machine.folder / "running").glob("worker-*.json")
    told.write_text(told.read_text().replace('"version": "', '"version": "0.0.'))


def _other_keys(machine: Machine) -> None:
    (told,) = (machine.folder / "running").glob("worker-*.json")
    told.write_text(told.read_text().replace('"keys": ["', '"keys": ["not'))


def _needs_a_person(machine: Machine) -> None:
    with writing() as session:
        session.execute(
            text(
                "update pms_connections set sync_enabled = true, state = 'needs_you', last_error_code = 'AUTH-REFUSED'"
            )
        )


@pytest.mark.parametrize(
    ("broken", "name", "word", "command"),
    [
        (_key_missing, "keys", "encryption_keys is missing", "pmsapp keys add --lost"),
        (_wrong_owner, "folder", "secret_key belongs to nobody, not to root", "chown -R root:"),
        (_wrong_mode, "folder", "is open to other users (644)", "chmod 600"),
        (_nothing_runs, "web", "no web server runs on this machine", "systemctl start pmsapp"),
        (_nothing_runs, "processes", "nothing of pmsapp runs", "systemctl start pmsapp"),
        (_nothing_runs, "scheduler", "the scheduler was last seen", "systemctl start pmsapp"),
        (_worker_dead, "worker", "the worker was last seen", "systemctl restart pmsapp"),
        (_redis_dead, "queue", "the queue server does not answer", "systemctl restart pmsapp"),
        (_tables("0003"), "tables", "0003", "pmsapp db upgrade"),
        (_tables("9999"), "tables", "of a newer pmsapp", "Install the pmsapp that made them"),
        (_clock_behind, "clock", "lies in the past", "timedatectl set-ntp true"),
        (_proxy_not_declared, "proxy", "a proxy that is not declared", "PMSAPP_TRUSTED_PROXIES=1"),
        (
            _host_not_allowed,
            "hosts",
            "runsheet.clinic.example",
            "PMSAPP_TRUSTED_HOSTS=runsheet.clinic.example",
        ),
        (_older_process, "processes", "the worker runs version 0.0.", "systemctl restart pmsapp"),
        (_other_keys, "processes", "started with other keys", "systemctl restart pmsapp"),
        (_needs_a_person, "connections", "Gentu waits for a person", "Open Integrations"),
    ],
)
def test_what_is_broken_is_named_with_its_command(
    machine: Machine,
    doctor: Callable[..., Outcome],
    broken: Callable[[Machine], None],
    name: str,
    word: str,
    command: str,
) -> None:
    broken(machine)
    found = doctor(PMSAPP_PORT="1")
    assert found.code == 1
    message, hint = _failed(found)[name]
    assert word in message
    assert command in hint


def test_a_port_taken_by_another_program_is_named(machine: Machine, doctor: Callable[..., Outcome]) -> None:
    _nothing_runs(machine)
    found = doctor(PMSAPP_PORT=str(machine.port))
    assert found.code == 1
    assert f"port {machine.port} is taken by another program" in _failed(found)["web"][0]
    assert "PMSAPP_PORT" in _failed(found)["web"][1]


def test_a_web_server_that_hangs_is_named(
    machine: Machine, doctor: Callable[..., Outcome], server: HTTPServer
) -> None:
    (told,) = (machine.folder / "running").glob("web-*.json")
    told.write_text(told.read_text().replace(str(machine.port), "1"))
    assert "does not answer" in _failed(doctor())["web"][0]


def test_a_disk_that_is_nearly_full_is_named(
    machine: Machine, doctor: Callable[..., Outcome], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(disk, "free_bytes", lambda: 10**8)
    found = doctor()
    assert (found.code, _failed(found)["disk"][0]) == (1, "the disk is nearly full, 100 MB free")
    assert "du -xh" in _failed(found)["disk"][1]


def test_a_vendor_that_cannot_be_reached_is_named(machine: Machine, doctor: Callable[..., Outcome]) -> None:
    found = doctor(PMSAPP_GENTU_BASE_URL="http://127.0.0.1:1")
    assert found.code == 1
    message, hint = _failed(found)["vendors"]
    assert message == "Gentu cannot be reached (ConnectionError)"
    assert "curl -I http://127.0.0.1:1" in hint


@pytest.mark.parametrize(("minutes", "words"), [(5, "300 s behind"), (-5, "300 s ahead of")])
def test_a_clock_that_differs_from_the_vendors_is_named(
    machine: Machine,
    doctor: Callable[..., Outcome],
    monkeypatch: pytest.MonkeyPatch,
    minutes: int,
    words: str,
) -> None:
    def theirs(self: object, timestamp: float | None = None) -> str:
        at = clock.now() + timedelta(minutes=minutes)
        return f"{at:%a, %d %b %Y %H:%M:%S} GMT"

    monkeypatch.setattr(_Answers, "date_time_string", theirs)
    found = doctor()
    assert (found.code, _failed(found)["vendors"]) == (
        1,
        (f"this clock is {words} that of Gentu", "Set the clock by the network: timedatectl set-ntp true"),
    )
