"""What is said of the day that is looked at: never up to date beside a list that is not, and never without a reason."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
from flask import Flask

from tests.support.actors import browser_for
from tests.support.clock import FrozenClock
from tests.support.fake_clinic import FakeClinic, stock
from tests.support.fake_pms import FakePractice, registered

VIEWS = ("list", "columns")


@pytest.fixture
def practice() -> Iterator[FakePractice]:
    practice = stock(FakePractice())
    with registered("practice", practice):
        yield practice


@pytest.fixture
def clinic(app: Flask, frozen_clock: FrozenClock, practice: FakePractice) -> FakeClinic:
    return FakeClinic(practice)


def age_of(page: str) -> str:
    """The badge of the day's age, with what it leads to."""
    found = re.search(r'<div class="sheet-fresh" id="sheet-age">(.*?)</div>', page, re.S)
    assert found
    return found.group(1)


@pytest.mark.parametrize("view", VIEWS)
def test_held_removals_are_said_on_the_day_they_touch_with_the_way_to_decide(
    app: Flask, clinic: FakeClinic, view: str
) -> None:
    visits = [clinic.practice.book("anna", clinic.at(f"1{hour}:00"), ["ada"]) for hour in range(6)]
    clinic.sync()
    for visit in visits[1:]:
        clinic.practice.delete(visit)
    clinic.sync()
    (question,) = [asked for asked in clinic.questions() if asked.kind == "removals_held"]
    path = f"/sheet/{clinic.today.isoformat()}?view={view}"
    page = browser_for(app, "reception").get(path).text
    assert "Removals held" in age_of(page)
    assert "5 patients of Dr Anna Abel would disappear" in page
    assert f'href="/decisions#decision-{question.id}"' in page
    assert "Up to date" not in age_of(page)
    viewer = browser_for(app, "clinician").get(path).text
    assert "/decisions#" not in viewer


@pytest.mark.parametrize("view", VIEWS)
def test_a_day_that_has_grown_old_says_why_and_leads_on(
    app: Flask, clinic: FakeClinic, frozen_clock: FrozenClock, view: str
) -> None:
    clinic.practice.book("anna", clinic.at("10:00"), ["ada"])
    clinic.sync()
    frozen_clock.advance(hours=2)
    path = f"/sheet/{clinic.today.isoformat()}?view={view}"
    age = age_of(browser_for(app, "reception").get(path).text)
    assert "Out of date: data from 09:00" in age
    assert "No update has read the lists of this day lately" in age
    assert re.search(r'href="/integrations/\d+/history"', age)


def test_an_update_done_in_part_is_said_on_the_day_it_was_about_alone(app: Flask, clinic: FakeClinic) -> None:
    clinic.practice.book("anna", clinic.at("10:00"), ["ada"])
    broken = clinic.practice.book("anna", clinic.at("11:00", days=1), ["bo"])
    clinic.practice.book("anna", clinic.at("12:00", days=1), ["ada"])
    clinic.practice.faults.bad.add(broken)
    clinic.sync()
    browser = browser_for(app, "reception")
    today = age_of(browser.get(f"/sheet/{clinic.today.isoformat()}").text)
    assert "Up to date" in today
    tomorrow = age_of(browser.get(f"/sheet/{(clinic.today + timedelta(days=1)).isoformat()}").text)
    assert "Partly updated" in tomorrow
    assert "was only done in part" in tomorrow
    assert re.search(r'href="/integrations/\d+/history"', tomorrow)
