"""Guessing gets slower and slower, never impossible, and costs only the one who guesses."""

from __future__ import annotations

from datetime import timedelta

from flask import Flask
from sqlalchemy import text

from pmsapp.services.base.transaction import reading, writing
from pmsapp.services.people import login_throttle
from tests.support.clock import FrozenClock

MEL = login_throttle.keys_for("mel@example.org", "10.0.0.9")


def fail(times: int, keys: tuple[login_throttle.ThrottleKey, ...] = MEL) -> list[int]:
    return [login_throttle.begin_try(keys) for _ in range(times)]


def test_the_free_tries_cost_nothing_then_each_waits_twice_as_long() -> None:
    waits = [login_throttle.delay(n, login_throttle.ACCOUNT).total_seconds() for n in range(1, 10)]
    assert waits == [0, 0, 0, 0, 0, 1, 2, 4, 8]


def test_the_wait_has_a_ceiling_however_many_failures() -> None:
    for limit in (login_throttle.ACCOUNT, login_throttle.ADDRESS, login_throttle.EVERYBODY):
        assert login_throttle.delay(10_000, limit) == limit.ceiling
        assert limit.ceiling <= timedelta(minutes=15)


def test_after_the_free_tries_one_has_to_wait(app: Flask, frozen_clock: FrozenClock) -> None:
    assert fail(10) == [0, 0, 0, 0, 0, 0, 1, 1, 1, 1]
    frozen_clock.advance(seconds=1)
    assert login_throttle.begin_try(MEL) == 0
    assert login_throttle.begin_try(MEL) == 2


def test_waiting_is_not_counted_as_another_failure(app: Flask, frozen_clock: FrozenClock) -> None:
    fail(100)
    frozen_clock.advance(seconds=1)
    assert login_throttle.begin_try(MEL) == 0


def test_another_account_from_another_address_is_unaffected(app: Flask, frozen_clock: FrozenClock) -> None:
    fail(10)
    assert login_throttle.begin_try(login_throttle.keys_for("sam@example.org", "10.0.0.10")) == 0


def test_one_address_trying_many_accounts_is_slowed(app: Flask, frozen_clock: FrozenClock) -> None:
    waits = [
        login_throttle.begin_try(login_throttle.keys_for(f"person{n}@example.org", "203.0.113.7"))
        for n in range(25)
    ]
    assert waits[:21] == [0] * 21
    assert all(waits[21:])


def test_many_addresses_together_are_slowed(app: Flask, frozen_clock: FrozenClock) -> None:
    waits = [
        login_throttle.begin_try(login_throttle.keys_for(f"p{n}@example.org", f"203.0.113.{n}"))
        for n in range(login_throttle.EVERYBODY.free + 2)
    ]
    assert waits[-2:] == [0, 1]


def test_success_starts_the_account_anew_and_takes_the_try_back(
    app: Flask, frozen_clock: FrozenClock
) -> None:
    fail(5)
    login_throttle.begin_try(MEL)
    with writing() as session:
        login_throttle.succeeded(session, MEL)
    assert fail(6) == [0] * 6


def test_a_day_of_quiet_forgets(app: Flask, frozen_clock: FrozenClock) -> None:
    fail(12)
    frozen_clock.advance(hours=25)
    assert fail(6) == [0] * 6


def test_no_account_or_address_is_kept_in_the_clear(app: Flask, frozen_clock: FrozenClock) -> None:
    fail(1)
    with reading() as session:
        kept = str(session.execute(text("SELECT * FROM login_throttles")).all())
    assert "mel" not in kept
    assert "10.0.0.9" not in kept
