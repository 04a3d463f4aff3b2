"""While the vendor's token call fails, a run asks for a token once, with its repeats, and not again for each list."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask
from sqlalchemy import update

from pmsapp.models import PMSConnection
from pmsapp.sandbox.server import SandboxServer
from pmsapp.services.base.transaction import writing
from pmsapp.settings import Settings
from tests.support.clock import FrozenClock
from tests.support.connecting import vendor_settings
from tests.support.sandboxes import Sandboxes
from tests.support.synced_clinic import SyncedClinic


@pytest.fixture
def sandbox(sandboxes: Sandboxes, frozen_clock: FrozenClock) -> SandboxServer:
    return sandboxes.lend(paired=True)


@pytest.fixture
def settings(make_settings: Callable[..., Settings], sandbox: SandboxServer) -> Settings:
    return make_settings(vendors=vendor_settings(sandbox))


@pytest.mark.parametrize("vendor", ["gentu", "halaxy"])
def test_field_a_failing_token_call_is_made_once_in_a_run_by_hand(
    app: Flask, sandbox: SandboxServer, vendor: str
) -> None:
    clinic = SyncedClinic(app, sandbox, vendor)
    clinic.map_everybody()
    with writing() as session:
        session.execute(update(PMSConnection).values(access_token=None, token_expires_at=None))
    sandbox.faults.set("server_error", vendor=vendor, endpoint="token")
    before = sandbox.requests.count(endpoint="token")
    assert clinic.sync().status == "failed"
    # The first try and its four repeats, fewer where there was no time for them: nothing is begun anew.
    assert 1 < sandbox.requests.count(endpoint="token") - before <= 5
