"""Clinic-local days as half-open UTC intervals. The only place where days are cut."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache, lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

AUSTRALIAN_ZONES = (
    "Australia/Sydney",
    "Australia/Melbourne",
    "Australia/Hobart",
    "Australia/Brisbane",
    "Australia/Lindeman",
    "Australia/Adelaide",
    "Australia/Broken_Hill",
    "Australia/Darwin",
    "Australia/Perth",
    "Australia/Eucla",
    "Australia/Lord_Howe",
    "Antarctica/Macquarie",
)


def is_zone(name: str) -> bool:
    """True when `name` is an IANA zone this machine knows."""
    return name in _zones()


@cache
def _zones() -> frozenset[str]:
    """Looked up once per process: it reads the whole folder of zones."""
    return frozenset(available_timezones())


def utc_text(instant: datetime) -> str:
    """An aware instant as fixed-width UTC text that sorts like the instant."""
    return instant.astimezone(UTC).isoformat(timespec="microseconds")


def instant_of(text: str | None) -> datetime | None:
    """The instant that `utc_text` wrote; None stays None."""
    return datetime.fromisoformat(text) if text else None


def local_time(instant: datetime, zone: str) -> datetime:
    """The wall-clock time of an aware instant in `zone`, for showing it. Never raises, whatever is stored: at the very
    edge of the calendar, or in a zone this machine does not know, the instant keeps its own offset."""
    try:
        return instant.astimezone(ZoneInfo(zone))
    except (OverflowError, ValueError, OSError, ZoneInfoNotFoundError):
        return instant


@lru_cache(maxsize=4096)
def day_of(instant: datetime, zone: str) -> date:
    """The local calendar day of an aware instant in `zone`."""
    try:
        return instant.astimezone(ZoneInfo(zone)).date()
    except OverflowError:  # at the very edge of the calendar
        return instant.date()


def day_start(day: date, zone: str) -> datetime:
    """The first instant of a local day, in UTC. Where midnight does not exist, the first instant that does."""
    return datetime.combine(day, time(0), ZoneInfo(zone)).astimezone(UTC)


def local_to_utc(naive: datetime, zone: str) -> tuple[datetime, bool]:
    """Read a wall-clock time in `zone`. Returns (UTC instant, odd).

    `odd` is True when that wall-clock time does not exist that day or exists twice; the earlier reading is used.
    """
    tz = ZoneInfo(zone)
    early = naive.replace(tzinfo=tz, fold=0)
    late = naive.replace(tzinfo=tz, fold=1)
    return early.astimezone(UTC), early.utcoffset() != late.utcoffset()


@dataclass(frozen=True, slots=True)
class SyncWindow:
    """One clinic-local day, `[start_at, end_at)` in UTC; 23 or 25 hours long on change-over days."""

    day: date
    zone: str

    @property
    def start_at(self) -> datetime:
        return day_start(self.day, self.zone)

    @property
    def end_at(self) -> datetime:
        return day_start(self.day + timedelta(days=1), self.zone)

    def holds(self, instant: datetime) -> bool:
        """True when the aware instant lies inside the day."""
        return self.start_at <= instant < self.end_at

    def widened(self, by: timedelta) -> tuple[datetime, datetime]:
        """The bounds to ask a vendor for: `by` earlier and later, because vendors disagree on inclusiveness."""
        return self.start_at - by, self.end_at + by


def days_ahead(first: date, count: int) -> list[date]:
    """`first` and the `count` days after it, in order."""
    return [first + timedelta(days=n) for n in range(count + 1)]
