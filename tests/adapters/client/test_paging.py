"""Lists are read to the vendor's own end mark, or they raise: a short list is never taken for a whole one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from pmsapp.adapters.client.messages import Reply
from pmsapp.adapters.client.paging import (
    MAX_PAGES,
    PageGuard,
    PageLook,
    read_by_cursor,
    read_by_number,
    read_until_still,
)
from pmsapp.domain.errors import BadVendorDataError


def _reply(data: Any, digest: str | None = None) -> Reply:
    return Reply(data, 200, {}, digest if digest is not None else repr(data))


def _by_cursor(fetch: Callable[[str | None], Reply], **options: Any) -> Iterator[tuple[Reply, bool]]:
    return read_by_cursor(fetch, lambda reply: reply.data["next"], pms="Testsoft", **options)


def _code_of(pages: Iterator[tuple[Reply, bool]]) -> str:
    with pytest.raises(BadVendorDataError) as caught:
        list(pages)
    assert caught.value.pms == "Testsoft"
    return caught.value.code


def test_cursors_are_followed_to_the_end_mark() -> None:
    chain = {None: "b", "b": "c", "c": None}
    asked: list[str | None] = []

    def fetch(cursor: str | None) -> Reply:
        asked.append(cursor)
        return _reply({"at": cursor, "next": chain[cursor]})

    pages = list(_by_cursor(fetch))
    assert asked == [None, "b", "c"]
    assert [is_last for _, is_last in pages] == [False, False, True]


def test_a_page_is_handed_out_before_the_next_is_asked_for() -> None:
    asked: list[str | None] = []

    def fetch(cursor: str | None) -> Reply:
        asked.append(cursor)
        return _reply({"at": cursor, "next": "b" if cursor is None else None})

    pages = _by_cursor(fetch)
    next(pages)
    assert asked == [None]


@pytest.mark.parametrize("length", [1, 2, 3])
def test_cursors_that_lead_in_a_circle_raise(length: int) -> None:
    circle = {None: "0", **{str(n): str((n + 1) % length) for n in range(length)}}
    served: list[int] = []

    def fetch(cursor: str | None) -> Reply:
        served.append(1)
        return _reply({"n": len(served), "next": circle[cursor]})

    assert _code_of(_by_cursor(fetch)) == "READ-ENDLESS"
    assert len(served) <= length + 1


def test_the_same_page_under_new_cursors_raises() -> None:
    counter = iter(range(1000))
    assert (
        _code_of(
            read_by_cursor(lambda _: _reply({}, "same"), lambda _: f"cursor-{next(counter)}", pms="Testsoft")
        )
        == "READ-ENDLESS"
    )


def test_a_list_without_end_raises_at_the_ceiling() -> None:
    served: list[str | None] = []

    def fetch(cursor: str | None) -> Reply:
        served.append(cursor)
        return _reply({"next": str(len(served))})

    assert _code_of(_by_cursor(fetch, max_pages=7)) == "READ-ENDLESS"
    assert len(served) == 8


def test_a_list_of_exactly_the_ceiling_is_whole() -> None:
    def fetch(cursor: str | None) -> Reply:
        number = int(cursor or 0)
        return _reply({"at": number, "next": str(number + 1) if number < 6 else None})

    assert [is_last for _, is_last in _by_cursor(fetch, max_pages=7)][-1] is True


def test_numbers_are_counted_up_from_the_first() -> None:
    asked: list[int] = []

    def fetch(number: int) -> Reply:
        asked.append(number)
        return _reply({"page": number})

    pages = list(read_by_number(fetch, lambda _, number: number == 4, pms="Testsoft", first=2))
    assert asked == [2, 3, 4]
    assert [is_last for _, is_last in pages] == [False, False, True]


def test_a_server_that_ignores_the_page_number_raises() -> None:
    pages = read_by_number(lambda _: _reply({"page": 0}), lambda *_: False, pms="Testsoft")
    assert _code_of(pages) == "READ-ENDLESS"


def test_numbers_without_end_raise_at_the_ceiling() -> None:
    pages = read_by_number(lambda number: _reply({"page": number}), lambda *_: False, pms="Testsoft")
    assert _code_of(pages) == "READ-ENDLESS"
    assert MAX_PAGES <= 1000


def test_the_guard_counts_pages() -> None:
    guard = PageGuard("Testsoft")
    guard.saw_page("a")
    guard.saw_page("b")
    guard.going_to(1)
    assert guard.pages == 2
    with pytest.raises(BadVendorDataError):
        guard.going_to(1)


Reading = list[tuple[str, int | None]]


def _still(*readings: Reading) -> tuple[list[str], str | None]:
    """What came of readings of a list, given as (ids, the vendor's count) page by page; "!" marks the proven end."""
    left = iter(readings)

    def read() -> Iterator[tuple[PageLook, bool]]:
        pages = next(left)
        for number, (ids, total) in enumerate(pages, 1):
            yield PageLook(frozenset(ids), len(ids), total), number == len(pages)

    told: list[str] = []
    try:
        for page, is_last, is_again in read_until_still(read, lambda page: page, pms="Testsoft"):
            told.append("".join(sorted(page.ids)) + ("again" if is_again else "") + ("!" if is_last else ""))
    except BadVendorDataError as error:
        return told, error.code
    return told, None


WHOLE: Reading = [("ab", 4), ("cd", 4)]
UNCOUNTED: Reading = [("ab", None), ("cd", None)]


def test_field_07_pages_that_agree_are_read_once() -> None:
    assert _still(WHOLE) == (["ab", "cd!"], None)
    assert _still([("ab", None)]) == (["ab!"], None)
    assert _still([("", 0)]) == (["!"], None)


@pytest.mark.parametrize(
    "shifted",
    [
        [("ab", 4), ("bc", 4)],  # a row came in before them
        [("ab", 4), ("d", 4)],  # a row before them went
        [("ab", 4), ("d", 3)],  # and the vendor counted again
        [("ab", 5), ("cd", 4)],
        [("ab", 3)],  # an end mark too early
    ],
)
def test_field_07_a_list_that_shifted_is_read_once_more_and_else_incomplete(shifted: Reading) -> None:
    told, code = _still(shifted, WHOLE)
    assert (told[-2:], code) == (["abagain", "cdagain!"], None)
    told, code = _still(shifted, shifted)
    assert code == "READ-SHIFTED"
    assert not any("!" in text for text in told)


def test_field_07_pages_nobody_counts_have_to_be_the_same_twice() -> None:
    assert _still(UNCOUNTED, UNCOUNTED) == (["ab", "cd", "abagain", "cdagain!"], None)
    dropped: Reading = [("ab", None), ("d", None)]
    assert _still(dropped, UNCOUNTED, UNCOUNTED)[1] is None
    told, code = _still(dropped, UNCOUNTED, dropped)
    assert code == "READ-SHIFTED"
    assert not any("!" in text for text in told)
