"""What the pages of runs are drawn from."""

from __future__ import annotations

from dataclasses import dataclass

from pmsapp.web.ui.page_contexts import Badge, RunProgress


@dataclass(frozen=True, slots=True)
class LastRun:
    """What the latest finished run came to."""

    badge: Badge
    at: str
    said: str


@dataclass(frozen=True, slots=True)
class RunRow:
    """One line of the history."""

    id: int
    started: str
    took: str
    by: str
    badge: Badge
    counts: str
    days: str
    code: str | None
    said: str


@dataclass(frozen=True, slots=True)
class HistoryPage:
    """`integrations/history.html`."""

    id: int
    name: str
    current: RunProgress | None
    rows: tuple[RunRow, ...]
    next_href: str | None
    csv_href: str


@dataclass(frozen=True, slots=True)
class ScopeRow:
    """One list of a run: whose, which day, how it was read, what it held."""

    name: str
    day: str
    badge: Badge
    counts: str
    code: str | None
    match: str


@dataclass(frozen=True, slots=True)
class ChangeRow:
    """One card a run changed: which, and how."""

    href: str
    which: str
    how: str


@dataclass(frozen=True, slots=True)
class RunPage:
    """`integrations/run.html`."""

    id: int
    connection_id: int
    name: str
    row: RunRow
    scopes: tuple[ScopeRow, ...]
    changes: tuple[ChangeRow, ...]
    totals: tuple[tuple[str, str], ...]
    note: str | None
    advice: str | None
    step: tuple[str, str] | None
    progress: RunProgress | None
