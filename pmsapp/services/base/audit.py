"""The log of who did what: written in the transaction of the change, append-only, each row sealed by the one before.

`detail` names fields, ids, counts and outcomes. It never holds patient data, a password, a token or a secret.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, insert, or_, select, text
from sqlalchemy.orm import Session

from pmsapp import clock
from pmsapp.domain.actor import Actor
from pmsapp.models import AuditEvent
from pmsapp.models.upsert import table_of
from pmsapp.services.base import audit_chain
from pmsapp.services.base.transaction import reading

_EVENTS = insert(table_of(AuditEvent))
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
class Wanted:
    """Which rows: whose actor contains `who`, of these actions ("card." stands for all that begin so), from `since`
    on, before `until`."""

    who: str = ""
    actions: Sequence[str] = ()
    since: datetime | None = None
    until: datetime | None = None


def record(
    session: Session,
    actor: Actor,
    action: str,
    subject: str | None = None,
    detail: Mapping[str, Any] | None = None,
    *,
    at: datetime | None = None,
) -> int:
    """Add a row inside the caller's `writing()` transaction; both are stored or neither. Returns its id.

    `action` reads `thing.what_happened` ("user.role_changed"); `subject` is `kind:id` ("user:3"). `at`: when it
    happened, where that was before now.
    """
    _queue_up(session)
    key = audit_chain.current_key(session)
    last = audit_chain.head(session)
    row: dict[str, Any] = {
        "id": last.id + 1 if last else 1,
        "at": at or clock.now(),
        "actor": actor.key,
        "action": action,
        "subject": subject,
        "detail": json.loads(json.dumps(detail)) if detail is not None else None,
        "request_id": actor.request_id,
        "remote_addr": actor.remote_addr,
        "previous_hash": last.hash if last else audit_chain.GENESIS,
        "key_id": key.id,
    }
    session.execute(_EVENTS, row | {"hash": audit_chain.row_hash(row, key.value)})
    return int(row["id"])


def list_events(
    *,
    limit: int = 100,
    before_id: int | None = None,
    subject: str | None = None,
    wanted: Wanted | None = None,
) -> list[AuditEntry]:
    """The newest rows first, at most `limit` (1..500); `before_id` goes on from an earlier page."""
    query = _matching(wanted or Wanted()).limit(max(1, min(limit, 500)))
    if before_id is not None:
        query = query.where(AuditEvent.id < before_id)
    if subject is not None:
        query = query.where(AuditEvent.subject == subject)
    with reading() as session:
        return [view(row) for row in session.scalars(query)]


def walk(wanted: Wanted, *, before_id: int | None = None) -> Iterator[AuditEntry]:
    """Every row that `wanted` names, newest first, however many there are."""
    query = _matching(wanted)
    if before_id is not None:
        query = query.where(AuditEvent.id < before_id)
    with reading() as session:
        for row in session.scalars(query.execution_options(yield_per=500)):
            yield view(row)


def _matching(wanted: Wanted) -> Select[AuditEvent]:
    query = select(AuditEvent).order_by(AuditEvent.id.desc())
    if wanted.who:
        query = query.where(AuditEvent.actor.icontains(wanted.who, autoescape=True))
    if wanted.actions:
        named = [
            AuditEvent.action.startswith(name, autoescape=True)
            if name.endswith(".")
            else AuditEvent.action == name
            for name in wanted.actions
        ]
        query = query.where(or_(*named))
    if wanted.since is not None:
        query = query.where(AuditEvent.at >= wanted.since)
    if wanted.until is not None:
        query = query.where(AuditEvent.at < wanted.until)
    return query


def count() -> int:
    """How many rows the log has."""
    with reading() as session:
        return session.scalar(select(func.count()).select_from(AuditEvent)) or 0


def _queue_up(session: Session) -> None:
    """In PostgreSQL, wait for other writers of the chain; SQLite's write transaction already did."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _POSTGRESQL_LOCK})


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
