"""One writer per connection: a lease in the database with a heartbeat and a fence that only grows.

Every write transaction of a run first checks its fence. A worker that stalled and woke up after its lease was
taken over finds a higher fence and writes nothing.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from contextvars import copy_context
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Select, bindparam, or_, select, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from pmsapp import clock
from pmsapp.domain.ages import holds
from pmsapp.domain.schedule import LONGEST_VENDOR_WAIT
from pmsapp.domain.sync.run_status import error_details
from pmsapp.domain.sync_state import RunStatus
from pmsapp.models import PMSConnection, SyncRun
from pmsapp.models.upsert import table_of
from pmsapp.services.base.transaction import reading, writing

log = logging.getLogger(__name__)

HEARTBEAT_EVERY_S = 2.0
GRACE_S = 1.5
LEASE_LASTS = timedelta(seconds=60)
RUN_CEILING_S = 600.0


_CONNECTIONS, _RUNS = table_of(PMSConnection), table_of(SyncRun)
_MINE = (
    select(_CONNECTIONS.c.fence, _RUNS.c.status, _RUNS.c.cancel_requested_at)
    .join(_RUNS, _RUNS.c.pms_connection_id == _CONNECTIONS.c.id)
    .where(_CONNECTIONS.c.id == bindparam("connection_id"), _RUNS.c.id == bindparam("run_id"))
    .with_for_update(of=_CONNECTIONS)
)


class FencedOutError(Exception):
    """Another run took the lease, or this one was ended from outside: nothing may be written any more."""


class CancelledError(Exception):
    """Somebody asked this run to stop."""


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to write for one connection, held by one run."""

    run_id: int
    connection_id: int
    fence: int

    def check(self, session: Session) -> None:
        """Inside a write transaction, before anything else. Raises FencedOutError or CancelledError."""
        mine = {"connection_id": self.connection_id, "run_id": self.run_id}
        row = session.execute(_MINE, mine).one_or_none()
        if row is None or row.fence != self.fence or row.status != "running":
            raise FencedOutError
        if row.cancel_requested_at is not None:
            raise CancelledError


def claim(run_id: int, now: datetime) -> Lease | None:
    """Turn a queued run into the running one. None when it is not queued, must wait, or another run holds the lease."""
    with writing() as session:
        connection_id = session.scalar(select(SyncRun.pms_connection_id).where(SyncRun.id == run_id))
        session.execute(select(PMSConnection.id).where(PMSConnection.id == connection_id).with_for_update())
        run = session.execute(
            select(SyncRun.status, SyncRun.not_before).where(SyncRun.id == run_id)
        ).one_or_none()
        if connection_id is None or run is None or run.status != "queued":
            return None
        if holds(run.not_before, now, LONGEST_VENDOR_WAIT):
            return None
        close_lapsed(session, now, connection_id)
        busy = session.scalar(
            select(SyncRun.id).where(SyncRun.pms_connection_id == connection_id, SyncRun.status == "running")
        )
        if busy is not None:
            return None
        fence = session.scalar(
            update(PMSConnection)
            .where(PMSConnection.id == connection_id)
            .values(fence=PMSConnection.fence + 1)
            .returning(PMSConnection.fence)
        )
        if fence is None:
            return None
        session.execute(
            update(SyncRun)
            .where(SyncRun.id == run_id)
            .values(status="running", started_at=now, heartbeat_at=now, fence=fence)
        )
        return Lease(run_id, connection_id, fence)


def close_lapsed(session: Session, now: datetime, connection_id: int) -> int:
    """Mark the connection's running rows without a recent heartbeat as interrupted, and raise the fence against their
    workers."""
    rows = session.execute(_lapsed(now).where(SyncRun.pms_connection_id == connection_id)).all()
    for row in rows:
        interrupt(session, row.id, row.pms_connection_id, now)
    return len(rows)


def _lapsed(now: datetime) -> Select[int, int]:
    """Running rows without a recent heartbeat. One far ahead of now was written before the clock went back: its worker
    is asked to prove itself too."""
    return select(SyncRun.id, SyncRun.pms_connection_id).where(
        SyncRun.status == "running",
        or_(SyncRun.heartbeat_at < now - LEASE_LASTS, SyncRun.heartbeat_at > now + LEASE_LASTS),
    )


