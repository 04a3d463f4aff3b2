"""What was asked of the servers: enough to assert on, nothing of what the patients said or the client kept secret."""

from __future__ import annotations

import itertools
import threading
from collections import deque
from dataclasses import dataclass
from datetime import datetime

MOST_ENTRIES = 20_000


@dataclass(slots=True)
class RequestEntry:
    """One request. `path` has no query; `query` holds the names of the parameters, never their values."""

    number: int
    vendor: str
    endpoint: str
    method: str
    path: str
    query: tuple[str, ...]
    at: datetime
    authorized: bool
    user_agent: str
    # None while it is under way, or when the connection was dropped without an answer.
    status: int | None = None

    def as_dict(self) -> dict[str, object]:
        """The entry for JSON."""
        return {
            "number": self.number,
            "vendor": self.vendor,
            "endpoint": self.endpoint,
            "method": self.method,
            "path": self.path,
            "query": list(self.query),
            "at": self.at.isoformat(),
            "authorized": self.authorized,
            "user_agent": self.user_agent,
            "status": self.status,
        }


class RequestLog:
    """The latest requests, oldest first, and how many ran at once. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: deque[RequestEntry] = deque(maxlen=MOST_ENTRIES)
        self._numbers = itertools.count(1)
        self._running: dict[str, int] = {}
        self._peaks: dict[str, int] = {}

    def begin(
        self,
        *,
        vendor: str,
        endpoint: str,
        method: str,
        path: str,
        query: tuple[str, ...],
        at: datetime,
        authorized: bool,
        user_agent: str,
    ) -> RequestEntry:
        """Note a request that has just come in."""
        with self._lock:
            number = next(self._numbers)
            entry = RequestEntry(number, vendor, endpoint, method, path, query, at, authorized, user_agent)
            self._entries.append(entry)
            self._running[vendor] = self._running.get(vendor, 0) + 1
            self._peaks[vendor] = max(self._peaks.get(vendor, 0), self._running[vendor])
            return entry

    def end(self, entry: RequestEntry) -> None:
        """Note that it is over."""
        with self._lock:
            self._running[entry.vendor] -= 1

    def entries(
        self,
        vendor: str | None = None,
        endpoint: str | None = None,
        status: int | None = None,
        method: str | None = None,
    ) -> list[RequestEntry]:
        """The requests that match, oldest first."""
        with self._lock:
            return [
                entry
                for entry in self._entries
                if vendor in (None, entry.vendor)
                and endpoint in (None, entry.endpoint)
                and status in (None, entry.status)
                and method in (None, entry.method)
            ]

    def count(
        self,
        vendor: str | None = None,
        endpoint: str | None = None,
        status: int | None = None,
        method: str | None = None,
    ) -> int:
        """How many requests match."""
        return len(self.entries(vendor, endpoint, status, method))

    def peak(self, vendor: str) -> int:
        """The most requests this vendor's server had under way at once since the last `clear`."""
        with self._lock:
            return self._peaks.get(vendor, 0)

    def clear(self) -> None:
        """Forget every request; those under way still count as running."""
        with self._lock:
            self._entries.clear()
            self._peaks = {vendor: running for vendor, running in self._running.items() if running}
