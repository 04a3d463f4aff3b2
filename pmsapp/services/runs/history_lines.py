"""The history of a connection as a list of lines: runs, unchanged ones folded, gaps, and what was done to its set-up.

A page begins below the run the page before ended with, so it stays the same while new runs arrive.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from pmsapp import clock
from pmsapp.domain.schedule import LONGEST_VENDOR_WAIT, ClinicHours, next_slot
from pmsapp.domain.sync_state import RunStatus
from pmsapp.domain.window import day_of, instant_of
from pmsapp.models import AuditEvent, PMSConnection, SyncRun
from pmsapp.services.base.errors import NotFound
from pmsapp.services.base.transaction import reading
from pmsapp.services.clinic import clinic
from pmsapp.services.clinic.opening_hours import hours_of
from pmsapp.services.runs import history
from pmsapp.services.runs.history import RunView

LINES = 25
_READ_AT_ONCE = 600
_MOST_EVENTS = 200
_LATE = timedelta(minutes=5)
_CHANGED = "connection.changed"
SETUP_ACTIONS = (
    "connection.created",
    "connection.paired",
    _CHANGED,
    "connection.switched_on",
    "connection.practitioners_decided",
    "connection.types_decided",
    "connection.disconnect_undone",
    "connection.login_unreadable",
)
_WROTE = SyncRun.appointments_created + SyncRun.appointments_updated + SyncRun.removed + SyncRun.held
_READ_WHOLE = (SyncRun.dry_run.is_(False), SyncRun.status == RunStatus.SUCCESS.value)
# What the list can be narrowed to; gaps and set-up are no runs.
OUTCOMES: dict[str, tuple[ColumnElement[bool], ...]] = {
    "changed": (SyncRun.dry_run.is_(False), _WROTE > 0),
    "unchanged": (*_READ_WHOLE, _WROTE == 0),
    "partly": (SyncRun.status == RunStatus.PARTIAL.value, SyncRun.error_code.is_distinct_from("REMOVE-HELD")),
    "held": (SyncRun.held > 0,),
    "failed": (SyncRun.status == RunStatus.FAILED.value,),
    "stopped": (SyncRun.status.in_((RunStatus.INTERRUPTED.value, RunStatus.CANCELLED.value)),),
    "preview": (SyncRun.dry_run.is_(True),),
}
GAPS, SETUP = "gaps", "setup"
TRIGGERS = ("schedule", "manual", "webhook", "api", "cli", "setup")
PERIODS = (1, 7, 30)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What of the history: one of `OUTCOMES`, `GAPS` or `SETUP`, who started it, and of how many days; "" and None: all."""

    outcome: str = ""
    trigger: str = ""
    days: int | None = None


@dataclass(frozen=True, slots=True)
class RunLine:
    """One run."""

    at: datetime
    run: RunView


@dataclass(frozen=True, slots=True)
class FoldedLine:
    """Runs of one day that changed nothing, one after the other, newest first."""

    at: datetime
    runs: tuple[RunView, ...]


@dataclass(frozen=True, slots=True)
class GapLine:
    """A time without an update where one was due. `by`, `until`: the pause that explains it; `until` None: none does.

    `at` is when the last one ended, `to` when the next one began; `is_open` while none has.
    """

    at: datetime
    to: datetime
    by: str | None
    until: datetime | None
    is_open: bool


@dataclass(frozen=True, slots=True)
class SetupLine:
    """Something done to the connection. `fields`: what was changed; `is_on`, `until`: a switch or a pause, where it was."""

    at: datetime
    by: str
    action: str
    fields: tuple[str, ...]
    is_on: bool | None
    until: datetime | None
    ends_pause: bool


Line = RunLine | FoldedLine | GapLine | SetupLine


@dataclass(frozen=True, slots=True)
class HistoryPage:
    """Newest first. `next`: the run that the following page begins below, None at the end."""

    lines: tuple[Line, ...]
    next: int | None


