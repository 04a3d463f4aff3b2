"""What the scheduler has to see to, read from the database alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select, update

from pmsapp import clock
from pmsapp.domain.ages import CLOCK_SLACK
from pmsapp.domain.schedule import Rhythm
from pmsapp.models import ScheduledTask
from pmsapp.services.base.transaction import reading, writing
from pmsapp.services.clinic import clinic

FAILED_AGAIN_AFTER = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class TaskView:
    """A periodic task: when it is due, how it went last ("ok", what it found, or the kind of its error)."""

    name: str
    due_at: datetime
    last_started_at: datetime | None
    last_ended_at: datetime | None
    last_result: str | None
    failures: int


def declare(names: Sequence[str], *, keep: Sequence[str] = ()) -> None:
    """Make the table of periodic tasks agree with the declared list: new ones are due now, unknown ones go, and those
    in `keep`, which nobody calls by time, stay as they are."""
    now = clock.now()
    with writing() as session:
        known = {row.name: row for row in session.scalars(select(ScheduledTask))}
        for name, row in known.items():
            if name not in (*names, *keep):
                session.delete(row)
        session.add_all(ScheduledTask(name=name, due_at=now) for name in names if name not in known)


def list_due(rhythms: Mapping[str, Rhythm]) -> list[str]:
    """Names of the tasks that are due, without taking any. One that no rhythm could have planned so far ahead is
    due as well: the clock was put back, or the interval became shorter."""
    now = clock.now()
    with reading() as session:
        zone = clinic.time_zone(session)
        rows = session.execute(select(ScheduledTask.name, ScheduledTask.due_at)).all()
    return [
        row.name
        for row in rows
        if row.name in rhythms
        and (row.due_at <= now or row.due_at > rhythms[row.name].next_after(now, zone) + CLOCK_SLACK)
    ]


def take(name: str, rhythm: Rhythm) -> bool:
    """True for exactly one caller when the task is due: its next time is set in the same transaction.

    A task nobody has declared yet (no scheduler ever ran) is due at once.
    """
    now = clock.now()
    with writing() as session:
        next_at = rhythm.next_after(now, clinic.time_zone(session))
        is_due = (ScheduledTask.due_at <= now) | (ScheduledTask.due_at > next_at + CLOCK_SLACK)
        taken = session.execute(
            update(ScheduledTask)
            .where(ScheduledTask.name == name, is_due)
            .values(due_at=next_at, last_started_at=now)
            .returning(ScheduledTask.id)
        ).first()
        if (
            taken is None
            and session.scalar(select(ScheduledTask.id).where(ScheduledTask.name == name)) is None
        ):
            session.add(ScheduledTask(name=name, due_at=next_at, last_started_at=now))
            return True
    return taken is not None


def ended(name: str, result: str, *, failed: bool = False) -> None:
    """Note how a periodic task ended: "ok", a few words, or the name of the error. One that failed is due again in
    half an hour, so that one bad moment does not cost a day."""
    now = clock.now()
    with writing() as session:
        row = session.scalar(select(ScheduledTask).where(ScheduledTask.name == name))
        if row is None:
            return
        row.last_ended_at, row.last_result = now, result[:200]
        row.failures = row.failures + 1 if failed else 0
        if failed:
            row.due_at = min(row.due_at, now + FAILED_AGAIN_AFTER)


def list_tasks() -> list[TaskView]:
    """Every periodic task there is, by name."""
    with reading() as session:
        rows = session.scalars(select(ScheduledTask).order_by(ScheduledTask.name))
        return [
            TaskView(
                row.name, row.due_at, row.last_started_at, row.last_ended_at, row.last_result, row.failures
            )
            for row in rows
        ]
