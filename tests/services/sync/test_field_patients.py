"""Who a visit is about, as it goes in a clinic: files merged, groups that change, visits booked anew, links, moves."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import pytest
from flask import Flask

from pmsapp.domain.appointment import Patient, TelehealthLinks
from pmsapp.domain.runsheet import Action, Card
from pmsapp.services.base.errors import Conflict, Invalid
from pmsapp.services.editing import decisions, overrides
from pmsapp.services.editing.decisions import DecisionView
from pmsapp.services.sheet import timeline
from pmsapp.services.sync import recheck
from tests.support.clock import FrozenClock
from tests.support.fake_clinic import MEL, FakeClinic, stock
from tests.support.fake_pms import WHOLE_PRACTICE, FakePractice, registered

BORN = date(1979, 3, 12)
LINKS = TelehealthLinks("https://video.example.com/host-1", "https://video.example.com/guest-1")


@pytest.fixture
def practice() -> Iterator[FakePractice]:
    practice = stock(FakePractice())
    practice.patients["ada"] = practice.patients["ada"]._replace(birth_date=BORN)
    practice.patients["ada-new-file"] = Patient(
        "ada-new-file", "Ada Alder", BORN, "+61491570000", "ada@example.com"
    )
    with registered("practice", practice):
        yield practice


@pytest.fixture
def clinic(app: Flask, frozen_clock: FrozenClock, practice: FakePractice) -> FakeClinic:
    return FakeClinic(practice)


def kinds(clinic: FakeClinic) -> list[str]:
    return [question.kind for question in clinic.questions()]


def the_question(clinic: FakeClinic, kind: str = "patient_changed") -> DecisionView:
    (question,) = [question for question in clinic.questions() if question.kind == kind]
    return question


# -- compared by meaning ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "typed", "pms"),
    [
        ("patient_email", "ada.alder@example.com", "Ada.Alder@Example.com"),
        ("patient_name", "Ada O'Hara", "Ada O’Hara"),
        ("patient_name", "Ada O'Hara", "Ada  O'Hara"),
        ("patient_phone", "Mum 0491 570 156", "mum 0491 570 156"),
    ],
)
def test_field_02_another_spelling_of_the_same_is_no_conflict(
    clinic: FakeClinic, field: str, typed: str, pms: str
) -> None:
    visit = clinic.practice.book("anna", clinic.at("09:00"), ["ada"])
    clinic.sync()
    overrides.edit_card(clinic.card(visit).id, {field: typed}, MEL)
    clinic.practice.edit_patient("ada", **{field.removeprefix("patient_"): pms})
    clinic.sync()
    assert kinds(clinic) == []
    card = clinic.card(visit)
    assert card.edited == ()
    assert getattr(card, field) == pms
    # Typing the other spelling over it is no edit either.
    assert overrides.edit_card(card.id, {field: typed}, MEL).edited == ()


def test_field_02_a_spelling_the_pms_changes_leaves_an_edit_alone(clinic: FakeClinic) -> None:
    clinic.practice.edit_patient("ada", name="Ada O'Hara")
    visit = clinic.practice.book("anna", clinic.at("09:00"), ["ada"])
    clinic.sync()
    overrides.edit_card(clinic.card(visit).id, {"patient_name": "Ada Lovelace"}, MEL)
    clinic.practice.edit_patient("ada", name="Ada O’Hara")
    clinic.sync()
    assert (kinds(clinic), clinic.card(visit).patient_name) == ([], "Ada Lovelace")


# -- links ---------------------------------------------------------------------------------------------------------------


def links(card: Card) -> tuple[str | None, str | None]:
    return card.host_link, card.patient_link


@pytest.fixture
def linked(clinic: FakeClinic) -> str:
    visit = clinic.practice.book("anna", clinic.at("09:00"), ["ada"], links=LINKS)
    clinic.sync()
    card = clinic.card(visit)
    assert links(card) == (LINKS.host, LINKS.patient)
    assert Action.JOIN in card.actions
    return visit


@pytest.mark.parametrize("how", ["cancelled", "deleted", "filtered", "removed"])
def test_field_03_a_visit_that_does_not_take_place_has_no_links(
    clinic: FakeClinic, linked: str, how: str
) -> None:
    match how:
        case "cancelled":
            clinic.practice.change(linked, status="cancelled")
        case "deleted":
            clinic.practice.delete(linked)
        case "filtered":
            clinic.practice.change(linked, type_id="rooms")
        case "removed":
            overrides.remove_card(clinic.card(linked).id, "twice", MEL)
    clinic.sync()
    card = clinic.card(linked)
    assert card.presence != "on_sheet"
    assert links(card) == (None, None)
    assert not {Action.JOIN, Action.ADVANCE} & card.actions


def test_field_03_the_earlier_patients_card_never_carries_the_new_patients_link(
    clinic: FakeClinic, linked: str
) -> None:
    clinic.practice.change(linked, patients=("bo",))
    clinic.sync()
    held, new = clinic.card(linked, "ada"), clinic.card(linked, "bo")
    assert (held.presence, links(held)) == ("held", (None, None))
    assert links(new) == (LINKS.host, LINKS.patient)
    decisions.decide(the_question(clinic).id, "keep", MEL)
    kept = clinic.card(linked, "ada")
    assert (kept.presence, links(kept)) == ("on_sheet", (None, None))


def test_field_03_a_removed_card_is_brought_back_before_it_is_changed(
    clinic: FakeClinic, linked: str
) -> None:
    card_id = clinic.card(linked).id
    overrides.remove_card(card_id, "twice", MEL)
    with pytest.raises(Conflict, match="bring it back"):
        overrides.edit_card(card_id, {"state": "done"}, MEL)
    overrides.restore_card(card_id, MEL)
    assert overrides.edit_card(card_id, {"state": "done"}, MEL).state == "done"


# -- two files of one patient ---------------------------------------------------------------------------------------------


@pytest.fixture
def refiled(clinic: FakeClinic) -> str:
    """Ada's visit with a note, a state and an edit; her two files were merged, so it names the new one."""
    visit = clinic.practice.book("anna", clinic.at("09:00"), ["ada"])
    clinic.sync()
    work = {"notes": "Rang twice", "state": "contacted", "patient_phone": "+61491570156"}
    overrides.edit_card(clinic.card(visit).id, work, MEL)
    clinic.practice.change(visit, patients=("ada-new-file",))
    clinic.sync()
    return visit


