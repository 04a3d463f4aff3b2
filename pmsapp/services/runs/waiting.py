"""Queued runs that may start now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache

from sqlalchemy import Select, bindparam, exists, or_, select
from sqlalchemy.orm import aliased

from pmsapp import clock
from pmsapp.domain.ages import CLOCK_SLACK
from pmsapp.domain.schedule import LONGEST_VENDOR_WAIT
from pmsapp.models import SyncRun
from pmsapp.services.base.transaction import reading


@dataclass(frozen=True, slots=True)
class WaitingRun:
    """A queued run that may start now. `requested_at` tells how long it has waited."""

    id: int
    connection_id: int
    requested_at: datetime


def waiting_runs(*, for_at_least_s: float) -> list[WaitingRun]:
    """Queued runs that may start (no run of their connection is going, no vendor asked to wait), oldest first."""
    now = clock.now()
    times = {
        "now": now,
        "asked_until": now - timedelta(seconds=for_at_least_s),
        "ahead": now + CLOCK_SLACK,
        "far_ahead": now + LONGEST_VENDOR_WAIT + CLOCK_SLACK,
    }
    with reading() as session:
        return [WaitingRun(*row) for row in session.execute(_waiting(), times)]


@cache
def _waiting() -> Select[int, int, datetime]:
    """The question of every tick of the scheduler, put together once."""
    other = aliased(SyncRun)
    going = exists().where(other.pms_connection_id == SyncRun.pms_connection_id, other.status == "running")
    return (
        select(SyncRun.id, SyncRun.pms_connection_id, SyncRun.requested_at)
        .where(
            SyncRun.status == "queued",
            or_(
                SyncRun.requested_at <= bindparam("asked_until"),
                SyncRun.requested_at > bindparam("ahead"),  # the clock was put back since
            ),
            or_(
                SyncRun.not_before.is_(None),
                SyncRun.not_before <= bindparam("now"),
                SyncRun.not_before > bindparam("far_ahead"),
            ),
            ~going,
        )
        .order_by(SyncRun.id)
    )
