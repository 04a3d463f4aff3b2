"""Signed-in browsers. The browser holds a random token, the database only its hash; ending a row ends it everywhere.

A session lasts at most 12 hours, and 15 minutes without activity. Timers of the pages are not activity.
"""

from __future__ import annotations

import secrets
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from pmsapp import clock
from pmsapp.crypto.token_hash import token_hash
from pmsapp.domain.actor import Actor
from pmsapp.domain.ages import is_ahead, is_older, is_within
from pmsapp.domain.roles import ADMIN
from pmsapp.models import Clinic, SecondFactor, User, UserSession
from pmsapp.services.base import audit
from pmsapp.services.base.errors import NotFound
from pmsapp.services.base.transaction import best_effort_write, reading, writing

ABSOLUTE_LIFE = timedelta(hours=12)
IDLE_LIFE = timedelta(minutes=15)
SEEN_STEP = timedelta(minutes=1)  # last_seen_at is written at most this often
FRESH_LIFE = timedelta(minutes=15)  # how long a password given counts for the most delicate pages
FRESH_GRACE = timedelta(minutes=15)  # a form opened while fresh may be sent this much later
_TOKEN_BYTES = 32
PASSWORD, SECOND_FACTOR = "password", "second_factor"  # what a person may lack


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A live session and the person it belongs to, as they are now."""

    session_id: int
    user_id: int
    name: str
    role: str
    clinician_id: int | None
    created_at: datetime
    last_seen_at: datetime
    sheet_view: str | None = None
    shortcuts: bool = False
    must_change_password: bool = False
    has_second_factor: bool = True
    for_everybody: bool | None = None
    is_training: bool | None = None

    @property
    def lacks(self) -> str | None:
        """What this person has to do before anything else: PASSWORD, SECOND_FACTOR, or None."""
        if self.must_change_password:
            return PASSWORD
        if self.has_second_factor or not second_factor_required(
            self.role, is_training=bool(self.is_training), for_everybody=bool(self.for_everybody)
        ):
            return None
        return SECOND_FACTOR


@dataclass(frozen=True, slots=True)
class SessionView:
    """One live session in a person's list of their own."""

    id: int
    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime
    is_current: bool
    browser: str | None = None


def second_factor_required(role: str, *, is_training: bool, for_everybody: bool) -> bool:
    """Whether a person of that role has to have a second factor."""
    return not is_training and (role == ADMIN or for_everybody)


def start(user_id: int, actor: Actor, *, browser: str | None = None) -> str:
    """Open a new session for a person who just proved who they are. Returns the browser's token, kept nowhere else."""
    token = secrets.token_urlsafe(_TOKEN_BYTES)
    now = clock.now()
    with writing() as session:
        row = UserSession(token_hash=token_hash(token), user_id=user_id, created_at=now, last_seen_at=now)
        row.browser = browser
        session.add(row)
        session.flush()
        audit.record(session, actor, "session.started", f"user:{user_id}", {"session_id": row.id})
    return token


def resume(token: str, *, active: bool) -> SignedIn | None:
    """The live session of `token`, or None: unknown, ended, too old, idle, or its person is disabled.

    `active` (a person did something) moves its last activity on, written at most once a minute.
    """
    now = clock.now()
    with reading() as session:
        row = session.execute(_LIVE.where(UserSession.token_hash == token_hash(token))).first()
    if row is None or not _is_live(row.created_at, row.last_seen_at, now):
        return None
    found = SignedIn(*row)
    if active and is_older(found.last_seen_at, now, SEEN_STEP):
        _touch(found.session_id, now)
    return found


def owner(token: str) -> int | None:
    """Whose session `token` is or was, also after it ended; None when unknown or the person is disabled."""
    query = (
        select(UserSession.user_id)
        .join(User, User.id == UserSession.user_id)
        .where(UserSession.token_hash == token_hash(token), User.disabled_at.is_(None))
    )
    with reading() as session:
        return session.scalar(query)


