"""Numbers for a person who is about to change a connection: what stays, and what each choice would do."""

from __future__ import annotations

from sqlalchemy import func, select

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
