"""What is wrong right now, read from the database alone: level, not edge, so that nothing can be missed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from pmsapp.domain.ages import clocks_differ, holds, is_older, is_within
from pmsapp.domain.appointment import Presence
from pmsapp.domain.incidents import Condition, severity_of
from pmsapp.domain.schedule import LONGEST_VENDOR_WAIT, ClinicHours, is_watched
from pmsapp.domain.sync_state import is_overdue, is_paused
from pmsapp.domain.window import day_of
from pmsapp.models import (
    PMSConnection,
    ProcessBeat,
    Receipt,
    ScheduledTask,
    SyncRun,
)
from pmsapp.services.clinic import opening_hours, snapshot
from pmsapp.services.maintenance import retention
from pmsapp.services.monitoring import alerts, disk, process_heartbeats
from pmsapp.services.people import login_throttle
from pmsapp.services.runs import planning
from pmsapp.services.sheet.stored_cards import CARDS

SCHEDULER_GONE = timedelta(minutes=2)
NOT_STARTED = timedelta(minutes=5)
SLOT_PASSED = timedelta(minutes=10)
# A run that has just begun may still put things right (the machine woke up, updates were switched on).
RUN_MAY_HEAL = timedelta(minutes=2)
STARTED_ALREADY = timedelta(minutes=15)

_TASK_CODES = {
    retention.BACKUP: "BACKUP-FAILED",
    retention.AWAY: "BACKUP-FAILED",
    retention.VERIFY: "BACKUP-FAILED",
    retention.RECEIPTS: "RECEIPT-DIFFERS",
    retention.DATABASE: "DATABASE-DAMAGED",
    retention.AUDIT: "AUDIT-BROKEN",
}
# Failed once is enough for these: trying again changes nothing.
_ALERT_AT_ONCE = frozenset({retention.RECEIPTS, retention.DATABASE, retention.AUDIT, retention.VERIFY})


@dataclass(frozen=True, slots=True)
class _Watched:
    """A connection that is on and not paused, and whether its data is out of date while somebody relies on it."""

    row: PMSConnection
    is_stale: bool


def find(session: Session, now: datetime) -> list[Condition]:
    """Everything that is wrong now. One cause gives one condition: a dead scheduler explains stale data."""
    hours = opening_hours.clinic_hours(session, now)
    active = _active(session, hours, now)
    installation = _of_installation(session, [watched.row.id for watched in active], now)
    found = [installation] if installation is not None else []
    for watched in active:
        condition = _of_connection(session, watched, hours, now, explained=installation is not None)
        if condition is not None:
            found.append(condition)
    return [
        *found,
        *_of_clocks(active),
        *_of_tasks(session, is_open=is_watched(now, hours)),
        *_of_receipts(session, is_open=is_watched(now, hours)),
        *_of_disk(),
        *_of_alerts(session),
        *_of_sign_in(session, now),
    ]


def stale_connections(session: Session, now: datetime) -> list[int]:
    """Connections without fresh data for two periods in clinic hours."""
    hours = opening_hours.clinic_hours(session, now)
    return [watched.row.id for watched in _active(session, hours, now) if watched.is_stale]


def _active(session: Session, hours: ClinicHours, now: datetime) -> list[_Watched]:
    """Connections in use that are on and not paused."""
    return [
        _Watched(
            loaded.row,
            is_watched(now, hours)
            and is_overdue(loaded.lists(day_of(now, loaded.row.time_zone)), now, hours),
        )
        for loaded in snapshot.load(session, now).connections
        if loaded.row.sync_enabled and not loaded.in_setup and not is_paused(loaded.row.paused_until, now)
    ]


def _of_installation(session: Session, active: Sequence[int], now: datetime) -> Condition | None:
    """A part of pmsapp that does not work: nobody plans, or nobody does what is planned."""
    if active and _scheduler_is_gone(session, now):
        return _at_risk(session, Condition("scheduler", "SCHED-DEAD", overdue=True), active, now)
    stuck = _oldest_waiting(session, now)
    if stuck is not None:
        return _at_risk(session, Condition("queue", "QUEUE-STUCK", overdue=True), [stuck], now)
    return None


def _of_connection(
    session: Session, watched: _Watched, hours: ClinicHours, now: datetime, *, explained: bool
) -> Condition | None:
    connection, stale = watched.row, watched.is_stale
    is_open = is_watched(now, hours)
    needs_you = connection.state == "needs_you"
    if connection.failures_in_row > 0 or needs_you:
        code = connection.last_error_code or "DATA-STALE"
    elif explained:
        return None
    elif stale and not _may_heal(session, connection.id, now):
        code = connection.last_error_code or "DATA-STALE"
    elif _has_no_next_run(session, connection, now):
        code = "NO-NEXT-RUN"
    else:
        return None
    return _at_risk(
        session,
        Condition(
            subject=f"connection:{connection.id}",
            code=code,
            connection_id=connection.id,
            failures=connection.failures_in_row,
            needs_person=needs_you,
            overdue=stale or code == "NO-NEXT-RUN",
            can_wait=not is_open,
        ),
        [connection.id],
        now,
    )


def _has_no_next_run(session: Session, connection: PMSConnection, now: datetime) -> bool:
    """No time at all, one further away than any rule allows, or one that passed without anybody coming."""
    if planning.is_lost(session, connection, now):
        return True
    return (
        connection.next_sync_at is not None
        and connection.next_sync_at <= now
        and is_older(connection.next_sync_at, now, SLOT_PASSED)
    )


def _may_heal(session: Session, connection_id: int, now: datetime) -> bool:
    """True while a run that was asked for just now is on its way."""
    since = session.scalar(
        select(func.max(func.coalesce(SyncRun.started_at, SyncRun.requested_at))).where(
            SyncRun.pms_connection_id == connection_id, SyncRun.status.in_(("queued", "running"))
        )
    )
    return is_within(since, now, RUN_MAY_HEAL)


def _scheduler_is_gone(session: Session, now: datetime) -> bool:
    """No sign of life for minutes; one from the future was given before the clock went back."""
    at = session.scalar(select(ProcessBeat.at).where(ProcessBeat.name == process_heartbeats.SCHEDULER))
    return is_older(at, now, SCHEDULER_GONE)


def _oldest_waiting(session: Session, now: datetime) -> int | None:
    """The connection of a queued run that could have started minutes ago, when nothing of it is running."""
    running = select(SyncRun.pms_connection_id).where(SyncRun.status == "running")
    rows = session.execute(
        select(SyncRun.pms_connection_id, SyncRun.requested_at, SyncRun.not_before)
        .where(SyncRun.status == "queued", SyncRun.pms_connection_id.not_in(running))
        .order_by(SyncRun.id)
    )
    for row in rows:
        if holds(row.not_before, now, LONGEST_VENDOR_WAIT):
            continue
        if is_older(max(row.requested_at, row.not_before or row.requested_at), now, NOT_STARTED):
            return int(row.pms_connection_id)
    return None


def _of_clocks(active: Sequence[_Watched]) -> Iterator[Condition]:
    """A vendor whose clock and ours differ: nothing fails yet, but logins will."""
    for watched in active:
        if clocks_differ(watched.row.clock_skew_s):
            yield Condition(
                f"clock:{watched.row.id}",
                "CLOCK",
                connection_id=watched.row.id,
                needs_person=True,
                can_wait=True,
            )


def _of_tasks(session: Session, *, is_open: bool) -> Iterator[Condition]:
    """Periodic tasks that failed last time."""
    rows = session.execute(
        select(ScheduledTask.name, ScheduledTask.failures).where(ScheduledTask.failures > 0)
    )
    for row in rows:
        yield Condition(
            subject=f"task:{row.name}",
            code=_TASK_CODES.get(row.name, "TASK-FAILED"),
            failures=row.failures,
            overdue=row.name in _ALERT_AT_ONCE,
            can_wait=not is_open and row.name != retention.DATABASE,
        )


def _of_receipts(session: Session, *, is_open: bool) -> Iterator[Condition]:
    """Connections whose newest receipt found a difference that an update did not settle."""
    newest = select(func.max(Receipt.id)).where(Receipt.outcome.is_not(None)).group_by(Receipt.connection_id)
    rows = session.scalars(
        select(Receipt.connection_id).where(Receipt.id.in_(newest), Receipt.is_confirmed.is_(True))
    )
    for connection_id in rows:
        yield Condition(
            f"receipt:{connection_id}",
            "RECEIPT-DIFFERS",
            connection_id=connection_id,
            needs_person=True,
            can_wait=not is_open,
        )


def _of_disk() -> Iterator[Condition]:
    """Told while there is still time to do something."""
    if disk.is_little():
        yield Condition("disk", "DISK-LOW", overdue=True)


def _of_alerts(session: Session) -> Iterator[Condition]:
    """A channel that takes no messages any more: the app itself has to say so."""
    if alerts.failed_channels(session):
        yield Condition("alerts", "ALERT-FAILED", overdue=True)


def _of_sign_in(session: Session, now: datetime) -> Iterator[Condition]:
    """Far more failed sign-ins than people who mistype. Told at once: nothing waits for it, but somebody should look."""
    if login_throttle.under_attack(session, now):
        yield Condition("sign-in", "SIGN-IN-ATTACK", overdue=True)


def _at_risk(
    session: Session, condition: Condition, connection_ids: Sequence[int], now: datetime
) -> Condition:
    """The same condition with what is at stake: the next appointment that these connections feed."""
    start = session.scalar(
        select(func.min(CARDS.c.start_at)).where(
            CARDS.c.pms_connection_id.in_(connection_ids),
            CARDS.c.presence == Presence.ON_SHEET.value,
            CARDS.c.start_at >= now - STARTED_ALREADY,
        )
    )
    return replace(condition, severity=severity_of(start, now), at_risk_at=start)
