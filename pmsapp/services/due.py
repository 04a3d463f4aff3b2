"""What the scheduler has to see to, read from the database alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import exists, or_, select, update
from sqlalchemy.orm import aliased

from pmsapp import clock
from pmsapp.models import ScheduledTask, SyncRun
from pmsapp.services.transaction import reading, writing


@dataclass(frozen=True, slots=True)
class WaitingRun:
    """A queued run that may start now. `requested_at` tells how long its bell went unheard."""

    id: int
    connection_id: int
    requested_at: datetime


def waiting_runs(*, for_at_least_s: float) -> list[WaitingRun]:
    """Queued runs that may start (no run of their connection is going, no vendor asked to wait), oldest first."""
    now = clock.now()
    other = aliased(SyncRun)
    going = exists().where(other.connection_id == SyncRun.connection_id, other.status == "running")
    query = (
        select(SyncRun.id, SyncRun.connection_id, SyncRun.requested_at)
        .where(
            SyncRun.status == "queued",
            SyncRun.requested_at <= now - timedelta(seconds=for_at_least_s),
            or_(SyncRun.not_before.is_(None), SyncRun.not_before <= now),
            ~going,
        )
        .order_by(SyncRun.id)
    )
    with reading() as session:
        return [WaitingRun(*row) for row in session.execute(query)]


def declare(tasks: Sequence[tuple[str, timedelta]]) -> None:
    """Make the table of periodic tasks agree with the declared list: new ones are due now, unknown ones go."""
    now = clock.now()
    names = [name for name, _ in tasks]
    with writing() as session:
        known = {row.name: row for row in session.scalars(select(ScheduledTask))}
        for name, row in known.items():
            if name not in names:
                session.delete(row)
        for name, every in tasks:
            found = known.get(name)
            if found is None:
                session.add(ScheduledTask(name=name, due_at=now))
            elif found.due_at > now + every:  # the interval became shorter, or the clock went back
                found.due_at = now + every


def take(name: str, every: timedelta) -> bool:
    """True for exactly one caller when the task is due: its next time is set in the same transaction.

    A task nobody has declared yet (no scheduler ever ran) is due at once.
    """
    now = clock.now()
    with writing() as session:
        taken = session.execute(
            update(ScheduledTask)
            .where(ScheduledTask.name == name, ScheduledTask.due_at <= now)
            .values(due_at=now + every, last_started_at=now)
            .returning(ScheduledTask.id)
        ).first()
        if (
            taken is None
            and session.scalar(select(ScheduledTask.id).where(ScheduledTask.name == name)) is None
        ):
            session.add(ScheduledTask(name=name, due_at=now + every, last_started_at=now))
            return True
    return taken is not None


def ended(name: str, result: str) -> None:
    """Note how a periodic task ended: "ok", or the name of the error."""
    with writing() as session:
        session.execute(
            update(ScheduledTask)
            .where(ScheduledTask.name == name)
            .values(last_ended_at=clock.now(), last_result=result[:200])
        )
