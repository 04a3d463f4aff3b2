"""When a connection is read next: every rule by example, and what holds for any clinic, any minute, any zone."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pmsapp.domain.runsheet import FreshnessState
from pmsapp.domain.schedule import (
    PLAN_SLACK,
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

MELBOURNE = "Australia/Melbourne"
QUARTER = timedelta(minutes=15)
WEEKDAYS_7_TO_19 = dict.fromkeys(range(5), (7 * 60, 19 * 60))
HOURS = ClinicHours(MELBOURNE, WEEKDAYS_7_TO_19)
CUP_DAY = date(2026, 11, 3)


def at(text: str, zone: str = MELBOURNE) -> datetime:
    """A clinic-local "2026-11-23 09:00" as an instant."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def local(instant: datetime, zone: str = MELBOURNE) -> str:
    return f"{instant.astimezone(ZoneInfo(zone)):%a %H:%M:%S}"


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
    assert aged(at("2026-11-23 20:00"), at("2026-11-24 00:05"), QUARTER, hours).state is FreshnessState.STALE


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
    assert aged(at(as_of), at(now), QUARTER, HOURS).state == state


def test_what_was_never_read_is_neither_late_nor_fresh() -> None:
    assert aged(None, at("2026-11-23 09:00"), QUARTER, HOURS).state is FreshnessState.NEVER


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


def test_a_plan_an_hour_too_far_is_noticed() -> None:
    now = at("2026-11-23 09:00")
    assert is_too_far(now + QUARTER + PLAN_SLACK + timedelta(seconds=1), now, QUARTER, HOURS)
    assert not is_too_far(now + QUARTER, now, QUARTER, HOURS)


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
