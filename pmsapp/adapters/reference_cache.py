"""What a vendor's reference data was when it was last read: roles, appointment types, code tables.

An adapter lives for one run; its reference cache is filled before and stored after by whoever made it. Plain JSON values by
name, and never anything about a patient: those are only ever known from the cards.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from pmsapp import clock
from pmsapp.domain.ages import is_older


class ReferenceCache:
    """JSON values by name with the instant each was read. Safe for many threads. `kept` is what was known before."""

    def __init__(
        self,
        kept: Mapping[str, tuple[Any, datetime]] | None = None,
        *,
        now: Callable[[], datetime] = clock.now,
    ) -> None:
        self._known = dict(kept or {})
        self._fresh: set[str] = set()
        self._now = now

    def get(self, name: str, lasts: timedelta) -> Any | None:
        """The value, or None when it was never read, or not within `lasts`."""
        value, read_at = self._known.get(name, (None, None))
        return None if is_older(read_at, self._now(), lasts) else value

    def set(self, name: str, value: Any) -> None:
        """Remember what was just read in the place of what was known."""
        self._known[name] = (value, self._now())
        self._fresh.add(name)

    def fresh(self) -> dict[str, tuple[Any, datetime]]:
        """What was read since this cache was made."""
        return {name: self._known[name] for name in sorted(self._fresh)}
