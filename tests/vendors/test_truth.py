"""Ten made-up clinics at each vendor: every telehealth card is on the run sheet, and right in every field.

Their patients' phones and addresses hold what front desks write there; then a file is merged and a visit booked anew.
"""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from typing import Any

import pytest
from flask import Flask

from pmsapp.domain.runsheet import Sheet
from pmsapp.sandbox.clinic.truth import TruthRow
from pmsapp.sandbox.server import SandboxServer
from pmsapp.services.editing import decisions, overrides
from tests.support.actors import Program, program_for
from tests.vendors.clinics import ADMIN, VENDORS, ConnectedClinic, expected_card, shown_card

SEEDS = range(1, 11)
# What front desks write into a phone or e-mail field.
FREE_TEXTS = (
    ("Mum 0491 570 156 after 3pm", "lee@example.com; mum@example.com"),
    ("0491 570 156 (Axel)", "lee@example.com, mum@example.com"),
    ("0491 570 156 / 0491 570 157", "A Name <lee@example.com>"),
    ("03 7010 1234 ext 12", "No Email"),
    ("(03) 7010 1234 #12", "Lee@Example.com"),
    ("0491 570 15", "lee@@example.com"),
    ("Dad 0491570157, not Mum", "mum’s: lee@example.com"),
    ("0011 44 20 7946 0123", "-"),
)
# What is reception's own on a card that nobody has worked on.
UNTOUCHED = {
    "state_since": None,
    "attempts": [],
    "identity_check": None,
    "cancelled": None,
    "acknowledged_at": None,
    "acknowledged_by": None,
    "removed": None,
    "moved_from": None,
    "claimed": None,
    "changed_since_seen": False,
}
Cards = dict[tuple[str, str], dict[str, object]]


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("vendor", VENDORS)
def test_the_run_sheet_is_the_truth(vendor: str, seed: int, app: Flask, sandbox: SandboxServer) -> None:
    clinic = ConnectedClinic(app, sandbox, vendor)
    clinic.match_everybody()
    clinic.choose_types()
    write_freely(clinic)
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
    check_a_merged_file_and_a_visit_booked_anew(clinic)


def check_a_merged_file_and_a_visit_booked_anew(clinic: ConnectedClinic) -> None:
    """The sheet is the truth after both, nobody's notes are lost, and the two cards of a visit know each other."""
    reception = clinic.sandbox.clinic
    merged, moved = two_visits(clinic)
    old = clinic.card_of(moved)
    overrides.edit_card(clinic.card_of(merged).id, {"notes": "Rang twice"}, ADMIN)
    reception.act("merge_patient", patient=merged.patient_id)
    _, booked = reception.act("book_anew", appointment=moved.appointment_id, at="16:40")
    clinic.sync()
    for question in decisions.list_open():
        if question.kind == "patient_changed":
            decisions.decide(question.id, "same", ADMIN)
    wanted = {
        key: expected_card(clinic, row) | NOT_OF_THE_VENDOR
        for key, row in clinic.should_show(clinic.today).items()
    }
    sheet = clinic.sheet()
    found = {
        key: card | NOT_OF_THE_VENDOR
        for key, card in _of_sheet(sheet).items()
        if card["presence"] == "on_sheet"
    }
    assert found == wanted
    cards = [card for card in sheet.cards if card.presence == "on_sheet"]
    assert [card.pms_appointment_id for card in cards if card.notes] == [merged.appointment_id]
    new = next(card for card in cards if card.pms_appointment_id == booked.ids[clinic.vendor])
    assert new.rebooked_from is not None
    assert (new.rebooked_from.card_id, new.rebooked_from.start_at) == (old.id, old.start_at)


# What staff write, and how often a card was written.
NOT_OF_THE_VENDOR = {"notes": None, "row_version": 1}


def write_freely(clinic: ConnectedClinic) -> None:
    """Write what cannot be read as one number or one address into the files of patients of today."""
    patients = dict.fromkeys(row.patient_id for row in clinic.should_show(clinic.today).values())
    assert len(patients) >= len(FREE_TEXTS)
    for patient_id, (phone, email) in zip(patients, FREE_TEXTS, strict=False):
        clinic.sandbox.clinic.act("edit_patient", patient=patient_id, phone=phone, email=email)


def two_visits(clinic: ConnectedClinic) -> tuple[TruthRow, TruthRow]:
    """Two of today's visits of one patient each, who have no other visit that day and a known birth date."""
    shown = list(clinic.should_show(clinic.today).values())
    alone = Counter(row.appointment_id for row in shown)
    once = Counter(row.patient_id for row in clinic.truth())
    fit = [
        row
        for row in shown
        if alone[row.appointment_id] == once[row.patient_id] == 1
        and row.patient_dob
        and row.practitioner_id
        and _shows_when_booked_anew(clinic, row)
    ]
    return fit[0], fit[1]


def _shows_when_booked_anew(clinic: ConnectedClinic, row: TruthRow) -> bool:
    """One patient alone, and a type of video or phone: booked anew, a visit takes its place from its type."""
    book = clinic.sandbox.clinic
    found = book.find_appointment(clinic.vendor, row.appointment_id)
    if found is None or len(found[0].patient_keys) != 1 or found[0].type_key is None:
        return False
    return book.appointment_type(found[0].type_key).telehealth


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
    columns = [(clinician["name"], clinician["appointments"]) for clinician in answer.json["clinicians"]]
    columns.append((None, answer.json["unassigned"]))
    not_compared = {"id", "clinician_id", "pms_last_synced_at", "rebooked", "similar_names", "also_with"}
    assert [
        card["id"]
        for _, cards in columns
        for card in cards
        if {key: card[key] for key in UNTOUCHED} != UNTOUCHED
    ] == []
    not_compared |= set(UNTOUCHED)
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
