"""Reception's day: sign in, see the truth, sync, and see what changed."""

from __future__ import annotations

import re
from collections.abc import Callable
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import expect

from pmsapp.models import User
from pmsapp.sandbox.clinic.truth import TruthRow
from pmsapp.sandbox.server import SandboxServer
from pmsapp.services.base.transaction import writing
from tests.browser.conftest import Installation, Visit
from tests.browser.panel import field
from tests.support.synced_clinic import SyncedClinic

pytestmark = pytest.mark.browser
# What has the focus is not under the heads that stay in place.
IS_IN_FULL_VIEW = """() => document.activeElement.getBoundingClientRect().top
    >= document.querySelector(".column-head").getBoundingClientRect().bottom"""


@pytest.fixture(autouse=True)
def by_clinician(installation: Installation) -> None:
    """The person of these tests sees a day by clinician."""
    with writing() as session:
        session.query(User).filter_by(email=installation.email).update({"sheet_view": "columns"})


def clock_of(row: TruthRow, clinic: SyncedClinic) -> str:
    return f"{row.start_at.astimezone(ZoneInfo(clinic.zone)):%H:%M}"


def shown_by_column(visit: Visit) -> dict[str, list[tuple[str, str]]]:
    """Column name -> (start, name) of each card, as a reader sees them."""
    found: dict[str, list[tuple[str, str]]] = visit.page.evaluate(
        """() => Object.fromEntries([...document.querySelectorAll(".column")].map((column) => [
            column.querySelector("h2").textContent.trim(),
            [...column.querySelectorAll(".card")].map((card) => [
                card.querySelector("time").textContent.slice(0, 5), card.querySelector("h3 bdi").textContent,
            ]),
        ]))"""
    )
    return {name: [(start, patient) for start, patient in cards] for name, cards in found.items()}


def test_the_sheet_shows_the_truth_under_the_right_clinicians_in_clinic_time(
    visit: Visit, clinic: SyncedClinic
) -> None:
    clinic.sync()
    visit.sign_in()
    expected: dict[str, list[tuple[str, str]]] = {}
    for row in clinic.truth():
        if row.appointment_status != "cancelled":
            name = row.practitioner_name or "No clinician"
            expected.setdefault(name, []).append((clock_of(row, clinic), row.patient_name))
    shown = {name: cards for name, cards in shown_by_column(visit).items() if cards}
    assert {name: sorted(cards) for name, cards in shown.items()} == {
        name: sorted(cards) for name, cards in expected.items()
    }
    for cards in shown.values():
        assert [start for start, _ in cards] == sorted(start for start, _ in cards)
    visit.assert_clean()


def test_reading_a_day_for_the_first_time_is_followed_to_its_cards(
    visit: Visit, clinic: SyncedClinic
) -> None:
    page = visit.sign_in()
    expect(page.get_by_role("heading", name="This day has not been read yet")).to_be_visible()
    visit.installation.work.hold()
    page.get_by_role("button", name="Read now").click()
    expect(page.locator("#sync-run").get_by_role("progressbar")).to_be_visible()
    visit.installation.work.go_on()
    expect(page.locator(".card").first).to_be_visible()
    expect(page.get_by_role("button", name="Read now")).to_have_count(0)
    visit.assert_clean()


def test_on_a_phone_sync_now_says_what_it_does_and_what_it_came_to(
    open_visit: Callable[..., Visit], clinic: SyncedClinic
) -> None:
    visit = open_visit(viewport={"width": 390, "height": 844})
    page = visit.sign_in()
    visit.installation.work.hold()
    page.locator("#sync-now").click()
    expect(page.locator("#sync-run").get_by_role("progressbar")).to_be_in_viewport()
    visit.installation.work.go_on()
    expect(page.locator("#sync-run .said")).to_be_in_viewport()
    assert visit.overflow() == 0
    visit.assert_clean()


