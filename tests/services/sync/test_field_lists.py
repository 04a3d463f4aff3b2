"""People and types that come, change and go in the practice software: whoever is met is asked about in that run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from flask import Flask

from pmsapp.domain.appointment import AppointmentType, Practitioner
from pmsapp.domain.errors import RetryLaterError
from pmsapp.services.editing import decisions
from pmsapp.services.editing.decisions import DecisionView
from pmsapp.services.runs import requests as run_requests
from pmsapp.services.sync import execute, recheck
from tests.support.clock import FrozenClock
from tests.support.fake_clinic import MEL, FakeClinic, stock
from tests.support.fake_pms import PER_PRACTITIONER, WHOLE_PRACTICE, FakePractice, registered

NEW = Practitioner("nia", "Dr Nia New")
NEW_TYPE = AppointmentType("phone", "Telehealth phone call", 10, suggested=True, evidence="telehealth")


@pytest.fixture
def practice() -> Iterator[FakePractice]:
    practice = stock(FakePractice())
    with registered("practice", practice):
        yield practice


@pytest.fixture(params=[PER_PRACTITIONER, WHOLE_PRACTICE])
def clinic(
    request: pytest.FixtureRequest, app: Flask, frozen_clock: FrozenClock, practice: FakePractice
) -> FakeClinic:
    return FakeClinic(practice, request.param)


def run_by(clinic: FakeClinic, trigger: str) -> None:
    request = run_requests.request_run(clinic.connection_id, actor=MEL, trigger=trigger)
    execute.execute_run(request.sync_id)


def asked_about(clinic: FakeClinic) -> list[tuple[str, str]]:
    return sorted((question.kind, question.theirs["name"]) for question in clinic.questions())


@pytest.mark.parametrize("trigger", ["manual", "webhook", "schedule"])
def test_field_04_a_newcomer_who_takes_patients_over_is_asked_about_in_that_run(
    clinic: FakeClinic, frozen_clock: FrozenClock, trigger: str
) -> None:
    visits = [clinic.practice.book("anna", clinic.at(f"{hour}:00"), ["ada"]) for hour in (13, 14)]
    clinic.sync()
    frozen_clock.advance(minutes=5)
    clinic.practice.practitioners["nia"] = NEW
    for visit in visits:
        clinic.practice.change(visit, practitioner="nia")
    run_by(clinic, trigger)
    assert asked_about(clinic) == [("practitioner_new", "Dr Nia New")]
    assert {clinic.presence(visit) for visit in visits} == {"unmapped"}


def test_field_04_somebody_hidden_from_the_book_who_sees_patients_is_asked_about(clinic: FakeClinic) -> None:
    visit = clinic.practice.book("anna", clinic.at("13:00"), ["ada"])
    clinic.practice.practitioners["nia"] = Practitioner("nia", "Dr Nia New", shown_in_appointment_book=False)
    clinic.sync()
    assert asked_about(clinic) == []
    clinic.practice.change(visit, practitioner="nia")
    clinic.sync()
    assert asked_about(clinic) == [("practitioner_new", "Dr Nia New")]


def test_field_04_a_list_that_cannot_be_read_costs_the_name_and_not_the_question(
    clinic: FakeClinic, frozen_clock: FrozenClock
) -> None:
    visit = clinic.practice.book("anna", clinic.at("13:00"), ["ada"])
    clinic.sync()
    clinic.practice.practitioners["nia"] = NEW
    clinic.practice.change(visit, practitioner="nia")
    clinic.practice.faults.reference = RetryLaterError("PMS-DOWN", pms="Fake")
    run_by(clinic, "schedule")
    assert asked_about(clinic) == [("practitioner_new", "Clinician nia")]
    clinic.practice.faults.reference = None
    clinic.sync()
    assert asked_about(clinic) == [("practitioner_new", "Dr Nia New")]


@pytest.mark.parametrize("trigger", ["manual", "webhook"])
def test_field_04_a_run_somebody_asked_for_reads_the_lists_anew(
    clinic: FakeClinic, frozen_clock: FrozenClock, trigger: str
) -> None:
    clinic.sync()
    clinic.practice.practitioners["nia"] = NEW
    clinic.practice.types["phone"] = NEW_TYPE
    frozen_clock.advance(minutes=5)
    run_by(clinic, "schedule")
    assert asked_about(clinic) == []
    run_by(clinic, trigger)
    assert asked_about(clinic) == [
        ("practitioner_new", "Dr Nia New"),
        ("type_new", "Telehealth phone call"),
    ]


def test_field_04_a_type_that_a_visit_names_first_is_asked_about_in_that_run(
    clinic: FakeClinic, frozen_clock: FrozenClock
) -> None:
    clinic.sync()
    clinic.practice.types["phone"] = NEW_TYPE
    clinic.practice.book("anna", clinic.at("13:00"), ["ada"], type_id="phone")
    frozen_clock.advance(minutes=5)
    run_by(clinic, "schedule")
    assert asked_about(clinic) == [("type_new", "Telehealth phone call")]


def test_field_04_a_card_read_again_asks_about_whom_it_meets(clinic: FakeClinic) -> None:
    visit = clinic.practice.book("anna", clinic.at("13:00"), ["ada"])
    clinic.sync()
    clinic.practice.practitioners["nia"] = NEW
    clinic.practice.types["phone"] = NEW_TYPE
    clinic.practice.change(visit, practitioner="nia", type_id="phone")
    recheck.recheck_card(clinic.card(visit).id, MEL)
    assert asked_about(clinic) == [
        ("practitioner_new", "Dr Nia New"),
        ("type_new", "Telehealth phone call"),
    ]


def test_field_04_a_record_understood_at_last_asks_about_whom_it_meets(clinic: FakeClinic) -> None:
    visit = clinic.practice.book("anna", clinic.at("13:00"), ["ada"])
    clinic.practice.faults.bad.add(visit)
    clinic.sync()
    (kept_aside,) = recheck.list_quarantined(clinic.connection_id)
    clinic.practice.faults.bad.clear()
    clinic.practice.practitioners["nia"] = NEW
    clinic.practice.change(visit, practitioner="nia")
    assert recheck.retry_quarantined(kept_aside.id, MEL)
    assert asked_about(clinic) == [("practitioner_new", "Dr Nia New")]


# -- a ticked type that means something else now ---------------------------------------------------------------------------


@pytest.fixture
def ticked(clinic: FakeClinic) -> str:
    """A visit of a type that the clinic ticked as telehealth; the PMS says nothing of it but its name."""
    clinic.practice.types["other"] = AppointmentType("other", "Video review", 20, suggested=True)
    visit = clinic.practice.book("anna", clinic.at("13:00"), ["ada"], type_id="other")
    clinic.sync()
    clinic.decide_type("other", is_telehealth=True)
    for question in clinic.questions():
        decisions.decide(question.id, "pms", MEL)
    clinic.sync()
    assert (clinic.questions(), clinic.card(visit).is_telehealth) == ([], True)
    return visit


def retype(clinic: FakeClinic, **changes: object) -> None:
    clinic.practice.types["other"] = replace(clinic.practice.types["other"], **changes)  # type: ignore[arg-type]
    clinic.sync()


def the_question(clinic: FakeClinic) -> DecisionView:
    (question,) = clinic.questions()
    assert question.kind == "type_changed"
    return question


@pytest.mark.parametrize(
    "change",
    [
        {"name": "In-person review", "suggested": False},
        {"name": "Review", "suggested": False},
        {"is_telehealth": False},
    ],
    ids=["renamed to in person", "no longer named telehealth", "the mark turned"],
)
def test_field_08_a_ticked_type_that_changes_its_meaning_is_asked_about(
    clinic: FakeClinic, ticked: str, change: dict[str, object]
) -> None:
    retype(clinic, **change)
    question = the_question(clinic)
    assert (question.ours, question.theirs["cards"]) == (True, 1)
    assert question.appointment_ids == (clinic.card(ticked).id,)
    card = clinic.card(ticked)
    assert (card.presence, card.is_telehealth) == ("on_sheet", None)
    clinic.sync()
    assert clinic.card(ticked).is_telehealth is None
    decisions.decide(question.id, "pms", MEL)
    assert clinic.presence(ticked) == "filtered"
    clinic.sync()
    assert (clinic.questions(), clinic.presence(ticked)) == ([], "filtered")


def test_field_08_the_clinic_may_say_that_it_still_is_what_it_was(clinic: FakeClinic, ticked: str) -> None:
    retype(clinic, name="In-person review", suggested=False)
    decisions.decide(the_question(clinic).id, "keep", MEL)
    assert clinic.card(ticked).is_telehealth is True
    clinic.sync()
    assert (clinic.questions(), clinic.card(ticked).is_telehealth) == ([], True)


def test_field_08_a_name_that_comes_back_settles_the_question(clinic: FakeClinic, ticked: str) -> None:
    retype(clinic, name="In-person review", suggested=False)
    the_question(clinic)
    retype(clinic, name="Video review", suggested=True)
    clinic.sync()
    assert (clinic.questions(), clinic.card(ticked).is_telehealth) == ([], True)


def test_field_08_another_name_for_the_same_is_nobodys_question(clinic: FakeClinic, ticked: str) -> None:
    retype(clinic, name="Online review", suggested=True)
    assert (clinic.questions(), clinic.card(ticked).is_telehealth) == ([], True)
