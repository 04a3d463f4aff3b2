"""Asking for a run, and doing one: single flight by a lease, whoever calls and however often."""

from __future__ import annotations

import logging
import threading
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from pmsapp import clock, logs
from pmsapp.adapters.deadline import Deadline
from pmsapp.domain.actor import SCHEDULE, Actor
from pmsapp.domain.errors import PMSError
from pmsapp.domain.sync_state import RunStatus
from pmsapp.models import PMSConnection, SyncRun
from pmsapp.services import audit, bell, days, due, meter, schedule
from pmsapp.services.errors import NotFound
from pmsapp.services.failpoints import failpoint
from pmsapp.services.lease import (
    RUN_CEILING_S,
    CancelledError,
    FencedOutError,
    Heartbeat,
    Lease,
    claim,
    close_lapsed,
    interrupt,
)
from pmsapp.services.run_end import close_run
from pmsapp.services.run_work import RunWork
from pmsapp.services.transaction import reading, writing

log = logging.getLogger(__name__)

_NUDGE = "webhook"


@dataclass(frozen=True, slots=True)
class RunRequest:
    """Which run answers a request; `created` False means it joined one. `not_before`: the vendor asked us to wait."""

    sync_id: int
    created: bool
    not_before: datetime | None


def request_run(
    connection_id: int, *, trigger: str, actor: Actor, day: date | None = None, dry_run: bool = False
) -> RunRequest:
    """Ask for a run of one day, or of today and the look-ahead.

    Joins the run in progress, or the one queued, that reads these days; else queues a new one. A nudge by webhook joins
    no run in progress: that may have read before the change it tells of. Raises NotFound.
    """
    with writing() as session:
        connection = session.get(PMSConnection, connection_id, with_for_update=True)
        if connection is None:
            raise NotFound("connection")
        request = _queue(session, connection, trigger, actor.name, day, dry_run=dry_run)
        if request.created:
            detail = {"connection_id": connection_id, "trigger": trigger, "dry_run": dry_run}
            audit.record(session, actor, "run.request", f"run:{request.sync_id}", detail)
    if request.created and request.not_before is None:
        bell.ring(request.sync_id)
    return request


def request_due_runs() -> list[RunRequest]:
    """Queue a run for every connection whose slot has come, each slot once however many schedulers there are.

    Taking the slot, planning the next one and queueing the run are one transaction; a slot missed by a sleep or an
    outage is made up once, because the next one is planned from now. A connection that lost its plan gets a new one.
    """
    now = clock.now()
    with reading() as session:
        if not schedule.anything_to_do(session, now):
            return []
    with writing() as session:
        schedule.mend(session, now)
        connections = session.scalars(
            select(PMSConnection)
            .where(
                PMSConnection.sync_enabled.is_(True),
                PMSConnection.next_sync_at <= now,
                or_(PMSConnection.paused_until.is_(None), PMSConnection.paused_until <= now),
            )
            .order_by(PMSConnection.next_sync_at, PMSConnection.id)
            .with_for_update(skip_locked=True)
        ).all()
        requests = []
        for connection in connections:
            slot = connection.next_sync_at
            schedule.plan_next(session, connection, now)
            requests.append(_queue(session, connection, "schedule", SCHEDULE.name, None, slot=slot))
    for request in requests:
        if request.created and request.not_before is None:
            bell.ring(request.sync_id)
    return requests


def _queue(
    session: Session,
    connection: PMSConnection,
    trigger: str,
    actor_name: str,
    day: date | None,
    *,
    dry_run: bool = False,
    slot: datetime | None = None,
) -> RunRequest:
    """Join or queue, inside the caller's write transaction."""
    now = clock.now()
    wanted = [one.isoformat() for one in ([day] if day else days.days_to_read(session))]
    joined = _join(session, connection.id, wanted, dry_run=dry_run, only_queued=trigger == _NUDGE)
    if joined is not None:
        return joined
    not_before = connection.not_before if connection.not_before and connection.not_before > now else None
    run = SyncRun(
        connection_id=connection.id,
        sync_type="day" if day else "full",
        trigger=trigger,
        actor=actor_name,
        dates=wanted,
        dry_run=dry_run,
        slot=slot.isoformat() if slot else None,
        status=RunStatus.QUEUED.value,
        requested_at=now,
        not_before=not_before,
    )
    session.add(run)
    session.flush()
    return RunRequest(run.id, True, not_before)


