"""Gentu's JSON, sample by sample and field by field."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pmsapp.adapters.gentu import wire
from pmsapp.adapters.gentu.auth import UNNAMED_LIFE_S, life_of
from pmsapp.domain.appointment import AppointmentStatus, Patient

# No deadline: the machine that runs these is often busy.
QUICK = settings(deadline=None, max_examples=60)
SAMPLES = Path(__file__).parent / "samples" / "gentu"
START = "2026-11-22T22:30:00.000+00:00"
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)


def sample(name: str) -> Any:
    """One of the synthetic answers."""
    return json.loads((SAMPLES / f"{name}.json").read_text(encoding="utf-8"))


def visit(**changes: Any) -> dict[str, Any]:
    """A plain appointment with changes."""
    record: dict[str, Any] = {
        "id": "v1",
        "startAt": START,
        "endAt": None,
        "status": "none",
        "minutesDuration": None,
        "comment": None,
        "description": None,
        "participant": [
            {"referenceType": "patient", "referenceId": "p1"},
            {"referenceType": "provider", "referenceId": "d1"},
        ],
        "appointmentType": {"reference": "t1"},
        "extension": [],
    }
    return {**record, **changes}


def test_a_practice_is_read_with_its_zone() -> None:
    tenant = wire.parse_tenant(sample("tenant"))
    assert (tenant.name, tenant.time_zone, tenant.zone_was_odd) == (
        "Wattlebird Specialists",
        "Australia/Hobart",
        False,
    )


@pytest.mark.parametrize(
    ("zone", "known", "odd"),
    [
        ("Australia/Perth", "Australia/Perth", False),
        (None, None, False),
        ("", None, False),
        ("AEST", None, True),
        (7, None, False),
    ],
)
def test_a_zone_nobody_knows_is_left_open_and_told(zone: object, known: str | None, odd: bool) -> None:
    tenant = wire.parse_tenant({"tenantId": "x", "timezone": zone})
    assert (tenant.time_zone, tenant.zone_was_odd) == (known, odd)


def test_practices_are_listed_with_their_access() -> None:
    assert list(wire.parse_tenant_access(sample("tenants")).values()) == [True, False]


def test_practitioners_are_read_with_their_marks() -> None:
    bettina, nobody, nguyen = map(wire.parse_practitioner, sample("practitioners"))
    assert (bettina.name, bettina.prefix, bettina.active, bettina.shown_in_appointment_book) == (
        "Bettina Currawong",
        "Dr",
        True,
        True,
    )
    assert (nobody.name, nobody.active, nobody.shown_in_appointment_book) == (wire.UNNAMED, False, False)
    assert (nguyen.name, nguyen.given, nguyen.family) == ("Nguyễn", None, "Nguyễn")


def test_types_are_read_by_their_text() -> None:
    review, procedure, blank = map(wire.parse_type, sample("appointment_types"))
    assert (review.name, review.default_duration_min, review.colour) == ("Telehealth review", 30, "#3b82f6")
    assert (review.is_telehealth, review.suggested, review.evidence) == (None, True, 'named "telehealth"')
    assert (procedure.default_duration_min, procedure.colour, procedure.suggested) == (None, None, False)
    assert (blank.name, blank.default_duration_min, blank.colour) == (wire.UNNAMED, 12, None)


def test_a_patient_is_read_by_rank_and_use() -> None:
    assert wire.parse_patient(sample("patient")) == Patient(
        external_id="44444444-aaaa-4bbb-8ccc-000000000001",
        name="Jacaranda Bandicoot",
        birth_date=date(1984, 2, 29),
        phone="+61491570156",
        email="j.bandicoot@example.com",
    )


@pytest.mark.parametrize(
    ("name", "extension", "expected"),
    [
        ({"family": "Karri", "given": "Mary Jane Opal"}, [], "Mary Karri"),
        (
            {"family": "Karri", "given": "Mary"},
            [{"system": "firstname", "valueString": "Mary Jane"}],
            "Mary Jane Karri",
        ),
        ({"family": "Karri", "given": "Mary"}, [{"system": "firstname", "valueString": None}], "Mary Karri"),
        ({"family": "Karri", "given": None}, [], "Karri"),
        ({"family": None, "given": "Mary"}, None, "Mary"),
        ({"family": None, "given": None}, [], None),
        (None, [], None),
    ],
)
def test_a_name_is_the_first_name_and_the_family_name(
    name: Any, extension: Any, expected: str | None
) -> None:
    assert wire.parse_patient({"id": "p", "name": name, "extension": extension}).name == expected


@pytest.mark.parametrize(
    ("contacts", "phone"),
    [
        ([("phone", "home", 1, "03 7010 0190"), ("phone", "mobile", 9, "0491 570 156")], "+61491570156"),
        ([("phone", "work", None, "03 7010 0191"), ("phone", "home", 5, "03 7010 0190")], "+61370100190"),
        ([("phone", "mobile", None, "0491 570 157"), ("phone", "mobile", 2, "0491 570 156")], "+61491570156"),
        ([("phone", "mobile", 1, " "), ("phone", "home", 2, None)], None),
        ([("fax", "mobile", 1, "0491 570 156")], None),
        ([("Phone", "Mobile", True, "ask at desk")], "ask at desk"),
        ([], None),
    ],
)
def test_the_best_phone_is_a_mobile_then_the_lowest_rank(contacts: list[Any], phone: str | None) -> None:
    keys = ("system", "use", "rank", "value")
    record = {"id": "p", "contact": [dict(zip(keys, contact, strict=True)) for contact in contacts]}
    assert wire.parse_patient(record).phone == phone


def test_an_appointment_of_two_patients_is_one_row_each() -> None:
    first, *_ = sample("appointments")["appointments"]
    patients = {
        "44444444-aaaa-4bbb-8ccc-000000000001": Patient("44444444-aaaa-4bbb-8ccc-000000000001", "J B")
    }
    rows = wire.unify(wire.parse_visit(first), patients, practitioner_id=None, type_duration_min=None)
    assert [row.patient and row.patient.name for row in rows] == ["J B", None]
    assert [row.status for row in rows] == [AppointmentStatus.ARRIVED, AppointmentStatus.CONFIRMED]
    assert [row.arrived_at for row in rows] == [datetime(2026, 11, 22, 22, 21, 40, tzinfo=UTC), None]
    assert {row.start_at for row in rows} == {datetime(2026, 11, 22, 22, 30, tzinfo=UTC)}
    assert {row.duration_min for row in rows} == {30}
    assert {row.notes for row in rows} == {"Bring referral\nReview"}
    assert {row.practitioner_external_id for row in rows} == {"22222222-aaaa-4bbb-8ccc-000000000001"}
    assert {row.type_name for row in rows} == {None}


def test_a_cancelled_appointment_keeps_when() -> None:
    row = wire.unify(
        wire.parse_visit(sample("appointments")["appointments"][1]),
        {},
        practitioner_id=None,
        type_duration_min=None,
    )[0]
    assert row.status is AppointmentStatus.CANCELLED
    assert row.cancelled_at == datetime(2026, 11, 22, 20, 0, tzinfo=UTC)
    assert row.start_at == datetime(2026, 11, 22, 23, 15, tzinfo=UTC)
    assert row.duration_min == 20
    assert row.type_external_id is None


def test_a_row_without_a_patient_is_one_row_with_none() -> None:
    rows = wire.unify(
        wire.parse_visit(sample("appointments")["appointments"][2]),
        {},
        practitioner_id="d1",
        type_duration_min=40,
    )
    assert len(rows) == 1
    assert rows[0].patient is None
    assert rows[0].practitioner_external_id == "d1"
    assert (rows[0].duration_min, rows[0].duration_estimated) == (40, True)
    assert rows[0].status is AppointmentStatus.BOOKED


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("none", "booked"),
        ("confirmed", "confirmed"),
        ("in_waiting_room", "arrived"),
        ("In Waiting-Room", "arrived"),
        ("with_doctor", "in_progress"),
        ("completed", "completed"),
        ("invoiced", "completed"),
        ("cancelled", "cancelled"),
        ("did_not_arrive", "no_show"),
        ("DID NOT ARRIVE", "no_show"),
        ("booked", "booked"),
        ("teleported", "booked"),
        (None, "booked"),
        ("", "booked"),
        (5, "booked"),
    ],
)
def test_each_status_word_has_its_meaning(word: object, expected: str) -> None:
    read = wire.parse_visit(visit(status=word))
    assert wire.status_of(read.status_word, None) == expected
    assert read.status_raw == (word if isinstance(word, str) and word else None)


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("none", "arrived"),
        ("confirmed", "arrived"),
        ("with_doctor", "in_progress"),
        ("cancelled", "cancelled"),
        (None, "booked"),
    ],
)
def test_a_noted_arrival_counts_only_before_the_visit(word: str | None, expected: str) -> None:
    assert wire.status_of(word, datetime(2026, 11, 22, tzinfo=UTC)) == expected


@pytest.mark.parametrize(
    ("end", "minutes", "duration"),
    [
        ("2026-11-22T23:00:00.000+00:00", 45, 30),
        ("2026-11-23T10:00:00+11:00", None, 30),
        ("2026-11-23T06:30:00Z", None, 480),
        ("2026-11-22T22:30:00Z", 45, 45),
        ("2026-11-22T22:00:00Z", 45, 45),
        ("2026-11-22T23:00:00", 45, 45),
        ("soon", 45, 45),
        (None, 45, 45),
        (None, 0, None),
        (None, -5, None),
        (None, "15", None),
        (None, None, None),
        ("2027-11-22T23:00:00Z", None, None),
    ],
)
def test_the_length_is_end_minus_start_then_the_minutes(end: Any, minutes: Any, duration: int | None) -> None:
    assert wire.parse_visit(visit(endAt=end, minutesDuration=minutes)).duration_min == duration


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"id": None}, "its id is missing"),
        ({"id": ""}, "its id is missing"),
        ({"startAt": None}, "its start is missing or no time with an offset"),
        ({"startAt": "2026-11-22T22:30:00"}, "its start is missing or no time with an offset"),
        ({"startAt": 1795384800000}, "its start is missing or no time with an offset"),
        ({"participant": None}, "its participants are missing"),
        ({"participant": {}}, "its participants are missing"),
        ({"participant": [{"referenceType": "patient", "referenceId": None}]}, "a patient has no id"),
    ],
)
def test_a_record_that_lacks_what_it_needs_is_set_aside(change: dict[str, Any], reason: str) -> None:
    with pytest.raises(wire.BrokenRecordError) as caught:
        wire.parse_visit(visit(**change))
    assert caught.value.reason == reason
    assert caught.value.external_id == (None if "id" in change else "v1")


@pytest.mark.parametrize(
    "key", ["endAt", "status", "minutesDuration", "comment", "description", "appointmentType", "extension"]
)
def test_everything_else_may_be_missing(key: str) -> None:
    record = visit()
    del record[key]
    assert wire.parse_visit(record).external_id == "v1"


def test_a_patient_named_twice_is_one_patient() -> None:
    read = wire.parse_visit(
        visit(
            participant=[
                {"referenceType": "patient", "referenceId": "p1"},
                {"referenceType": "patient", "referenceId": "p1", "arrivedAt": START},
            ]
        )
    )
    assert read.patients == (("p1", datetime(2026, 11, 22, 22, 30, tzinfo=UTC)),)


@pytest.mark.parametrize(
    ("providers", "asked", "expected"),
    [
        (["d1", "d2"], "d2", "d1"),
        (["d1", "d2"], "d9", "d1"),
        ([], "d9", "d9"),
        (["d1"], None, "d1"),
        ([], None, None),
    ],
)
def test_whose_appointment_it_is(providers: list[str], asked: str | None, expected: str | None) -> None:
    people = [{"referenceType": "provider", "referenceId": provider} for provider in providers]
    assert wire.practitioner_of(wire.parse_visit(visit(participant=people)), asked) == expected


@pytest.mark.parametrize("asked", ["d1", "d2", None])
def test_field_05_a_joint_visit_names_its_own_practitioners_whoever_was_asked(asked: str | None) -> None:
    people = [{"referenceType": "provider", "referenceId": provider_id} for provider_id in ("d1", "d2", "d1")]
    read = wire.parse_visit(visit(participant=people))
    (row,) = wire.unify(read, {}, practitioner_id=asked, type_duration_min=None)
    assert (row.practitioner_external_id, row.practitioner_ids) == ("d1", ("d1", "d2"))


@QUICK
@given(st.dictionaries(st.sampled_from(sorted(visit())), ANYTHING))
def test_no_appointment_is_odd_enough_to_raise_anything_else(changes: dict[str, Any]) -> None:
    try:
        read = wire.parse_visit(visit(**changes))
    except wire.BrokenRecordError:
        return
    for row in wire.unify(read, {}, practitioner_id="d1", type_duration_min=None):
        assert row.start_at.tzinfo is UTC
        assert row.status in AppointmentStatus


@QUICK
@given(
    st.dictionaries(
        st.sampled_from(
            ["name", "contact", "birthDate", "extension", "active", "text", "duration", "colour"]
        ),
        ANYTHING,
    )
)
def test_no_person_and_no_type_is_odd_enough_to_raise(changes: dict[str, Any]) -> None:
    record = {"id": "x", **changes}
    wire.parse_patient(record)
    assert wire.parse_practitioner(record).name
    assert wire.parse_type(record).name


@pytest.mark.parametrize("value", [None, [], "x", 7])
def test_a_record_that_is_no_object_is_set_aside(value: Any) -> None:
    for parse in (wire.parse_visit, wire.parse_patient, wire.parse_practitioner, wire.parse_type):
        with pytest.raises(wire.BrokenRecordError):
            parse(value)


@pytest.mark.parametrize(
    ("value", "life_s"),
    [
        (3599, 3599),
        ("3599", 3599),
        (" 120 ", 120),
        (59.5, 59.5),
        (None, UNNAMED_LIFE_S),
        ("soon", UNNAMED_LIFE_S),
        (0, UNNAMED_LIFE_S),
        (-5, UNNAMED_LIFE_S),
        (True, UNNAMED_LIFE_S),
        ([], UNNAMED_LIFE_S),
        (10**12, 86_400),
        ("9" * 400, 86_400),
    ],
)
def test_the_life_of_a_token_is_read_from_numbers_and_texts(value: object, life_s: float) -> None:
    assert life_of({"expires_in": value}) == life_s


@pytest.mark.parametrize(
    ("said", "has_died"),
    [
        (None, None),
        ("yes", None),
        ({}, None),
        ({"deceasedBoolean": False, "deceasedDateTime": None}, None),
        ({"deceasedBoolean": None, "deceasedDateTime": "2026-10-30T00:00:00Z"}, True),
        ({"deceasedBoolean": True, "deceasedDateTime": None}, True),
    ],
)
def test_a_patient_who_has_died_is_told(said: Any, has_died: bool | None) -> None:
    assert wire.parse_patient({"id": "1", "deceased": said}).has_died is has_died
