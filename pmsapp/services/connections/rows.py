"""Small steps on a connection's row that several use-cases share. Each runs inside the caller's transaction."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from pmsapp.adapters.base import ConnectionCheck
from pmsapp.domain import sync_state
from pmsapp.domain.errors import PMSError, ReconnectRequiredError
from pmsapp.domain.sync_state import ConnectionState
from pmsapp.models import PMSConnection
from pmsapp.services.base.errors import NotFound
from pmsapp.services.connections import same_practice


def get_row(session: Session, connection_id: int, *, lock: bool = False) -> PMSConnection:
    """The row, locked where the database locks rows. Raises NotFound."""
    query = select(PMSConnection).where(PMSConnection.id == connection_id)
    row = session.scalar(query.with_for_update() if lock else query)
    if row is None:
        raise NotFound("connection")
    return row


def learn(row: PMSConnection, found: ConnectionCheck) -> None:
    """Keep what the vendor said about the practice; a time zone that somebody chose stays."""
    same_practice.learn_marks(row, found)
    row.practice_name = found.practice_name or row.practice_name
    if found.time_zone and not row.time_zone_chosen:
        row.time_zone = found.time_zone


def forget_error(row: PMSConnection) -> None:
    """What kept the connection from working is gone: nobody has to act any more."""
    if row.state != ConnectionState.SETUP:
        row.state = ConnectionState.OK.value
    row.last_error_code = row.last_sync_error = None
    row.failures_in_row = 0


def note_error(row: PMSConnection, error: PMSError) -> None:
    """Note what a person has to settle. Other faults are left to the next run, which decides about them."""
    if not isinstance(error, ReconnectRequiredError):
        return
    row.last_error_code, row.last_sync_error = error.code, error.message
    if row.state != ConnectionState.SETUP:
        row.state = sync_state.state_after_error(error.code).value
