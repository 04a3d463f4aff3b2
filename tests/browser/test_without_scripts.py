"""A browser without scripts works the day: every press is answered with words."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import expect
from sqlalchemy import update

from pmsapp.models import Decision, RunSheetOverride
from pmsapp.services.base.transaction import writing
from pmsapp.services.sheet import days
from pmsapp.web.ui import said as said_words
from tests.browser.conftest import Visit
from tests.browser.panel import field
from tests.browser.test_work_list import first_to_call, line_of
from tests.support import actors
from tests.support.clock import MONDAY_9AM
from tests.support.synced_clinic import SyncedClinic

pytestmark = pytest.mark.browser
SHEET = "/sheet/2026-11-23?view=list"


def ask_about_the_phone(card_id: int) -> None:
    """As when the practice software says another number than the one typed here."""
    with writing() as session:
        session.execute(
            update(RunSheetOverride)
            .where(RunSheetOverride.appointment_id == card_id)
            .values(state="conflict")
        )
        session.add(
            Decision(
                kind="field_conflict",
                subject=f"card:{card_id}:patient_phone",
                connection_id=1,
                date=MONDAY_9AM.date(),
                appointment_ids=[card_id],
                field="patient_phone",
                ours="+61491570156",
                theirs="+61491570157",
                since=MONDAY_9AM,
            )
        )


def test_a_day_is_worked_from_sign_in_to_sign_out_without_scripts(
    open_visit: Callable[..., Visit], clinic: SyncedClinic
) -> None:
    clinic.sync()
    actors.make_user("reception", email="reception@example.org")
    visit = open_visit(java_script_enabled=False)
    page = visit.go("/login")
    page.get_by_label("Email").fill("reception@example.org")
    page.get_by_label("Password").fill(actors.PASSWORD)
    page.get_by_role("main").get_by_role("button").click()
    expect(page).to_have_url(visit.installation.url + "/")
    card_id = first_to_call(clinic)
    line, toast = line_of(page, card_id), page.locator("#toast")

    line.locator("[data-act=no-answer]").click()
    expect(toast).to_contain_text("no answer, attempt 1")
    toast.locator("[data-act=undo]").click()
    expect(toast).to_contain_text("taken back, booked again")
    line.locator("[data-act=advance]").click()
    expect(toast).to_contain_text("contacted")

    line.locator("[data-act=open]").click()
    field(page.get_by_role("main"), "Phone").fill("not a number")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator(".summary")).to_be_visible()
    page.get_by_label("Phone", exact=True).fill("0491 570 156")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(toast).to_contain_text("saved.")
    assert days.get_card(card_id).patient_phone == "+61491570156"

    page.locator("[data-filter=to-call]").click()
    expect(page.locator("[data-filter=to-call]")).to_have_attribute("aria-current", "true")
    page.locator("form[data-search] input[name=q]").fill("zzzzz")
    page.locator("form[data-search] button").click()
    expect(page.get_by_role("heading", name=re.compile(r"^0 of \d+ match"))).to_be_visible()

    ask_about_the_phone(card_id)
    visit.go("/decisions")
    page.locator("article form button[name=choice]").first.click()
    expect(page.get_by_role("status").get_by_text(said_words.SENTENCES["decided"])).to_be_visible()
    page.get_by_role("button", name="Take back").click()
    expect(page.get_by_role("status").get_by_text(said_words.SENTENCES["decision-open"])).to_be_visible()

    visit.go(SHEET)
    page.get_by_title("Print", exact=True).click()
    expect(page.get_by_role("heading", name=re.compile("^Print Monday"))).to_be_visible()
    page.get_by_label("Initials only").check()
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_label("Initials only")).to_be_checked()
    page.get_by_role("link", name="Back to the sheet").click()
    page.locator("#sync-now").click()
    expect(page.get_by_role("status").get_by_text(said_words.SENTENCES["sync"])).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_text("You are signed out.")).to_be_visible()
    visit.assert_clean()


def test_what_else_the_desk_does_is_answered_with_words_without_scripts(
    open_visit: Callable[..., Visit], clinic: SyncedClinic
) -> None:
    clinic.sync()
    visit = open_visit(java_script_enabled=False)
    page = visit.sign_in()
    card_id = first_to_call(clinic)
    line, toast, said = line_of(page, card_id), page.locator("#toast"), page.get_by_role("status")

    line.locator(".menu summary").click()
    line.locator("[data-act=claim]").click()
    expect(toast).to_contain_text("everybody sees for two minutes that you are calling")
    expect(line).to_contain_text("is calling")

    line.locator("[data-act=open]").click()
    page.get_by_label("Notes").fill("Ring twice")
    for identifier in ("Name", "Birth date", "Address"):
        page.get_by_role("checkbox", name=identifier).check()
    page.get_by_role("button", name="Identity checked").click()
    expect(page.locator("#panel-said")).to_contain_text("Identity checked.")
    assert days.get_card(card_id).notes == "Ring twice"
    page.get_by_text("Remove this card", exact=True).click()
    page.get_by_label("Why").fill("Booked twice")
    page.get_by_role("button", name="Remove", exact=True).click()
    expect(toast).to_contain_text("removed from the sheet.")
    page.locator("[data-filter=not-shown]").click()
    line.locator("[data-act=bring-back]").click()
    expect(toast).to_contain_text("brought back.")

    visit.go(SHEET)
    page.locator("#add-card").click()
    page.get_by_label("Name").fill("Wren Banksia")
    page.get_by_label("Start time").fill("16:45")
    page.get_by_role("button", name="Add card").click()
    expect(toast).to_contain_text("added to the sheet.")

    late = page.locator("[data-clinician] .menu.late").first
    late.locator("summary").click()
    late.get_by_label("Minutes late today").fill("15")
    late.get_by_role("button", name="Save").click()
    expect(said.get_by_text(said_words.SENTENCES["late"])).to_be_visible()
    page.get_by_role("button", name="By clinician").click()
    expect(page.locator("#sheet")).to_have_attribute("data-view", "columns")
    page.get_by_label("Go to day").fill("2026-11-24")
    page.get_by_role("button", name="Go", exact=True).click()
    expect(page.locator("#sheet")).to_have_attribute("data-date", "2026-11-24")

    visit.go("/sheet/2026-11-23/hand-over")
    page.get_by_role("button", name="Close the day").click()
    expect(said.get_by_text(said_words.SENTENCES["day-closed"])).to_be_visible()
    page.get_by_role("button", name="Open the day again").click()
    expect(said.get_by_text(said_words.SENTENCES["day-opened"])).to_be_visible()
    assert page.locator(".js-only:visible").count() == 0
    visit.assert_clean()
