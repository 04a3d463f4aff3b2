"""The days themselves: made when first needed, and their version grows with every visible change."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from pmsapp.models import RunSheet, RunSheetAppointment
from pmsapp.models.upsert import upsert
from pmsapp.services.sheet.stored_cards import chunks


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


def days_of(session: Session, card_ids: Iterable[int]) -> set[date]:
    """Every day that shows something of these cards: the one each stands on, and the one it moved away from."""
    query = select(RunSheet.date, RunSheetAppointment.moved_from_date).join(
        RunSheetAppointment, RunSheetAppointment.run_sheet_id == RunSheet.id
    )
    rows = [
        row
        for part in chunks(card_ids)
        for row in session.execute(query.where(RunSheetAppointment.id.in_(part)))
    ]
    return {day for row in rows for day in row if day is not None}


def _ids(session: Session, days: list[date]) -> dict[date, int]:
    if not days:
        return {}
    return {
        row.date: row.id
        for row in session.execute(select(RunSheet.date, RunSheet.id).where(RunSheet.date.in_(days)))
    }
