"""The runs of the last day, for the health page: when each ended, how it went, how long it took."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select

from pmsapp import clock
from pmsapp.domain.ages import CLOCK_SLACK
from pmsapp.models import SyncRun
from pmsapp.services.base.transaction import reading

DAY = timedelta(hours=24)
MOST = 2000


@dataclass(frozen=True, slots=True)
class EndedRun:
    """One run that is over. `read_everything`: the data was fresh when it ended."""

    connection_id: int
    status: str
    ended_at: datetime
    took_s: float

    @property
    def read_everything(self) -> bool:
        """True when every list was read."""
        return self.status == "success"


def of_last_day() -> dict[int, list[EndedRun]]:
    """Connection id -> its runs of the last 24 hours, oldest first."""
    since = clock.now() - DAY
    found: dict[int, list[EndedRun]] = {}
    query = (
        select(SyncRun.pms_connection_id, SyncRun.status, SyncRun.started_at, SyncRun.completed_at)
        .where(
            SyncRun.completed_at.between(since, since + DAY + CLOCK_SLACK),
            SyncRun.dry_run.is_(False),
            SyncRun.started_at.is_not(None),
        )
        .order_by(SyncRun.completed_at.desc(), SyncRun.id.desc())
        .limit(MOST)
    )
    with reading() as session:
        for row in session.execute(query):
            took_s = max(0.0, (row.completed_at - row.started_at).total_seconds())
            run = EndedRun(row.pms_connection_id, row.status, row.completed_at, took_s)
            found.setdefault(run.connection_id, []).insert(0, run)
    return found
