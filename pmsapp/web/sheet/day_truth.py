"""What can be said of the day that is looked at: how old it is, what was not read, and what to do. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from pmsapp.domain.runsheet import Column, Freshness, FreshnessState, Sheet
from pmsapp.domain.sync_state import ConnectionState, RunStatus
from pmsapp.domain.window import local_time
from pmsapp.services.clinic.snapshot import Connected, Snapshot
from pmsapp.services.connections.connections import ConnectionView
from pmsapp.web.ui import formatting as fmt
from pmsapp.web.ui.page_contexts import Badge, Notice

_FRESHNESS = {
    FreshnessState.FRESH: Badge("Up to date", "tick", "good"),
    FreshnessState.NEVER: Badge("Not read yet", "broken"),
    FreshnessState.NONE: Badge("Nothing read yet", "plug"),
}
_PARTLY = Badge("Partly updated", "half", "wait")
_HAS_BANNER = frozenset(
    {ConnectionState.NEEDS_YOU, ConnectionState.PMS_TROUBLE, ConnectionState.RETRYING, ConnectionState.SETUP}
)


@dataclass(frozen=True, slots=True)
class DayTruth:
    """The day's badge, the reason beside it with where it leads, and what else touches this day."""

    badge: Badge
    reason: str | None
    href: str | None
    notes: tuple[Notice, ...]


def freshness_badge(fresh: Freshness, now: datetime, zone: str) -> Badge:
    """How old the data is, as word, shape and colour. Stale never looks like empty."""
    if fresh.as_of is None or fresh.state in _FRESHNESS:
        return _FRESHNESS.get(fresh.state, _FRESHNESS[FreshnessState.NEVER])
    age = fmt.moment(fresh.as_of, now, zone)
    if fresh.state is FreshnessState.LATE:
        return Badge(f"Late: data from {age}", "clock", "wait")
    return Badge(f"Out of date: data from {age}", "clock", "warn")


def is_old(fresh: Freshness) -> bool:
    """True for data with an age that is not a good one."""
    return fresh.state not in (FreshnessState.FRESH, FreshnessState.NONE)


def age_words(fresh: Freshness, now: datetime, zone: str, *, never: str) -> str:
    """When it was read; "" where there is nothing to read."""
    if fresh.state is FreshnessState.NONE:
        return ""
    return fmt.moment(fresh.as_of, now, zone) if fresh.as_of else never


def fed_columns(sheet: Sheet) -> frozenset[int]:
    """The columns that a practice software fills: one without a list has no age."""
    return frozenset(
        column.id for column in sheet.columns if column.freshness.state is not FreshnessState.NONE
    )


def truth_of(
    sheet: Sheet,
    snapshot: Snapshot,
    views: Sequence[ConnectionView],
    now: datetime,
    *,
    names: Mapping[int, str],
    may: Callable[[str], bool],
    not_whole: Mapping[int, frozenset[date]],
) -> DayTruth:
    """What to say of the day `sheet`. `may`: whether the one asking can open an endpoint. `not_whole`: the days that each
    connection's last update has done in part."""
    fed = fed_columns(sheet)
    columns = [column for column in sheet.columns if column.id in fed]
    by_id = {connection.row.id: connection for connection in snapshot.connections}
    notes = [
        note
        for view in views
        for note in _notes_of(
            view,
            by_id[view.id],
            sheet,
            columns,
            now,
            names=names,
            may=may,
            is_part=sheet.date in not_whole.get(view.id, {local_time(now, view.time_zone).date()}),
        )
    ]
    badge = _badge(sheet, columns, now)
    first = notes[0] if notes else None
    held = next((question for question in sheet.questions if question.kind == "removals_held"), None)
    if held is not None and badge.tone == "good":
        href = f"/decisions#decision-{held.id}" if may("decisions.index") else None
        return DayTruth(
            Badge("Removals held", "held", "warn"), "Removals wait for a decision", href, tuple(notes)
        )
    if first is not None and badge.tone == "good":
        is_paused = any(view.state is ConnectionState.PAUSED for view in views)
        badge = Badge("Updates paused", "bars", "wait") if is_paused else _PARTLY
    if first is None and badge.tone != "good":
        reason, href = _why_old(views, by_id, sheet, columns, may)
        return DayTruth(badge, reason, href, ())
    return DayTruth(badge, first.headline if first else None, first.href if first else None, tuple(notes))


