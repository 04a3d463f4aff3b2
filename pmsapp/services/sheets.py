"""The days themselves: made when first needed, and their version grows with every visible change."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from pmsapp.models import RunSheet
from pmsapp.models.upsert import upsert


def ensure(session: Session, days: Iterable[date], now: datetime) -> dict[date, int]:
    """The sheet ids of `days`, made where they are missing. Inside the caller's write transaction."""
    wanted = sorted(set(days))
    found = _ids(session, wanted)
    missing = [day for day in wanted if day not in found]
    if missing:
        rows = [
            {"date": day, "status": "open", "version": 1, "created_at": now, "updated_at": now}
            for day in missing
        ]
        upsert(session, RunSheet, rows, keys=["date"], update=[])
        found = _ids(session, wanted)
    return found


def bump(session: Session, days: Iterable[date], now: datetime) -> None:
    """Let the version of `days` grow, so that every reader sees that something changed."""
    wanted = sorted(set(days))
    if wanted:
        session.execute(
            update(RunSheet)
            .where(RunSheet.date.in_(wanted))
            .values(version=RunSheet.version + 1, updated_at=now)
            .execution_options(synchronize_session=False)
        )


def dates_of(session: Session, sheet_ids: Iterable[int]) -> set[date]:
    """The days of these sheets."""
    wanted = sorted(set(sheet_ids))
    return set(session.scalars(select(RunSheet.date).where(RunSheet.id.in_(wanted)))) if wanted else set()


def _ids(session: Session, days: list[date]) -> dict[date, int]:
    if not days:
        return {}
    return {
        row.date: row.id
        for row in session.execute(select(RunSheet.date, RunSheet.id).where(RunSheet.date.in_(days)))
    }
