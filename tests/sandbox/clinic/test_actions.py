"""What reception can do in the training clinic."""

from __future__ import annotations

import threading
from datetime import date, timedelta

import pytest

from pmsapp.sandbox.clinic.actions import ACTIONS
from pmsapp.sandbox.clinic.clinic import Clinic
from pmsapp.sandbox.clinic.model import VENDORS, Appointment, SandboxError
from tests.sandbox.conftest import MONDAY, StandingClock

TUESDAY = MONDAY + timedelta(days=1)


def later(clinic: Clinic) -> Appointment:
    """An appointment this afternoon."""
    return next(row for row in clinic.appointments_on(MONDAY) if row.key == "2026-11-23/0008")


def keys(clinic: Clinic, on: date) -> set[str]:
    return {row.key for row in clinic.appointments_on(on)}


def test_a_booking_appears_on_its_day_and_can_be_found_by_every_vendor(clinic: Clinic) -> None:
    change = clinic.book("odwyer", "video", "2026-11-25T11:15", "canary", comment="Bring the letter")
    row = clinic.appointment(change.key)
    assert row in clinic.appointments_on(date(2026, 11, 25))
    assert row.start_at.astimezone(clinic.zone).hour == 11
    assert (row.duration_min, row.mode) == (20, "online")
    for vendor in VENDORS:
        assert clinic.find_appointment(vendor, change.ids[vendor]) is not None


def test_a_cancelled_appointment_stays_with_when_and_why(clinic: Clinic, now: StandingClock) -> None:
    row = later(clinic)
    change = clinic.cancel(row.key, "Patient is unwell")
    status = clinic.status_of(clinic.appointment(row.key))
    assert (status.word, status.cancelled_at, status.cancel_reason) == (
        "cancelled",
        now.at,
        "Patient is unwell",
    )
    assert row.key in keys(clinic, MONDAY)
    assert change.before["status"] is None
    assert change.after["status"] == "cancelled"


def test_an_appointment_is_moved_by_time_day_and_practitioner_and_keeps_its_ids(clinic: Clinic) -> None:
    row = later(clinic)
    ids = {vendor: clinic.appointment_id(vendor, row, row.patient_keys[0]) for vendor in VENDORS}
    clinic.move(row.key, at="18:45")
    clinic.move(row.key, on="2026-11-24")
    clinic.move(row.key, practitioner="wojcik")
    moved = clinic.appointment(row.key)
    local = moved.start_at.astimezone(clinic.zone)
    assert (local.date(), local.hour, local.minute) == (TUESDAY, 18, 45)
    assert moved.practitioner_key == "wojcik"
    assert row.key not in keys(clinic, MONDAY)
    assert row.key in keys(clinic, TUESDAY)
    for vendor in VENDORS:
        assert clinic.appointment_id(vendor, moved, moved.patient_keys[0]) == ids[vendor]


def test_a_deleted_appointment_is_gone_from_lists_and_look_ups(clinic: Clinic) -> None:
    row = later(clinic)
    change = clinic.delete(row.key)
    assert row.key not in keys(clinic, MONDAY)
    for vendor in VENDORS:
        assert clinic.find_appointment(vendor, change.ids[vendor]) is None
    with pytest.raises(SandboxError):
        clinic.cancel(row.key)


def test_another_patient_on_the_same_appointment_keeps_the_appointments_id(clinic: Clinic) -> None:
    row = later(clinic)
    clinic.swap_patient(row.key, "cjk")
    assert clinic.appointment(row.key).patient_keys == ("cjk",)
    for vendor in VENDORS:
        changed = clinic.appointment(row.key)
        assert clinic.appointment_id(vendor, changed, "cjk") == clinic.appointment_id(
            vendor, row, row.patient_keys[0]
        )


def test_changing_the_type_changes_place_and_links(clinic: Clinic) -> None:
    row = later(clinic)
    clinic.change_type(row.key, "video")
    assert clinic.appointment(row.key).host_link
    clinic.change_type(row.key, "standard")
    changed = clinic.appointment(row.key)
    assert (changed.host_link, changed.mode) == (None, "clinic")
    clinic.change_type(row.key, None)
    assert clinic.appointment(row.key).type_key is None


def test_a_status_set_by_hand_wins_until_it_is_let_go(clinic: Clinic) -> None:
    row = later(clinic)
    clinic.set_status(row.key, "arrived")
    assert clinic.status_of(clinic.appointment(row.key)).word == "arrived"
    clinic.set_status(row.key, None)
    assert clinic.status_of(clinic.appointment(row.key)).word in ("booked", "confirmed")
    clinic.no_show(row.key)
    assert clinic.status_of(clinic.appointment(row.key)).word == "no_show"
    with pytest.raises(SandboxError, match="A status is one of"):
        clinic.set_status(row.key, "vanished")


