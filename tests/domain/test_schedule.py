"""When a connection is read next: every rule by example, and what holds for any clinic, any minute, any zone."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pmsapp.domain.runsheet import Freshness, FreshnessState
from pmsapp.domain.schedule import (
    ClinicHours,
    Rhythm,
    aged,
    ages_next,
    is_too_far,
    is_watched,
    longest_wait,
    next_slot,
)
from pmsapp.domain.window import AUSTRALIAN_ZONES
from tests.support import tables

MELBOURNE = "Australia/Melbourne"
QUARTER = timedelta(minutes=15)
WEEKDAYS_7_TO_19 = dict.fromkeys(range(5), (7 * 60, 19 * 60))
HOURS = ClinicHours(MELBOURNE, WEEKDAYS_7_TO_19)
CUP_DAY = date(2026, 11, 3)


def at(text: str, zone: str = MELBOURNE) -> datetime:
    """A clinic-local "2026-11-23 09:00" as an instant."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def local(instant: datetime, zone: str = MELBOURNE, form: str = "%a %H:%M:%S") -> str:
    return instant.astimezone(ZoneInfo(zone)).strftime(form)


@pytest.mark.parametrize(
    ("now", "next_at", "reason"),
    [
        ("2026-11-23 09:00", "Mon 09:15:00", "every 15 minutes in clinic hours"),
        ("2026-11-23 09:14:59", "Mon 09:15:00", "every 15 minutes in clinic hours"),
        ("2026-11-23 18:50", "Mon 19:00:00", "every 15 minutes in clinic hours"),
        ("2026-11-23 19:00", "Mon 20:00:00", "hourly outside clinic hours"),
        ("2026-11-23 23:30", "Tue 00:00:00", "hourly outside clinic hours"),
        ("2026-11-24 05:59", "Tue 06:00:00", "hourly outside clinic hours"),
        ("2026-11-24 06:00", "Tue 06:30:00", "half an hour before opening"),
        ("2026-11-24 06:30", "Tue 06:45:00", "every 15 minutes in clinic hours"),
        ("2026-11-28 12:20", "Sat 13:00:00", "hourly outside clinic hours"),
    ],
)
def test_the_next_slot_and_its_reason(now: str, next_at: str, reason: str) -> None:
    slot = next_slot(at(now), QUARTER, HOURS)
    assert (local(slot.at), slot.reason) == (next_at, reason)


HALF_DAYS = ClinicHours(
    MELBOURNE, {0: (7 * 60 + 30, 12 * 60 + 45), 1: (0, 24 * 60)}, frozenset({date(2026, 11, 30)})
)
OPENINGS = """
hours     | day        | opens            | closes
half days | 2026-11-23 | 2026-11-23 07:30 | 2026-11-23 12:45
half days | 2026-11-24 | 2026-11-24 00:00 | 2026-11-25 00:00
half days | 2026-11-25 | -                | -
half days | 2026-11-30 | -                | -
none      | 2026-11-25 | 2026-11-25 00:00 | 2026-11-26 00:00
"""


@pytest.mark.parametrize("row", tables.rows(OPENINGS), ids=tables.case)
def test_when_the_doors_are_open(row: dict[str, str]) -> None:
    hours = HALF_DAYS if row["hours"] == "half days" else ClinicHours(MELBOURNE)
    opening = hours.opening(date.fromisoformat(row["day"]))
    assert opening == ((at(row["opens"]), at(row["closes"])) if row["opens"] else None)


def test_a_clinic_that_named_no_hours_has_none() -> None:
    assert ClinicHours(MELBOURNE) == ClinicHours(MELBOURNE, {}, frozenset())


GRID = """
every | now              | next
7     | 2026-11-23 09:00 | 09:02
7     | 2026-11-23 09:02 | 09:09
11    | 2026-11-23 09:00 | 09:11
11    | 2026-11-23 09:12 | 09:22
1     | 2026-11-23 09:00 | 09:01
"""


@pytest.mark.parametrize("row", tables.rows(GRID), ids=tables.case)
def test_slots_are_counted_from_the_first_minute_of_1970(row: dict[str, str]) -> None:
    """So that every installation and every restart comes to the same slots, also where they do not fill an hour."""
    minutes = int(row["every"])
    slot = next_slot(at(row["now"]), timedelta(minutes=minutes), HOURS)
    assert local(slot.at) == f"Mon {row['next']}:00"
    assert int(slot.at.timestamp()) % (60 * minutes) == 0
    assert slot.reason == f"every {'minute' if minutes == 1 else f'{minutes} minutes'} in clinic hours"


