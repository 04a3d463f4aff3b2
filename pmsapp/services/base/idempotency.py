"""A program that repeats a call under the same key gets the answer it got before, for a day; nothing is done twice.

An answer may hold patient data, so it is kept encrypted. Of the key and of what was asked only hashes are kept.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.exc import IntegrityError

from pmsapp import clock
from pmsapp.crypto.cipher import CipherError
from pmsapp.domain.ages import is_within
from pmsapp.extensions import key_ring
from pmsapp.models import StoredAnswer
from pmsapp.services.base.errors import Conflict, Invalid, ServiceError
from pmsapp.services.base.transaction import writing

HEADER = "Idempotency-Key"
KEPT = timedelta(hours=24)
MAX_KEY_CHARS = 255
MOST_KEPT = 10_000  # of one token or person; far more than its write limit lets it use in earnest
_BUSY = "The first call with this key is still under way; ask again."
_UNDER_WAY = timedelta(minutes=2)  # longer than any call takes


class TooManyKeys(ServiceError):  # noqa: N818 - read as a sentence
    """One caller keeps more answers than there is room for."""

    def __init__(self) -> None:
        super().__init__("IDEMPOTENCY-FULL", "Too many keys were used within a day; the call was not made.")


@dataclass(frozen=True, slots=True)
class Given:
    """An answer as it was given."""

    status: int
    headers: Mapping[str, str]
    body: str


@dataclass(frozen=True, slots=True)
class Place:
    """Where the answer to come is kept."""

    id: int
    context: str


def begin(owner: str, key: str, method: str, path: str, body: bytes) -> Given | Place:
    """The answer given before to this very call, or the place for the one to come.

    `owner` is the token or person ("token:3"). Raises Invalid for a key that is none or was used for something else,
    Conflict IDEMPOTENCY-BUSY while the first call is under way or when its outcome is not known, and TooManyKeys.
    """
    _check_key(key)
    asked = _hash(key, f"{method} {path}\n".encode() + _canonical(body))
    key_hash = _hash(owner, key.encode())
    now = clock.now()
    with writing() as session:
        session.execute(delete(StoredAnswer).where(StoredAnswer.created_at <= now - KEPT))
        row = session.scalar(
            select(StoredAnswer).where(StoredAnswer.owner == owner, StoredAnswer.key_hash == key_hash)
        )
        if row is None:
            kept = session.scalar(
                select(func.count()).select_from(StoredAnswer).where(StoredAnswer.owner == owner)
            )
            if (kept or 0) >= MOST_KEPT:
                raise TooManyKeys
            row = StoredAnswer(owner=owner, key_hash=key_hash, body_hash=asked, created_at=now)
            session.add(row)
            try:
                session.flush()
            except IntegrityError:  # the same call came in at the same moment
                raise Conflict("IDEMPOTENCY-BUSY", _BUSY) from None
            return Place(row.id, context_of(row))
    if not hmac.compare_digest(row.body_hash, asked):
        raise Invalid({HEADER: "This key was used for another call; take a new one."})
    given = _opened(row)
    if given is not None:
        return given
    if row.status is None and is_within(row.created_at, now, _UNDER_WAY):
        raise Conflict("IDEMPOTENCY-BUSY", _BUSY)
    raise Conflict(
        "IDEMPOTENCY-BUSY",
        "It is not known how the first call with this key ended; look whether it was done, then take a new key.",
    )


def keep(place: Place, given: Given) -> None:
    """Keep the answer for a day."""
    text = json.dumps({"headers": dict(given.headers), "body": given.body})
    with writing() as session:
        row = session.get(StoredAnswer, place.id)
        if row is not None:
            row.status = given.status
            row.answer_sealed = key_ring().seal(text, place.context)


def forget(place: Place) -> None:
    """Nothing was done: the same key may be used again."""
    with writing() as session:
        session.execute(delete(StoredAnswer).where(StoredAnswer.id == place.id))


def context_of(row: StoredAnswer) -> str:
    """What a kept answer is bound to."""
    return f"stored_answer|{row.owner}|{row.key_hash}"


def _check_key(key: str) -> None:
    if not 1 <= len(key) <= MAX_KEY_CHARS or not all("!" <= sign <= "~" for sign in key):
        raise Invalid({HEADER: f"A key has 1 to {MAX_KEY_CHARS} printable characters and no space."})


def _opened(row: StoredAnswer) -> Given | None:
    if row.status is None or row.answer_sealed is None:
        return None
    try:
        kept: dict[str, Any] = json.loads(key_ring().open(row.answer_sealed, context_of(row)))
    except CipherError:
        return None
    return Given(row.status, kept["headers"], kept["body"])


def _canonical(body: bytes) -> bytes:
    """The same for two spellings of the same JSON; anything else as it is."""
    try:
        return json.dumps(json.loads(body or b"{}"), sort_keys=True).encode()
    except (ValueError, RecursionError):
        return body


def _hash(secret: str, what: bytes) -> str:
    return hmac.new(secret.encode(), what, hashlib.sha256).hexdigest()
