"""Patients who need not be asked for, and patients who cannot be read."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask

from pmsapp.adapters.registry import get_info
from pmsapp.domain.runsheet import Card
from pmsapp.models import RunSheetEvent
from pmsapp.sandbox.server import SandboxServer
from pmsapp.services.editing import decisions, overrides
from tests.support.actors import browser_for, program_for
from tests.support.connecting import count
from tests.support.synced_clinic import SyncedClinic
from tests.vendors.clinics import ADMIN, VENDORS, ConnectedClinic

DETAILS = ("patient_name", "patient_dob", "patient_phone", "patient_email")


@pytest.fixture
def medirecords(app: Flask, sandbox: SandboxServer) -> SyncedClinic:
    """The vendor that has to be asked for each patient, with a book of our own for today: 5 of 60 at a distance."""
    clinic = SyncedClinic(app, sandbox, "medirecords")
    clinic.map_everybody()
    book = sandbox.clinic
    book.empty_day(clinic.today)
    people = [patient.key for patient in book.patients()[:60]]
    first = datetime.combine(clinic.today, datetime.min.time(), book.zone) + timedelta(hours=8)
    for number, patient in enumerate(people):
        kind = "telehealth" if number % 12 == 0 else "standard"
        book.book("odwyer", kind, first + timedelta(minutes=10 * number), patient)
    sandbox.requests.clear()
    return clinic


def asked(clinic: SyncedClinic) -> int:
    """How many patients were asked for since the last look."""
    number = clinic.sandbox.requests.count("medirecords", "patient")
    clinic.sandbox.requests.clear()
    return number


def test_a_day_with_five_telehealth_of_sixty_asks_for_five_patients(medirecords: SyncedClinic) -> None:
    run = medirecords.sync(medirecords.today)
    assert run.counts["fetched"] == 60
    assert (run.counts["created"], run.counts["skipped"]) == (5, 55)
    assert asked(medirecords) == 5
    assert all(card.patient_name for card in medirecords.sheet().cards)


def test_who_has_a_card_is_asked_for_also_when_it_would_not_be_shown(medirecords: SyncedClinic) -> None:
    medirecords.sync(medirecords.today)
    asked(medirecords)
    card = medirecords.sheet().cards[0]
    assert card.pms_appointment_id is not None
    medirecords.sandbox.clinic.change_type(card.pms_appointment_id, "standard")
    medirecords.sync(medirecords.today)
    assert asked(medirecords) == 5


def test_a_preview_asks_for_no_more(medirecords: SyncedClinic) -> None:
    medirecords.sync(medirecords.today, dry_run=True)
    assert asked(medirecords) == 5


@pytest.fixture
def clinic(vendor: str, app: Flask, sandbox: SandboxServer) -> ConnectedClinic:
    clinic = ConnectedClinic(app, sandbox, vendor)
    clinic.match_everybody()
    return clinic


def hide_patient(clinic: SyncedClinic, patient_id: str) -> None:
    """From now on the vendor does not say who this is: not in the list, and by id they are gone."""
    clinic.sandbox.faults.set("not_found", vendor=clinic.vendor, endpoint="patient", patient=patient_id)
    if get_info(clinic.vendor).capabilities.includes_patients:
        clinic.sandbox.faults.set("patient_left_out", vendor=clinic.vendor, patient=patient_id)


def a_patient(clinic: SyncedClinic) -> str:
    """Somebody with a phone who will be on today's sheet."""
    return next(
        row.patient_id
        for row in clinic.truth()
        if row.appointment_status != "cancelled" and row.is_telehealth is not False and row.patient_phone
    )


def cards_of(clinic: SyncedClinic, patient_id: str) -> list[Card]:
    return [card for card in clinic.sheet().cards if card.pms_patient_id == patient_id]


