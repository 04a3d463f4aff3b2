"""The tests' clock: it stands where a test puts it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

MONDAY_9AM = datetime(2026, 11, 22, 22, 0, tzinfo=UTC)  # Monday 23 November 2026, 09:00 in Melbourne


class FrozenClock:
    """ "Now" for everything that asks `pmsapp.clock`; moves only when told."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def __call__(self) -> datetime:
        return self.at

    def set(self, at: datetime) -> datetime:
        """Jump to an aware instant."""
        self.at = at
        return at

    def advance(self, **by: float) -> datetime:
        """Move on by `timedelta(**by)`, e.g. `advance(minutes=15)`."""
        return self.set(self.at + timedelta(**by))
