"""Codes of an authenticator app and recovery codes: each works once, and guessing them is slow."""

from __future__ import annotations

import re

import pyotp
import pytest
from flask import Flask
from sqlalchemy import select, text

from pmsapp.domain.actor import COMMAND_LINE
from pmsapp.models import RecoveryCode, SecondFactor
from pmsapp.services.base import audit
from pmsapp.services.base.errors import Conflict, Invalid, NotFound
from pmsapp.services.base.transaction import reading, writing
from pmsapp.services.clinic import clinic
from pmsapp.services.people import second_factor, sessions
from pmsapp.services.people.login_throttle import TooManyTries
from tests.support.actors import app_code, make_user
from tests.support.clock import FrozenClock


def set_up(user_id: int) -> tuple[str, list[str]]:
    """The secret in the app and the recovery codes."""
    setup = second_factor.begin(user_id)
    return setup.secret, second_factor.enable(user_id, setup.held, app_code(setup.secret), COMMAND_LINE)


def check(user_id: int, code: str) -> bool:
    return second_factor.check(user_id, code, COMMAND_LINE)


def test_the_app_is_given_an_address_it_understands(app: Flask) -> None:
    user = make_user("viewer", email="mel@example.org")
    setup = second_factor.begin(user.id)
    read = pyotp.parse_uri(setup.address)
    assert (read.issuer, read.name, read.secret) == ("pmsapp", "mel@example.org", setup.secret)
    assert len(setup.secret) == 32, "160 bits"
    assert setup.secret not in repr(setup)


def test_nothing_is_stored_before_a_code_proves_it(app: Flask, frozen_clock: FrozenClock) -> None:
    user = make_user("viewer")
    setup = second_factor.begin(user.id)
    assert second_factor.begin(user.id, setup.held).secret == setup.secret, "opened again, the same picture"
    assert second_factor.begin(user.id, "not sealed by us").secret != setup.secret
    with pytest.raises(Invalid):
        second_factor.enable(user.id, setup.held, "000000", COMMAND_LINE)
    assert not second_factor.is_enabled(user.id)
    with pytest.raises(Invalid):
        second_factor.enable(make_user("viewer").id, setup.held, app_code(setup.secret), COMMAND_LINE)
    second_factor.enable(user.id, setup.held, app_code(setup.secret), COMMAND_LINE)
    assert second_factor.is_enabled(user.id)
    with pytest.raises(Conflict):
        second_factor.begin(user.id)


def test_a_code_works_once(app: Flask, frozen_clock: FrozenClock) -> None:
    user = make_user("viewer")
    secret, _ = set_up(user.id)
    assert not check(user.id, app_code(secret)), "the code that turned it on is used"
    frozen_clock.advance(seconds=30)
    code = app_code(secret)
    assert check(user.id, f" {code[:3]} {code[3:]} ")
    assert not check(user.id, code)
    frozen_clock.advance(seconds=10)
    assert not check(user.id, code), "nor later in its half minute"
    frozen_clock.advance(seconds=30)
    assert check(user.id, app_code(secret))


