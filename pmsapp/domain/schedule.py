"""When a connection is read next. Pure: the clinic's hours and the time go in, an instant and its reason come out.

In clinic hours every period; outside them hourly; and once half an hour before the doors open. Slots stand on a
fixed grid of UTC, so a run by hand moves nothing, and a machine that slept catches up once, never n times.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta

from pmsapp.domain.runsheet import Freshness, freshness
from pmsapp.domain.window import day_of, day_start, local_to_utc

BEFORE_OPENING = timedelta(minutes=30)
OUTSIDE_HOURS_EVERY = timedelta(minutes=60)
LOOK_AHEAD_DAYS = 14
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class ClinicHours:
    """Opening hours: weekday 0 (Monday) to 6 -> (opens, closes) minutes after midnight; a missing day is closed.

    `closed` are whole days: public holidays and days the clinic listed. Without any hours it never closes.
    """

    zone: str
    weekly: Mapping[int, tuple[int, int]] = field(default_factory=dict)
    closed: frozenset[date] = frozenset()

    def opening(self, day: date) -> tuple[datetime, datetime] | None:
        """The day's first and last open instant, None when it is closed."""
        if not self.weekly:
            return day_start(day, self.zone), day_start(day + timedelta(days=1), self.zone)
        times = self.weekly.get(day.weekday())
        if times is None or day in self.closed:
            return None
        return self._at(day, times[0]), self._at(day, times[1])

    def _at(self, day: date, minutes: int) -> datetime:
        if minutes >= 24 * 60:
            return day_start(day + timedelta(days=1), self.zone)
        return local_to_utc(datetime.combine(day, time(minutes // 60, minutes % 60)), self.zone)[0]


@dataclass(frozen=True, slots=True)
class Slot:
    """The next time to read, and why then, in words a person understands."""

    at: datetime
    reason: str


def is_watched(now: datetime, hours: ClinicHours) -> bool:
    """True in clinic hours, from half an hour before opening."""
    return _watched_until(now, hours) is not None


def next_slot(now: datetime, period: timedelta, hours: ClinicHours, jitter: timedelta = timedelta()) -> Slot:
    """The first slot strictly after `now`.

    `jitter` (less than a period, the same for one installation for ever) shifts every slot.
    """
    until = _watched_until(now, hours)
    if until is not None:
        at = _on_grid(now, period, jitter)
        if at <= until:
            return Slot(at, f"every {int(period.total_seconds() // 60)} minutes in clinic hours")
    slow = max(period, OUTSIDE_HOURS_EVERY)
    hourly = Slot(
        _on_grid(now, slow, jitter),
        "hourly outside clinic hours" if slow <= OUTSIDE_HOURS_EVERY else "outside clinic hours",
    )
    opening = _next_first_read(now, hours, jitter)
    if opening is not None and opening <= hourly.at:
        return Slot(opening, "half an hour before opening")
    return hourly


def aged(as_of: datetime | None, now: datetime, period: timedelta, hours: ClinicHours) -> Freshness:
    """How old data read at `as_of` is: late after one wait without fresh data, stale after two.

    A wait is one period in clinic hours and at least an hour outside them. What was read before the doors opened
    starts to age when the watched time began, so that a quiet night does not look like trouble in the morning.
    """
    if as_of is None:
        return freshness(None, now, period)
    wait = longest_wait(now, period, hours)
    began = _watch_began(now, hours)
    state = freshness(max(as_of, began) if began else as_of, now, wait).state
    return Freshness(as_of, state)


def _watch_began(now: datetime, hours: ClinicHours) -> datetime | None:
    """The start of the watched time that `now` lies in; None outside it, or when the clinic never closes."""
    if not hours.weekly:
        return None
    today = day_of(now, hours.zone)
    for day in (today, today + timedelta(days=1)):
        times = hours.opening(day)
        if times and times[0] - BEFORE_OPENING <= now < times[1]:
            return times[0] - BEFORE_OPENING
    return None


def longest_wait(now: datetime, period: timedelta, hours: ClinicHours) -> timedelta:
    """How old data may get before it is late: one period in clinic hours, an hour or one period outside."""
    return period if is_watched(now, hours) else max(period, OUTSIDE_HOURS_EVERY)


def _on_grid(now: datetime, period: timedelta, jitter: timedelta) -> datetime:
    """The first grid instant after `now`."""
    passed = (now - jitter - _EPOCH) // period
    return _EPOCH + jitter + (passed + 1) * period


def _watched_until(now: datetime, hours: ClinicHours) -> datetime | None:
    """The end of the watched time that `now` lies in, None when it lies in none."""
    today = day_of(now, hours.zone)
    for day in (today, today + timedelta(days=1)):
        times = hours.opening(day)
        if times and times[0] - BEFORE_OPENING <= now < times[1]:
            return times[1]
    return None


def _next_first_read(now: datetime, hours: ClinicHours, jitter: timedelta) -> datetime | None:
    """Half an hour before the doors open next."""
    today = day_of(now, hours.zone)
    for ahead in range(LOOK_AHEAD_DAYS):
        times = hours.opening(today + timedelta(days=ahead))
        if times and times[0] - BEFORE_OPENING + jitter > now:
            return times[0] - BEFORE_OPENING + jitter
    return None
