"""The card's panel in a real browser: what is decided, checked and told in it, and two people at one card."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from pmsapp.domain.actor import COMMAND_LINE
from pmsapp.services.editing import overrides
from pmsapp.services.sheet import days
from tests.browser.conftest import Visit
from tests.browser.panel import field, open_panel
from tests.support.synced_clinic import SyncedClinic

pytestmark = pytest.mark.browser


def booked(clinic: SyncedClinic) -> int:
    """A card nobody has worked on."""
    return [card.id for card in clinic.sheet().cards if card.state == "booked" and card.patient_phone][-1]


def ask_for_news(page: Page) -> None:
    """What the panel asks every 15 seconds, now."""
    page.evaluate("htmx.trigger(document.getElementById('panel-news'), 'every')")


def save(panel: Locator) -> None:
    panel.get_by_role("button", name="Save", exact=True).click()


def test_a_phone_is_corrected_in_four_presses_at_most(visit: Visit, clinic: SyncedClinic) -> None:
    clinic.sync()
    page = visit.sign_in()
    card_id = booked(clinic)
    presses = 0

    def press(locator: Locator) -> None:
        nonlocal presses
        locator.click()
        presses += 1

    press(page.locator(f"#open-{card_id}"))
    press(page.locator("#panel").get_by_title("Edit phone"))
    page.keyboard.type("0491 570 158")  # the old number is selected
    press(page.locator("#panel").get_by_role("button", name="Save", exact=True))
    expect(page.locator("#panel")).to_be_hidden()
    expect(page.locator("#toast")).to_contain_text("Saved.")
    assert days.get_card(card_id).patient_phone == "+61491570158"
    assert presses <= 4
    visit.assert_clean()


def test_the_panel_opens_at_its_top_with_what_one_needs_to_talk(
    open_visit: Callable[..., Visit], clinic: SyncedClinic
) -> None:
    clinic.sync()
    visit = open_visit(viewport={"width": 1024, "height": 600})
    page = visit.sign_in()
    first, other = (card.id for card in clinic.sheet().cards[:2])
    panel = open_panel(page, first)
    panel.evaluate("(node) => node.scrollTo(0, 9999)")
    page.keyboard.press("Escape")
    panel = open_panel(page, other)
    assert panel.evaluate("(node) => node.scrollTop") == 0
    assert page.evaluate("document.activeElement.id") == "panel-h"
    for part in (".panel-who", ".panel-state", "[data-phone]"):
        expect(panel.locator(part)).to_be_in_viewport()
    visit.assert_clean()


def test_two_people_change_different_fields_and_both_stand(
    open_visit: Callable[..., Visit], clinic: SyncedClinic
) -> None:
    clinic.sync()
    card_id = booked(clinic)
    mine = open_visit()
    page = mine.sign_in()
    panel = open_panel(page, card_id)
    field(panel, "Email").fill("mine@example.org")
    overrides.edit_card(card_id, {"patient_phone": "0491 570 157"}, COMMAND_LINE)
    save(panel)
    expect(panel).to_be_hidden()
    card = days.get_card(card_id)
    assert (card.patient_phone, card.patient_email) == ("+61491570157", "mine@example.org")
    mine.assert_clean()


def test_two_values_of_one_field_are_both_named_and_saving_again_puts_nothing_else_back(
    visit: Visit, clinic: SyncedClinic
) -> None:
    clinic.sync()
    page = visit.sign_in()
    card_id = booked(clinic)
    panel = open_panel(page, card_id)
    field(panel, "Phone").fill("0491 570 156")
    overrides.edit_card(
        card_id, {"patient_phone": "0491 570 157", "patient_email": "theirs@example.org"}, COMMAND_LINE
    )
    save(panel)
    clash = panel.locator(".clash")
    expect(clash).to_be_focused()
    expect(clash).to_contain_text(
        re.compile(rf"Phone: {COMMAND_LINE.name}, \d\d:\d\d wrote 0491 570 157; you typed 0491 570 156")
    )
    assert days.get_card(card_id).patient_phone == "+61491570157"
    save(panel)
    expect(panel).to_be_hidden()
    card = days.get_card(card_id)
    assert (card.patient_phone, card.patient_email) == ("+61491570156", "theirs@example.org")


def test_the_other_persons_value_is_taken_by_its_button(visit: Visit, clinic: SyncedClinic) -> None:
    clinic.sync()
    page = visit.sign_in()
    card_id = booked(clinic)
    panel = open_panel(page, card_id)
    field(panel, "Phone").fill("0491 570 156")
    panel.get_by_label("Notes").fill("Rang twice")
    overrides.edit_card(card_id, {"patient_phone": "0491 570 157"}, COMMAND_LINE)
    save(panel)
    panel.get_by_role("button", name="Use theirs for phone").click()
    expect(panel.locator(".clash")).to_have_count(0)
    card = days.get_card(card_id)
    assert (card.patient_phone, card.notes) == ("+61491570157", "Rang twice")


def test_a_change_that_arrives_is_one_quiet_line_and_what_is_typed_stays(
    visit: Visit, clinic: SyncedClinic
) -> None:
    clinic.sync()
    page = visit.sign_in()
    card_id = booked(clinic)
    panel = open_panel(page, card_id)
    email = field(panel, "Email")
    email.fill("typed@example.org")
    overrides.edit_card(card_id, {"patient_phone": "0491 570 157"}, COMMAND_LINE)
    ask_for_news(page)
    news = panel.locator("#panel-news")
    expect(news).to_contain_text("→ 0491 570 157")
    expect(email).to_have_value("typed@example.org")
    expect(email).to_be_focused()
    overrides.edit_card(card_id, {"notes": "A colleague's words"}, COMMAND_LINE)
    ask_for_news(page)
    expect(news).to_contain_text("and 1 change more")
    news.get_by_role("link", name="Show").click()
    page.locator("dialog#leave").get_by_role("button", name="Leave without saving").click()
    expect(panel.get_by_label("Notes")).to_have_value("A colleague's words")
    expect(news).to_be_empty()
    visit.assert_clean()


def test_identity_is_checked_by_three_with_the_values_hidden_until_compared(
    visit: Visit, clinic: SyncedClinic
) -> None:
    clinic.sync()
    page = visit.sign_in()
    card_id = booked(clinic)
    panel = open_panel(page, card_id)
    for name in ("Name", "Birth date"):
        panel.get_by_role("checkbox", name=name).check()
    expect(panel.locator(".compare dl")).to_be_hidden()
    panel.get_by_label("Notes").fill("Asked")
    panel.get_by_role("button", name="Identity checked").click()
    expect(panel.locator("#identifiers-error")).to_contain_text("Choose 3")
    expect(panel.get_by_role("checkbox", name="Birth date")).to_be_checked()
    expect(panel.get_by_label("Notes")).to_have_value("Asked")
    panel.get_by_text("Compare").click()
    expect(panel.locator(".compare dl")).to_contain_text("not kept here")
    panel.get_by_role("checkbox", name="Address").check()
    panel.get_by_role("button", name="Identity checked").click()
    expect(panel.locator(".identity .checked")).to_contain_text("name, birth date and address")
    check = days.get_card(card_id).identity_check
    assert check
    assert check.identifiers == ("name", "birth_date", "address")
    assert days.get_card(card_id).notes == "Asked"
    page.keyboard.press("Escape")
    expect(page.locator(f"#card-{card_id} .id")).to_have_text("Identity 3/3")
    visit.assert_clean()


def test_a_step_in_the_panel_can_be_taken_back_there(visit: Visit, clinic: SyncedClinic) -> None:
    clinic.sync()
    page = visit.sign_in()
    card_id = booked(clinic)
    panel = open_panel(page, card_id)
    panel.locator("[data-act=no-answer]").click()
    expect(panel.locator(".panel-state")).to_contain_text("No answer ×1")
    panel.locator("#panel-said [data-act=undo]").click()
    expect(panel.locator(".panel-state")).to_contain_text("Booked")
    expect(panel.locator(".story li").first).to_contain_text("Taken back: No answer → booked")
    assert days.get_card(card_id).attempts == ()


def test_a_removal_needs_its_reason_and_keeps_what_else_was_typed(visit: Visit, clinic: SyncedClinic) -> None:
    clinic.sync()
    page = visit.sign_in()
    card_id = booked(clinic)
    panel = open_panel(page, card_id)
    panel.get_by_label("Notes").fill("Moved to the other clinic")
    panel.get_by_text("Remove this card").click()
    panel.get_by_role("button", name="Remove").click()
    expect(panel.locator(".summary")).to_contain_text("Say in a few words why.")
    panel.get_by_label("Why").fill("Booked twice")
    panel.get_by_role("button", name="Remove").click()
    expect(panel).to_be_hidden()
    card = days.get_card(card_id)
    assert (card.presence, card.notes) == ("removed_by_staff", "Moved to the other clinic")
