"""Cards the PMS no longer lists: looked up first, braked when many, and kept when staff say so."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask

from pmsapp import clock
from pmsapp.domain.errors import BadVendorDataError, PMSError, ReconnectRequiredError, RetryLaterError
from pmsapp.services.base.errors import Conflict
from pmsapp.services.clinic.clinic import ALWAYS_OPEN, ensure, update_clinic
from pmsapp.services.editing import decisions, overrides
from pmsapp.services.editing.decisions import DecisionView
from pmsapp.services.runs.history import RunView
from tests.support.clock import FrozenClock
from tests.support.fake_clinic import MEL, FakeClinic
from tests.support.fake_pms import WHOLE_PRACTICE, FakePractice, Faults


def book_many(clinic: FakeClinic, count: int, practitioner: str = "anna") -> list[str]:
    people = list(clinic.practice.patients)
    return [
        clinic.practice.book(
            practitioner, clinic.at(f"{8 + n // 4:02}:{n % 4 * 15:02}"), [people[n % len(people)]]
        )
        for n in range(count)
    ]


def delete_all(clinic: FakeClinic, visits: list[str]) -> None:
    for visit in visits:
        clinic.practice.delete(visit)


def presences(clinic: FakeClinic, visits: list[str]) -> set[str]:
    return {clinic.presence(visit) for visit in visits}


def the_question(clinic: FakeClinic, kind: str = "removals_held") -> DecisionView:
    (question,) = [question for question in clinic.questions() if question.kind == kind]
    return question


# -- looked up first ------------------------------------------------------------------------------------------------


def test_a_vanished_card_is_looked_up_before_anything_is_said(clinic: FakeClinic) -> None:
    visit, *others = book_many(clinic, 4)
    clinic.sync()
    clinic.practice.delete(visit)
    run = clinic.sync()
    assert clinic.practice.asked == [visit]
    assert (run.status, run.counts["removed"], clinic.presence(visit)) == ("success", 1, "deleted")
    assert presences(clinic, others) == {"on_sheet"}
    assert clinic.card(visit).presence_reason == "no longer in the practice software"


def test_a_cancelled_one_that_the_list_leaves_out_is_cancelled(clinic: FakeClinic) -> None:
    visit, *_ = book_many(clinic, 4)
    clinic.sync()
    clinic.practice.change(visit, status="cancelled")
    clinic.practice.faults.unlisted = {visit}
    run = clinic.sync()
    assert (run.status, clinic.presence(visit), run.counts["removed"]) == ("success", "cancelled", 1)


def test_one_that_is_still_there_means_the_list_was_not_whole(clinic: FakeClinic) -> None:
    visit, gone, *_ = book_many(clinic, 4)
    clinic.sync()
    clinic.practice.faults.unlisted = {visit}
    clinic.practice.delete(gone)
    run = clinic.sync()
    assert (run.status, run.error[0] if run.error else None) == ("partial", "READ-PART")
    assert clinic.outcomes(run)["anna", clinic.today] == "incomplete"
    assert presences(clinic, [visit, gone]) == {"on_sheet"}
    clinic.practice.faults = Faults()
    assert clinic.sync().status == "success"
    assert clinic.presence(gone) == "deleted"


def test_a_doubtful_list_does_not_make_the_column_fresh(
    clinic: FakeClinic, frozen_clock: FrozenClock
) -> None:
    visit, *_ = book_many(clinic, 2)
    clinic.sync()
    read_at = clock.now()
    frozen_clock.advance(minutes=20)
    clinic.practice.faults.unlisted = {visit}
    clinic.sync()
    ages = {column.name: column.freshness for column in clinic.sheet().columns}
    assert (ages["Dr Anna Abel"].as_of, ages["Dr Anna Abel"].state) == (read_at, "late")
    assert ages["Dr Ben Bock"].as_of == clock.now()


@pytest.mark.parametrize(
    "error",
    [
        BadVendorDataError(pms="Fake"),
        RetryLaterError("PMS-SLOW", pms="Fake"),
        ReconnectRequiredError("AUTH-EXPIRED", pms="Fake"),
    ],
)
def test_a_look_up_that_fails_removes_nothing(clinic: FakeClinic, error: PMSError) -> None:
    gone, doubted, *_ = book_many(clinic, 6)
    clinic.sync()
    delete_all(clinic, [gone, doubted])
    clinic.practice.faults.look_ups = {doubted: error}
    run = clinic.sync()
    assert run.status == "partial"
    assert presences(clinic, [gone, doubted]) == {"on_sheet"}
    clinic.practice.faults = Faults()
    clinic.sync()
    assert presences(clinic, [gone, doubted]) == {"deleted"}


def test_once_the_vendor_says_wait_nobody_else_is_asked_about(clinic: FakeClinic) -> None:
    visits = book_many(clinic, 3) + book_many(clinic, 3, "ben")
    clinic.sync()
    delete_all(clinic, visits)
    until = clock.now() + timedelta(seconds=90)
    wait = RetryLaterError("RATE-WAIT", pms="Fake", retry_at=until)
    clinic.practice.faults.look_ups = dict.fromkeys(visits, wait)
    run = clinic.sync()
    assert len(clinic.practice.asked) == 1
    assert (run.status, run.error[0] if run.error else None) == ("partial", "RATE-WAIT")
    assert presences(clinic, visits) == {"on_sheet"}


def test_a_day_moved_elsewhere_as_a_whole_is_looked_up_as_a_whole(clinic: FakeClinic) -> None:
    visits = book_many(clinic, 40)
    clinic.sync()
    for visit in visits:
        clinic.practice.change(visit, start_at=clinic.practice.visits[visit].start_at + timedelta(days=30))
    run = clinic.sync()
    assert (run.status, run.counts["held"], run.counts["updated"]) == ("success", 0, 40)
    assert presences(clinic, visits) == {"on_sheet"}
    assert (len(clinic.sheet().cards), clinic.sheet().not_shown["moved"]) == (0, 40)


def test_a_group_is_asked_about_once(clinic: FakeClinic) -> None:
    group = clinic.practice.book("anna", clinic.at("09:00"), ["ada", "bo", "cy"])
    clinic.sync()
    clinic.practice.delete(group)
    clinic.sync()
    assert clinic.practice.asked == [group]
    assert {card.presence for card in clinic.cards().values()} == {"deleted"}


@pytest.mark.parametrize("slug", ["fake", WHOLE_PRACTICE])
@pytest.mark.parametrize("nameless", [False, True])
def test_a_record_that_cannot_be_understood_is_not_missing(
    app: Flask, frozen_clock: FrozenClock, practice: FakePractice, slug: str, nameless: bool
) -> None:
    clinic = FakeClinic(practice, slug)
    bad, gone, *_ = book_many(clinic, 6)
    clinic.sync()
    practice.faults = Faults(bad={bad}, nameless=nameless)
    practice.delete(gone)
    run = clinic.sync()
    assert practice.asked == [gone], "the bad record needs no look-up"
    assert (clinic.presence(bad), clinic.presence(gone)) == ("on_sheet", "deleted")
    assert (run.status, run.counts["failed"]) == ("partial", 1)


def test_a_record_that_stays_unreadable_is_told_by_every_run(
    app: Flask, frozen_clock: FrozenClock, practice: FakePractice
) -> None:
    clinic = FakeClinic(practice)
    bad, *_ = book_many(clinic, 6)
    practice.faults = Faults(bad={bad})
    for _ in range(3):  # the same answers each time
        run = clinic.sync()
        assert (run.status, run.counts["failed"]) == ("partial", 1)


# -- moves between scopes of one run --------------------------------------------------------------------------------


@pytest.mark.parametrize(("old", "new"), [("anna", "ben"), ("ben", "anna")])
@pytest.mark.parametrize("slug", ["fake", WHOLE_PRACTICE])
def test_a_card_that_one_list_misses_and_another_shows_has_moved(
    app: Flask, frozen_clock: FrozenClock, practice: FakePractice, old: str, new: str, slug: str
) -> None:
    clinic = FakeClinic(practice, slug)
    visit = practice.book(old, clinic.at("09:00"), ["ada"])
    clinic.sync()
    practice.change(visit, practitioner=new)
    preview = clinic.sync(dry_run=True)
    run = clinic.sync()
    assert preview.counts == run.counts
    assert run.counts["updated"] == 1
    assert run.counts["removed"] == 0
    assert practice.asked == []
    assert clinic.card(visit).clinician_id == clinic.mapped[new]


def test_a_card_that_moved_to_a_practitioner_whose_list_failed_is_found_by_id(clinic: FakeClinic) -> None:
    visit = clinic.practice.book("anna", clinic.at("09:00"), ["ada"])
    clinic.sync()
    clinic.practice.change(visit, practitioner="ben")
    clinic.practice.faults.lists["ben"] = (0, BadVendorDataError(pms="Fake"))
    run = clinic.sync()
    assert run.status == "partial"
    card = clinic.card(visit)
    assert (card.presence, card.clinician_id) == ("on_sheet", clinic.mapped["ben"])


def test_a_card_that_moved_away_from_a_practitioner_whose_list_failed_moves(clinic: FakeClinic) -> None:
    visit = clinic.practice.book("ben", clinic.at("09:00"), ["ada"])
    clinic.sync()
    clinic.practice.change(visit, practitioner="anna")
    clinic.practice.faults.lists["ben"] = (0, BadVendorDataError(pms="Fake"))
    clinic.sync()
    assert clinic.card(visit).clinician_id == clinic.mapped["anna"]
    clinic.practice.faults = Faults()
    clinic.sync()
    assert clinic.presence(visit) == "on_sheet"


def test_a_card_that_moved_to_somebody_who_is_not_shown_is_unmapped(clinic: FakeClinic) -> None:
    clinic.decide_on("ben", "ignored")
    visit = clinic.practice.book("anna", clinic.at("09:00"), ["ada"])
    clinic.sync()
    clinic.practice.change(visit, practitioner="ben")
    run = clinic.sync()
    assert (run.status, clinic.presence(visit), run.counts["removed"]) == ("success", "unmapped", 1)


# -- the brake ------------------------------------------------------------------------------------------------------


def test_many_at_once_are_held_and_one_question_asks(clinic: FakeClinic) -> None:
    visits, others = book_many(clinic, 12), book_many(clinic, 3, "ben")
    clinic.sync()
    delete_all(clinic, visits[:5])
    clinic.practice.change(visits[6], start_at=clinic.at("18:00"))
    clinic.practice.delete(others[0])
    run = clinic.sync()
    assert (run.status, run.error[0] if run.error else None) == ("partial", "REMOVE-HELD")
    assert presences(clinic, visits[:5]) == {"held"}
    assert clinic.card(visits[6]).start_at == clinic.at("18:00"), "everything else is applied"
    assert clinic.presence(others[0]) == "deleted", "another column has a brake of its own"
    assert (run.counts["held"], run.counts["removed"]) == (5, 1)
    question = the_question(clinic)
    assert (question.clinician_id, question.ours, question.theirs) == (clinic.mapped["anna"], 12, 7)
    assert len(question.appointment_ids) == 5
    assert len(clinic.sheet().cards) == 15, "held cards stay in view"
    assert clinic.sync().counts["held"] == 5
    assert len(clinic.questions()) == 1


def receipt_of(run: RunView, practitioner: str = "anna") -> tuple[int | None, int | None, object]:
    """A list's receipt: how many cards should match the PMS, how many do, and where the sheet differs."""
    (scope,) = [
        scope
        for scope in run.scopes
        if scope.pms_practitioner_id == practitioner and scope.date == run.dates[0]
    ]
    return scope.expected, scope.matched, scope.differences


