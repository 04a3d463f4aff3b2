"""What the browser itself enforces or keeps: the policy, errors in their place, nothing left after signing out."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect
from sqlalchemy import update

from pmsapp import clock
from pmsapp.models import UserSession
from pmsapp.services.base.transaction import writing
from tests.browser.conftest import Visit
from tests.support import actors
from tests.support.synced_clinic import SyncedClinic

pytestmark = pytest.mark.browser

PAGES = (
    "/",
    "/sheet/2026-11-24",
    "/sheet/2027-01-01",
    "/cards/1",
    "/cards/new",
    "/decisions",
    "/integrations",
    "/integrations/new",
    "/integrations/new/halaxy",
    "/integrations/1",
    "/integrations/1/practitioners",
    "/integrations/1/types",
    "/integrations/1/login",
    "/integrations/1/pair",
    "/integrations/1/start",
    "/integrations/1/disconnect",
    "/integrations/1/history",
    "/integrations/1/history/1",
    "/settings",
    "/settings/clinic",
    "/settings/clinicians",
    "/settings/people",
    "/settings/tokens",
    "/settings/alerts",
    "/settings/health",
    "/settings/account",
    "/help",
)


def test_no_page_meets_the_policy_or_asks_anybody_else(visit: Visit, clinic: SyncedClinic) -> None:
    clinic.sync()
    page = visit.sign_in()
    for path in PAGES:
        visit.go(path)
        expect(page.locator("h1")).to_have_count(1)
    visit.assert_clean()


def test_a_refused_action_is_explained_above_the_sheet_which_stays(
    visit: Visit, clinic: SyncedClinic
) -> None:
    clinic.sync()
    page = visit.sign_in()
    cards = page.locator("[data-card]").count()
    page.evaluate(
        "document.querySelector('[data-card] [data-act=open]').setAttribute('hx-get', '/cards/999999')"
    )
    page.locator("[data-card] [data-act=open]").first.click()
    expect(page.locator("#banner")).to_contain_text("There is no such appointment.")
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert page.locator("[data-card]").count() == cards


def test_a_session_that_ended_locks_the_page_and_the_press_is_repeated(
    visit: Visit, clinic: SyncedClinic
) -> None:
    clinic.sync()
    page = visit.sign_in()
    visit.go("/sheet/2026-11-24")
    end_all_sessions()
    page.locator("#sync-now").click()
    expect(page.locator("#lock")).to_contain_text("You have been signed out.")
    page.get_by_label("Your password").fill(actors.PASSWORD)
    with page.expect_response(lambda answer: answer.url.endswith("/sync") and answer.status < 400):
        page.locator("#lock").get_by_role("button", name="Sign in", exact=True).click()
    expect(page.locator("#lock")).to_be_hidden()
    assert page.url.endswith("/sheet/2026-11-24")


def test_what_was_typed_survives_a_session_that_ended(visit: Visit, clinic: SyncedClinic) -> None:
    clinic.sync()
    page = visit.sign_in()
    page.locator("[data-card] [data-act=open]").first.click()
    page.get_by_label("Notes").fill("Interpreter booked")
    end_all_sessions()
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#lock")).to_contain_text("You have been signed out.")
    assert page.locator("#notes").input_value() == "Interpreter booked"
    expect(page.locator("#sheet")).to_be_hidden()

    elsewhere = Visit(page.context.new_page(), visit.installation)
    elsewhere.sign_in()
    page.evaluate("window.dispatchEvent(new Event('focus'))")
    expect(page.locator("#lock")).to_be_hidden()
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.locator("#say")).to_have_text(re.compile("Saved"))
    assert "Interpreter booked" in {card.notes for card in clinic.sheet().cards}


def end_all_sessions() -> None:
    """As when fifteen minutes pass without activity."""
    with writing() as session:
        session.execute(update(UserSession).values(ended_at=clock.now(), ended_reason="test"))


def test_going_back_after_signing_out_shows_no_patient(visit: Visit, clinic: SyncedClinic) -> None:
    clinic.sync()
    page = visit.sign_in()
    name = page.locator("[data-card] th bdi").first.inner_text()
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url(re.compile(r"/login\?done=out$"))
    page.go_back()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    assert name not in page.content()


def test_the_panel_takes_focus_closes_on_escape_and_gives_focus_back(
    visit: Visit, clinic: SyncedClinic
) -> None:
    clinic.sync()
    page = visit.sign_in()
    link = page.locator("[data-card] [data-act=open]").first
    link.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    assert page.evaluate("document.getElementById('panel').contains(document.activeElement)")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(link).to_be_focused()


def test_paper_carries_clinic_date_and_age_once_per_clinician(visit: Visit, clinic: SyncedClinic) -> None:
    clinic.sync()
    visit.sign_in()
    page = visit.go("/?view=columns")
    page.emulate_media(media="print")
    columns = page.locator(".column").count()
    assert columns > 1
    heads = page.locator(".paper:visible")
    expect(heads).to_have_count(columns)
    expect(heads.first).to_have_text(
        "Banksia Street · run sheet of Monday 23 November 2026 · data as of 09:00"
    )
    expect(page.locator(".side")).to_be_hidden()
    expect(page.locator(".sheet-actions")).to_be_hidden()
    style = "(node) => [getComputedStyle(node).breakBefore, getComputedStyle(node).color]"
    assert page.locator(".column").nth(1).evaluate(style) == ["page", "rgb(0, 0, 0)"]
