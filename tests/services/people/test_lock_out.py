"""Ten minutes of outsiders who try to keep people out: nobody is, the tables stay small, the attack is told of."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import func, select

from pmsapp.domain.actor import Actor
from pmsapp.models import AuditEvent, LoginThrottle
from pmsapp.services.base.transaction import reading
from pmsapp.services.monitoring import conditions
from pmsapp.services.people import known_browsers, login_throttle, sign_in
from pmsapp.services.people.login_throttle import Ticket, TooManyTries
from pmsapp.services.people.sign_in import Browser, SignInFailed
from pmsapp.services.people.users import UserView
from tests.support.actors import PASSWORD, make_user
from tests.support.clock import FrozenClock

MINUTES = 10
KNOWN = Browser(known_browsers.new_token(), "Firefox on Windows")


def from_address(address: str) -> Actor:
    return Actor(kind="anonymous", name="not signed in", role="none", remote_addr=address)


HOME = from_address("198.51.100.20")


def guess(email: str, address: str, ticket: Ticket | None = None) -> Ticket | None:
    """One wrong password. Returns what the guesser is told to wait with."""
    try:
        sign_in.prove(email, "not the password", from_address(address), ticket=ticket)
    except SignInFailed:
        return None
    except TooManyTries as error:
        return error.ticket
    raise AssertionError("a wrong password was taken")


def wait_of_new_browser(clock: FrozenClock, email: str, who: Actor, attack: list[str]) -> float:
    began = clock()
    ticket: Ticket | None = None
    for _ in range(50):
        try:
            sign_in.prove(email, PASSWORD, who, ticket=ticket)
            return (clock() - began).total_seconds()
        except TooManyTries as error:
            ticket = error.ticket
            for _ in range(error.retry_after_s):
                clock.advance(seconds=1)
                for address in attack:
                    guess(email, address)
    raise AssertionError("the right password never got in")


@pytest.fixture
def mel(app: Flask, frozen_clock: FrozenClock) -> UserView:
    user = make_user("reception", email="mel@example.org")
    sign_in.authenticate(user.email, PASSWORD, HOME, browser=KNOWN)
    return user


def rows_of(model: type) -> int:
    with reading() as session:
        return session.scalar(select(func.count()).select_from(model)) or 0


def alerts(clock: FrozenClock) -> list[str]:
    with reading() as session:
        return [condition.code for condition in conditions.find(session, clock())]


def test_one_address_that_fails_again_and_again_shuts_nobody_out(
    mel: UserView, frozen_clock: FrozenClock
) -> None:
    guesser, lines = "203.0.113.7", rows_of(AuditEvent)
    for _ in range(201):
        guess(mel.email, guesser)
    ticket: Ticket | None = None
    for second in range(MINUTES * 60):
        frozen_clock.advance(seconds=1)
        if second % 5 == 0:
            ticket = guess(mel.email, guesser, ticket)
        if second % 60 == 0:
            assert sign_in.prove(mel.email, PASSWORD, HOME, browser=KNOWN), "a known browser never waits"
    assert wait_of_new_browser(frozen_clock, mel.email, from_address("192.0.2.1"), [guesser]) <= 60
    assert wait_of_new_browser(frozen_clock, mel.email, from_address(guesser), [guesser]) <= 130
    assert rows_of(LoginThrottle) < 200
    assert rows_of(AuditEvent) - lines < 60


@pytest.mark.slow
def test_ten_thousand_addresses_shut_nobody_out(
    mel: UserView, frozen_clock: FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sign_in.passwords, "matches", lambda stored, password: password == PASSWORD)
    monkeypatch.setattr(login_throttle, "MAX_ROWS", 2_000)
    addresses = [f"10.{number // 250}.{number % 250}.1" for number in range(10_000)]
    tickets: dict[str, Ticket | None] = {}
    lines = rows_of(AuditEvent)
    per_second = len(addresses) // (MINUTES * 60)
    for second in range(MINUTES * 60):
        frozen_clock.advance(seconds=1)
        for address in addresses[second * per_second : (second + 1) * per_second]:
            tickets[address] = guess(mel.email, address)
        old = addresses[max(0, second - 61) * per_second]
        guess(mel.email, old, tickets.get(old))
        if second % 60 == 0:
            assert sign_in.prove(mel.email, PASSWORD, HOME, browser=KNOWN), "a known browser never waits"
    assert rows_of(LoginThrottle) <= 2_000
    assert rows_of(AuditEvent) - lines < 60
    assert "SIGN-IN-ATTACK" in alerts(frozen_clock)
    newcomer = from_address("192.0.2.1")
    assert wait_of_new_browser(frozen_clock, mel.email, newcomer, addresses[:5]) <= 60


def test_success_touches_no_counter(mel: UserView, frozen_clock: FrozenClock) -> None:
    for _ in range(3):
        guess(mel.email, "198.51.100.20")
    with reading() as session:
        before = session.execute(select(LoginThrottle.key_hash, LoginThrottle.failures)).all()
    sign_in.authenticate(mel.email, PASSWORD, HOME)
    with reading() as session:
        assert session.execute(select(LoginThrottle.key_hash, LoginThrottle.failures)).all() == before


def test_a_known_browser_is_slowed_by_its_own_failures_alone(
    mel: UserView, frozen_clock: FrozenClock
) -> None:
    for _ in range(login_throttle.BROWSER.free + 1):
        with pytest.raises(SignInFailed):
            sign_in.prove(mel.email, "not the password", HOME, browser=KNOWN)
    with pytest.raises(TooManyTries):
        sign_in.prove(mel.email, PASSWORD, HOME, browser=KNOWN)
    assert sign_in.prove(mel.email, PASSWORD, HOME), "its failures hold no other browser up"
    frozen_clock.advance(seconds=1)
    assert sign_in.prove(mel.email, PASSWORD, HOME, browser=KNOWN)


def test_a_browser_known_to_one_person_is_unknown_to_another(
    mel: UserView, frozen_clock: FrozenClock
) -> None:
    sam = make_user("viewer", email="sam@example.org")
    for _ in range(10):
        guess(sam.email, "203.0.113.7")
    with pytest.raises(TooManyTries):
        sign_in.prove(sam.email, PASSWORD, HOME, browser=KNOWN)


def test_a_forgotten_browser_waits_like_any_other(mel: UserView, frozen_clock: FrozenClock) -> None:
    for _ in range(10):
        guess(mel.email, "203.0.113.7")
    (known,) = known_browsers.list_of(mel.id, KNOWN.token)
    assert known.is_this
    known_browsers.forget(known.id, mel.id, HOME)
    with pytest.raises(TooManyTries):
        sign_in.prove(mel.email, PASSWORD, HOME, browser=KNOWN)