def test_a_slot_that_is_also_the_last_before_opening_says_so() -> None:
    hours = ClinicHours(MELBOURNE, {0: (8 * 60 + 30, 17 * 60)})
    slot = next_slot(at("2026-11-23 07:10"), QUARTER, hours)
    assert (local(slot.at), slot.reason) == ("Mon 08:00:00", "half an hour before opening")


def test_a_clinic_closed_for_weeks_is_read_hourly() -> None:
    weeks = frozenset(date(2026, 12, 1) + timedelta(days=n) for n in range(31))
    slot = next_slot(at("2026-12-02 06:05"), QUARTER, ClinicHours(MELBOURNE, WEEKDAYS_7_TO_19, weeks))
    assert (local(slot.at), slot.reason) == ("Wed 07:00:00", "hourly outside clinic hours")


def test_a_public_holiday_is_read_hourly() -> None:
    closed = ClinicHours(MELBOURNE, WEEKDAYS_7_TO_19, frozenset({CUP_DAY}))
    slot = next_slot(at("2026-11-03 10:10"), QUARTER, closed)
    assert (local(slot.at), slot.reason) == ("Tue 11:00:00", "hourly outside clinic hours")
    assert not is_watched(at("2026-11-03 10:10"), closed)


def test_the_slow_rhythm_is_never_faster_than_the_chosen_one() -> None:
    slot = next_slot(at("2026-11-23 21:10"), timedelta(minutes=120), HOURS)
    assert slot.reason == "outside clinic hours"
    assert slot.at - at("2026-11-23 21:10") > timedelta(minutes=60)


def test_jitter_shifts_every_slot_by_the_same_seconds() -> None:
    jitter = timedelta(seconds=37)
    assert local(next_slot(at("2026-11-23 09:00"), QUARTER, HOURS, jitter).at) == "Mon 09:00:37"
    assert local(next_slot(at("2026-11-24 06:05"), QUARTER, HOURS, jitter).at) == "Tue 06:30:37"
    assert local(next_slot(at("2026-11-23 20:30"), QUARTER, HOURS, jitter).at) == "Mon 21:00:37"


def test_a_first_reading_of_the_day_that_jitter_has_moved_is_not_skipped() -> None:
    slot = next_slot(at("2026-11-24 06:29:50"), QUARTER, HOURS, timedelta(seconds=37))
    assert (local(slot.at), slot.reason) == ("Tue 06:30:37", "half an hour before opening")


def test_a_clinic_that_opens_for_ten_minutes_is_read_hourly_again_afterwards() -> None:
    short = ClinicHours(MELBOURNE, {0: (9 * 60, 9 * 60 + 10)})
    slot = next_slot(at("2026-11-23 09:15"), QUARTER, short)
    assert (local(slot.at), slot.reason) == ("Mon 10:00:00", "hourly outside clinic hours")


def test_a_run_by_hand_moves_no_slot() -> None:
    slots = {next_slot(at(f"2026-11-23 09:{minute:02d}"), QUARTER, HOURS).at for minute in range(15)}
    assert len(slots) == 1


def test_a_clinic_without_hours_is_always_watched() -> None:
    hours = ClinicHours(MELBOURNE)
    assert is_watched(at("2026-11-22 03:00"), hours)
    assert next_slot(at("2026-11-22 03:00"), QUARTER, hours).at == at("2026-11-22 03:15")


def test_a_clinic_open_round_the_clock_has_no_break_at_midnight() -> None:
    hours = ClinicHours(MELBOURNE, dict.fromkeys(range(7), (0, 24 * 60)))
    slot = next_slot(at("2026-11-23 23:50"), QUARTER, hours)
    assert (local(slot.at), slot.reason) == ("Tue 00:00:00", "every 15 minutes in clinic hours")
    evening = next_slot(at("2026-11-23 23:20"), QUARTER, hours)
    assert (local(evening.at), evening.reason) == ("Mon 23:30:00", "every 15 minutes in clinic hours")


