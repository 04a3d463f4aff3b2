"""When a connection is read next, stored with its reason."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import bindparam, exists, select
from sqlalchemy.orm import Session

from pmsapp.domain.actor import SCHEDULE
from pmsapp.domain.ages import holds
from pmsapp.domain.schedule import LONGEST_VENDOR_WAIT, Slot, is_too_far, next_slot
from pmsapp.models import PMSConnection
from pmsapp.services.base import audit
from pmsapp.services.clinic import clinic
from pmsapp.services.clinic.opening_hours import clinic_hours, hours_of

# Connections that are meant to be read by themselves: switched on after their set-up.
ACTIVE = (PMSConnection.sync_enabled.is_(True), PMSConnection.state != "setup")
# Switched off after their set-up; `paused_until` says until when.
_OFF = (PMSConnection.sync_enabled.is_(False), PMSConnection.state != "setup")
# What every tick of the scheduler asks, put together once.
_HAS_PAUSED = select(exists().where(*_OFF, PMSConnection.paused_until <= bindparam("now")))
_ALL_ACTIVE = select(PMSConnection).where(*ACTIVE)


def slot_after(session: Session, connection: PMSConnection, now: datetime) -> Slot:
    """The connection's next slot, in the clinic's hours and with this installation's jitter."""
    view = clinic.get_clinic(session)
    period = timedelta(minutes=connection.sync_frequency_minutes)
    return next_slot(now, period, hours_of(view, now), timedelta(seconds=view.jitter_s))


def plan_next(session: Session, connection: PMSConnection, now: datetime) -> None:
    """Store the next slot and its reason; none while updates are off, the end of the pause while it lasts."""
    if not connection.sync_enabled:
        connection.next_sync_at, connection.next_sync_reason = None, None
    elif _rests(connection, now):
        connection.next_sync_at, connection.next_sync_reason = connection.paused_until, "when the pause ends"
    else:
        slot = slot_after(session, connection, now)
        connection.next_sync_at, connection.next_sync_reason = slot.at, slot.reason


def switch_on_again(session: Session, now: datetime) -> None:
    """Switch on whatever was switched off until now: nothing stays off for ever because somebody forgot it."""
    over = select(PMSConnection).where(*_OFF, PMSConnection.paused_until <= now)
    for row in session.scalars(over.with_for_update(skip_locked=True)):
        row.sync_enabled = True
        row.paused_until = row.paused_by = row.paused_reason = None
        plan_next(session, row, now)
        row.updated_at = now
        audit.record(session, SCHEDULE, "connection.switched_on", f"connection:{row.id}")


def anything_to_do(session: Session, now: datetime) -> bool:
    """True when a connection is due, has lost its plan, or was switched off until now. Reads only."""
    if session.scalar(_HAS_PAUSED, {"now": now}):
        return True
    active = [connection for connection in session.scalars(_ALL_ACTIVE) if not _rests(connection, now)]
    return any(
        connection.next_sync_at is None or connection.next_sync_at <= now or is_lost(session, connection, now)
        for connection in active
    )


def mend(session: Session, now: datetime) -> int:
    """Plan anew every connection that is on and not paused but has no next run, or one further away than any rule
    allows (the clock was put back, the hours changed). Returns how many; inside the caller's write transaction.

    One that somebody holds just now is left for the next time.
    """
    lost = [row.id for row in session.scalars(_ALL_ACTIVE) if is_lost(session, row, now)]
    if not lost:
        return 0
    unheld = _ALL_ACTIVE.where(PMSConnection.id.in_(lost)).with_for_update(skip_locked=True)
    free = session.scalars(unheld, execution_options={"populate_existing": True}).all()
    for connection in free:
        plan_next(session, connection, now)
    return len(free)


def is_lost(session: Session, connection: PMSConnection, now: datetime) -> bool:
    """True when an active connection's next run is missing or too far ahead. A pause and a wait that the vendor
    asked for have an end of their own and are not lost."""
    if _rests(connection, now):
        return False
    if connection.next_sync_at is None:
        return True
    waits = holds(connection.not_before, now, LONGEST_VENDOR_WAIT)
    if waits and connection.not_before is not None and now < connection.next_sync_at <= connection.not_before:
        return False
    period = timedelta(minutes=connection.sync_frequency_minutes)
    return is_too_far(connection.next_sync_at, now, period, clinic_hours(session, now))


def _rests(connection: PMSConnection, now: datetime) -> bool:
    return connection.paused_until is not None and connection.paused_until > now
