"""Reception's work list in a real browser: presses, two people at one line, search, and a page that holds still."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from pmsapp.domain.actor import COMMAND_LINE
from pmsapp.services.editing import overrides, steps
from pmsapp.services.sheet import days
from tests.browser.conftest import Visit
from tests.support.clock import FrozenClock
from tests.support.synced_clinic import SyncedClinic

pytestmark = pytest.mark.browser
REFRESH = "document.body.dispatchEvent(new CustomEvent('sheet:changed'))"


def first_to_call(clinic: SyncedClinic) -> int:
    """A card on the sheet that nobody has worked on and whose time is still to come."""
    return [
        card.id
        for card in clinic.sheet().cards
        if card.presence == "on_sheet" and card.appointment_status in ("booked", "confirmed")
    ][-1]


def line_of(page: Page, card_id: int) -> Locator:
    return page.locator(f"[data-card='{card_id}']")


def refresh(page: Page) -> None:
    """Let the page ask once, whatever the pointer does, and wait for the answer."""
    page.mouse.move(0, 0)
    with page.expect_response(re.compile(r"/sheet/2026-11-23\?view=list.*&v=")):
        page.evaluate(REFRESH)


def test_a_patient_goes_from_booked_to_done_in_at_most_six_presses_without_a_panel(
    visit: Visit, clinic: SyncedClinic
) -> None:
    clinic.sync()
    page = visit.sign_in()
    line = line_of(page, first_to_call(clinic))
    presses = 0
    while line.get_attribute("data-state") != "done":
        before = line.get_attribute("data-state") or ""
        line.locator("[data-act=advance]").click()
        presses += 1
        expect(line).not_to_have_attribute("data-state", before)
        assert presses <= 6
    assert presses == 5
    expect(page.locator("dialog#panel")).not_to_be_visible()
    visit.assert_clean()


def test_no_answer_is_one_press_that_counts_and_can_be_undone(visit: Visit, clinic: SyncedClinic) -> None:
    clinic.sync()
    page = visit.sign_in()
    card_id = first_to_call(clinic)
    line = line_of(page, card_id)
    to_call = int(page.locator("[data-filter=to-call] b").inner_text())
    line.locator("[data-act=no-answer]").click()
    expect(line).to_have_attribute("data-state", "no_answer")
    expect(line.locator(".badge")).to_contain_text("No answer ×1")
    expect(page.locator("#toast")).to_contain_text("no answer, attempt 1")
    expect(page.locator("[data-filter=to-call] b")).to_have_text(str(to_call))
    page.locator("#toast [data-act=undo]").click()
    expect(line).to_have_attribute("data-state", "booked")
    expect(page.locator("#toast")).to_contain_text("taken back")
    assert days.get_card(card_id).attempts == ()
    visit.assert_clean()


def test_a_press_moves_neither_focus_nor_scroll_and_changes_the_numbers(
    visit: Visit, clinic: SyncedClinic
) -> None:
    clinic.sync()
    page = visit.sign_in()
    card_id = first_to_call(clinic)
    line = line_of(page, card_id)
    to_call = int(page.locator("[data-filter=to-call] b").inner_text())
    button = line.locator("[data-act=advance]")
    button.scroll_into_view_if_needed()
    button.focus()
    where = page.evaluate("[document.querySelector('main').scrollTop, window.scrollY]")
    page.keyboard.press("Enter")
    expect(line).to_have_attribute("data-state", "contacted")
    expect(page.locator("[data-filter=to-call] b")).to_have_text(str(to_call - 1))
    assert page.evaluate("document.activeElement.id") == f"act-{card_id}"
    assert page.evaluate("[document.querySelector('main').scrollTop, window.scrollY]") == where
    visit.assert_clean()


def test_the_second_of_two_browsers_sees_the_first_ones_step_and_skips_none(
    open_visit: Callable[..., Visit], clinic: SyncedClinic
) -> None:
    clinic.sync()
    card_id = first_to_call(clinic)
    first, second = open_visit(), open_visit()
    for desk in (first, second):
        desk.sign_in()
    line_of(first.page, card_id).locator("[data-act=advance]").click()
    expect(line_of(first.page, card_id)).to_have_attribute("data-state", "contacted")
    late = line_of(second.page, card_id)
    expect(late).to_have_attribute("data-state", "booked")
    late.locator("[data-act=advance]").click()
    expect(late).to_have_attribute("data-state", "contacted")
    expect(second.page.locator("#toast")).to_contain_text("a colleague was faster")
    assert days.get_card(card_id).state == "contacted"


def test_a_refresh_with_changes_moves_neither_focus_nor_scroll_nor_an_open_menu(
    visit: Visit, clinic: SyncedClinic
) -> None:
    clinic.sync()
    page = visit.sign_in()
    card_id = first_to_call(clinic)
    line = line_of(page, card_id)
    line.locator("[data-act=advance]").scroll_into_view_if_needed()
    line.locator("[data-act=open]").focus()
    where = page.evaluate("document.querySelector('main').scrollTop")
    overrides.edit_card(card_id, {"patient_phone": "0491 570 156"}, COMMAND_LINE)
    steps.advance(card_id, COMMAND_LINE, expected="booked")
    refresh(page)
    expect(line).to_have_attribute("data-state", "contacted")
    expect(line.locator("[data-phone]")).to_have_text("0491 570 156")
    assert page.evaluate("document.activeElement.id") == f"open-{card_id}"
    assert page.evaluate("document.querySelector('main').scrollTop") == where
    visit.assert_clean()


def test_a_line_that_goes_elsewhere_drags_neither_the_view_nor_the_focus_along(
    visit: Visit, clinic: SyncedClinic
) -> None:
    clinic.sync()
    page = visit.sign_in()
    lines = page.locator("[data-clinician] [data-card][data-state=booked][data-presence=on_sheet]")
    group = lines.last.locator("xpath=ancestor::section").locator(
        "[data-card][data-state=booked][data-presence=on_sheet]"
    )
    moving, staying, following = (
        int(group.nth(number).get_attribute("data-card") or "") for number in (0, 1, 2)
    )
    line_of(page, moving).evaluate("line => line.scrollIntoView({ block: 'center' })")
    top = "line => Math.round(line.getBoundingClientRect().top)"
    before = line_of(page, staying).evaluate(top)
    assert page.evaluate("document.querySelector('main').scrollTop") > 0
    for state in ("booked", "contacted"):
        steps.advance(moving, COMMAND_LINE, expected=state)
    refresh(page)
    expect(page.locator(f"[data-section=attention] [data-card='{moving}']")).to_have_count(1)
    assert abs(line_of(page, staying).evaluate(top) - before) <= 2
    line_of(page, staying).locator("[data-act=open]").focus()
    overrides.remove_card(staying, "Came in person", COMMAND_LINE)
    refresh(page)
    expect(line_of(page, staying)).to_have_count(0)
    assert page.evaluate("document.activeElement.id") == f"open-{following}"
    visit.assert_clean()


def test_an_open_menu_stays_open_while_the_page_refreshes(visit: Visit, clinic: SyncedClinic) -> None:
    clinic.sync()
    visit.page.clock.install()
    page = visit.sign_in()
    card_id = first_to_call(clinic)
    line_of(page, card_id).locator(".menu summary").click()
    overrides.edit_card(card_id, {"notes": "Ring twice"}, COMMAND_LINE)
    page.clock.run_for(40_000)
    expect(line_of(page, card_id).locator(".mark", has_text="Note")).to_have_count(1)
    expect(line_of(page, card_id).locator(".menu-body")).to_be_visible()


def test_a_search_finds_somebody_and_leaves_no_trace_in_an_address(
    visit: Visit, clinic: SyncedClinic
) -> None:
    clinic.sync()
    page = visit.sign_in()
    card = next(card for card in clinic.sheet().cards if card.patient_name)
    family = (card.patient_name or "").split()[-1]
    page.locator("form[data-search] input[name=q]").fill(family)
    expect(page.locator("#sheet")).to_have_attribute("data-searched", "")
    expect(line_of(page, card.id)).to_be_visible()
    shown = page.locator("[data-card] [data-act=open]").all_inner_texts()
    assert shown
    assert all(
        any(word.startswith(family.lower()) for word in re.split(r"[\s,-]+", name.lower())) for name in shown
    )
    assert page.evaluate("document.activeElement.id") == "q"
    assert family not in " ".join([page.url, page.title(), *visit.asked])
    page.locator("form[data-search] input[name=q]").fill("zzzzz")
    expect(page.get_by_role("heading", name=re.compile(r"^0 of \d+ match"))).to_be_visible()
    visit.assert_clean()


def test_a_filter_and_a_collapsed_section_live_in_the_address(visit: Visit, clinic: SyncedClinic) -> None:
    clinic.sync()
    page = visit.sign_in()
    page.locator("[data-filter=to-call]").click()
    page.wait_for_url(re.compile(r"filter=to-call"))
    states = page.locator("[data-card]").evaluate_all("lines => lines.map(line => line.dataset.state)")
    assert set(states) <= {"booked", "no_answer"}
    page.locator("[data-filter=all]").click()
    section = page.locator("[data-clinician] .fold").first
    section.click()
    page.wait_for_url(re.compile(r"closed="))
    page.reload()
    expect(page.locator("[data-clinician] .fold").first).to_have_attribute("aria-expanded", "false")


def test_the_view_chosen_is_kept_for_the_person(visit: Visit, clinic: SyncedClinic) -> None:
    clinic.sync()
    page = visit.sign_in()
    expect(page.locator("#sheet")).to_have_attribute("data-view", "list")
    page.get_by_role("button", name="By clinician").click()
    expect(page.locator("#sheet")).to_have_attribute("data-view", "columns")
    visit.go("/")
    expect(page.locator("#sheet")).to_have_attribute("data-view", "columns")
    expect(page.locator("[data-clinician] [data-card]").first).to_be_visible()


def test_without_scripts_every_press_answers_with_words(
    open_visit: Callable[..., Visit], clinic: SyncedClinic
) -> None:
    clinic.sync()
    visit = open_visit(java_script_enabled=False)
    page = visit.sign_in()
    card_id = first_to_call(clinic)
    line_of(page, card_id).locator("[data-act=advance]").click()
    expect(page.locator("#toast")).to_contain_text("contacted")
    expect(line_of(page, card_id)).to_have_attribute("data-state", "contacted")
    page.locator("#toast [data-act=undo]").click()
    expect(page.locator("#toast")).to_contain_text("taken back, booked again")
    expect(line_of(page, card_id)).to_have_attribute("data-state", "booked")
    page.locator("form[data-search] input[name=q]").fill("zzzzz")
    page.locator("form[data-search] button").click()
    expect(page.get_by_role("heading", name=re.compile(r"^0 of \d+ match"))).to_be_visible()


def test_a_toast_leaves_after_ten_seconds_and_stays_under_the_pointer(
    visit: Visit, clinic: SyncedClinic
) -> None:
    clinic.sync()
    visit.page.clock.install()
    page = visit.sign_in()
    line_of(page, first_to_call(clinic)).locator("[data-act=advance]").click()
    toast = page.locator("#toast .toast")
    expect(toast).to_be_visible()
    toast.hover()
    page.clock.run_for(15_000)
    expect(toast).to_be_visible()
    page.mouse.move(0, 0)
    page.clock.run_for(3_000)
    expect(toast).to_have_count(0)


@pytest.mark.parametrize(("width", "height"), [(1440, 900), (1024, 768)])
def test_lines_are_low_and_many_are_in_view(
    open_visit: Callable[..., Visit], clinic: SyncedClinic, width: int, height: int
) -> None:
    clinic.sync()
    visit = open_visit(viewport={"width": width, "height": height})
    page = visit.sign_in()
    heights = page.locator("[data-card]").evaluate_all(
        "lines => lines.map(l => l.getBoundingClientRect().height)"
    )
    assert max(heights) <= 48
    in_view = page.locator("[data-card]").evaluate_all(
        "lines => lines.filter(l => l.getBoundingClientRect().bottom <= innerHeight).length"
    )
    if width == 1440:
        assert in_view >= 14
    targets = page.locator("[data-card] :is(a, button, summary):visible").evaluate_all(
        "all => all.map(one => Math.min(one.getBoundingClientRect().height, 24))"
    )
    assert visit.overflow() <= 0
    assert targets
    assert [name for name in cut_off(page, "[data-act=open]") if len(name) <= 26] == []
    assert cut_off(page, "[data-card] .s .badge") == []
    assert reaching_out(page, "[data-card] .s .badge", "td") == []


def cut_off(page: Page, selector: str) -> list[str]:
    """The texts that do not fit their box."""
    found: list[str] = page.locator(selector).evaluate_all(
        "all => all.filter(one => one.scrollWidth > one.clientWidth + 1).map(one => one.textContent)"
    )
    return found


def reaching_out(page: Page, selector: str, of: str) -> list[str]:
    """What is drawn outside the box it belongs to."""
    found: list[str] = page.locator(selector).evaluate_all(
        "(all, of) => all.filter(one => one.getBoundingClientRect().right >"
        " one.closest(of).getBoundingClientRect().right + 1).map(one => one.textContent)",
        of,
    )
    return found


@pytest.mark.parametrize("width", [1440, 1024, 390])
def test_no_text_however_long_leaves_the_sidebar(
    open_visit: Callable[..., Visit], clinic: SyncedClinic, width: int
) -> None:
    clinic.sync()
    visit = open_visit(viewport={"width": width, "height": 800})
    page = visit.sign_in()
    page.evaluate(
        """() => {
            document.querySelector("#sync-state .badge").lastChild.textContent = "Out of date since " + "x".repeat(80);
            const reason = document.createElement("p");
            reason.className = "reason";
            reason.textContent = "The last update could not read ".repeat(12) + "y".repeat(120);
            document.getElementById("sync-state").append(reason);
            document.querySelector(".person a bdi").textContent = "W".repeat(70);
        }"""
    )
    parts = ".side :is(.badge, .reason, .person a, .person button, #sync-now)"
    assert reaching_out(page, f"{parts}:visible", ".side") == []
    assert visit.overflow() <= 0
    expect(page.get_by_role("button", name="Sign out")).to_be_in_viewport()


@pytest.mark.parametrize("width", [1440, 1024, 390, 320])
def test_sign_out_can_be_reached_at_every_width(
    open_visit: Callable[..., Visit], clinic: SyncedClinic, width: int
) -> None:
    clinic.sync()
    visit = open_visit(viewport={"width": width, "height": 800})
    page = visit.sign_in()
    expect(page.get_by_role("button", name="Sign out")).to_be_in_viewport()
    assert visit.overflow() <= 0
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url(re.compile("/login"))


def test_sync_now_reads_the_day_that_is_looked_at(
    visit: Visit, clinic: SyncedClinic, frozen_clock: FrozenClock
) -> None:
    clinic.sync()
    page = visit.sign_in()
    visit.go("/sheet/2026-11-30")
    expect(page.get_by_role("heading", name="This day has not been read yet")).to_be_visible()
    page.locator("#sync-now").click()
    expect(page.locator("#sync-run .said")).to_have_text(re.compile(r"^Mon 30 Nov: "))
    expect(page.get_by_role("heading", name="This day has not been read yet")).to_have_count(0)
