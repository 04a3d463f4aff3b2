"""The clinics of every seed, their vendors connected the way people connect them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pmsapp.sandbox.server import SandboxServer
from pmsapp.services.matching import live_lists
from pmsapp.settings import Settings
from tests.support.clock import FrozenClock
from tests.support.sandboxes import Sandboxes
from tests.vendors.clinics import vendors_at

FIRST_SEED = 1


@pytest.fixture
def seed() -> int:
    """Which clinic; parametrize to have another."""
    return FIRST_SEED


@pytest.fixture
def sandbox(
    seed: int,
    sandboxes: Sandboxes,
    frozen_clock: FrozenClock,
    monkeypatch: pytest.MonkeyPatch,
) -> SandboxServer:
    """That clinic on a Monday morning. Appointments ahead are not counted: fourteen days take their time."""
    monkeypatch.setattr(live_lists, "UPCOMING_S", 0.0)
    return sandboxes.lend(seed=seed)


@pytest.fixture
def settings(make_settings: Callable[..., Settings], sandbox: SandboxServer) -> Settings:
    return make_settings(vendors=vendors_at(sandbox))
