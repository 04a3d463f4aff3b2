"""Forms of the pages that are no settings: what is refused says so in words, and addresses that cannot be are no pages."""

from __future__ import annotations

import pytest
from flask import Flask

from pmsapp.services.sheet import columns
from pmsapp.web.ui import forms
from tests.support import actors
from tests.support.clock import FrozenClock


@pytest.fixture
def reception(app: Flask, frozen_clock: FrozenClock) -> actors.Browser:
    return actors.browser_for(app, "reception")


@pytest.mark.parametrize("minutes", ["", "x", "-1", "241", "99999999999999999999", "٣"])
def test_a_lateness_that_cannot_be_is_answered_with_the_limits(
    reception: actors.Browser, minutes: str
) -> None:
    column = columns.create_clinician(actors.COMMAND_LINE, name="Dr Hart").id
    answer = reception.post(f"/clinicians/{column}/running-late", data={"minutes": minutes})
    assert answer.status_code == 422
    assert "Enter whole minutes, 0 to 240." in answer.text
    assert columns.get_clinician(column).running_late_minutes == 0


@pytest.mark.parametrize(
    "press", ["", "advance", "dance:1:booked", "advance:0:booked", "advance:9223372036854775808:x"]
)
def test_a_press_that_no_button_makes_is_refused(reception: actors.Browser, press: str) -> None:
    answer = reception.post("/cards/press", data={"press": press})
    assert answer.status_code == 422
    assert "Press a button of the list." in answer.text


@pytest.mark.parametrize(
    "address",
    [
        "/sheet?date=20261123",
        "/sheet?date=1999-01-01",
        "/cards/new?date=0001-01-01",
        "/sync/run?day=tomorrow",
    ],
)
def test_a_day_that_cannot_be_is_no_page(reception: actors.Browser, address: str) -> None:
    assert reception.get(address).status_code == 404


def test_a_day_that_was_typed_wrongly_is_a_fault_of_its_field_and_all_faults_are_told(
    reception: actors.Browser,
) -> None:
    form = {
        "date": "2026-11-23",
        "start_date": "soon",
        "start_time": "09:00",
        "patient_phone": "none",
        "notes": "Kept",
    }
    answer = reception.post("/cards/new", data=form)
    assert answer.status_code == 422
    for said in ("This is needed.", "Enter a phone number", "Enter a day and a time", ">Kept</textarea>"):
        assert said in answer.text


def test_the_list_of_faults_names_a_field_only_where_its_sentence_does_not() -> None:
    labels = {"place": "Place", "name": "Name", "role": "Role"}
    faults = {
        "place": "This must be a whole number.",
        "name": "Enter a name of 1 to 80 characters.",
        "role": forms.CHOOSE_ONE,
        "x": "Say why.",
    }
    assert forms.told(faults, labels) == (
        ("place", "Place must be a whole number."),
        ("name", "Enter a name of 1 to 80 characters."),
        ("role", "Role: choose one of the list."),
        ("x", "Say why."),
    )