def test_sync_now_shows_progress_and_ends_with_a_sentence(visit: Visit, clinic: SyncedClinic) -> None:
    page = visit.sign_in()
    expect(page.get_by_role("heading", name="This day has not been read yet")).to_be_visible()
    visit.installation.work.hold()
    page.locator("#sync-now").click()
    expect(page.locator("#sync-run").get_by_role("progressbar")).to_be_visible()
    expect(page.locator("#sync-run")).to_contain_text(re.compile(r"Started by Admin \d+ s ago"))
    assert page.evaluate("document.activeElement.id") == "sync-now"
    visit.installation.work.go_on()
    expect(page.locator("#sync-run .said")).to_have_text(re.compile(r"^Updated: \d+ new\.$"))
    expect(page.locator("#say")).to_have_text(re.compile(r"^Updated: \d+ new\.$"))
    expect(page.locator(".card").first).to_be_visible()
    assert page.evaluate("document.activeElement.id") == "sync-now"
    expect(page.locator("#sync-run .progress")).to_have_count(0)
    visit.assert_clean()


def test_a_second_sync_changes_nothing(visit: Visit, clinic: SyncedClinic) -> None:
    clinic.sync()
    page = visit.sign_in()
    before = shown_by_column(visit)
    page.locator("#sync-now").click()
    expect(page.locator("#sync-run .said")).to_have_text("Nothing changed.")
    assert shown_by_column(visit) == before


def test_a_change_in_the_pms_appears_after_the_next_run(
    visit: Visit, clinic: SyncedClinic, sandbox: SandboxServer
) -> None:
    clinic.sync()
    page = visit.sign_in()
    row = next(row for row in clinic.truth() if row.appointment_status in ("booked", "confirmed"))
    card = page.locator(f"#card-{clinic.card_of(row).id}")
    expect(card).not_to_have_class(re.compile("gone"))
    found = sandbox.clinic.find_appointment("gentu", row.appointment_id)
    assert found
    sandbox.clinic.cancel(found[0].key, "Patient asked")
    page.locator("#sync-now").click()
    expect(page.locator("#sync-run .said")).to_have_text("Updated: 1 cancelled.")
    expect(card).to_have_class(re.compile(r"\bgone\b"))
    expect(card.locator(".badge")).to_have_text("Cancelled")
    card.get_by_role("button", name="Acknowledge").click()
    expect(card).to_have_count(0)
    visit.assert_clean()


def test_a_card_is_edited_beside_the_sheet_and_focus_returns_to_it(
    visit: Visit, clinic: SyncedClinic
) -> None:
    clinic.sync()
    page = visit.sign_in()
    card_id = clinic.sheet().cards[0].id
    link = page.locator(f"#card-{card_id} h3 a")
    link.click()
    panel = page.get_by_role("dialog")
    expect(panel).to_be_visible()
    field(panel, "Phone").fill("0491 570 156")
    panel.get_by_role("button", name="Save").click()
    expect(panel).to_be_hidden()
    card = page.locator(f"#card-{card_id}")
    expect(card.locator(".tel")).to_have_text("0491 570 156")
    expect(card.locator(".marks")).to_contain_text("Edited: phone (Admin")
    assert page.evaluate("document.activeElement.closest('.card')?.id") == f"card-{card_id}"
    assert page.evaluate(IS_IN_FULL_VIEW)
    expect(page.get_by_role("link", name="Print")).to_be_visible()
    link.click()
    expect(panel.locator("#patient_phone-said")).to_contain_text("Gentu says")
    panel.get_by_role("button", name="PMS value for phone").click()
    expect(panel.locator("#patient_phone-said")).to_have_count(0)
    page.keyboard.press("Escape")
    expect(panel).to_be_hidden()
    expect(card.locator(".marks")).to_have_count(0)
    visit.assert_clean()


def test_two_people_saving_one_card_lose_nothing(
    open_visit: Callable[..., Visit], clinic: SyncedClinic
) -> None:
    clinic.sync()
    card_id = clinic.sheet().cards[0].id
    slow, fast = open_visit(), open_visit()
    for desk in (slow, fast):
        desk.sign_in()
        desk.page.locator(f"#card-{card_id} h3 a").click()
    fast.page.get_by_label("Notes").fill("Interpreter booked")
    fast.page.get_by_role("button", name="Save").click()
    expect(fast.page.get_by_role("dialog")).to_be_hidden()
    slow.page.get_by_label("Notes").fill("Call the daughter first")
    slow.page.get_by_role("button", name="Save").click()
    panel = slow.page.get_by_role("dialog")
    expect(panel.locator(".clash")).to_contain_text("This card changed while you were typing")
    expect(panel.get_by_label("Notes")).to_have_value("Call the daughter first")
    expect(panel.locator("#notes-pms")).to_contain_text("Interpreter booked")
    panel.get_by_role("button", name="Save").click()
    expect(panel).to_be_hidden()
    expect(slow.page.locator(f"#card-{card_id} .card-note")).to_have_text("Call the daughter first")


