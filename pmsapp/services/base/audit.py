"""The log of who did what: written in the transaction of the change, append-only, each row sealed by the one before.

`detail` names fields, ids, counts and outcomes. It never holds patient data, a password, a token or a secret.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import func, insert, select, text
from sqlalchemy.orm import Session

from pmsapp import clock
from pmsapp.domain.actor import Actor
from pmsapp.models import AuditEvent
from pmsapp.services.base.transaction import reading

GENESIS = "0" * 64  # what the first row holds as the hash of the row before it
_PAGE = 1000
_POSTGRESQL_LOCK = 7_021_936_001  # one number, ours, that writers of the chain queue up on


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One row of the log."""

    id: int
    at: datetime
    actor: str
    action: str
    subject: str | None
    detail: Any | None
    request_id: str | None
    remote_addr: str | None
    hash: str


@dataclass(frozen=True, slots=True)
class ChainCheck:
    """What `verify` found. `first_bad_id` and `reason` name the first row that was changed, removed or put in."""

    checked: int
    last_id: int | None
    last_hash: str
    first_bad_id: int | None = None
    reason: str | None = None

    @property
    def ok(self) -> bool:
        return self.first_bad_id is None


def record(
    session: Session,
    actor: Actor,
    action: str,
    subject: str | None = None,
    detail: Mapping[str, Any] | None = None,
) -> int:
    """Add a row inside the caller's `writing()` transaction; both are stored or neither. Returns its id.

    `action` reads `thing.what_happened` ("user.role_changed"); `subject` is `kind:id` ("user:3").
    """
    _queue_up(session)
    last = session.execute(
        select(AuditEvent.id, AuditEvent.hash).order_by(AuditEvent.id.desc()).limit(1)
    ).first()
    row: dict[str, Any] = {
        "id": last.id + 1 if last else 1,
        "at": clock.now(),
        "actor": actor.key,
        "action": action,
        "subject": subject,
        "detail": json.loads(json.dumps(detail)) if detail is not None else None,
        "request_id": actor.request_id,
        "remote_addr": actor.remote_addr,
        "previous_hash": last.hash if last else GENESIS,
    }
    session.execute(insert(AuditEvent).values(**row, hash=row_hash(row)))
    return int(row["id"])


def row_hash(row: Mapping[str, Any]) -> str:
    """SHA-256 over the canonical JSON of a row: every column but `hash`, keys sorted, no spaces."""
    plain = {
        key: _utc_text(row["at"]) if key == "at" else row[key]
        for key in (
            "id",
            "at",
            "actor",
            "action",
            "subject",
            "detail",
            "request_id",
            "remote_addr",
            "previous_hash",
        )
    }
    canonical = json.dumps(plain, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(canonical.encode("ascii")).hexdigest()


def verify() -> ChainCheck:
    """Read the whole chain and say whether it holds. Cutting rows off its end shows only against a noted last hash."""
    checked, last_id, last_hash = 0, 0, GENESIS
    with reading() as session:
        while rows := _rows_after(session, last_id):
            for row in rows:
                reason = _fault(row, last_id, last_hash)
                if reason:
                    return ChainCheck(checked, last_id or None, last_hash, row["id"], reason)
                checked, last_id, last_hash = checked + 1, row["id"], row["hash"]
    return ChainCheck(checked, last_id or None, last_hash)


def list_events(
    *, limit: int = 100, before_id: int | None = None, subject: str | None = None
) -> list[AuditEntry]:
    """The newest rows first, at most `limit` (1..500); `before_id` goes on from an earlier page."""
    query = select(AuditEvent).order_by(AuditEvent.id.desc()).limit(max(1, min(limit, 500)))
    if before_id is not None:
        query = query.where(AuditEvent.id < before_id)
    if subject is not None:
        query = query.where(AuditEvent.subject == subject)
    with reading() as session:
        return [view(row) for row in session.scalars(query)]


def count() -> int:
    """How many rows the log has."""
    with reading() as session:
        return session.scalar(select(func.count()).select_from(AuditEvent)) or 0


def _utc_text(at: datetime) -> str:
    """One spelling of an instant, whatever the database gives back."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def _queue_up(session: Session) -> None:
    """In PostgreSQL, wait for other writers of the chain; SQLite's write transaction already did."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _POSTGRESQL_LOCK})


def _rows_after(session: Session, last_id: int) -> list[dict[str, Any]]:
    query = (
        select(*AuditEvent.__table__.columns)
        .where(AuditEvent.id > last_id)
        .order_by(AuditEvent.id)
        .limit(_PAGE)
    )
    return [dict(row._mapping) for row in session.execute(query)]


def _fault(row: Mapping[str, Any], last_id: int, last_hash: str) -> str | None:
    if row["id"] != last_id + 1:
        return "rows before it are missing"
    if row["previous_hash"] != last_hash:
        return "it does not follow the row before it"
    if not hmac.compare_digest(row["hash"], row_hash(row)):
        return "it was changed"
    return None


def view(row: AuditEvent) -> AuditEntry:
    """A stored row as the rest of the program sees it."""
    return AuditEntry(
        id=row.id,
        at=row.at,
        actor=row.actor,
        action=row.action,
        subject=row.subject,
        detail=row.detail,
        request_id=row.request_id,
        remote_addr=row.remote_addr,
        hash=row.hash,
    )