def details(card: Card) -> list[Any]:
    return [getattr(card, name) for name in DETAILS]


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_patient_who_cannot_be_read_any_more_keeps_the_card_as_it_was(clinic: SyncedClinic) -> None:
    clinic.sync(clinic.today)
    patient = a_patient(clinic)
    edited = overrides.edit_card(cards_of(clinic, patient)[0].id, {"patient_phone": "+61491570110"}, ADMIN)
    before, version, events = clinic.sheet().cards, clinic.sheet().version, count(RunSheetEvent)
    hide_patient(clinic, patient)
    for _ in range(3):
        run = clinic.sync(clinic.today)
        assert (run.status, run.counts["updated"], run.counts["created"]) == ("success", 0, 0)
    assert [details(card) for card in clinic.sheet().cards] == [details(card) for card in before]
    assert cards_of(clinic, patient)[0].edited == edited.edited
    assert (clinic.sheet().version, count(RunSheetEvent)) == (version, events)
    assert [decision.kind for decision in decisions.list_open() if decision.kind == "field_conflict"] == []


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_new_card_of_an_unread_patient_says_so_until_the_name_is_there(
    clinic: SyncedClinic, app: Flask
) -> None:
    patient = a_patient(clinic)
    hide_patient(clinic, patient)
    first = clinic.sync(clinic.today)
    assert first.status == "success"
    assert {card.patient_name for card in cards_of(clinic, patient)} == {None}
    assert clinic.sync(clinic.today).counts["updated"] == 0
    _says_name_unavailable(clinic, app, patient)
    clinic.sandbox.faults.clear()
    clinic.sync(clinic.today)
    truth = next(row for row in clinic.truth() if row.patient_id == patient)
    assert {card.patient_name for card in cards_of(clinic, patient)} == {truth.patient_name}


def _says_name_unavailable(clinic: SyncedClinic, app: Flask, patient: str) -> None:
    card = cards_of(clinic, patient)[0]
    reception = browser_for(app, "reception")
    assert "Name unavailable" in reception.get(f"/sheet/{clinic.today}").text
    assert "Name unavailable" in reception.get(f"/cards/{card.id}").text
    seen = program_for(app, "reception").get(f"/api/run-sheet/appointments/{card.id}")
    assert seen.json["patient_name"] is None


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_run_tells_why_names_are_missing(clinic: SyncedClinic, app: Flask) -> None:
    hide_patient(clinic, a_patient(clinic))
    run = clinic.sync(clinic.today)
    assert run.note is not None
    assert "names are shown as unavailable" in run.note
    page = browser_for(app).get(f"/integrations/{clinic.connection_id}/history/{run.id}")
    assert run.note in page.text


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_status_nobody_knows_counts_as_booked_and_shows_the_word(clinic: SyncedClinic, app: Flask) -> None:
    clinic.sandbox.faults.set("unknown_status", vendor=clinic.vendor, word="teleported", count=0)
    clinic.sync(clinic.today)
    cards = clinic.sheet().cards
    assert cards
    assert {card.appointment_status for card in cards} == {"booked"}
    assert {card.unknown_status for card in cards} == {"teleported"}
    assert "Status there: teleported" in browser_for(app, "reception").get(f"/sheet/{clinic.today}").text
    clinic.sandbox.faults.clear()
    clinic.sync(clinic.today)
    assert {card.unknown_status for card in clinic.sheet().cards} == {None}
    assert "Status there" not in browser_for(app, "reception").get(f"/sheet/{clinic.today}").text


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_patient_who_has_died_is_marked_before_anybody_rings(clinic: SyncedClinic, app: Flask) -> None:
    start = datetime.combine(clinic.today, datetime.min.time(), clinic.sandbox.clinic.zone)
    clinic.sandbox.clinic.book("odwyer", "telehealth", start + timedelta(hours=19), "died")
    clinic.sync(clinic.today)
    marked = [card for card in clinic.sheet().cards if card.patient_has_died]
    assert {card.patient_name for card in marked} == {"Percy Coolibah"}
    page = browser_for(app, "reception").get(f"/sheet/{clinic.today}?view=columns").text
    assert page.count("Recorded as deceased") == len(marked)