@dataclass(frozen=True, slots=True)
class _Clinic:
    hours: ClinicHours
    jitter: timedelta
    period: timedelta


def list_lines(connection_id: int, wanted: Wanted, before_id: int | None = None) -> HistoryPage:
    """One page of the history. Raises NotFound."""
    now = clock.now()
    with reading() as session:
        connection = session.get(PMSConnection, connection_id)
        if connection is None:
            raise NotFound("connection")
        since = now - timedelta(days=wanted.days) if wanted.days else None
        above = _run(session, connection_id, before_id)
        if wanted.outcome == SETUP:
            return HistoryPage(tuple(_setup(session, connection_id, since, None)), None)
        runs, is_whole = _runs(session, connection_id, wanted, since, before_id)
        lines: list[Line] = [RunLine(run.requested_at, run) for run in runs if run.is_over]
        if wanted.outcome in ("", GAPS) and not wanted.trigger:
            pauses = _setup(session, connection_id, None, None)
            known = runs if above is None else [above, *runs]
            lines += _gaps(_rhythm(session, connection, now), known, pauses, now, is_newest=above is None)
        if wanted.outcome == GAPS:
            return HistoryPage(tuple(line for line in _ordered(lines) if isinstance(line, GapLine)), None)
        if not (wanted.outcome or wanted.trigger):
            oldest = None if is_whole or not runs else runs[-1].requested_at
            lines += [
                event
                for event in _setup(session, connection_id, since, above.requested_at if above else None)
                if oldest is None or event.at >= oldest
            ]
        zone = clinic.time_zone(session)
    return _page(_fold(_ordered(lines), zone), is_whole=is_whole)


def _run(session: Session, connection_id: int, run_id: int | None) -> RunView | None:
    """The run that the page before ended with."""
    if run_id is None:
        return None
    row = session.scalar(
        select(SyncRun).where(SyncRun.id == run_id, SyncRun.pms_connection_id == connection_id)
    )
    return history.without_lists(row) if row is not None else None


def _runs(
    session: Session, connection_id: int, wanted: Wanted, since: datetime | None, before_id: int | None
) -> tuple[list[RunView], bool]:
    """The runs below `before_id`, newest first, and whether those are all."""
    query = select(SyncRun).where(
        SyncRun.pms_connection_id == connection_id, *OUTCOMES.get(wanted.outcome, ())
    )
    if wanted.trigger:
        query = query.where(SyncRun.trigger == wanted.trigger)
    if since is not None:
        query = query.where(SyncRun.requested_at >= since)
    if before_id is not None:
        query = query.where(SyncRun.id < before_id)
    most = _READ_AT_ONCE * (5 if wanted.outcome == GAPS else 1)
    rows = session.scalars(query.order_by(SyncRun.id.desc()).limit(most + 1)).all()
    return [history.without_lists(row) for row in rows[:most]], len(rows) <= most


def _setup(
    session: Session, connection_id: int, since: datetime | None, upto: datetime | None
) -> list[SetupLine]:
    """What was done to the connection, newest first."""
    query = select(AuditEvent).where(
        AuditEvent.subject == f"connection:{connection_id}", AuditEvent.action.in_(SETUP_ACTIONS)
    )
    if since is not None:
        query = query.where(AuditEvent.at >= since)
    if upto is not None:
        query = query.where(AuditEvent.at < upto)
    rows = session.scalars(query.order_by(AuditEvent.id.desc()).limit(_MOST_EVENTS))
    return [_setup_line(row) for row in rows]


def _setup_line(row: AuditEvent) -> SetupLine:
    detail = row.detail if isinstance(row.detail, dict) else {}
    until = detail.get("paused_until")
    return SetupLine(
        at=row.at,
        by=row.actor.partition(" ")[2] or row.actor,
        action=row.action,
        fields=tuple(detail.get("fields", ())),
        is_on=True if row.action == "connection.switched_on" else detail.get("sync_enabled"),
        until=instant_of(until),
        ends_pause="paused_until" in detail and until is None,
    )


