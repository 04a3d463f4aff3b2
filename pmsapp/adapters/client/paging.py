"""Reading a list to its end, with proof that it ended and that it stood still meanwhile.

Each reader yields `(reply, is_last)`; only a pair with `is_last=True` says that the vendor's own end mark was
seen. A cursor or link that comes back, an answer equal to an earlier one, or more pages than the ceiling raise
BadVendorDataError READ-ENDLESS: a short list is never handed out as if it were whole.

An end mark does not prove that nothing slipped from one page to another while the list was read: `read_until_still`
compares the pages with each other and with the vendor's own count, and reads once more where they do not agree.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple, TypeVar

from pmsapp.adapters.client.messages import Reply
from pmsapp.domain.errors import BadVendorDataError

# Pages of one listing. A hundred rows each, that is far more than any practice has in one day.
MAX_PAGES = 500

# How often a list is read before it counts as incomplete.
_READINGS = 2
_T = TypeVar("_T")


class PageLook(NamedTuple):
    """What one page shows: the ids of its rows, how many rows it has, and how many the vendor says the list has.

    `total` None where the vendor does not say.
    """

    ids: frozenset[str]
    rows: int
    total: int | None


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


def read_until_still(
    read: Callable[[], Iterable[tuple[_T, bool]]], look: Callable[[_T], PageLook], *, pms: str
) -> Iterator[tuple[_T, bool, bool]]:
    """Read a list until it is proven whole; yields (page, is_last, is_again).

    Pages come as they are read; `is_last` comes with the proof: no row on two pages, one count on all pages, and as
    many rows as it says. Where the vendor does not count, several pages have to be the same in two readings. A list
    that is not proven is read once more (`is_again`; rows may come twice), and then raises BadVendorDataError
    READ-SHIFTED: it is incomplete.
    """
    before: list[PageLook] = []
    for number in itertools.count(1):
        pages: list[PageLook] = []
        for page, is_end in read():
            pages.append(look(page))
            is_proven = is_end and _agree(pages) and (_is_counted(pages) or pages == before)
            yield page, is_proven, number > 1
            if is_proven:
                return
        # Without a count the second reading is what the first is compared with, so that one may be repeated too.
        readings = _READINGS if _is_counted(pages) or not _agree(pages) else _READINGS + 1
        if number >= readings:
            raise BadVendorDataError("READ-SHIFTED", pms=pms)
        before = pages


def _agree(pages: Sequence[PageLook]) -> bool:
    """No row stands on two pages, and the vendor's count is the same on each and right."""
    ids: set[str] = set()
    for page in pages:
        if not ids.isdisjoint(page.ids):
            return False
        ids |= page.ids
    totals = {page.total for page in pages if page.total is not None}
    return not totals or totals == {sum(page.rows for page in pages)}


def _is_counted(pages: Sequence[PageLook]) -> bool:
    """A single page cannot shift; several need the vendor's count."""
    return len(pages) == 1 or all(page.total is not None for page in pages)
