"""What the clinic decided, and what follows for one appointment."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pmsapp.domain.appointment import AppointmentStatus, Patient, Presence, TelehealthLinks
from pmsapp.domain.sync.rules import (
    REASONS,
    MappingDecision,
    TypeRule,
    place,
    placement_of,
    telehealth,
    values_of,
    would_show,
)
from pmsapp.domain.sync.values import PMSValues, changed_fields, digest
from tests.domain.sync.pairs import RULES, at, incoming, pair, with_rules
from tests.support import tables

ANSWERS = {"yes": True, "no": False, "": None}

TELEHEALTH = """
clinic says of the type | appointment's evidence | type's mark | telehealth
yes                     | no                     | no          | yes
yes                     | -                      | -           | yes
no                      | yes                    | yes         | no
no                      | -                      | -           | no
-                       | yes                    | no          | yes
-                       | no                     | yes         | no
-                       | -                      | yes         | yes
-                       | -                      | no          | no
-                       | -                      | -           | -
"""


@pytest.mark.parametrize("row", tables.rows(TELEHEALTH), ids=tables.case)
def test_staff_decide_then_the_appointment_then_its_type(row: dict[str, str]) -> None:
    rule = TypeRule("Review", ANSWERS[row["clinic says of the type"]], ANSWERS[row["type's mark"]])
    rules = with_rules(types={"plain": rule})
    found = telehealth(
        pair(type_external_id="plain", telehealth_evidence=ANSWERS[row["appointment's evidence"]]), rules
    )
    assert found is ANSWERS[row["telehealth"]]


def test_an_appointment_without_a_type_follows_its_own_evidence() -> None:
    assert telehealth(pair(type_external_id=None, telehealth_evidence=True), RULES) is True
    assert telehealth(pair(type_external_id=None), RULES) is None
    assert telehealth(pair(type_external_id="unheard of"), RULES) is None


def test_a_type_nobody_has_said_anything_about_is_shown_and_says_nothing() -> None:
    assert TypeRule("Review") == TypeRule(
        "Review", decision=None, pms_is_telehealth=None, sync_enabled=True, default_duration_min=None
    )
    assert telehealth(pair(type_external_id="plain"), RULES) is None
    values = values_of(pair(type_external_id="plain", duration_min=None), None, RULES)
    assert (values.appointment_duration_minutes, values.duration_estimated) == (None, False)


DECISIONS = """
practitioner | decision
anna         | mapped
ida          | ignored
uma          | undecided
an unknown   | undecided
nobody       | mapped
"""


@pytest.mark.parametrize("row", tables.rows(DECISIONS), ids=tables.case)
def test_what_the_clinic_decided_about_a_practitioner(row: dict[str, str]) -> None:
    practitioner = None if row["practitioner"] == "nobody" else row["practitioner"]
    assert RULES.decision_on(practitioner) == row["decision"]


WORDS = """
because                | a card that leaves the sheet says
not_telehealth         | no longer telehealth
type_off               | its type is not shown
practitioner_ignored   | the practitioner is not shown
practitioner_undecided | the practitioner has no column yet
"""


def test_every_reason_that_takes_a_card_off_the_sheet_has_its_words() -> None:
    words = {row["because"]: row["a card that leaves the sheet says"] for row in tables.rows(WORDS)}
    assert words == REASONS
    assert {row["because"] for row in tables.rows(PLACES)} - {""} == set(REASONS)


PLACES = """
practitioner | type is shown | telehealth | only telehealth | cancelled | belongs     | because
anna         | yes           | yes        | yes             | no        | on_sheet    | -
anna         | yes           | -          | yes             | no        | on_sheet    | -
anna         | yes           | no         | yes             | no        | filtered    | not_telehealth
anna         | yes           | no         | no              | no        | on_sheet    | -
anna         | no            | yes        | yes             | no        | filtered    | type_off
anna         | no            | -          | no              | no        | filtered    | type_off
anna         | yes           | yes        | yes             | yes       | cancelled   | -
anna         | yes           | no         | yes             | yes       | filtered    | not_telehealth
ida          | yes           | yes        | yes             | no        | unmapped    | practitioner_ignored
uma          | yes           | yes        | yes             | no        | unmapped    | practitioner_undecided
an unknown   | yes           | yes        | yes             | no        | unmapped    | practitioner_undecided
ida          | no            | no         | yes             | yes       | unmapped    | practitioner_ignored
nobody       | yes           | yes        | yes             | no        | on_sheet    | -
"""


@pytest.mark.parametrize("row", tables.rows(PLACES), ids=tables.case)
def test_where_an_appointment_belongs(row: dict[str, str]) -> None:
    rules = with_rules(
        telehealth_only=row["only telehealth"] == "yes",
        types={"plain": TypeRule("Review", sync_enabled=row["type is shown"] == "yes")},
    )
    verdict = place(
        rules,
        practitioner_id=None if row["practitioner"] == "nobody" else row["practitioner"],
        type_id="plain",
        is_telehealth=ANSWERS[row["telehealth"]],
        is_cancelled=row["cancelled"] == "yes",
    )
    assert (verdict.presence.value, verdict.reason or "") == (row["belongs"], row["because"])


WOULD_SHOW = """
type  | status    | shows
video | booked    | yes
video | cancelled | no
rooms | booked    | no
plain | booked    | yes
off   | booked    | no
"""


@pytest.mark.parametrize("row", tables.rows(WOULD_SHOW), ids=tables.case)
def test_whether_an_appointment_never_seen_would_show(row: dict[str, str]) -> None:
    listed = pair(type_external_id=row["type"], status=AppointmentStatus(row["status"]))
    assert would_show(listed, RULES) is (row["shows"] == "yes")


@given(
    practitioner=st.sampled_from(("anna", "ida", "uma", None)),
    type_id=st.sampled_from(("video", "rooms", "plain", "off", None)),
    status=st.sampled_from(AppointmentStatus),
    evidence=st.sampled_from((None, True, False)),
)
def test_unknown_telehealth_is_never_dropped(
    practitioner: str | None, type_id: str | None, status: AppointmentStatus, evidence: bool | None
) -> None:
    listed = pair(
        practitioner_external_id=practitioner,
        type_external_id=type_id,
        status=status,
        telehealth_evidence=evidence,
    )
    is_telehealth = telehealth(listed, RULES)
    verdict = placement_of(listed, is_telehealth, RULES)
    if is_telehealth is None and practitioner in ("anna", None) and type_id != "off":
        assert verdict.presence in (Presence.ON_SHEET, Presence.CANCELLED)
    assert (verdict.reason is None) == (verdict.presence in (Presence.ON_SHEET, Presence.CANCELLED))


def test_a_no_show_stays_on_the_sheet() -> None:
    listed = pair(status=AppointmentStatus.NO_SHOW)
    assert placement_of(listed, True, RULES).presence is Presence.ON_SHEET


def test_a_card_takes_its_types_length_and_name_where_the_appointment_has_none() -> None:
    rules = with_rules(types={"plain": TypeRule("Review", default_duration_min=25)})
    values = values_of(pair(type_external_id="plain", duration_min=None), None, rules)
    assert (values.appointment_duration_minutes, values.duration_estimated) == (25, True)
    assert values.appointment_type_name == "Review"


FULL = pair(
    patient="ada",
    type_external_id="plain",
    type_name="Review by video",
    duration_min=20,
    duration_estimated=True,
    status=AppointmentStatus.ARRIVED,
    status_raw="Here",
    status_is_known=False,
    notes="Bring the scans",
    time_odd=True,
    links=TelehealthLinks("https://host.example", "https://patient.example"),
    practitioner_ids=("ben", "anna"),
)._replace(patient=Patient("ada", "Ada", date(1984, 2, 29), "+61491570006", "ada@example.com", True))
BARE = pair(type_external_id=None, duration_min=None, status_raw="Booked")._replace(
    patient=Patient("ada", None)
)
COLUMNS = """
column                       | of a full appointment   | of a bare one
time_zone                    | Australia/Melbourne     | Australia/Melbourne
appointment_duration_minutes | 20                      | None
duration_estimated           | True                    | False
patient_name                 | Ada                     | None
patient_dob                  | 1984-02-29              | None
patient_phone                | +61491570006            | None
patient_email                | ada@example.com         | None
patient_has_died             | True                    | None
appointment_type_name        | Review by video         | None
appointment_status           | arrived                 | booked
is_telehealth                | False                   | None
pms_notes                    | Bring the scans         | None
time_odd                     | True                    | False
clinician_id                 | 1                       | 1
pms_practitioner_id          | anna                    | anna
pms_type_id                  | plain                   | None
pms_status_raw               | Here                    | None
pms_date                     | 2026-11-23              | 2026-11-23
host_link                    | https://host.example    | None
patient_link                 | https://patient.example | None
also_practitioner_ids        | ben                     | None
"""


def test_every_column_of_a_card_comes_from_its_own_place() -> None:
    rules = with_rules(types={"plain": TypeRule("Review", default_duration_min=25)})
    full, bare = values_of(FULL, False, rules), values_of(BARE, None, rules)
    assert full.start_at == bare.start_at == at("09:00")
    for row in tables.rows(COLUMNS):
        found = [str(getattr(values, row["column"])) for values in (full, bare)]
        assert found == [row["of a full appointment"], row["of a bare one"]], row["column"]
    assert {row["column"] for row in tables.rows(COLUMNS)} | {"start_at"} == set(PMSValues._fields)


def test_a_practitioner_nobody_knows_has_no_column() -> None:
    assert values_of(pair(practitioner_external_id="an unknown one"), None, RULES).clinician_id is None
    assert values_of(pair(practitioner_external_id="ben"), None, RULES).clinician_id == 2


def test_a_row_without_a_patient_has_no_card() -> None:
    with pytest.raises(ValueError, match=r"^A row without a patient has no card\.$"):
        values_of(pair(None), None, RULES)


def test_equal_values_have_equal_digests_and_others_do_not() -> None:
    said = incoming().values
    assert digest(said) == digest(incoming().values)
    for name, value in said._asdict().items():
        other = said._replace(**{name: "another" if value != "another" else None})
        assert digest(other) != digest(said)
        assert changed_fields(said, other) == (name,)


def test_an_unassigned_appointment_has_no_column() -> None:
    assert incoming(practitioner_external_id=None).values.clinician_id is None
    assert RULES.decision_on(None) is MappingDecision.MAPPED


def test_the_day_of_a_card_is_that_of_its_start_in_the_connections_zone() -> None:
    assert incoming(start_at=at("00:00", 24)).values.pms_date.day == 24
    assert incoming(start_at=at("23:59")).values.pms_date.day == 23
