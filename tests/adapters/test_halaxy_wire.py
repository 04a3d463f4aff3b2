"""Halaxy FHIR JSON -> domain: references, statuses, places, people, groups."""

from __future__ import annotations

from copy import deepcopy
from datetime import UTC, date, datetime
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pmsapp.adapters.halaxy.fhir import (
    Ref,
    entries,
    extension,
    id_of,
    is_unreadable_match,
    link,
    outcome_errors,
    parse_ref,
    resources,
)
from pmsapp.adapters.halaxy.location import is_named_telehealth
from pmsapp.adapters.halaxy.people import parse_patient, parse_practitioner
from pmsapp.adapters.halaxy.places import Places
from pmsapp.adapters.halaxy.wire import (
    Role,
    Tables,
    parse_appointment,
    parse_organization,
    parse_role,
    parse_type,
)
from pmsapp.domain.appointment import AppointmentStatus, BadRecord, UnifiedAppointment
from pmsapp.domain.errors import ReconnectRequiredError
from tests.adapters.samples import load_sample
from tests.support.cases import check_each

EXTENSIONS = "https://terminology.halaxy.com/StructureDefinition"


def sample(name: str) -> Any:
    return load_sample("halaxy", name)


def read_tables() -> Tables:
    roles = [parse_role(row) for row in resources(sample("roles"), "PractitionerRole")]
    types = [parse_type(row) for row in resources(sample("services"), "HealthcareService")]
    return Tables(
        {each.external_id: each for each in roles if each}, {each.external_id: each for each in types if each}
    )


TABLES = read_tables()
ROWS = list(resources(sample("appointments"), "Appointment"))


def read(number: int, change: Any = None) -> list[UnifiedAppointment]:
    """The items of one appointment of the sample, after `change` has had a copy of it."""
    row = deepcopy(ROWS[number - 1])
    if change is not None:
        change(row)
    parsed = parse_appointment(row, TABLES, {})
    assert not isinstance(parsed, BadRecord)
    return parsed


def with_status(code: str) -> UnifiedAppointment:
    def change(row: Any) -> None:
        row["participant"][1]["modifierExtension"][0]["valueCoding"]["code"] = code

    return read(1, change)[0]


# FHIR


@pytest.mark.parametrize(
    "value",
    [
        {"reference": "https://au-api.halaxy.com/main/Patient/200000001", "type": "Patient"},
        {"reference": "https://eu-api.halaxy.com/main/Patient/200000001"},
        {"reference": "/main/Patient/200000001"},
        {"reference": "Patient/200000001"},
        {"reference": "200000001", "type": "Patient"},
        {"reference": "Patient/200000001/", "type": ""},
    ],
)
def test_a_reference_is_read_in_every_spelling(value: Any) -> None:
    assert parse_ref(value) == Ref("Patient", "200000001")


@pytest.mark.parametrize(
    "value",
    [
        None,
        "Patient/1",
        {},
        {"reference": None},
        {"reference": ""},
        {"reference": "200000001"},
        {"reference": "Patient/" + "9" * 100},
        {"reference": "Patient/1\ud800", "type": "Patient"},
        {"reference": "Patient/\x00", "type": "Patient"},
    ],
)
def test_a_reference_that_names_nobody_is_none(value: object) -> None:
    assert parse_ref(value) is None


def test_entries_are_chosen_by_their_kind() -> None:
    bundle = sample("appointments")
    assert len(list(resources(bundle, "Appointment"))) == 5
    assert len(list(resources(bundle, "Patient"))) == 1
    assert entries({"resourceType": "Bundle"}) == []


def test_an_entry_that_should_be_a_row_and_is_none_is_noticed() -> None:
    assert is_unreadable_match({"search": {"mode": "match"}})
    assert is_unreadable_match({"resource": {"id": "1"}})
    assert is_unreadable_match({})
    assert not is_unreadable_match({"resource": {"resourceType": "Patient"}})
    assert not is_unreadable_match({"search": {"mode": "outcome"}})


