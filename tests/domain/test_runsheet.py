"""What a run sheet shows: which cards stay in view, in which order, and how old what they say is."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pmsapp.domain.appointment import Presence
from pmsapp.domain.runsheet import (
    Card,
    EditedField,
    Freshness,
    FreshnessState,
    arrange,
    freshness,
    in_time_order,
    oldest,
    stays_in_view,
)
from tests.support import tables

NINE = datetime(2026, 11, 22, 22, 0, tzinfo=UTC)
EDIT = EditedField("patient_phone", "+61491570156", None, "Mel", NINE, conflict=False)


def card(number: int = 1, minutes: int = 0, **values: object) -> Card:
    made = Card(
        id=number,
        row_version=1,
        date=date(2026, 11, 23),
        start_at=NINE + timedelta(minutes=minutes),
        time_zone="Australia/Melbourne",
        duration_minutes=15,
        clinician_id=1,
        patient_name="Ada Alder",
        patient_dob=None,
        patient_phone=None,
        patient_email=None,
        appointment_type=None,
        appointment_status="booked",
        is_telehealth=True,
        presence=Presence.ON_SHEET,
        state="booked",
        notes=None,
        pms_notes=None,
        source="pms",
        pms_connection_id=1,
        pms_appointment_id="v1",
        pms_patient_id="ada",
        pms_practitioner_id="anna",
        pms_last_synced_at=NINE,
    )
    return replace(made, **values)  # type: ignore[arg-type]


VIEW = """
the card is      | staff worked on it | somebody has seen it | it stays in view
on_sheet         | no                 | no                   | yes
on_sheet         | no                 | yes                  | yes
held             | no                 | no                   | yes
held             | no                 | yes                  | yes
cancelled        | no                 | no                   | yes
cancelled        | no                 | yes                  | no
deleted          | yes                | no                   | yes
deleted          | yes                | yes                  | no
filtered         | no                 | no                   | no
filtered         | yes                | no                   | yes
filtered         | yes                | yes                  | no
unmapped         | no                 | no                   | no
unmapped         | yes                | no                   | yes
removed_by_staff | yes                | no                   | no
"""


@pytest.mark.parametrize("row", tables.rows(VIEW), ids=tables.case)
def test_a_card_with_staff_work_never_disappears_silently(row: dict[str, str]) -> None:
    seen_at = NINE if row["somebody has seen it"] == "yes" else None
    for work in ({"notes": "Rang twice"}, {"state": "contacted"}, {"edited": (EDIT,)}):
        values = work if row["staff worked on it"] == "yes" else {}
        shown = card(presence=Presence(row["the card is"]), acknowledged_at=seen_at, **values)
        assert stays_in_view(shown) is (row["it stays in view"] == "yes")


def test_only_cancelled_and_deleted_look_like_a_cancellation() -> None:
    gone = {presence for presence in Presence if card(presence=presence).is_gone}
    assert gone == {Presence.CANCELLED, Presence.DELETED}


AGES = """
minutes since it was read | it is
0                         | fresh
15                        | fresh
16                        | fresh
17                        | late
30                        | late
31                        | stale
600                       | stale
"""


@pytest.mark.parametrize("row", tables.rows(AGES), ids=tables.case)
def test_late_after_one_period_and_stale_after_two(row: dict[str, str]) -> None:
    now = NINE + timedelta(minutes=int(row["minutes since it was read"]))
    assert freshness(NINE, now, timedelta(minutes=15)) == Freshness(NINE, FreshnessState(row["it is"]))


def test_never_read_is_not_empty() -> None:
    assert freshness(None, NINE, timedelta(minutes=15)) == Freshness(None, FreshnessState.NEVER)
    assert oldest([]).state is FreshnessState.NONE


STATES = st.sampled_from(FreshnessState)
PARTS = st.lists(
    st.builds(
        lambda state, age: Freshness(
            None if state in ("never", "none") else NINE - timedelta(minutes=age), state
        ),
        STATES,
        st.integers(0, 90),
    ),
    min_size=1,
    max_size=5,
)


@given(PARTS)
def test_a_whole_is_as_old_as_its_oldest_part(parts: list[Freshness]) -> None:
    whole = oldest(parts)
    worst = ["never", "stale", "late", "fresh", "none"]
    assert worst.index(whole.state) == min(worst.index(part.state) for part in parts)
    if whole.state not in ("never", "none"):
        assert whole.as_of == min(part.as_of for part in parts if part.as_of)


@given(st.permutations(range(6)))
def test_two_renderings_never_differ(order: list[int]) -> None:
    cards = [
        card(1, 0, patient_name="Bo"),
        card(2, 0, patient_name="Ada"),
        card(3, 0, patient_name="Ada"),
        card(4, 0, patient_name=None),
        card(5, -5),
        card(6, 30),
    ]
    assert [card.id for card in in_time_order(cards[n] for n in order)] == [5, 4, 2, 3, 1, 6]


def test_cards_stand_under_their_clinician_and_others_are_unassigned() -> None:
    fresh = Freshness(NINE, FreshnessState.FRESH)
    cards = [
        card(1, 30),
        card(2, 0),
        card(3, clinician_id=2),
        card(4, clinician_id=None),
        card(5, clinician_id=9),
    ]
    columns, unassigned = arrange(cards, [(2, "Dr Ben", fresh), (1, "Dr Anna", fresh)])
    assert [(column.name, [card.id for card in column.cards]) for column in columns] == [
        ("Dr Ben", [3]),
        ("Dr Anna", [2, 1]),
    ]
    assert [row.id for row in unassigned] == [4, 5]


def test_a_card_shows_nothing_of_its_patient_in_a_log() -> None:
    assert "Alder" not in repr(card())