def test_a_day_or_a_clinicians_day_can_be_emptied(clinic: Clinic) -> None:
    clinic.empty_day(MONDAY, "odwyer")
    left = clinic.appointments_on(MONDAY)
    assert left
    assert all(row.practitioner_key != "odwyer" for row in left)
    clinic.empty_day("2026-11-23")
    assert clinic.appointments_on(MONDAY) == []


def test_a_clinicians_day_can_be_filled_past_a_hundred(clinic: Clinic) -> None:
    clinic.fill_day(TUESDAY, "lee-hana", 130)
    assert sum(row.practitioner_key == "lee-hana" for row in clinic.appointments_on(TUESDAY)) > 130


def test_two_clinicians_can_be_filled_on_one_day(clinic: Clinic) -> None:
    people = [person.key for person in clinic.practitioners()]
    usual = len(clinic.appointments_on(TUESDAY))
    for key in people:
        clinic.fill_day(TUESDAY, key, 130)
    assert len(clinic.appointments_on(TUESDAY)) == usual + 130 * len(people)


def test_a_patients_details_can_be_changed_and_cleared(clinic: Clinic) -> None:
    clinic.edit_patient(
        "canary", given="Nettie", phone="0491 570 110", email="new@example.com", born_on="1957-03-20"
    )
    person = clinic.patient("canary")
    assert (person.given, person.phones[0].e164, person.email) == (
        "Nettie",
        "+61491570110",
        "new@example.com",
    )
    clinic.edit_patient("canary", phone="", email="")
    assert (clinic.patient("canary").phones, clinic.patient("canary").email) == ((), None)


def test_practitioners_and_types_can_be_added_renamed_and_retired(clinic: Clinic) -> None:
    person = clinic.add_practitioner("Novak", "Petra", "Dr").key
    clinic.rename_practitioner(person, "Novak-Hill", "Petra", "Dr")
    clinic.set_practitioner(person, active=False)
    assert clinic.practitioner(person).display_name == "Petra Novak-Hill"
    assert not clinic.practitioner(person).active
    kind = clinic.add_type("Video: quick", 10, telehealth=True).key
    clinic.rename_type(kind, "Video: brief")
    clinic.set_type(kind, active=False)
    assert (clinic.appointment_type(kind).name, clinic.appointment_type(kind).active) == (
        "Video: brief",
        False,
    )


def test_things_can_be_named_by_any_vendors_id(clinic: Clinic) -> None:
    row = later(clinic)
    for vendor in VENDORS:
        clinic.cancel(clinic.appointment_id(vendor, row, row.patient_keys[0]))
        clinic.move(row.key, practitioner=clinic.id_of(vendor, "practitioner", "wulandari"))
        assert clinic.appointment(row.key).practitioner_key == "wulandari"


def test_reset_forgets_every_change(clinic: Clinic) -> None:
    before = clinic.appointments_on(MONDAY)
    clinic.empty_day(MONDAY)
    clinic.rename_type("video", "Something else")
    clinic.reset()
    assert clinic.appointments_on(MONDAY) == before
    assert clinic.appointment_type("video").name == "Video – standard"


def test_actions_are_carried_out_by_name_and_refused_in_one_sentence(clinic: Clinic) -> None:
    row = later(clinic)
    assert clinic.act("cancel", appointment=row.key)[0].action == "cancel"
    assert clinic.act("empty_day", on="2026-11-24", practitioner="odwyer")
    for action, details in (
        ("_fill", {}),
        ("cancel", {"nonsense": 1}),
        ("cancel", {"appointment": "2026-11-23/7777"}),
        ("move", {"appointment": row.key, "on": "tomorrow"}),
        ("swap_patient", {"appointment": row.key, "patient": "nobody"}),
    ):
        with pytest.raises(SandboxError):
            clinic.act(action, **details)  # type: ignore[arg-type]
    assert all(callable(getattr(clinic, action)) for action in ACTIONS)


def test_many_threads_can_book_at_once_without_losing_one(clinic: Clinic) -> None:
    def book() -> None:
        for _ in range(20):
            clinic.book("odwyer", "phone", "2026-11-27T12:00", "canary")

    threads = [threading.Thread(target=book) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    booked = [row for row in clinic.appointments_on(date(2026, 11, 27)) if row.number % 10_000 > 9_000]
    assert len({row.key for row in booked}) == 160
