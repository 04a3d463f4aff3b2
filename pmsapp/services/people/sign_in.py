"""Proving who one is: the password first, then letting in.

A browser the person signed in on before is never held up by what others try; see `login_throttle`. Unknown email,
wrong password, disabled and invited people cost the same time and give the same answer.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from sqlalchemy import select, update

from pmsapp import clock
from pmsapp.domain.actor import Actor
from pmsapp.models import User
from pmsapp.services.base import audit
from pmsapp.services.base.errors import Invalid, Refused
from pmsapp.services.base.transaction import reading, writing
from pmsapp.services.people import known_browsers, login_throttle, passwords, second_factor, users
from pmsapp.services.people.login_throttle import Keys, Ticket
from pmsapp.services.people.users import UserView, as_actor, view_of


class SignInFailed(Refused):
    """Wrong email, wrong password, or a disabled person: one answer for all, so nothing is given away."""

    def __init__(self) -> None:
        super().__init__(
            "SIGN-IN-FAILED",
            "That email and password do not go together.",
            "Check both and try again; an administrator can give you a link to choose a new password.",
        )


@dataclass(frozen=True, slots=True)
class Browser:
    """The browser somebody signs in on: its own token, if it has one, and what it is called in lists."""

    token: str | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Proven:
    """Somebody who gave the right password. `stamp` stands for that password: when it is changed, letting in fails."""

    user: UserView
    stamp: str
    needs_code: bool


UNKNOWN = Browser()


def prove(
    email: str, password: str, actor: Actor, *, browser: Browser = UNKNOWN, ticket: Ticket | None = None
) -> Proven:
    """The person who knows this password. Nothing is stored unless the password is wrong.

    `ticket`: what an earlier TooManyTries gave this browser. Raises SignInFailed, TooManyTries.
    """
    email = users.normalise_email(email)
    with reading() as session:
        found = session.scalar(select(User).where(User.email == email))
        browser_id = known_browsers.find(session, found.id, browser.token) if found else None
    keys = (
        login_throttle.keys_for(email, actor.remote_addr)
        if browser_id is None
        else login_throttle.keys_of_browser(email, browser_id)
    )
    looked = login_throttle.begin_try(keys, ticket)
    usable = found is not None and found.disabled_at is None and found.password_hash != passwords.NONE_YET
    right = passwords.matches(found.password_hash if found and usable else None, password)
    if not right or found is None:
        _note_failure(found.id if found else None, keys, looked.used, actor)
        raise SignInFailed
    kept = _renew_hash(found, password) if passwords.needs_new_hash(found.password_hash) else None
    return Proven(view_of(found), stamp_of(kept or found.password_hash), second_factor.is_enabled(found.id))


def let_in(user_id: int, stamp: str, actor: Actor, *, browser: Browser = UNKNOWN) -> UserView:
    """Note that somebody proved who they are, and remember the browser, unless their password was changed or they were
    disabled since. Raises SignInFailed."""
    with writing() as session:
        row = session.get(User, user_id)
        if row is None or row.disabled_at is not None or stamp_of(row.password_hash) != stamp:
            raise SignInFailed
        row.last_login_at = clock.now()
        view = view_of(row)
        who = as_actor(view, actor)
        audit.record(session, who, "user.signed_in", f"user:{row.id}")
        if browser.token:
            known_browsers.remember(session, row.id, browser.token, browser.name, who)
        return view


def authenticate(email: str, password: str, actor: Actor, *, browser: Browser = UNKNOWN) -> UserView:
    """Prove and let in at once, for who is asked for no code. Raises SignInFailed, TooManyTries, Refused (CODE-NEEDED)."""
    proven = prove(email, password, actor, browser=browser)
    if proven.needs_code:
        raise Refused("CODE-NEEDED", "This person signs in with a second factor.")
    return let_in(proven.user.id, proven.stamp, actor, browser=browser)


def check_code(user_id: int, code: str, actor: Actor, *, browser: Browser = UNKNOWN) -> bool:
    """True for the second factor's code; codes tried on other browsers hold a known one not up. Raises TooManyTries."""
    with reading() as session:
        browser_id = known_browsers.find(session, user_id, browser.token)
    return second_factor.check(user_id, code, actor, browser_id=browser_id)


def check_password(user_id: int, password: str, actor: Actor) -> bool:
    """True when it is the password of that person, who is signed in. Raises TooManyTries, NotFound."""
    keys = login_throttle.keys_of_session(user_id)
    login_throttle.begin_try(keys)
    right = passwords.matches(users.stored_hash(user_id), password)
    with writing() as session:
        if right:
            audit.record(session, actor, "user.password_confirmed", f"user:{user_id}")
        elif login_throttle.failed(session, keys).worth_a_line:
            audit.record(session, actor, "user.password_refused", f"user:{user_id}")
    return right


def change_own_password(user_id: int, current: str, new: str, actor: Actor) -> None:
    """As `users.set_password`, after proof of the current one. Raises Invalid, TooManyTries."""
    if not check_password(user_id, current, actor):
        raise Invalid({"current_password": "This is not your current password."})
    try:
        users.set_password(user_id, new, actor)
    except Invalid as error:
        raise Invalid({"new_password": error.errors["password"]}) from None


def stamp_of(password_hash: str) -> str:
    """A short text that changes when the password does and tells nothing about it."""
    return hashlib.sha256(f"stamp\0{password_hash}".encode()).hexdigest()[:32]


def _note_failure(user_id: int | None, keys: Keys, used: Ticket | None, actor: Actor) -> None:
    """The typed email is not kept: people type passwords into that field."""
    with writing() as session:
        counted = login_throttle.failed(session, keys, used)
        if counted.worth_a_line:
            detail = {"failures": counted.counts[0]} if counted.counts[0] > 1 else None
            subject = f"user:{user_id}" if user_id else None
            audit.record(session, actor, "user.sign_in_failed", subject, detail)


def _renew_hash(found: User, password: str) -> str:
    """Keep the password at today's cost, unless it was changed meanwhile."""
    fresh = passwords.make_hash(password)
    with writing() as session:
        session.execute(
            update(User)
            .where(User.id == found.id, User.password_hash == found.password_hash)
            .values(password_hash=fresh)
            .execution_options(synchronize_session=False)
        )
    return fresh