def interrupt(session: Session, run_id: int, connection_id: int, now: datetime) -> None:
    """Mark a running run as interrupted and raise the fence against whoever does it."""
    session.execute(
        update(PMSConnection).where(PMSConnection.id == connection_id).values(fence=PMSConnection.fence + 1)
    )
    session.execute(
        update(SyncRun)
        .where(SyncRun.id == run_id)
        .values(
            status="interrupted",
            completed_at=now,
            error_code="RUN-INTERRUPTED",
            error_message="The update stopped half way",
            error_details=error_details("RUN-INTERRUPTED", ()),
        )
    )


class Heartbeat:
    """Keeps a lease alive from a thread of its own and notices a cancellation.

    `stop` is called once, from that thread, when the run should end. `give_up` is called after it when somebody
    cancelled the run and it has not ended `GRACE_S` later: a vendor that does not answer holds nobody up. When
    `process_ends` is set, `hand_back` is called first: the run is left to the next process.
    """

    def __init__(
        self,
        lease: Lease,
        stop: Callable[[], None],
        give_up: Callable[[], None],
        *,
        process_ends: threading.Event | None = None,
        hand_back: Callable[[], None] = lambda: None,
    ) -> None:
        self._lease = lease
        self._stop = stop
        self._give_up = give_up
        self._process_ends = process_ends or threading.Event()
        self._hand_back = hand_back
        self._done = threading.Event()
        self._thread = threading.Thread(
            target=copy_context().run, args=(self._beat,), name=f"heartbeat-{lease.run_id}", daemon=True
        )

    def __enter__(self) -> Heartbeat:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._done.set()
        self._thread.join()

    def _beat(self) -> None:
        while not self._done.wait(HEARTBEAT_EVERY_S):
            try:
                if self._process_ends.is_set():
                    self._hand_back()
                reason = beat_once(self._lease)
            except SQLAlchemyError as error:
                log.warning(
                    "heartbeat missed", extra={"run_id": self._lease.run_id, "error": type(error).__name__}
                )
                continue
            if reason is not None:
                self._stop()
                if reason == "cancelled" and not self._done.wait(GRACE_S):
                    self._give_up()
                return


def beat_once(lease: Lease) -> str | None:
    """One sign of life. Returns why the run should stop, or None."""
    with writing() as session:
        try:
            lease.check(session)
        except FencedOutError:
            return "fenced"
        except CancelledError:
            return "cancelled"
        session.execute(update(SyncRun).where(SyncRun.id == lease.run_id).values(heartbeat_at=clock.now()))
    return None


def sweep_interrupted() -> int:
    """Close runs whose worker is gone; their connection's next run repairs them. Returns how many.

    Each in a transaction of its own: a connection that somebody holds is left for the next sweep, and keeps no other
    one waiting.
    """
    now = clock.now()
    with reading() as session:
        lapsed = session.scalars(_lapsed(now).with_only_columns(SyncRun.pms_connection_id)).all()
    return sum(_close_if_free(connection_id, now) for connection_id in sorted(set(lapsed)))


def _close_if_free(connection_id: int, now: datetime) -> int:
    with writing() as session:
        free = select(PMSConnection.id).where(PMSConnection.id == connection_id)
        if session.execute(free.with_for_update(skip_locked=True)).first() is None:
            return 0
        closed = close_lapsed(session, now, connection_id)
        if closed:
            _repeat_interrupted(session, now)
        return closed


def _repeat_interrupted(session: Session, now: datetime) -> None:
    """Plan the connections of the runs interrupted at `now` for at once."""
    interrupted = select(SyncRun.pms_connection_id).where(
        SyncRun.status == RunStatus.INTERRUPTED.value, SyncRun.completed_at == now
    )
    session.execute(
        update(PMSConnection)
        .where(PMSConnection.sync_enabled.is_(True), PMSConnection.id.in_(interrupted))
        .values(next_sync_at=now, next_sync_reason="repeating the update that stopped half way")
        .execution_options(synchronize_session=False)
    )
