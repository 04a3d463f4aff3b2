"""Promises of the sheet, as whoever looks at it meets them: C2, C3, C11, C21, C22 and D4 to D7."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from playwright.sync_api import Locator, Page, expect
from sqlalchemy import update

from pmsapp.domain.actor import COMMAND_LINE
from pmsapp.models import PMSConnection
from pmsapp.sandbox.clinic.truth import TruthRow
from pmsapp.services.base.transaction import writing
from pmsapp.services.editing import decisions, overrides, steps
from pmsapp.services.sheet import days
from tests.browser.conftest import Visit
from tests.support.clock import FrozenClock
from tests.support.synced_clinic import SyncedClinic

pytestmark = pytest.mark.browser
REFRESH = "document.body.dispatchEvent(new CustomEvent('sheet:changed'))"


def rows_to_come(clinic: SyncedClinic) -> list[TruthRow]:
    """Visits of today that are still to come, one for each appointment."""
    return [row for row in clinic.truth() if row.appointment_status in ("booked", "confirmed")]


def key_of(clinic: SyncedClinic, row: TruthRow) -> str:
    found = clinic.sandbox.clinic.find_appointment("gentu", row.appointment_id)
    assert found
    return str(found[0].key)


def line_of(page: Page, card_id: int) -> Locator:
    return page.locator(f"#sheet [data-card='{card_id}']")


def refresh(page: Page) -> None:
    page.mouse.move(0, 0)
    with page.expect_response(re.compile(r"/sheet/2026-11-23\?.*&v=")):
        page.evaluate(REFRESH)


def count(page: Page, filter_name: str) -> int:
    return int(page.locator(f"[data-filter={filter_name}] b").inner_text())


def test_c2_whoever_is_cancelled_is_struck_with_reason_and_never_next_to_call(
    visit: Visit, clinic: SyncedClinic
) -> None:
    clinic.sync()
    page = visit.sign_in()
    section = page.locator("[data-clinician]").filter(has=page.locator("[data-next]")).first
    card_id = int((section.locator("[data-next]").get_attribute("href") or "").rpartition("-")[2])
    card = days.get_card(card_id)
    row = next(row for row in clinic.truth() if row.appointment_id == card.pms_appointment_id)
    name = section.locator("[data-next]").inner_text()
    to_call = count(page, "to-call")
    clinic.sandbox.clinic.cancel(key_of(clinic, row), "Patient asked")
    clinic.sync()
    refresh(page)
    line = line_of(page, card_id)
    expect(line).to_have_attribute("data-presence", "cancelled")
    expect(line).to_contain_text("Cancelled in the practice software · cancelled there 09:00")
    expect(line.locator(".n a bdi")).to_have_css("text-decoration-line", "line-through")
    assert count(page, "to-call") == to_call - 1
    assert name not in page.locator("[data-next]").all_inner_texts()
    refresh(page)
    expect(line).to_be_visible()
    line.locator("[data-act=acknowledge]").click()
    refresh(page)
    expect(line).to_have_count(0)
    page.locator("[data-filter=not-shown]").click()
    expect(line_of(page, card_id)).to_be_visible()


def test_c3_what_staff_removed_stays_away_until_its_time_changes_there(
    visit: Visit, clinic: SyncedClinic
) -> None:
    clinic.sync()
    page = visit.sign_in()
    row = rows_to_come(clinic)[-1]
    card_id = clinic.card_of(row).id
    overrides.remove_card(card_id, "Came in person", COMMAND_LINE)
    for _ in range(3):
        clinic.sync()
    refresh(page)
    expect(line_of(page, card_id)).to_have_count(0)
    clinic.sandbox.clinic.move(key_of(clinic, row), at="17:05")
    clinic.sync()
    refresh(page)
    expect(line_of(page, card_id)).to_be_visible()
    expect(line_of(page, card_id).locator(".mark", has_text="Returned: time changed in PMS")).to_have_count(1)


def test_c11_a_login_that_fails_is_never_an_empty_day(
    visit: Visit, clinic: SyncedClinic, frozen_clock: FrozenClock
) -> None:
    clinic.sync()
    cards = len(clinic.sheet().cards)
    with writing() as session:
        session.execute(
            update(PMSConnection).values(
                state="needs_you", last_error_code="AUTH-EXPIRED", last_sync_error="Sign in again"
            )
        )
    frozen_clock.advance(hours=1)
    page = visit.sign_in()
    expect(page.locator("#sheet [data-card]")).to_have_count(cards)
    assert "No telehealth appointments" not in page.locator("main").inner_text()
    expect(page.locator("#banner")).to_contain_text("as of 09:00")
    answer = page.evaluate("async () => (await fetch('/api/run-sheet')).json()")
    assert answer["freshness"]["state"] == "stale"
    assert (
        sum(len(column["appointments"]) for column in answer["clinicians"]) + len(answer["unassigned"])
        == cards
    )


def test_c21_a_typed_phone_outlives_runs_and_a_conflict_shows_both_values(
    visit: Visit, clinic: SyncedClinic
) -> None:
    clinic.sync()
    row = next(row for row in rows_to_come(clinic) if clinic.card_of(row).patient_phone)
    card_id = clinic.card_of(row).id
    overrides.edit_card(card_id, {"patient_phone": "0491 570 156"}, COMMAND_LINE)
    for _ in range(3):
        clinic.sync()
    page = visit.sign_in()
    phone = line_of(page, card_id).locator("[data-phone]")
    expect(phone).to_have_text("0491 570 156")
    found = clinic.sandbox.clinic.find_appointment("gentu", row.appointment_id)
    assert found
    clinic.sandbox.clinic.edit_patient(found[0].patient_keys[0], phone="0491 571 000")
    clinic.sync()
    refresh(page)
    expect(phone).to_have_text("0491 570 156")
    expect(line_of(page, card_id)).to_contain_text("Phone: Gentu says 0491 571 000")
    page.locator("#nav").get_by_role("link", name=re.compile("Decisions")).click()
    expect(page.locator("#decisions")).to_contain_text("0491 571 000")
    expect(page.locator("#decisions")).to_contain_text("0491 570 156")


def test_c22_a_cancellation_shows_at_once_and_keeps_the_notes(visit: Visit, clinic: SyncedClinic) -> None:
    clinic.sync()
    row = rows_to_come(clinic)[0]
    card_id = clinic.card_of(row).id
    overrides.edit_card(card_id, {"notes": "Daughter joins from Perth"}, COMMAND_LINE)
    clinic.sandbox.clinic.cancel(key_of(clinic, row), "Patient asked")
    clinic.sync()
    page = visit.sign_in()
    line = line_of(page, card_id)
    expect(line).to_have_attribute("data-presence", "cancelled")
    expect(line.locator("[data-act=acknowledge]")).to_be_visible()
    other = page.locator("#sheet [data-act=advance]").first
    other.click()  # nothing is blocked by the question
    expect(page.locator("#toast .toast")).to_be_visible()
    line.locator("[data-act=open]").click()
    panel = page.locator("dialog#panel")
    expect(panel.get_by_label("Notes")).to_have_value("Daughter joins from Perth")
    story = panel.get_by_role("heading", name="What happened").locator("xpath=..")
    expect(story).to_contain_text("Gentu")
    expect(story).to_contain_text("command line", ignore_case=True)


def test_d4_a_refresh_never_drops_the_focus_to_the_page(visit: Visit, clinic: SyncedClinic) -> None:
    clinic.sync()
    page = visit.sign_in()
    row = rows_to_come(clinic)[-1]
    card_id = clinic.card_of(row).id
    for locator in (
        line_of(page, card_id).locator("[data-act=open]"),
        line_of(page, card_id).locator("[data-act=advance]"),
        page.locator("[data-filter=to-call]"),
    ):
        locator.focus()
        overrides.edit_card(card_id, {"notes": f"{locator}"}, COMMAND_LINE)
        refresh(page)
        expect(line_of(page, card_id).locator(".mark", has_text="Note")).to_have_count(1)
        assert page.evaluate("document.activeElement !== document.body")
    line_of(page, card_id).locator("[data-act=open]").focus()
    clinic.sandbox.clinic.move(key_of(clinic, row), on=clinic.today + timedelta(days=1))
    clinic.sync()
    refresh(page)
    expect(line_of(page, card_id)).to_have_count(0)
    assert page.evaluate("document.activeElement !== document.body")


def test_d5_waiting_is_counted_on_the_server_whoever_looks_and_whenever(
    open_visit: Callable[..., Visit], clinic: SyncedClinic, frozen_clock: FrozenClock
) -> None:
    clinic.sync()
    card_id = clinic.card_of(rows_to_come(clinic)[-1]).id
    for state in ("booked", "contacted"):
        steps.advance(card_id, COMMAND_LINE, expected=state)
    frozen_clock.advance(minutes=7)
    page = open_visit().sign_in()
    expect(line_of(page, card_id).locator(".badge").first).to_have_text("Waiting 7 min")
    steps.advance(card_id, COMMAND_LINE, expected="waiting")
    frozen_clock.advance(minutes=4)
    refresh(page)
    expect(line_of(page, card_id).locator(".badge").first).to_have_text("Ready, waits 11 min")


def test_d6_paper_carries_the_date_of_the_sheet_and_not_of_the_day_it_was_printed(
    visit: Visit, clinic: SyncedClinic
) -> None:
    clinic.sync(clinic.today + timedelta(days=1))
    visit.sign_in()
    page = visit.go("/sheet/2026-11-24")
    page.locator("[data-print]").click()
    page.wait_for_url(re.compile("2026-11-24/print"))
    for head in page.locator(".paper-head").all_inner_texts():
        assert "Tuesday 24 November 2026" in head
    ages = page.locator(".paper-head .age").all_inner_texts()
    assert ages
    assert all("as of 09:00" in age for age in ages)


def test_d7_everybody_of_a_day_to_come_is_there_before_their_time(visit: Visit, clinic: SyncedClinic) -> None:
    tomorrow = clinic.today + timedelta(days=1)
    clinic.sync(tomorrow)
    visit.sign_in()
    page = visit.go("/sheet/2026-11-24")
    expected = {
        str(clinic.card_of(row, clinic.all_cards(tomorrow)).id)
        for row in clinic.truth(tomorrow)
        if row.appointment_status != "cancelled"
    }
    shown = page.locator("#sheet [data-card]").evaluate_all("all => all.map(line => line.dataset.card)")
    assert set(shown) == expected
    assert decisions.list_open(tomorrow) == []
    assert all(days.get_card(int(card_id)).date == tomorrow for card_id in shown)
