"""Three sides of one field: what the PMS said, what it says, what staff typed."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pmsapp.domain.sync.merge import EDITABLE, Override, OverrideState, as_stored, merge, staff_value_shows
from pmsapp.domain.sync.values import PMSValues
from tests.domain.sync.pairs import typed
from tests.support import tables

PHONES = {"old": "+61491570001", "new": "+61491570002", "typed": "+61491570003", "": None}

THREE_WAYS = """
before   | PMS said | staff typed | PMS says now | then     | because
active   | old      | typed       | old          | active   | only staff changed it
active   | old      | typed       | new          | conflict | both changed it
active   | old      | typed       | typed        | agreed   | both say the same
active   | -        | typed       | -            | active   | the PMS knows nothing, as before
active   | old      | typed       | -            | conflict | the PMS took its value away
active   | -        | typed       | new          | conflict | the PMS came to know one
conflict | old      | typed       | new          | conflict | still both
conflict | old      | typed       | old          | active   | the PMS went back
conflict | old      | typed       | typed        | agreed   | the PMS came round
"""


@pytest.mark.parametrize("row", tables.rows(THREE_WAYS), ids=lambda row: row["because"])
def test_one_field(row: dict[str, str]) -> None:
    override = typed(
        "patient_phone", PHONES[row["staff typed"]], PHONES[row["PMS said"]], OverrideState(row["before"])
    )
    move = merge(override, PHONES[row["PMS says now"]])
    then = move.to if move else override.state
    assert then == row["then"]
    if move is not None:
        assert move.theirs == PHONES[row["PMS says now"]]


def test_nothing_moves_while_only_staff_have_changed_it() -> None:
    assert merge(typed("patient_phone", "a", "b"), "b") is None


SHOWN = """
field            | column of the card           | while both changed
patient_name     | patient_name                 | staff
patient_phone    | patient_phone                | staff
patient_email    | patient_email                | staff
start_at         | start_at                     | PMS
duration_minutes | appointment_duration_minutes | PMS
clinician_id     | clinician_id                 | PMS
is_telehealth    | is_telehealth                | PMS
"""


@pytest.mark.parametrize("row", tables.rows(SHOWN), ids=lambda row: row["field"])
def test_which_side_shows_until_somebody_chooses(row: dict[str, str]) -> None:
    conflict = typed(row["field"], "a", "b", OverrideState.CONFLICT)
    assert staff_value_shows(conflict) is (row["while both changed"] == "staff")
    assert staff_value_shows(typed(row["field"], "a", "b"))
    for over in ("dropped", "agreed"):
        assert not staff_value_shows(typed(row["field"], "a", "b", OverrideState(over)))


@pytest.mark.parametrize("row", tables.rows(SHOWN), ids=lambda row: row["field"])
def test_which_column_of_a_card_a_field_is(row: dict[str, str]) -> None:
    assert EDITABLE[row["field"]].column == row["column of the card"]
    assert row["column of the card"] in PMSValues._fields


def test_the_table_names_every_field_staff_may_edit() -> None:
    assert [row["field"] for row in tables.rows(SHOWN)] == list(EDITABLE)


VALUES = st.one_of(
    st.none(),
    st.text(max_size=3),
    st.integers(0, 3),
    st.booleans(),
    st.datetimes(timezones=st.just(UTC)),
)


def _equal(first: Any, other: Any) -> bool:
    return as_stored(first) == as_stored(other)


@given(base=VALUES, staff=VALUES, now=VALUES)
def test_what_staff_typed_is_never_rewritten_and_the_outcome_is_stable(
    base: Any, staff: Any, now: Any
) -> None:
    override = typed("patient_phone", staff, base)
    move = merge(override, now)
    if move is None:
        assert _equal(now, base)
        return
    assert move.override is override
    after = Override(1, "patient_phone", override.value, override.base_value, move.to)
    if move.to is OverrideState.AGREED:
        assert _equal(now, staff)
        return
    again = merge(after, now)
    assert (again.to if again else after.state) is move.to


@given(st.datetimes(timezones=st.timezones()))
def test_an_instant_is_the_same_in_every_zone(instant: datetime) -> None:
    assert as_stored(instant) == as_stored(instant.astimezone(UTC))
    # In UTC on both sides: a time that comes twice in its own zone equals nothing in another one.
    assert datetime.fromisoformat(as_stored(instant)) == instant.astimezone(UTC)
