"""What holds the log's rows together: each is sealed by the row before it, with a key that is not in the database.

The key is random and stored sealed; it opens only with the key ring. Whoever can write the database but not read the
ring can neither change a row nor add one. Rows from before the chain had a key hold a plain digest and come first.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from flask import current_app
from sqlalchemy import select
from sqlalchemy.orm import Session

from pmsapp import clock
from pmsapp.crypto.cipher import CipherError
from pmsapp.extensions import key_ring
from pmsapp.models import AuditCut, AuditEvent, AuditKey
from pmsapp.services.base.transaction import reading

GENESIS = "0" * 64  # what the first row holds as the hash of the row before it
HEAD_DIGITS = 16  # how much of a hash is enough to know a row again
_PAGE = 1000
_NEWEST_KEY = select(AuditKey.id, AuditKey.key_sealed).order_by(AuditKey.id.desc())
_NEWEST_ROW = select(AuditEvent.id, AuditEvent.hash).order_by(AuditEvent.id.desc()).limit(1)
_COLUMNS = (
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


@dataclass(frozen=True, slots=True)
class Key:
    """A key of the chain. `value` is None when the ring does not open it any more."""

    id: int
    value: bytes | None


@dataclass(frozen=True, slots=True)
class Head:
    """The newest row at some moment: its id, and the beginning of its hash. Noted elsewhere, it shows a cut end."""

    id: int
    hash: str

    def __str__(self) -> str:
        return f"{self.id}-{self.hash[:HEAD_DIGITS]}"


@dataclass(frozen=True, slots=True)
class ChainCheck:
    """What `verify` found. `first_bad_id` and `reason` name the first row that was changed, removed or put in.

    `unproved`: rows whose key opens with no key of the ring any more, so that only their order was checked.
    """

    checked: int
    last_id: int | None
    last_hash: str
    first_bad_id: int | None = None
    reason: str | None = None
    unproved: int = 0

    @property
    def ok(self) -> bool:
        return self.first_bad_id is None


def current_key(session: Session) -> Key:
    """The key that new rows are sealed with; made, inside the caller's write transaction, where there is none."""
    row = session.execute(_NEWEST_KEY).first()
    value = _opened(row.key_sealed) if row is not None else None
    if row is not None and value is not None:
        return Key(row.id, value)
    fresh = os.urandom(32)
    made = AuditKey(key_sealed=key_ring().seal(_text_of(fresh), CONTEXT), created_at=clock.now())
    session.add(made)
    session.flush()
    return Key(made.id, fresh)


CONTEXT = "audit_keys|key"  # what a sealed key of the chain is bound to


def context_of(row: AuditKey) -> str:
    """What the sealed text of a row is bound to."""
    return CONTEXT


