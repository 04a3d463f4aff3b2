"""Signs of life of the long-running processes: scheduler and worker."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import bindparam, insert, select, update

from pmsapp import clock
from pmsapp.domain.ages import is_within
from pmsapp.models import ProcessBeat
from pmsapp.models.upsert import table_of
from pmsapp.services.base.transaction import reading, writing

SCHEDULER = "scheduler"
WORKER = "worker"
ALIVE_WITHIN = timedelta(seconds=90)
_BEATS = table_of(ProcessBeat)
_LAST = select(_BEATS.c.pid, _BEATS.c.started_at).where(_BEATS.c.name == bindparam("who"))
_FIRST = insert(_BEATS)
_NEXT = (
    update(_BEATS)
    .where(_BEATS.c.name == bindparam("who"))
    .values(pid=bindparam("by"), at=bindparam("now"), started_at=bindparam("since"))
)


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
        row = session.execute(_LAST, {"who": name}).one_or_none()
        if row is None:
            session.execute(_FIRST, {"name": name, "pid": pid, "at": now, "started_at": now})
            return
        started_at = row.started_at if row.pid == pid else now
        session.execute(_NEXT, {"who": name, "by": pid, "now": now, "since": started_at})


def list_beats() -> list[Beat]:
    """The last sign of life of every process that ever gave one, by name."""
    with reading() as session:
        rows = session.scalars(select(ProcessBeat).order_by(ProcessBeat.name))
        return [Beat(row.name, row.pid, row.at, row.started_at) for row in rows]


def get_beat(name: str) -> Beat | None:
    """The last sign of life of one process."""
    return next((beat for beat in list_beats() if beat.name == name), None)
