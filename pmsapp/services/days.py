"""The clinic's calendar for services: its zone and its today."""

from __future__ import annotations

from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from pmsapp import clock
from pmsapp.domain.window import day_of, days_ahead
from pmsapp.extensions import current_settings
from pmsapp.models import Clinic


def clinic_zone(session: Session) -> str:
    """The clinic's own zone; the server's setting until the clinic is set up."""
    return (
        session.scalar(select(Clinic.time_zone).where(Clinic.id == 1)) or current_settings().clinic_time_zone
    )


def today(session: Session) -> date:
    """The clinic's current day."""
    return day_of(clock.now(), clinic_zone(session))


def days_to_read(session: Session) -> list[date]:
    """Today first, then the look-ahead."""
    return days_ahead(today(session), current_settings().lookahead_days)


def closed_among(session: Session, wanted: list[date]) -> frozenset[date]:
    """Those of `wanted` on which the clinic is closed: a closed weekday or a listed closed day."""
    clinic = session.execute(select(Clinic.hours, Clinic.closed_days).where(Clinic.id == 1)).one_or_none()
    if clinic is None:
        return frozenset()
    hours, listed = clinic.hours or {}, set(clinic.closed_days or [])
    return frozenset(
        day
        for day in wanted
        if day.isoformat() in listed or (hours and hours.get(day.strftime("%a").lower()) is None)
    )