def test_field_09_the_same_person_under_another_file_keeps_all_that_was_done(
    clinic: FakeClinic, refiled: str
) -> None:
    question = the_question(clinic)
    assert "same" in question.choices
    decisions.decide(question.id, "same", MEL)
    card = clinic.card(refiled, "ada-new-file")
    assert (card.notes, card.state, card.patient_phone) == ("Rang twice", "contacted", "+61491570156")
    assert [(edit.field, edit.by, edit.conflict) for edit in card.edited] == [("patient_phone", "Mel", False)]
    assert [card.id for card in clinic.sheet().cards] == [card.id]
    run = clinic.sync()
    assert (run.status, run.counts["updated"], kinds(clinic)) == ("success", 0, [])
    assert [card.id for card in clinic.sheet().cards] == [card.id]


def test_field_09_same_is_taken_back_like_any_answer(clinic: FakeClinic, refiled: str) -> None:
    question = the_question(clinic)
    decisions.decide(question.id, "same", MEL)
    decisions.undo(question.id, MEL)
    old, new = clinic.card(refiled, "ada"), clinic.card(refiled, "ada-new-file")
    assert (old.presence, old.notes, new.notes, new.state, new.edited) == (
        "held",
        "Rang twice",
        None,
        "booked",
        (),
    )
    assert the_question(clinic).id == question.id


def test_field_09_work_on_the_new_card_is_kept_beside_it(clinic: FakeClinic, refiled: str) -> None:
    new = clinic.card(refiled, "ada-new-file")
    overrides.edit_card(new.id, {"notes": "Waits", "state": "waiting", "patient_phone": "+61491570999"}, MEL)
    decisions.decide(the_question(clinic).id, "same", MEL)
    card = clinic.card(refiled, "ada-new-file")
    assert (card.notes, card.state, card.patient_phone) == ("Waits\nRang twice", "waiting", "+61491570999")


def test_field_09_an_edit_that_the_new_file_contradicts_is_asked_about(
    clinic: FakeClinic, refiled: str
) -> None:
    clinic.practice.edit_patient("ada-new-file", phone="+61491570888")
    clinic.sync()
    decisions.decide(the_question(clinic).id, "same", MEL)
    assert the_question(clinic, "field_conflict").theirs == "+61491570888"


def test_field_09_merged_and_parted_again_loses_nobody(clinic: FakeClinic, refiled: str) -> None:
    decisions.decide(the_question(clinic).id, "same", MEL)
    clinic.practice.change(refiled, patients=("ada",))
    clinic.sync()
    assert clinic.card(refiled, "ada").presence == "on_sheet"
    assert "same" in the_question(clinic).choices


