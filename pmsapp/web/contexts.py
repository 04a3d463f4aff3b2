"""What each template is given: one dataclass per template, made in the view. Templates ask nothing else."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Badge:
    """A state as word, shape (`icon`, a name in static/icons.svg) and colour (`tone`, a meaning)."""

    word: str
    icon: str
    tone: str = ""


@dataclass(frozen=True, slots=True)
class NavItem:
    """A line of the sidebar. `count_words` says aloud what `count` counts ("3 to decide")."""

    key: str
    word: str
    href: str
    icon: str
    count: int = 0
    count_words: str = ""
    urgent: bool = False


@dataclass(frozen=True, slots=True)
class Shell:
    """The frame around a signed-in screen: `layout.html`."""

    active: str
    items: tuple[NavItem, ...]
    badge: Badge
    as_of: str | None = None
    person: str | None = None
    can_sync: bool = False
