"""Signed-in browsers: a random token, its hash, an end."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import event, text
from sqlalchemy.exc import OperationalError

from pmsapp.domain.actor import COMMAND_LINE
from pmsapp.extensions import db
from pmsapp.services.base import audit
from pmsapp.services.base.errors import NotFound
from pmsapp.services.base.transaction import reading
from pmsapp.services.people import sessions, users
from tests.support.actors import make_user
from tests.support.clock import FrozenClock


def start(role: str = "reception") -> tuple[int, str]:
    user = make_user(role)
    return user.id, sessions.start(user.id, COMMAND_LINE)


def test_a_token_is_256_random_bits_and_only_its_hash_is_kept(app: Flask) -> None:
    user_id, token = start()
    assert len(token) >= 43
    assert token != sessions.start(user_id, COMMAND_LINE)
    with reading() as session:
        assert token not in str(session.execute(text("SELECT * FROM user_sessions")).all())


def test_a_session_knows_its_person(app: Flask) -> None:
    user_id, token = start("viewer")
    found = sessions.resume(token, active=True)
    assert found is not None
    assert (found.user_id, found.role) == (user_id, "viewer")
    assert sessions.resume("another", active=True) is None
    assert sessions.resume("", active=True) is None


def test_fifteen_idle_minutes_end_it(app: Flask, frozen_clock: FrozenClock) -> None:
    _, token = start()
    frozen_clock.advance(minutes=14, seconds=59)
    assert sessions.resume(token, active=False) is not None
    frozen_clock.advance(seconds=2)
    assert sessions.resume(token, active=True) is None


def test_activity_carries_it_on_but_a_timer_does_not(app: Flask, frozen_clock: FrozenClock) -> None:
    _, token = start()
    for _ in range(3):
        frozen_clock.advance(minutes=10)
        assert sessions.resume(token, active=True) is not None
    for _ in range(3):
        frozen_clock.advance(minutes=5)
        assert sessions.resume(token, active=False) is not None
    frozen_clock.advance(seconds=1)
    assert sessions.resume(token, active=False) is None


def test_twelve_hours_end_it_however_busy(app: Flask, frozen_clock: FrozenClock) -> None:
    _, token = start()
    for _ in range(71):
        frozen_clock.advance(minutes=10)
        assert sessions.resume(token, active=True) is not None
    frozen_clock.advance(minutes=10)
    assert sessions.resume(token, active=True) is None


def test_last_activity_is_written_at_most_once_a_minute(app: Flask, frozen_clock: FrozenClock) -> None:
    _, token = start()
    writes: list[str] = []
    event.listen(
        db.engine,
        "before_cursor_execute",
        lambda *args: writes.append(args[2]) if args[2].startswith("UPDATE") else None,
    )
    for _ in range(120):
        frozen_clock.advance(seconds=1)
        sessions.resume(token, active=True)
    assert len(writes) == 2


def test_an_ended_session_stays_ended(app: Flask) -> None:
    user_id, token = start()
    found = sessions.resume(token, active=True)
    assert found is not None
    sessions.end(found.session_id, COMMAND_LINE)
    assert sessions.resume(token, active=True) is None
    with pytest.raises(NotFound):
        sessions.end(found.session_id, COMMAND_LINE)
    assert audit.list_events()[0].action == "session.ended"
    assert audit.list_events()[0].subject == f"user:{user_id}"


def test_somebody_elses_session_is_not_found(app: Flask) -> None:
    user_id, token = start()
    found = sessions.resume(token, active=True)
    assert found is not None
    with pytest.raises(NotFound):
        sessions.end(found.session_id, COMMAND_LINE, user_id=user_id + 1)
    assert sessions.resume(token, active=True) is not None


def test_ending_the_others_keeps_this_one(app: Flask) -> None:
    user_id, here = start()
    there = sessions.start(user_id, COMMAND_LINE)
    current = sessions.resume(here, active=True)
    assert current is not None
    assert [line.is_current for line in sessions.list_live(user_id, current_id=current.session_id)].count(
        True
    ) == 1
    assert sessions.end_all(user_id, COMMAND_LINE, except_session_id=current.session_id) == 1
    assert sessions.resume(there, active=True) is None
    assert [line.id for line in sessions.list_live(user_id)] == [current.session_id]


def test_everybody_can_be_signed_out_at_once(app: Flask) -> None:
    tokens = [start()[1], start()[1]]
    assert sessions.end_everybody(COMMAND_LINE) == 2
    assert [sessions.resume(token, active=True) for token in tokens] == [None, None]


def test_role_password_and_disabling_end_sessions_at_once(app: Flask) -> None:
    make_user("admin")
    for change in (
        lambda user_id: users.change_role(user_id, "viewer", COMMAND_LINE),
        lambda user_id: users.set_password(user_id, "green boats hum tango", COMMAND_LINE),
        lambda user_id: users.disable_user(user_id, COMMAND_LINE),
    ):
        user_id, token = start()
        change(user_id)
        assert sessions.resume(token, active=True) is None
        assert sessions.list_live(user_id) == []


def test_a_password_counts_as_fresh_for_a_quarter_of_an_hour(app: Flask, frozen_clock: FrozenClock) -> None:
    _, token = start()
    frozen_clock.advance(minutes=14)
    found = sessions.resume(token, active=True)
    assert found is not None
    assert sessions.is_fresh(found)
    frozen_clock.advance(minutes=2)
    assert not sessions.is_fresh(found)
    assert sessions.is_fresh(found, grace=True)
    frozen_clock.advance(minutes=15)
    assert not sessions.is_fresh(found, grace=True)


def test_a_busy_database_costs_the_note_of_activity_not_the_page(
    app: Flask, frozen_clock: FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, token = start()
    frozen_clock.advance(minutes=2)

    def busy() -> None:
        raise OperationalError("BEGIN IMMEDIATE", None, Exception("database is locked"))

    monkeypatch.setattr(sessions, "writing", busy)
    assert sessions.resume(token, active=True) is not None
