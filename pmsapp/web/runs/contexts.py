"""What the pages of runs are drawn from."""

from __future__ import annotations

from dataclasses import dataclass

from pmsapp.web.ui.page_contexts import Badge, Option, RunProgress


@dataclass(frozen=True, slots=True)
class LastRun:
    """What the latest finished run came to."""

    badge: Badge
    at: str
    said: str


@dataclass(frozen=True, slots=True)
class RunRow:
    """One run: when, by whom, how it ended."""

    id: int
    started: str
    took: str
    by: str
    badge: Badge
    said: str


@dataclass(frozen=True, slots=True)
class HistoryRow:
    """One line of the history. `kind`: run, folded, gap or set-up; `runs` are the folded ones, (address, time)."""

    kind: str
    at: str
    said: str
    badge: Badge
    href: str | None = None
    took: str = ""
    by: str = ""
    days: str = ""
    code: str | None = None
    runs: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class MonthBar:
    """One rectangle of the picture; `tone` is a class, `title` says it in words."""

    x: float
    y: float
    width: float
    height: float
    tone: str
    title: str


@dataclass(frozen=True, slots=True)
class MonthBand:
    """One of the three drawings under one another: what it shows, its bars, and the same in a sentence."""

    title: str
    words: str
    bars: tuple[MonthBar, ...]
    height: int


@dataclass(frozen=True, slots=True)
class MonthDay:
    """One day of the picture as a line of a table."""

    day: str
    updates: str
    took: str
    age: str


@dataclass(frozen=True, slots=True)
class Month:
    """The last thirty days. `key`: (tone, word) of what was drawn."""

    bands: tuple[MonthBand, ...]
    days: tuple[MonthDay, ...]
    key: tuple[tuple[str, str], ...]
    begins: str
    ends: str
    width: int


@dataclass(frozen=True, slots=True)
class HistoryPage:
    """`integrations/history.html`."""

    id: int
    name: str
    current: RunProgress | None
    rows: tuple[HistoryRow, ...]
    next_href: str | None
    csv_href: str
    first_href: str | None
    is_filtered: bool
    connections: tuple[Option, ...]
    outcomes: tuple[Option, ...]
    triggers: tuple[Option, ...]
    periods: tuple[Option, ...]
    month: Month | None


@dataclass(frozen=True, slots=True)
class ScopeRow:
    """One list of a run: whose, which day, how it was read, what it held. `numbers` as the page's heads name them."""

    name: str
    day: str
    badge: Badge
    numbers: tuple[tuple[str, str], ...]
    code: str | None
    match: str


@dataclass(frozen=True, slots=True)
class ErrorRow:
    """What went wrong under one code: in words, whose lists, what to do, and where that is explained."""

    code: str
    message: str
    advice: str
    whose: str
    step: tuple[str, str] | None
    help_href: str


@dataclass(frozen=True, slots=True)
class ChangeRow:
    """One card a run changed: which, and how. `name`: the patient's, where somebody asked for it."""

    href: str
    which: str
    how: str
    name: str | None = None


@dataclass(frozen=True, slots=True)
class RunPage:
    """`integrations/run.html`."""

    id: int
    connection_id: int
    name: str
    row: RunRow
    scopes: tuple[ScopeRow, ...]
    errors: tuple[ErrorRow, ...]
    changes: tuple[ChangeRow, ...]
    names_shown: bool
    may_show_names: bool
    totals: tuple[tuple[str, str], ...]
    note: str | None
    undone: str | None
    undo_href: str | None
    no_undo: str | None
    requests: str | None
    support: str
    progress: RunProgress | None


@dataclass(frozen=True, slots=True)
class UndoRow:
    """A card in the preview of an undo: which, what happened to it, and what becomes of it or why it stays."""

    href: str
    which: str
    how: str
    effect: str


@dataclass(frozen=True, slots=True)
class UndoPage:
    """`integrations/undo_run.html`. `pauses`: how long updates may rest, where the reader may pause them."""

    id: int
    connection_id: int
    name: str
    pms: str
    started: str
    possible: tuple[UndoRow, ...]
    impossible: tuple[UndoRow, ...]
    refused: str | None
    next_read: str
    pauses: tuple[Option, ...]
    error: str | None
