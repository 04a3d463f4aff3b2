"""Clinic-local days, on the two nights of the year when they are not 24 hours long."""

from __future__ import annotations

import time
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pmsapp.domain.window import (
    AUSTRALIAN_ZONES,
    SyncWindow,
    day_of,
    day_start,
    days_ahead,
    is_zone,
    local_to_utc,
    utc_text,
)
from tests.support import tables

AUTUMN, SPRING = date(2027, 4, 4), date(2027, 10, 3)

LENGTHS = """
zone                 | 4 April 2027 | 3 October 2027
Australia/Sydney     | 25           | 23
Australia/Melbourne  | 25           | 23
Australia/Hobart     | 25           | 23
Australia/Adelaide   | 25           | 23
Australia/Broken_Hill| 25           | 23
Antarctica/Macquarie | 25           | 23
Australia/Lord_Howe  | 24.5         | 23.5
Australia/Brisbane   | 24           | 24
Australia/Lindeman   | 24           | 24
Australia/Darwin     | 24           | 24
Australia/Perth      | 24           | 24
Australia/Eucla      | 24           | 24
"""


@pytest.mark.parametrize("row", tables.rows(LENGTHS), ids=lambda row: row["zone"])
def test_change_over_days_have_the_hours_they_have(row: dict[str, str]) -> None:
    for day, name in ((AUTUMN, "4 April 2027"), (SPRING, "3 October 2027")):
        window = SyncWindow(day, row["zone"])
        assert (window.end_at - window.start_at) / timedelta(hours=1) == float(row[name])


def test_the_table_names_every_australian_zone() -> None:
    assert {row["zone"] for row in tables.rows(LENGTHS)} == set(AUSTRALIAN_ZONES)
    assert all(is_zone(zone) for zone in AUSTRALIAN_ZONES)
    assert not is_zone("Australia/Nowhere")


@pytest.mark.parametrize("zone", AUSTRALIAN_ZONES)
@pytest.mark.parametrize("day", [AUTUMN, SPRING])
def test_every_minute_of_a_change_over_day_is_in_that_day_and_in_no_other(zone: str, day: date) -> None:
    window = SyncWindow(day, zone)
    before, after = SyncWindow(day - timedelta(days=1), zone), SyncWindow(day + timedelta(days=1), zone)
    assert before.end_at == window.start_at
    assert window.end_at == after.start_at
    instant = window.start_at
    while instant < window.end_at:
        assert day_of(instant, zone) == day
        assert window.holds(instant)
        assert not before.holds(instant)
        assert not after.holds(instant)
        instant += timedelta(minutes=1)


ODD = """
zone                 | wall clock       | odd | instant
Australia/Melbourne  | 2027-04-04 01:59 | no  | 2027-04-03T14:59
Australia/Melbourne  | 2027-04-04 02:30 | yes | 2027-04-03T15:30
Australia/Melbourne  | 2027-04-04 03:00 | no  | 2027-04-03T17:00
Australia/Melbourne  | 2027-10-03 01:59 | no  | 2027-10-02T15:59
Australia/Melbourne  | 2027-10-03 02:30 | yes | 2027-10-02T16:30
Australia/Melbourne  | 2027-10-03 03:00 | no  | 2027-10-02T16:00
Australia/Adelaide   | 2027-04-04 02:30 | yes | 2027-04-03T16:00
Australia/Lord_Howe  | 2027-04-04 01:45 | yes | 2027-04-03T14:45
Australia/Lord_Howe  | 2027-10-03 02:15 | yes | 2027-10-02T15:45
Australia/Lord_Howe  | 2027-10-03 02:30 | no  | 2027-10-02T15:30
Australia/Brisbane   | 2027-10-03 02:30 | no  | 2027-10-02T16:30
"""


@pytest.mark.parametrize("row", tables.rows(ODD), ids=tables.case)
def test_times_that_do_not_exist_or_exist_twice_are_flagged(row: dict[str, str]) -> None:
    instant, odd = local_to_utc(datetime.fromisoformat(row["wall clock"]), row["zone"])
    assert (odd, instant) == (row["odd"] == "yes", datetime.fromisoformat(row["instant"]).replace(tzinfo=UTC))


ZONES = st.sampled_from((*AUSTRALIAN_ZONES, "Pacific/Auckland", "America/Havana", "Asia/Beirut", "UTC"))
FIRST = datetime(2020, 1, 1, tzinfo=UTC)
INSTANTS = st.integers(0, 20 * 366 * 24 * 60).map(lambda minutes: FIRST + timedelta(minutes=minutes))


@given(INSTANTS, ZONES)
def test_an_instant_lies_in_exactly_the_day_it_shows(instant: datetime, zone: str) -> None:
    day = day_of(instant, zone)
    for other in (day - timedelta(days=1), day, day + timedelta(days=1)):
        assert SyncWindow(other, zone).holds(instant) is (other == day)


@given(INSTANTS, ZONES)
def test_a_wall_clock_time_read_back_is_the_instant_or_is_flagged(instant: datetime, zone: str) -> None:
    shown = instant.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    back, odd = local_to_utc(shown, zone)
    assert odd or back == instant


@given(INSTANTS, INSTANTS)
def test_instants_as_text_sort_like_instants(first: datetime, other: datetime) -> None:
    assert (utc_text(first) < utc_text(other)) is (first < other)
    assert datetime.fromisoformat(utc_text(first)) == first


@given(st.dates(date(2020, 1, 1), date(2040, 1, 1)), ZONES)
def test_a_day_begins_at_its_first_instant(day: date, zone: str) -> None:
    start = day_start(day, zone)
    assert day_of(start, zone) == day
    assert day_of(start - timedelta(microseconds=1), zone) == day - timedelta(days=1)


def test_the_zone_of_the_machine_counts_for_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "AHEAD-05:30")
    time.tzset()
    try:
        nine = datetime(2026, 11, 23, 9, tzinfo=ZoneInfo("Australia/Melbourne"))
        assert nine.astimezone().utcoffset() == timedelta(hours=5, minutes=30)
        assert utc_text(nine) == "2026-11-22T22:00:00.000000+00:00"
        assert day_start(SPRING, "Australia/Perth").isoformat() == "2027-10-02T16:00:00+00:00"
        perth = local_to_utc(datetime.fromisoformat("2026-11-23 09:00"), "Australia/Perth")[0]
        assert perth.isoformat() == "2026-11-23T01:00:00+00:00"
    finally:
        monkeypatch.undo()
        time.tzset()


def test_the_earlier_reading_is_used_whichever_was_meant() -> None:
    twice = datetime.fromisoformat("2027-04-04 02:30")
    early = local_to_utc(twice, "Australia/Melbourne")
    assert local_to_utc(twice.replace(fold=1), "Australia/Melbourne") == early


def test_vendors_are_asked_a_little_wider() -> None:
    window = SyncWindow(SPRING, "Australia/Melbourne")
    after, before = window.widened(timedelta(minutes=1))
    assert (window.start_at - after, before - window.end_at) == (timedelta(minutes=1), timedelta(minutes=1))


def test_today_comes_first() -> None:
    assert days_ahead(date(2028, 2, 28), 2) == [date(2028, 2, 28), date(2028, 2, 29), date(2028, 3, 1)]