def test_only_errors_of_an_outcome_count() -> None:
    assert outcome_errors(sample("outcome_forbidden"))
    assert outcome_errors(sample("appointments")) == []  # a warning among the rows
    assert outcome_errors(None) == outcome_errors([]) == []


def test_links_and_extensions_are_found_by_name_and_ending() -> None:
    bundle = sample("appointments")
    assert link(bundle, "last") == "https://au-api.halaxy.com/main/x?page=1"
    assert link(bundle, "next") is None
    assert extension({"extension": [{"url": "https://other.example/duration/"}]}, "duration")
    assert extension({"extension": [None, {"url": 7}]}, "duration") is None


def test_ids_are_text_whatever_they_come_as() -> None:
    assert id_of({"id": 300000001}) == id_of({"id": "300000001"}) == "300000001"
    odd = (None, "", True, "9" * 100, {}, "3\ud800", "3\x00")
    assert [id_of({"id": value}) for value in odd] == [None] * len(odd)


# Appointments


def test_an_appointment_is_read_whole() -> None:
    row = read(1)[0]
    assert row.external_id == "300000001"
    assert row.practitioner_external_id == "PR-5000001"
    assert row.start_at == datetime(2026, 11, 22, 22, 30, tzinfo=UTC)
    assert (row.duration_min, row.duration_estimated) == (30, False)
    assert (row.status, row.status_raw) == (AppointmentStatus.BOOKED, "booked")
    assert (row.type_external_id, row.type_name) == ("700001", "Telehealth review")
    assert row.telehealth_evidence is True
    assert row.notes == "Review"
    assert row.patient is not None
    assert (row.patient.external_id, row.patient.name) == ("200000001", None)


def test_two_roles_of_one_person_are_one_column() -> None:
    assert read(1)[0].practitioner_external_id == read(2)[0].practitioner_external_id == "PR-5000001"


def test_the_same_number_is_another_person_as_a_role() -> None:
    def change(row: Any) -> None:
        row["participant"][0]["actor"]["reference"] = (
            "https://au-api.halaxy.com/main/PractitionerRole/PR-5000001"
        )

    assert read(1, change)[0].practitioner_external_id == "PR-5000002"


def test_times_may_be_in_utc_and_without_seconds() -> None:
    assert read(2)[0].start_at == datetime(2026, 11, 22, 23, 15, tzinfo=UTC)


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("booked", "booked"),
        ("confirmed", "confirmed"),
        ("check response", "booked"),
        ("arrived", "arrived"),
        ("attended", "confirmed"),
        ("did not attend", "no_show"),
        ("did-not-attend", "no_show"),
        ("Did_Not_Attend", "no_show"),
        ("no show", "no_show"),
        ("noshow", "no_show"),
        ("cancelled", "cancelled"),
        ("Cancelled (no charge)", "cancelled"),
        ("rejected", "cancelled"),
        ("tentative", "booked"),
    ],
)
def test_every_status_has_its_word_however_it_is_spelt(code: str, status: str) -> None:
    assert with_status(code).status == status
    assert with_status(code).status_raw == code


def test_a_status_is_found_on_the_european_host_too() -> None:
    def change(row: Any) -> None:
        mark = row["participant"][1]["modifierExtension"][0]
        mark["url"] = "https://terminology.halaxy.eu/StructureDefinition/appointment-participant-status"
        mark["valueCoding"]["system"] = "https://eu-api.halaxy.com/presets/CodeSystem/x"
        mark["valueCoding"]["code"] = "arrived"

    assert read(1, change)[0].status is AppointmentStatus.ARRIVED


def test_a_group_gives_one_item_per_patient_with_a_status_of_their_own() -> None:
    rows = read(3)
    assert [row.patient.external_id for row in rows if row.patient] == ["200000001", "200000002", "200000003"]
    assert [row.status for row in rows] == ["confirmed", "cancelled", "booked"]
    assert rows[2].status_raw == "waiting for godot"
    assert {row.external_id for row in rows} == {"300000003"}


