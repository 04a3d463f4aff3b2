"""Looking is an event: once per session, page and quarter of an hour, and reading never waits for a database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from flask import Flask
from sqlalchemy.exc import OperationalError

from pmsapp import clock
from pmsapp.domain.actor import Actor
from pmsapp.services.base import audit
from pmsapp.services.base.audit import AuditEntry
from pmsapp.services.records import access_log, card_numbers, who_saw
from tests.support.clock import FrozenClock

MEL = Actor(kind="user", name="Mel", id=3)
SHEET = "sheet:2026-11-23"


def look(*cards: int, session_id: int = 7, action: str = access_log.SHEET, later: bool = False) -> None:
    access_log.note(action, SHEET, MEL, cards, session_id=session_id, later=later)


def rows() -> list[AuditEntry]:
    return audit.list_events()[::-1]


def test_a_page_looked_at_again_and_again_is_one_row_a_quarter_of_an_hour(
    app: Flask, frozen_clock: FrozenClock
) -> None:
    for _ in range(14):
        look(1, 2)
        frozen_clock.advance(minutes=1)
    assert len(rows()) == 1
    frozen_clock.advance(minutes=2)
    look(1, 2)
    assert len(rows()) == 2


def test_cards_that_join_the_page_meanwhile_are_a_row_of_their_own(
    app: Flask, frozen_clock: FrozenClock
) -> None:
    look(1, 2)
    look(1, 2, 9)
    assert [row.detail for row in rows()] == [
        {"session_id": 7, "cards": "1-2"},
        {"session_id": 7, "cards": "9"},
    ]


def test_another_session_and_every_print_are_rows_of_their_own(app: Flask, frozen_clock: FrozenClock) -> None:
    look(1)
    look(1, session_id=8)
    look(1, action=access_log.PRINT)
    look(1, action=access_log.PRINT)
    assert [row.action for row in rows()] == ["sheet.viewed", "sheet.viewed", "print", "print"]


def test_what_a_timer_brought_is_written_later_with_the_time_of_the_look(
    app: Flask, frozen_clock: FrozenClock
) -> None:
    began = clock.now()
    look(1, later=True)
    assert rows() == []
    frozen_clock.advance(seconds=1)
    assert access_log.write_waiting() == 1
    assert rows()[0].at == began


@contextmanager
def no_writes() -> Iterator[None]:
    raise OperationalError("BEGIN IMMEDIATE", None, Exception("attempt to write a readonly database"))
    yield


def test_a_database_that_takes_no_writes_loses_no_look_and_stops_no_page(
    app: Flask, frozen_clock: FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(access_log, "best_effort_write", no_writes)
        look(1)
        look(2, session_id=8)
        assert access_log.waiting() == (2, 0)
    assert access_log.write_waiting() == 2
    assert [row.detail for row in rows()] == [
        {"session_id": 7, "cards": "1"},
        {"session_id": 8, "cards": "2"},
    ]


def test_looks_beyond_the_limit_are_counted_and_said(
    app: Flask, frozen_clock: FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(access_log, "MOST_WAITING", 3)
    began = clock.now()
    with monkeypatch.context() as broken:
        broken.setattr(access_log, "best_effort_write", no_writes)
        for session_id in range(5):
            look(1, session_id=session_id)
        assert access_log.waiting() == (3, 2)
    access_log.write_waiting()
    assert access_log.waiting() == (0, 0)
    assert [row.action for row in rows()] == ["sheet.viewed"] * 3 + ["looks.lost"]
    assert rows()[-1].detail == {"looks": 2, "since": began.isoformat()}


def test_who_saw_a_card_names_pages_and_people_within_the_times(
    app: Flask, frozen_clock: FrozenClock
) -> None:
    look(1, 2, 3)
    frozen_clock.advance(hours=1)
    noon = clock.now()
    access_log.note(access_log.CARD, "card:2", MEL, [2], session_id=7)
    look(9, session_id=9)
    seen = list(who_saw.who_saw(frozenset([2])))
    assert [(sighting.action, sighting.cards) for sighting in seen] == [
        ("card.viewed", (2,)),
        ("sheet.viewed", (2,)),
    ]
    assert [sighting.action for sighting in who_saw.who_saw(frozenset([2]), since=noon)] == ["card.viewed"]
    assert len(list(who_saw.who_saw(None))) == 3
    assert list(who_saw.who_saw(frozenset([4]))) == []


@pytest.mark.parametrize(
    ("numbers", "text"), [([], ""), ([5], "5"), ([3, 1, 2], "1-3"), ([1, 2, 4, 9, 8], "1-2,4,8-9")]
)
def test_numbers_of_cards_are_written_short_and_found_again(numbers: list[int], text: str) -> None:
    assert card_numbers.to_text(numbers) == text
    assert card_numbers.among(text, frozenset(range(12))) == frozenset(numbers)
    assert card_numbers.among("nonsense,-,7-x", frozenset(range(12))) == frozenset()
