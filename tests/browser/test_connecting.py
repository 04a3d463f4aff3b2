"""An administrator connects Gentu, syncs it, and is told when it needs somebody."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from playwright.sync_api import expect
from sqlalchemy import update

from pmsapp.models import PMSConnection
from pmsapp.services.base.transaction import writing
from tests.browser.conftest import Visit
from tests.support.clock import FrozenClock
from tests.support.synced_clinic import SyncedClinic

pytestmark = pytest.mark.browser


def test_sync_now_on_a_card_shows_lists_read_and_ends(visit: Visit, clinic: SyncedClinic) -> None:
    visit.sign_in()
    page = visit.go("/integrations")
    visit.installation.work.hold()
    page.get_by_role("button", name=re.compile("Sync now.*Gentu")).click()
    expect(page.locator(".connection").get_by_role("progressbar")).to_be_visible()
    visit.installation.work.go_on()
    expect(page.locator(".connection .last")).to_contain_text(re.compile(r"\d+ new"))
    expect(page.locator(".connection").get_by_role("progressbar")).to_have_count(0)
    expect(page.locator("#say")).to_have_text(re.compile(r"^Gentu: Updated: \d+ new\.$"))
    assert page.evaluate("document.activeElement.id") == f"sync-{clinic.connection_id}"
    visit.assert_clean()


def test_trouble_appears_on_an_open_sheet_with_its_reason_and_the_step_that_helps(
    visit: Visit, clinic: SyncedClinic, frozen_clock: FrozenClock
) -> None:
    clinic.sync()
    page = visit.sign_in()
    expect(page.locator("#banner")).to_be_empty()
    with writing() as session:
        session.execute(
            update(PMSConnection).values(
                state="needs_you",
                last_error_code="AUTH-EXPIRED",
                last_sync_error="Gentu wants you to sign in again",
            )
        )
    frozen_clock.advance(minutes=1)
    page.evaluate("document.body.dispatchEvent(new CustomEvent('sheet:changed'))")
    banner = page.locator("#banner")
    expect(banner).to_contain_text("Gentu wants you to sign in again")
    expect(banner).to_contain_text("Cards are as of 09:00.")
    expect(banner.get_by_role("link", name="Sign in again")).to_be_visible()
    expect(page.locator("#nav .count.stop")).to_contain_text("1")
    assert page.locator("[data-card]").count() == len(clinic.sheet().cards)


def test_old_data_is_never_an_empty_day(
    visit: Visit, clinic: SyncedClinic, frozen_clock: FrozenClock
) -> None:
    clinic.sync()
    cards = len(clinic.sheet().cards)
    frozen_clock.set(frozen_clock.at + timedelta(hours=1))
    page = visit.sign_in()
    expect(page.locator(".sheet-fresh .badge")).to_have_text("Out of date: data from 09:00")
    expect(page.locator("[data-card]")).to_have_count(cards)
    expect(page.locator("#banner")).to_contain_text("Cards are as of 09:00.")
