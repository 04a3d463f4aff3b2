"""What is wrong right now, read from the database alone: level, not edge, so that nothing can be missed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from pmsapp.domain.appointment import Presence
from pmsapp.domain.incidents import Severity, Trouble, severity_of
from pmsapp.domain.rules import Decision
from pmsapp.domain.runsheet import FreshnessState
from pmsapp.domain.schedule import ClinicHours, aged, is_watched
from pmsapp.domain.window import day_of
from pmsapp.models import Freshness, PMSClinicianMapping, PMSConnection, ProcessBeat, SyncRun
from pmsapp.services import beats, schedule
from pmsapp.services.stored_cards import CARDS

SCHEDULER_GONE = timedelta(minutes=2)
NOBODY_CAME = timedelta(minutes=5)
NEXT_RUN_GRACE = timedelta(minutes=5)


def find(session: Session, now: datetime) -> list[Trouble]:
    """Everything that is wrong now. One cause gives one trouble: a dead scheduler explains stale data."""
    hours = schedule.clinic_hours(session, now)
    connections = session.scalars(
        select(PMSConnection).where(PMSConnection.sync_enabled.is_(True), PMSConnection.state != "setup")
    ).all()
    active = [one for one in connections if one.paused_until is None or one.paused_until <= now]
    found: list[Trouble] = []
    scheduler_gone = bool(active) and _scheduler_is_gone(session, now)
    if scheduler_gone:
        risk = _severity(session, [one.id for one in active], now)
        found.append(Trouble("scheduler", "SCHED-DEAD", overdue=True, severity=risk))
    stuck = _oldest_waiting(session, now)
    if stuck is not None and not scheduler_gone:
        found.append(Trouble("queue", "QUEUE-STUCK", overdue=True, severity=_severity(session, [stuck], now)))
    explained = scheduler_gone or stuck is not None
    for one in active:
        trouble = _of_connection(session, one, hours, now, explained=explained)
        if trouble is not None:
            found.append(trouble)
    return found


def _of_connection(
    session: Session, one: PMSConnection, hours: ClinicHours, now: datetime, *, explained: bool
) -> Trouble | None:
    period = timedelta(minutes=one.sync_frequency_minutes)
    age = aged(_as_of(session, one, now), now, period, hours)
    stale = age.state is FreshnessState.STALE and is_watched(now, hours)
    failing = one.failures_in_row > 0 or one.state == "needs_you"
    if failing:
        code = one.last_error_code or "DATA-STALE"
    elif stale and not explained:
        code = "DATA-STALE"
    elif _has_no_next_run(one, now) and not explained:
        code = "NO-NEXT-RUN"
    else:
        return None
    overdue = stale or code == "NO-NEXT-RUN"
    risk = _severity(session, [one.id], now)
    return Trouble(f"connection:{one.id}", code, one.id, one.failures_in_row, overdue, risk)


def _has_no_next_run(one: PMSConnection, now: datetime) -> bool:
    """No time at all, one that passed without anybody coming, or one further away than a period or an hour."""
    if one.next_sync_at is None:
        return True
    furthest = max(timedelta(minutes=one.sync_frequency_minutes), timedelta(hours=1)) + NEXT_RUN_GRACE
    waits_for_vendor = one.not_before is not None and one.next_sync_at <= one.not_before + NEXT_RUN_GRACE
    too_far = one.next_sync_at - now > furthest and not waits_for_vendor
    return too_far or now - one.next_sync_at > NOBODY_CAME + NEXT_RUN_GRACE


def _as_of(session: Session, one: PMSConnection, now: datetime) -> datetime | None:
    """When the oldest mapped practitioner's today was read."""
    return session.scalar(
        select(func.min(Freshness.as_of))
        .join(
            PMSClinicianMapping,
            (PMSClinicianMapping.connection_id == Freshness.connection_id)
            & (PMSClinicianMapping.pms_practitioner_id == Freshness.pms_practitioner_id),
        )
        .where(
            Freshness.connection_id == one.id,
            Freshness.date == day_of(now, one.time_zone),
            PMSClinicianMapping.decision == Decision.MAPPED.value,
        )
    )


def _scheduler_is_gone(session: Session, now: datetime) -> bool:
    at = session.scalar(select(ProcessBeat.at).where(ProcessBeat.name == beats.SCHEDULER))
    return at is None or now - at > SCHEDULER_GONE


def _oldest_waiting(session: Session, now: datetime) -> int | None:
    """The connection of a queued run that could have started minutes ago, when nothing of it is running."""
    running = select(SyncRun.connection_id).where(SyncRun.status == "running")
    rows = session.execute(
        select(SyncRun.connection_id, SyncRun.requested_at, SyncRun.not_before)
        .where(SyncRun.status == "queued", SyncRun.connection_id.not_in(running))
        .order_by(SyncRun.id)
    )
    for row in rows:
        if now - max(row.requested_at, row.not_before or row.requested_at) > NOBODY_CAME:
            return int(row.connection_id)
    return None


def _severity(session: Session, connection_ids: Sequence[int], now: datetime) -> Severity:
    """By the next telehealth appointment that these connections feed."""
    start = session.scalar(
        select(func.min(CARDS.c.start_at)).where(
            CARDS.c.pms_connection_id.in_(connection_ids),
            CARDS.c.presence == Presence.ON_SHEET.value,
            CARDS.c.start_at >= now - timedelta(minutes=15),
        )
    )
    return severity_of(start, now)
