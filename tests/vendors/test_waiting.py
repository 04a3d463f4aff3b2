"""A vendor that says when to come back is not asked before, by anybody; then it goes on by itself."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from redis import Redis
from sqlalchemy import delete

from pmsapp import clock
from pmsapp.domain.errors import RetryLaterError
from pmsapp.factory import create_app
from pmsapp.jobs.scheduler import Scheduler
from pmsapp.models import VendorBlock
from pmsapp.sandbox.server import SandboxServer
from pmsapp.services.base.transaction import writing
from pmsapp.services.connections import connections
from pmsapp.services.runs import history as run_history
from pmsapp.services.runs import requests as run_requests
from pmsapp.services.sync import execute
from pmsapp.services.vendors import adapters as vendor_adapters
from pmsapp.settings import Settings, load_settings
from pmsapp.supervisor.redis import EmbeddedRedis, find_program
from tests.support.actors import program_for
from tests.support.clock import FrozenClock
from tests.vendors.clinics import ADMIN, VENDORS, ConnectedClinic, vendors_at

WAIT_S = 90


class TestTwoProcesses:
    """Real processes, a real queue server, real time: nobody waits for it to pass."""

    @pytest.fixture
    def sandbox(self) -> Iterator[SandboxServer]:
        with SandboxServer(vendors=("halaxy",)) as server:
            yield server

    @pytest.fixture
    def settings(self, make_settings: Callable[..., Settings], sandbox: SandboxServer) -> Settings:
        return make_settings(vendors=vendors_at(sandbox))

    @pytest.fixture
    def redis(self, settings: Settings) -> Iterator[Redis]:
        server = EmbeddedRedis(settings, find_program())
        server.start(os.environ)
        with Redis(unix_socket_path=str(server.socket)) as client:
            yield client
        server.stop()

    def test_neither_asks_the_host_again_before_the_time_it_named(
        self, redis: Redis, app: Flask, sandbox: SandboxServer, settings: Settings
    ) -> None:
        clinic = ConnectedClinic(app, sandbox, "halaxy")
        clinic.match_everybody()
        sandbox.faults.set("rate_limited", endpoint="appointments", retry_after=str(WAIT_S))
        sandbox.requests.clear()
        assert clinic.sync(clinic.today).error == ("RATE-WAIT", "Halaxy asked us to wait")
        assert sandbox.requests.count("halaxy", "appointments") == 1
        sandbox.faults.clear()
        asked = sandbox.requests.count()
        (key,) = redis.keys("pmsapp:rate_limit:block:*")
        assert WAIT_S - 60 < redis.pttl(key) / 1000 <= WAIT_S
        told = _in_another_process(settings, sandbox, clinic.connection_id)
        assert told[0] == "RATE-WAIT"
        assert 0 < told[1] <= WAIT_S
        with pytest.raises(RetryLaterError):
            _ask(clinic.connection_id)
        assert sandbox.requests.count() == asked, "nobody asked"
        redis.delete(key)
        with pytest.raises(RetryLaterError):
            _ask(clinic.connection_id)
        forget_blocks()
        vendor_adapters.rate_limit_store.cache_clear()
        assert _ask(clinic.connection_id)

    def test_without_a_queue_server_neither_asks_either(
        self, app: Flask, sandbox: SandboxServer, settings: Settings
    ) -> None:
        clinic = ConnectedClinic(app, sandbox, "halaxy")
        clinic.match_everybody()
        sandbox.faults.set("rate_limited", endpoint="appointments", retry_after=str(WAIT_S))
        assert clinic.sync(clinic.today).error == ("RATE-WAIT", "Halaxy asked us to wait")
        sandbox.faults.clear()
        asked = sandbox.requests.count()
        told = _in_another_process(settings, sandbox, clinic.connection_id)
        assert told[0] == "RATE-WAIT"
        assert 0 < told[1] <= WAIT_S
        assert sandbox.requests.count() == asked, "nobody asked"


def forget_blocks() -> None:
    """As if the time had passed, for whoever looks into the database."""
    with writing() as session:
        session.execute(delete(VendorBlock))


def _ask(connection_id: int) -> int:
    adapter = vendor_adapters.adapter_for(connection_id)
    with closing(adapter.client):
        return len(adapter.list_practitioners())


def _in_another_process(settings: Settings, sandbox: SandboxServer, connection_id: int) -> tuple[str, float]:
    """What another process is told when it asks the same vendor: a code, and for how many seconds."""
    spawn = multiprocessing.get_context("spawn")
    answers: Any = spawn.Queue()
    args = (settings.instance_dir, sandbox.base("halaxy"), connection_id, answers)
    process = spawn.Process(target=_ask_and_tell, args=args)
    process.start()
    told: tuple[str, float] = answers.get(timeout=240)
    process.join(60)
    return told


def _ask_and_tell(instance: Path, base_url: str, connection_id: int, answers: Any) -> None:
    settings = load_settings(
        {"PMSAPP_HALAXY_BASE_URL": base_url, "PMSAPP_ALLOWED_PMS_HOSTS": "127.0.0.1"}, instance_dir=instance
    )
    with create_app(settings).app_context():
        try:
            answers.put(("asked", float(_ask(connection_id))))
        except RetryLaterError as error:
            wait = (error.retry_at - clock.now()).total_seconds() if error.retry_at else 0.0
            answers.put((error.code, wait))


@pytest.fixture
def waiting(vendor: str, app: Flask, sandbox: SandboxServer) -> ConnectedClinic:
    """A connection in use whose vendor has just said: come back in ninety seconds."""
    clinic = ConnectedClinic(app, sandbox, vendor)
    clinic.match_everybody()
    clinic.start()
    sandbox.faults.set("rate_limited", vendor=vendor, endpoint="appointments", retry_after=str(WAIT_S))
    assert clinic.sync().status == "failed"
    sandbox.faults.clear()
    sandbox.requests.clear()
    return clinic


@pytest.mark.parametrize("vendor", VENDORS)
def test_the_run_ends_and_says_when_it_goes_on(waiting: ConnectedClinic, app: Flask) -> None:
    view = connections.get_connection(waiting.connection_id)
    ready_at = clock.now() + timedelta(seconds=WAIT_S)
    assert view.state == "retrying"
    assert view.last_sync_error is not None
    assert view.last_sync_error.code == "RATE-WAIT"
    assert view.next_sync_at == ready_at
    asked = run_requests.request_run(waiting.connection_id, trigger="manual", actor=ADMIN)
    assert (asked.created, asked.not_before) == (True, ready_at)
    execute.execute_run(asked.sync_id)
    assert run_history.get_run(waiting.connection_id, asked.sync_id).status == "queued"
    again = program_for(app).send("POST", f"/api/pms/connections/{waiting.connection_id}/sync", json={})
    assert (again.status_code, again.json["created"]) == (202, False)
    assert again.json["not_before"].startswith("2026-11-23T09:01:30")
    assert waiting.sandbox.requests.count() == 0


@pytest.mark.parametrize("vendor", VENDORS)
def test_it_goes_on_by_itself_at_that_time(
    waiting: ConnectedClinic, app: Flask, frozen_clock: FrozenClock
) -> None:
    scheduler = Scheduler(app)
    frozen_clock.advance(seconds=WAIT_S - 1)
    _tick(scheduler)
    assert waiting.sandbox.requests.count() == 0
    frozen_clock.advance(seconds=2)
    _tick(scheduler)
    view = connections.get_connection(waiting.connection_id)
    assert (view.state, view.last_sync_status, view.last_sync_error) == ("ok", "success", None)
    assert run_history.list_runs(waiting.connection_id).current is None


def _tick(scheduler: Scheduler) -> None:
    """What the scheduler does when it looks: without a queue server it does the run itself."""
    scheduler.tick()
    assert scheduler.wait_for_own_run(60)
