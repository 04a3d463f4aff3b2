"""The preview of the last step is the first run: one function decides both, and random days of each vendor agree."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from datetime import date, timedelta

import pytest
from flask import Flask

from pmsapp.domain.runsheet import Card
from pmsapp.sandbox.server import SandboxServer
from pmsapp.services.setup import preview
from pmsapp.services.setup.preview import Visit
from pmsapp.settings import Settings
from tests.support.clock import FrozenClock
from tests.support.sandboxes import Sandboxes
from tests.vendors.clinics import VENDORS, ConnectedClinic, vendors_at

# Days of each vendor; the build asks for fifty.
DAYS = int(os.environ.get("PMS_PREVIEW_DAYS") or 12)


@pytest.fixture
def sandbox(sandboxes: Sandboxes, frozen_clock: FrozenClock) -> SandboxServer:
    return sandboxes.lend()


@pytest.fixture
def settings(make_settings: Callable[..., Settings], sandbox: SandboxServer) -> Settings:
    return make_settings(vendors=vendors_at(sandbox))


@pytest.mark.slow
@pytest.mark.parametrize("vendor", VENDORS)
def test_the_preview_equals_the_first_run_on_random_days(
    vendor: str, app: Flask, sandbox: SandboxServer
) -> None:
    clinic = ConnectedClinic(app, sandbox, vendor)
    clinic.match_everybody()
    clinic.choose_types()
    chosen = random.Random(vendor)  # noqa: S311 - days to try, no secret
    for day in chosen.sample([clinic.today + timedelta(days=ahead) for ahead in range(-200, 200)], DAYS):
        promised = clinic.sync(day, dry_run=True)
        assert promised.status == "success"
        shown = _promised(clinic, day)
        clinic.sync(day)
        assert shown == sorted(_standing(card) for card in clinic.sheet(day).cards), f"{vendor}, {day}"


def _promised(clinic: ConnectedClinic, day: date) -> list[tuple[object, ...]]:
    found = preview.latest(clinic.connection_id)
    assert found.is_ready
    visits = dict(found.visits)[day]
    return sorted(_visit(visit) for visit in visits if visit.column is not None)


def _visit(visit: Visit) -> tuple[object, ...]:
    return visit.start_at, visit.patient_name or "", visit.type_name or ""


def _standing(card: Card) -> tuple[object, ...]:
    return card.start_at, card.patient_name or "", card.appointment_type or ""


def test_who_is_left_out_is_named_with_the_reason(app: Flask, sandbox: SandboxServer) -> None:
    clinic = ConnectedClinic(app, sandbox, "gentu")
    clinic.choose_types()
    clinic.sync(clinic.today, dry_run=True)
    visits = dict(preview.latest(clinic.connection_id).visits)[clinic.today]
    waiting = [visit for visit in visits if visit.needs_decision and visit.column is None]
    assert waiting, "nobody is matched: everybody needs a decision"
    assert {visit.reason for visit in waiting} == {"practitioner_undecided"}


def test_a_preview_made_before_the_last_change_is_not_shown(app: Flask, sandbox: SandboxServer) -> None:
    clinic = ConnectedClinic(app, sandbox, "gentu")
    clinic.match_everybody()
    clinic.sync(clinic.today, dry_run=True)
    assert preview.latest(clinic.connection_id).is_ready
    clinic.choose_types()
    assert not preview.latest(clinic.connection_id).is_ready
