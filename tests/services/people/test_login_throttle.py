"""Guessing gets slower, never impossible, and only failures count."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select, text

from pmsapp.models import LoginThrottle
from pmsapp.services.base.transaction import reading, writing
from pmsapp.services.people import login_throttle
from pmsapp.services.people.login_throttle import Failures, Keys, Ticket, TooManyTries
from tests.support.clock import FrozenClock

MEL = login_throttle.keys_for("mel@example.org", "10.0.0.9")


def fail(keys: Keys = MEL, used: Ticket | None = None) -> Failures:
    with writing() as session:
        return login_throttle.failed(session, keys, used)


def fail_often(times: int, keys: Keys = MEL) -> None:
    for _ in range(times):
        fail(keys)


def rows() -> int:
    with reading() as session:
        return session.scalar(select(func.count()).select_from(LoginThrottle)) or 0


def test_the_free_tries_cost_nothing_then_each_waits_twice_as_long() -> None:
    waits = [login_throttle.delay(n, login_throttle.ACCOUNT).total_seconds() for n in range(1, 10)]
    assert waits == [0, 0, 0, 0, 0, 1, 2, 4, 8]


def test_the_wait_has_a_ceiling_however_many_failures() -> None:
    ceilings = {"ACCOUNT": 60, "ADDRESS": 120, "EVERYBODY": 10, "BROWSER": 60, "OWN": 300}
    for name, seconds in ceilings.items():
        limit = getattr(login_throttle, name)
        assert login_throttle.delay(10_000, limit) == limit.ceiling == timedelta(seconds=seconds)


def test_after_the_free_tries_one_has_to_wait(app: Flask, frozen_clock: FrozenClock) -> None:
    fail_often(6)
    assert login_throttle.look(MEL).wait_s == 1
    with pytest.raises(TooManyTries):
        login_throttle.begin_try(MEL)
    frozen_clock.advance(seconds=1)
    assert login_throttle.begin_try(MEL).wait_s == 0


def test_looking_and_waiting_write_nothing(app: Flask, frozen_clock: FrozenClock) -> None:
    for _ in range(5):
        login_throttle.look(MEL)
    assert rows() == 0
    fail_often(6)
    before = rows()
    for _ in range(50):
        assert login_throttle.look(MEL).wait_s == 1
    assert rows() == before
    frozen_clock.advance(seconds=1)
    assert login_throttle.look(MEL).wait_s == 0


def test_another_account_from_another_address_is_unaffected(app: Flask, frozen_clock: FrozenClock) -> None:
    fail_often(10)
    assert login_throttle.look(login_throttle.keys_for("sam@example.org", "10.0.0.10")).wait_s == 0


def test_one_address_trying_many_accounts_is_slowed(app: Flask, frozen_clock: FrozenClock) -> None:
    for number in range(login_throttle.ADDRESS.free + 1):
        fail(login_throttle.keys_for(f"person{number}@example.org", "203.0.113.7"))
    assert login_throttle.look(login_throttle.keys_for("new@example.org", "203.0.113.7")).wait_s == 1
    assert login_throttle.look(login_throttle.keys_for("new@example.org", "203.0.113.8")).wait_s == 0


@pytest.mark.parametrize(
    ("first", "other", "same"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("::ffff:10.0.0.9", "10.0.0.9", True),
        ("fe80::1%eth0", "fe80::2%eth1", True),
        ("10.0.0.9", "10.0.0.8", False),
        (None, "not an address", True),
    ],
)
def test_ipv6_is_counted_by_its_64(first: str | None, other: str, same: bool) -> None:
    assert (login_throttle.network_of(first) == login_throttle.network_of(other)) is same


def test_a_ticket_lets_one_try_pass_whatever_others_fail(app: Flask, frozen_clock: FrozenClock) -> None:
    fail_often(20)
    told = login_throttle.look(MEL)
    assert told.ticket is not None
    frozen_clock.advance(seconds=told.wait_s - 1)
    assert login_throttle.look(MEL, told.ticket).wait_s > 0, "its time has not come"
    frozen_clock.advance(seconds=1)
    fail(login_throttle.keys_for("mel@example.org", "203.0.113.7"))
    assert login_throttle.look(MEL).wait_s > 0
    passed = login_throttle.look(MEL, told.ticket)
    assert (passed.wait_s, passed.used) == (0, told.ticket)
    fail(MEL, passed.used)
    frozen_clock.advance(seconds=15)
    assert login_throttle.look(MEL, told.ticket).wait_s > 0, "it was used up by the failed try"


def test_a_ticket_is_good_for_its_account_and_address_and_for_ten_minutes(
    app: Flask, frozen_clock: FrozenClock
) -> None:
    sam = login_throttle.keys_for("sam@example.org", "10.0.0.9")
    fail_often(20)
    told = login_throttle.look(MEL).ticket
    frozen_clock.advance(seconds=60)
    fail_often(20)
    fail_often(20, sam)
    assert login_throttle.look(sam, told).wait_s > 0
    frozen_clock.advance(minutes=10)
    fail_often(1)
    assert login_throttle.look(MEL, told).wait_s > 0


def test_many_tickets_of_one_address_make_guessing_no_faster(app: Flask, frozen_clock: FrozenClock) -> None:
    fail_often(60)
    tickets = [login_throttle.look(MEL).ticket for _ in range(12)]
    frozen_clock.advance(seconds=120)
    fail_often(1)
    looked_at = 0
    for _ in range(6):
        for ticket in tickets:
            found = login_throttle.look(MEL, ticket)
            if found.wait_s == 0:
                looked_at += 1
                fail(MEL, found.used)
        frozen_clock.advance(seconds=5)
    assert 0 < looked_at <= 3, "one per ten seconds, however many tickets"


def test_quiet_forgets(app: Flask, frozen_clock: FrozenClock) -> None:
    fail_often(12)
    frozen_clock.advance(minutes=61)
    assert login_throttle.look(MEL).wait_s == 0
    fail_often(5)
    assert login_throttle.look(MEL).wait_s == 0


def test_a_clock_that_was_ahead_for_a_moment_holds_nobody_up_for_long(
    app: Flask, frozen_clock: FrozenClock
) -> None:
    frozen_clock.advance(days=400)
    fail_often(30)
    frozen_clock.advance(days=-400)
    assert login_throttle.look(MEL).wait_s <= login_throttle.ADDRESS.ceiling.total_seconds()


def test_the_first_failures_are_worth_a_line_then_those_that_double(app: Flask) -> None:
    lines = [number for number in range(1, 70) if fail().worth_a_line]
    assert lines == [1, 2, 3, 4, 5, 8, 16, 32, 64]


def test_the_table_keeps_the_newest(
    app: Flask, frozen_clock: FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(login_throttle, "MAX_ROWS", 30)
    for number in range(100):
        frozen_clock.advance(milliseconds=100)
        fail(login_throttle.keys_for("mel@example.org", f"10.0.1.{number}"))
    assert rows() == 30
    assert login_throttle.look(login_throttle.keys_for("mel@example.org", "10.9.9.9")).wait_s == 60


def test_many_failures_are_an_attack_and_a_bad_day_is_not(app: Flask, frozen_clock: FrozenClock) -> None:
    def attack() -> int:
        with reading() as session:
            return login_throttle.under_attack(session, frozen_clock())

    fail_often(login_throttle.ALERT_AFTER - 1)
    assert attack() == 0
    fail_often(1)
    assert attack() == login_throttle.ALERT_AFTER
    frozen_clock.advance(minutes=16)
    assert attack() == 0


def test_no_account_or_address_is_kept_in_the_clear(app: Flask, frozen_clock: FrozenClock) -> None:
    fail()
    with reading() as session:
        kept = str(session.execute(text("SELECT * FROM login_throttles")).all())
    assert "mel" not in kept
    assert "10.0.0.9" not in kept