def test_the_receipt_says_where_the_sheet_differs_from_the_pms(clinic: FakeClinic) -> None:
    visits = book_many(clinic, 12)
    assert receipt_of(clinic.sync()) == (12, 12, None)
    delete_all(clinic, visits[:5])
    overrides.remove_card(clinic.card(visits[11]).id, "Seen elsewhere", MEL)
    assert receipt_of(clinic.sync()) == (6, 6, {"held": 5, "removed_by_staff": 1})
    decisions.decide(the_question(clinic).id, "keep", MEL)
    for _ in range(2):  # the second is recognised as unchanged
        assert receipt_of(clinic.sync()) == (6, 6, {"kept_by_staff": 5, "removed_by_staff": 1})
    clinic.practice.faults.unlisted = {visits[6]}
    assert receipt_of(clinic.sync()) == (None, None, None), "on a doubt nobody can say"


def test_the_brake_counts_only_what_is_gone(clinic: FakeClinic) -> None:
    visits = book_many(clinic, 10)
    clinic.sync()
    delete_all(clinic, visits[:3])
    for visit in visits[3:7]:
        clinic.practice.change(visit, start_at=clinic.at("09:00", 7))
    clinic.practice.change(visits[7], status="cancelled")
    run = clinic.sync()
    assert run.status == "success"
    assert presences(clinic, visits[:3]) == {"deleted"}


