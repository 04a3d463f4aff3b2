"""The one door for asking for a run, whoever asks: pages, programs, the command line, webhooks, the schedule.

It checks the day and that there is something to read with; two requests for the same days are one run.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session

from pmsapp import clock
from pmsapp.domain.actor import SCHEDULE, Actor
from pmsapp.domain.ages import holds
from pmsapp.domain.errors import PMSError
from pmsapp.domain.schedule import LONGEST_VENDOR_WAIT
from pmsapp.domain.sync_state import RunStatus
from pmsapp.models import PMSConnection, SyncRun
from pmsapp.services.base import audit
from pmsapp.services.base.errors import Conflict, NotFound, ServiceError
from pmsapp.services.base.transaction import reading, writing
from pmsapp.services.clinic import clinic, day_bounds
from pmsapp.services.runs import planning
from pmsapp.services.runs import queue as run_queue
from pmsapp.services.vendors.readiness import require_ready

log = logging.getLogger(__name__)

_NUDGE = "webhook"
# How the history names a run, by who asks.
_TRIGGERS = {"token": "api", "cli": "cli", "webhook": _NUDGE}


@dataclass(frozen=True, slots=True)
class RunRequest:
    """Which run answers a request; `created` False means it joined one. `not_before`: the vendor asked us to wait."""

    sync_id: int
    created: bool
    not_before: datetime | None


def request_run(
    connection_id: int,
    *,
    actor: Actor,
    trigger: str | None = None,
    day: date | None = None,
    dry_run: bool = False,
) -> RunRequest:
    """Ask for a run of one day, or of today and the look-ahead. The connection may still be in set-up.

    Joins the run in progress, or the one queued, that reads these days; else queues a new one. A nudge by webhook joins
    no run in progress: that may have read before the change it tells of. `trigger` follows from who asks where it is
    not given. Raises NotFound, Invalid for a day out of bounds, and Conflict NOT-PAIRED or NO-LOGIN while there is
    nothing to read with.
    """
    trigger = trigger or _TRIGGERS.get(actor.kind, "manual")
    with writing() as session:
        day_bounds.check(day)
        connection = session.get(PMSConnection, connection_id, with_for_update=True)
        if connection is None:
            raise NotFound("connection")
        require_ready(connection)
        request = _queue(session, connection, trigger, actor.name, day, dry_run=dry_run)
        if request.created:
            detail = {"connection_id": connection_id, "trigger": trigger, "dry_run": dry_run}
            audit.record(session, actor, "run.request", f"run:{request.sync_id}", detail)
    if request.created and request.not_before is None:
        run_queue.enqueue(request.sync_id)
    return request


def request_all_runs(actor: Actor, *, day: date | None = None) -> list[tuple[int, RunRequest]]:
    """Ask for a run of every connection that is switched on and not paused: (connection id, its run), in their order.

    One that has lost its login or pairing is left out: its own card says what to do. Raises Invalid.
    """
    day_bounds.check(day)
    now = clock.now()
    with reading() as session:
        ids = session.scalars(
            select(PMSConnection.id).where(*planning.ACTIVE, _is_awake(now)).order_by(PMSConnection.id)
        ).all()
    asked = []
    for connection_id in ids:
        try:
            asked.append((connection_id, request_run(connection_id, actor=actor, day=day)))
        except Conflict as error:
            log.warning("no run was queued", extra={"connection_id": connection_id, "code": error.code})
    return asked


def request_due_runs() -> list[RunRequest]:
    """Queue a run for every connection whose slot has come, each slot once however many schedulers there are.

    Taking the slot, planning the next one and queueing the run are one transaction; a slot missed by a sleep or an
    outage is made up once, because the next one is planned from now. A connection that lost its plan gets a new one.
    """
    now = clock.now()
    with reading() as session:
        if not planning.anything_to_do(session, now):
            return []
    with writing() as session:
        planning.switch_on_again(session, now)
        planning.mend(session, now)
        connections = session.scalars(
            select(PMSConnection)
            .where(
                PMSConnection.sync_enabled.is_(True),
                PMSConnection.next_sync_at <= now,
                _is_awake(now),
            )
            .order_by(PMSConnection.next_sync_at, PMSConnection.id)
            .with_for_update(skip_locked=True)
        ).all()
        requests = []
        for connection in connections:
            slot = connection.next_sync_at
            planning.plan_next(session, connection, now)
            requests.append(_queue(session, connection, "schedule", SCHEDULE.name, None, slot=slot))
    for request in requests:
        if request.created and request.not_before is None:
            run_queue.enqueue(request.sync_id)
    return requests


def _is_awake(now: datetime) -> ColumnElement[bool]:
    return or_(PMSConnection.paused_until.is_(None), PMSConnection.paused_until <= now)


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
    wanted = [day_to_read.isoformat() for day_to_read in ([day] if day else clinic.days_to_read(session))]
    joined = _join(session, connection.id, wanted, dry_run=dry_run, only_queued=trigger == _NUDGE)
    if joined is not None:
        return joined
    not_before = connection.not_before if holds(connection.not_before, now, LONGEST_VENDOR_WAIT) else None
    run = SyncRun(
        pms_connection_id=connection.id,
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
            SyncRun.pms_connection_id == connection_id,
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
            run.dates = _in_order({*wanted, *run.dates}, clinic.today(session).isoformat())
            run.sync_type = "full"
            return RunRequest(run.id, False, run.not_before)
    return None


def _in_order(dates: set[str], today: str) -> list[str]:
    """Today first, then what lies ahead, then the past."""
    return sorted(dates, key=lambda day: (day < today, day))


def start(connection_id: int, actor: Actor) -> None:
    """Ask for a run. The change that calls for it is stored already and stays, whatever comes of this."""
    try:
        request_run(connection_id, trigger="setup", actor=actor)
    except (ServiceError, PMSError) as error:
        log.warning("no run was queued", extra={"connection_id": connection_id, "code": error.code})
