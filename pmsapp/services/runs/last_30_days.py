"""The last thirty days of a connection, day by day: how its updates ended, how long they took, how old the data got."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from statistics import median

from sqlalchemy import select

from pmsapp import clock
from pmsapp.domain.schedule import BEFORE_OPENING, ClinicHours
from pmsapp.domain.window import day_of, day_start
from pmsapp.models import SyncRun
from pmsapp.services.base.transaction import reading
from pmsapp.services.clinic import clinic
from pmsapp.services.clinic.opening_hours import hours_of

DAYS = 30
HELD = "held"
# In this order they are drawn and told.
OUTCOMES = ("success", HELD, "partial", "failed", "stopped")
_STOPPED = ("interrupted", "cancelled")


@dataclass(frozen=True, slots=True)
class DayOfRuns:
    """One clinic day. `outcomes`: how many updates ended how, by `OUTCOMES`. `oldest_s`: how old the data got at most
    while the clinic was open; None on a closed day, or where nothing had been read yet."""

    day: date
    outcomes: Mapping[str, int]
    usual_s: float | None
    longest_s: float | None
    oldest_s: float | None
    is_closed: bool


@dataclass(frozen=True, slots=True)
class _Ended:
    status: str
    at: datetime
    took_s: float


def of_connection(connection_id: int) -> tuple[DayOfRuns, ...]:
    """Oldest first; the last one is today."""
    now = clock.now()
    with reading() as session:
        view = clinic.get_clinic(session)
        zone = view.time_zone
        today = day_of(now, zone)
        first = day_start(today - timedelta(days=DAYS - 1), zone)
        run = SyncRun
        rows = session.execute(
            select(run.status, run.error_code, run.started_at, run.completed_at)
            .where(
                run.pms_connection_id == connection_id,
                run.dry_run.is_(False),
                run.started_at.is_not(None),
                run.completed_at >= first - timedelta(days=4),
                run.completed_at <= now,
            )
            .order_by(run.completed_at)
        ).all()
    ended = [
        _Ended(
            _outcome(row.status, row.error_code),
            row.completed_at,
            max(0.0, (row.completed_at - row.started_at).total_seconds()),
        )
        for row in rows
    ]
    hours = hours_of(view, now)
    days = [today - timedelta(days=back) for back in reversed(range(DAYS))]
    return tuple(_day(day, ended, hours, now) for day in days)


def _outcome(status: str, code: str | None) -> str:
    if status == "partial" and code == "REMOVE-HELD":
        return HELD
    return "stopped" if status in _STOPPED else status


def _day(day: date, ended: Sequence[_Ended], hours: ClinicHours, now: datetime) -> DayOfRuns:
    begins, ends = day_start(day, hours.zone), day_start(day + timedelta(days=1), hours.zone)
    own = [run for run in ended if begins <= run.at < ends]
    took = [run.took_s for run in own]
    opening = hours.opening(day)
    return DayOfRuns(
        day,
        Counter(run.status for run in own),
        median(took) if took else None,
        max(took) if took else None,
        _oldest_s(ended, opening, now) if opening else None,
        opening is None,
    )


def _oldest_s(ended: Sequence[_Ended], opening: tuple[datetime, datetime], now: datetime) -> float | None:
    """The greatest age of the data between opening and closing, or now; age from before the doors opened counts from
    half an hour before, when the first update of the day is due."""
    opens, closes = opening[0], min(opening[1], now)
    if closes <= opens:
        return None
    read = [run.at for run in ended if run.status in ("success", HELD) and run.at < closes]
    if not read:
        return None
    earlier = [at for at in read if at < opens]
    known = max(earlier[-1], opens - BEFORE_OPENING) if earlier else None
    ages = []
    for at in [*(at for at in read if at >= opens), closes]:
        if known is not None:
            ages.append((at - known).total_seconds())
        known = at
    return max(ages, default=None)
