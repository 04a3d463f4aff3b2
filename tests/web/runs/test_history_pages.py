"""The history of a connection and one update's page: lines that fold, gaps, filters, names on asking, undoing."""

from __future__ import annotations

import re

import pytest
from flask import Flask

from pmsapp import __version__, clock
from pmsapp.models import PMSConnection
from pmsapp.services.base import audit
from pmsapp.services.base.next_step import help_href
from pmsapp.services.base.transaction import writing
from pmsapp.services.connections import connections
from pmsapp.services.connections.connections import Pause
from pmsapp.services.editing import overrides
from pmsapp.services.records import access_log
from tests.support import actors
from tests.support.actors import Browser
from tests.support.clock import FrozenClock
from tests.support.fake_clinic import MEL, FakeClinic

_HISTORY = "/integrations/{}/history"


@pytest.fixture
def admin(app: Flask, clinic: FakeClinic) -> Browser:
    return actors.browser_for(app, "admin")


def history(browser: Browser, clinic: FakeClinic, query: str = "") -> str:
    answer = browser.get(_HISTORY.format(clinic.connection_id) + query)
    assert answer.status_code == 200
    return str(answer.text)


def said(page: str) -> list[str]:
    """What each line of the list says, its tags gone."""
    cells = re.findall(r'<td data-label="What">(.*?)</td>', page, re.S)
    return [re.sub(r"<ul>.*|<[^>]+>", "", cell, flags=re.S).strip() for cell in cells]


def run_page(clinic: FakeClinic, run_id: int) -> str:
    return f"{_HISTORY.format(clinic.connection_id)}/{run_id}"


def test_updates_that_changed_nothing_are_one_line_that_opens(
    app: Flask, clinic: FakeClinic, frozen_clock: FrozenClock
) -> None:
    clinic.practice.book("anna", clinic.at("09:00"), ["ada"])
    clinic.sync()
    for _ in range(4):
        frozen_clock.advance(minutes=15)
        clinic.sync()
    page = history(actors.browser_for(app), clinic)
    folded, first = said(page)[:2]
    assert re.fullmatch(r"4 runs, nothing changed, \d\d:\d\d–\d\d:\d\d", folded)
    assert first == "1 new"
    assert len(re.findall(r'<li><a class="num" href="[^"]+/history/\d+">', page)) == 4


def test_a_page_stays_the_same_while_new_updates_arrive(
    app: Flask, clinic: FakeClinic, frozen_clock: FrozenClock
) -> None:
    for number in range(30):
        frozen_clock.advance(minutes=15)
        clinic.practice.book("anna", clinic.at("09:00"), [["ada", "bo"][number % 2]])
        clinic.sync()
    admin = actors.browser_for(app)
    link = re.search(r'href="[^"]+(\?before=\d+)">Earlier', history(admin, clinic))
    assert link
    second = said(history(admin, clinic, link.group(1)))
    clinic.sync()
    assert said(history(admin, clinic, link.group(1))) == second
    assert second.count("1 new") == 5


def test_a_time_without_updates_is_a_line_with_its_reason(
    app: Flask, clinic: FakeClinic, frozen_clock: FrozenClock
) -> None:
    with writing() as session:
        session.get_one(PMSConnection, clinic.connection_id).sync_frequency_minutes = 15
    clinic.sync()
    frozen_clock.advance(hours=3)
    clinic.sync()
    assert any(
        text.startswith("No update for 3 h, until") and "this computer was off" in text
        for text in said(history(actors.browser_for(app), clinic))
    )
    until = clock.now() + (clinic.at("12:00") - clinic.at("09:00"))
    connections.update_connection(clinic.connection_id, MEL, paused=Pause(until, "moving house"))
    frozen_clock.advance(hours=4)
    clinic.sync()
    admin = actors.browser_for(app)
    lines = said(history(admin, clinic))
    assert any("paused by" in text and "Mel until" in text for text in lines)
    assert any(text.startswith("Paused until") for text in lines)
    assert "moving house" not in " ".join(lines)
    assert all(text.startswith("No update for") for text in said(history(admin, clinic, "?outcome=gaps")))
    assert any(text.startswith("Paused") for text in said(history(admin, clinic, "?outcome=setup")))


