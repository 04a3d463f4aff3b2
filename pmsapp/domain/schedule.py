"""When something is due next. Pure: the clinic's hours and the time go in, an instant and its reason come out.

A connection is read every period in clinic hours, hourly outside them, and once half an hour before the doors open.
Slots stand on a fixed grid of UTC, so a run by hand moves nothing, and a machine that slept catches up once, never n
times.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta

from pmsapp.domain.ages import CLOCK_SLACK, is_ahead
from pmsapp.domain.runsheet import Freshness, ages_at, freshness
from pmsapp.domain.window import day_of, day_start, local_to_utc

BEFORE_OPENING = timedelta(minutes=30)
OUTSIDE_HOURS_EVERY = timedelta(minutes=60)
LOOK_AHEAD_DAYS = 14
# The longest that a vendor's "wait" is believed.
LONGEST_VENDOR_WAIT = timedelta(hours=1)
# What a planned time may lie further ahead than the longest wait: jitter (below a minute) and a clock put right.
PLAN_SLACK = timedelta(minutes=2)
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


@dataclass(frozen=True, slots=True)
class Rhythm:
    """How often a periodic task is due: every so often, or at a wall-clock time (`at`) of each day or of one weekday.

    `weekday` is 0 for Monday; it counts only with `at`.
    """

    every: timedelta
    at: time | None = None
    weekday: int | None = None

    def next_after(self, now: datetime, zone: str) -> datetime:
        """The first due time after `now`. A wall-clock time that exists twice counts once."""
        if self.at is None:
            return now + self.every
        days = (day_of(now, zone) + timedelta(days=ahead) for ahead in range(8))
        wanted = (day for day in days if self.weekday is None or day.weekday() == self.weekday)
        times = (local_to_utc(datetime.combine(day, self.at), zone)[0] for day in wanted)
        return next(at for at in times if at > now)


def is_watched(now: datetime, hours: ClinicHours) -> bool:
    """True in clinic hours, from half an hour before opening."""
    return _watched(now, hours) is not None


def next_slot(now: datetime, period: timedelta, hours: ClinicHours, jitter: timedelta = timedelta()) -> Slot:
    """The first slot strictly after `now`: in clinic hours never further away than a period and the jitter.

    `jitter` (less than a minute, the same for one installation for ever) shifts every slot.
    """
    if is_watched(now, hours):
        return Slot(_on_grid(now, period, jitter), _every(period))
    slow = max(period, OUTSIDE_HOURS_EVERY)
    often = _on_grid(now, slow, jitter)
    first = _next_first_read(now, hours, jitter)
    if first is not None and first <= often:
        return Slot(first, "half an hour before opening")
    return Slot(
        often, "hourly outside clinic hours" if slow <= OUTSIDE_HOURS_EVERY else "outside clinic hours"
    )


def is_too_far(planned_at: datetime, now: datetime, period: timedelta, hours: ClinicHours) -> bool:
    """True when no rule above could have planned this: the clock was put back, or the hours changed."""
    return planned_at - now > longest_wait(now, period, hours) + PLAN_SLACK


def aged(as_of: datetime | None, now: datetime, period: timedelta, hours: ClinicHours) -> Freshness:
    """How old data read at `as_of` is: late after one wait without fresh data, stale after two.

    A wait is one period in clinic hours and at least an hour outside them. What was read before the doors opened
    starts to age when the watched time began, so that a quiet night does not look like a fault in the morning.
    """
    if as_of is None or is_ahead(as_of, now):
        return freshness(None, now, period)
    wait = longest_wait(now, period, hours)
    watched = _watched(now, hours) if hours.weekly else None
    state = freshness(max(as_of, watched[0]) if watched else as_of, now, wait).state
    return Freshness(as_of, state)


def ages_next(
    readings: Iterable[tuple[datetime | None, timedelta]], now: datetime, hours: ClinicHours
) -> datetime | None:
    """The first instant at which data read then, each with its period, may be `aged` otherwise than now.

    Never too late; it may come before anything changes. None when nothing that has not happened yet can change it.
    """
    watched, wait_ends = _watched(now, hours), _next_first_read(now, hours, timedelta())
    found = [at for at in (watched[1] if watched else None, wait_ends) if at is not None]
    for as_of, period in readings:
        if as_of is not None:
            wait = longest_wait(now, period, hours)
            began = max(as_of, watched[0]) if watched and hours.weekly else as_of
            found += [as_of - CLOCK_SLACK, *ages_at(began, wait)]
    return min((at for at in found if at > now), default=None)


def longest_wait(now: datetime, period: timedelta, hours: ClinicHours) -> timedelta:
    """How old data may get before it is late: one period in clinic hours, an hour or one period outside."""
    return period if is_watched(now, hours) else max(period, OUTSIDE_HOURS_EVERY)


def _every(period: timedelta) -> str:
    minutes = period // timedelta(minutes=1)
    return "every minute in clinic hours" if minutes == 1 else f"every {minutes} minutes in clinic hours"


def _on_grid(now: datetime, period: timedelta, jitter: timedelta) -> datetime:
    """The first grid instant after `now`."""
    passed = (now - jitter - _EPOCH) // period
    return _EPOCH + jitter + (passed + 1) * period


def _watched(now: datetime, hours: ClinicHours) -> tuple[datetime, datetime] | None:
    """The watched time that `now` lies in (half an hour before opening to closing), None when it lies in none.

    Days that touch (a clinic open round the clock) are one watched time, looked back over a week.
    """
    today = day_of(now, hours.zone)
    for day in (today, today + timedelta(days=1)):
        times = hours.opening(day)
        if times and times[0] - BEFORE_OPENING <= now < times[1]:
            return _first_of_row(day, times[0] - BEFORE_OPENING, hours), times[1]
    return None


def _first_of_row(day: date, began: datetime, hours: ClinicHours) -> datetime:
    for back in range(1, 8):
        before = hours.opening(day - timedelta(days=back))
        if before is None or before[1] < began:
            break
        began = before[0] - BEFORE_OPENING
    return began


def _next_first_read(now: datetime, hours: ClinicHours, jitter: timedelta) -> datetime | None:
    """Half an hour before the doors open next."""
    today = day_of(now, hours.zone)
    for ahead in range(LOOK_AHEAD_DAYS):
        times = hours.opening(today + timedelta(days=ahead))
        if times and times[0] - BEFORE_OPENING + jitter > now:
            return times[0] - BEFORE_OPENING + jitter
    return None