def _why_old(
    views: Sequence[ConnectionView],
    by_id: Mapping[int, Connected],
    sheet: Sheet,
    columns: Sequence[Column],
    may: Callable[[str], bool],
) -> tuple[str | None, str | None]:
    """Why a day with no note of its own is not up to date, and the page that says more."""
    old = {column.id: column.name for column in columns if is_old(column.freshness)}
    if not old:
        return None, None
    fed_by = [
        view
        for view in views
        if any(feed.clinician_id in old for feed in by_id[view.id].mapped)
        and view.state is not ConnectionState.SETUP
    ]
    error = next((view.last_sync_error for view in fed_by if view.last_sync_error), None)
    some = "" if len(old) == len(columns) else f" of {fmt.listed(list(old.values()))}"
    lists = f"{'list' if len(old) == 1 else 'lists'}{some}"
    reason = error.message.rstrip(".") if error else f"No update has read the {lists} of this day lately"
    if not may("history.index"):
        return reason, None
    return reason, f"/integrations/{fed_by[0].id}/history" if len(fed_by) == 1 else "/integrations"


def _badge(sheet: Sheet, columns: Sequence[Column], now: datetime) -> Badge:
    """The worst column speaks for the day; where only some were never read, their number does."""
    never = [column for column in columns if column.freshness.as_of is None]
    if columns and never and len(never) < len(columns):
        return Badge(f"{len(never)} of {fmt.plural(len(columns), 'list')} not read", "half", "warn")
    return freshness_badge(sheet.freshness, now, sheet.time_zone)


def _notes_of(
    view: ConnectionView,
    connection: Connected,
    sheet: Sheet,
    columns: Sequence[Column],
    now: datetime,
    *,
    names: Mapping[int, str],
    may: Callable[[str], bool],
    is_part: bool,
) -> Iterator[Notice]:
    if view.state is ConnectionState.SETUP:
        return
    name = names.get(view.id, view.display_name)
    if view.state is ConnectionState.PAUSED:
        yield _paused(view, name, now, may)
    behind = _behind(connection, sheet, columns)
    if behind:
        yield _not_read(view, name, behind, may)
    elif is_part and is_partial(view):
        yield _partial(view, name, may)


def is_partial(view: ConnectionView) -> bool:
    """Done in part for a reason that no day's own question tells."""
    held = view.last_sync_error is not None and view.last_sync_error.code == "REMOVE-HELD"
    return view.last_sync_status == RunStatus.PARTIAL and view.state not in _HAS_BANNER and not held


def _paused(view: ConnectionView, name: str, now: datetime, may: Callable[[str], bool]) -> Notice:
    by = f" by {view.paused.by}" if view.paused and view.paused.by else ""
    until = f" until {fmt.moment(view.paused.until, now, view.time_zone)}" if view.paused else ""
    why = f" {view.paused.reason.rstrip('.')}." if view.paused and view.paused.reason else ""
    href = f"/integrations/{view.id}" if may("connection.show") else None
    return Notice(
        f"Updates from {name} are paused{by}{until}",
        f"Changes made there do not reach this sheet.{why}",
        "wait",
        "bars",
        href=href,
        action="Go on",
    )


def _behind(connection: Connected, sheet: Sheet, columns: Sequence[Column]) -> list[str]:
    """The clinicians whose list lags behind the others of this connection, or was never read."""
    shown = {column.id: column.name for column in columns}
    read = {
        feed.clinician_id: feed.readings[sheet.date].as_of if sheet.date in feed.readings else None
        for feed in connection.read
        if feed.clinician_id in shown
    }
    known = [as_of for as_of in read.values() if as_of is not None]
    if not known:
        return []
    newest = max(known)
    return [
        shown[key]
        for key, as_of in read.items()
        if key is not None and (as_of is None or (newest - as_of).total_seconds() > 60 * 5)
    ]


def _not_read(
    view: ConnectionView,
    name: str,
    behind: Sequence[str],
    may: Callable[[str], bool],
) -> Notice:
    error = view.last_sync_error
    why = f"{error.message.rstrip('.')}. " if error else f"The last update from {name} did not reach it. "
    lists = "list" if len(behind) == 1 else "lists"
    return Notice(
        f"The {lists} of {fmt.listed(behind)} could not be read",
        f"{why}Each heading says what its patients are as of; the others are newer.",
        "warn",
        "half",
        error.code if error else None,
        f"/integrations/{view.id}/history" if may("history.index") else None,
        "See why",
    )


def _partial(view: ConnectionView, name: str, may: Callable[[str], bool]) -> Notice:
    error = view.last_sync_error
    return Notice(
        f"The last update from {name} was only done in part",
        f"{error.message.rstrip('.')}." if error else "Some of it could not be read.",
        "wait",
        "half",
        error.code if error else None,
        f"/integrations/{view.id}/history" if may("history.index") else None,
        "See why",
    )
