"""Nobody at the desk: details hide after three minutes, the page locks after fifteen, and nothing typed is lost."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from pmsapp.services.sheet import days
from tests.browser.conftest import Visit
from tests.browser.panel import field
from tests.browser.test_safe_pages import end_all_sessions
from tests.support import actors
from tests.support.synced_clinic import SyncedClinic

pytestmark = pytest.mark.browser

SEEN = "(node) => getComputedStyle(node).visibility"


def unlock(page: Page, password: str = actors.PASSWORD) -> None:
    page.get_by_label("Your password").fill(password)
    page.locator("#unlock").get_by_role("button", name="Sign in").click()


def test_a_quarter_of_an_hour_without_a_person_locks_the_page_and_keeps_what_was_typed(
    visit: Visit, clinic: SyncedClinic
) -> None:
    clinic.sync()
    visit.page.clock.install()
    page = visit.sign_in()
    card_id = clinic.sheet().cards[0].id
    page.locator(f"#open-{card_id}").first.click()
    field(page.locator("#panel"), "Phone").fill("0491 570 156")
    page.clock.fast_forward("14:50")
    expect(page.locator("#lock")).to_be_hidden()
    page.clock.fast_forward("00:20")
    expect(page.locator("#lock")).to_be_visible()
    assert page.locator("#sheet").evaluate(SEEN) == "hidden"
    assert page.locator("#panel").evaluate(SEEN) == "hidden"
    assert page.title() == "Locked – pmsapp"
    for _ in range(3):
        page.keyboard.press("Escape")
    expect(page.locator("#lock")).to_be_visible()

    unlock(page, "not the password")
    expect(page.locator("#lock-fault")).to_have_text("This is not your password.")
    unlock(page)
    expect(page.locator("#lock")).to_be_hidden()
    expect(page.locator("#panel").get_by_label("Phone", exact=True)).to_have_value("0491 570 156")
    page.locator("#panel").get_by_role("button", name="Save").click()
    expect(page.locator("#panel")).to_be_hidden()
    assert (days.get_card(card_id).patient_phone or "").replace(" ", "").endswith("491570156")
    visit.assert_clean()


def test_a_settings_form_sent_after_the_session_ended_is_kept_and_sent_once_unlocked(
    visit: Visit, clinic: SyncedClinic
) -> None:
    page = visit.sign_in()
    visit.go("/settings/clinicians")
    form = page.locator("form[action='/settings/clinicians']")
    field = form.locator("input:not([type=hidden])").first
    field.fill("Dr Typed Byhand")
    end_all_sessions()
    form.get_by_role("button").first.click()
    expect(page.locator("#lock")).to_contain_text("You have been signed out.")
    expect(field).to_have_value("Dr Typed Byhand")
    unlock(page)
    expect(page.get_by_role("main")).to_contain_text(re.compile("Dr Typed Byhand"))
    assert page.locator("input[value='Dr Typed Byhand']").count() == 1
    visit.assert_clean()


def test_a_page_that_comes_back_after_sleep_is_locked_before_the_first_touch_counts(
    visit: Visit, clinic: SyncedClinic
) -> None:
    visit.page.clock.install()
    page = visit.sign_in()
    visit.go("/decisions")
    page.clock.pause_at(page.evaluate("Date.now()") / 1000 + 60)
    page.clock.set_fixed_time(page.evaluate("Date.now()") / 1000 + 3600)
    page.mouse.move(300, 300)
    expect(page.locator("#lock")).to_be_visible()


def test_details_hide_by_key_and_by_themselves_and_come_back_by_a_press(
    visit: Visit, clinic: SyncedClinic
) -> None:
    clinic.sync()
    visit.page.clock.install()
    page = visit.sign_in()
    line = page.locator("[data-card]").first
    phone = line.locator("[data-phone]")
    page.keyboard.press("h")
    expect(page.locator("body[data-privacy=on]")).to_have_count(0)
    line.locator("[data-act=open]").focus()
    page.keyboard.press("h")
    expect(page.locator("body[data-privacy=on]")).to_have_count(1)
    assert phone.evaluate(SEEN) == "hidden"
    assert line.locator("[data-act=open] bdi").evaluate("(node) => getComputedStyle(node).display") == "none"
    page.keyboard.press("h")
    expect(page.locator("body[data-privacy=on]")).to_have_count(0)

    page.clock.fast_forward("03:10")
    expect(page.locator("body[data-privacy=on]")).to_have_count(1)
    names = [card.patient_name for card in clinic.sheet().cards if card.patient_name]
    assert not [name for name in names if name.split()[-1] in page.title() + page.url]
    line.locator("[data-act=open]").click()
    expect(page.locator("body[data-privacy=on]")).to_have_count(0)
    expect(page.locator("dialog#panel")).to_be_hidden()
    assert page.evaluate("localStorage.length + sessionStorage.length") == 0
    visit.assert_clean()