def test_patients_taken_out_of_everything_are_braked_too(clinic: FakeClinic) -> None:
    visits = book_many(clinic, 6)
    clinic.sync()
    for visit in visits:
        clinic.practice.change(visit, patients=())
    clinic.sync()
    assert presences(clinic, visits) == {"held"}
    assert len(the_question(clinic).appointment_ids) == 6


def test_the_brake_stops_asking_once_it_holds(clinic: FakeClinic) -> None:
    visits = book_many(clinic, 40)
    clinic.sync()
    delete_all(clinic, visits)
    run = clinic.sync()
    assert len(clinic.practice.asked) == 13
    assert (presences(clinic, visits), run.counts["held"]) == ({"held"}, 40)


def test_an_unsteady_vendor_does_not_empty_the_sheet_a_few_at_a_time(clinic: FakeClinic) -> None:
    visits = book_many(clinic, 10)
    clinic.sync()
    delete_all(clinic, visits)
    for round_ in range(4):
        shaky = [visit for number, visit in enumerate(visits) if number % 4 != round_]
        clinic.practice.faults.look_ups = dict.fromkeys(shaky, BadVendorDataError(pms="Fake"))
        clinic.sync()
        assert presences(clinic, visits) == {"on_sheet"}
    clinic.practice.faults = Faults()
    clinic.sync()
    assert presences(clinic, visits) == {"held"}