def test_a_patient_named_twice_is_one_item() -> None:
    rows = read(3, lambda row: row["participant"].append(deepcopy(row["participant"][1])))
    assert len(rows) == 3


def test_a_break_has_no_patient() -> None:
    rows = read(4)
    assert [row.patient for row in rows] == [None]


def test_a_broken_row_is_set_aside_without_its_data() -> None:
    parsed = parse_appointment(ROWS[4], TABLES, {})
    assert isinstance(parsed, BadRecord)
    assert parsed.external_id == "300000005"
    assert parsed.practitioner_external_id == "PR-5000001"
    assert "not a time" not in repr(parsed)


def test_a_patient_without_an_id_sets_the_row_aside_rather_than_hiding_it() -> None:
    row = deepcopy(ROWS[0])
    row["participant"][1]["actor"] = None
    assert isinstance(parse_appointment(row, TABLES, {}), BadRecord)


def test_an_external_contact_is_nobodys_column() -> None:
    def change(row: Any) -> None:
        row["participant"][0]["actor"]["reference"] = (
            "https://au-api.halaxy.com/main/PractitionerRole/EP-4000009"
        )

    assert read(1, change)[0].practitioner_external_id is None


def test_without_an_end_the_minutes_count_and_then_the_types_length() -> None:
    def cut(*names: str) -> Any:
        return lambda row: [row.pop(name) for name in names]

    assert read(1, cut("end"))[0].duration_min == 30
    row = read(1, cut("end", "minutesDuration"))[0]
    assert (row.duration_min, row.duration_estimated) == (20, True)
    row = read(2, cut("end", "minutesDuration"))[0]
    assert (row.duration_min, row.duration_estimated) == (None, True)
    assert read(1, lambda row: row.update(end=row["start"]))[0].duration_min == 30


# Places


def _item(value: dict[str, Any]) -> Any:
    return lambda row: row.update(supportingInformation=[row["supportingInformation"][0], value])


def _extension(value: dict[str, Any]) -> dict[str, Any]:
    return {"url": f"{EXTENSIONS}/location-type", **value}


ENCODINGS = {
    "item extension": lambda word: _item({"extension": [_extension({"valueCode": word})]}),
    "item modifier": lambda word: _item({"modifierExtension": [_extension({"valueString": word})]}),
    "item coding": lambda word: _item({"extension": [_extension({"valueCoding": {"code": word.title()}})]}),
    "item concept": lambda word: _item(
        {"extension": [_extension({"valueCodeableConcept": {"coding": [{"code": word}]}})]}
    ),
    "item by url": lambda word: _item({"url": f"{EXTENSIONS}/location-type", "valueCode": word}),
    "item by name": lambda word: _item({"name": "location-type", "valueCode": word}),
    "item type": lambda word: _item({"type": word}),
    "item reference": lambda word: _item({"reference": f"https://au-api.halaxy.com/presets/location/{word}"}),
    "item display": lambda word: _item({"display": f"Halaxy {word.title()}"}),
    "appointment": lambda word: (
        lambda row: row.update(supportingInformation=[], extension=[_extension({"valueCode": word})])
    ),
    "appointment modifier": lambda word: (
        lambda row: row.update(supportingInformation=[], modifierExtension=[_extension({"valueCode": word})])
    ),
    "patient": lambda word: (
        lambda row: (
            row.update(supportingInformation=[]),
            row["participant"][1].update(extension=[_extension({"valueCode": word})]),
        )
    ),
    "practitioner": lambda word: (
        lambda row: (
            row.update(supportingInformation=[]),
            row["participant"][0].update(extension=[_extension({"valueCode": word})]),
        )
    ),
}


def test_the_location_type_is_found_wherever_it_stands() -> None:
    words = {"telehealth": True, "online": True, "phone": True, "clinic": False, "organization": False}

    def check(case: tuple[str, str]) -> None:
        place, word = case
        assert read(2, ENCODINGS[place](word))[0].telehealth_evidence is words[word]

    check_each(product(ENCODINGS, words), check)