def _rhythm(session: Session, connection: PMSConnection, now: datetime) -> _Clinic | None:
    """How often it is read; None while its set-up is not finished."""
    if connection.state == "setup":
        return None
    view = clinic.get_clinic(session)
    return _Clinic(
        hours_of(view, now),
        timedelta(seconds=view.jitter_s),
        timedelta(minutes=connection.sync_frequency_minutes),
    )


def _gaps(
    rhythm: _Clinic | None,
    newest_first: Sequence[RunView],
    setup: Sequence[SetupLine],
    now: datetime,
    *,
    is_newest: bool,
) -> list[GapLine]:
    """Where an update was due and none began, between each run and the next, and between the last one and now."""
    if rhythm is None:
        return []
    found = []
    began = [(run.started_at or run.requested_at, run) for run in newest_first if not run.dry_run]
    pairs = [(run, at, False) for (at, _), (_, run) in pairwise(began)]
    if is_newest and began:
        pairs.insert(0, (began[0][1], now, True))
    for run, next_at, is_open in pairs:
        ended = run.completed_at
        if ended is None or next_at <= ended:
            continue
        due = next_slot(ended, rhythm.period, rhythm.hours, rhythm.jitter).at
        slack = (
            rhythm.period + _LATE + (LONGEST_VENDOR_WAIT if run.status == RunStatus.FAILED else timedelta())
        )
        if next_at - due > slack:
            pause = _pause_over(setup, ended, next_at)
            by, until = (pause.by, pause.until) if pause else (None, None)
            found.append(GapLine(ended, next_at, by, until, is_open))
    return found


def _pause_over(setup: Sequence[SetupLine], since: datetime, to: datetime) -> SetupLine | None:
    """The pause that was in force, for some of that time at least; what came last counts."""
    for line in setup:
        if line.until is not None and line.at <= to and line.until > since:
            ends = [other.at for other in setup if other.ends_pause and other.at > line.at]
            if not ends or min(ends) > since:
                return line
    return None


def _ordered(lines: Sequence[Line]) -> list[Line]:
    """Newest first."""
    return sorted(lines, key=lambda line: line.at, reverse=True)


def _is_unchanged(run: RunView) -> bool:
    wrote = sum(run.counts[name] for name in ("created", "updated", "removed", "held", "failed"))
    return run.status == RunStatus.SUCCESS and not run.dry_run and not wrote and not run.note


def _fold(lines: Sequence[Line], zone: str) -> list[Line]:
    """Runs of one local day that changed nothing and follow one another become one line."""
    folded: list[Line] = []
    for line in lines:
        last = folded[-1] if folded else None
        if (
            isinstance(line, RunLine)
            and _is_unchanged(line.run)
            and isinstance(last, RunLine | FoldedLine)
            and day_of(last.at, zone) == day_of(line.at, zone)
        ):
            before = last.runs if isinstance(last, FoldedLine) else (last.run,)
            if _is_unchanged(before[-1]):
                folded[-1] = FoldedLine(last.at, (*before, line.run))
                continue
        folded.append(line)
    return folded


def _page(lines: list[Line], *, is_whole: bool) -> HistoryPage:
    """The first lines. A page ends with a run, for the next one begins below it."""
    if is_whole and len(lines) <= LINES:
        return HistoryPage(tuple(lines), None)
    shown = lines[:LINES]
    while len(shown) < len(lines) and not isinstance(shown[-1], RunLine | FoldedLine):
        shown.append(lines[len(shown)])
    last = shown[-1]
    if isinstance(last, RunLine):
        return HistoryPage(tuple(shown), last.run.id)
    if isinstance(last, FoldedLine):
        return HistoryPage(tuple(shown), last.runs[-1].id)
    return HistoryPage(tuple(shown), None)