def test_no_brake_on_a_closed_day(clinic: FakeClinic) -> None:
    ensure(hours=ALWAYS_OPEN)
    update_clinic(MEL, closed_days=(clinic.today,))
    visits = book_many(clinic, 8)
    clinic.sync()
    delete_all(clinic, visits)
    run = clinic.sync()
    assert (run.status, presences(clinic, visits)) == ("success", {"deleted"})


def test_no_brake_and_no_alarm_when_both_sides_are_empty(clinic: FakeClinic) -> None:
    for _ in range(2):
        run = clinic.sync()
        assert (run.status, run.note, run.counts["held"], clinic.questions()) == ("success", None, 0, [])


# -- answers --------------------------------------------------------------------------------------------------------


def held_day(clinic: FakeClinic) -> list[str]:
    visits = book_many(clinic, 8)
    clinic.sync()
    delete_all(clinic, visits[:6])
    clinic.sync()
    return visits[:6]


def test_apply_deletes_what_was_held(clinic: FakeClinic) -> None:
    visits = held_day(clinic)
    decisions.decide(the_question(clinic).id, "pms", MEL)
    assert presences(clinic, visits) == {"deleted"}
    run = clinic.sync()
    assert (run.status, presences(clinic, visits), clinic.questions()) == ("success", {"deleted"}, [])


