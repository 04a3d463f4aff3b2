"""The made-up clinic: the same for the same seed and date, full of what a reader must survive."""

from __future__ import annotations

import re
from collections import Counter
from datetime import UTC, date, datetime, timedelta

import phonenumbers
import pytest

from pmsapp.sandbox.clinic.clinic import Clinic
from pmsapp.sandbox.clinic.model import VENDORS, SandboxError
from pmsapp.sandbox.clinic.people import AWKWARD
from tests.sandbox.conftest import MONDAY, StandingClock


def test_the_same_seed_and_date_give_the_same_day_in_any_order_of_asking(now: StandingClock) -> None:
    forward, backward = Clinic(now=now), Clinic(now=now)
    days = [MONDAY + timedelta(days=n) for n in range(7)]
    there = {on: forward.appointments_on(on) for on in days}
    back = {on: backward.appointments_on(on) for on in reversed(days)}
    assert there == back


def test_another_seed_gives_another_clinic_with_other_ids(now: StandingClock) -> None:
    first, two = Clinic(1, now=now), Clinic(2, now=now)
    assert first.appointments_on(MONDAY) != two.appointments_on(MONDAY)
    for vendor in VENDORS:
        ours = {first.id_of(vendor, "patient", person.key) for person in first.patients()}
        theirs = {two.id_of(vendor, "patient", person.key) for person in two.patients()}
        assert not ours & theirs


def test_a_weekday_is_a_realistic_day_over_five_shown_practitioners(clinic: Clinic) -> None:
    for on in (MONDAY, MONDAY + timedelta(days=1), date(2025, 2, 5), date(2031, 7, 9)):
        rows = clinic.appointments_on(on)
        far = [row for row in rows if row.type_key and clinic.appointment_type(row.type_key).telehealth]
        assert 60 <= len(rows) <= 80
        assert 22 <= len(far) <= 36
        shown = {person.key for person in clinic.practitioners() if person.active and person.shown_in_book}
        assert len(shown) == 5
        assert shown <= {row.practitioner_key for row in rows}


def test_weekends_are_lighter(clinic: Clinic) -> None:
    saturday, sunday = date(2026, 11, 28), date(2026, 11, 29)
    assert 5 <= len(clinic.appointments_on(saturday)) <= 20
    assert 1 <= len(clinic.appointments_on(sunday)) <= 5


def test_every_weekday_has_every_oddity(clinic: Clinic) -> None:
    rows = clinic.appointments_on(MONDAY + timedelta(days=2))
    assert any(not row.attendances for row in rows)
    assert any(len(row.attendances) == 3 for row in rows)
    assert any(row.type_key is None and row.attendances for row in rows)
    assert any(row.type_key and not clinic.appointment_type(row.type_key).active for row in rows)
    assert any(row.practitioner_key is None for row in rows)
    assert any(row.length_shown == "none" for row in rows)
    assert {"attend", "cancel", "no_show", "blank"} == {row.plan for row in rows}
    starts = [row.start_at.astimezone(clinic.zone).time() for row in rows]
    assert min(starts).hour < 7
    assert max(starts).hour >= 20
    mine = [row for row in rows if row.practitioner_key == "wojcik"]
    overlaps = [
        (a, b)
        for a in mine
        for b in mine
        if a.start_at < b.start_at < a.start_at + timedelta(minutes=a.duration_min)
    ]
    assert overlaps


def test_every_awkward_patient_comes_on_a_weekday(clinic: Clinic) -> None:
    seen = {key for row in clinic.appointments_on(MONDAY) for key in row.patient_keys}
    assert {person.key for person in AWKWARD} <= seen


def test_nobody_is_booked_twice_but_the_one_who_is_meant_to_be(clinic: Clinic) -> None:
    for n in range(5):
        rows = clinic.appointments_on(MONDAY + timedelta(days=n))
        visits = Counter(key for row in rows for key in row.patient_keys)
        assert sorted(visits.values())[-2:] == [1, 2]


def test_the_status_follows_the_clock(clinic: Clinic, now: StandingClock) -> None:
    row = next(
        row
        for row in clinic.appointments_on(MONDAY)
        if row.plan == "attend" and row.attendances and row.start_at > now.at + timedelta(hours=2)
        if not row.arrival_only
    )
    seen = []
    for moment in (-60, -1, 3, row.duration_min + 6):
        now.at = row.start_at + timedelta(minutes=moment)
        seen.append(clinic.status_of(row).word)
    assert seen[0] in ("booked", "confirmed")
    assert seen[1:3] == ["arrived", "in_progress"]
    assert seen[3] in ("completed", "billed")


def test_around_now_the_day_has_every_status(clinic: Clinic) -> None:
    words = {clinic.status_of(row).word for row in clinic.appointments_on(MONDAY)}
    assert {
        "booked",
        "confirmed",
        "arrived",
        "in_progress",
        "completed",
        "billed",
        "cancelled",
        "no_show",
    } <= words
    assert None in words


