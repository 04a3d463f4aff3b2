"""The clinic's hours for the schedule, and the next run of a connection, stored with its reason."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from functools import lru_cache

import holidays
from sqlalchemy import select
from sqlalchemy.orm import Session

from pmsapp.domain.schedule import ClinicHours, Slot, is_too_far, next_slot
from pmsapp.domain.window import day_of
from pmsapp.models import PMSConnection
from pmsapp.services import clinic
from pmsapp.services.clinic import WEEKDAYS, ClinicView

# Connections that are meant to be read by themselves: switched on after their set-up.
ACTIVE = (PMSConnection.sync_enabled.is_(True), PMSConnection.state != "setup")


def hours_of(view: ClinicView, now: datetime) -> ClinicHours:
    """The opening hours with the state's public holidays around `now`."""
    years = (now.year - 1, now.year, now.year + 1)
    weekly = {
        number: (_minutes(times[0]), _minutes(times[1]))
        for number, name in enumerate(WEEKDAYS)
        if (times := view.hours.get(name)) is not None
    }
    public = public_holidays(view.state, years) if view.state else {}
    return ClinicHours(view.time_zone, weekly, frozenset(view.closed_days) | frozenset(public))


def clinic_hours(session: Session, now: datetime) -> ClinicHours:
    """The clinic's opening hours as they stand."""
    return hours_of(clinic.get_clinic(session), now)


@lru_cache(maxsize=64)
def public_holidays(state: str, years: tuple[int, ...]) -> dict[date, str]:
    """Public holidays of an Australian state or territory: day -> name."""
    return dict(holidays.country_holidays("AU", subdiv=state, years=years))


def coming_holidays(view: ClinicView, now: datetime, most: int = 3) -> list[tuple[date, str]]:
    """The next public holidays that the clinic keeps: (day, name)."""
    today = day_of(now, view.time_zone)
    known = public_holidays(view.state, (today.year, today.year + 1)) if view.state else {}
    return [(day, known[day]) for day in sorted(known) if day >= today][:most]


def why_closed(session: Session, day: date) -> str | None:
    """Why the clinic is closed on a day, in a word or two; None when it is open."""
    return why_closed_at(clinic.get_clinic(session), day)


def why_closed_at(view: ClinicView, day: date) -> str | None:
    """The same, of a clinic that was read already."""
    if view.state and (name := public_holidays(view.state, (day.year,)).get(day)):
        return name
    if day in view.closed_days:
        return "closed day"
    return None if view.hours.get(WEEKDAYS[day.weekday()]) else "closed on this weekday"


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


def anything_to_do(session: Session, now: datetime) -> bool:
    """True when a connection is due or has lost its plan. Reads only."""
    active = [one for one in session.scalars(select(PMSConnection).where(*ACTIVE)) if not _rests(one, now)]
    return any(
        one.next_sync_at is None or one.next_sync_at <= now or is_lost(session, one, now) for one in active
    )


def mend(session: Session, now: datetime) -> int:
    """Plan anew every connection that is on and not paused but has no next run, or one further away than any rule
    allows (the clock was put back, the hours changed). Returns how many; inside the caller's write transaction."""
    lost = [
        one for one in session.scalars(select(PMSConnection).where(*ACTIVE)) if is_lost(session, one, now)
    ]
    for one in lost:
        plan_next(session, one, now)
    return len(lost)


def is_lost(session: Session, one: PMSConnection, now: datetime) -> bool:
    """True when an active connection's next run is missing or too far ahead. A pause and a wait that the vendor
    asked for have an end of their own and are not lost."""
    if _rests(one, now):
        return False
    if one.next_sync_at is None:
        return True
    if one.not_before is not None and now < one.next_sync_at <= one.not_before:
        return False
    period = timedelta(minutes=one.sync_frequency_minutes)
    return is_too_far(one.next_sync_at, now, period, clinic_hours(session, now))


def _rests(one: PMSConnection, now: datetime) -> bool:
    return one.paused_until is not None and one.paused_until > now


def _minutes(text: str) -> int:
    hours, minutes = text.split(":")
    return int(hours) * 60 + int(minutes)
