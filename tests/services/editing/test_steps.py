"""Reception's steps: times, attempts, undo, and two people at one line."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask

from pmsapp.domain.actor import Actor
from pmsapp.domain.runsheet import Card
from pmsapp.models import RunSheetAppointment, RunSheetOverride
from pmsapp.services.base.errors import Conflict, Invalid, NotFound
from pmsapp.services.base.transaction import writing
from pmsapp.services.editing import overrides, patient_checks, steps
from pmsapp.services.editing.steps import Step
from pmsapp.services.sheet import columns, days, looks, timeline
from tests.support.actors import make_user
from tests.support.clock import MONDAY_9AM, FrozenClock
from tests.support.seeded_clinic import DAY, seed

MEL = Actor("user", "Mel", None, "reception")
SAM = Actor("user", "Sam", None, "reception")


@pytest.fixture(autouse=True)
def clinic(app: Flask, frozen_clock: FrozenClock) -> None:
    seed()


def press(expected: str, actor: Actor = MEL, to: str | None = None) -> Step:
    return steps.advance(1, actor, expected=expected, to=to)


def walk(*states: str) -> None:
    for state in states:
        press(state)


def test_five_presses_take_a_patient_from_booked_to_done(frozen_clock: FrozenClock) -> None:
    walk("booked", "contacted", "waiting", "ready")
    frozen_clock.advance(minutes=6)
    card = press("with_clinician").card
    assert card.state == "done"
    assert card.state_since == MONDAY_9AM + timedelta(minutes=6)
    with pytest.raises(Conflict, match="no step"):
        press("done")


def test_the_wait_is_counted_from_its_beginning_whatever_is_pressed_since(frozen_clock: FrozenClock) -> None:
    walk("booked", "contacted")
    frozen_clock.advance(minutes=7)
    card = press("waiting").card
    assert (card.state, card.waiting_since, card.state_since) == ("ready", MONDAY_9AM, frozen_clock())
    assert press("ready", to="contacted").card.waiting_since is None, "not here after all"


def test_the_second_to_press_a_line_sees_the_first_ones_step_and_skips_none() -> None:
    press("booked")
    with pytest.raises(Conflict) as refused:
        press("booked", SAM)
    assert refused.value.code == "STEP-TAKEN"
    assert isinstance(refused.value.current, Card)
    assert refused.value.current.state == "contacted"
    assert days.get_card(1).state == "contacted"


def test_a_version_that_is_old_is_refused_too() -> None:
    version = days.get_card(1).row_version
    press("booked")
    with pytest.raises(Conflict, match="changed"):
        steps.advance(1, SAM, expected="contacted", row_version=version)


def test_no_answer_counts_each_attempt_with_its_time(frozen_clock: FrozenClock) -> None:
    steps.record_attempt(1, "no_answer", MEL)
    frozen_clock.advance(minutes=20)
    step = steps.record_attempt(1, "left_message", SAM)
    assert (step.card.state, step.number) == ("no_answer", 2)
    assert [(attempt.outcome, attempt.by, attempt.at) for attempt in step.card.attempts] == [
        ("no_answer", "Mel", MONDAY_9AM),
        ("left_message", "Sam", MONDAY_9AM + timedelta(minutes=20)),
    ]
    assert steps.record_attempt(1, "reached", MEL).card.state == "contacted"


def test_an_attempt_never_moves_somebody_who_is_here_already() -> None:
    walk("booked", "contacted")
    assert steps.record_attempt(1, "no_answer", MEL).card.state == "waiting"


def test_an_unknown_outcome_or_state_is_refused() -> None:
    with pytest.raises(Invalid):
        steps.record_attempt(1, "shrugged", MEL)
    with pytest.raises(Invalid):
        press("booked", to="asleep")
    with pytest.raises(NotFound):
        steps.record_attempt(99, "no_answer", MEL)


def test_undo_puts_back_state_times_and_attempts(frozen_clock: FrozenClock) -> None:
    walk("booked", "contacted")
    before = days.get_card(1)
    frozen_clock.advance(minutes=3)
    step = press("waiting", to="did_not_attend")
    after = steps.undo(1, step.event_id, SAM)
    assert (after.state, after.state_since, after.waiting_since) == (
        "waiting",
        before.state_since,
        before.waiting_since,
    )
    attempt = steps.record_attempt(2, "no_answer", MEL)
    assert steps.undo(2, attempt.event_id, MEL).attempts == ()


def test_steps_are_undone_one_after_another_the_last_one_first() -> None:
    first, second = press("booked"), press("contacted")
    with pytest.raises(Conflict, match="taken back"):
        steps.undo(1, first.event_id, MEL)
    assert steps.undo(1, second.event_id, MEL).state == "contacted"
    with pytest.raises(Conflict):
        steps.undo(1, second.event_id, MEL)
    assert steps.undo(1, first.event_id, MEL).state == "booked"


def test_a_step_can_be_undone_until_midnight(frozen_clock: FrozenClock) -> None:
    step = press("booked")
    frozen_clock.advance(hours=14, minutes=59)
    steps.undo(1, step.event_id, MEL)
    late = press("booked")
    frozen_clock.advance(minutes=2)
    with pytest.raises(Conflict):
        steps.undo(1, late.event_id, MEL)


def test_every_step_is_a_line_of_the_story_with_from_and_to() -> None:
    step = press("booked")
    steps.undo(1, step.event_id, SAM)
    assert [(line.kind, line.actor, line.step) for line in timeline.of_card(1)] == [
        ("step_undone", "Sam", ("contacted", "booked")),
        ("step", "Mel", ("booked", "contacted")),
    ]


def test_a_state_typed_in_a_form_is_a_step_like_any_other() -> None:
    card = overrides.edit_card(1, {"state": "waiting", "notes": "Ring the daughter"}, MEL)
    assert (card.state_since, card.waiting_since) == (MONDAY_9AM, MONDAY_9AM)
    assert [(line.kind, line.fields) for line in timeline.of_card(1)] == [
        ("edited", ("notes",)),
        ("step", ()),
    ]


def test_a_card_that_has_left_takes_no_step() -> None:
    with writing() as session:
        session.get_one(RunSheetAppointment, 1).presence = "cancelled"
    with pytest.raises(Conflict, match="not on the sheet"):
        press("booked")


def test_a_claim_is_seen_by_others_for_two_minutes_and_ends_by_itself(frozen_clock: FrozenClock) -> None:
    patient_checks.claim(1, MEL)
    claim = days.get_card(1).claim
    assert claim is not None
    assert (claim.by, claim.until) == ("Mel", MONDAY_9AM + timedelta(minutes=2))
    with pytest.raises(Conflict, match="Mel is calling"):
        patient_checks.claim(1, SAM)
    frozen_clock.advance(minutes=2)
    assert days.get_card(1).claim is None
    renewed = patient_checks.claim(1, SAM).claim
    assert renewed is not None
    assert renewed.by == "Sam"
    assert patient_checks.release(1, MEL).claim is not None, "not hers to end"
    assert patient_checks.release(1, SAM).claim is None


def test_a_step_ends_the_claim() -> None:
    patient_checks.claim(1, MEL)
    assert press("booked").card.claim is None


def test_an_identity_check_keeps_who_when_and_which_three(frozen_clock: FrozenClock) -> None:
    check = patient_checks.check_identity(1, ["name", "birth_date", "address"], MEL).identity_check
    assert check is not None
    assert (check.identifiers, check.by, check.at) == (("name", "birth_date", "address"), "Mel", MONDAY_9AM)


@pytest.mark.parametrize(
    "identifiers",
    [
        ["name", "birth_date"],
        ["name", "birth_date", "medicare_number"],
        ["name", "name", "birth_date"],
        ["name", "birth_date", "address", "ihi"],
    ],
    ids=["two", "medicare", "twice the same", "four"],
)
def test_only_three_approved_identifiers_count(identifiers: list[str]) -> None:
    with pytest.raises(Invalid, match="identifiers"):
        patient_checks.check_identity(1, identifiers, MEL)


def test_similar_names_caution_both_cards_until_the_identity_is_checked() -> None:
    with writing() as session:
        session.query(RunSheetOverride).delete()
        for number, name in ((1, "Ada Quoll"), (2, "Ida Quoll")):
            row = session.get_one(RunSheetAppointment, number)
            row.patient_name, row.patient_dob = name, DAY.replace(year=1980)
    assert [card.similar_names for card in days.get_sheet(DAY).cards] == [(2,), (1,)]
    assert days.get_card(1).similar_names == (2,)
    patient_checks.check_identity(1, ["name", "birth_date", "gender"], MEL)
    assert days.get_card(1).similar_names == ()
    assert days.get_card(2).similar_names == (1,), "the other's identity is still open"


def test_what_left_and_was_acknowledged_can_be_brought_back() -> None:
    with writing() as session:
        session.get_one(RunSheetAppointment, 1).presence = "cancelled"
    overrides.acknowledge_card(1, MEL)
    assert [card.id for card in days.get_sheet(DAY).acknowledged] == [1]
    back = overrides.restore_card(1, MEL)
    assert (back.acknowledged_at, back.presence) == (None, "cancelled")
    with pytest.raises(Conflict):
        overrides.restore_card(1, MEL)


def test_how_late_a_clinician_runs_counts_for_the_day_it_was_said(frozen_clock: FrozenClock) -> None:
    assert columns.set_running_late(1, 15, MEL).running_late_minutes == 15
    assert days.get_sheet(DAY).columns[0].running_late_minutes == 15
    with pytest.raises(Invalid):
        columns.set_running_late(1, 241, MEL)
    with pytest.raises(NotFound):
        columns.set_running_late(1, 5, Actor("user", "Dr Other", 5, "clinician", clinician_id=2))
    frozen_clock.advance(days=1)
    assert columns.get_clinician(1).running_late_minutes == 0
    assert days.get_sheet(DAY + timedelta(days=1)).columns[0].running_late_minutes == 0


def test_a_change_is_news_to_whoever_looked_before_it_and_did_not_make_it(frozen_clock: FrozenClock) -> None:
    me, other = (
        Actor("user", user.name, user.id, "reception")
        for user in (make_user("reception", email="a@example.org"), make_user("admin", email="b@example.org"))
    )

    def news() -> list[bool]:
        sheet = days.read_day(DAY, viewer=me).sheet
        return [card.changed_since_seen for card in sheet.cards]

    assert news() == [False, False], "a first look has no news"
    looks.begin_day(DAY, me)
    frozen_clock.advance(minutes=1)
    overrides.edit_card(1, {"notes": "Prefers mornings"}, other)
    steps.advance(2, other, expected="booked")
    assert news() == [True, False], "a step speaks for itself"
    frozen_clock.advance(minutes=1)
    looks.see_card(1, me)
    assert news() == [False, False]
    overrides.edit_card(2, {"notes": "Mine"}, me)
    assert news() == [False, False], "my own doing is no news to me"
    frozen_clock.advance(minutes=1)
    overrides.edit_card(1, {"notes": "Again"}, other)
    assert news() == [True, False]
    looks.see_day(DAY, me)
    assert news() == [False, False]
