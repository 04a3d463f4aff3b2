"""Help pages in the reader's role. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from pmsapp.adapters.registry import list_infos
from pmsapp.domain.codes import CATALOGUE
from pmsapp.domain.roles import ADMIN, RECEPTION
from pmsapp.web.help import index
from pmsapp.web.help.contexts import (
    BadgeLink,
    BadgeMeaning,
    BadgePage,
    CodePage,
    GuidePage,
    GuidePart,
    HelpPage,
    Place,
    Text,
    YourPart,
)
from pmsapp.web.help.index import Found
from pmsapp.web.help.topics import MEANWHILE, BadgeHelp, CodeHelp, Doer, Group, Guide
from pmsapp.web.ui import formatting as fmt

_MARKED = re.compile(r"\[([^\]]*)\]")
_MAY = {
    ADMIN: frozenset({Doer.ADMIN, Doer.DESK}),
    RECEPTION: frozenset({Doer.DESK}),
}


def text(sentence: str) -> Text:
    """A sentence in pieces: what stands in brackets is a screen's own word."""
    pieces = _MARKED.split(sentence)
    return tuple((piece, number % 2 == 1) for number, piece in enumerate(pieces) if piece)


def build_index(role: str, query: str | None = None) -> HelpPage:
    """Every help page by subject, and what a search found. The guide of the reader's role comes first."""
    guides = sorted(index.GUIDES_BY_SLUG.values(), key=lambda guide: guide.role != role)
    return HelpPage(
        guides=tuple(Found(f"/help/{guide.slug}", guide.title, guide.lead) for guide in guides),
        codes=tuple(
            (title, tuple(_code_line(entry.code) for entry in entries))
            for title, entries in index.CODE_GROUPS
        ),
        badges=tuple((group.value, _badges_of(group)) for group in Group),
        query=query or "",
        found=None if query is None else index.search(query),
    )


def build_code(
    entry: CodeHelp, role: str, *, places: Sequence[Place] = (), connected: Collection[str] = ()
) -> CodePage:
    """The page of one code. `connected`: the kinds of practice software this clinic has; all when it has none."""
    return CodePage(
        code=entry.code,
        headline=index.headline_of(entry.code),
        advice=CATALOGUE[entry.code].advice.format(pms=index.PMS),
        facts=(
            ("Why", text(entry.cause)),
            ("On the run sheet", text(entry.effect)),
            ("By itself", text(entry.by_itself)),
            ("Who acts", text(entry.doer.value)),
        ),
        part=_part(entry, role),
        meanwhile=text(MEANWHILE[entry.sheet][role]),
        menus=_menus(entry, connected),
        places=tuple(places),
        badges=tuple(
            BadgeLink(f"/help/{slug}", badge.badge, badge.name)
            for slug, badge in index.badges_with(entry.code)
        ),
    )


def build_badge(badges: Sequence[BadgeHelp]) -> BadgePage:
    """The page of one badge: its meaning in each place where it is seen."""
    return BadgePage(badges[0].name, tuple(_meaning(badge) for badge in badges))


def build_guide(guide: Guide) -> GuidePage:
    """The page of one guide."""
    return GuidePage(
        guide.title,
        guide.lead,
        tuple(
            GuidePart(step.heading, tuple(map(text, step.lines)), step.picture, step.picture_says)
            for step in guide.steps
        ),
    )


def _code_line(code: str) -> Found:
    return Found(f"/help/{code}", index.headline_of(code), CATALOGUE[code].advice.format(pms=index.PMS), code)


def _badges_of(group: Group) -> tuple[BadgeLink, ...]:
    return tuple(
        BadgeLink(f"/help/{index.slug_of(badge)}", badge.badge, badge.name)
        for badge in index.ALL_BADGES
        if badge.group is group
    )


def _meaning(badge: BadgeHelp) -> BadgeMeaning:
    return BadgeMeaning(
        badge.badge,
        badge.group.value,
        (
            ("Why", text(badge.cause)),
            ("On the run sheet", text(badge.effect)),
            ("By itself", text(badge.by_itself)),
            ("What you do", text(badge.do)),
        ),
        tuple(_code_line(code) for code in badge.codes),
    )


def _part(entry: CodeHelp, role: str) -> YourPart:
    """What the reader does: the steps, what to pass on, or whom to tell."""
    steps = tuple(text(step.format(step=index.step_word(entry.code))) for step in entry.steps)
    minutes = f"About {fmt.plural(entry.minutes, 'minute')}." if entry.minutes else ""
    if entry.doer is Doer.NOBODY:
        return YourPart("Nothing for you to do", "It passes by itself.")
    if entry.doer in _MAY.get(role, ()):
        return YourPart("What you do", "", steps, "", minutes)
    doer = entry.doer.value
    if role == ADMIN:
        return YourPart(
            "What you pass on", f"Whose turn it is: {doer[:1].lower()}{doer[1:]}.", steps, "", minutes
        )
    if role == RECEPTION:
        lead = f"Tell an administrator of pmsapp the code {entry.code}. The rest is not yours to do."
        return YourPart("Tell an administrator", lead, steps, "What happens then", minutes)
    lead = f"Tell reception the code {entry.code}, if they do not know yet. The rest is not yours to do."
    return YourPart("Tell reception", lead, steps, "What happens then", minutes)


def _menus(entry: CodeHelp, connected: Collection[str]) -> tuple[tuple[str, str], ...]:
    """For each practice software the first of the topics that it has a menu for."""
    found = []
    for info in list_infos():
        path = next((info.menu_paths[topic] for topic in entry.menu if topic in info.menu_paths), None)
        if path and (not connected or info.slug in connected):
            found.append((info.label, f"{path[:1].upper()}{path[1:]}".removesuffix(".") + "."))
    return tuple(found)
