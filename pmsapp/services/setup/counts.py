"""Numbers for a person who is about to change a connection: what stays, and what each choice would do."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, select

from pmsapp.domain.appointment import Presence
from pmsapp.models import RunSheet, RunSheetAppointment, RunSheetOverride
from pmsapp.models.upsert import table_of
from pmsapp.services.base.transaction import reading
from pmsapp.services.clinic import clinic
from pmsapp.services.sheet.stored_cards import IN_FORCE

_CARDS = table_of(RunSheetAppointment)
_SHEETS = table_of(RunSheet)
_EDITS = table_of(RunSheetOverride)


def edited_cards(connection_id: int) -> int:
    """How many of its cards from today on staff have typed over."""
    with reading() as session:
        return (
            session.scalar(
                select(func.count(func.distinct(_CARDS.c.id)))
                .join(_SHEETS, _SHEETS.c.id == _CARDS.c.run_sheet_id)
                .join(_EDITS, _EDITS.c.appointment_id == _CARDS.c.id)
                .where(
                    _CARDS.c.pms_connection_id == connection_id,
                    _EDITS.c.state.in_(IN_FORCE),
                    _SHEETS.c.date >= clinic.today(session),
                )
            )
            or 0
        )


@dataclass(frozen=True, slots=True)
class Leaving:
    """What disconnecting would touch from today on: cards in view, cards not shown, and those with work of staff."""

    in_view: int
    not_shown: int
    edited: int


def leaving(connection_id: int) -> Leaving:
    """How many of its cards from today on each choice is about."""
    seen = (Presence.ON_SHEET.value, Presence.HELD.value)
    with reading() as session:
        rows = session.execute(
            select(_CARDS.c.presence.in_(seen).label("is_seen"), func.count().label("cards"))
            .join(_SHEETS, _SHEETS.c.id == _CARDS.c.run_sheet_id)
            .where(_CARDS.c.pms_connection_id == connection_id, _SHEETS.c.date >= clinic.today(session))
            .group_by(_CARDS.c.presence.in_(seen))
        ).all()
    found = {bool(row.is_seen): row.cards for row in rows}
    return Leaving(found.get(True, 0), found.get(False, 0), edited_cards(connection_id))
