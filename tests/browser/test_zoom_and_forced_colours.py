"""At a zoom of 200 % and in forced colours nothing is lost: every control and word, the focus, what is marked or chosen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visit
from tests.browser.inspection import WIDE, Day, desks_of, eventful_day
from tests.browser.panel import open_panel
from tests.support import accessibility
from tests.support.synced_clinic import SyncedClinic

pytestmark = [pytest.mark.browser, pytest.mark.slow]

ZOOMED = {"width": 720, "height": 450}  # 1440 x 900 at 200 %
LIST, COLUMNS = "/sheet/2026-11-23?view=list&filter=all", "/sheet/2026-11-23?view=columns"
PAGES = (
    ("reception", LIST),
    ("reception", COLUMNS),
    ("reception", "/cards/{conflict}"),
    ("reception", "/decisions"),
    ("reception", "/sheet/2026-11-23/hand-over"),
    ("reception", "/sheet/2026-11-23/print"),
    ("admin", "/integrations/1"),
    ("admin", "/integrations/1/types"),
    ("admin", "/settings/clinic"),
    ("admin", "/settings/people"),
)
# What can be pressed or typed into on the page, by its name.
CONTROLS = """() => [...document.querySelectorAll("a[href], button, input, select, textarea, summary")]
  .filter((node) => node.checkVisibility({visibilityProperty: true, opacityProperty: true}) && node.getClientRects().length)
  .map((node) => node.id || node.getAttribute("href") || `${node.name || node.tagName} ${node.value || node.innerText}`)"""
WORDS = r"""() => [...new Set(document.querySelector("main").innerText.split(/\s+/))]"""
# Each control gets the focus, down the page and up again: where it stands then, something of it must be seen.
COVERED = """() => {
  const all = [...document.querySelectorAll("main :is(a[href], button, input:not([type=hidden]), select, textarea, summary)")]
    .filter((node) => node.checkVisibility({visibilityProperty: true}) && !node.closest("dialog:not([open])") && !node.disabled);
  const isSeen = (node) => {
    const box = node.getBoundingClientRect();
    for (const x of [0.1, 0.5, 0.9]) for (const y of [0.1, 0.5, 0.9]) {
      const top = document.elementFromPoint(box.left + box.width * x, box.top + box.height * y);
      if (top && (node.contains(top) || top.contains(node) && !top.matches("main, .work-list, body, html"))) return true;
      if (top && top.closest("label") && top.closest("label").contains(node)) return true;
    }
    return false;
  };
  const covered = [];
  for (const node of [...all, ...all.toReversed()]) {
    node.focus();
    if (document.activeElement === node && !isSeen(node)) covered.push(node.id || node.outerHTML.slice(0, 90));
  }
  return [...new Set(covered)];
}"""
# Each control whose look does not change when it has the focus.
RINGLESS = """() => {
  const look = (node) => [null, "::after"].map((part) => {
    const style = getComputedStyle(node, part);
    return `${style.outlineStyle} ${style.outlineWidth} ${style.outlineColor} ${style.outlineOffset}`;
  }).join();
  const around = (node) => [node, node.parentElement, node.closest(".vendor")].filter(Boolean).map(look).join();
  const all = [...document.querySelectorAll("a[href], button, input:not([type=hidden]), select, textarea, summary")]
    .filter((node) => node.checkVisibility({visibilityProperty: true}) && !node.closest("dialog:not([open])") && !node.disabled);
  return [...new Set(all.filter((node) => {
    document.activeElement.blur();
    const before = around(node);
    node.focus();
    return document.activeElement === node && around(node) === before;
  }).map((node) => node.id || node.outerHTML.slice(0, 90)))];
}"""
WORDLESS = """() => [...document.querySelectorAll(".badge, .mark, .count, .chip, .tele")]
  .filter((node) => node.checkVisibility() && !node.innerText.trim()).map((node) => node.outerHTML.slice(0, 90))"""
# The colour of the bar at the left of each line, by whether the line is marked.
BARS = """() => {
  const bars = {true: new Set(), false: new Set()};
  for (const line of document.querySelectorAll(".line")) {
    bars[line.matches(".hand, .warn, .wait, .stop, .news")].add(getComputedStyle(line.firstElementChild).borderLeftColor);
  }
  return [[...bars[true]], [...bars[false]]];
}"""
CHOSEN = """() => [".nav a", ".filters a", ".views button"].map((kind) => {
  const looks = (chosen) => new Set([...document.querySelectorAll(kind)]
    .filter((node) => (node.matches("[aria-current], [aria-pressed=true]")) === chosen)
    .map((node) => { const style = getComputedStyle(node); return `${style.outlineStyle} ${style.outlineColor}`; }));
  return [kind, [...looks(true)], [...looks(false)]];
})"""


@pytest.fixture
def day(clinic: SyncedClinic) -> Day:
    return eventful_day(clinic)


def by_keyboard(page: Page) -> None:
    """From here on the browser shows where the focus is."""
    page.keyboard.press("Tab")


def test_at_a_zoom_of_200_percent_nothing_is_lost_and_the_focus_is_never_covered(
    open_visit: Callable[..., Visit], day: Day
) -> None:
    desks = desks_of(open_visit)
    faults: list[str] = []
    for role, template in PAGES:
        path = template.format(**day.names)
        page = desks(role).go(path)
        controls, words = set(page.evaluate(CONTROLS)), set(page.evaluate(WORDS))
        page.set_viewport_size({**ZOOMED})
        faults += [f"{path}: {fault}" for fault in accessibility.wider_than_the_window(page)]
        faults += [f"{path}: lost {name}" for name in sorted(controls - set(page.evaluate(CONTROLS)))]
        faults += [f"{path}: lost the word {word}" for word in sorted(words - set(page.evaluate(WORDS)))]
        by_keyboard(page)
        faults += [f"{path}: covered {name}" for name in page.evaluate(COVERED)]
        page.set_viewport_size({**WIDE})
    assert not faults, "\n" + "\n".join(faults)


def test_every_control_shows_that_it_has_the_focus(open_visit: Callable[..., Visit], day: Day) -> None:
    faults: list[str] = []
    schemes: tuple[dict[str, Any], ...] = ({}, {"forced_colors": "active"})
    for scheme in schemes:
        desks = desks_of(open_visit, **scheme)
        for role, template in PAGES:
            path = template.format(**day.names)
            page = desks(role).go(path)
            by_keyboard(page)
            faults += [f"{path} {scheme}: no ring on {name}" for name in page.evaluate(RINGLESS)]
    assert not faults, "\n" + "\n".join(faults)


def test_in_forced_colours_marks_and_choices_are_told_apart_without_a_colour(
    open_visit: Callable[..., Visit], day: Day
) -> None:
    desks = desks_of(open_visit, forced_colors="active")
    for role, template in PAGES:
        page = desks(role).go(template.format(**day.names))
        assert page.evaluate("matchMedia('(forced-colors: active)').matches")
        assert page.evaluate(WORDLESS) == []
    page = desks("reception").go(LIST)
    marked, plain = page.evaluate(BARS)
    assert marked
    assert plain
    assert not set(marked) & set(plain)
    for kind, chosen, others in page.evaluate(CHOSEN):
        assert chosen, kind
        assert others, kind
        assert not set(chosen) & set(others), kind
    hide = page.locator("[data-hide-details]")
    before = hide.evaluate("(node) => getComputedStyle(node).outlineStyle")
    hide.click()
    page.locator("h1").focus()
    assert hide.evaluate("(node) => getComputedStyle(node).outlineStyle") != before
    hide.click()
    open_panel(page, day["conflict"])
    assert page.evaluate(WORDLESS) == []
    expect(page.locator("dialog#panel .badge").first).to_be_visible()
    page = desks("admin").go("/integrations/1/types")
    switches = page.locator("input.switch")
    knob = "(node) => getComputedStyle(node, '::after').backgroundColor"
    track = "(node) => getComputedStyle(node).backgroundColor"
    for number in range(switches.count()):
        assert switches.nth(number).evaluate(knob) != switches.nth(number).evaluate(track)
