"""The clinic's hours for the schedule, and the next run of a connection, stored with its reason."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from functools import lru_cache

import holidays
from sqlalchemy.orm import Session

from pmsapp.domain.schedule import ClinicHours, Slot, next_slot
from pmsapp.models import PMSConnection
from pmsapp.services import clinic
from pmsapp.services.clinic import WEEKDAYS, ClinicView


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


def why_closed(session: Session, day: date) -> str | None:
    """Why the clinic is closed on a day, in a word or two; None when it is open."""
    view = clinic.get_clinic(session)
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
    elif connection.paused_until is not None and connection.paused_until > now:
        connection.next_sync_at, connection.next_sync_reason = connection.paused_until, "when the pause ends"
    else:
        slot = slot_after(session, connection, now)
        connection.next_sync_at, connection.next_sync_reason = slot.at, slot.reason


def _minutes(text: str) -> int:
    hours, minutes = text.split(":")
    return int(hours) * 60 + int(minutes)
