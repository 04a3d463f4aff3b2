"""The clinic's hours for the schedule, and the next run of a connection, stored with its reason."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from functools import lru_cache

import holidays
from sqlalchemy.orm import Session

from pmsapp.domain.schedule import ClinicHours
from pmsapp.domain.window import day_of
from pmsapp.services.clinic import clinic
from pmsapp.services.clinic.clinic import WEEKDAYS, ClinicView


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


def next_open_day(view: ClinicView, after: date) -> date | None:
    """The first day after `after` on which the clinic is open; None where there is none within a month."""
    days = (after + timedelta(days=number) for number in range(1, 32))
    return next((day for day in days if why_closed_at(view, day) is None), None)


def _minutes(text: str) -> int:
    hours, minutes = text.split(":")
    return int(hours) * 60 + int(minutes)
