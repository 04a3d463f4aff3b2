"""Signs of life of the long-running processes: scheduler and worker."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select, update

from pmsapp import clock
from pmsapp.domain.ages import is_within
from pmsapp.models import ProcessBeat
from pmsapp.services.base.transaction import reading, writing

SCHEDULER = "scheduler"
WORKER = "worker"
ALIVE_WITHIN = timedelta(seconds=90)


@dataclass(frozen=True, slots=True)
class Beat:
    """A process's last sign of life."""

    name: str
    pid: int
    at: datetime
    started_at: datetime

    @property
    def is_alive(self) -> bool:
        """True when the sign is recent; one that lies ahead says nothing."""
        return is_within(self.at, clock.now(), ALIVE_WITHIN)


def beat(name: str) -> None:
    """Note that the calling process lives. A new process id means it was started anew."""
    now, pid = clock.now(), os.getpid()
    with writing() as session:
        row = session.scalar(select(ProcessBeat).where(ProcessBeat.name == name))
        if row is None:
            session.add(ProcessBeat(name=name, pid=pid, at=now, started_at=now))
            return
        started_at = row.started_at if row.pid == pid else now
        session.execute(
            update(ProcessBeat).where(ProcessBeat.name == name).values(pid=pid, at=now, started_at=started_at)
        )


def list_beats() -> list[Beat]:
    """The last sign of life of every process that ever gave one, by name."""
    with reading() as session:
        rows = session.scalars(select(ProcessBeat).order_by(ProcessBeat.name))
        return [Beat(row.name, row.pid, row.at, row.started_at) for row in rows]


def get_beat(name: str) -> Beat | None:
    """The last sign of life of one process."""
    return next((beat for beat in list_beats() if beat.name == name), None)
