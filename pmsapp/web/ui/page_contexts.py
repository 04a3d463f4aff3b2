"""What the frame and the shared parts are given. One dataclass per template, made in the view; templates ask nothing else."""

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
class RunProgress:
    """A run under way. `total` is None until it is known; `lists` are the lists read so far ("Dr Hart 12")."""

    stage: str
    done: int
    total: int | None
    lists: tuple[str, ...]
    started: str


@dataclass(frozen=True, slots=True)
class SyncButton:
    """`components/_sync_run.html`: the Sync now button and what became of pressing it.

    `poll_href` is set while something is under way; `said` is the final sentence. `day`: which one is read, None for
    today and the days ahead.
    """

    can_sync: bool
    progress: tuple[RunProgress, ...] = ()
    poll_href: str | None = None
    said: str | None = None
    day: str | None = None


@dataclass(frozen=True, slots=True)
class Shell:
    """The frame around a signed-in screen: `layout.html`.

    `reason`: why not all is well, with where it leads. `user_id`, `lock_after_s`, `hide_after_s`: whose
    page it is and when it locks and hides details by itself; `is_delicate`: it wants a password given lately.
    `shortcuts`: this person has switched the keys of the run sheet on.
    `polls`: the page has no poll of its own, so the badge asks.
    """

    active: str
    items: tuple[NavItem, ...]
    badge: Badge
    as_of: str | None = None
    person: str | None = None
    user_id: int | None = None
    lock_after_s: int = 0
    hide_after_s: int = 0
    is_delicate: bool = False
    shortcuts: bool = False
    can_sync: bool = False
    can_configure: bool = False
    can_add: bool = False
    is_training: bool = False
    sync: SyncButton = SyncButton(can_sync=True)
    reason: str | None = None
    reason_href: str | None = None
    polls: bool = True


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that changes what staff should trust: what happened, what now, and at most one way on."""

    headline: str
    detail: str = ""
    tone: str = "warn"
    icon: str = "warn"
    code: str | None = None
    href: str | None = None
    action: str | None = None


@dataclass(frozen=True, slots=True)
class FormField:
    """One field of the card's form. `pms` is what the practice software says where it differs from `value`.

    `shown` is the value in words, as it is read before it is edited; `is_open`: it is being edited.
    """

    name: str
    label: str
    value: str
    pms: str | None = None
    pms_note: str | None = None
    error: str | None = None
    theirs: str | None = None
    shown: str = ""
    is_open: bool = False


@dataclass(frozen=True, slots=True)
class Option:
    """One choice of a select or a set of radios."""

    value: str
    word: str
    chosen: bool = False
