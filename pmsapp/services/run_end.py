"""How a run ends: its status, its numbers, what the connection learns from it, and when the next one is due."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from pmsapp import clock
from pmsapp.adapters.registry import get_info
from pmsapp.domain.errors import CATALOGUE, Actor, PMSError, RetryLaterError, message_for
from pmsapp.domain.run_status import ScopeResult, reason_code, status_of, total, unread_names
from pmsapp.domain.sync_state import RunStatus
from pmsapp.models import Freshness, PMSConnection, SyncRun
from pmsapp.services import preview, schedule
from pmsapp.services.failpoints import failpoint
from pmsapp.services.lease import CancelledError, Lease
from pmsapp.services.scope_record import COUNTS
from pmsapp.services.transaction import writing

RETRY_AFTER_FAILURES_MINUTES = (1, 2, 5, 10)
_UNUSUAL_FROM = 5


def close_run(
    lease: Lease,
    results: Sequence[ScopeResult],
    *,
    error: PMSError | None = None,
    cancelled: bool = False,
    previews: Sequence[preview.Line] = (),
) -> None:
    """Record the end in one transaction. `error` is what ended the run early. Raises FencedOutError."""
    now = clock.now()
    with writing() as session:
        with suppress(CancelledError):
            lease.check(session)
        run = session.get_one(SyncRun, lease.run_id)
        connection = session.get_one(PMSConnection, lease.connection_id)
        cancelled = cancelled or run.cancel_requested_at is not None
        status, code = _verdict(results, error, cancelled)
        message = _message(code, connection.pms_type, results)
        numbers = total(results)
        run.status = status.value
        run.completed_at = now
        run.error_code, run.error_message = code, message
        for name in COUNTS:
            setattr(run, name, numbers[name])
        run.note = _note(session, run, results) if status is RunStatus.SUCCESS else None
        run.progress = None
        run.preview = preview.as_json(previews) if run.dry_run else None
        if not run.dry_run:
            _teach(connection, status, code, message, now)
            _plan_next(session, connection, status, code, error, now)
        failpoint("before_finish_commit")


def _verdict(
    results: Sequence[ScopeResult], error: PMSError | None, cancelled: bool
) -> tuple[RunStatus, str | None]:
    if cancelled:
        return RunStatus.CANCELLED, "RUN-CANCELLED"
    if error is not None and not any(one.outcome != "failed" for one in results):
        return RunStatus.FAILED, error.code
    status = status_of(results)
    if error is not None:
        return RunStatus.PARTIAL, error.code
    return status, reason_code(results)


def _message(code: str | None, pms_type: str, results: Sequence[ScopeResult]) -> str | None:
    """One sentence. What could be read comes first, then whose list could not."""
    if code is None:
        return None
    sentence = message_for(code, get_info(pms_type).label)
    unread = unread_names(results)
    if unread and len(unread) < len({one.name for one in results}):
        return f"{sentence} (not read: {', '.join(unread)}; everybody else is up to date)"
    return sentence


def _note(session: Session, run: SyncRun, results: Sequence[ScopeResult]) -> str | None:
    """Success, but unusual: nothing at all although there was something the last time this was read."""
    if not results:
        return "Nobody is mapped yet, so nothing was read."
    if run.fetched:
        return None
    before = session.scalars(
        select(Freshness.fetched)
        .where(Freshness.connection_id == run.connection_id, Freshness.date < min(run.dates))
        .order_by(Freshness.date.desc())
        .limit(20)
    )
    if sum(before) > _UNUSUAL_FROM:
        return "Unusual: the practice software lists no appointments at all for these days."
    return None


def _teach(
    connection: PMSConnection, status: RunStatus, code: str | None, message: str | None, now: datetime
) -> None:
    """What the connection card says from now on."""
    connection.last_sync_at = now
    connection.last_sync_status = status.value
    if status is RunStatus.CANCELLED:
        return
    read_something = status in (RunStatus.SUCCESS, RunStatus.PARTIAL)
    entry = CATALOGUE.get(code or "")
    connection.last_error_code = code
    connection.last_error_message = message
    connection.failures_in_row = 0 if read_something else connection.failures_in_row + 1
    if connection.state == "setup" and not connection.sync_enabled:
        return
    if code and entry and entry.actor is Actor.STAFF and code not in ("REC-BAD", "REMOVE-HELD"):
        connection.state = Actor.STAFF.value
    elif read_something or entry is None:
        connection.state = "ok"
    else:
        connection.state = entry.actor.value


def _plan_next(
    session: Session,
    connection: PMSConnection,
    status: RunStatus,
    code: str | None,
    error: PMSError | None,
    now: datetime,
) -> None:
    """The next slot; sooner when waiting a little may help, later only when the vendor named a later time."""
    connection.not_before = None
    schedule.plan_next(session, connection, now)
    if connection.next_sync_at is None or (connection.paused_until and connection.paused_until > now):
        return
    if isinstance(error, RetryLaterError) and error.retry_at and error.retry_at > now:
        connection.not_before = error.retry_at
        connection.next_sync_at = error.retry_at
        connection.next_sync_reason = "the practice software asked us to wait"
    elif status is RunStatus.FAILED and code and CATALOGUE[code].actor is Actor.WAIT:
        index = min(connection.failures_in_row, len(RETRY_AFTER_FAILURES_MINUTES)) - 1
        again_at = now + timedelta(minutes=RETRY_AFTER_FAILURES_MINUTES[max(index, 0)])
        if again_at < connection.next_sync_at:
            connection.next_sync_at, connection.next_sync_reason = again_at, "trying again"