def test_more_than_twenty_types_some_archived_some_telehealth_by_flag_alone(clinic: Clinic) -> None:
    kinds = clinic.appointment_types()
    assert len([kind for kind in kinds if kind.active]) > 20
    assert any(not kind.active for kind in kinds)
    assert any(kind.telehealth and not kind.named for kind in kinds)
    assert any(kind.duration_min is None for kind in kinds)


def test_busy_gives_a_clinician_day_of_more_than_a_hundred(now: StandingClock) -> None:
    rows = Clinic(now=now, busy=True).appointments_on(MONDAY)
    assert Counter(row.practitioner_key for row in rows)["odwyer"] > 100


def test_no_phone_or_address_could_be_anyones(clinic: Clinic) -> None:
    fictitious = re.compile(r"\+61(4915[67]\d{4}|[2378](5550|7010)\d{4})|\+442079460\d{3}")
    for person in clinic.patients():
        assert person.email is None or person.email.endswith("@example.com")
        for phone in person.phones:
            assert phone.e164 is None or fictitious.fullmatch(phone.e164), person.key


def test_the_numbers_written_out_are_what_a_phone_library_makes_of_them(clinic: Clinic) -> None:
    for person in clinic.patients():
        for phone in person.phones:
            try:
                parsed = phonenumbers.parse(phone.typed, "AU")
                valid = phonenumbers.is_valid_number(parsed)
            except phonenumbers.NumberParseException:
                valid = False
            expected = (
                phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164) if valid else None
            )
            assert phone.e164 == expected, phone.typed


def test_ids_look_like_each_vendors_own_and_lead_back(clinic: Clinic) -> None:
    row = clinic.appointments_on(MONDAY)[3]
    assert re.fullmatch(r"\d+", clinic.appointment_id("halaxy", row))
    assert re.fullmatch(r"[0-9a-f-]{36}", clinic.appointment_id("gentu", row))
    assert clinic.appointment_id("medirecords", row)[14] == "1"
    assert clinic.id_of("halaxy", "practitioner", "odwyer").startswith("PR-")
    for vendor in VENDORS:
        found = clinic.find_appointment(vendor, clinic.appointment_id(vendor, row))
        assert found is not None
        assert found[0] == row
        for kind, key in (
            ("practitioner", "odwyer"),
            ("type", "video"),
            ("patient", "canary"),
            ("practice", ""),
        ):
            assert clinic.find(vendor, kind, clinic.id_of(vendor, kind, key)) == key


def test_no_two_things_share_an_id(clinic: Clinic) -> None:
    rows = [row for n in range(30) for row in clinic.appointments_on(MONDAY + timedelta(days=n))]
    for vendor in VENDORS:
        pairs = [(row, key) for row in rows for key in (row.patient_keys or (None,))]
        ids = {clinic.appointment_id(vendor, row, key) for row, key in pairs}
        assert len(ids) == (len(pairs) if vendor == "medirecords" else len(rows))
        for kind, things in (("patient", clinic.patients()), ("type", clinic.appointment_types())):
            assert len({clinic.id_of(vendor, kind, thing.key) for thing in things}) == len(things)


def test_a_halaxy_role_number_can_be_another_persons_practitioner_number(clinic: Clinic) -> None:
    people = {
        clinic.id_of("halaxy", "practitioner", person.key): person.key for person in clinic.practitioners()
    }
    roles = {
        clinic.role_id(person.key, site): person.key
        for person in clinic.practitioners()
        for site in person.site_keys
    }
    assert len(roles) > len(people)
    assert any(people[shared] != roles[shared] for shared in set(people) & set(roles))
    assert all(clinic.find_role(role) == (key, clinic.find_role(role)[1]) for role, key in roles.items())  # type: ignore[index]


def test_an_id_keeps_its_meaning_over_a_restart(now: StandingClock) -> None:
    before = Clinic(now=now)
    row = before.appointments_on(MONDAY + timedelta(days=9))[0]
    after = Clinic(now=now)
    found = after.find_appointment("gentu", before.appointment_id("gentu", row))
    assert found is not None
    assert found[0].key == row.key


def test_days_are_cut_in_the_clinics_zone_also_when_the_clock_changes(now: StandingClock) -> None:
    clinic = Clinic(now=now)
    for on in (date(2027, 4, 4), date(2027, 10, 3)):
        clinic.book_edges(on)
        starts = [row.start_at.astimezone(clinic.zone) for row in clinic.appointments_on(on)]
        assert {start.date() for start in starts} == {on}
        assert (starts[0].hour, starts[0].minute) == (0, 0)
        assert (starts[-1].hour, starts[-1].minute) == (23, 59)


def test_a_window_of_a_thousand_years_is_answered_quickly(clinic: Clinic) -> None:
    rows = clinic.appointments_between(datetime(2026, 11, 1, tzinfo=UTC), datetime(3026, 1, 1, tzinfo=UTC))
    assert 10_000 < len(rows) < 40_000


def test_an_unknown_key_is_refused_in_one_sentence(clinic: Clinic) -> None:
    with pytest.raises(SandboxError, match="no practitioner with that key"):
        clinic.practitioner("nobody")
