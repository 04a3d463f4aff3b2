"""The downtime copy as somebody opens it when the server is gone: from disk, in a browser, with its passphrase."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, expect

from pmsapp.domain.actor import COMMAND_LINE
from pmsapp.jobs import downtime as job
from pmsapp.services.maintenance import downtime
from tests.browser.conftest import Visit
from tests.support.synced_clinic import SyncedClinic

pytestmark = pytest.mark.browser
PASSPHRASE = "seven grey horses swim"


def test_the_copy_opens_from_disk_with_its_passphrase_and_with_no_other(
    chromium: Browser, clinic: SyncedClinic
) -> None:
    clinic.sync()
    downtime.set_passphrase(PASSPHRASE, COMMAND_LINE)
    made = job.make()
    sheet = clinic.sheet()
    names = [card.patient_name.split()[-1] for card in sheet.cards if card.patient_name]
    context = chromium.new_context(offline=True)
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.goto(made.path.as_uri())
    assert not any(name in page.content() for name in names if len(name) > 3)
    page.get_by_label("Passphrase").fill("nine blue kettles sing")
    page.get_by_role("button", name="Open").click()
    expect(page.get_by_role("alert")).to_contain_text("That passphrase does not open this copy")
    expect(page.locator(".sheet-paper")).to_have_count(0)
    page.get_by_label("Passphrase").fill(PASSPHRASE)
    page.keyboard.press("Enter")
    expect(page.locator(".sheet-paper").first).to_be_visible()
    expect(page.get_by_role("button", name="Print")).to_be_focused()
    shown = page.locator("#pages").inner_text()
    assert [name for name in names if name not in shown] == []
    for column in sheet.columns:
        assert column.name in shown
    assert "Monday 23 November 2026" in shown
    assert "Tuesday 24 November 2026" in shown
    page.get_by_role("button", name="Close").click()
    expect(page.locator(".sheet-paper")).to_have_count(0)
    assert errors == []
    context.close()


def test_the_passphrase_is_set_on_its_settings_page(visit: Visit, clinic: SyncedClinic) -> None:
    clinic.sync()
    visit.sign_in()
    page = visit.go("/settings/downtime")
    page.get_by_label("Passphrase", exact=True).fill(PASSPHRASE)
    page.get_by_label("The same again").fill("something else here")
    page.get_by_role("button", name="Keep the passphrase").click()
    expect(page.locator(".summary")).to_contain_text("The two are not the same")
    page.get_by_label("Passphrase", exact=True).fill(PASSPHRASE)
    page.get_by_label("The same again").fill(PASSPHRASE)
    page.get_by_role("button", name="Keep the passphrase").click()
    expect(page.locator("main")).to_contain_text("Passphrase set by Admin 09:00.")
    job.make_if_due()
    visit.go("/settings/health")
    expect(page.locator("main")).to_contain_text("the downtime copy is of 2026-11-23 09:00")
    page.goto(visit.installation.url + "/settings/downtime")
    expect(page.locator("main")).to_contain_text("made 09:00")
    assert PASSPHRASE not in page.content()
    visit.assert_clean()
