"""Reading a list to its end, with proof that it ended.

Each reader yields `(reply, is_last)`; only a pair with `is_last=True` says that the vendor's own end mark was
seen. A cursor or link that comes back, an answer equal to an earlier one, or more pages than the ceiling raise
BadVendorDataError READ-ENDLESS: a short list is never handed out as if it were whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from pmsapp.adapters.client.http import Reply
from pmsapp.domain.errors import BadVendorDataError

# Pages of one listing. A hundred rows each, that is far more than any practice has in one day.
MAX_PAGES = 500


class PageGuard:
    """Remembers where a listing has been. `pms` is the vendor's label for the error; MAX_PAGES unless told."""

    def __init__(self, pms: str, max_pages: int | None = None) -> None:
        self._pms = pms
        self._max_pages = MAX_PAGES if max_pages is None else max_pages
        self._marks: set[str | int] = set()
        self._digests: set[str] = set()

    @property
    def pages(self) -> int:
        """How many pages were seen."""
        return len(self._digests)

    def saw_page(self, digest: str) -> None:
        """Note an answer. Raises READ-ENDLESS when the same came before or there are too many."""
        if digest in self._digests:
            raise self._endless("the same page came twice")
        if len(self._digests) >= self._max_pages:
            raise self._endless(f"more than {self._max_pages} pages")
        self._digests.add(digest)

    def going_to(self, mark: str | int) -> None:
        """Note a cursor, link or page number about to be read. Raises READ-ENDLESS when it was read before."""
        if mark in self._marks:
            raise self._endless("the list leads back to a page already read")
        self._marks.add(mark)

    def _endless(self, note: str) -> BadVendorDataError:
        return BadVendorDataError("READ-ENDLESS", pms=self._pms, note=note)


def read_by_cursor(
    fetch: Callable[[str | None], Reply],
    next_cursor: Callable[[Reply], str | None],
    *,
    pms: str,
    max_pages: int | None = None,
) -> Iterator[tuple[Reply, bool]]:
    """Read pages that each name the next by an opaque cursor; `next_cursor` gives None at the end.

    `fetch(None)` is the first page. A cursor is used at once and never twice. Also fits lists whose pages name the
    next by a link: the link is the cursor.
    """
    guard = PageGuard(pms, max_pages)
    cursor: str | None = None
    while True:
        reply = fetch(cursor)
        guard.saw_page(reply.digest)
        cursor = next_cursor(reply)
        if cursor is not None:
            guard.going_to(cursor)
        yield reply, cursor is None
        if cursor is None:
            return


def read_by_number(
    fetch: Callable[[int], Reply],
    is_last: Callable[[Reply, int], bool],
    *,
    pms: str,
    first: int = 0,
    max_pages: int | None = None,
) -> Iterator[tuple[Reply, bool]]:
    """Read pages counted from `first`; `is_last(reply, number)` recognises the vendor's end mark."""
    guard = PageGuard(pms, max_pages)
    number = first
    while True:
        reply = fetch(number)
        guard.saw_page(reply.digest)
        last = is_last(reply, number)
        yield reply, last
        if last:
            return
        number += 1
