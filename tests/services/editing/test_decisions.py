"""Questions only a person can settle: asked once, answered once, in force at once, taken back until midnight."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from pmsapp.domain.appointment import AppointmentType, Practitioner
from pmsapp.models import PMSAppointmentType, PMSClinicianMapping
from pmsapp.services.base.errors import Conflict, Invalid, NotFound
from pmsapp.services.base.transaction import reading
from pmsapp.services.editing import decisions, overrides
from pmsapp.services.editing.decisions import DecisionView
from pmsapp.services.sheet import days
from pmsapp.services.sheet.timeline import of_card
from tests.support.clock import FrozenClock
from tests.support.fake_clinic import MEL, FakeClinic


def one_question(clinic: FakeClinic, kind: str) -> DecisionView:
    (question,) = [question for question in clinic.questions() if question.kind == kind]
    return question


@pytest.fixture
def conflict(clinic: FakeClinic) -> str:
    """A visit whose phone both sides changed."""
    visit = clinic.practice.book("anna", clinic.at("09:00"), ["ada"])
    clinic.sync()
    overrides.edit_card(clinic.card(visit).id, {"patient_phone": "+61491570156"}, MEL)
    clinic.practice.edit_patient("ada", phone="+61491570999")
    clinic.sync()
    return visit


# -- a field both sides changed -------------------------------------------------------------------------------------


def test_the_question_names_both_sides(clinic: FakeClinic, conflict: str) -> None:
    question = one_question(clinic, "field_conflict")
    assert (question.field, question.ours, question.theirs) == (
        "patient_phone",
        "+61491570156",
        "+61491570999",
    )
    assert (question.date, question.clinician_id) == (clinic.today, clinic.mapped["anna"])
    assert decisions.list_open(clinic.today) == [question]
    assert decisions.list_open(clinic.today + timedelta(days=1)) == []


def test_it_follows_what_the_pms_says_next(clinic: FakeClinic, conflict: str) -> None:
    first = one_question(clinic, "field_conflict")
    clinic.practice.edit_patient("ada", phone="+61491570888")
    clinic.sync()
    question = one_question(clinic, "field_conflict")
    assert (question.id, question.since, question.theirs) == (first.id, first.since, "+61491570888")


def test_keep_stands_against_what_the_pms_says_now_and_no_longer(clinic: FakeClinic, conflict: str) -> None:
    decisions.decide(one_question(clinic, "field_conflict").id, "keep", MEL)
    card = clinic.card(conflict)
    assert (card.patient_phone, [edit.conflict for edit in card.edited]) == ("+61491570156", [False])
    run = clinic.sync()
    assert (run.counts["updated"], clinic.questions()) == (0, [])
    clinic.practice.edit_patient("ada", phone="+61491570888")
    clinic.sync()
    assert one_question(clinic, "field_conflict").theirs == "+61491570888"


def test_keep_is_not_asked_again_when_the_pms_changes_something_else(
    clinic: FakeClinic, conflict: str
) -> None:
    decisions.decide(one_question(clinic, "field_conflict").id, "keep", MEL)
    clinic.practice.change(conflict, start_at=clinic.at("09:15"))
    clinic.sync()
    assert clinic.questions() == []
    assert [edit.conflict for edit in clinic.card(conflict).edited] == [False]


@pytest.mark.parametrize("choice", ["keep", "pms"])
def test_an_answer_makes_what_was_seen_of_the_card_outdated(
    clinic: FakeClinic, conflict: str, choice: str
) -> None:
    seen = clinic.card(conflict)
    decisions.decide(one_question(clinic, "field_conflict").id, choice, MEL)
    with pytest.raises(Conflict) as refused:
        overrides.edit_card(seen.id, {"patient_phone": "+61491570158"}, MEL, row_version=seen.row_version)
    assert refused.value.code == "ROW-CHANGED"


def test_pms_drops_what_was_typed(clinic: FakeClinic, conflict: str) -> None:
    decisions.decide(one_question(clinic, "field_conflict").id, "pms", MEL)
    card = clinic.card(conflict)
    assert (card.patient_phone, card.edited) == ("+61491570999", ())
    clinic.sync()
    assert (clinic.card(conflict), clinic.questions()) == (card, [])


def test_an_answer_is_in_force_on_the_day_it_shows(clinic: FakeClinic) -> None:
    visit = clinic.practice.book("anna", clinic.at("09:00"), ["ada"])
    clinic.sync()
    overrides.edit_card(clinic.card(visit).id, {"start_at": clinic.at("10:00", 1)}, MEL)
    clinic.practice.change(visit, start_at=clinic.at("09:30"))
    clinic.sync()
    assert [card.date for card in clinic.sheet().cards] == [clinic.today]
    before = clinic.sheet().version, clinic.sheet(1).version
    decisions.decide(one_question(clinic, "field_conflict").id, "keep", MEL)
    assert (clinic.sheet().cards, len(clinic.sheet(1).cards)) == ([], 1)
    assert clinic.sheet().version > before[0]
    assert clinic.sheet(1).version > before[1]


def test_the_same_answer_for_the_other_conflicts_of_that_field(clinic: FakeClinic) -> None:
    visits = [
        clinic.practice.book("anna", clinic.at(f"{hour}:00"), [who])
        for hour, who in ((10, "ada"), (11, "bo"))
    ]
    clinic.sync()
    for number, visit in enumerate(visits):
        overrides.edit_card(
            clinic.card(visit).id,
            {"patient_phone": f"+6149157015{number}", "patient_email": "typed@example.com"},
            MEL,
        )
    for who in ("ada", "bo"):
        clinic.practice.edit_patient(who, phone="+61491570999", email="new@example.com")
    clinic.sync()
    phones = [question for question in clinic.questions() if question.field == "patient_phone"]
    decisions.decide(phones[0].id, "pms", MEL, same_for_others=True)
    assert {question.field for question in clinic.questions()} == {"patient_email"}
    assert len(clinic.questions()) == 2


# -- once, and taken back -------------------------------------------------------------------------------------------


def test_a_second_answer_is_told_the_first(clinic: FakeClinic, conflict: str) -> None:
    question = one_question(clinic, "field_conflict")
    decisions.decide(question.id, "keep", MEL)
    with pytest.raises(Conflict) as refused:
        decisions.decide(question.id, "pms", MEL)
    assert (refused.value.code, refused.value.current.choice) == ("DECIDED", "keep")


def test_only_two_words_answer(clinic: FakeClinic, conflict: str) -> None:
    with pytest.raises(Invalid):
        decisions.decide(one_question(clinic, "field_conflict").id, "merge", MEL)
    with pytest.raises(NotFound):
        decisions.decide(999, "pms", MEL)


@pytest.mark.parametrize("choice", ["keep", "pms"])
def test_an_answer_taken_back_asks_again(clinic: FakeClinic, conflict: str, choice: str) -> None:
    before, question = clinic.card(conflict), one_question(clinic, "field_conflict")
    decisions.decide(question.id, choice, MEL)
    assert [decision.id for decision in decisions.list_decided_today() if decision.can_undo] == [question.id]
    decisions.undo(question.id, MEL)
    after = clinic.card(conflict)
    assert (after.patient_phone, after.edited) == (before.patient_phone, before.edited)
    assert one_question(clinic, "field_conflict").id == question.id
    run = clinic.sync()
    assert (run.counts["updated"], len(clinic.questions())) == (0, 1)


def test_an_answer_is_not_taken_back_over_what_staff_typed_since(clinic: FakeClinic, conflict: str) -> None:
    question = one_question(clinic, "field_conflict")
    decisions.decide(question.id, "pms", MEL)
    overrides.edit_card(clinic.card(conflict).id, {"patient_phone": "+61491570158"}, MEL)
    with pytest.raises(Conflict) as refused:
        decisions.undo(question.id, MEL)
    assert refused.value.code == "CANNOT-UNDO"
    assert clinic.card(conflict).patient_phone == "+61491570158"


def test_an_answer_is_not_taken_back_once_the_pms_moved_on(clinic: FakeClinic, conflict: str) -> None:
    question = one_question(clinic, "field_conflict")
    decisions.decide(question.id, "keep", MEL)
    clinic.practice.edit_patient("ada", phone="+61491570888")
    clinic.sync()
    assert not decisions.get_decision(question.id).can_undo
    with pytest.raises(Conflict):
        decisions.undo(question.id, MEL)


def test_an_answer_is_taken_back_on_its_own_day_only(
    clinic: FakeClinic, conflict: str, frozen_clock: FrozenClock
) -> None:
    question = one_question(clinic, "field_conflict")
    decisions.decide(question.id, "keep", MEL)
    frozen_clock.advance(hours=15)
    assert decisions.list_decided_today() == []
    with pytest.raises(Conflict):
        decisions.undo(question.id, MEL)


def test_the_history_names_both_actors(clinic: FakeClinic) -> None:
    visit = clinic.practice.book("anna", clinic.at("09:00"), ["ada"])
    clinic.sync()
    overrides.edit_card(clinic.card(visit).id, {"notes": "Rang twice"}, MEL)
    clinic.practice.change(visit, status="cancelled")
    clinic.sync()
    overrides.acknowledge_card(clinic.card(visit).id, MEL)
    told = [(event.source, event.kind, event.actor) for event in of_card(clinic.card(visit).id)]
    assert told == [
        ("staff", "acknowledged", "Mel"),
        ("pms", "cancelled", None),
        ("staff", "edited", "Mel"),
        ("pms", "created", None),
    ]


# -- a hand-made card and its duplicate ----------------------------------------------------------------------------------


@pytest.fixture
def duplicates(clinic: FakeClinic) -> tuple[int, str]:
    values = {
        "start_at": clinic.at("09:00"),
        "patient_name": "Ada Alder",
        "clinician_id": clinic.mapped["anna"],
        "notes": "Typed by hand",
        "state": "contacted",
    }
    manual = overrides.add_card(clinic.today, values, MEL).id
    visit = clinic.practice.book("anna", clinic.at("09:00"), ["ada"])
    clinic.sync()
    return manual, visit


def test_merging_takes_notes_and_state_along(clinic: FakeClinic, duplicates: tuple[int, str]) -> None:
    manual, visit = duplicates
    decisions.decide(one_question(clinic, "merge_suggestion").id, "pms", MEL)
    card = clinic.card(visit)
    assert (card.notes, card.state) == ("Typed by hand", "contacted")
    assert days.get_card(manual).presence == "removed_by_staff"
    assert [card.id for card in clinic.sheet().cards] == [card.id]
    clinic.practice.change(visit, start_at=clinic.at("10:00"))
    clinic.sync()
    assert days.get_card(manual).presence == "removed_by_staff"


def test_merging_takes_a_typed_phone_and_email_along_and_back(clinic: FakeClinic) -> None:
    typed = {"patient_phone": "+61491570156", "patient_email": "ada@example.com"}
    values = {"start_at": clinic.at("09:00"), "patient_name": "Ada Alder", **typed}
    manual = overrides.add_card(clinic.today, {**values, "clinician_id": clinic.mapped["anna"]}, MEL).id
    visit = clinic.practice.book("anna", clinic.at("09:00"), ["ada"])
    clinic.sync()
    question = one_question(clinic, "merge_suggestion")
    decisions.decide(question.id, "pms", MEL)
    card = clinic.card(visit)
    assert (card.patient_phone, card.patient_email) == ("+61491570156", "ada@example.com")
    assert [(edit.field, edit.value, edit.pms_value) for edit in card.edited] == [
        ("patient_phone", "+61491570156", "+61491570000")
    ]
    clinic.sync()
    assert clinic.card(visit) == card
    decisions.undo(question.id, MEL)
    assert clinic.card(visit).edited == ()
    assert days.get_card(manual).presence == "on_sheet"
    decisions.decide(question.id, "pms", MEL)
    overrides.edit_card(card.id, {"patient_phone": "+61491570157"}, MEL)
    with pytest.raises(Conflict):
        decisions.undo(question.id, MEL)


def test_keeping_leaves_two_cards_and_asks_no_more(clinic: FakeClinic, duplicates: tuple[int, str]) -> None:
    decisions.decide(one_question(clinic, "merge_suggestion").id, "keep", MEL)
    clinic.sync()
    assert (len(clinic.sheet().cards), clinic.questions()) == (2, [])


def test_a_merge_is_taken_back_only_while_the_note_is_as_it_left_it(
    clinic: FakeClinic, duplicates: tuple[int, str]
) -> None:
    manual, visit = duplicates
    question = one_question(clinic, "merge_suggestion")
    decisions.decide(question.id, "pms", MEL)
    decisions.undo(question.id, MEL)
    assert (clinic.card(visit).notes, days.get_card(manual).presence) == (None, "on_sheet")
    decisions.decide(question.id, "pms", MEL)
    overrides.edit_card(clinic.card(visit).id, {"notes": "Typed by hand, and more"}, MEL)
    with pytest.raises(Conflict):
        decisions.undo(question.id, MEL)
    assert clinic.card(visit).notes == "Typed by hand, and more"


@pytest.mark.parametrize("gone", ["manual", "pms"])
def test_a_suggestion_settles_itself_when_one_of_two_goes(
    clinic: FakeClinic, duplicates: tuple[int, str], gone: str
) -> None:
    manual, visit = duplicates
    if gone == "manual":
        overrides.remove_card(manual, "A slip", MEL)
    else:
        clinic.practice.delete(visit)
        clinic.sync()
    assert clinic.questions() == []


# -- somebody or something new at the PMS ---------------------------------------------------------------------------


@pytest.fixture
def newcomer(clinic: FakeClinic, frozen_clock: FrozenClock) -> DecisionView:
    clinic.sync()
    clinic.practice.practitioners["nia"] = Practitioner("nia", "Dr Nia New")
    clinic.practice.practitioners["old"] = Practitioner("old", "Dr Old Gone", active=False)
    clinic.practice.book("nia", clinic.at("09:00"), ["ada"])
    frozen_clock.advance(hours=2)
    clinic.sync()
    return one_question(clinic, "practitioner_new")


def mapping(clinic: FakeClinic, practitioner: str) -> PMSClinicianMapping:
    with reading() as session:
        rows = select(PMSClinicianMapping).where(PMSClinicianMapping.pms_practitioner_id == practitioner)
        return session.scalars(rows).one()


def test_a_new_practitioner_is_read_counted_and_asked_about(
    clinic: FakeClinic, newcomer: DecisionView
) -> None:
    assert newcomer.theirs == {"pms_practitioner_id": "nia", "name": "Dr Nia New"}
    assert [(group.name, group.number) for group in clinic.sheet().undecided] == [("Dr Nia New", 1)]


def test_giving_them_a_column_shows_their_cards_with_the_next_run(
    clinic: FakeClinic, newcomer: DecisionView
) -> None:
    decisions.decide(newcomer.id, "pms", MEL)
    made = mapping(clinic, "nia")
    assert (made.decision, made.auto_created, made.sync_enabled) == ("mapped", True, True)
    clinic.sync()
    assert [(column.name, len(column.cards)) for column in clinic.sheet().columns if column.cards] == [
        ("Dr Nia New", 1)
    ]


def test_not_showing_them_is_an_answer(clinic: FakeClinic, newcomer: DecisionView) -> None:
    decisions.decide(newcomer.id, "keep", MEL)
    assert mapping(clinic, "nia").decision == "ignored"
    clinic.sync()
    assert (clinic.sheet().cards, clinic.questions()) == ([], [])


def test_a_practitioner_decided_elsewhere_need_not_be_asked_about(
    clinic: FakeClinic, newcomer: DecisionView
) -> None:
    clinic.mapped["nia"] = clinic.mapped["anna"]
    clinic.decide_on("nia", "mapped")
    clinic.sync()
    assert clinic.questions() == []


@pytest.fixture
def new_type(clinic: FakeClinic, frozen_clock: FrozenClock) -> str:
    clinic.sync()
    clinic.practice.types["vid2"] = AppointmentType(
        "vid2", "Video – long", suggested=True, evidence="the word video"
    )
    visit = clinic.practice.book("anna", clinic.at("09:00"), ["ada"], type_id="vid2")
    frozen_clock.advance(hours=2)
    clinic.sync()
    return visit


def kind(clinic: FakeClinic) -> PMSAppointmentType:
    with reading() as session:
        return session.scalars(
            select(PMSAppointmentType).where(PMSAppointmentType.pms_type_id == "vid2")
        ).one()


def test_an_answer_about_a_type_moves_its_cards_at_once(clinic: FakeClinic, new_type: str) -> None:
    question = one_question(clinic, "type_new")
    assert clinic.presence(new_type) == "on_sheet", "unknown is shown"
    before = days.sheet_etag(clinic.today)
    decisions.decide(question.id, "keep", MEL)
    assert (kind(clinic).is_telehealth, clinic.presence(new_type)) == (False, "filtered")
    assert days.sheet_etag(clinic.today) != before
    clinic.sync()
    assert clinic.presence(new_type) == "filtered"
    clinic.decide_type("vid2", is_telehealth=True)
    clinic.sync()
    assert clinic.presence(new_type) == "on_sheet"


def test_a_type_that_is_telehealth_keeps_its_cards(clinic: FakeClinic, new_type: str) -> None:
    decisions.decide(one_question(clinic, "type_new").id, "pms", MEL)
    assert kind(clinic).is_telehealth is True
    clinic.sync()
    assert (clinic.presence(new_type), clinic.card(new_type).is_telehealth) == ("on_sheet", True)
