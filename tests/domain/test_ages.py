"""How long ago something was: an instant in the future is unknown, an end no rule could have set is over."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pmsapp.domain.ages import CLOCK_SLACK, age, holds, is_ahead, is_older, is_within

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
TICK = timedelta.resolution
spans = st.timedeltas(min_value=timedelta(days=-30), max_value=timedelta(days=30))


def test_an_age_is_how_long_ago_it_was() -> None:
    assert age(NOW - HOUR, NOW) == HOUR
    assert age(NOW, NOW) == timedelta(0)


def test_what_never_happened_and_what_lies_ahead_have_no_age() -> None:
    assert age(None, NOW) is None
    assert age(NOW + HOUR, NOW) is None
    assert is_ahead(NOW + HOUR, NOW)


def test_two_clocks_may_differ_a_little() -> None:
    assert age(NOW + CLOCK_SLACK, NOW) == timedelta(0)
    assert age(NOW + CLOCK_SLACK + TICK, NOW) is None


@pytest.mark.parametrize(
    ("at", "expected"),
    [(NOW - HOUR + TICK, True), (NOW - HOUR, False), (NOW + HOUR, False), (None, False), (NOW, True)],
    ids=["just young enough", "too old", "ahead", "never", "now"],
)
def test_within_a_time_is_known_and_young_enough(at: datetime | None, expected: bool) -> None:
    assert is_within(at, NOW, HOUR) is expected
    assert is_older(at, NOW, HOUR) is not expected


@pytest.mark.parametrize(
    ("until", "expected"),
    [
        (NOW + TICK, True),
        (NOW, False),
        (NOW + HOUR + CLOCK_SLACK, True),
        (NOW + HOUR + CLOCK_SLACK + TICK, False),
        (None, False),
    ],
    ids=["just ahead", "reached", "as far as any", "too far", "none"],
)
def test_an_end_holds_until_it_comes_unless_it_is_too_far(until: datetime | None, expected: bool) -> None:
    assert holds(until, NOW, HOUR) is expected


@given(spans, spans)
def test_no_clock_put_back_makes_anything_younger(passed: timedelta, put_back: timedelta) -> None:
    at, later = NOW, NOW + passed
    known = age(at, later)
    assert known is None or known >= timedelta(0)
    assert is_within(at, later, abs(put_back)) == (known is not None and known < abs(put_back))
