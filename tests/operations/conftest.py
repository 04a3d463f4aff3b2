"""A clinic on the sandbox whose runs real processes do: the same database, a queue server, the real clock."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import pytest
from flask import Flask

from pmsapp import clock
from pmsapp.sandbox.server import SandboxServer
from pmsapp.services.clinic import clinic as clinic_service
from pmsapp.settings import Settings
from pmsapp.supervisor.redis import EmbeddedRedis, find_program
from tests.support import postgres
from tests.support.elsewhere import Elsewhere, Ended
from tests.support.installation import Installation
from tests.support.synced_clinic import SyncedClinic


@pytest.fixture
def sandbox() -> Iterator[SandboxServer]:
    with SandboxServer(now=clock.now, paired=True, vendors=("gentu",)) as server:
        yield server


@pytest.fixture
def settings(make_settings: Callable[..., Settings], sandbox: SandboxServer) -> Settings:
    return make_settings(vendors={"GENTU": {"base_url": sandbox.gentu_base}}, lookahead_days=0)


@pytest.fixture
def clinic(app: Flask, sandbox: SandboxServer) -> SyncedClinic:
    """Everybody mapped, open round the clock."""
    clinic_service.ensure(hours=clinic_service.ALWAYS_OPEN)
    made = SyncedClinic(app, sandbox)
    made.map_everybody()
    return made


@pytest.fixture
def redis_server(settings: Settings) -> Iterator[EmbeddedRedis]:
    """A running queue server in this test's instance folder."""
    server = EmbeddedRedis(settings, find_program())
    server.start(os.environ)
    yield server
    server.stop()


@pytest.fixture
def environ(settings: Settings, sandbox: SandboxServer) -> dict[str, str]:
    """What processes of this test's installation are told."""
    return {
        "PMSAPP_GENTU_BASE_URL": sandbox.gentu_base,
        "PMSAPP_ALLOWED_PMS_HOSTS": "127.0.0.1",
        "PMSAPP_LOOKAHEAD_DAYS": "0",
        **postgres.address_of(settings),
    }


@pytest.fixture
def worker(
    clinic: SyncedClinic, redis_server: EmbeddedRedis, settings: Settings, environ: dict[str, str]
) -> Iterator[Installation]:
    """A real worker process, ready for work."""
    installation = Installation(settings.instance_dir, "worker", **environ)
    try:
        installation.wait_for("worker started")
        yield installation
    finally:
        if installation.process.poll() is None:
            installation.kill()


@pytest.fixture
def run_elsewhere(elsewhere: Elsewhere, settings: Settings, environ: dict[str, str]) -> Callable[..., Ended]:
    """`run_elsewhere(run_id, PMS_FAILPOINT=...)`: do a run in a process of its own and wait for that."""
    return lambda run_id, **more: elsewhere.run(settings, run_id, **environ, **more)
