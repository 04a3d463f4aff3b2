"""The run sheet on paper, as the browser prints it: one clinician per page, nothing cut off, nothing out of date unsaid."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from pypdfium2 import PdfDocument

from pmsapp.domain.runsheet import Sheet
from tests.browser.conftest import Visit
from tests.support.clock import FrozenClock
from tests.support.synced_clinic import SyncedClinic

pytestmark = pytest.mark.browser


def pages_of(page: Page, file: Path) -> list[str]:
    """The text of each printed page."""
    page.pdf(path=str(file), prefer_css_page_size=True)
    with PdfDocument(file) as document:
        return [sheet.get_textpage().get_text_range() for sheet in document]


def latin_names(sheet: Sheet) -> list[str]:
    """Last words of the patients' names, as far as this machine has letters for them."""
    return [
        card.patient_name.split()[-1]
        for card in sheet.cards
        if (card.patient_name or "?").isascii() and card.patient_name
    ]


def missing_from(printed: list[str], sheet: Sheet) -> list[str]:
    """The names that stand on no page, by their letters: a long one may go on, after a hyphen, in its next line."""
    whole = letters_of("".join(printed))
    return [name for name in latin_names(sheet) if letters_of(name) not in whole]


def letters_of(text: str) -> str:
    return "".join(filter(str.isalpha, text))


def test_every_clinician_has_pages_of_their_own_with_the_whole_head(
    visit: Visit, clinic: SyncedClinic, tmp_path: Path
) -> None:
    clinic.sync()
    visit.sign_in()
    page = visit.go("/")
    page.locator("[data-print]").click()
    page.wait_for_url(re.compile(r"/sheet/2026-11-23/print$"))
    printed = pages_of(page, tmp_path / "all.pdf")
    sheet = clinic.sheet()
    heads = [column.name for column in sheet.columns]
    assert len(printed) >= len(heads)
    for number, text in enumerate(printed, start=1):
        assert "Banksia Street" in text
        assert "Monday 23 November 2026" in text
        assert f"Page {number} of {len(printed)}" in text
        assert "Printed by" in text
        assert sum(head in text for head in heads) == 1
        assert "Shred" in text
    assert not missing_from(printed, sheet)
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 703, "height": 1000})  # A4 without its margins
    beyond = "papers => papers.map(paper => paper.scrollWidth - paper.clientWidth)"
    assert max(page.locator(".sheet-paper").evaluate_all(beyond)) <= 0
    visit.assert_clean()


def test_one_clinician_alone_and_initials_alone(visit: Visit, clinic: SyncedClinic, tmp_path: Path) -> None:
    clinic.sync()
    visit.sign_in()
    column = next(column for column in clinic.sheet().columns if column.cards)
    others = [other.name for other in clinic.sheet().columns if other.id != column.id]
    page = visit.go("/sheet/2026-11-23/print")
    page.get_by_label("Clinician").select_option(label=column.name)
    page.get_by_label("Initials only").check()
    page.get_by_role("button", name="Show").click()
    page.wait_for_url(re.compile("initials=1"))
    text = " ".join(pages_of(page, tmp_path / "one.pdf"))
    assert column.name in text
    assert not any(name in text for name in others)
    for card in column.cards:
        for part in (card.patient_name or "").split():
            assert not re.search(rf"\b{re.escape(part)}\b", text), "a name was printed"
        assert (card.patient_phone or "no phone")[-6:] not in text.replace(" ", "")
    visit.assert_clean()


def test_old_data_prints_its_frame_and_its_age(
    visit: Visit, clinic: SyncedClinic, frozen_clock: FrozenClock, tmp_path: Path
) -> None:
    clinic.sync()
    frozen_clock.advance(hours=2)
    visit.sign_in()
    page = visit.go("/sheet/2026-11-23/print")
    expect(page.locator(".sheet-paper.old").first).to_be_visible()
    for text in pages_of(page, tmp_path / "old.pdf"):
        assert "OUT OF DATE: data as of 09:00" in text
        assert "2 h old when this was made" in text
    page.emulate_media(media="print")
    assert (
        page.locator(".sheet-paper.old table").first.evaluate("node => getComputedStyle(node).borderTopStyle")
        == "dashed"
    )


def test_the_browsers_own_print_command_prints_the_list_too(
    visit: Visit, clinic: SyncedClinic, tmp_path: Path
) -> None:
    clinic.sync()
    visit.sign_in()
    page = visit.go("/?view=list")
    printed = pages_of(page, tmp_path / "list.pdf")
    whole = " ".join(printed)
    assert all("run sheet of Monday 23 November 2026" in text for text in printed[:1])
    assert not missing_from(printed, clinic.sheet())
    assert "Sign out" not in whole
