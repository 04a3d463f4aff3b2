"""The hand-over page and the print page, without a browser."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from flask import Flask

from pmsapp.domain.actor import COMMAND_LINE
from pmsapp.models import Decision, RunSheetOverride
from pmsapp.services.base.transaction import writing
from pmsapp.services.editing import overrides, steps
from tests.support.actors import Browser
from tests.support.clock import FrozenClock
from tests.support.seeded_clinic import DAY, Texts, seed

PAGE = f"/sheet/{DAY}/hand-over"
pytestmark = pytest.mark.usefixtures("frozen_clock")


@pytest.fixture(autouse=True)
def texts(app: Flask) -> Texts:
    texts = seed()
    with writing() as session:
        session.query(RunSheetOverride).delete()
    return texts


def part(text: str, key: str) -> str:
    """One list of the page."""
    return re.search(rf'id="{key}".*?</section>', text, re.S)[0]  # type: ignore[index]


def test_every_list_says_so_where_nobody_is_in_it(reception: Browser) -> None:
    with writing() as session:
        session.query(Decision).delete()
    for card_id in (1, 2):
        steps.advance(card_id, COMMAND_LINE, expected="booked", to="done")
    text = reception.get(PAGE).text
    for key, words in (
        ("not-done", "Everybody else was seen to."),
        ("no-answer", "Nobody is still to be reached."),
        ("did-not-attend", "Everybody came."),
        ("questions", "Nothing waits for a decision."),
        ("changes", "The plan has not changed since noon."),
    ):
        assert words in part(text, key), key


def test_who_is_left_stands_in_its_list_with_time_and_phone(
    login: Callable[..., Browser], texts: Texts, frozen_clock: FrozenClock
) -> None:
    steps.record_attempt(2, "no_answer", COMMAND_LINE)
    frozen_clock.advance(hours=4)
    overrides.edit_card(1, {"patient_phone": "0491 570 157"}, COMMAND_LINE)
    reception = login("reception")
    text = reception.get(PAGE).text
    family = texts.own.split()[-1]
    assert family in part(text, "not-done")
    assert "0491 570 157" in part(text, "not-done")
    assert texts.other.split()[-1] in part(text, "no-answer")
    assert "No answer ×1" in part(text, "no-answer")
    assert re.search(r"13:00.*Edited: phone", part(text, "changes"), re.S)
    assert 'id="hand-over" href="/sheet/2026-11-23/hand-over"' in reception.get(f"/sheet/{DAY}").text


def test_a_day_is_closed_and_opened_again_on_the_page(reception: Browser) -> None:
    refused = reception.post(PAGE, data={"name": " ", "note": "Ring the lab"})
    assert refused.status_code == 422
    assert "Enter your name" in refused.text
    assert "Ring the lab</textarea>" in refused.text
    assert reception.post(PAGE, data={"name": "Kim", "note": "Ring the lab"}).status_code == 303
    closed = reception.get(PAGE).text
    assert "Closed by Kim 09:00" in closed
    assert "Ring the lab" in closed
    again = reception.post(PAGE, data={"name": "Sam"})
    assert (again.status_code, "Closed by Kim 09:00" in again.text) == (409, True)
    reception.post(f"{PAGE}/reopen")
    assert "Opened again by" in reception.get(PAGE).text


def test_a_clinician_sees_and_prints_their_own_patients_alone(
    login: Callable[..., Browser], texts: Texts
) -> None:
    clinician = login("clinician", clinician_id=1)
    for path in (PAGE, f"/sheet/{DAY}/print", f"/sheet/{DAY}/print?clinician=2"):
        text = clinician.get(path).text
        assert texts.other.split()[0] not in text, path
        assert texts.own.split()[-1] in text, path
    assert "Close the day" not in clinician.get(PAGE).text


def test_a_day_that_was_never_read_prints_that_nothing_is_known(reception: Browser) -> None:
    text = reception.get("/sheet/2026-11-30/print").text
    assert "This list has not been read." in text or "no list of it has been read" in text