def test_another_patients_mode_says_nothing_about_this_one() -> None:
    def change(row: Any) -> None:
        row["participant"][1]["extension"] = [_extension({"valueCode": "online"})]

    assert [row.telehealth_evidence for row in read(3, change)] == [True, None, None]


def test_without_a_location_type_the_types_name_tells_or_nobody_knows() -> None:
    def bare(row: Any) -> None:
        row["supportingInformation"] = row["supportingInformation"][:1]

    assert read(1, bare)[0].telehealth_evidence is True  # "Telehealth review"
    assert read(2, bare)[0].telehealth_evidence is None  # "Standard consult"
    assert read(4)[0].telehealth_evidence is None


def test_a_place_nobody_knows_leaves_it_to_the_name() -> None:
    said = _item({"extension": [_extension({"valueCode": "moonbase"})]})
    assert read(1, said)[0].telehealth_evidence is True
    assert read(2, said)[0].telehealth_evidence is None


@pytest.mark.parametrize(
    "name",
    [
        "Telehealth - new",
        "Video – standard",
        "AFTER HOURS PHONE",
        "Plan (online)",
        "Zoom catch-up",
        "Coviu",
        "Telephone: script",
    ],
)
def test_a_whole_word_of_the_name_says_telehealth(name: str) -> None:
    assert is_named_telehealth(name)


@pytest.mark.parametrize(
    "name",
    ["Videofluoroscopy (in rooms)", "Standard", "Non-telehealth review", "Microphone fitting", "not online"],
)
def test_a_part_of_a_word_does_not(name: str) -> None:
    assert not is_named_telehealth(name)


# People, roles, places, types


def test_a_patient_goes_by_the_usual_name_with_the_official_family_name() -> None:
    patient = parse_patient(sample("patient"))
    assert patient is not None
    assert patient.name == "Lexi Bilby"
    assert patient.birth_date == date(1999, 4, 30)
    assert patient.phone == "+61491570110"
    assert patient.email == "lexi@example.com"


@pytest.mark.parametrize(
    ("names", "name"),
    [
        ([{"use": "official", "given": ["Alexandra", "May"], "family": "Bilby"}], "Alexandra Bilby"),
        ([{"use": "official", "family": "Suharto"}], "Suharto"),
        ([{"use": "usual", "given": ["Lexi"]}], "Lexi"),
        ([{"use": "old", "given": ["A"], "family": "Before"}, {"given": ["B"], "family": "Now"}], "B Now"),
        ([{"use": "official", "text": "Alexandra Bilby"}], "Alexandra Bilby"),
        ([{"use": "official", "given": "Alexandra", "family": "Bilby"}], "Alexandra Bilby"),
        ([{"use": "official", "given": [None, ""], "family": None}], None),
        ([], None),
        (None, None),
    ],
)
def test_a_name_is_put_together_from_what_is_there(names: Any, name: str | None) -> None:
    patient = parse_patient({**sample("patient"), "name": names})
    assert patient is not None
    assert patient.name == name


@pytest.mark.parametrize(
    ("telecom", "phone"),
    [
        (
            [
                {"system": "phone", "value": "0355500123", "use": "work"},
                {"system": "phone", "value": "0355500199", "use": "home"},
            ],
            "+61355500199",
        ),
        (
            [
                {"system": "phone", "value": "0355500123", "use": "home"},
                {"system": "phone", "value": "0491570110", "use": "mobile"},
            ],
            "+61491570110",
        ),
        ([{"system": "fax", "value": "0355500123"}], None),
        ([{"system": "sms", "value": ""}, {"system": "phone", "value": "0355500123"}], "+61355500123"),
        (None, None),
    ],
)
def test_a_mobile_comes_before_other_phones(telecom: Any, phone: str | None) -> None:
    patient = parse_patient({**sample("patient"), "telecom": telecom})
    assert patient is not None
    assert patient.phone == phone


