"""Every help page there is, by its address, and the search over them. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from pmsapp.domain.codes import CATALOGUE
from pmsapp.web.help.card_badges import CARD_BADGES
from pmsapp.web.help.guides import GUIDES
from pmsapp.web.help.login_codes import LOGIN_CODES
from pmsapp.web.help.reading_codes import READING_CODES
from pmsapp.web.help.server_codes import SERVER_CODES
from pmsapp.web.help.topics import BadgeHelp, CodeHelp, Guide
from pmsapp.web.help.update_badges import UPDATE_BADGES

PMS = "the practice software"
CODES: Mapping[str, CodeHelp] = {entry.code: entry for entry in (*LOGIN_CODES, *READING_CODES, *SERVER_CODES)}
CODE_GROUPS = (
    ("Logins and permissions", LOGIN_CODES),
    ("Updates and what they read", READING_CODES),
    ("The server", SERVER_CODES),
)
ALL_BADGES = (*UPDATE_BADGES, *CARD_BADGES)
GUIDES_BY_SLUG: Mapping[str, Guide] = {guide.slug: guide for guide in GUIDES}
FOUND_AT_MOST = 20

_WORD = re.compile(r"[a-z0-9]+")
# Words that stand in most questions and tell nothing apart.
_COMMON = frozenset(
    _WORD.findall(
        "a an and are at be but can cannot do does for from has have how i in is it me mean means my no not of on or say says so "
        "that the there this to was we what when where which who why with work works you your"
    )
)


@dataclass(frozen=True, slots=True)
class Found:
    """One help page, as the list and the search name it. `mark`: its code, or the badge's word."""

    href: str
    title: str
    about: str
    mark: str = ""


def plain(text: str) -> str:
    """A text without the brackets around the screen's own words."""
    return text.replace("[", "").replace("]", "")


def headline_of(code: str) -> str:
    """What a code says, as the heading of its page."""
    text = CATALOGUE[code].headline.format(pms=PMS)
    return text[:1].upper() + text[1:]


def step_word(code: str) -> str:
    """The words of a code's button."""
    return CATALOGUE[code].step.words.format(pms=PMS)


def slug_of(badge: BadgeHelp) -> str:
    """The last part of a badge's address."""
    return (
        "badge-"
        + "-".join(_WORD.findall(badge.name.lower().replace("'", "")))
        + ("-unsure" if badge.name.endswith("?") else "")
    )


def _by_slug() -> dict[str, tuple[BadgeHelp, ...]]:
    found: dict[str, tuple[BadgeHelp, ...]] = {}
    for badge in ALL_BADGES:
        found[slug_of(badge)] = (*found.get(slug_of(badge), ()), badge)
    return found


BADGES_BY_SLUG: Mapping[str, tuple[BadgeHelp, ...]] = _by_slug()


def badges_with(code: str) -> tuple[tuple[str, BadgeHelp], ...]:
    """The badges behind which a code may stand, with their addresses."""
    return tuple((slug_of(badge), badge) for badge in ALL_BADGES if code in badge.codes)


def search(query: str) -> tuple[Found, ...]:
    """The pages that have every word of the query, else those that have most of them; a code that was named first."""
    asked = _words(query)
    wanted = [word for word in asked if word not in _COMMON] or asked
    if not wanted:
        return ()
    ranked = []
    for number, (page, title, body) in enumerate(_PAGES):
        hits = [3 if _has(title, word) else 1 if _has(body, word) else 0 for word in wanted]
        if any(hits):
            ranked.append((-_named(page, asked), -sum(hit > 0 for hit in hits), -sum(hits), number, page))
    ranked.sort(key=lambda entry: entry[:4])
    most = min((met for _, met, _, _, _ in ranked), default=0)
    return tuple(page for named, met, _, _, page in ranked if named or met == most)[:FOUND_AT_MOST]


def _named(page: Found, asked: list[str]) -> int:
    """How many words of the query name the page's code; 0 unless all of the code is there."""
    parts = _words(page.mark) if page.mark in CODES else []
    return len(parts) if parts and set(parts) <= set(asked) else 0


def _words(text: str) -> list[str]:
    return _WORD.findall(text.lower().replace("'", ""))


def _has(words: frozenset[str], wanted: str) -> bool:
    """Whether one of the words begins with it."""
    return any(word.startswith(wanted) for word in words)


def _code_page(entry: CodeHelp) -> tuple[Found, frozenset[str], frozenset[str]]:
    code = CATALOGUE[entry.code]
    page = Found(f"/help/{entry.code}", headline_of(entry.code), code.advice.format(pms=PMS), entry.code)
    badges = " ".join(badge.name for _, badge in badges_with(entry.code))
    named = _words(f"{entry.code} {page.title} {entry.words} {step_word(entry.code)} {badges}")
    body = _words(" ".join((page.about, entry.cause, entry.effect, entry.by_itself, *entry.steps)))
    return page, frozenset(named), frozenset(body)


def _badge_page(slug: str, badges: tuple[BadgeHelp, ...]) -> tuple[Found, frozenset[str], frozenset[str]]:
    first = badges[0]
    page = Found(f"/help/{slug}", first.name, plain(first.cause), first.badge.word)
    body = " ".join(f"{badge.cause} {badge.effect} {badge.by_itself} {badge.do}" for badge in badges)
    return page, frozenset(_words(first.name)), frozenset(_words(body))


def _guide_page(guide: Guide) -> tuple[Found, frozenset[str], frozenset[str]]:
    page = Found(f"/help/{guide.slug}", guide.title, guide.lead)
    body = " ".join(f"{step.heading} {' '.join(step.lines)}" for step in guide.steps)
    return page, frozenset(_words(guide.title)), frozenset(_words(body))


_PAGES = (
    *map(_code_page, CODES.values()),
    *(_badge_page(slug, badges) for slug, badges in BADGES_BY_SLUG.items()),
    *map(_guide_page, GUIDES),
)
