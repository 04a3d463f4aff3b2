"""The current vendor token of one connection: kept encrypted in its row, fetched once however many ask.

Threads of a process queue at a gate, processes at a lease in the database; whoever gets through first looks
whether somebody else has just stored a good token and takes that. The vendor is asked outside any transaction,
and a token is committed before anybody uses it. A crash in between leaves a lease that lapses by itself.

A network fault stays a network fault: only the vendor's own refusal says that a person has to sign in again.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TypeGuard
from weakref import WeakKeyDictionary

from sqlalchemy import delete, select, update
from sqlalchemy.engine import Engine
from sqlalchemy.orm import Session

from pmsapp import clock
from pmsapp.adapters.client.tokens import Token
from pmsapp.domain.ages import CLOCK_SLACK, holds
from pmsapp.domain.errors import PMSError, ReconnectRequiredError, RetryLaterError
from pmsapp.extensions import db, key_ring
from pmsapp.models import PMSConnection, TokenLease
from pmsapp.models.upsert import upsert
from pmsapp.services.base import encrypted_columns
from pmsapp.services.base.transaction import reading, writing

# How long one process may take to fetch a token before another may try; longer than MINT_S.
LEASE_S = 30.0
# Time given to the vendor's token call, retries included.
MINT_S = 20.0
# The longest a token is used without asking for another one.
LONGEST_TOKEN = timedelta(days=1)
# How long one reader trusts the token it looked up.
REMEMBERED_S = 2.0
# A fetch that failed after all its tries is not begun again at once for the next list of the same run.
FAILED_S = 20.0
# How often a waiting process looks whether the token has arrived, and how long it waits at most.
LOOK_EVERY_S = 0.05
WAIT_S = 60.0

AppContext = Callable[[], AbstractContextManager[object]]


@dataclass
class _Gate:
    """One connection's queue inside this process. `failures` counts the fetches that failed, `error` is the last."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    failures: int = 0
    error: PMSError | None = None


@dataclass(frozen=True, slots=True)
class _Stored:
    """What the database says: the token, the login it belongs to, and whether somebody is fetching one."""

    token: Token | None
    credentials_sealed: str | None
    is_leased: bool


_gates: WeakKeyDictionary[Engine, dict[int, _Gate]] = WeakKeyDictionary()
_gates_lock = threading.Lock()


