"""Slows guessing of passwords and codes: per account, per address and for everybody together.

Each failure beyond the free ones doubles the wait, up to a ceiling; quiet time forgets. Nobody is locked out for good.
A try is counted before the password is looked at, so many at once gain nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from pmsapp import clock
from pmsapp.domain.ages import holds, is_older
from pmsapp.models import LoginThrottle
from pmsapp.models.upsert import upsert
from pmsapp.services.base.transaction import writing


@dataclass(frozen=True, slots=True)
class Limit:
    """`free` failures cost nothing; the next waits 1 s, then 2, 4 ... up to `ceiling`. `forget` of quiet starts anew."""

    free: int
    ceiling: timedelta
    forget: timedelta


ACCOUNT = Limit(free=5, ceiling=timedelta(minutes=5), forget=timedelta(hours=24))
ADDRESS = Limit(free=20, ceiling=timedelta(minutes=15), forget=timedelta(hours=1))
EVERYBODY = Limit(free=200, ceiling=timedelta(seconds=30), forget=timedelta(minutes=15))


@dataclass(frozen=True, slots=True)
class ThrottleKey:
    """What is counted, and how. `text` is stored only as a hash."""

    kind: str
    text: str
    limit: Limit

    @property
    def digest(self) -> str:
        return hashlib.sha256(f"{self.kind}\0{self.text}".encode()).hexdigest()


def keys_for(account: str, remote_addr: str | None) -> tuple[ThrottleKey, ...]:
    """The three counters of one try to sign in: the account's (its normalised name) comes first."""
    return (
        ThrottleKey("account", account, ACCOUNT),
        ThrottleKey("address", remote_addr or "unknown", ADDRESS),
        ThrottleKey("everybody", "", EVERYBODY),
    )


def begin_try(keys: Sequence[ThrottleKey]) -> int:
    """Count one try against every key, as if it failed. Returns 0 to go on, else the whole seconds to wait.

    While a key has to wait nothing is looked at and nothing is counted.
    """
    now = clock.now()
    with writing() as session:
        rows = [(_row(session, key, now), key.limit) for key in keys]
        wait_s = max(_wait_s(row, limit, now) for row, limit in rows)
        if wait_s == 0:
            for row, limit in rows:
                _count(row, limit, now)
        return wait_s


def succeeded(session: Session, keys: Sequence[ThrottleKey]) -> None:
    """Inside a `writing()` transaction: the try was right. The first key starts anew, the others take the try back."""
    now = clock.now()
    session.execute(delete(LoginThrottle).where(LoginThrottle.key_hash == keys[0].digest))
    for key in keys[1:]:
        row = _row(session, key, now)
        row.failures = max(0, row.failures - 1)
        if row.failures <= key.limit.free:
            row.blocked_until = None


def delay(failures: int, limit: Limit) -> timedelta:
    """How long to wait after so many failures."""
    beyond = failures - limit.free - 1
    if beyond < 0:
        return timedelta(0)
    return min(limit.ceiling, timedelta(seconds=2 ** min(beyond, 20)))


def _row(session: Session, key: ThrottleKey, now: datetime) -> LoginThrottle:
    new = {"key_hash": key.digest, "failures": 0, "last_failure_at": now}
    upsert(session, LoginThrottle, [new], keys=["key_hash"], update=[])
    row = session.scalars(
        select(LoginThrottle).where(LoginThrottle.key_hash == key.digest).with_for_update()
    ).one()
    if is_older(row.last_failure_at, now, key.limit.forget):
        row.failures, row.blocked_until = 0, None
    return row


def _wait_s(row: LoginThrottle, limit: Limit, now: datetime) -> int:
    if row.blocked_until is None or not holds(row.blocked_until, now, limit.ceiling):
        return 0
    return ceil((row.blocked_until - now).total_seconds())


def _count(row: LoginThrottle, limit: Limit, now: datetime) -> None:
    row.failures += 1
    row.last_failure_at = now
    wait = delay(row.failures, limit)
    row.blocked_until = now + wait if wait else None
