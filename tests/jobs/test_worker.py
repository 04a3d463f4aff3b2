"""The worker: performs what was enqueued, lets a run end when stopped, and takes its child along when killed."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Iterator

import pytest
from flask import Flask

from pmsapp.domain.actor import COMMAND_LINE
from pmsapp.jobs.queue import open_queue, worker_connection
from pmsapp.jobs.worker import SyncWorker
from pmsapp.sandbox.server import SandboxServer
from pmsapp.services.monitoring import process_heartbeats
from pmsapp.services.runs import history as run_history
from pmsapp.services.runs import requests as run_requests
from pmsapp.settings import Settings
from pmsapp.supervisor.redis import EmbeddedRedis
from tests.support import postgres
from tests.support.connecting import paired_gentu, vendor_settings
from tests.support.installation import Installation, eventually, is_running


@pytest.fixture
def settings(make_settings: Callable[..., Settings], sandbox: SandboxServer) -> Settings:
    return make_settings(vendors=vendor_settings(sandbox))


@pytest.fixture
def connection_id(app: Flask, sandbox: SandboxServer) -> int:
    return paired_gentu(sandbox)


@pytest.fixture
def worker(
    app: Flask, redis_server: EmbeddedRedis, settings: Settings, sandbox: SandboxServer
) -> Iterator[Installation]:
    """A real worker process, ready for work."""
    installation = Installation(
        settings.instance_dir,
        "worker",
        PMSAPP_GENTU_BASE_URL=sandbox.gentu_base,
        PMSAPP_ALLOWED_PMS_HOSTS="127.0.0.1",
        **postgres.address_of(settings),
    )
    try:
        installation.wait_for("worker started")
        yield installation
    finally:
        if installation.process.poll() is None:
            installation.kill()


def _children(pid: int) -> list[int]:
    shown = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, check=False
    )
    return [int(line) for line in shown.stdout.split()]


def _status(connection_id: int, run_id: int) -> str:
    return run_history.get_run(connection_id, run_id).status


def test_a_rung_run_is_performed_in_a_child_and_forgotten_by_the_queue(
    app: Flask, redis_server: EmbeddedRedis, settings: Settings, connection_id: int
) -> None:
    run_id = run_requests.request_run(connection_id, trigger="manual", actor=COMMAND_LINE).sync_id
    connection = worker_connection(settings.queue_url)
    SyncWorker(app, open_queue(connection)).work(burst=True, logging_level="WARNING")
    assert _status(connection_id, run_id) == "success"
    assert not connection.exists(f"rq:job:run-{run_id}")
    assert run_requests.request_run(connection_id, trigger="manual", actor=COMMAND_LINE).created


def test_a_killed_worker_takes_its_child_along(
    worker: Installation, connection_id: int, sandbox: SandboxServer
) -> None:
    sandbox.faults.set("hang", vendor="gentu")
    run_requests.request_run(connection_id, trigger="manual", actor=COMMAND_LINE)
    assert eventually(lambda: bool(_children(worker.process.pid)))
    (child,) = _children(worker.process.pid)
    worker.kill()
    assert eventually(lambda: not is_running(child))


def test_a_stop_lets_the_run_in_progress_end(
    worker: Installation, connection_id: int, sandbox: SandboxServer
) -> None:
    sandbox.faults.set("hang", vendor="gentu")
    run_id = run_requests.request_run(connection_id, trigger="manual", actor=COMMAND_LINE).sync_id
    assert eventually(lambda: _status(connection_id, run_id) == "running")
    worker.process.send_signal(signal.SIGTERM)
    sandbox.faults.clear()
    sandbox.faults.release()
    assert worker.ended() == 0
    assert _status(connection_id, run_id) == "success"


def test_a_worker_waits_for_a_queue_server_that_is_away(
    app: Flask, redis_server: EmbeddedRedis, settings: Settings
) -> None:
    redis_server.stop()
    installation = Installation(settings.instance_dir, "worker", **postgres.address_of(settings))
    installation.wait_for("the worker waits for the queue server")
    redis_server.start(os.environ)
    installation.wait_for("worker started")
    assert eventually(lambda: process_heartbeats.get_beat(process_heartbeats.WORKER) is not None)
    assert installation.stop() == 0
