"""Questions in words, answered from the page, taken back, and answered by somebody faster."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from pmsapp import clock
from pmsapp.domain.actor import COMMAND_LINE
from pmsapp.domain.runsheet import EditedField
from pmsapp.models import Decision
from pmsapp.services.base.transaction import writing
from pmsapp.services.editing import decisions, overrides
from pmsapp.services.editing.decisions import DecisionView
from pmsapp.services.sheet import days, questions
from pmsapp.web.decisions.contexts import Question
from pmsapp.web.decisions.surroundings import Surroundings
from pmsapp.web.decisions.view import build_question
from pmsapp.web.ui import formatting as fmt
from tests.support import actors
from tests.support.clock import FrozenClock
from tests.web.made_up import DAY, NOW, ZONE, at, card

HTMX = {"HX-Request": "true"}


def question(kind: str, **more: Any) -> Question:
    values: dict[str, Any] = {
        "id": 1,
        "kind": kind,
        "date": DAY,
        "connection_id": 1,
        "clinician_id": 1,
        "appointment_ids": (1,),
        "field": None,
        "ours": None,
        "theirs": None,
        "since": NOW,
        "state": "open",
        "choice": None,
        "decided_by": None,
        "decided_at": None,
    }
    start = EditedField(
        "start_at", at("09:15").isoformat(), at("09:30").isoformat(), "Mel", at("08:55"), True
    )
    cards = {1: card(1, "09:30", edited=(start,)), 2: card(2, "10:00")}
    around = Surroundings(cards, {1: "Dr Hart"}, {1: "Gentu"}, NOW, ZONE)
    return build_question(DecisionView(**(values | more)), around)


def test_a_time_conflict_names_both_times_and_what_shows_until_then() -> None:
    asked = question(
        "field_conflict", field="start_at", ours=at("09:15").isoformat(), theirs=at("09:30").isoformat()
    )
    assert asked.headline == "Start time of Patient 1 changed in two places"
    assert asked.facts == (
        "Appointment: Mon 23 Nov 09:30, Dr Hart",
        "Here: 09:15, typed by Mel 08:55",
        f"Gentu: 09:30, read {fmt.hhmm(NOW, ZONE)}",
    )
    assert [(answer.choice, answer.word) for answer in asked.answers] == [
        ("keep", "Keep 09:15"),
        ("pms", "Use 09:30"),
    ]
    assert asked.until_then == "Until then the sheet shows 09:30."


def test_a_phone_conflict_shows_what_staff_typed_until_then() -> None:
    asked = question("field_conflict", field="patient_phone", ours="+61491570156", theirs="+61491570157")
    assert asked.until_then == "Until then the sheet shows 0491 570 156."


def test_held_removals_name_the_clinician_the_numbers_and_the_patients() -> None:
    asked = question("removals_held", appointment_ids=(1, 2), ours=5, theirs=3)
    assert asked.headline == "2 of 5 cards of Dr Hart on Mon 23 Nov are no longer in Gentu"
    assert asked.facts == ("09:30 Patient 1", "10:00 Patient 2")


@pytest.mark.parametrize(
    ("kind", "more", "headline"),
    [
        (
            "patient_changed",
            {"ours": "A B", "theirs": ["C D"]},
            "This booking now belongs to a different patient",
        ),
        ("merge_suggestion", {"appointment_ids": (1, 2)}, "A card added by hand looks like one from Gentu"),
        ("practitioner_new", {"theirs": {"name": "Dr New"}}, "Dr New is new in Gentu"),
        ("type_new", {"theirs": {"name": "Video"}}, "Video is a new appointment type in Gentu"),
        (
            "type_changed",
            {"ours": True, "theirs": {"name": "In person", "was_name": "Video", "cards": 2}},
            "Video is called In person in Gentu now",
        ),
    ],
)
def test_every_kind_has_two_answers_that_say_what_they_do(
    kind: str, more: dict[str, Any], headline: str
) -> None:
    asked = question(kind, **more)
    assert asked.headline.startswith(headline)
    assert {answer.choice for answer in asked.answers} == {"keep", "pms"}
    assert all(answer.effect and answer.word for answer in asked.answers)


@pytest.fixture
def asked(app: Flask, frozen_clock: FrozenClock) -> int:
    """An open question about two cards by hand that may be one."""
    start = {"start_at": frozen_clock.at + timedelta(hours=1)}
    ids = [
        overrides.add_card(DAY, start | {"patient_name": name}, COMMAND_LINE).id for name in ("A B", "A Bee")
    ]
    with writing() as session:
        questions.open_question(
            session,
            kind="merge_suggestion",
            subject="duplicate:1:2",
            now=clock.now(),
            day=DAY,
            appointment_ids=ids,
            ours="A B",
            theirs="A Bee",
        )
    return decisions.list_open()[0].id


def test_an_answer_from_the_page_is_in_force_at_once_and_can_be_taken_back(app: Flask, asked: int) -> None:
    browser = actors.browser_for(app, "reception")
    assert "(1) Decisions" in browser.get("/decisions").text
    done = browser.post(f"/decisions/{asked}", data={"choice": "keep"})
    assert (done.status_code, done.headers["Location"]) == (303, "/decisions?said=decided")
    page = browser.get("/decisions").text
    assert "Nothing to decide" in page
    assert "They are different" in page
    assert browser.post(f"/decisions/{asked}/undo").status_code == 303
    assert [decision.id for decision in decisions.list_open()] == [asked]


def test_whoever_comes_second_is_told_who_was_first(app: Flask, asked: int) -> None:
    actors.browser_for(app, "admin").post(f"/decisions/{asked}", data={"choice": "keep"})
    late = actors.browser_for(app, "reception").post(
        f"/decisions/{asked}", data={"choice": "pms"}, headers=HTMX
    )
    assert late.status_code == 409
    assert "Admin has already answered this; their answer is below." in late.text
    with writing() as session:
        assert session.get_one(Decision, asked).choice == "keep"


def test_the_sidebar_counts_what_waits(app: Flask, asked: int) -> None:
    page = actors.browser_for(app, "reception").get("/").text
    assert ": 1 to decide" in page
    assert len(days.get_sheet(DAY).cards) == 2


def test_a_viewer_cannot_decide(app: Flask, asked: int) -> None:
    assert (
        actors.browser_for(app, "viewer").post(f"/decisions/{asked}", data={"choice": "pms"}).status_code
        == 403
    )
