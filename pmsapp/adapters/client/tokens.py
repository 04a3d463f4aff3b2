"""A token kept in memory: for tests, and for trying credentials before anything is stored."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from pmsapp import clock


@dataclass(frozen=True, slots=True, repr=False)
class Token:
    """What the vendor issued. `expires_at` None: no known end; `refresh_token` None: it gives none. Never shown, never logged."""

    access_token: str
    expires_at: datetime | None
    refresh_token: str | None = None

    def __repr__(self) -> str:
        return f"Token(expires_at={self.expires_at!s})"


class TokenSource(Protocol):
    """Keeps the current token of one connection. `services.vendors.token_store` has the real one; tests use `MemoryTokens`."""

    def get(self) -> Token:
        """A token that is good now, minting one if needed (once, however many callers)."""

    def renew(self, refused: Token) -> Token:
        """Called after a 401 with the token that was refused: a newer one, minting at most once."""


class MemoryTokens:
    """A TokenSource that mints with `mint` and keeps the result in this process only.

    Raises whatever `mint` raises. `minted` counts the calls.
    """

    def __init__(self, mint: Callable[[], Token], *, now: Callable[[], datetime] = clock.now) -> None:
        self._mint = mint
        self._now = now
        self._lock = threading.Lock()
        self._token: Token | None = None
        self.minted = 0

    def get(self) -> Token:
        """The token in hand while it is good, else a fresh one; minted once however many ask."""
        with self._lock:
            if self._token is None or self._is_over(self._token):
                self._renew()
            assert self._token is not None
            return self._token

    def renew(self, refused: Token) -> Token:
        """A newer token than `refused`; a token that another thread has minted meanwhile is used as it is."""
        with self._lock:
            if self._token is None or self._token.access_token == refused.access_token:
                self._renew()
            assert self._token is not None
            return self._token

    def _renew(self) -> None:
        self._token = None
        self.minted += 1
        self._token = self._mint()

    def _is_over(self, token: Token) -> bool:
        return token.expires_at is not None and token.expires_at <= self._now()

    def __repr__(self) -> str:
        return f"MemoryTokens(minted={self.minted})"