def is_fresh(signed_in: SignedIn, *, grace: bool = False) -> bool:
    """True while the password was given recently enough for the most delicate pages; `grace` for sending a form."""
    allowed = FRESH_LIFE + (FRESH_GRACE if grace else timedelta(0))
    return is_within(signed_in.created_at, clock.now(), allowed)


def list_live(user_id: int, *, current_id: int | None = None) -> list[SessionView]:
    """A person's live sessions, the most recently used first."""
    now = clock.now()
    query = (
        select(UserSession)
        .where(UserSession.user_id == user_id, UserSession.ended_at.is_(None))
        .order_by(UserSession.last_seen_at.desc(), UserSession.id.desc())
    )
    with reading() as session:
        return [
            SessionView(
                row.id,
                row.created_at,
                row.last_seen_at,
                row.created_at + ABSOLUTE_LIFE,
                row.id == current_id,
                row.browser,
            )
            for row in session.scalars(query)
            if _is_live(row.created_at, row.last_seen_at, now)
        ]


def end(session_id: int, actor: Actor, *, reason: str = "signed_out", user_id: int | None = None) -> None:
    """End one session; with `user_id`, only if it is that person's. Raises NotFound, also when already ended."""
    with writing() as session:
        conditions = [UserSession.id == session_id]
        if user_id is not None:
            conditions.append(UserSession.user_id == user_id)
        if not end_where(session, actor, reason, *conditions):
            raise NotFound("session")


def end_all(
    user_id: int, actor: Actor, *, reason: str = "signed_out", except_session_id: int | None = None
) -> int:
    """End every session of a person, but for the one kept. Returns how many ended."""
    with writing() as session:
        conditions = [UserSession.user_id == user_id]
        if except_session_id is not None:
            conditions.append(UserSession.id != except_session_id)
        return end_where(session, actor, reason, *conditions)


def end_everybody(actor: Actor, *, reason: str = "ended_by_admin") -> int:
    """End every session there is. Returns how many ended."""
    with writing() as session:
        return end_where(session, actor, reason)


def end_where(session: Session, actor: Actor, reason: str, *conditions: object) -> int:
    """Inside a `writing()` transaction: end the sessions that meet `conditions`, with an audit row each."""
    query = (
        update(UserSession)
        .where(UserSession.ended_at.is_(None), *conditions)  # type: ignore[arg-type]
        .values(ended_at=clock.now(), ended_reason=reason)
        .returning(UserSession.id, UserSession.user_id)
    )
    ended = session.execute(query).all()
    for row in ended:
        detail = {"session_id": row.id, "reason": reason}
        audit.record(session, actor, "session.ended", f"user:{row.user_id}", detail)
    return len(ended)


_LIVE = (
    select(
        UserSession.id.label("session_id"),
        UserSession.user_id,
        User.name,
        User.role,
        User.clinician_id,
        UserSession.created_at,
        UserSession.last_seen_at,
        User.sheet_view,
        User.shortcuts,
        User.must_change_password,
        SecondFactor.id.is_not(None).label("has_second_factor"),
        Clinic.require_second_factor,
        Clinic.is_training,
    )
    .join(User, User.id == UserSession.user_id)
    .outerjoin(SecondFactor, SecondFactor.user_id == User.id)
    .outerjoin(Clinic, Clinic.id == 1)
    .where(UserSession.ended_at.is_(None), User.disabled_at.is_(None))
)


def _is_live(created_at: datetime, last_seen_at: datetime, now: datetime) -> bool:
    """A session that began or was last used in the future has lasted nobody knows how long: it is over."""
    if is_ahead(created_at, now) or is_ahead(last_seen_at, now):
        return False
    return now < created_at + ABSOLUTE_LIFE and now <= last_seen_at + IDLE_LIFE


def _touch(session_id: int, now: datetime) -> None:
    """A busy database costs this note, not the page."""
    with suppress(OperationalError), best_effort_write() as session:
        session.execute(
            update(UserSession)
            .where(UserSession.id == session_id, UserSession.last_seen_at < now)
            .values(last_seen_at=now)
            .execution_options(synchronize_session=False)
        )