def test_a_card_by_hand_is_added_and_a_wrong_field_is_explained(visit: Visit, clinic: SyncedClinic) -> None:
    clinic.sync()
    page = visit.sign_in()
    page.get_by_role("link", name="Add card").click()
    panel = page.get_by_role("dialog")
    panel.get_by_label("Start time").fill("09:05")
    panel.get_by_label("Phone").fill("no idea")
    panel.get_by_label("Name", exact=True).fill("Wattle Bird")
    panel.get_by_role("button", name="Add card").click()
    expect(panel.locator("#patient_phone-error")).to_contain_text("Enter a phone number")
    expect(panel.locator(".summary")).to_be_focused()
    expect(panel.get_by_label("Name", exact=True)).to_have_value("Wattle Bird")
    panel.get_by_label("Phone").fill("0491 570 156")
    panel.get_by_role("button", name="Add card").click()
    expect(panel).to_be_hidden()
    card = page.locator(".card", has_text="Wattle Bird")
    expect(card).to_contain_text("Manual")
    expect(page.locator("#column-none .card")).to_have_count(1)


@pytest.mark.parametrize("width", [390, 320])
def test_a_narrow_window_needs_no_sideways_scrolling(
    open_visit: Callable[..., Visit], clinic: SyncedClinic, width: int
) -> None:
    clinic.sync()
    visit = open_visit(viewport={"width": width, "height": 844})
    visit.sign_in()
    for path in ("/", "/decisions", "/integrations", "/integrations/1", "/integrations/1/history"):
        visit.go(path)
        assert visit.overflow() <= 0, path
    visit.assert_clean()


def test_the_sheet_works_without_scripts(open_visit: Callable[..., Visit], clinic: SyncedClinic) -> None:
    clinic.sync()
    visit = open_visit(java_script_enabled=False)
    page = visit.sign_in()
    card_id = clinic.sheet().cards[0].id
    page.locator(f"#card-{card_id} h3 a").click()
    page.get_by_label("Notes").fill("Left a message")
    page.get_by_role("button", name="Save").click()
    page.wait_for_url(re.compile(rf"/sheet/2026-11-23\?told=saved.{card_id}#card-{card_id}$"))
    expect(page.locator(f"#card-{card_id} .card-note")).to_have_text("Left a message")
    page.locator("#sync-now").click()
    page.wait_for_url(re.compile(r"/sheet/2026-11-23"))


def test_a_quiet_poll_is_answered_with_nothing(visit: Visit, clinic: SyncedClinic) -> None:
    clinic.sync()
    page = visit.sign_in()
    for _ in range(5):  # the page may still be catching up with the run that has just ended
        with page.expect_response(re.compile(r"/sheet/2026-11-23\?view=columns&v=")) as answer:
            page.evaluate("document.body.dispatchEvent(new CustomEvent('sheet:changed'))")
        if answer.value.status == 204:
            break
    assert answer.value.status == 204
    assert answer.value.request.headers["x-poll"] == "1"


def test_a_silent_server_is_noticed_and_its_return_too(visit: Visit, clinic: SyncedClinic) -> None:
    clinic.sync()
    visit.page.clock.install()
    page = visit.sign_in()
    page.route(re.compile(r"/sheet/"), lambda route: route.abort())
    page.clock.run_for(70_000)
    expect(page.locator("#veil")).to_be_visible()
    expect(page.locator("#veil")).to_contain_text("No contact with the server since")
    expect(page.locator("#shout")).to_contain_text("No contact")
    page.unroute(re.compile(r"/sheet/"))
    page.clock.run_for(16_000)
    expect(page.locator("#veil")).to_be_hidden()


def test_nothing_of_a_patient_is_in_addresses_titles_or_browser_storage(
    visit: Visit, clinic: SyncedClinic
) -> None:
    clinic.sync()
    page = visit.sign_in()
    name = clinic.sheet().cards[0].patient_name or ""
    page.locator(f"#card-{clinic.sheet().cards[0].id} h3 a").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    family = name.split()[-1]
    assert family not in page.title() + " ".join(visit.asked)
    assert page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}])") == "[{},{}]"
