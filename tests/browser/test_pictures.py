"""The pictures of the documentation, made from the pages themselves: `make pictures` writes them into docs/images."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select, update

from pmsapp.domain.actor import Actor
from pmsapp.domain.appointment import Presence
from pmsapp.domain.runsheet import Card
from pmsapp.models import RunSheetAppointment
from pmsapp.services.base.transaction import writing
from pmsapp.services.editing import hand_over, overrides, patient_checks, steps
from tests.browser.conftest import Visit
from tests.support.clock import FrozenClock
from tests.support.synced_clinic import SyncedClinic

pytestmark = pytest.mark.browser

WHERE = "PMS_PICTURES"  # a folder; without it the pictures are made and thrown away
WHERE_HELP = "PMS_HELP_PICTURES"  # the same for the parts of a page that the guides of the help show
MEL = Actor("user", "Mel", None, "reception")
SAM = Actor("user", "Sam", None, "reception")
WIDE, PHONE = {"width": 1280, "height": 800}, {"width": 390, "height": 780}
GUIDE = {"width": 1000, "height": 700}
LARGEST_BYTES = 250_000


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(os.environ.get(WHERE) or tmp_path)


def worked_on(clinic: SyncedClinic, frozen_clock: FrozenClock) -> list[Card]:
    """A Monday morning as reception has it at half past nine. Returns the cards somebody may call."""
    clinic.sync()
    free = [
        card
        for card in clinic.sheet().cards
        if card.presence is Presence.ON_SHEET
        and card.appointment_status in ("booked", "confirmed")
        and (card.patient_name or "").isascii()
    ]
    for number, card in enumerate(free[:7]):
        for _ in range(min(number, 5)):
            step = steps.advance(card.id, MEL, expected=_state(clinic, card))
            assert step.card.id == card.id
            frozen_clock.advance(minutes=1)
    steps.record_attempt(free[7].id, "no_answer", SAM)
    steps.record_attempt(free[7].id, "no_answer", MEL)
    patient_checks.check_identity(free[3].id, ["name", "birth_date", "address"], MEL)
    overrides.edit_card(
        free[8].id, {"patient_phone": "0491 570 156", "notes": "Ring twice, hard of hearing"}, MEL
    )
    patient_checks.claim(free[9].id, SAM)
    frozen_clock.advance(minutes=12)
    clinic.sync()
    plain()
    return free


def plain() -> None:
    """Only plain names and no notes of made-up illnesses: a picture is looked at without an explanation."""
    given, family = (
        ("Wren", "Jasper", "Mabel", "Otto", "Ida"),
        ("Banksia", "Correa", "Hovea", "Kangara", "Melaleuca"),
    )
    with writing() as session:
        session.execute(update(RunSheetAppointment).values(pms_notes=None, is_telehealth=True))
        for row in session.scalars(select(RunSheetAppointment).order_by(RunSheetAppointment.id)):
            if not re.fullmatch("[A-Z][a-z]+ [A-Z][a-z]+", row.patient_name or ""):
                row.patient_name = f"{given[row.id % 5]} {family[row.id // 5 % 5]}"


def _state(clinic: SyncedClinic, card: Card) -> str:
    return next(other.state for other in clinic.sheet().cards if other.id == card.id)


def take(page: Page, file: Path, *, of: str = "") -> None:
    """A picture of the window, or of one part of the page."""
    page.mouse.move(0, 0)
    page.evaluate("document.fonts.ready")
    if of:
        page.locator(of).first.screenshot(path=str(file), animations="disabled")
    else:
        page.screenshot(path=str(file), animations="disabled")
    assert file.read_bytes().startswith(b"\x89PNG")
    assert file.stat().st_size < LARGEST_BYTES


def test_the_pictures_of_the_documentation_show_the_pages_as_they_are(
    open_visit: Callable[..., Visit], clinic: SyncedClinic, frozen_clock: FrozenClock, folder: Path
) -> None:
    cards = worked_on(clinic, frozen_clock)
    visit = open_visit(viewport=WIDE)
    page = visit.sign_in()
    take(page, folder / "run-sheet.png")
    page.locator("[data-hide-details]").click()
    expect(page.locator("body")).to_have_attribute("data-privacy", "on")
    take(page, folder / "run-sheet-privacy.png")
    page.locator("[data-hide-details]").click()
    page.locator(f"[data-card='{cards[8].id}'] [data-act=open]").click()
    expect(page.locator("dialog#panel")).to_be_visible()
    take(page, folder / "card.png")
    visit.go("/sheet/2026-11-23?view=columns")
    take(page, folder / "run-sheet-columns.png")
    visit.go("/sheet/2026-11-23/print")
    take(page, folder / "print.png", of=".sheet-paper")
    visit.go("/integrations")
    take(page, folder / "integrations.png", of="main")
    _evening(clinic, frozen_clock, cards)
    visit = open_visit(viewport=WIDE)
    visit.sign_in()
    take(visit.go("/sheet/2026-11-23/hand-over"), folder / "hand-over.png")
    for name, more in (
        ("run-sheet-phone.png", {"viewport": PHONE}),
        ("run-sheet-dark.png", {"viewport": WIDE, "color_scheme": "dark"}),
    ):
        other = open_visit(**more)
        take(other.sign_in(), folder / name)
        assert other.overflow() <= 0
        other.assert_clean()


def _evening(clinic: SyncedClinic, frozen_clock: FrozenClock, cards: list[Card]) -> None:
    """The afternoon's last half hour: most are done, and somebody writes for tomorrow."""
    frozen_clock.advance(hours=4)
    overrides.edit_card(cards[10].id, {"patient_phone": "0491 570 157"}, MEL)
    assert hand_over.closing_of(clinic.today).closed_at is None
    clinic.sync()
    plain()
    for card in clinic.sheet().cards[4:]:
        if card.presence is Presence.ON_SHEET and card.state in ("booked", "contacted", "waiting"):
            steps.advance(card.id, MEL, expected=card.state, to="done")


def test_the_pictures_of_the_guides_show_the_parts_they_speak_of(
    open_visit: Callable[..., Visit], clinic: SyncedClinic, frozen_clock: FrozenClock, tmp_path: Path
) -> None:
    folder = Path(os.environ.get(WHERE_HELP) or tmp_path)
    worked_on(clinic, frozen_clock)
    visit = open_visit(viewport=GUIDE)
    page = visit.sign_in()
    page.mouse.move(0, 0)
    page.evaluate("document.fonts.ready")
    box = page.locator("main").bounding_box()
    assert box is not None
    page.screenshot(
        path=str(folder / "work-list.png"),
        animations="disabled",
        clip={"x": box["x"], "y": 0, "width": box["width"], "height": 350},
    )
    take(page, folder / "sidebar.png", of=".sync-panel")
    take(visit.go("/integrations"), folder / "connection.png", of="article.connection")
    assert all(file.stat().st_size < 90_000 for file in folder.glob("*.png"))