def test_external_contacts_are_no_practitioners_and_have_no_roles() -> None:
    assert [role.external_id for role in TABLES.roles.values()] == ["PR-4000001", "PR-4000002", "PR-5000001"]
    people = [parse_practitioner(row) for row in resources(sample("roles"), "Practitioner")]
    assert [
        person and (person.external_id, person.name, person.prefix, person.active) for person in people
    ] == [
        ("PR-5000001", "Orla Treecreeper", "Dr", True),
        ("PR-5000002", "Bram Suryadi", "Dr", False),
        None,
    ]
    assert TABLES.roles["PR-5000001"] == Role("PR-5000001", "PR-5000002", "CL-600001", active=False)


def test_types_have_their_length_and_a_suggestion_but_no_mark() -> None:
    kinds = list(TABLES.types.values())
    assert [kind.default_duration_min for kind in kinds] == [20, None, 15]
    assert [kind.suggested for kind in kinds] == [True, False, True]
    assert [kind.active for kind in kinds] == [True, True, False]
    assert {kind.is_telehealth for kind in kinds} == {None}


def read_places() -> Places:
    parsed = (parse_organization(row) for row in resources(sample("organizations"), "Organization"))
    return Places(tuple(place for place in parsed if place))


def test_the_group_names_the_practice_and_its_clinics_are_listed() -> None:
    places = read_places()
    assert places.practice_name(None) == "Wombat Flat Group"
    assert places.practice_name("CL-600002") == "Far Hill"
    assert places.fingerprint() == "PG-500001"
    assert places.clinics() == (("CL-600002", "Far Hill"), ("CL-600001", "Wombat Flat"))


def test_a_zone_is_guessed_from_the_chosen_clinic_with_the_exceptions_told() -> None:
    places = read_places()
    assert places.guess_zone("CL-600001") == ("Australia/Melbourne", [])
    zone, warnings = places.guess_zone("CL-600002")
    assert zone == "Australia/Broken_Hill"
    assert warnings
    assert len(places.guess_zone(None)[1]) == 2
    assert Places(()).guess_zone(None)[0] is None


def test_a_clinic_that_is_not_theirs_is_refused() -> None:
    read_places().check_holds("CL-600001")
    read_places().check_holds(None)
    with pytest.raises(ReconnectRequiredError) as caught:
        read_places().check_holds("CL-999999")
    assert caught.value.code == "PRACTICE-UNKNOWN"


# Whatever comes

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)


@settings(deadline=None)
@given(st.sampled_from(ROWS), st.data())
def test_no_value_of_any_kind_raises(chosen: Any, data: st.DataObject) -> None:
    row = deepcopy(chosen)
    patient, role, service = (
        deepcopy(sample("patient")),
        deepcopy(next(resources(sample("roles"), "PractitionerRole"))),
        deepcopy(next(resources(sample("services"), "HealthcareService"))),
    )
    for resource in (row, patient, role, service):
        target: Any = resource
        for _ in range(data.draw(st.integers(0, 4))):
            keys = list(target) if isinstance(target, dict) else list(range(len(target)))
            inner = [key for key in keys if isinstance(target[key], dict | list) and target[key]]
            if not inner:
                break
            target = target[data.draw(st.sampled_from(inner))]
        keys = list(target) if isinstance(target, dict) else list(range(len(target)))
        if keys:
            target[data.draw(st.sampled_from(keys))] = data.draw(JSON)
    parse_appointment(row, TABLES, {})
    parse_patient(patient)
    parse_practitioner({**patient, "id": "PR-1"})
    parse_organization(patient)
    parse_role(role)
    parse_type(service)


@pytest.mark.parametrize(
    ("said", "has_died"),
    [
        ({}, None),
        ({"deceasedBoolean": False}, None),
        ({"deceasedBoolean": "true"}, None),
        ({"deceasedBoolean": True}, True),
        ({"deceasedDateTime": "2026-10-30"}, True),
    ],
)
def test_a_patient_who_has_died_is_told(said: dict[str, Any], has_died: bool | None) -> None:
    patient = parse_patient({"id": "1", **said})
    assert patient is not None
    assert patient.has_died is has_died
