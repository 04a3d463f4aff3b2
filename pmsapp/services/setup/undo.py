"""Undoing a disconnection within a day: the connection with its login, matches and types, and its cards."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from pmsapp import clock
from pmsapp.adapters.registry import get_info
from pmsapp.domain.actor import Actor
from pmsapp.models import Disconnected, PMSAppointmentType, PMSClinicianMapping, PMSConnection
from pmsapp.models.column_types import from_json
from pmsapp.models.upsert import table_of
from pmsapp.services.base import audit
from pmsapp.services.base.errors import NotFound
from pmsapp.services.base.transaction import reading, writing
from pmsapp.services.connections import reconnect, same_practice
from pmsapp.services.runs import planning
from pmsapp.services.runs import requests as run_requests


@dataclass(frozen=True, slots=True)
class Undoable:
    """A disconnection that can still be undone. `cards`: what was chosen for them (keep, strike, remove)."""

    id: int
    name: str
    pms_label: str
    cards: str
    by: str
    at: datetime
    until: datetime


def list_undoable() -> list[Undoable]:
    """Disconnections of the last day, the latest first."""
    with reading() as session:
        rows = session.scalars(
            select(Disconnected)
            .where(Disconnected.expires_at > clock.now())
            .order_by(Disconnected.at.desc(), Disconnected.id.desc())
        )
        return [
            Undoable(
                row.id,
                row.display_name,
                get_info(row.pms_type).label,
                row.cards,
                row.by,
                row.at,
                row.expires_at,
            )
            for row in rows
        ]


def undo(disconnected_id: int, actor: Actor) -> int:
    """Bring a connection back as it was, and have it read at once. Returns its id.

    Cards that became cards by hand, or were struck through, are its own again, with what staff typed since as edits;
    those that were deleted come back with the update, without what staff had typed. Raises NotFound once the day is
    over, and PracticeConnected when the practice was connected anew meanwhile.
    """
    now = clock.now()
    with writing() as session:
        kept = session.get(Disconnected, disconnected_id)
        if kept is None or kept.expires_at <= now:
            raise NotFound("disconnection")
        row = _bring_back(session, kept.kept)
        same_practice.claim(session, row)
        session.flush()
        taken_back = reconnect.take_back(session, row, now)
        planning.plan_next(session, row, now)
        row.updated_at = now
        session.delete(kept)
        detail = {"pms_type": row.pms_type, "cards_taken_back": taken_back}
        audit.record(session, actor, "connection.disconnect_undone", f"connection:{row.id}", detail)
        connection_id, is_on = row.id, row.sync_enabled
    if is_on:
        run_requests.start(connection_id, actor)
    return connection_id


def _bring_back(session: Session, kept: dict[str, Any]) -> PMSConnection:
    connection = _read(table_of(PMSConnection), kept["connection"]) | {"practice_claim": None}
    session.execute(insert(table_of(PMSConnection)).values(**connection))
    for model, rows in ((PMSClinicianMapping, kept["mappings"]), (PMSAppointmentType, kept["types"])):
        found = [_read(table_of(model), row) for row in rows]
        if found:
            session.execute(insert(table_of(model)), found)
    return session.get_one(PMSConnection, connection["id"])


def _read(table: Any, kept: dict[str, Any]) -> dict[str, Any]:
    """A row as it was. Columns of a later release take their defaults."""
    return {name: from_json(table.c[name].type, value) for name, value in kept.items() if name in table.c}
