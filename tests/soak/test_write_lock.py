"""SQLite has one write lock and serves those who wait for it in no order."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context

import pytest
from sqlalchemy import event
from sqlalchemy.exc import OperationalError

from pmsapp import clock
from pmsapp.extensions import db
from pmsapp.models.databases import sqlite
from pmsapp.services.base.transaction import writing
from pmsapp.services.sheet import versions
from tests.soak.installation import installation
from tests.support.clock import MONDAY_9AM


@pytest.fixture(autouse=True)
def short_patience(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A database of its own whose waiters give up after a twentieth of a second."""
    home = installation()
    with home.app.app_context():
        home.reset()
        monkeypatch.setattr(sqlite, "BUSY_TIMEOUT_MS", 50)
        yield
        monkeypatch.undo()
        home.reset()


def write() -> None:
    now = clock.now()
    with writing() as session:
        versions.ensure(session, [MONDAY_9AM.date()], now)


def test_a_writer_that_is_unlucky_for_a_whole_time_out_queues_up_again() -> None:
    """The lock is given back once the writer has asked for it a second time."""
    holding, asked_again = threading.Event(), threading.Event()

    def hold() -> None:
        with writing():
            holding.set()
            assert asked_again.wait(60)

    def count(connection: object, cursor: object, statement: str, *rest: object) -> None:
        asked.append(statement)
        if asked.count("BEGIN IMMEDIATE") == 2:
            asked_again.set()

    asked: list[str] = []
    holder = threading.Thread(target=copy_context().run, args=(hold,))
    holder.start()
    assert holding.wait(60)
    event.listen(db.engine, "before_cursor_execute", count)
    try:
        sqlite.attempts.set(1000)  # a slow machine's holder takes its time
        write()
    finally:
        event.remove(db.engine, "before_cursor_execute", count)
        sqlite.attempts.set(sqlite.BEGIN_ATTEMPTS)
    holder.join()
    assert asked.count("BEGIN IMMEDIATE") >= 2


def test_a_lock_that_is_never_given_back_is_an_ordinary_database_error() -> None:
    with writing(), ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(copy_context().run, write)
        with pytest.raises(OperationalError, match="locked"):
            waiting.result()
    write()
