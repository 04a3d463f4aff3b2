"""Writes docs/guide-reception.md and docs/guide-manager.md: the guides of the app's help, for reading without the app."""

from __future__ import annotations

import re
from pathlib import Path

from pmsapp.web.help.guides import GUIDES
from pmsapp.web.help.topics import Guide

ROOT = Path(__file__).resolve().parent.parent
_MARKED = re.compile(r"\[([^\]]*)\]")


def page_of(guide: Guide) -> Path:
    """The file a guide is written to."""
    return ROOT / "docs" / f"{guide.slug}.md"


def render(guide: Guide) -> str:
    """The guide; what a screen says stands in bold."""
    parts = [f"# {guide.title}\n\n{guide.lead}\n\nThe same stands in the app under **Help**, to print.\n"]
    for step in guide.steps:
        lines = "\n".join("- " + _MARKED.sub(r"**\1**", line) for line in step.lines)
        picture = f"\n\n![{step.picture_says}](../static/help/{step.picture})" if step.picture else ""
        parts.append(f"\n## {step.heading}\n\n{lines}{picture}\n")
    return "".join(parts)


if __name__ == "__main__":
    for written in GUIDES:
        page_of(written).write_text(render(written), encoding="utf-8")
