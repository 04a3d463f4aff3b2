"""Invitations and resets: a link that works once, and a password nobody but the person knows."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import text

from pmsapp.domain.actor import COMMAND_LINE, Actor
from pmsapp.services.base import audit
from pmsapp.services.base.errors import Conflict, Invalid, NotFound
from pmsapp.services.base.transaction import reading
from pmsapp.services.people import one_time_links, second_factor, sessions, sign_in, users
from pmsapp.services.people.one_time_links import NewLink
from pmsapp.services.people.sign_in import SignInFailed
from tests.support.actors import PASSWORD, make_user
from tests.support.clock import FrozenClock

BROWSER = Actor(kind="anonymous", name="not signed in", role="none", remote_addr="10.0.0.9")
NEW = "green boats hum tango"


def token_of(link: NewLink) -> str:
    return link.path.removeprefix("/link/")


def test_somebody_invited_chooses_a_password_and_gets_in(app: Flask) -> None:
    made = one_time_links.invite("jo@example.org", role="reception", name="Jo", actor=COMMAND_LINE)
    assert (made.kind, made.user.is_invited) == (one_time_links.INVITATION, True)
    for guess in ("!", "", PASSWORD):
        with pytest.raises(SignInFailed):
            sign_in.authenticate("jo@example.org", guess, BROWSER)
    with pytest.raises(Invalid):
        one_time_links.redeem(token_of(made), "short", BROWSER)
    one_time_links.redeem(token_of(made), NEW, BROWSER)
    user = sign_in.authenticate("jo@example.org", NEW, BROWSER)
    assert (user.is_invited, user.must_change_password) == (False, False)
    actions = {event.action for event in audit.list_events()}
    assert {"user.added", "user.link_made", "user.link_used", "user.password_changed"} <= actions


def test_a_link_works_once(app: Flask) -> None:
    token = token_of(one_time_links.make(make_user("viewer").id, COMMAND_LINE))
    one_time_links.redeem(token, NEW, BROWSER)
    for again in (
        lambda: one_time_links.find(token),
        lambda: one_time_links.redeem(token, PASSWORD, BROWSER),
    ):
        with pytest.raises(NotFound):
            again()


def test_a_link_works_for_three_days(app: Flask, frozen_clock: FrozenClock) -> None:
    user = make_user("viewer")
    token = token_of(one_time_links.make(user.id, COMMAND_LINE))
    frozen_clock.advance(hours=71, minutes=59)
    assert one_time_links.find(token).id == user.id
    frozen_clock.advance(minutes=1)
    with pytest.raises(NotFound):
        one_time_links.redeem(token, NEW, BROWSER)


def test_a_newer_link_a_new_password_and_being_kept_out_each_end_a_link(app: Flask) -> None:
    user = make_user("viewer")
    for ending in (
        lambda: one_time_links.make(user.id, COMMAND_LINE),
        lambda: users.set_password(user.id, NEW, COMMAND_LINE),
        lambda: users.disable_user(user.id, COMMAND_LINE),
    ):
        token = token_of(one_time_links.make(user.id, COMMAND_LINE))
        ending()
        with pytest.raises(NotFound):
            one_time_links.find(token)
    with pytest.raises(Conflict):
        one_time_links.make(user.id, COMMAND_LINE)
    users.enable_user(user.id, COMMAND_LINE)
    with pytest.raises(NotFound):
        one_time_links.find(token)


def test_a_reset_leaves_the_second_factor_and_ends_the_sessions(app: Flask) -> None:
    user = make_user("admin")
    saved = sessions.start(user.id, COMMAND_LINE)
    made = one_time_links.make(user.id, COMMAND_LINE)
    assert made.kind == one_time_links.RESET
    assert sign_in.prove(user.email, PASSWORD, BROWSER), "until it is used the old password stays"
    one_time_links.redeem(token_of(made), NEW, BROWSER)
    assert sessions.resume(saved, active=False) is None
    assert second_factor.is_enabled(user.id)
    assert sign_in.prove(user.email, NEW, BROWSER).needs_code
    with pytest.raises(SignInFailed):
        sign_in.prove(user.email, PASSWORD, BROWSER)


def test_only_the_hash_of_a_link_is_kept(app: Flask) -> None:
    made = one_time_links.make(make_user("viewer").id, COMMAND_LINE)
    with reading() as session:
        kept = str(session.execute(text("SELECT * FROM one_time_links")).all())
        kept += str(session.execute(text("SELECT * FROM audit_events")).all())
    assert token_of(made) not in kept
    assert token_of(made) not in repr(made)
    assert len(token_of(made)) >= 43


def test_a_password_somebody_else_chose_has_to_be_changed_for_another(app: Flask) -> None:
    user = users.add_user(
        "jo@example.org", role="viewer", password=PASSWORD, actor=COMMAND_LINE, must_change_password=True
    )
    found = sessions.resume(sessions.start(user.id, COMMAND_LINE), active=False)
    assert found is not None
    assert found.lacks == sessions.PASSWORD
    with pytest.raises(Invalid):
        users.set_password(user.id, PASSWORD, COMMAND_LINE, new_only=True)
    users.set_password(user.id, NEW, COMMAND_LINE, new_only=True)
    found = sessions.resume(sessions.start(user.id, COMMAND_LINE), active=False)
    assert found is not None
    assert found.lacks is None
