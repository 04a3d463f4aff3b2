"""The card's panel as a person uses it."""

from __future__ import annotations

from playwright.sync_api import Locator, Page, expect


def open_panel(page: Page, card_id: int) -> Locator:
    """Open a card beside its sheet."""
    page.locator(f"#card-{card_id} [data-act=open]").first.click()
    panel = page.locator("dialog#panel")
    expect(panel).to_be_visible()
    return panel


def field(panel: Locator, name: str) -> Locator:
    """The input of a detail ("Phone"), after its pencil was pressed."""
    panel.get_by_title(f"Edit {name.lower()}").click()
    return panel.get_by_label(name, exact=True)
