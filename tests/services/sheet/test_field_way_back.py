"""Cards that staff removed, acknowledged or moved to another day have a way back, and say who did it and when."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask

from pmsapp.domain.runsheet import Action
from pmsapp.schemas.sheet import CardOut, RunSheetOut
from pmsapp.services.base.errors import Conflict
from pmsapp.services.editing import decisions, overrides
from pmsapp.services.sheet import days, timeline
from tests.support.clock import FrozenClock
from tests.support.fake_clinic import MEL, FakeClinic
from tests.support.fake_pms import FakePractice

ZONE = "Australia/Melbourne"


@pytest.fixture
def fake(app: Flask, frozen_clock: FrozenClock, practice: FakePractice) -> FakeClinic:
    made = FakeClinic(practice)
    practice.book("anna", made.at("10:40"), ["ada"])
    practice.book("anna", made.at("11:00"), ["bo"])
    made.sync()
    return made


def shown_by_the_interface(fake: FakeClinic) -> RunSheetOut:
    return RunSheetOut.of(days.get_sheet(fake.today, include_not_shown=True), ZONE)


def test_field_18_a_card_staff_moved_to_another_day_stands_among_those_not_shown_and_comes_back(
    fake: FakeClinic,
) -> None:
    card_id = fake.card("v1").id
    tomorrow = fake.at("10:40") + timedelta(days=1)
    overrides.edit_card(card_id, {"start_at": tomorrow}, MEL)
    away = days.get_sheet(fake.today, include_not_shown=True)
    assert [card.id for card in away.not_shown_cards or ()] == [card_id]
    assert away.not_shown["moved"] == 1
    assert [card.id for card in days.get_sheet(fake.today + timedelta(days=1)).cards] == [card_id]
    back = overrides.restore_card(card_id, MEL)
    assert (back.date, back.start_at, back.edited) == (fake.today, fake.at("10:40"), ())
    assert days.get_sheet(fake.today, include_not_shown=True).not_shown_cards == ()
    line = timeline.of_card(card_id)[0]
    assert (line.kind, set(line.was), set(line.now)) == ("brought_back", {"start_at"}, {"start_at"})


def test_field_18_a_card_the_practice_software_moved_is_not_staffs_to_bring_back(
    fake: FakeClinic, practice: FakePractice
) -> None:
    practice.change("v1", start_at=fake.at("10:40", days=1))
    fake.sync()
    moved = days.get_sheet(fake.today, include_not_shown=True).not_shown_cards or ()
    assert [Action.RESTORE in card.actions for card in moved] == [False]


def test_field_18_a_removed_card_says_who_removed_it_when_and_why(fake: FakeClinic) -> None:
    overrides.remove_card(fake.card("v1").id, "booked twice", MEL)
    (card,) = shown_by_the_interface(fake).not_shown_cards or ()
    assert card.removed is not None
    assert (card.removed.by, card.removed.reason) == (MEL.name, "booked twice")
    overrides.restore_card(card.id, MEL)
    assert CardOut.of(days.get_card(card.id), ZONE).removed is None


def test_field_18_an_acknowledged_cancellation_is_listed_with_why_when_and_who_saw_it(
    fake: FakeClinic, practice: FakePractice, frozen_clock: FrozenClock
) -> None:
    there = fake.at("08:40")
    practice.change("v1", status="cancelled", cancelled_at=there, cancellation_reason="patient asked")
    frozen_clock.advance(minutes=9)
    fake.sync()
    overrides.acknowledge_card(fake.card("v1").id, MEL)
    (card,) = shown_by_the_interface(fake).not_shown_cards or ()
    assert card.cancelled is not None
    assert (card.cancelled.reason, card.acknowledged_by) == ("patient asked", MEL.name)
    assert card.cancelled.at == there
    assert card.cancelled.read_at == fake.card("v1").presence_at != there
    overrides.restore_card(card.id, MEL)
    assert shown_by_the_interface(fake).not_shown_cards == []


def test_field_19_a_time_that_the_vendor_does_not_give_is_not_made_up(
    fake: FakeClinic, practice: FakePractice
) -> None:
    practice.change("v1", status="cancelled")
    fake.sync()
    card = CardOut.of(days.get_card(fake.card("v1").id), ZONE)
    assert card.cancelled is not None
    assert (card.cancelled.at, card.cancelled.read_at) == (None, fake.card("v1").presence_at)


def test_field_18_whoever_answers_second_hears_who_answered(fake: FakeClinic, practice: FakePractice) -> None:
    card_id = fake.card("v1").id
    overrides.edit_card(card_id, {"patient_phone": "0491 570 158"}, MEL)
    practice.edit_patient("ada", phone="0491 570 159")
    fake.sync()
    (question,) = decisions.list_open()
    decisions.decide(question.id, "pms", MEL)
    with pytest.raises(Conflict, match=MEL.name) as second:
        decisions.decide(question.id, "keep", MEL)
    assert second.value.current.decided_by == MEL.name
    line = timeline.of_card(card_id)[0]
    assert line.kind == "answered_pms"
    assert line.was["patient_phone"] == question.ours
    assert line.now["patient_phone"] == question.theirs