BREAKS = """
open each day    | read             | every hours | now              | state
00:00 to 24:00   | 2026-11-23 20:00 | 1           | 2026-11-24 00:05 | stale
00:00 to 24:00   | 2026-11-22 12:00 | 24          | 2026-11-24 00:05 | late
00:00 to 24:00   | 2026-11-19 12:00 | 48          | 2026-11-24 00:05 | stale
00:00 to 23:30   | 2026-11-23 20:00 | 1           | 2026-11-24 00:05 | stale
00:00 to 23:29   | 2026-11-23 20:00 | 1           | 2026-11-24 00:05 | fresh
00:00 to 23:29   | 2026-11-23 20:00 | 1           | 2026-11-24 00:32 | late
"""


@pytest.mark.parametrize("row", tables.rows(BREAKS), ids=tables.case)
def test_data_does_not_grow_younger_at_midnight_where_days_touch(row: dict[str, str]) -> None:
    """Days touch when one closes no more than half an hour before the next one opens."""
    opens, closes = (
        int(hour) * 60 + int(minute)
        for hour, minute in (text.split(":") for text in row["open each day"].split(" to "))
    )
    hours = ClinicHours(MELBOURNE, dict.fromkeys(range(7), (opens, closes)))
    every = timedelta(hours=int(row["every hours"]))
    assert aged(at(row["read"]), at(row["now"]), every, hours).state == row["state"]


NIGHT_CLINIC = ClinicHours(MELBOURNE, {1: (0, 8 * 60)})
WATCHED = """
hours | now              | watched
day   | 2026-11-23 06:29 | no
day   | 2026-11-23 06:30 | yes
day   | 2026-11-23 18:59 | yes
day   | 2026-11-23 19:00 | no
day   | 2026-11-22 12:00 | no
night | 2026-11-23 23:29 | no
night | 2026-11-23 23:30 | yes
night | 2026-11-24 07:59 | yes
night | 2026-11-24 08:00 | no
night | 2026-11-22 23:45 | no
"""


@pytest.mark.parametrize("row", tables.rows(WATCHED), ids=tables.case)
def test_watched_is_from_half_an_hour_before_opening_to_closing(row: dict[str, str]) -> None:
    hours = NIGHT_CLINIC if row["hours"] == "night" else HOURS
    assert is_watched(at(row["now"]), hours) is (row["watched"] == "yes")


@pytest.mark.parametrize(
    ("as_of", "now", "state"),
    [
        ("2026-11-23 09:00", "2026-11-23 09:15", "fresh"),
        ("2026-11-23 09:00", "2026-11-23 09:16", "fresh"),  # the run itself takes a moment
        ("2026-11-23 09:00", "2026-11-23 09:16:01", "late"),
        ("2026-11-23 09:00", "2026-11-23 09:30", "late"),
        ("2026-11-23 09:00", "2026-11-23 09:30:01", "stale"),
        ("2026-11-23 20:00", "2026-11-23 20:59", "fresh"),
        ("2026-11-23 20:00", "2026-11-23 21:30", "late"),
        ("2026-11-23 20:00", "2026-11-24 06:45", "fresh"),  # counted from half an hour before opening
        ("2026-11-23 20:00", "2026-11-24 07:01", "stale"),
    ],
)
def test_late_after_one_wait_and_stale_after_two(as_of: str, now: str, state: str) -> None:
    assert aged(at(as_of), at(now), QUARTER, HOURS) == Freshness(at(as_of), FreshnessState(state))


def test_what_was_never_read_is_neither_late_nor_fresh() -> None:
    assert aged(None, at("2026-11-23 09:00"), QUARTER, HOURS) == Freshness(None, FreshnessState.NEVER)


