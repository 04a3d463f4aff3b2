"""MediRecords JSON -> domain: lengths, codes, names, times, links."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pmsapp.adapters.medirecords.durations import (
    KNOWN_INTERVALS_MIN,
    parse_code,
    parse_duration_min,
    parse_interval_table,
)
from pmsapp.adapters.medirecords.wire import (
    Tables,
    parse_appointment,
    parse_local,
    parse_patient,
    parse_practice,
    parse_practitioner,
    parse_type,
    with_patient,
)
from pmsapp.adapters.parsing.zones import guess_zone
from pmsapp.domain.appointment import (
    AppointmentStatus,
    AppointmentType,
    BadRecord,
    Practitioner,
    UnifiedAppointment,
)
from tests.adapters.samples import load_sample

ZONE = "Australia/Melbourne"


def sample(name: str) -> Any:
    return load_sample("medirecords", name)


def read_types() -> dict[str, AppointmentType]:
    parsed = [parse_type(row) for row in sample("appointment_types")["data"]]
    return {each.external_id: each for each in parsed if isinstance(each, AppointmentType)}


TABLES = Tables(ZONE, read_types(), parse_interval_table(sample("interval_codes")))


def read_row(number: int, **changes: Any) -> UnifiedAppointment | BadRecord:
    return parse_appointment({**sample("appointments")["data"][number - 1], **changes}, TABLES)


def good(number: int, **changes: Any) -> UnifiedAppointment:
    row = read_row(number, **changes)
    assert isinstance(row, UnifiedAppointment)
    return row


# Lengths


@pytest.mark.parametrize(
    ("text", "minutes"),
    [
        ("15 mins", 15),
        ("1 min", 1),
        ("1 hr", 60),
        ("4 hrs", 240),
        ("1 hr 30 mins", 90),
        ("1h30m", 90),
        ("1.5 hours", 90),
        ("45", 45),
        (" 45 ", 45),
        (45, 45),
        (20.0, 20),
        ("2 HOURS", 120),
    ],
)
def test_a_length_is_read_however_it_is_written(text: object, minutes: int) -> None:
    assert parse_duration_min(text) == minutes


@pytest.mark.parametrize(
    "text",
    [
        "",
        "soon",
        "about a while",
        None,
        True,
        0,
        -5,
        "0",
        "0 mins",
        5000,
        "99 hrs",
        float("nan"),
        float("inf"),
        [],
        {},
        "9" * 5000,
    ],
)
def test_a_length_that_makes_no_sense_is_unknown(text: object) -> None:
    assert parse_duration_min(text) is None


@pytest.mark.parametrize(
    "body",
    [
        [{"code": 6, "name": "15 mins"}],
        [{"id": "6", "minutes": 15}],
        [{"id": "2e6f9df4-23ba-11eb-0000-000000000000", "code": "6", "description": "15 mins"}],
        [{"value": 6, "display": "15 mins"}],
        [{"code": 6, "duration": 15}],
        [{"code": "6", "value": "15 mins"}],
        {"data": [{"code": 6, "minutes": 15, "name": "a quarter"}]},
        {"6": "15 mins"},
        {"6": 15},
    ],
)
def test_the_interval_table_is_read_in_every_likely_shape(body: object) -> None:
    assert parse_interval_table(body) == {6: 15}


@pytest.mark.parametrize(
    "body", [None, "text", 7, [], {}, [None, 7, {}], {"data": None}, {"data": [{"code": 6}]}]
)
def test_an_interval_table_of_another_shape_is_empty(body: object) -> None:
    assert parse_interval_table(body) == {}


def test_codes_may_be_digits_in_text_but_nothing_else() -> None:
    assert [parse_code(value) for value in (6, "6", " 6 ")] == [6, 6, 6]
    assert [parse_code(value) for value in (True, None, "six", 6.5, "6.0", "9" * 20, "-1")] == [None] * 7


def test_a_length_comes_from_the_vendors_table_before_the_known_pairs() -> None:
    row = good(1, appointmentIntervalCode=6)
    tables = replace(TABLES, intervals_min={6: 17})
    other = parse_appointment(sample("appointments")["data"][0], tables)
    assert row.duration_min == 15
    assert isinstance(other, UnifiedAppointment)
    assert (other.duration_min, other.duration_estimated) == (17, False)


@pytest.mark.parametrize(("code", "minutes"), KNOWN_INTERVALS_MIN.items())
def test_the_four_known_pairs_stand_in_for_the_table(code: int, minutes: int) -> None:
    row = parse_appointment(
        {**sample("appointments")["data"][0], "appointmentIntervalCode": code},
        replace(TABLES, intervals_min={}),
    )
    assert isinstance(row, UnifiedAppointment)
    assert (row.duration_min, row.duration_estimated) == (minutes, False)


def test_an_unknown_code_falls_back_to_the_types_length_as_an_estimate() -> None:
    row = good(2, appointmentIntervalCode=99)
    assert (row.duration_min, row.duration_estimated) == (240, True)


def test_no_length_anywhere_is_unknown_and_marked_as_an_estimate() -> None:
    row = good(6)
    assert (row.duration_min, row.duration_estimated) == (None, True)


# Appointments


def test_a_telehealth_row_is_read_whole() -> None:
    row = good(1)
    assert row.start_at == datetime(2026, 11, 22, 22, 15, tzinfo=UTC)
    assert row.status is AppointmentStatus.CONFIRMED
    assert row.type_name == "Telehealth follow-up"
    assert row.telehealth_evidence is True
    assert row.links.host == "https://video.example.com/session/host-abc"
    assert row.links.patient == "https://video.example.com/session/guest-def"
    assert row.patient is not None
    assert row.patient.name is None


@pytest.mark.parametrize(
    ("code", "status"),
    [
        (2, "booked"),
        (3, "confirmed"),
        (4, "arrived"),
        (5, "in_progress"),
        (6, "completed"),
        (7, "completed"),
        (8, "cancelled"),
        ("8", "cancelled"),
        (1, "booked"),
        (9, "booked"),
        (None, "booked"),
        ("teleported", "booked"),
    ],
)
def test_every_status_code_has_its_word(code: object, status: str) -> None:
    assert good(1, appointmentStatus=code).status == status


def test_an_unknown_status_keeps_what_was_sent() -> None:
    assert good(1, appointmentStatus=42).status_raw == "42"
    assert good(1, appointmentStatus="teleported").status_raw == "teleported"


def test_there_is_no_no_show_and_no_invented_reason() -> None:
    row = good(2)
    assert row.status is AppointmentStatus.CANCELLED
    assert row.cancellation_reason is None


def test_seconds_after_the_minute_are_not_read() -> None:
    assert good(2).start_at == datetime(2026, 11, 22, 22, 30, tzinfo=UTC)


@pytest.mark.parametrize("suffix", ["", ":00", ":59.999", "Z", "+00:00", "+1100"])
def test_a_start_is_the_practices_wall_clock_whatever_follows_it(suffix: str) -> None:
    assert parse_local(f"2026-11-23T09:15{suffix}") == datetime(2026, 11, 23, 9, 15)  # noqa: DTZ001


@pytest.mark.parametrize(
    "text",
    [
        "",
        "soon",
        "2026-11-23",
        "23/11/2026T09:15",
        "2026-02-30T09:15",
        "2026-11-23T24:00",
        "0001-01-01T00:00",
        "9999-12-31T23:59",
        "2026-11-23 09:15",
        "20261123T091500",
        None,
        7,
        [],
    ],
)
def test_a_start_that_cannot_be_read_is_none(text: object) -> None:
    assert parse_local(text) is None


def test_a_start_that_comes_twice_or_never_is_flagged_and_read_early() -> None:
    twice = good(1, scheduleTime="2026-04-05T02:30")
    never = good(1, scheduleTime="2026-10-04T02:30")
    assert (twice.time_odd, never.time_odd, good(1).time_odd) == (True, True, False)
    assert twice.start_at == datetime(2026, 4, 4, 15, 30, tzinfo=UTC)


def test_evidence_comes_from_links_then_from_the_type_then_not_at_all() -> None:
    assert good(1).telehealth_evidence is True
    assert good(3).telehealth_evidence is True  # the type's flag, no link yet
    assert good(2).telehealth_evidence is False  # links that are "" are none
    assert good(4).telehealth_evidence is None  # no type, no link
    assert (
        good(
            1, appointmentTypeId="unheard-of", telehealthLinkForProvider=None, telehealthLinkForPatient=None
        ).telehealth_evidence
        is None
    )
    assert good(2, telehealthLinkForPatient="https://video.example.com/x").telehealth_evidence is True


@pytest.mark.parametrize(
    "link", ["", "  ", None, 7, "javascript:alert(1)", "https://x y", "ftp://x", "https://" + "x" * 3000]
)
def test_only_a_plain_web_address_is_a_link(link: object) -> None:
    assert good(1, telehealthLinkForProvider=link).links.host is None


def test_blocked_time_has_no_patient_and_a_missing_type_is_no_type() -> None:
    blocked = good(7)
    assert blocked.patient is None
    assert (blocked.type_external_id, blocked.type_name) == (None, None)
    assert good(4).patient is not None


def test_a_row_without_a_provider_belongs_to_nobody() -> None:
    assert good(5).practitioner_external_id is None
    assert good(5).duration_min == 10  # a code sent as text


def test_notes_are_cleaned() -> None:
    assert good(8).notes == "Bring the letter"


@pytest.mark.parametrize("number", [10, 11])
def test_a_broken_row_is_set_aside_without_its_data(number: int) -> None:
    row = read_row(number)
    assert isinstance(row, BadRecord)
    assert row.practitioner_external_id
    assert "tomorrow" not in repr(row)
    assert "scheduleTime: text" in row.shape


def test_a_patient_that_could_not_be_read_leaves_the_name_unknown() -> None:
    row = good(1)
    assert with_patient(row, None) == row
    patient = parse_patient(sample("patient"), "x")
    assert with_patient(row, patient).patient == patient


# People, types, the practice


def test_a_patient_is_read() -> None:
    patient = parse_patient(sample("patient"), "x")
    assert patient.name == "Wattle Bandicoot"
    assert patient.birth_date == date(1979, 7, 4)
    assert patient.phone == "+61491570157"
    assert patient.email == "wattle@example.com"


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"preferredName": "Wat"}, "Wat Bandicoot"),
        ({"preferredName": "", "firstName": None}, "Bandicoot"),
        ({"oneNameOnly": True}, "Bandicoot"),
        ({"lastName": None}, "Wattle Bandicoot"),
        ({"lastName": None, "fullName": None}, "Wattle"),
        ({"firstName": None, "lastName": "", "fullName": " "}, None),
    ],
)
def test_a_name_is_put_together_from_what_is_there(changes: dict[str, Any], name: str | None) -> None:
    assert parse_patient({**sample("patient"), **changes}, "x").name == name


@pytest.mark.parametrize(
    ("changes", "phone"),
    [
        ({"mobilePhone": None}, "+61355500123"),
        ({"mobilePhone": "", "homePhone": "", "workPhone": "0370100177"}, "+61370100177"),
        ({"mobilePhone": "ask daughter"}, "ask daughter"),
        ({"mobilePhone": None, "homePhone": None}, None),
    ],
)
def test_the_mobile_comes_before_home_before_work(changes: dict[str, Any], phone: str | None) -> None:
    assert parse_patient({**sample("patient"), **changes}, "x").phone == phone


def test_providers_have_titles_only_where_the_code_is_known() -> None:
    rows = [parse_practitioner(row) for row in sample("providers")["data"]]
    people = [row for row in rows if isinstance(row, Practitioner)]
    assert [(person.name, person.prefix, person.active) for person in people] == [
        ("Orla Treecreeper", "Dr", True),
        ("Suryadi", None, False),
        ("Clinician 5d6e7f80", None, True),
    ]
    assert isinstance(rows[3], BadRecord)


def test_types_keep_their_flag_apart_from_what_their_words_suggest() -> None:
    types = list(read_types().values())
    assert [(kind.is_telehealth, kind.suggested, kind.active) for kind in types] == [
        (True, True, True),
        (False, False, True),
        (False, True, False),
        (True, False, True),
    ]
    assert [kind.default_duration_min for kind in types] == [15, 240, None, None]


def test_the_practice_suggests_its_zone_by_state() -> None:
    practice = parse_practice(sample("practice"))
    assert practice.name == "Wombat Flat Training Clinic"
    assert guess_zone(practice.state, practice.postcode, practice.city).time_zone == ZONE


@pytest.mark.parametrize(
    ("state", "postcode", "city", "zone", "warned"),
    [
        ("NSW", "2000", "Sydney", "Australia/Sydney", False),
        ("act", None, None, "Australia/Sydney", False),
        ("Queensland", None, None, "Australia/Brisbane", False),
        ("SA", "5000", None, "Australia/Adelaide", False),
        ("NT", None, None, "Australia/Darwin", False),
        ("WA", None, None, "Australia/Perth", False),
        ("TAS", None, None, "Australia/Hobart", False),
        ("NSW", "2880", None, "Australia/Broken_Hill", True),
        ("NSW", None, "Broken Hill", "Australia/Broken_Hill", True),
        ("NSW", "2898", "Lord Howe Island", "Australia/Lord_Howe", True),
        ("WA", "6443", None, "Australia/Eucla", True),
        (None, None, None, None, True),
        ("Texas", None, None, None, True),
    ],
)
def test_a_zone_is_guessed_with_the_exceptions_told(
    state: str | None, postcode: str | None, city: str | None, zone: str | None, warned: bool
) -> None:
    guess = guess_zone(state, postcode, city)
    assert guess.time_zone == zone
    assert (guess.warning is not None) == warned


# Whatever comes

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)
KEYS = st.sampled_from(
    [
        *sample("appointments")["data"][0],
        *sample("patient"),
        *sample("appointment_types")["data"][0],
        "titleCode",
        "status",
    ]
)


@settings(deadline=None)
@given(st.dictionaries(KEYS, JSON))
def test_no_value_of_any_kind_raises(changes: dict[str, Any]) -> None:
    parse_appointment({**sample("appointments")["data"][0], **changes}, TABLES)
    parse_patient({**sample("patient"), **changes}, "x")
    parse_type({**sample("appointment_types")["data"][0], **changes})
    parse_practitioner({**sample("providers")["data"][0], **changes})
    parse_practice({**sample("practice"), **changes})
    parse_interval_table(list(changes.values()))


@pytest.mark.parametrize(("said", "has_died"), [(None, None), ("", None), (7, None), ("2026-10-30", True)])
def test_a_date_of_death_is_told(said: Any, has_died: bool | None) -> None:
    assert parse_patient({"lastName": "Q", "dateOfDeath": said}, "1").has_died is has_died
