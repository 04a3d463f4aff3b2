"""Time: one place reads it, and machines that share a database keep that one's."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from pmsapp import clock


@pytest.fixture(autouse=True)
def own_time_again() -> Iterator[None]:
    """What a test followed is forgotten."""
    yield
    clock.follow(clock.machine_now())


def _ahead_s() -> float:
    return (clock.now() - clock.machine_now()).total_seconds()


@pytest.mark.parametrize("seconds", [90, -90, 86_400])
def test_a_clock_that_is_followed_is_kept(seconds: int) -> None:
    clock.follow(clock.machine_now() + timedelta(seconds=seconds))
    assert _ahead_s() == pytest.approx(seconds, abs=1)


def test_what_it_takes_to_ask_is_no_difference() -> None:
    """Time that is put right by a few hundredths of a second each minute would go backwards now and then."""
    clock.follow(clock.machine_now() + timedelta(seconds=0.9))
    assert _ahead_s() == pytest.approx(0, abs=0.4)
    clock.follow(clock.machine_now() + timedelta(seconds=90))
    before = _ahead_s()
    clock.follow(clock.machine_now() + timedelta(seconds=90.8))
    assert _ahead_s() == pytest.approx(before, abs=0.4)


def test_a_clock_that_is_right_again_is_followed_too() -> None:
    clock.follow(clock.machine_now() + timedelta(seconds=90))
    clock.follow(clock.machine_now())
    assert _ahead_s() == pytest.approx(0, abs=0.4)
