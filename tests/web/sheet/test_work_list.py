"""The work list's page: its hooks, its presses without a browser, its empty states, and what is true of the day."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from pmsapp.domain.actor import COMMAND_LINE
from pmsapp.models import PMSConnection, RunSheetAppointment, RunSheetOverride, ScopeFreshness
from pmsapp.services.base.transaction import writing
from pmsapp.services.editing import overrides
from pmsapp.services.sheet import days
from tests.support.actors import Browser
from tests.support.clock import MONDAY_9AM, FrozenClock
from tests.support.seeded_clinic import DAY, seed

PAGE = f"/sheet/{DAY}"
HTMX = {"HX-Request": "true"}
pytestmark = pytest.mark.usefixtures("frozen_clock")


@pytest.fixture(autouse=True)
def clinic(app: Flask) -> None:
    seed()
    with writing() as session:
        session.query(RunSheetOverride).delete()
        session.get_one(PMSConnection, 1).sync_enabled = True


def press(browser: Browser, value: str, **more: Any) -> Any:
    return browser.post("/cards/press", data={"press": value, "back": f"{PAGE}?view=list"}, **more)


def test_the_hooks_that_scripts_rely_on_are_there(reception: Browser) -> None:
    text = reception.get(PAGE).text
    assert re.search(rf'id="sheet"[^>]*data-date="{DAY}" data-version="[^"]+" data-view="list"', text)
    assert re.search(r'data-card="1" data-state="booked" data-presence="on_sheet"', text)
    assert 'data-clinician="1"' in text
    for act in ("advance", "no-answer", "open", "copy-phone", "claim"):
        assert f'data-act="{act}"' in text, act
    for key in ("needs-you", "to-call", "waiting", "late", "done", "all", "not-shown"):
        assert f'data-filter="{key}"' in text, key
    assert "data-phone" in text
    assert re.search(r"<form[^>]* data-search [^>]*>.*?name=\"q\"", text, re.S)
    assert '<dialog id="panel"' in text
    assert 'id="toast"' in text


def test_a_late_line_stands_in_the_attention_section_and_nowhere_else(
    login: Any, frozen_clock: FrozenClock
) -> None:
    frozen_clock.advance(minutes=34)
    text = login("reception").get(PAGE).text
    attention = text[text.index('data-section="attention"') : text.index('data-clinician="')]
    assert 'data-card="1"' in attention
    assert "over by 4 min" in attention
    assert text.count('data-card="1"') == 1


def test_the_list_needs_no_more_than_a_press(reception: Browser) -> None:
    answer = press(reception, "advance:1:booked", headers=HTMX)
    assert answer.status_code == 200
    assert 'hx-target="#card-1"' in answer.text
    assert 'data-state="contacted"' in answer.text
    assert 'id="filters"' in answer.text
    assert 'id="nav"' in answer.text
    assert "contacted." in answer.text
    assert re.search(r'value="undo:1:\d+" data-act="undo"', answer.text)
    assert 'data-card="2"' not in answer.text, "only the line itself"


def test_a_press_that_comes_too_late_says_so_and_changes_nothing(reception: Browser) -> None:
    press(reception, "advance:1:booked")
    answer = press(reception, "advance:1:booked", headers=HTMX)
    assert "a colleague was faster, now contacted" in answer.text
    assert days.get_card(1).state == "contacted"


def test_without_scripts_a_press_leads_back_and_says_what_happened(reception: Browser) -> None:
    answer = press(reception, "no-answer:1:booked")
    assert answer.status_code == 303
    assert answer.location.startswith(f"{PAGE}?view=list&told=step.1.")
    assert "Quillon" not in answer.location
    page = reception.get(answer.location.partition("#")[0]).text
    assert "no answer, attempt 1." in page
    undo = re.search(r'value="(undo:1:\d+)"', page)
    assert undo
    again = press(reception, undo[1])
    assert "taken back, booked again" in reception.get(again.location.partition("#")[0]).text


@pytest.mark.parametrize("back", ["https://elsewhere.example/sheet/x?y", "//elsewhere.example/", "/settings"])
def test_a_press_never_leads_elsewhere(reception: Browser, back: str) -> None:
    answer = reception.post("/cards/press", data={"press": "claim:1", "back": back})
    assert answer.location.startswith(f"{PAGE}?view=list")


@pytest.mark.parametrize("value", ["", "advance", "advance:x", "shrug:1", "advance:1:asleep"])
def test_a_press_of_no_button_changes_nothing(reception: Browser, value: str) -> None:
    assert press(reception, value).status_code in {303, 422}
    assert days.get_card(1).state == "booked"


def test_a_clinician_presses_only_lines_of_their_own(login: Any) -> None:
    own = login("clinician", clinician_id=1)
    assert press(own, "advance:1:booked").status_code == 303
    assert press(own, "advance:2:booked").status_code == 404
    assert days.get_card(2).state == "booked"


def test_a_viewer_sees_no_button(viewer: Browser) -> None:
    text = viewer.get(PAGE).text
    assert 'data-act="advance"' not in text
    assert press(viewer, "advance:1:booked").status_code == 403


def test_removed_and_acknowledged_ones_are_reached_under_not_shown_and_brought_back(
    reception: Browser,
) -> None:
    with writing() as session:
        session.get_one(RunSheetAppointment, 1).presence = "cancelled"
    overrides.acknowledge_card(1, COMMAND_LINE)
    overrides.remove_card(2, "double", COMMAND_LINE)
    text = reception.get(f"{PAGE}?filter=not-shown").text
    assert text.count('data-act="bring-back"') == 2
    press(reception, "bring-back:1")
    press(reception, "bring-back:2")
    text = reception.get(PAGE).text
    assert 'data-presence="cancelled"' in text
    assert 'data-card="2" data-state="booked" data-presence="on_sheet"' in text


def test_a_search_is_sent_in_the_body_and_shows_only_who_matches(reception: Browser) -> None:
    text = reception.post(f"{PAGE}/search", data={"q": "quillon"}).text
    assert 'data-card="1"' in text
    assert 'data-card="2"' not in text
    nobody = reception.post(f"{PAGE}/search", data={"q": "nobody"}, headers=HTMX).text
    assert "0 of 2 match." in nobody


def test_a_filter_that_hides_all_says_how_many_there_are(reception: Browser) -> None:
    text = reception.get(f"{PAGE}?filter=waiting").text
    assert "0 of 2 match." in text
    assert "Clear filters" in text


def test_the_view_chosen_is_kept(reception: Browser) -> None:
    assert 'data-view="list"' in reception.get(PAGE).text
    answer = reception.post(f"{PAGE}/view", data={"view": "columns"})
    assert answer.status_code == 303
    assert 'data-view="columns"' in reception.get(PAGE).text
    assert 'data-view="list"' in reception.get(f"{PAGE}?view=list").text
    assert reception.post(f"{PAGE}/view", data={"view": "sideways"}).status_code == 422


def test_running_late_shifts_expected_times_and_words_what_to_tell(reception: Browser) -> None:
    answer = reception.post("/clinicians/1/running-late", data={"minutes": "15"}, headers=HTMX)
    assert "exp 09:45" in answer.text
    assert "running about 15 minutes late" in answer.text
    assert "9:30 am appointment is now expected at about 9:45 am" in answer.text
    assert reception.post("/clinicians/1/running-late", data={"minutes": "x"}).status_code == 422


def test_identity_says_how_many_of_three(reception: Browser) -> None:
    text = reception.get(PAGE).text
    assert text.count("0/3") == 2
    assert "not given" in text, "a missing birth date says so"


def test_a_struck_card_of_a_disconnected_pms_is_never_called_cancelled(reception: Browser) -> None:
    with writing() as session:
        for number in (1, 2):
            row = session.get_one(RunSheetAppointment, number)
            row.presence, row.presence_reason = "cancelled", "disconnected"
    text = reception.get(PAGE).text
    lines = text[text.index('data-section="attention"') :]
    assert "Disconnected" in lines
    assert "Cancelled" not in lines
    assert lines.count("1 disconnected") == 2, "one under each clinician"
    assert "Acknowledge all" in lines
    reception.post(f"{PAGE}/disconnected", data={"back": PAGE})
    assert days.get_sheet(DAY).cards == []
    reception.post(f"{PAGE}/disconnected", data={"back": PAGE, "undo": "1"})
    assert len(days.get_sheet(DAY).cards) == 2


def freshen(practitioner: int, minutes_ago: int) -> None:
    with writing() as session:
        session.get_one(ScopeFreshness, practitioner).as_of = MONDAY_9AM - timedelta(minutes=minutes_ago)


def age_of(text: str) -> str:
    found = re.search(r'id="sheet-age">(.*?)</div>', text, re.S)
    assert found
    return re.sub(r"<[^>]+>", "", found[1])


def test_up_to_date_is_never_said_beside_a_list_that_is_not(reception: Browser) -> None:
    assert "Up to date" in age_of(reception.get(PAGE).text)
    freshen(2, 10)
    text = reception.get(PAGE).text
    assert "Up to date" not in re.sub(r"<[^>]+>", " ", text)
    assert "The list of Dr Other Vendorwords could not be read" in text


def test_a_list_that_was_never_read_is_counted_in_the_badge(reception: Browser) -> None:
    with writing() as session:
        session.query(ScopeFreshness).filter_by(id=2).delete()
    assert "1 of 2 lists not read" in age_of(reception.get(PAGE).text)


def test_paused_updates_are_said_with_who_until_when_and_why(admin: Browser) -> None:
    with writing() as session:
        row = session.get_one(PMSConnection, 1)
        row.paused_until = MONDAY_9AM + timedelta(hours=2)
        row.paused_by, row.paused_reason = "Mel", "training"
    text = admin.get(PAGE).text
    assert "are paused by Mel until 11:00" in text
    assert "training." in text
    assert "Up to date" not in age_of(text)


def test_sync_now_names_the_day_that_is_looked_at(reception: Browser) -> None:
    text = reception.get("/sheet/2026-11-30").text
    form = text[text.index('id="sync-run"') :]
    assert '<input type="hidden" name="date" value="2026-11-30">' in form[: form.index("</form>")]
    other = reception.get("/decisions").text
    assert 'hx-get="/sync/state"' in other
    assert 'hx-get="/sync/state"' not in text


def test_pages_without_a_poll_refresh_their_badge(reception: Browser) -> None:
    answer = reception.get("/sync/state", headers={**HTMX, "X-Poll": "1"})
    assert answer.status_code == 200
    assert 'id="sync-state"' in answer.text
    assert 'id="nav"' in answer.text


def test_a_first_look_is_noted_once_and_all_can_be_marked_as_seen(
    reception: Browser, frozen_clock: FrozenClock
) -> None:
    assert "mark all as seen" not in reception.get(PAGE).text
    frozen_clock.advance(minutes=1)
    overrides.edit_card(1, {"notes": "Ring the daughter"}, COMMAND_LINE)
    assert "1 new or changed: mark all as seen" in reception.get(PAGE).text
    frozen_clock.advance(minutes=1)
    reception.post(f"{PAGE}/seen")
    assert "mark all as seen" not in reception.get(PAGE).text


def test_the_calendar_opens_the_day_that_was_chosen(reception: Browser) -> None:
    assert reception.get("/sheet?date=2026-12-01").location == "/sheet/2026-12-01?view=list"
    assert reception.get("/sheet?date=nonsense").status_code == 404
