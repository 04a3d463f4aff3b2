"""Records that could not be understood, each once however often its list is read."""

from __future__ import annotations

from collections.abc import Iterable

from pmsapp.domain.appointment import BadRecord


class BadRecords:
    """Remembers for one pass over a day. Two records may look alike, so only another reading takes any out."""

    def __init__(self) -> None:
        self._seen: set[BadRecord] = set()

    def of_page(self, found: Iterable[BadRecord], *, is_again: bool) -> list[BadRecord]:
        """Those of a page that were not handed out by an earlier reading of the list."""
        new = [record for record in found if not (is_again and record in self._seen)]
        self._seen.update(new)
        return new