class StoredTokens:
    """The token source of one stored connection, safe for many threads. See `adapters.base.TokenSource`.

    `mint` asks the vendor with the login stored now. `app_context` makes the application current in whichever
    thread asks. Raises what `mint` raises; RetryLaterError PMS-SLOW when another process does not come back.
    """

    def __init__(
        self, connection_id: int, mint: Callable[[], Token], *, app_context: AppContext, pms: str
    ) -> None:
        self._connection_id = connection_id
        self._mint = mint
        self._app_context = app_context
        self._pms = pms
        self._recent: tuple[Token, float] | None = None
        # What the last fetch failed with, until when that counts, and the login it was made with.
        self._failed: tuple[PMSError, float, str | None] | None = None

    def __repr__(self) -> str:
        return f"StoredTokens({self._connection_id})"

    def get(self) -> Token:
        """A token that is good now; a fresh one when the stored one is missing or over."""
        recent = self._recent
        if recent is not None and clock.monotonic_s() < recent[1] and _is_good(recent[0]):
            return recent[0]
        with self._app_context():
            stored = self._look().token
            return self._remember(stored if _is_good(stored) else self._fresh(None))

    def renew(self, refused: Token) -> Token:
        """Another token than the refused one: the stored one when somebody renewed it meanwhile, else a fresh one."""
        self._recent = None
        with self._app_context():
            return self._remember(self._fresh(refused.access_token))

    def _remember(self, token: Token) -> Token:
        """Spare the database while many pages are read; seconds only, so that a changed login is noticed at once."""
        self._recent = (token, clock.monotonic_s() + REMEMBERED_S)
        return token

    def _fresh(self, refused: str | None) -> Token:
        gate = _gate(db.engine, self._connection_id)
        failures = gate.failures
        with gate.lock:
            known = self._look()
            if _is_wanted(known.token, refused):
                return known.token
            if gate.failures != failures and gate.error is not None:
                raise gate.error  # the fetch we queued behind failed; asking again at once would not help
            failed = self._failed_just_now(known.credentials_sealed)
            if failed is not None:
                raise failed  # nor would it for the next thing the same run wants to read
            try:
                return self._fetch(refused)
            except PMSError as error:
                gate.failures, gate.error = gate.failures + 1, error
                self._failed = (error, clock.monotonic_s() + FAILED_S, known.credentials_sealed)
                raise

    def _failed_just_now(self, credentials_sealed: str | None) -> PMSError | None:
        """What the last fetch with this very login failed with, while that is moments ago."""
        if self._failed is None:
            return None
        error, until_s, login = self._failed
        return error if login == credentials_sealed and clock.monotonic_s() < until_s else None

    def _fetch(self, refused: str | None) -> Token:
        """Take the lease and ask the vendor, or wait for the process that has it."""
        holder = uuid.uuid4().hex
        gives_up_at_s = clock.monotonic_s() + WAIT_S
        while clock.monotonic_s() < gives_up_at_s:
            stored = self._look()
            if _is_wanted(stored.token, refused):
                return stored.token
            if not stored.is_leased and self._claim(holder, refused):
                token = self._mint_and_store(holder, stored.credentials_sealed)
                if token is not None:
                    return token
            threading.Event().wait(LOOK_EVERY_S)
        raise RetryLaterError("PMS-SLOW", pms=self._pms, note="token")

    def _look(self) -> _Stored:
        with reading() as session:
            row = _row(session, self._connection_id, self._pms)
            lease_ends_at = session.scalar(
                select(TokenLease.expires_at).where(TokenLease.connection_id == self._connection_id)
            )
            return _Stored(
                token=encrypted_columns.open_token(key_ring(), row),
                credentials_sealed=row.credentials_sealed,
                is_leased=holds(lease_ends_at, clock.now(), timedelta(seconds=LEASE_S)),
            )

    def _claim(self, holder: str, refused: str | None) -> bool:
        """True when the lease is ours. False when another holds it or has just stored a good token."""
        now = clock.now()
        until = now + timedelta(seconds=LEASE_S)
        with writing() as session:
            row = _row(session, self._connection_id, self._pms)
            if _is_wanted(encrypted_columns.open_token(key_ring(), row), refused):
                return False
            fresh = {"connection_id": self._connection_id, "holder": holder, "expires_at": until}
            upsert(session, TokenLease, [fresh], keys=["connection_id"], update=[])
            session.execute(
                update(TokenLease)
                .where(
                    TokenLease.connection_id == self._connection_id,
                    (TokenLease.expires_at <= now) | (TokenLease.expires_at > until + CLOCK_SLACK),
                )
                .values(holder=holder, expires_at=until)
            )
            return self._holder(session) == holder

    def _mint_and_store(self, holder: str, credentials_sealed: str | None) -> Token | None:
        """Ask the vendor, commit, then hand out. None when the login or the lease changed hands meanwhile."""
        try:
            token = _shortened(self._mint())
        except BaseException:
            with writing() as session:
                self._release(session, holder)
            raise
        with writing() as session:
            row = _row(session, self._connection_id, self._pms, lock=True)
            is_ours = self._holder(session) == holder and row.credentials_sealed == credentials_sealed
            if is_ours:
                encrypted_columns.seal_token(key_ring(), row, token, clock.now())
            self._release(session, holder)
        return token if is_ours else None

    def _holder(self, session: Session) -> str | None:
        return session.scalar(
            select(TokenLease.holder).where(TokenLease.connection_id == self._connection_id)
        )

    def _release(self, session: Session, holder: str) -> None:
        session.execute(
            delete(TokenLease).where(
                TokenLease.connection_id == self._connection_id, TokenLease.holder == holder
            )
        )


class FixedTokens:
    """The token source where the login is the token: read from the stored login, never fetched.

    `read` gives the token of the login stored now. It is asked once, and again when the vendor refused what it gave,
    which only a person replaces. A login changed during a run serves that run once the old one is refused.
    """

    def __init__(self, read: Callable[[], Token], *, pms: str) -> None:
        self._read = read
        self._pms = pms
        self._token: Token | None = None

    def __repr__(self) -> str:
        return "FixedTokens()"

    def get(self) -> Token:
        """The stored token."""
        if self._token is None:
            self._token = self._read()
        return self._token

    def renew(self, refused: Token) -> Token:
        """The stored token when it was replaced meanwhile. Raises ReconnectRequiredError AUTH-EXPIRED when not."""
        self._token = self._read()
        if self._token.access_token == refused.access_token:
            raise ReconnectRequiredError("AUTH-EXPIRED", pms=self._pms)
        return self._token


def _is_good(token: Token | None) -> TypeGuard[Token]:
    return token is not None and (
        token.expires_at is None or holds(token.expires_at, clock.now(), LONGEST_TOKEN)
    )


def _shortened(token: Token) -> Token:
    """The same token, used for LONGEST_TOKEN at most: an end further away shows that the clock was put back."""
    if token.expires_at is None:
        return token
    return replace(token, expires_at=min(token.expires_at, clock.now() + LONGEST_TOKEN))


def _is_wanted(token: Token | None, refused: str | None) -> TypeGuard[Token]:
    return _is_good(token) and token.access_token != refused


def _row(session: Session, connection_id: int, pms: str, *, lock: bool = False) -> PMSConnection:
    query = select(PMSConnection).where(PMSConnection.id == connection_id)
    row = session.scalar(query.with_for_update() if lock else query)
    if row is None:
        raise ReconnectRequiredError("ACCESS-WITHDRAWN", pms=pms, note="the connection was removed")
    return row


def _gate(engine: Engine, connection_id: int) -> _Gate:
    with _gates_lock:
        return _gates.setdefault(engine, {}).setdefault(connection_id, _Gate())
