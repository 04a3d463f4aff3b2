"""A sync, end to end: real HTTP to the sandbox, real SQLite."""

from __future__ import annotations

import pytest
from flask import Flask

from pmsapp.sandbox.server import SandboxServer
from pmsapp.settings import Settings
from tests.support.clock import FrozenClock
from tests.support.sandboxes import Sandboxes
from tests.support.synced_clinic import SyncedClinic, same


@pytest.fixture
def sandbox(sandboxes: Sandboxes, frozen_clock: FrozenClock) -> SandboxServer:
    return sandboxes.lend(paired=True)


@pytest.fixture
def settings(make_settings: object, sandbox: SandboxServer) -> Settings:
    return make_settings(  # type: ignore[operator]
        vendors={"GENTU": {"base_url": sandbox.gentu_base, "requests_per_minute": 6000, "concurrency": 4}}
    )


@pytest.fixture
def clinic(app: Flask, sandbox: SandboxServer) -> SyncedClinic:
    clinic = SyncedClinic(app, sandbox)
    clinic.map_everybody()
    return clinic


def identity_holds(counts: dict[str, int]) -> bool:
    parts = ("created", "updated", "unchanged", "skipped", "failed")
    return counts["fetched"] == sum(counts[name] for name in parts)


def test_the_first_sync_fills_the_sheet_with_the_truth(clinic: SyncedClinic) -> None:
    run = clinic.sync()
    assert (run.status, run.error) == ("success", None)
    assert identity_holds(run.counts)
    shown = [row for row in clinic.truth() if row.appointment_status != "cancelled"]
    assert len(clinic.sheet().cards) == len(shown) > 20
    cards = clinic.all_cards()
    for row in shown:
        assert same(clinic.card_of(row, cards), row) == {}


def test_a_second_sync_writes_nothing(clinic: SyncedClinic) -> None:
    first = clinic.sync()
    version = clinic.sheet().version
    second = clinic.sync()
    assert second.counts["created"] == second.counts["updated"] == 0
    assert second.counts["unchanged"] == first.counts["created"]
    assert clinic.sheet().version == version
