"""Keys of programs: shown once, kept only as a hash, limited to a role, expiring, revocable."""

from __future__ import annotations

import secrets
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.exc import OperationalError

from pmsapp import clock
from pmsapp.crypto.token_hash import token_hash
from pmsapp.domain.actor import Actor
from pmsapp.domain.ages import is_ahead, is_older
from pmsapp.domain.roles import TOKEN_ROLES
from pmsapp.models import APIToken
from pmsapp.services.base import audit
from pmsapp.services.base.errors import Invalid, NotFound
from pmsapp.services.base.transaction import best_effort_write, reading, writing

PREFIX = "pms_"  # lets a scanner of code or logs recognise a leaked key
DEFAULT_DAYS = 365
MAX_DAYS = 3650
MAX_NAME_CHARS = 80
USED_STEP = timedelta(minutes=1)  # last_used_at is written at most this often
_SHOWN_CHARS = len(PREFIX) + 8
_SECRET_BYTES = 32


@dataclass(frozen=True, slots=True)
class TokenView:
    """One key as lists show it. `prefix` is the part people can recognise it by."""

    id: int
    name: str
    prefix: str
    role: str
    created_at: datetime
    created_by: str
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None


@dataclass(frozen=True, slots=True)
class NewToken:
    """A key just made. `token` is the only copy there will ever be; keep it out of logs."""

    token: str
    view: TokenView

    def __repr__(self) -> str:
        return f"NewToken(token=[hidden], view={self.view!r})"


def create(name: str, role: str, actor: Actor, *, days: int | None = DEFAULT_DAYS) -> NewToken:
    """Make a key that works for `days` (None: until revoked). Raises Invalid for a bad name, role or number of days."""
    name = _checked(name, role, days)
    now = clock.now()
    token = f"{PREFIX}{secrets.token_hex(4)}_{secrets.token_urlsafe(_SECRET_BYTES)}"
    with writing() as session:
        row = APIToken(
            name=name,
            prefix=token[:_SHOWN_CHARS],
            token_hash=token_hash(token),
            role=role,
            created_at=now,
            created_by=actor.key,
            expires_at=now + timedelta(days=days) if days is not None else None,
        )
        session.add(row)
        session.flush()
        audit.record(session, actor, "api_token.created", f"api_token:{row.id}", {"role": role, "days": days})
        view = _view(row)
    return NewToken(token, view)


def list_tokens() -> list[TokenView]:
    """Every key ever made, the newest first."""
    with reading() as session:
        return [_view(row) for row in session.scalars(select(APIToken).order_by(APIToken.id.desc()))]


def revoke(token_id: int, actor: Actor) -> None:
    """Make a key useless at once. Raises NotFound, also when it was revoked before."""
    with writing() as session:
        row = session.get(APIToken, token_id)
        if row is None or row.revoked_at is not None:
            raise NotFound("API token")
        row.revoked_at = clock.now()
        audit.record(session, actor, "api_token.revoked", f"api_token:{token_id}")


def revoke_all(actor: Actor) -> int:
    """Make every key useless at once. Returns how many worked until now."""
    with writing() as session:
        query = (
            update(APIToken)
            .where(APIToken.revoked_at.is_(None))
            .values(revoked_at=clock.now())
            .returning(APIToken.id)
        )
        ids = list(session.scalars(query))
        for token_id in ids:
            audit.record(session, actor, "api_token.revoked", f"api_token:{token_id}")
    return len(ids)


def find(token: str) -> TokenView | None:
    """The working key `token` is, or None: unknown, expired or revoked. Notes its use at most once a minute."""
    if not token.startswith(PREFIX):
        return None
    now = clock.now()
    with reading() as session:
        row = session.scalar(
            select(APIToken).where(APIToken.token_hash == token_hash(token), APIToken.revoked_at.is_(None))
        )
    if row is None or _is_over(row, now):
        return None
    if is_older(row.last_used_at, now, USED_STEP):
        _note_use(row.id, now)
    return _view(row)


def _is_over(row: APIToken, now: datetime) -> bool:
    """True for an expired key, and for one with an end that was made in the future: how long it has left is unknown."""
    return row.expires_at is not None and (row.expires_at <= now or is_ahead(row.created_at, now))


def looks_like_token(text: str) -> bool:
    """True for text with the shape of a key, to catch one that strayed into a URL."""
    return text.startswith(PREFIX) and len(text) > _SHOWN_CHARS + 20


def _note_use(token_id: int, now: datetime) -> None:
    """A busy database costs this note, not the answer."""
    with suppress(OperationalError), best_effort_write() as session:
        session.execute(update(APIToken).where(APIToken.id == token_id).values(last_used_at=now))


def _checked(name: str, role: str, days: int | None) -> str:
    errors: dict[str, str] = {}
    name = name.strip()
    if not name or len(name) > MAX_NAME_CHARS or not name.isprintable():
        errors["name"] = f"Give the token a name of 1 to {MAX_NAME_CHARS} characters."
    if role not in TOKEN_ROLES:
        errors["role"] = f"The role must be one of: {', '.join(sorted(TOKEN_ROLES))}."
    if days is not None and not 1 <= days <= MAX_DAYS:
        errors["days"] = f"A token can last 1 to {MAX_DAYS} days."
    if errors:
        raise Invalid(errors)
    return name


def _view(row: APIToken) -> TokenView:
    return TokenView(
        id=row.id,
        name=row.name,
        prefix=row.prefix,
        role=row.role,
        created_at=row.created_at,
        created_by=row.created_by,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
        last_used_at=row.last_used_at,
    )
