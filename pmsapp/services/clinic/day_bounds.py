"""Which days anybody may ask for: as long as cards are kept, and one year ahead. Anything else is a slip.

The bounds need no database: whose day it is somewhere in the world is near enough for years.
"""

from __future__ import annotations

from datetime import date, timedelta

from pmsapp import clock
from pmsapp.services.base.errors import Invalid

KEPT = timedelta(days=7 * 366)
AHEAD = timedelta(days=367)
SENTENCE = "Choose a day of the last seven years or of the year ahead."


def is_within(day: date) -> bool:
    """True for a day that a sheet may be shown for, a card may stand on and a run may read."""
    today = clock.now().date()
    return today - KEPT <= day <= today + AHEAD


def check(day: date | None, *, field: str = "date") -> None:
    """Raise Invalid, naming `field`, for a day out of bounds; None is no day and passes."""
    if day is not None and not is_within(day):
        raise Invalid({field: SENTENCE})
