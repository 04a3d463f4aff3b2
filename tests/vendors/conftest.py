"""One sandbox per made-up clinic for the whole test process, as just started in every test."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from pmsapp import clock
from pmsapp.sandbox.server import SandboxServer
from pmsapp.services.matching import live_lists
from pmsapp.settings import Settings
from tests.support.clock import FrozenClock
from tests.vendors.clinics import vendors_at

FIRST_SEED = 1


@pytest.fixture(scope="session")
def sandboxes() -> Iterator[Callable[[int], SandboxServer]]:
    """`sandboxes(seed)`: all three vendors of that clinic; made on first use."""
    servers: dict[int, SandboxServer] = {}

    def get(seed: int) -> SandboxServer:
        if seed not in servers:
            servers[seed] = SandboxServer(now=lambda: clock.now(), seed=seed).start()
        return servers[seed]

    yield get
    for server in servers.values():
        server.stop()


@pytest.fixture
def seed() -> int:
    """Which clinic; parametrize to have another."""
    return FIRST_SEED


@pytest.fixture
def sandbox(
    seed: int,
    sandboxes: Callable[[int], SandboxServer],
    frozen_clock: FrozenClock,
    monkeypatch: pytest.MonkeyPatch,
) -> SandboxServer:
    """That clinic on a Monday morning. Appointments ahead are not counted: fourteen days take their time."""
    monkeypatch.setattr(live_lists, "UPCOMING_S", 0.0)
    server = sandboxes(seed)
    server.sandbox.reset()
    return server


@pytest.fixture
def settings(make_settings: Callable[..., Settings], sandbox: SandboxServer) -> Settings:
    return make_settings(vendors=vendors_at(sandbox))
