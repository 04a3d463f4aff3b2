"""The clinic's calendar for services: its zone and its today."""

from __future__ import annotations

from datetime import date

from sqlalchemy.orm import Session

from pmsapp import clock
from pmsapp.domain.window import day_of, days_ahead
from pmsapp.extensions import current_settings
from pmsapp.services import clinic


def clinic_zone(session: Session) -> str:
    """The clinic's own zone; the server's setting until the clinic is set up."""
    return clinic.time_zone(session)


def today(session: Session) -> date:
    """The clinic's current day."""
    return day_of(clock.now(), clinic_zone(session))


def days_to_read(session: Session) -> list[date]:
    """Today first, then the look-ahead."""
    return days_ahead(today(session), current_settings().lookahead_days)
