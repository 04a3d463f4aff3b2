"""Browsers a person has signed in on before. They hold a random token in a cookie of its own that outlives signing
out; the database holds its hash. Knowing a browser opens nothing: it only spares it the waiting others cause."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from pmsapp import clock
from pmsapp.crypto.token_hash import token_hash
from pmsapp.domain.actor import Actor
from pmsapp.models import KnownBrowser
from pmsapp.models.upsert import upsert
from pmsapp.services.base import audit
from pmsapp.services.base.errors import NotFound
from pmsapp.services.base.transaction import reading, writing

_KIND = "browser"  # of the secret, in its hash
LIFE = timedelta(days=180)  # without a sign-in
MAX_PER_PERSON = 20  # the oldest go
MAX_NAME_CHARS = 60


@dataclass(frozen=True, slots=True)
class BrowserView:
    """One known browser in a person's list."""

    id: int
    browser: str | None
    created_at: datetime
    last_used_at: datetime
    is_this: bool


def new_token() -> str:
    """A token for a browser that has none yet."""
    return secrets.token_urlsafe(32)


def find(session: Session, user_id: int, token: str | None) -> int | None:
    """The id of the browser with that token if this person signed in on it lately."""
    if not token:
        return None
    return session.scalar(
        select(KnownBrowser.id).where(
            KnownBrowser.user_id == user_id,
            KnownBrowser.token_hash == token_hash(token, _KIND),
            KnownBrowser.last_used_at > clock.now() - LIFE,
        )
    )


def remember(session: Session, user_id: int, token: str, browser: str | None, actor: Actor) -> None:
    """Inside a `writing()` transaction: this person signed in on the browser with that token."""
    now = clock.now()
    is_new = find(session, user_id, token) is None
    row = {
        "user_id": user_id,
        "token_hash": token_hash(token, _KIND),
        "browser": (browser or "")[:MAX_NAME_CHARS] or None,
        "created_at": now,
        "last_used_at": now,
    }
    upsert(session, KnownBrowser, [row], keys=["user_id", "token_hash"], update=["browser", "last_used_at"])
    if is_new:
        audit.record(session, actor, "browser.remembered", f"user:{user_id}")
        _drop_oldest(session, user_id)


def list_of(user_id: int, token: str | None = None) -> list[BrowserView]:
    """A person's known browsers, the most recently used first; `token` tells which one is asking."""
    this = token_hash(token, _KIND) if token else None
    query = (
        select(KnownBrowser)
        .where(KnownBrowser.user_id == user_id, KnownBrowser.last_used_at > clock.now() - LIFE)
        .order_by(KnownBrowser.last_used_at.desc(), KnownBrowser.id.desc())
    )
    with reading() as session:
        return [
            BrowserView(row.id, row.browser, row.created_at, row.last_used_at, row.token_hash == this)
            for row in session.scalars(query)
        ]


def forget(browser_id: int, user_id: int, actor: Actor) -> None:
    """Forget one browser of a person. Raises NotFound."""
    with writing() as session:
        if not _forget(session, user_id, actor, KnownBrowser.id == browser_id):
            raise NotFound("browser")


def forget_all(session: Session, user_id: int, actor: Actor) -> int:
    """Inside a `writing()` transaction: forget every browser of a person. Returns how many."""
    return _forget(session, user_id, actor)


def _forget(session: Session, user_id: int, actor: Actor, *conditions: object) -> int:
    gone = session.scalars(
        delete(KnownBrowser)
        .where(KnownBrowser.user_id == user_id, *conditions)  # type: ignore[arg-type]
        .returning(KnownBrowser.id)
        .execution_options(synchronize_session=False)
    ).all()
    if gone:
        audit.record(session, actor, "browser.forgotten", f"user:{user_id}", {"browsers": len(gone)})
    return len(gone)


def _drop_oldest(session: Session, user_id: int) -> None:
    kept = (
        select(KnownBrowser.id)
        .where(KnownBrowser.user_id == user_id)
        .order_by(KnownBrowser.last_used_at.desc(), KnownBrowser.id.desc())
        .limit(MAX_PER_PERSON)
    )
    session.execute(
        delete(KnownBrowser)
        .where(KnownBrowser.user_id == user_id, KnownBrowser.id.not_in(kept.scalar_subquery()))
        .execution_options(synchronize_session=False)
    )
