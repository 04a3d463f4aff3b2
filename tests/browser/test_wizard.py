"""From an empty instance to a filled sheet, for each vendor: by mouse, by keyboard alone, without scripts, on a phone.

Clicks and typed fields are counted: eight and six at most, beyond what the vendor itself asks for.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Locator, Page, expect

from pmsapp.adapters.registry import get_info
from pmsapp.sandbox.server import SandboxServer
from pmsapp.services.clinic import clinic as clinics
from pmsapp.services.sheet import days
from tests.browser.conftest import Installation, Visit
from tests.support.connecting import ADMIN, gentu_access
from tests.support.synced_clinic import LOGINS, practice_id
from tests.vendors.clinics import VENDORS

pytestmark = pytest.mark.browser
MOST_CLICKS, MOST_TYPED = 8, 6
FARTHEST = 60  # presses of Tab to one thing on a page
PICTURES = Path(__file__).resolve().parents[2] / "docs" / "images"
TAKE_PICTURES = os.environ.get("REWRITE_PICTURES") == "1"
WAYS: dict[str, dict[str, Any]] = {
    "mouse": {},
    "keyboard": {},
    "without scripts": {"java_script_enabled": False},
    "phone": {"viewport": {"width": 390, "height": 844}},
}


@dataclass
class Hand:
    """Somebody at the page, who counts what they press and type."""

    page: Page
    by_keyboard: bool = False
    clicks: int = 0
    typed: int = 0

    def press(self, what: Locator) -> None:
        """Click, or reach it by Tab alone and press Enter."""
        self.clicks += 1
        expect(what).to_be_visible()
        if self.by_keyboard:
            self._reach(what)
            self.page.keyboard.press("Enter")
        else:
            what.click()

    def fill(self, name: str, text: str, *, is_vendors_own: bool) -> None:
        """Type into a field."""
        field = self.page.locator(f"#{name}")
        self.typed += not is_vendors_own
        if self.by_keyboard:
            self._reach(field)
            self.page.keyboard.press("Control+A")
            self.page.keyboard.type(text)
        else:
            field.fill(text)

    def _reach(self, what: Locator) -> None:
        self.page.keyboard.press("Tab")
        for _ in range(FARTHEST):
            if what.evaluate("node => node === document.activeElement"):
                return
            self.page.keyboard.press("Tab")
        pytest.fail("Tab does not lead there")


def vendors_own(vendor: str, sandbox: SandboxServer) -> dict[str, str]:
    """What only the vendor can give: the login, the practice's id, the code as somebody reads it out."""
    info, login = get_info(vendor), LOGINS[vendor]["credentials"]
    found = {
        field.name: login[field.name]
        if field.goes_to == "credentials"
        else practice_id(vendor, sandbox) or ""
        for field in info.credential_fields
        if field.required
    }
    if info.capabilities.pairing:
        code = gentu_access(sandbox).make_code().upper()
        found["pairing_code"] = f"{code[:4]}-{code[4:]}"
    return found


def arrive(page: Page, heading: str) -> None:
    """Wait until the next step is there."""
    expect(page.get_by_role("heading", name=heading, level=1)).to_be_visible()