@pytest.mark.parametrize("night", ["2027-04-04", "2027-10-03"])
def test_a_change_over_night_has_one_slot_for_each_real_hour(night: str) -> None:
    """23 or 25 hours: the clock on the wall repeats or skips an hour, the slots do not."""
    now, end = at(f"{night} 00:00"), at(f"{night} 06:00")
    slots = []
    while (slot := next_slot(now, QUARTER, HOURS)).at <= end:
        slots.append(now := slot.at)
    assert len(slots) == int((end - at(f"{night} 00:00")).total_seconds() // 3600)
    assert all(b - a == timedelta(hours=1) for a, b in zip(slots, slots[1:], strict=False))


@pytest.mark.parametrize("day", ["2027-04-04", "2027-10-03"])
def test_a_task_of_the_night_is_due_once_in_a_change_over_night(day: str) -> None:
    for wall in (time(1, 30), time(2, 30)):  # 02:30 exists twice in April and not at all in October
        rhythm, now, times = Rhythm(timedelta(days=1), wall), at(f"{day} 00:00") - timedelta(days=1), []
        while (now := rhythm.next_after(now, MELBOURNE)) < at(f"{day} 23:00"):
            times.append(now)
        assert [instant.astimezone(ZoneInfo(MELBOURNE)).date().isoformat() for instant in times].count(
            day
        ) == 1


def test_a_weekly_task_is_due_on_its_weekday() -> None:
    rhythm = Rhythm(timedelta(days=7), time(9), weekday=0)
    assert rhythm.next_after(at("2026-11-23 08:59"), MELBOURNE) == at("2026-11-23 09:00")
    assert rhythm.next_after(at("2026-11-23 09:00"), MELBOURNE) == at("2026-11-30 09:00")


def test_a_task_without_a_time_of_day_is_due_after_its_interval() -> None:
    now = at("2026-11-23 08:59")
    assert Rhythm(timedelta(hours=1)).next_after(now, MELBOURNE) == now + timedelta(hours=1)


clinics = st.builds(
    ClinicHours,
    zone=st.sampled_from(AUSTRALIAN_ZONES),
    weekly=st.dictionaries(
        st.integers(0, 6), st.tuples(st.integers(0, 700), st.integers(701, 1440)), max_size=7
    ),
    closed=st.frozensets(st.dates(date(2027, 4, 1), date(2027, 4, 7)), max_size=3),
)
instants = st.integers(0, 200 * 24 * 3600).map(
    lambda seconds: datetime(2027, 3, 28, tzinfo=UTC) + timedelta(seconds=seconds)
)
periods = st.integers(5, 120).map(lambda minutes: timedelta(minutes=minutes))
jitters = st.integers(0, 59).map(lambda seconds: timedelta(seconds=seconds))


@settings(max_examples=300, deadline=None)
@given(hours=clinics, now=instants, period=periods, jitter=jitters)
def test_the_next_slot_is_ahead_and_never_further_than_one_wait(
    hours: ClinicHours, now: datetime, period: timedelta, jitter: timedelta
) -> None:
    slot = next_slot(now, period, hours, jitter)
    assert now < slot.at <= now + longest_wait(now, period, hours) + jitter
    assert slot.reason
    # Whatever the hour in between, the plan that was made counts as a plan.
    for part in range(5):
        later = now + (slot.at - now) * part / 5
        assert not is_too_far(slot.at, later, period, hours)


@settings(max_examples=100, deadline=None)
@given(hours=clinics, now=instants, period=periods, jitter=jitters)
def test_two_schedulers_plan_the_same(
    hours: ClinicHours, now: datetime, period: timedelta, jitter: timedelta
) -> None:
    slot = next_slot(now, period, hours, jitter)
    halfway = now + (slot.at - now) / 2
    again = next_slot(halfway, period, hours, jitter)
    assert again.at <= slot.at or is_watched(now, hours) != is_watched(halfway, hours)


@settings(max_examples=100, deadline=None)
@given(hours=clinics, now=instants, period=periods)
def test_data_read_at_every_slot_is_never_stale(hours: ClinicHours, now: datetime, period: timedelta) -> None:
    as_of = next_slot(now, period, hours).at
    for _ in range(30):
        slot = next_slot(as_of, period, hours)
        just_before = slot.at - timedelta(seconds=1)
        assert aged(as_of, just_before, period, hours).state in (FreshnessState.FRESH, FreshnessState.LATE)
        as_of = slot.at


TOO_FAR = """
now              | every | planned          | too far
2026-11-23 09:00 | 15    | 2026-11-23 09:15 | no
2026-11-23 09:00 | 15    | 2026-11-23 09:17 | no
2026-11-23 09:00 | 15    | 2026-11-23 09:17:01 | yes
2026-11-23 21:00 | 15    | 2026-11-23 22:02 | no
2026-11-23 21:00 | 15    | 2026-11-23 22:02:01 | yes
2026-11-23 21:00 | 120   | 2026-11-23 23:02 | no
2026-11-23 21:00 | 120   | 2026-11-23 23:02:01 | yes
"""


@pytest.mark.parametrize("row", tables.rows(TOO_FAR), ids=tables.case)
def test_a_plan_more_than_two_minutes_past_the_longest_wait_is_noticed(row: dict[str, str]) -> None:
    every = timedelta(minutes=int(row["every"]))
    assert is_too_far(at(row["planned"]), at(row["now"]), every, HOURS) is (row["too far"] == "yes")


@settings(deadline=None)
@given(
    now=instants,
    ages=st.lists(st.integers(-5, 3000), max_size=4),
    period=st.integers(1, 180),
    ahead=st.lists(st.floats(0, 1, exclude_max=True), min_size=3, max_size=3),
    hours=st.sampled_from(
        [HOURS, ClinicHours(MELBOURNE), ClinicHours(MELBOURNE, dict.fromkeys(range(7), (0, 1440)))]
    ),
)
def test_nothing_ages_before_the_instant_named(
    now: datetime, ages: list[int], period: int, ahead: list[float], hours: ClinicHours
) -> None:
    every = timedelta(minutes=period)
    read = [now - timedelta(minutes=age) for age in ages]
    until = ages_next([(as_of, every) for as_of in read], now, hours)
    span = (until - now) if until else timedelta(days=40)
    assert span > timedelta(0)
    for share in (*ahead, 1 - 1e-9):
        later = now + min(span * share, span - timedelta.resolution)
        for as_of in read:
            assert aged(as_of, later, every, hours).state is aged(as_of, now, every, hours).state


def test_data_ages_next_when_it_turns_late_and_then_stale() -> None:
    now, read_at = at("2026-11-23 10:00"), at("2026-11-23 09:58")
    late = ages_next([(read_at, QUARTER)], now, HOURS)
    assert late is not None
    assert local(late) == "Mon 10:14:00"
    stale = ages_next([(read_at, QUARTER)], late, HOURS)
    assert stale is not None
    assert local(stale) == "Mon 10:28:00"
    assert ages_next([(None, QUARTER)], now, ClinicHours(MELBOURNE)) == at("2026-11-23 23:30")


# Late is one wait and a minute after the reading, stale two waits; the watched time ends at 19:00, the night's at 06:30.
AGES_NEXT = """
now              | read                               | may age otherwise at
2026-11-23 10:00 | -                                  | 2026-11-23 19:00
2026-11-23 10:00 | 2026-11-23 09:58                   | 2026-11-23 10:14
2026-11-23 10:14:01 | 2026-11-23 09:58                | 2026-11-23 10:28
2026-11-23 10:30 | 2026-11-23 09:58                   | 2026-11-23 19:00
2026-11-23 10:00 | 2026-11-23 09:58, 2026-11-23 09:50 | 2026-11-23 10:06
2026-11-23 18:55 | 2026-11-23 18:50                   | 2026-11-23 19:00
2026-11-23 19:00 | -                                  | 2026-11-24 06:30
2026-11-23 20:00 | 2026-11-23 19:58                   | 2026-11-23 20:59
2026-11-24 06:00 | 2026-11-24 05:58                   | 2026-11-24 06:30
2026-11-24 06:40 | 2026-11-23 20:00                   | 2026-11-24 06:46
2026-11-24 06:30 | -                                  | 2026-11-24 19:00
2026-11-27 19:00 | -                                  | 2026-11-30 06:30
2026-12-19 12:00 | -                                  | 2027-01-01 06:30
2026-12-18 20:00 | -                                  | -
"""
SUMMER = frozenset(date(2026, 12, 19) + timedelta(days=n) for n in range(13))


@pytest.mark.parametrize("row", tables.rows(AGES_NEXT), ids=tables.case)
def test_when_data_may_age_next(row: dict[str, str]) -> None:
    """In the summer break the doors open again on 1 January, which is seen from two weeks before."""
    read = [at(text) for text in row["read"].split(", ") if text]
    hours = ClinicHours(MELBOURNE, WEEKDAYS_7_TO_19, SUMMER)
    found = ages_next([(None, QUARTER), *((as_of, QUARTER) for as_of in read)], at(row["now"]), hours)
    assert (found and local(found, form="%Y-%m-%d %H:%M")) == (row["may age otherwise at"] or None)