def _join(
    session: Session, connection_id: int, wanted: list[str], *, dry_run: bool, only_queued: bool
) -> RunRequest | None:
    """The run in progress or queued that reads the wanted days.

    A queued one that reads some of them takes in the rest: no day waits in two queued runs.
    """
    rows = session.scalars(
        select(SyncRun)
        .where(
            SyncRun.connection_id == connection_id,
            SyncRun.status.in_(("queued",) if only_queued else ("queued", "running")),
            SyncRun.dry_run.is_(dry_run),
            SyncRun.cancel_requested_at.is_(None),
        )
        .order_by(SyncRun.id)
    ).all()
    for run in rows:
        if set(wanted) <= set(run.dates):
            return RunRequest(run.id, False, run.not_before)
    for run in rows:
        if run.status == RunStatus.QUEUED and set(wanted) & set(run.dates):
            run.dates = _in_order({*wanted, *run.dates}, days.today(session).isoformat())
            run.sync_type = "full"
            return RunRequest(run.id, False, run.not_before)
    return None


def _in_order(dates: set[str], today: str) -> list[str]:
    """Today first, then what lies ahead, then the past."""
    return sorted(dates, key=lambda day: (day < today, day))


def execute_run(run_id: int, *, process_ends: threading.Event | None = None) -> None:
    """Do a queued run, once: whoever comes second finds it claimed. Raises only what is a bug, after recording it.

    Once `process_ends` is set, a run that still goes on is marked interrupted and repeated by the next process.
    """
    lease = claim(run_id, clock.now())
    if lease is None:
        return
    failpoint("after_claim")
    run = RunWork(lease, Deadline(RUN_CEILING_S))
    try:
        with Heartbeat(
            lease,
            run.deadline.cancel,
            lambda: _abandon(run),
            process_ends=process_ends,
            hand_back=lambda: _hand_back(lease),
        ):
            _perform(run)
    except FencedOutError:
        log.warning("run lost its lease and stopped", extra={"run_id": run_id})
        return
    finally:
        meter.note_run(run_id)
    failpoint("after_finish")
    for waiting in due.waiting_runs(for_at_least_s=0.0):
        if waiting.connection_id == lease.connection_id:
            bell.ring(waiting.id)


def _perform(run: RunWork) -> None:
    try:
        run.do()
        failpoint("before_finish")
        close_run(run.lease, run.results, error=run.error, previews=run.previews, warnings=run.warnings)
    except FencedOutError:
        raise
    except CancelledError:
        close_run(run.lease, run.results, cancelled=True)
    except PMSError as error:
        close_run(run.lease, run.results, error=error)
    except Exception as error:
        logs.record_bug(error, "a run", run_id=run.lease.run_id)
        close_run(run.lease, run.results, error=PMSError("BUG"))
        raise


def _abandon(run: RunWork) -> None:
    """End a cancelled run for the records while its worker still waits for the vendor; that one is fenced out then."""
    try:
        close_run(run.lease, tuple(run.results), cancelled=True)
    except FencedOutError:
        log.info("run ended by itself", extra={"run_id": run.lease.run_id})


def _hand_back(lease: Lease) -> None:
    """Interrupt a run whose process has to end; whatever it still does is fenced out."""
    now = clock.now()
    with writing() as session, suppress(FencedOutError, CancelledError):
        lease.check(session)
        interrupt(session, lease.run_id, lease.connection_id, now)
        _repeat_interrupted(session, now)


def sweep_interrupted() -> int:
    """Close runs whose worker is gone; their connection's next run repairs them. Returns how many."""
    now = clock.now()
    with writing() as session:
        rows = close_lapsed(session, now)
        if rows:
            _repeat_interrupted(session, now)
        return rows


def _repeat_interrupted(session: Session, now: datetime) -> None:
    """Plan the connections of the runs interrupted at `now` for at once."""
    interrupted = select(SyncRun.connection_id).where(
        SyncRun.status == RunStatus.INTERRUPTED.value, SyncRun.completed_at == now
    )
    session.execute(
        update(PMSConnection)
        .where(PMSConnection.sync_enabled.is_(True), PMSConnection.id.in_(interrupted))
        .values(next_sync_at=now, next_sync_reason="repeating the update that stopped half way")
        .execution_options(synchronize_session=False)
    )
