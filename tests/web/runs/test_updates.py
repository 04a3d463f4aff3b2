"""Sync now for the whole sheet: what follows a press until the last answer, which asks for nothing more."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask

from pmsapp.sandbox.server import SandboxServer
from pmsapp.services.runs import history as run_history
from pmsapp.services.sync import execute
from pmsapp.settings import Settings
from tests.support import actors
from tests.support.actors import Browser
from tests.support.clock import FrozenClock
from tests.support.sandboxes import Sandboxes
from tests.support.synced_clinic import SyncedClinic

HTMX = {"HX-Request": "true"}


@pytest.fixture
def sandbox(sandboxes: Sandboxes, frozen_clock: FrozenClock) -> SandboxServer:
    return sandboxes.lend(paired=True)


@pytest.fixture
def settings(make_settings: Callable[..., Settings], sandbox: SandboxServer) -> Settings:
    return make_settings(vendors={"GENTU": {"base_url": sandbox.gentu_base}}, lookahead_days=0)


@pytest.fixture
def clinic(app: Flask, sandbox: SandboxServer) -> SyncedClinic:
    made = SyncedClinic(app, sandbox)
    made.map_everybody()
    return made


@pytest.fixture
def mel(app: Flask, clinic: SyncedClinic) -> Browser:
    return actors.browser_for(app, "reception")


def follow(mel: Browser, clinic: SyncedClinic, run_id: int) -> str:
    answer = mel.get(f"/sync/run?run={clinic.connection_id}.{run_id}", headers=HTMX)
    assert answer.status_code == 200
    return str(answer.text)


def test_a_press_is_followed_until_its_result_and_no_further(mel: Browser, clinic: SyncedClinic) -> None:
    pressed = mel.post("/sync", headers=HTMX)
    assert pressed.status_code == 202
    (run,) = run_history.list_runs(clinic.connection_id).items
    assert f'hx-get="/sync/run?run={clinic.connection_id}.{run.id}"' in pressed.text
    assert "hx-get" in follow(mel, clinic, run.id)
    execute.execute_run(run.id)
    last = follow(mel, clinic, run.id)
    assert "Updated: " in last
    assert 'hx-trigger="every 1s"' not in last


def test_a_run_whose_connection_was_removed_meanwhile_ends_the_following(
    app: Flask, mel: Browser, clinic: SyncedClinic
) -> None:
    mel.post("/sync", headers=HTMX)
    (run,) = run_history.list_runs(clinic.connection_id).items
    path = f"/api/pms/connections/{clinic.connection_id}"
    assert actors.browser_for(app, "admin").delete(path).status_code in (200, 204)
    last = follow(mel, clinic, run.id)
    assert "its connection was removed" in last
    assert 'hx-trigger="every 1s"' not in last
