"""The end of a day: what is left of it, and closing it with a name."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask

from pmsapp.domain.actor import Actor
from pmsapp.domain.worklist.hand_over import is_of_the_plan
from pmsapp.models import Decision, RunSheetOverride
from pmsapp.services.base import audit
from pmsapp.services.base.errors import Conflict, Invalid
from pmsapp.services.base.transaction import writing
from pmsapp.services.editing import hand_over, overrides, steps
from tests.support.clock import FrozenClock
from tests.support.seeded_clinic import DAY, seed

MEL = Actor("user", "Mel", None, "reception")


@pytest.fixture(autouse=True)
def clinic(app: Flask, frozen_clock: FrozenClock) -> None:
    seed()
    with writing() as session:
        session.query(RunSheetOverride).delete()


def ids(*groups: tuple[object, ...]) -> list[list[int]]:
    return [[card.id for card in group] for group in groups]  # type: ignore[attr-defined]


def test_everybody_stands_in_the_list_of_what_is_left_to_do_about_them() -> None:
    left = hand_over.get(DAY).left
    assert ids(left.not_done, left.no_answer, left.did_not_attend) == [[1, 2], [], []]
    steps.record_attempt(1, "no_answer", MEL)
    steps.advance(2, MEL, expected="booked", to="did_not_attend")
    left = hand_over.get(DAY).left
    assert ids(left.not_done, left.no_answer, left.did_not_attend) == [[], [1], [2]]
    steps.advance(1, MEL, expected="no_answer", to="done")
    left = hand_over.get(DAY).left
    assert ids(left.not_done, left.no_answer, left.did_not_attend) == [[], [], [2]]


def test_a_change_counts_from_noon_to_midnight_and_steps_do_not(frozen_clock: FrozenClock) -> None:
    overrides.edit_card(1, {"patient_phone": "0491 570 156"}, MEL)
    frozen_clock.advance(hours=3)
    overrides.edit_card(2, {"patient_phone": "0491 570 157"}, MEL)
    steps.advance(2, MEL, expected="booked")
    frozen_clock.advance(hours=13)
    overrides.edit_card(1, {"patient_email": "new@example.net"}, MEL)
    changes = hand_over.get(DAY).changes
    assert [(event.appointment_id, event.kind, event.fields) for event in changes] == [
        (2, "edited", ("patient_phone",))
    ]


@pytest.mark.parametrize(
    ("kind", "fields", "counts"),
    [
        ("changed", {"appointment_status"}, False),
        ("changed", {"appointment_status", "start_at"}, True),
        ("changed", {"patient_phone"}, True),
        ("cancelled", {"appointment_status"}, True),
        ("step", set(), False),
    ],
)
def test_the_ordinary_course_of_a_visit_is_no_change_of_the_plan(
    kind: str, fields: set[str], counts: bool
) -> None:
    assert is_of_the_plan(kind, fields) is counts


def test_a_clinicians_hand_over_is_of_their_own_patients() -> None:
    view = hand_over.get(DAY, clinician_id=1)
    assert ids(view.left.not_done) == [[1]]
    assert view.decisions == ()
    with writing() as session:
        assert session.query(Decision).filter(Decision.state == "open").count() == len(
            hand_over.get(DAY).decisions
        )


def test_a_day_is_closed_once_with_a_name_and_may_be_opened_again(frozen_clock: FrozenClock) -> None:
    frozen_clock.advance(hours=8)
    closed = hand_over.close(DAY, "  Mel   Tran ", " Ring the lab ", MEL)
    assert (closed.closed_by, closed.closed_at, closed.note) == ("Mel Tran", frozen_clock(), "Ring the lab")
    with pytest.raises(Conflict, match="closed by Mel Tran"):
        hand_over.close(DAY, "Sam", None, MEL)
    frozen_clock.advance(minutes=1)
    overrides.edit_card(1, {"patient_phone": "0491 570 156"}, MEL)
    assert hand_over.get(DAY).since_closed == 1
    opened = hand_over.reopen(DAY, MEL)
    assert (opened.closed_at, opened.reopened_by) == (None, "Mel")
    assert hand_over.reopen(DAY, MEL) == opened, "an open day stays as it is"
    assert hand_over.close(DAY, "Sam", None, MEL).closed_by == "Sam"
    assert [row.action for row in audit.list_events(subject=f"day:{DAY}")] == [
        "day.closed",
        "day.reopened",
        "day.closed",
    ]


@pytest.mark.parametrize(
    ("day", "name", "note", "field"),
    [
        (DAY, "   ", None, "name"),
        (DAY, "M" * 81, None, "name"),
        (DAY, "Mel", "n" * 1001, "note"),
        (DAY + timedelta(days=1), "Mel", None, "date"),
    ],
)
def test_a_day_is_not_closed_without_a_name_or_before_it_begins(
    day: object, name: str, note: str | None, field: str
) -> None:
    with pytest.raises(Invalid) as refused:
        hand_over.close(day, name, note, MEL)  # type: ignore[arg-type]
    assert list(refused.value.errors) == [field]
    assert hand_over.closing_of(DAY).closed_at is None
