"""Ten made-up clinics at each vendor: every telehealth card is on the run sheet, and right in every field."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from flask import Flask

from pmsapp.domain.runsheet import Sheet
from pmsapp.sandbox.server import SandboxServer
from tests.support.actors import Program, program_for
from tests.vendors.clinics import VENDORS, ConnectedClinic, expected_card, shown_card

SEEDS = range(1, 11)
Cards = dict[tuple[str, str], dict[str, object]]


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("vendor", VENDORS)
def test_the_run_sheet_is_the_truth(vendor: str, seed: int, app: Flask, sandbox: SandboxServer) -> None:
    clinic = ConnectedClinic(app, sandbox, vendor)
    clinic.match_everybody()
    clinic.choose_types()
    run = clinic.start()
    assert (run.status, run.error, run.note) == ("success", None, None)
    program = program_for(app)
    total = 0
    for day in (clinic.today, clinic.today + timedelta(days=1)):
        wanted = {key: expected_card(clinic, row) for key, row in clinic.should_show(day).items()}
        assert _of_sheet(clinic.sheet(day)) == wanted
        assert _of_api(program, day) == wanted
        total += len(wanted)
    assert total > 40
    assert run.counts["created"] == total
    assert run.counts["fetched"] == _in_the_book(clinic)


def _in_the_book(clinic: ConnectedClinic) -> int:
    """Pairs and rows without a patient of the two days a run reads."""
    days = (clinic.today, clinic.today + timedelta(days=1))
    truths = [clinic.sandbox.clinic.truth(clinic.vendor, day) for day in days]
    return sum(len(truth.rows) + len(truth.skipped) for truth in truths)


def _of_sheet(sheet: Sheet) -> Cards:
    columns: list[tuple[str | None, Any]] = [(column.name, column.cards) for column in sheet.columns]
    columns.append((None, sheet.unassigned))
    shown = [shown_card(card, name) for name, cards in columns for card in cards]
    return _by_key(shown)


def _of_api(program: Program, day: date) -> Cards:
    answer = program.get(f"/api/run-sheet?date={day.isoformat()}")
    assert answer.status_code == 200
    columns = [(one["name"], one["appointments"]) for one in answer.json["clinicians"]]
    columns.append((None, answer.json["unassigned"]))
    not_compared = {"id", "clinician_id", "pms_last_synced_at"}
    shown = [
        {"column": name, **{key: value for key, value in card.items() if key not in not_compared}}
        for name, cards in columns
        for card in cards
    ]
    return _by_key(shown)


def _by_key(cards: list[dict[str, Any]]) -> Cards:
    found: Cards = {(card["pms_appointment_id"], card["pms_patient_id"]): card for card in cards}
    assert len(found) == len(cards), "one card per appointment and patient"
    return found