def test_the_filters_stand_in_the_address_and_no_other_words_do(admin: Browser, clinic: FakeClinic) -> None:
    clinic.practice.book("anna", clinic.at("09:00"), ["ada"])
    clinic.sync()
    clinic.sync()
    assert said(history(admin, clinic, "?outcome=changed&days=7")) == ["1 new"]
    assert said(history(admin, clinic, "?outcome=unchanged")) == ["nothing changed"]
    page = history(admin, clinic, "?outcome=failed")
    assert "Nothing matches" in page
    assert '<option value="failed" selected>' in page
    for wrong in ("?outcome=rubbish", "?days=8", "?trigger=x"):
        assert admin.get(_HISTORY.format(clinic.connection_id) + wrong).status_code == 404


def test_the_last_thirty_days_are_drawn_and_told(admin: Browser, clinic: FakeClinic) -> None:
    clinic.sync()
    page = history(admin, clinic)
    assert page.count('role="img"') == 3
    assert "1 update in 30 days: 1 whole." in page
    assert "The same as a table" in page
    assert "style=" not in page


def test_names_are_hidden_until_somebody_asks_and_the_log_says_who(
    admin: Browser, app: Flask, clinic: FakeClinic
) -> None:
    visit = clinic.practice.book("anna", clinic.at("09:00"), ["ada"])
    run = clinic.sync()
    place = run_page(clinic, run.id)
    assert "Ada Alder" not in admin.get(place).text
    shown = admin.post(f"{place}/names")
    assert "Ada Alder" in shown.text
    entry = next(row for row in audit.list_events(limit=20) if row.action == access_log.REVEAL)
    assert entry.subject == f"run:{run.id}"
    assert entry.detail is not None
    assert entry.detail["cards"] == str(clinic.card(visit).id)
    assert "Ada Alder" not in admin.get(place).text
    viewer = actors.browser_for(app, "viewer")
    assert "Show names" not in viewer.get(place).text
    assert viewer.post(f"{place}/names").status_code == 403


def test_the_text_for_support_holds_no_name(admin: Browser, clinic: FakeClinic) -> None:
    clinic.practice.book("anna", clinic.at("09:00"), ["ada"])
    run = clinic.sync()
    page = admin.get(run_page(clinic, run.id)).text
    text = re.search(r"<textarea[^>]*>(.*?)</textarea>", page, re.S)
    assert text
    assert f"pmsapp {__version__}" in text.group(1)
    assert f"Update {run.id} of connection" in text.group(1)
    assert "created 1" in text.group(1)
    for name in ("Ada", "Anna", "Abel"):
        assert name not in text.group(1)


def test_an_error_stands_with_whose_lists_it_concerns_and_where_it_is_explained(
    admin: Browser, clinic: FakeClinic
) -> None:
    visits = [clinic.practice.book("anna", clinic.at(f"{hour:02}:00"), ["ada"]) for hour in range(8, 16)]
    clinic.sync()
    for visit in visits[:6]:
        clinic.practice.delete(visit)
    run = clinic.sync()
    page = admin.get(run_page(clinic, run.id)).text
    assert 'class="badge held"' in page
    assert f'href="{help_href("REMOVE-HELD")}"' in page
    assert 'href="/decisions' in page


def test_undoing_shows_first_what_would_be_put_back_and_what_stays(
    admin: Browser, app: Flask, clinic: FakeClinic
) -> None:
    first = clinic.practice.book("anna", clinic.at("09:00"), ["ada"])
    second = clinic.practice.book("ben", clinic.at("10:00"), ["bo"])
    clinic.sync()
    for visit in (first, second):
        clinic.practice.change(visit, status="cancelled")
    run = clinic.sync()
    overrides.acknowledge_card(clinic.card(first).id, MEL)
    place = run_page(clinic, run.id)
    assert f'href="{place}/undo"' in admin.get(place).text
    preview = admin.get(f"{place}/undo").text
    assert "Put back (1)" in preview
    assert "Stay as they are (1)" in preview
    assert "Mel worked on it at" in preview
    assert "comes back to the sheet" in preview
    assert "Ada Alder" not in preview
    assert actors.browser_for(app, "viewer").get(f"{place}/undo").status_code == 403
    done = admin.post(f"{place}/undo", data={"pause": "30min"})
    assert (done.status_code, done.headers["Location"]) == (303, f"{place}?said=run-undone")
    assert clinic.presence(second) == "on_sheet"
    assert clinic.presence(first) == "cancelled"
    assert connections.get_connection(clinic.connection_id).paused is not None
    assert "1 card put back, 0 taken off, 1 left as they were" in admin.get(place).text
    assert admin.post(f"{place}/undo").status_code == 409
    assert "Put back as it was before an update" in admin.get(f"/cards/{clinic.card(second).id}").text
