"""Links with which a person chooses a password: an invitation for somebody new, a reset for somebody who forgot theirs.

The administrator who makes one hands it over and never knows a password. Only its hash is kept; it works once, for
three days, and a newer one replaces it. It opens no session: a second factor is asked for as ever.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from pmsapp import clock
from pmsapp.crypto.token_hash import token_hash
from pmsapp.domain.actor import Actor
from pmsapp.domain.ages import holds
from pmsapp.models import OneTimeLink, User
from pmsapp.services.base import audit
from pmsapp.services.base.errors import Conflict, NotFound
from pmsapp.services.base.transaction import reading, writing
from pmsapp.services.people import passwords, users
from pmsapp.services.people.users import UserView

_KIND = "link"  # of the secret, in its hash
LIFE = timedelta(hours=72)
INVITATION, RESET = "invitation", "reset"


@dataclass(frozen=True, slots=True)
class NewLink:
    """A link just made, to be shown once. `path` is its address on this site."""

    path: str
    user: UserView
    kind: str
    expires_at: datetime

    def __repr__(self) -> str:
        return f"NewLink(path=[hidden], user={self.user.id})"


def invite(
    email: str,
    *,
    role: str,
    actor: Actor,
    name: str | None = None,
    clinician_id: int | None = None,
) -> NewLink:
    """Add a person who chooses their password themselves. Raises Invalid, Conflict (EMAIL-TAKEN)."""
    user = users.add_user(email, role=role, password=None, actor=actor, name=name, clinician_id=clinician_id)
    return make(user.id, actor)


def make(user_id: int, actor: Actor) -> NewLink:
    """A link for this person; an earlier one stops working. Raises NotFound, Conflict for somebody kept out."""
    token, now = secrets.token_urlsafe(32), clock.now()
    with writing() as session:
        row = session.get(User, user_id)
        if row is None:
            raise NotFound("user")
        if row.disabled_at is not None:
            raise Conflict("KEPT-OUT", "Let this person in again first.")
        kind = INVITATION if row.password_hash == passwords.NONE_YET else RESET
        session.execute(
            delete(OneTimeLink).where(OneTimeLink.user_id == user_id, OneTimeLink.used_at.is_(None))
        )
        session.add(
            OneTimeLink(
                user_id=user_id,
                kind=kind,
                token_hash=token_hash(token, _KIND),
                created_at=now,
                created_by=actor.name,
                expires_at=now + LIFE,
            )
        )
        audit.record(session, actor, "user.link_made", f"user:{user_id}", {"kind": kind})
        return NewLink(f"/link/{token}", users.view_of(row), kind, now + LIFE)


def find(token: str) -> UserView:
    """Whose link it is. Raises NotFound when it is unknown, used, too old, or its person is kept out."""
    with reading() as session:
        row = _live(session, token)
        return users.get_user(row.user_id)


def redeem(token: str, password: str, actor: Actor) -> UserView:
    """Choose the password. The link is used up and the person's sessions end. Raises NotFound, Invalid."""
    user = find(token)
    users.require(users.password_faults(password, user.email, user.name))
    password_hash = passwords.make_hash(password)
    with writing() as session:
        link = _live(session, token)
        session.execute(update(OneTimeLink).where(OneTimeLink.id == link.id).values(used_at=clock.now()))
        who = users.as_actor(user, actor)
        audit.record(session, who, "user.link_used", f"user:{user.id}", {"kind": link.kind})
        users.store_password(session, user.id, password_hash, who)
    return user


def _live(session: Session, token: str) -> OneTimeLink:
    row = session.scalar(
        select(OneTimeLink)
        .join(User, User.id == OneTimeLink.user_id)
        .where(
            OneTimeLink.token_hash == token_hash(token, _KIND),
            OneTimeLink.used_at.is_(None),
            User.disabled_at.is_(None),
        )
    )
    if row is None or not holds(row.expires_at, clock.now(), LIFE):
        raise NotFound("link")
    return row
