"""A token kept in memory: for tests, and for trying credentials before anything is stored."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime

from pmsapp import clock
from pmsapp.adapters.base import Token


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
