"""The run sheet by keyboard: one stop per line, keys that are off until they are asked for, and their list."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from pmsapp.services.sheet import days
from tests.browser.conftest import Visit
from tests.support.synced_clinic import SyncedClinic

pytestmark = pytest.mark.browser

HERE = "document.activeElement.closest('[data-card]')?.dataset.card ?? null"
GROUP = "document.activeElement.closest('[data-section], [data-clinician]')?.id ?? null"
STOPS = """[...document.querySelectorAll("#sheet [data-card] :is(a[href], button, summary):not([tabindex='-1'])")]
    .filter((control) => control.checkVisibility()).length"""
COPIED = "navigator.clipboard.writeText = async (text) => { window.copied = text; }"


def cards(page: Page) -> list[str]:
    """The lines on the page, from top to bottom."""
    found: list[str] = page.locator("#sheet [data-card]").evaluate_all(
        "all => all.map(line => line.dataset.card)"
    )
    return found


def to_call(page: Page) -> str:
    """The last line of the sheet that nobody has worked on."""
    line = page.locator("[data-clinician] [data-card][data-state=booked][data-presence=on_sheet]").last
    return line.get_attribute("data-card") or ""


def go_to(page: Page, card_id: str) -> None:
    """Walk down the list to a line, by its key alone."""
    page.locator("#sheet [data-card] [data-act=open]").first.focus()
    for _ in cards(page):
        if page.evaluate(HERE) == card_id:
            return
        page.keyboard.press("j")
    assert page.evaluate(HERE) == card_id


def test_the_list_is_one_stop_and_arrows_walk_its_lines(visit: Visit, clinic: SyncedClinic) -> None:
    clinic.sync()
    page = visit.sign_in()
    listed = cards(page)
    one_line = page.evaluate(STOPS)
    assert 0 < one_line <= 8
    page.locator("#sheet [data-card] [data-act=open]").first.focus()
    for expected in (listed[1], listed[2]):
        page.keyboard.press("ArrowDown")
        assert page.evaluate(HERE) == expected
    page.keyboard.press("ArrowUp")
    assert page.evaluate(HERE) == listed[1]
    page.keyboard.press("Tab")
    assert page.evaluate(HERE) == listed[1]
    for _ in range(8):
        page.keyboard.press("Tab")
    assert page.evaluate(HERE) is None
    assert page.evaluate(STOPS) <= 8
    page.locator(f"[data-card='{listed[1]}'] [data-act=open]").focus()
    before = page.evaluate(GROUP)
    page.keyboard.press("]")
    after = page.evaluate(GROUP)
    assert (before, after) != (None, before)
    page.keyboard.press("[")
    assert page.evaluate(GROUP) == before
    visit.assert_clean()


def test_keys_are_off_away_from_the_list_until_they_are_switched_on(
    visit: Visit, clinic: SyncedClinic
) -> None:
    clinic.sync()
    page = visit.sign_in()
    page.locator("main h1").focus()
    page.keyboard.press("/")
    page.keyboard.press("?")
    expect(page.locator("dialog#keys")).to_be_hidden()
    assert page.evaluate("document.activeElement.id") != "q"
    page.locator("[data-keys]").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog", name="Keys of the run sheet")).to_be_visible()
    page.locator("#shortcuts-switch").focus()
    page.keyboard.press("Enter")
    expect(page.locator("body")).to_have_attribute("data-shortcuts", "on")
    expect(page.locator("#shortcuts-switch")).to_have_text("Only in the list")
    page.keyboard.press("Escape")
    visit.go("/")
    page.locator("main h1").focus()
    page.keyboard.press("?")
    expect(page.locator("dialog#keys")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    expect(page.locator("#q")).to_be_focused()
    page.keyboard.type("sjn")
    assert page.locator("#q").input_value() == "sjn"
    visit.assert_clean()


def test_keys_copy_step_take_back_and_open_the_line_they_are_on(visit: Visit, clinic: SyncedClinic) -> None:
    clinic.sync()
    page = visit.sign_in()
    page.evaluate(COPIED)
    card_id = to_call(page)
    line = page.locator(f"[data-card='{card_id}']")
    go_to(page, card_id)
    page.keyboard.press("s")
    expect(line).to_have_attribute("data-state", "contacted")
    assert page.evaluate(HERE) == card_id
    page.keyboard.press("u")
    expect(line).to_have_attribute("data-state", "booked")
    page.keyboard.press("a")
    expect(line).to_have_attribute("data-state", "no_answer")
    page.keyboard.press("c")
    expect(page.locator("#toast")).to_contain_text("Phone copied")
    shown = line.locator("[data-phone]").inner_text()
    assert re.sub(r"\D", "", page.evaluate("window.copied")) == re.sub(r"\D", "", shown)
    page.keyboard.press("Enter")
    expect(page.locator("dialog#panel")).to_be_visible()
    page.keyboard.press("s")
    page.keyboard.press("Escape")
    expect(page.locator("dialog#panel")).to_be_hidden()
    assert days.get_card(int(card_id)).state == "no_answer"
    assert page.evaluate(HERE) == card_id
    page.keyboard.press("n")
    called = page.evaluate(HERE)
    assert page.locator(f"[data-card='{called}']").get_attribute("data-state") in ("booked", "no_answer")
    visit.assert_clean()


def tab_to(page: Page, selector: str) -> None:
    """Reach it by the Tab key alone."""
    for _ in range(150):
        page.keyboard.press("Tab")
        if page.evaluate("(wanted) => document.activeElement.matches(wanted)", selector):
            return
    pytest.fail(f"the Tab key never comes to {selector}")


def test_a_whole_day_is_worked_by_keyboard_alone(visit: Visit, clinic: SyncedClinic) -> None:
    clinic.sync()
    page = visit.sign_in()
    page.evaluate("window.print = () => { window.printed = (window.printed || 0) + 1; }; 0")
    free = [
        card
        for card in clinic.sheet().cards
        if card.presence == "on_sheet"
        and card.appointment_status in ("booked", "confirmed")
        and card.patient_phone
    ]
    done, unreached, edited = free[-1], free[-2], free[-3]

    tab_to(page, "[data-card] *")
    walk_to(page, str(done.id))
    for state in ("contacted", "waiting", "ready", "with_clinician", "done"):
        page.keyboard.press("s")
        expect(page.locator(f"[data-card='{done.id}']")).to_have_attribute("data-state", state)
    page.keyboard.press("u")
    expect(page.locator(f"[data-card='{done.id}']")).to_have_attribute("data-state", "with_clinician")
    page.keyboard.press("s")
    expect(page.locator(f"[data-card='{done.id}']")).to_have_attribute("data-state", "done")

    page.keyboard.press("/")
    page.keyboard.type((unreached.patient_name or "").split()[-1])
    expect(page.locator("#sheet")).to_have_attribute("data-searched", "")
    page.keyboard.press("ArrowDown")
    walk_to(page, str(unreached.id))
    page.keyboard.press("a")
    expect(page.locator(f"[data-card='{unreached.id}']")).to_have_attribute("data-state", "no_answer")
    page.keyboard.press("/")
    page.keyboard.press("Delete")
    expect(page.locator("#sheet")).not_to_have_attribute("data-searched", "")
    page.keyboard.press("ArrowDown")

    walk_to(page, str(edited.id))
    page.keyboard.press("Enter")
    expect(page.locator("dialog#panel")).to_be_visible()
    tab_to(page, "[name=patient_phone], [data-field=patient_phone] summary")
    if page.evaluate("document.activeElement.matches('summary')"):
        page.keyboard.press("Enter")
        tab_to(page, "[name=patient_phone]")
    page.keyboard.press("Control+A")
    page.keyboard.type("0491 570 156")
    page.keyboard.press("Enter")
    expect(page.locator(f"[data-card='{edited.id}'] [data-phone]")).to_have_text("0491 570 156")
    if page.locator("dialog#panel").is_visible():
        page.keyboard.press("Escape")

    expect(page.locator(f"#open-{edited.id}")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("dialog#panel")).to_be_visible()
    tab_to(page, "#notes")
    page.keyboard.type("Ring twice")
    page.keyboard.press("Tab")
    expect(page.locator("#notes-saved")).to_have_text("Saved 09:00")
    page.keyboard.press("Escape")
    expect(page.locator("dialog#panel")).to_be_hidden()
    assert days.get_card(edited.id).notes == "Ring twice"

    tab_to(page, "[data-filter=done]")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("filter=done"))
    assert set(cards(page)) >= {str(done.id)}
    assert str(edited.id) not in cards(page)

    found = clinic.sandbox.clinic.find_appointment("gentu", edited.pms_appointment_id or "")
    assert found
    clinic.sandbox.clinic.edit_patient(found[0].patient_keys[0], phone="0491 571 000")
    clinic.sync()
    visit.go("/")
    tab_to(page, "#nav a[href='/decisions']")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/decisions"))
    tab_to(page, "#decisions button[value=keep]")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Answered today")).to_be_visible()

    visit.go("/")
    tab_to(page, "[data-card] *")
    page.keyboard.press("p")
    page.wait_for_url(re.compile("/print$"))
    page.evaluate("window.print = () => { window.printed = (window.printed || 0) + 1; }; 0")
    tab_to(page, "[data-print-now]")
    page.keyboard.press("Enter")
    assert page.evaluate("window.printed") == 1
    tab_to(page, "a[href='/sheet/2026-11-23']")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/sheet/2026-11-23$"))
    tab_to(page, "#hand-over")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/hand-over$"))
    tab_to(page, "#name")
    page.keyboard.press("Control+A")
    page.keyboard.type("Mel")
    tab_to(page, "button.primary")
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_contain_text("Closed by Mel 09:00.")
    visit.assert_clean()


def walk_to(page: Page, card_id: str) -> None:
    """From the line the focus is in, down and round to another."""
    for _ in range(len(cards(page)) + 1):
        if page.evaluate(HERE) == card_id:
            return
        page.keyboard.press("j")
    for _ in range(len(cards(page)) + 1):
        if page.evaluate(HERE) == card_id:
            return
        page.keyboard.press("k")
    pytest.fail("the keys never come to that line")