def test_keep_stays_over_later_runs_until_the_pms_lists_it_again(clinic: FakeClinic) -> None:
    visits = held_day(clinic)
    decisions.decide(the_question(clinic).id, "keep", MEL)
    for _ in range(3):
        run = clinic.sync()
        assert (run.status, run.counts["updated"], run.counts["held"]) == ("success", 0, 0)
        assert presences(clinic, visits) == {"on_sheet"}
    clinic.practice.undelete(visits[0])
    clinic.sync()
    clinic.practice.delete(visits[0])
    clinic.sync()
    assert clinic.presence(visits[0]) == "deleted", "listed again, it is an ordinary card again"
    assert presences(clinic, visits[1:]) == {"on_sheet"}


def test_held_cards_that_are_back_need_no_answer(clinic: FakeClinic) -> None:
    visits = held_day(clinic)
    question = the_question(clinic)
    for visit in visits[:4]:
        clinic.practice.undelete(visit)
    clinic.sync()
    assert presences(clinic, visits[:4]) == {"on_sheet"}
    assert len(the_question(clinic).appointment_ids) == 2
    for visit in visits[4:]:
        clinic.practice.undelete(visit)
    run = clinic.sync()
    assert (run.status, clinic.questions()) == ("success", [])
    assert decisions.get_decision(question.id).state == "lapsed"
    with pytest.raises(Conflict, match="settled itself"):
        decisions.decide(question.id, "pms", MEL)


def test_a_second_wave_joins_the_open_question(clinic: FakeClinic) -> None:
    visits = book_many(clinic, 12)
    clinic.sync()
    delete_all(clinic, visits[:6])
    clinic.sync()
    delete_all(clinic, visits[6:])
    clinic.sync()
    question = the_question(clinic)
    assert (len(question.appointment_ids), question.ours, question.theirs) == (12, 12, 0)
    decisions.decide(question.id, "pms", MEL)
    assert presences(clinic, visits) == {"deleted"}


def test_a_patient_who_is_held_for_another_reason_is_not_in_the_question(clinic: FakeClinic) -> None:
    visits = book_many(clinic, 8)
    clinic.sync()
    clinic.practice.change(visits[7], patients=("flo",))
    clinic.sync()
    delete_all(clinic, visits[:5])
    clinic.sync()
    swapped = clinic.card(visits[7], list(clinic.practice.patients)[7 % 6])
    assert swapped.presence == "held"
    assert swapped.id not in the_question(clinic).appointment_ids


def test_a_held_card_that_staff_remove_is_settled(clinic: FakeClinic) -> None:
    visits = held_day(clinic)
    for visit in visits:
        overrides.remove_card(clinic.card(visit).id, "Not ours", MEL)
    assert clinic.questions() == []


def test_an_answer_is_taken_back_only_while_nothing_came_after(clinic: FakeClinic) -> None:
    visits = held_day(clinic)
    question = the_question(clinic)
    decisions.decide(question.id, "pms", MEL)
    decisions.undo(question.id, MEL)
    assert (presences(clinic, visits), len(clinic.questions())) == ({"held"}, 1)
    decisions.decide(question.id, "pms", MEL)
    clinic.practice.undelete(visits[0])
    clinic.sync()
    assert not decisions.get_decision(question.id).can_undo
    with pytest.raises(Conflict) as refused:
        decisions.undo(question.id, MEL)
    assert refused.value.code == "CANNOT-UNDO"
    assert clinic.presence(visits[0]) == "on_sheet"
