"""What the help pages are drawn from."""

from __future__ import annotations

from dataclasses import dataclass

from pmsapp.web.help.index import Found
from pmsapp.web.ui.page_contexts import Badge

Text = tuple[tuple[str, bool], ...]
"""A sentence in pieces; True where a piece is a screen's own word."""


@dataclass(frozen=True, slots=True)
class BadgeLink:
    """A badge and the page that explains it."""

    href: str
    badge: Badge
    name: str


@dataclass(frozen=True, slots=True)
class HelpPage:
    """`help/index.html`. `found` is None until somebody searched."""

    guides: tuple[Found, ...]
    codes: tuple[tuple[str, tuple[Found, ...]], ...]
    badges: tuple[tuple[str, tuple[BadgeLink, ...]], ...]
    query: str = ""
    found: tuple[Found, ...] | None = None


@dataclass(frozen=True, slots=True)
class YourPart:
    """What the reader has to do. `lead` says whose turn it is; `steps` are theirs, or what is passed on."""

    heading: str
    lead: str
    steps: tuple[Text, ...] = ()
    steps_word: str = ""
    minutes: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """Where the code is true at this moment, with the way on, if the reader may take it."""

    name: str
    href: str | None
    word: str | None


@dataclass(frozen=True, slots=True)
class CodePage:
    """`help/code.html`. `menus`: the practice software, and where in its menus the step is done."""

    code: str
    headline: str
    advice: str
    facts: tuple[tuple[str, Text], ...]
    part: YourPart
    meanwhile: Text
    menus: tuple[tuple[str, str], ...]
    places: tuple[Place, ...]
    badges: tuple[BadgeLink, ...]


@dataclass(frozen=True, slots=True)
class BadgeMeaning:
    """What a badge says in one place."""

    badge: Badge
    where: str
    facts: tuple[tuple[str, Text], ...]
    codes: tuple[Found, ...]


@dataclass(frozen=True, slots=True)
class BadgePage:
    """`help/badge.html`."""

    name: str
    meanings: tuple[BadgeMeaning, ...]


@dataclass(frozen=True, slots=True)
class GuidePart:
    """A part of a guide."""

    heading: str
    lines: tuple[Text, ...]
    picture: str
    picture_says: str


@dataclass(frozen=True, slots=True)
class GuidePage:
    """`help/guide.html`."""

    title: str
    lead: str
    parts: tuple[GuidePart, ...]