@pytest.mark.parametrize(
    ("name", "born"), [("Ada Alder", date(1979, 3, 13)), ("Ada Alder", None), ("Adam Alder", BORN)]
)
def test_field_09_same_is_only_for_an_equal_name_and_birth_date(
    clinic: FakeClinic, refiled: str, name: str, born: date | None
) -> None:
    clinic.practice.edit_patient("ada-new-file", name=name, birth_date=born)
    clinic.sync()
    question = the_question(clinic)
    assert question.choices == ("pms", "keep")
    with pytest.raises(Invalid):
        decisions.decide(question.id, "same", MEL)


@pytest.mark.parametrize("slug", ["fake", WHOLE_PRACTICE])
def test_field_09_in_a_group_leaving_and_joining_are_events_of_their_own(
    app: Flask, frozen_clock: FrozenClock, practice: FakePractice, slug: str
) -> None:
    clinic = FakeClinic(practice, slug)
    visit = clinic.practice.book("anna", clinic.at("09:00"), ["ada", "bo", "cy"])
    clinic.sync()
    clinic.practice.change(visit, patients=("ada", "cy", "di"))
    run = clinic.sync()
    assert (run.status, kinds(clinic)) == ("success", [])
    stands = {key[1]: card.presence.value for key, card in clinic.cards().items()}
    assert stands == {"ada": "on_sheet", "bo": "deleted", "cy": "on_sheet", "di": "on_sheet"}
    left, joined = (timeline.of_card(clinic.card(visit, who).id)[0].kind for who in ("bo", "di"))
    assert (left, joined) == ("left", "created")
    assert clinic.sync().counts["updated"] == 0


def test_field_09_a_merged_file_in_a_group_is_asked_about_too(clinic: FakeClinic) -> None:
    visit = clinic.practice.book("anna", clinic.at("09:00"), ["ada", "bo"])
    clinic.sync()
    overrides.edit_card(clinic.card(visit, "ada").id, {"notes": "Rang twice"}, MEL)
    clinic.practice.change(visit, patients=("ada-new-file", "bo"))
    clinic.sync()
    decisions.decide(the_question(clinic).id, "same", MEL)
    assert clinic.card(visit, "ada-new-file").notes == "Rang twice"
    assert len(clinic.sheet().cards) == 2


# -- cancelled and booked anew ----------------------------------------------------------------------------------------------


@pytest.fixture
def worked_on(clinic: FakeClinic) -> str:
    """Ada's visit at 10:20 with a note, a state, a phone and a time typed by staff."""
    visit = clinic.practice.book("anna", clinic.at("10:20"), ["ada"])
    clinic.sync()
    work = {"notes": "Rang twice", "state": "contacted", "patient_phone": "+61491570156"}
    overrides.edit_card(clinic.card(visit).id, {**work, "start_at": clinic.at("10:25")}, MEL)
    return visit


def rebook(clinic: FakeClinic, clock: FrozenClock, visit: str, *, order: str) -> str:
    """Cancel (or delete) and book anew at 09:15 with Dr Ben; with a run after each step, or one after both."""
    if order == "anew first":
        new = clinic.practice.book("ben", clinic.at("09:15"), ["ada"])
        clock.advance(minutes=5)
        clinic.sync()
    if order == "deleted":
        clinic.practice.delete(visit)
    else:
        clinic.practice.change(visit, status="cancelled")
    if order != "at once":
        clock.advance(minutes=5)
        clinic.sync()
    if order != "anew first":
        new = clinic.practice.book("ben", clinic.at("09:15"), ["ada"])
    clock.advance(minutes=5)
    clinic.sync()
    return new


@pytest.mark.parametrize("order", ["cancelled first", "anew first", "at once", "deleted"])
def test_field_10_both_cards_say_so_and_one_press_takes_the_work_over(
    clinic: FakeClinic, frozen_clock: FrozenClock, worked_on: str, order: str
) -> None:
    visit = rebook(clinic, frozen_clock, worked_on, order=order)
    old, new = clinic.card(worked_on), clinic.card(visit)
    assert old.rebooked_to is not None
    assert (old.rebooked_to.card_id, old.rebooked_to.start_at) == (new.id, clinic.at("09:15"))
    assert new.rebooked_from is not None
    assert (new.rebooked_from.card_id, new.rebooked_from.start_at) == (old.id, clinic.at("10:20"))
    assert Action.TAKE_OVER in new.actions
    taken = overrides.take_over(new.id, MEL)
    assert (taken.notes, taken.state, taken.patient_phone) == ("Rang twice", "contacted", "+61491570156")
    # The time that was typed was that of the visit that does not take place.
    assert (taken.start_at, [edit.field for edit in taken.edited]) == (clinic.at("09:15"), ["patient_phone"])
    assert Action.TAKE_OVER not in taken.actions
    with pytest.raises(Conflict):
        overrides.take_over(new.id, MEL)
    assert clinic.card(worked_on).notes == "Rang twice"
    assert clinic.sync().counts["updated"] == 0


