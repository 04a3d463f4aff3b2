"""Which days anybody may ask for: as long as cards are kept, and one year ahead. Anything else is a slip."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from sqlalchemy.orm import Session

from pmsapp.domain.window import day_of
from pmsapp.services.base.errors import Invalid
from pmsapp.services.clinic import clinic

KEPT = timedelta(days=7 * 366)
AHEAD = timedelta(days=366)
SENTENCE = "Choose a day of the last seven years or of the year ahead."


def is_within(day: date, session: Session | None = None) -> bool:
    """True for a day that a sheet may be shown for, a card may stand on and a run may read."""
    today = clinic.today(session)
    return today - KEPT <= day <= today + AHEAD


def check(day: date | None, *, field: str = "date", session: Session | None = None) -> None:
    """Raise Invalid, naming `field`, for a day out of bounds; None is no day and passes."""
    if day is not None and not is_within(day, session):
        raise Invalid({field: SENTENCE})


def check_instant(at: datetime, *, field: str, session: Session | None = None) -> None:
    """The same for an instant, by its clinic-local day. The instant's year is sane already."""
    check(day_of(at, clinic.time_zone(session)), field=field, session=session)
