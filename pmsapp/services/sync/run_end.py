"""How a run ends: its status, its numbers, what the connection learns from it, and when the next one is due."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import func, or_, select, update
from sqlalchemy.orm import Session

from pmsapp import clock
from pmsapp.adapters.registry import get_info
from pmsapp.domain.codes import CATALOGUE, ActionOwner
from pmsapp.domain.errors import PMSError, RetryLaterError, message_for
from pmsapp.domain.sync.run_status import (
    ScopeResult,
    error_details,
    reason_code,
    sentence,
    skipped_reasons,
    status_of,
    total,
)
from pmsapp.domain.sync_state import RunStatus
from pmsapp.models import PMSConnection, ScopeFreshness, SyncRun
from pmsapp.models.pms import RUN_COUNTS
from pmsapp.services.base.failpoints import failpoint
from pmsapp.services.base.transaction import writing
from pmsapp.services.clinic import clinic, opening_hours
from pmsapp.services.runs import planning
from pmsapp.services.runs.lease import CancelledError, Lease
from pmsapp.services.sheet import questions
from pmsapp.services.sync import preview

RETRY_AFTER_FAILURES_MINUTES = (1, 2, 5, 10)
_UNUSUAL_FROM = 5


def close_run(
    lease: Lease,
    results: Sequence[ScopeResult],
    *,
    error: PMSError | None = None,
    cancelled: bool = False,
    previews: Sequence[preview.Line] = (),
    warnings: Sequence[str] = (),
    clock_skew_s: float | None = None,
    requests_made: int | None = None,
) -> None:
    """Record the end in one transaction. `error` is what ended the run early. Raises FencedOutError.

    `warnings`: sentences about what was read, such as names the vendor would not give.
    """
    now = clock.now()
    with writing() as session:
        with suppress(CancelledError):
            lease.check(session)
        run = session.get_one(SyncRun, lease.run_id)
        connection = session.get_one(PMSConnection, lease.connection_id)
        cancelled = cancelled or run.cancel_requested_at is not None
        status, code = _verdict(results, error, cancelled)
        message = _message(code, connection, results, now)
        numbers = total(results)
        run.status = status.value
        run.completed_at = now
        run.error_code, run.error_message = code, message
        run.error_details = error_details(code, results)
        for name, column in RUN_COUNTS.items():
            setattr(run, column, numbers[name])
        run.skipped_reasons = skipped_reasons(results) or None
        unusual = _note(session, run, results) if status is RunStatus.SUCCESS else None
        run.note = " ".join([unusual, *warnings] if unusual else warnings) or None
        run.progress = None
        run.requests_made = requests_made
        run.preview = preview.as_json(previews, results, connection.config_version) if run.dry_run else None
        if not run.dry_run:
            _store_state(connection, status, code, message, now)
            if clock_skew_s is not None:
                connection.clock_skew_s = round(clock_skew_s, 1)
            _plan_next(session, connection, status, code, error, now)
            _let_queued_wait(session, connection)
            questions.count_cards_of_new_types(session, connection.id, clinic.today(session))
            questions.lapse_settled(session, connection.id, now)
        failpoint("before_finish_commit")


def _verdict(
    results: Sequence[ScopeResult], error: PMSError | None, cancelled: bool
) -> tuple[RunStatus, str | None]:
    if cancelled:
        return RunStatus.CANCELLED, "RUN-CANCELLED"
    if error is not None and not any(result.outcome != "failed" for result in results):
        return RunStatus.FAILED, error.code
    status = status_of(results)
    if error is not None:
        return RunStatus.PARTIAL, error.code
    return status, reason_code(results)


def _message(
    code: str | None, connection: PMSConnection, results: Sequence[ScopeResult], now: datetime
) -> str | None:
    """One sentence. Whose lists are up to date comes first, then whose are not and why."""
    if code is None:
        return None
    label = get_info(connection.pms_type).label
    at = now.astimezone(ZoneInfo(connection.time_zone)).strftime("%H:%M")
    return sentence(code, results, lambda reason: message_for(reason, label), at)


def _note(session: Session, run: SyncRun, results: Sequence[ScopeResult]) -> str | None:
    """Success, but unusual: nothing at all on open days, although the last day before them had something."""
    if not results:
        return "Nobody is mapped yet, so nothing was read."
    read = [date.fromisoformat(day) for day in run.dates]
    if run.appointments_fetched or all(opening_hours.why_closed(session, day) for day in read):
        return None
    earlier = (ScopeFreshness.connection_id == run.pms_connection_id, ScopeFreshness.date < min(read))
    last_day = (
        select(func.max(ScopeFreshness.date)).where(*earlier, ScopeFreshness.fetched > 0).scalar_subquery()
    )
    before = session.scalar(
        select(func.sum(ScopeFreshness.fetched)).where(
            ScopeFreshness.connection_id == run.pms_connection_id, ScopeFreshness.date == last_day
        )
    )
    if (before or 0) > _UNUSUAL_FROM:
        return "Unusual: the practice software lists no appointments at all for these days."
    return None


def _store_state(
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
    connection.last_sync_error = message
    connection.failures_in_row = 0 if read_something else connection.failures_in_row + 1
    if connection.state == "setup" and not connection.sync_enabled:
        return
    if code and entry and entry.actor is ActionOwner.STAFF and code not in ("REC-BAD", "REMOVE-HELD"):
        connection.state = ActionOwner.STAFF.value
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
    planning.plan_next(session, connection, now)
    if connection.next_sync_at is None or (connection.paused_until and connection.paused_until > now):
        return
    if isinstance(error, RetryLaterError) and error.retry_at and error.retry_at > now:
        connection.not_before = error.retry_at
        connection.next_sync_at = error.retry_at
        connection.next_sync_reason = "the practice software asked us to wait"
    elif status is RunStatus.FAILED and code and CATALOGUE[code].actor is ActionOwner.WAIT:
        index = min(connection.failures_in_row, len(RETRY_AFTER_FAILURES_MINUTES)) - 1
        again_at = now + timedelta(minutes=RETRY_AFTER_FAILURES_MINUTES[max(index, 0)])
        if again_at < connection.next_sync_at:
            connection.next_sync_at, connection.next_sync_reason = again_at, "trying again"


def _let_queued_wait(session: Session, connection: PMSConnection) -> None:
    """Runs that queued up behind this one must not ask the vendor before it is ready again."""
    until = connection.not_before
    if until is None:
        return
    session.execute(
        update(SyncRun)
        .where(
            SyncRun.pms_connection_id == connection.id,
            SyncRun.status == RunStatus.QUEUED.value,
            or_(SyncRun.not_before.is_(None), SyncRun.not_before < until),
        )
        .values(not_before=until)
        .execution_options(synchronize_session=False)
    )