def test_field_10_a_look_up_of_one_card_links_it_just_the_same(
    clinic: FakeClinic, frozen_clock: FrozenClock, worked_on: str
) -> None:
    visit = clinic.practice.book("anna", clinic.at("09:15"), ["ada"])
    frozen_clock.advance(minutes=5)
    clinic.sync()
    clinic.practice.delete(worked_on)
    recheck.recheck_card(clinic.card(worked_on).id, MEL)
    assert clinic.card(visit).rebooked_from is not None


def test_field_10_two_visits_of_one_day_are_two_visits(clinic: FakeClinic, frozen_clock: FrozenClock) -> None:
    first = clinic.practice.book("anna", clinic.at("09:00"), ["ada"])
    second = clinic.practice.book("ben", clinic.at("14:00"), ["ada"])
    other = clinic.practice.book("ben", clinic.at("15:00"), ["bo"], notes="somebody else")
    clinic.sync()
    clinic.practice.change(first, status="cancelled")
    frozen_clock.advance(minutes=5)
    clinic.practice.book("anna", clinic.at("11:00", 1), ["ada"])
    clinic.sync()
    assert [clinic.card(visit).rebooked_to for visit in (first, second, other)] == [None, None, None]
    assert clinic.card(second).rebooked_from is None


def test_field_10_a_visit_that_is_on_again_is_not_booked_anew(
    clinic: FakeClinic, frozen_clock: FrozenClock, worked_on: str
) -> None:
    visit = rebook(clinic, frozen_clock, worked_on, order="cancelled first")
    clinic.practice.change(worked_on, status="booked")
    clinic.sync()
    assert (clinic.card(worked_on).rebooked_to, clinic.card(visit).rebooked_from) == (None, None)


# -- a card by hand and its duplicate ---------------------------------------------------------------------------------------------


def test_field_11_near_names_are_asked_about(clinic: FakeClinic, practice: FakePractice) -> None:
    practice.patients["emma"] = Patient("emma", "Emma Numbat", date(2012, 5, 5), "+61491571491")
    typed = {
        "start_at": clinic.at("09:00"),
        "patient_name": "Ella Numbat",
        "clinician_id": clinic.mapped["anna"],
    }
    overrides.add_card(clinic.today, typed, MEL)
    clinic.practice.book("anna", clinic.at("09:00"), ["emma"])
    clinic.sync()
    assert kinds(clinic) == ["merge_suggestion"]


def test_field_11_near_names_with_different_birth_dates_are_never_asked_about(
    clinic: FakeClinic, practice: FakePractice
) -> None:
    typed = {
        "start_at": clinic.at("09:00"),
        "patient_name": "Ella Numbat",
        "clinician_id": clinic.mapped["anna"],
    }
    by_hand = overrides.add_card(clinic.today, typed, MEL)
    clinic.write(by_hand.id, patient_dob=date(2012, 5, 6))
    practice.patients["emma"] = Patient("emma", "Emma Numbat", date(2012, 5, 5), "+61491571491")
    clinic.practice.book("anna", clinic.at("09:00"), ["emma"])
    clinic.sync()
    assert kinds(clinic) == []


# -- what moved, and what the timeline says ------------------------------------------------------------------------------------


def test_field_19_a_change_of_clinician_is_no_change_of_time(clinic: FakeClinic) -> None:
    visit = clinic.practice.book("anna", clinic.at("10:20"), ["ada"])
    clinic.sync()
    clinic.practice.change(visit, practitioner="ben")
    clinic.sync()
    card = clinic.card(visit)
    assert (card.moved_from.start_at, card.moved_from.clinician_id) == (None, clinic.mapped["anna"])
    clinic.practice.change(visit, start_at=clinic.at("11:00"))
    clinic.sync()
    assert clinic.card(visit).moved_from.start_at == clinic.at("10:20")


def test_field_19_the_timeline_says_what_was_and_what_is(clinic: FakeClinic) -> None:
    visit = clinic.practice.book("anna", clinic.at("10:20"), ["ada"])
    clinic.sync()
    card = clinic.card(visit)
    clinic.practice.change(visit, start_at=clinic.at("11:00"))
    clinic.sync()
    overrides.edit_card(card.id, {"patient_phone": "+61491570156", "notes": "Rang twice"}, MEL)
    typed, moved, _ = timeline.of_card(card.id)
    assert (typed.was, typed.now) == (
        {"patient_phone": "+61491570000"},
        {"patient_phone": "+61491570156"},
    )
    assert typed.fields == ("notes", "patient_phone")
    assert moved.was.keys() == moved.now.keys() == {"start_at"}
    assert moved.was["start_at"] < moved.now["start_at"]
