"""axe-core on a page: what it finds against WCAG 2.2 AA, told without a word of what the page shows."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

FOLDER = Path(__file__).parent / "axe"
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
COLOURS = ["color-contrast"]  # all that changes between light and dark
# All that changes with the width of the window.
WIDTH_RULES = ["target-size", "scrollable-region-focusable", "button-name", "link-name", "label"]
# A day has hundreds of lines made by one template: those behind the first of each list are left out.
ALIKE = "[data-clinician] [data-card]:nth-of-type(n+4), .column [data-card]:nth-of-type(n+4)"

_RUN = r"""async ([runOnly, inside, alike]) => {
  for (let frame = 0; frame < 2; frame += 1) await new Promise((done) => requestAnimationFrame(done));
  document.getAnimations().forEach((running) => { if (running instanceof CSSTransition) running.finish(); });
  const part = {include: [[inside || "html"]], exclude: inside || !document.querySelector(alike) ? [] : [[alike]]};
  const found = await axe.run(part, {runOnly, rules: {"target-size": {enabled: runOnly.type === "tag"}}, resultTypes: ["violations"], preload: false});
  return found.violations.flatMap((rule) => rule.nodes.map((node) => {
    const data = node.any.map((check) => check.data).find((value) => value && value.contrastRatio);
    const box = node.any.map((check) => check.data).find((value) => value && value.width && value.minSize);
    const ratio = data ? ` (${data.contrastRatio}: ${data.fgColor} on ${data.bgColor})` :
      box ? ` (${box.width} x ${box.height})` : "";
    return `${rule.id} at ${node.target.join(" ").replace(/=("[^"]*"|[^\]]*)\]/g, "]")}${ratio}`;
  }));
}"""
# Whatever stands out of the window to the right, unless a part around it scrolls by itself.
_WIDER = """() => {
  const page = document.documentElement, over = page.scrollWidth - page.clientWidth;
  if (over <= 0) return [];
  const wide = [...document.body.querySelectorAll("*")].filter((node) =>
    node.getBoundingClientRect().right > page.clientWidth + 1 && !node.closest(".table-scroll *, dialog:not([open]) *"));
  return [`${over} px wider than the window: ` + wide.slice(-3).map((node) =>
    node.tagName.toLowerCase() + (node.className && node.className.baseVal === undefined ? "." + node.className : "")).join(", ")];
}"""


def digest() -> str:
    """The SHA-256 of the file that is run."""
    return hashlib.sha256((FOLDER / "axe.min.js").read_bytes()).hexdigest()


@cache
def _source() -> str:
    return (FOLDER / "axe.min.js").read_text(encoding="utf-8")


def violations(page: Page, *, rules: list[str] | None = None, inside: str | None = None) -> list[str]:
    """What axe finds on the page, or in one part of it, as rule and selector."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(_source())
    run_only: dict[str, Any] = {"type": "rule", "values": rules} if rules else {"type": "tag", "values": TAGS}
    found: list[str] = page.evaluate(_RUN, [run_only, inside, ALIKE])
    return found


def wider_than_the_window(page: Page) -> list[str]:
    """By how much the page scrolls sideways and because of what; empty when it does not."""
    found: list[str] = page.evaluate(_WIDER)
    return found