@pytest.mark.parametrize(("steps", "works"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
def test_the_phones_clock_may_be_one_step_off(
    app: Flask, frozen_clock: FrozenClock, steps: int, works: bool
) -> None:
    user = make_user("viewer")
    secret, _ = set_up(user.id)
    frozen_clock.advance(minutes=10)
    at = int(frozen_clock().timestamp()) + steps * 30
    assert check(user.id, pyotp.TOTP(secret).at(at)) is works


def test_an_earlier_code_is_refused_after_a_later_one(app: Flask, frozen_clock: FrozenClock) -> None:
    user = make_user("viewer")
    secret, _ = set_up(user.id)
    frozen_clock.advance(minutes=1)
    earlier = app_code(secret)
    frozen_clock.advance(seconds=30)
    assert check(user.id, app_code(secret))
    assert not check(user.id, earlier)


def test_a_clock_that_was_ahead_for_a_moment_shuts_nobody_out(app: Flask, frozen_clock: FrozenClock) -> None:
    user = make_user("viewer")
    secret, _ = set_up(user.id)
    frozen_clock.advance(days=3)
    assert check(user.id, app_code(secret))
    frozen_clock.advance(days=-3, minutes=5)
    assert check(user.id, app_code(secret))


def test_a_recovery_code_works_once_in_any_spelling(app: Flask, frozen_clock: FrozenClock) -> None:
    user = make_user("viewer")
    _, codes = set_up(user.id)
    assert len(set(codes)) == second_factor.RECOVERY_CODES
    assert check(user.id, codes[0].upper().replace("-", " "))
    assert not check(user.id, codes[0])
    assert second_factor.status(user.id).recovery_left == 9
    assert "second_factor.recovery_code_used" in [event.action for event in audit.list_events()]
    other = make_user("viewer")
    set_up(other.id)
    assert not check(other.id, codes[1]), "another person's code"


def test_fresh_recovery_codes_replace_the_old_ones(app: Flask, frozen_clock: FrozenClock) -> None:
    user = make_user("viewer")
    with pytest.raises(Conflict):
        second_factor.renew_recovery_codes(user.id, COMMAND_LINE)
    _, old = set_up(user.id)
    fresh = second_factor.renew_recovery_codes(user.id, COMMAND_LINE)
    assert not check(user.id, old[0])
    assert check(user.id, fresh[0])


def test_guessing_codes_is_slowed(app: Flask, frozen_clock: FrozenClock) -> None:
    user = make_user("viewer")
    secret, _ = set_up(user.id)
    frozen_clock.advance(minutes=1)
    for _ in range(6):
        assert not check(user.id, "000000")
    with pytest.raises(TooManyTries) as refusal:
        check(user.id, app_code(secret))
    frozen_clock.advance(seconds=refusal.value.retry_after_s)
    assert check(user.id, app_code(secret))


def test_secret_and_recovery_codes_are_not_in_the_database(app: Flask, frozen_clock: FrozenClock) -> None:
    secret, codes = set_up(make_user("viewer").id)
    with reading() as session:
        kept = str(session.execute(text("SELECT * FROM second_factors")).all())
        kept += str(session.execute(text("SELECT * FROM recovery_codes")).all())
        hashes = session.scalars(select(RecoveryCode.code_hash)).all()
    assert secret not in kept
    assert not any(code in kept or code.replace("-", "") in kept for code in codes)
    assert all(re.match(r"\$argon2id\$", code_hash) for code_hash in hashes)


def test_setting_up_ends_every_session_that_had_no_second_factor(
    app: Flask, frozen_clock: FrozenClock
) -> None:
    user = make_user("viewer")
    token = sessions.start(user.id, COMMAND_LINE)
    set_up(user.id)
    assert sessions.resume(token, active=False) is None


def test_a_reset_takes_everything_away_and_ends_the_sessions(app: Flask, frozen_clock: FrozenClock) -> None:
    user = make_user("viewer")
    assert not second_factor.reset(user.id, COMMAND_LINE)
    set_up(user.id)
    token = sessions.start(user.id, COMMAND_LINE)
    assert second_factor.reset(user.id, COMMAND_LINE)
    assert sessions.resume(token, active=False) is None
    with reading() as session:
        assert session.scalars(select(SecondFactor)).all() == []
        assert session.scalars(select(RecoveryCode)).all() == []
    assert audit.list_events()[0].action == "session.ended"
    with pytest.raises(NotFound):
        second_factor.reset(99, COMMAND_LINE)


def test_a_secret_no_key_opens_is_no_way_in_but_a_recovery_code_is(
    app: Flask, frozen_clock: FrozenClock
) -> None:
    user, other = make_user("viewer"), make_user("viewer")
    secret, codes = set_up(user.id)
    set_up(other.id)
    swap = "UPDATE second_factors SET secret_sealed = (SELECT secret_sealed FROM second_factors WHERE user_id = :other) WHERE user_id = :mine"
    with writing() as session:
        session.execute(text(swap), {"other": other.id, "mine": user.id})
    frozen_clock.advance(minutes=1)
    assert not check(user.id, app_code(secret))
    assert check(user.id, codes[0])


@pytest.mark.parametrize(
    ("role", "training", "everybody", "required"),
    [
        ("admin", False, False, True),
        ("admin", True, False, False),
        ("reception", False, False, False),
        ("reception", False, True, True),
        ("clinician", False, True, True),
        ("viewer", True, True, False),
    ],
)
def test_who_has_to_have_one(app: Flask, role: str, training: bool, everybody: bool, required: bool) -> None:
    clinic.ensure(is_training=training)
    second_factor.require_for_everybody(everybody, COMMAND_LINE)
    user = make_user(role, second_factor=False)
    assert second_factor.status(user.id).required is required
    found = sessions.resume(sessions.start(user.id, COMMAND_LINE), active=False)
    assert found is not None
    assert (found.lacks == sessions.SECOND_FACTOR) is required
