"""What is not asked for twice: reference data for hours, who is not due; and when it is asked for all the same."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from pmsapp.domain.actor import COMMAND_LINE
from pmsapp.domain.runsheet import Card
from pmsapp.models import PatientRead, PMSClinicianMapping, VendorReference
from pmsapp.sandbox.server import SandboxServer
from pmsapp.services.base.transaction import reading, writing
from pmsapp.services.editing import decisions
from pmsapp.services.sheet import days
from pmsapp.services.sync import recheck
from tests.support.clock import FrozenClock
from tests.support.synced_clinic import SyncedClinic
from tests.vendors.clinics import ConnectedClinic

SHOWN = 5
NEW_PHONE = "+61491570159"


@pytest.fixture
def clinic(app: Flask, sandbox: SandboxServer) -> SyncedClinic:
    """MediRecords with a book of our own for today: five visits by telehealth, each another patient."""
    clinic = SyncedClinic(app, sandbox, "medirecords")
    clinic.map_everybody()
    book = sandbox.clinic
    book.empty_day(clinic.today)
    for number, patient in enumerate([patient for patient in book.patients() if patient.phones][:SHOWN]):
        book.book("odwyer", "telehealth", at(clinic, number), patient.key)
    sandbox.requests.clear()
    return clinic


def at(clinic: SyncedClinic, number: int) -> datetime:
    midnight = datetime.combine(clinic.today, datetime.min.time(), clinic.sandbox.clinic.zone)
    return midnight + timedelta(hours=8, minutes=20 * number)


def update_by_itself(clinic: SyncedClinic) -> Counter[str]:
    """A run of the schedule. Returns how often each kind of thing was asked for."""
    clinic.sandbox.requests.clear()
    assert clinic.sync(clinic.today, trigger="schedule").status == "success"
    return asked(clinic)


def asked(clinic: SyncedClinic) -> Counter[str]:
    return Counter(entry.endpoint for entry in clinic.sandbox.requests.entries(clinic.vendor))


def card_of(clinic: SyncedClinic, number: int) -> Card:
    return sorted(clinic.sheet().cards, key=lambda card: card.start_at)[number]


def change_phone(clinic: SyncedClinic, card: Card, phone: str = NEW_PHONE) -> None:
    key = clinic.sandbox.clinic.find("medirecords", "patient", card.pms_patient_id)
    assert key is not None
    clinic.sandbox.clinic.edit_patient(key, phone=phone)


def phones(clinic: SyncedClinic) -> list[str | None]:
    return [card.patient_phone for card in sorted(clinic.sheet().cards, key=lambda card: card.start_at)]


class TestPatients:
    def test_field_06_what_changed_in_a_file_is_seen_within_one_period(
        self, clinic: SyncedClinic, frozen_clock: FrozenClock
    ) -> None:
        update_by_itself(clinic)
        frozen_clock.advance(minutes=15)
        change_phone(clinic, card_of(clinic, 4))
        assert update_by_itself(clinic)["patient"] == SHOWN
        assert phones(clinic)[4] == NEW_PHONE

    def test_field_06_of_visits_that_are_over_a_share_is_read_at_a_time(
        self, clinic: SyncedClinic, frozen_clock: FrozenClock
    ) -> None:
        counts = []
        for _ in range(5):
            counts.append(update_by_itself(clinic)["patient"])
            frozen_clock.advance(minutes=45)
        # 09:00, 09:45, 10:30 ...: one more visit after the other is over, and one of those is asked for.
        assert counts == [SHOWN, 2 + 1, 1, 1, 1]

    def test_field_06_of_tomorrows_visits_each_is_read_anew_by_the_morning(
        self, clinic: SyncedClinic, frozen_clock: FrozenClock
    ) -> None:
        tomorrow = clinic.today + timedelta(days=1)
        clinic.sandbox.clinic.empty_day(tomorrow)
        patients = [patient for patient in clinic.sandbox.clinic.patients() if patient.phones][10:13]
        for number, patient in enumerate(patients):
            clinic.sandbox.clinic.book(
                "odwyer", "telehealth", at(clinic, number) + timedelta(days=1), patient.key
            )
        clinic.sync(tomorrow, trigger="schedule")
        for patient in patients:
            clinic.sandbox.clinic.edit_patient(patient.key, phone=NEW_PHONE)
        for _ in range(22):  # hourly, until 07:00
            frozen_clock.advance(hours=1)
            clinic.sandbox.requests.clear()
            clinic.sync(tomorrow, trigger="schedule")
            assert asked(clinic)["patient"] <= 3
        shown = days.get_sheet(tomorrow).cards
        assert {card.patient_phone for card in shown} == {NEW_PHONE}

    def test_field_06_the_age_is_that_of_the_oldest_part_shown(
        self, clinic: SyncedClinic, frozen_clock: FrozenClock
    ) -> None:
        first = frozen_clock()
        update_by_itself(clinic)
        hidden = card_of(clinic, 4).pms_patient_id
        clinic.sandbox.faults.set("not_found", vendor="medirecords", endpoint="patient", patient=hidden)
        frozen_clock.advance(minutes=40)
        clinic.sync(clinic.today, trigger="schedule")
        (column,) = [column for column in clinic.sheet().columns if column.cards]
        assert (column.freshness.as_of, column.freshness.state) == (first, "stale")
        clinic.sandbox.faults.clear()
        update_by_itself(clinic)
        (column,) = [column for column in clinic.sheet().columns if column.cards]
        assert (column.freshness.as_of, column.freshness.state) == (frozen_clock(), "fresh")

    def test_are_asked_for_again_on_the_next_day(
        self, clinic: SyncedClinic, frozen_clock: FrozenClock
    ) -> None:
        day = clinic.today
        update_by_itself(clinic)
        frozen_clock.set(at(clinic, 0) + timedelta(days=1))
        clinic.sandbox.requests.clear()
        clinic.sync(day, trigger="schedule")
        assert asked(clinic)["patient"] == SHOWN

    def test_are_asked_for_whenever_somebody_updates_by_hand_and_that_answer_stays(
        self, clinic: SyncedClinic
    ) -> None:
        update_by_itself(clinic)
        before = phones(clinic)
        change_phone(clinic, card_of(clinic, 0))
        assert update_by_itself(clinic)["patient"] == 0
        assert phones(clinic) == before
        clinic.sync(clinic.today)
        assert phones(clinic) == [NEW_PHONE, *before[1:]]
        assert update_by_itself(clinic)["patient"] == 0
        assert phones(clinic) == [NEW_PHONE, *before[1:]]

    def test_whose_visit_changes_need_not_be_asked_for(self, clinic: SyncedClinic) -> None:
        update_by_itself(clinic)
        card = card_of(clinic, 0)
        clinic.sandbox.clinic.set_status(card.pms_appointment_id or "", "arrived")
        assert update_by_itself(clinic)["patient"] == 0
        after = card_of(clinic, 0)
        assert (after.appointment_status, after.patient_name) == ("arrived", card.patient_name)

    def test_who_book_another_visit_have_the_same_details_on_both_cards(self, clinic: SyncedClinic) -> None:
        update_by_itself(clinic)
        card = card_of(clinic, 0)
        change_phone(clinic, card)
        key = clinic.sandbox.clinic.find("medirecords", "patient", card.pms_patient_id)
        clinic.sandbox.clinic.book("odwyer", "telehealth", at(clinic, 9), key)
        assert update_by_itself(clinic)["patient"] == 1
        assert [phones(clinic)[0], phones(clinic)[-1]] == [NEW_PHONE, NEW_PHONE]

    def test_on_two_days_are_asked_for_again_when_one_card_learns_more(self, clinic: SyncedClinic) -> None:
        tomorrow = clinic.today + timedelta(days=1)
        clinic.sandbox.clinic.empty_day(tomorrow)
        update_by_itself(clinic)
        card = card_of(clinic, 0)
        change_phone(clinic, card)
        key = clinic.sandbox.clinic.find("medirecords", "patient", card.pms_patient_id)
        clinic.sandbox.clinic.book("odwyer", "telehealth", at(clinic, 0) + timedelta(days=1), key)
        clinic.sync(tomorrow, trigger="schedule")
        assert phones(clinic)[0] != NEW_PHONE
        assert update_by_itself(clinic)["patient"] == 1
        assert phones(clinic)[0] == NEW_PHONE

    def test_who_were_doubted_by_hand_stay_as_they_were_found_then(self, clinic: SyncedClinic) -> None:
        update_by_itself(clinic)
        card = card_of(clinic, 0)
        change_phone(clinic, card)
        recheck.recheck_card(card.id, COMMAND_LINE)
        assert phones(clinic)[0] == NEW_PHONE
        assert update_by_itself(clinic)["patient"] == 0
        assert phones(clinic)[0] == NEW_PHONE

    def test_who_could_not_be_read_are_asked_for_next_time(self, clinic: SyncedClinic) -> None:
        patient = next(row.patient_id for row in clinic.truth())
        clinic.sandbox.faults.set("not_found", vendor="medirecords", endpoint="patient", patient=patient)
        update_by_itself(clinic)
        clinic.sandbox.faults.clear()
        assert update_by_itself(clinic)["patient"] == 1
        assert all(card.patient_name for card in clinic.sheet().cards)

    def test_leave_only_the_time_of_reading_beside_their_cards(self, clinic: SyncedClinic) -> None:
        update_by_itself(clinic)
        with reading() as session:
            reads = session.scalars(select(PatientRead)).all()
        assert {read.appointment_id for read in reads} == {card.id for card in clinic.sheet().cards}


REFERENCE = {
    "medirecords": {"providers", "types", "other"},
    "halaxy": {"practitioners", "types"},
    "gentu": {"practitioners", "types"},
}


@pytest.mark.parametrize("vendor", sorted(REFERENCE))
def test_reference_data_is_asked_for_when_it_is_due_and_not_by_every_update(
    vendor: str, app: Flask, sandbox: SandboxServer, frozen_clock: FrozenClock
) -> None:
    clinic = ConnectedClinic(app, sandbox, vendor)
    clinic.match_everybody()
    first = update_by_itself(clinic)
    assert first["appointments"] >= 1
    for _ in range(3):
        frozen_clock.advance(minutes=15)
        later = update_by_itself(clinic)
        assert later["appointments"] >= 1
        assert not {name for name in later if name in REFERENCE[vendor]}, later
    with reading() as session:
        kept = session.scalars(select(VendorReference)).all()
    people = [text for row in clinic.truth() for text in (row.patient_name, row.patient_phone) if text]
    assert not [person for person in people if any(person in str(memory.value) for memory in kept)]


def test_the_code_table_is_asked_for_once_a_day(clinic: SyncedClinic, frozen_clock: FrozenClock) -> None:
    counts = []
    for _ in range(5):
        counts.append(update_by_itself(clinic)["other"])
        frozen_clock.advance(hours=5, minutes=30)
    assert counts == [1, 0, 0, 0, 0]
    frozen_clock.advance(hours=3)
    assert update_by_itself(clinic)["other"] == 1


def test_another_practice_starts_without_what_was_known_of_the_first(clinic: SyncedClinic) -> None:
    update_by_itself(clinic)
    with writing() as session:
        for row in session.scalars(select(VendorReference)):
            row.made_for = "another practice"
    assert update_by_itself(clinic)["other"] == 1


class TestSomebodyNew:
    """A practitioner whom the appointments name before the hourly list does."""

    def test_is_asked_about_in_the_run_that_meets_them(self, clinic: SyncedClinic) -> None:
        update_by_itself(clinic)
        made = clinic.sandbox.clinic.add_practitioner("Quandong", "Ida")
        patient = clinic.sandbox.clinic.patients()[20].key
        clinic.sandbox.clinic.book(str(made.key), "telehealth", at(clinic, 5), patient)
        assert update_by_itself(clinic)["practitioners"] == 1
        (question,) = [decision for decision in decisions.list_open() if decision.kind == "practitioner_new"]
        assert question.theirs["name"] == "Ida Quandong"
        assert update_by_itself(clinic)["practitioners"] == 0

    def test_is_asked_about_by_id_where_the_list_is_closed(self, clinic: SyncedClinic) -> None:
        update_by_itself(clinic)
        made = clinic.sandbox.clinic.add_practitioner("Quandong", "Ida")
        patient = clinic.sandbox.clinic.patients()[20].key
        clinic.sandbox.clinic.book(str(made.key), "telehealth", at(clinic, 5), patient)
        clinic.sandbox.faults.set("providers_hidden", vendor="medirecords")
        update_by_itself(clinic)
        (question,) = [decision for decision in decisions.list_open() if decision.kind == "practitioner_new"]
        external_id = clinic.sandbox.clinic.id_of("medirecords", "practitioner", str(made.key))
        assert question.theirs == {"pms_practitioner_id": external_id, "name": f"Clinician {external_id[:8]}"}

    def test_is_not_asked_about_any_more_once_the_list_has_lost_them(
        self, app: Flask, sandbox: SandboxServer, frozen_clock: FrozenClock
    ) -> None:
        clinic = ConnectedClinic(app, sandbox, "gentu")
        clinic.match_everybody()
        assert clinic.sync(clinic.today).status == "success"
        with writing() as session:
            mapped_id = sandbox.clinic.id_of("gentu", "practitioner", "odwyer")
            mapping = select(PMSClinicianMapping).where(PMSClinicianMapping.pms_practitioner_id == mapped_id)
            row = session.scalars(mapping).one()
            row.pms_practitioner_id, row.decision, row.run_sheet_clinician_id = (
                "not-an-id-of-theirs",
                "undecided",
                None,
            )
        assert clinic.sync(clinic.today).error is not None
        frozen_clock.advance(hours=2)
        assert clinic.sync(clinic.today).error is None