def row_hash(row: Mapping[str, Any], key: bytes | None) -> str:
    """Over the canonical JSON of a row, every column but `hash`, keys sorted, no spaces: HMAC-SHA-256 with the key, or
    plain SHA-256 for a row from before there was one."""
    plain = {name: _utc_text(row["at"]) if name == "at" else row[name] for name in _COLUMNS}
    if row.get("key_id") is not None:
        plain["key_id"] = row["key_id"]
    text = json.dumps(plain, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode("ascii")
    if key is None:
        return hashlib.sha256(text).hexdigest()
    return hmac.new(key, text, hashlib.sha256).hexdigest()


def head(session: Session) -> Head | None:
    """The newest row; None while there is none."""
    row = session.execute(_NEWEST_ROW).first()
    return Head(row.id, row.hash) if row is not None else None


def verify() -> ChainCheck:
    """Read the whole chain and say whether it holds. A cut end shows only against a head noted elsewhere."""
    with reading() as session:
        keys = {row.id: _opened(row.key_sealed) for row in session.scalars(select(AuditKey))}
        start = _start(session, keys)
        if isinstance(start, ChainCheck):
            return start
        return _follow(session, keys, start)


def missing_head(head_noted: Head) -> str | None:
    """What became of a row whose head was noted elsewhere; None while it is there and the same."""
    with reading() as session:
        cut = session.execute(select(AuditCut.through_id).order_by(AuditCut.id.desc())).first()
        if cut is not None and head_noted.id <= cut.through_id:
            return None
        found = session.scalar(select(AuditEvent.hash).where(AuditEvent.id == head_noted.id))
    if found is None:
        return "rows at the end are missing"
    same = hmac.compare_digest(found[: len(head_noted.hash)], head_noted.hash)
    return None if same else "it is not the row that was noted"


def cut(session: Session, through: Head, key: Key) -> None:
    """Let the log begin after `through`, inside the caller's write transaction, which then deletes the rows before."""
    session.add(
        AuditCut(
            through_id=through.id,
            last_hash=through.hash,
            at=clock.now(),
            key_id=key.id,
            proof=_proof(through, key.value or b""),
        )
    )
    session.flush()


def _start(session: Session, keys: Mapping[int, bytes | None]) -> Head | ChainCheck:
    """Where the chain begins: at its first row, or after the last cut, if the cut is the purge's own."""
    row = session.scalars(select(AuditCut).order_by(AuditCut.id.desc()).limit(1)).first()
    if row is None:
        return Head(0, GENESIS)
    start = Head(row.through_id, row.last_hash)
    value = keys.get(row.key_id)
    if value is not None and not hmac.compare_digest(row.proof, _proof(start, value)):
        return ChainCheck(
            0, None, GENESIS, row.through_id, "rows up to it were removed, and not by the purge"
        )
    return start


def _follow(session: Session, keys: Mapping[int, bytes | None], start: Head) -> ChainCheck:
    checked, unproved, last, last_key = 0, 0, start, None
    while rows := _rows_after(session, last.id):
        for row in rows:
            reason = _fault(row, last, last_key, keys)
            if reason:
                return ChainCheck(checked, last.id or None, last.hash, row["id"], reason, unproved)
            last_key = row["key_id"]
            unproved += last_key is not None and keys[last_key] is None
            checked, last = checked + 1, Head(row["id"], row["hash"])
    if keys and last_key is None and last.id > start.id:
        return ChainCheck(checked, last.id, last.hash, last.id, "the rows with a key are missing", unproved)
    return ChainCheck(checked, last.id or None, last.hash, unproved=unproved)


def _fault(
    row: Mapping[str, Any], last: Head, last_key: int | None, keys: Mapping[int, bytes | None]
) -> str | None:
    if row["id"] != last.id + 1:
        return "rows before it are missing"
    if row["previous_hash"] != last.hash:
        return "it does not follow the row before it"
    key_id = row["key_id"]
    if key_id is None and last_key is not None:
        return "it was made without the key"
    if key_id is not None and key_id not in keys:
        return "it names a key that is not there"
    value = keys[key_id] if key_id is not None else None
    if key_id is not None and value is None:
        return None
    return None if hmac.compare_digest(row["hash"], row_hash(row, value)) else "it was changed"


def _rows_after(session: Session, last_id: int) -> list[dict[str, Any]]:
    query = (
        select(*AuditEvent.__table__.columns)
        .where(AuditEvent.id > last_id)
        .order_by(AuditEvent.id)
        .limit(_PAGE)
    )
    return [dict(row._mapping) for row in session.execute(query)]


def _opened(sealed: str) -> bytes | None:
    """A key by its sealed text; opened once per process, for every row that is written needs it."""
    known: dict[str, bytes] = current_app.extensions.setdefault("pmsapp_audit_keys", {})
    if sealed not in known:
        try:
            known[sealed] = base64.urlsafe_b64decode(key_ring().open(sealed, CONTEXT))
        except CipherError:
            return None
    return known[sealed]


def _proof(through: Head, key: bytes) -> str:
    return hmac.new(key, f"cut|{through.id}|{through.hash}".encode(), hashlib.sha256).hexdigest()


def _text_of(key: bytes) -> str:
    return base64.urlsafe_b64encode(key).decode()


def _utc_text(at: datetime) -> str:
    """One spelling of an instant, whatever the database gives back."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")