def picture(visit: Visit, vendor: str, way: str, name: str) -> None:
    """A picture for the documentation, taken on request."""
    assert visit.overflow() == 0 or way == "without scripts", f"{name} is wider than the window"
    if TAKE_PICTURES and (vendor, way) == ("gentu", "mouse"):
        visit.page.screenshot(path=PICTURES / f"wizard-{name}.png")


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("vendor", VENDORS)
def test_a_practice_is_connected_from_the_empty_page_to_todays_cards(
    vendor: str, way: str, open_visit: Callable[..., Visit], sandbox: SandboxServer, app: Flask
) -> None:
    clinics.update_clinic(ADMIN, name=clinics.DEFAULT_NAME)
    visit = open_visit(**WAYS[way])
    page, label = visit.sign_in(), get_info(vendor).label
    hand = Hand(page, by_keyboard=way == "keyboard")
    hand.press(page.get_by_role("main").get_by_role("link", name=label, exact=True))
    expect(page.get_by_role("radio", name=label)).to_be_checked()
    picture(visit, vendor, way, "1-choose")
    hand.press(page.get_by_role("button", name="Continue"))
    arrive(page, f"Connect {label}")
    for name, text in vendors_own(vendor, sandbox).items():
        hand.fill(name, text, is_vendors_own=True)
    picture(visit, vendor, way, "2-connect")
    hand.press(page.get_by_role("button", name="Connect", exact=True))
    expect(page.get_by_role("heading", name="Is this your practice?")).to_be_visible()
    expect(page.get_by_text("Your next appointment reads")).to_be_visible()
    picture(visit, vendor, way, "2-found")
    hand.press(page.get_by_role("button", name="Yes, this is our practice"))
    arrive(page, "Match practitioners")
    picture(visit, vendor, way, "3-practitioners")
    hand.press(page.get_by_role("button", name="Continue"))
    arrive(page, "Telehealth types")
    picture(visit, vendor, way, "4-types")
    hand.press(page.get_by_role("button", name="Continue"))
    arrive(page, "Check and start")
    start = page.get_by_role("button", name=re.compile(r"^Start: \d+ cards will appear today$"))
    expect(start).to_be_visible()
    promised = int(re.sub(r"\D", "", start.inner_text()))
    hand.fill("clinic_name", "Banksia Street", is_vendors_own=False)
    picture(visit, vendor, way, "5-start")
    hand.press(start)
    done = page.get_by_role("link", name="Open today's sheet")
    expect(done).to_be_visible()
    picture(visit, vendor, way, "6-started")
    hand.press(done)
    expect(page.locator("[data-card]").first).to_be_visible()
    assert len(days.get_sheet(clinics.today()).cards) == promised
    assert hand.clicks <= MOST_CLICKS
    assert hand.typed <= MOST_TYPED
    assert clinics.get_clinic().name == "Banksia Street"
    visit.assert_clean()


def test_what_was_typed_and_chosen_is_there_for_the_next_administrator(
    open_visit: Callable[..., Visit], installation: Installation, sandbox: SandboxServer
) -> None:
    visit = open_visit()
    page, own = visit.sign_in(), vendors_own("halaxy", sandbox)
    visit.go("/integrations/new/halaxy")
    hand = Hand(page)
    hand.fill("client_id", own["client_id"], is_vendors_own=True)
    hand.fill("client_secret", "not the secret", is_vendors_own=True)
    show = page.get_by_role("button", name="Show client secret")
    show.click()
    expect(page.locator("#client_secret")).to_have_attribute("type", "text")
    hand.press(page.get_by_role("button", name="Connect", exact=True))
    expect(page.get_by_role("link", name="What AUTH-REFUSED means")).to_be_visible()
    expect(page.locator("#client_id")).to_have_value(own["client_id"])
    expect(page.locator("#client_secret")).to_have_value("")
    visit.go("/")
    expect(page.get_by_text("The set-up of Halaxy is not finished")).to_be_visible()
    page.get_by_role("link", name="Continue", exact=True).click()
    hand.fill("client_secret", own["client_secret"], is_vendors_own=True)
    hand.press(page.get_by_role("button", name="Connect", exact=True))
    hand.press(page.get_by_role("button", name="Yes, this is our practice"))
    chosen = page.locator("select").first
    with page.expect_response(re.compile("/practitioners/draft")):
        chosen.select_option("ignore")
    expect(page.locator("#match-state")).to_contain_text("1 not shown on purpose")
    visit.go("/")
    page.get_by_role("link", name="Continue", exact=True).click()
    expect(page.locator("select").first).to_have_value("ignore")
    page.get_by_label("Find a practitioner").fill("zzz")
    expect(page.locator("#match-rows tr:visible")).to_have_count(0)
    visit.assert_clean()
