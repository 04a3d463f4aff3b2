"""SQLite has one write lock and serves those who wait for it in no order."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context

import pytest
from sqlalchemy.exc import OperationalError

from pmsapp import clock
from pmsapp.models import sqlite
from pmsapp.services import sheets
from pmsapp.services.transaction import writing
from tests.conftest import MONDAY_9AM
from tests.soak.house import house


@pytest.fixture(autouse=True)
def short_patience(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A database of its own whose waiters give up after a twentieth of a second."""
    home = house()
    with home.app.app_context():
        home.reset()
        monkeypatch.setattr(sqlite, "BUSY_TIMEOUT_MS", 50)
        yield
        monkeypatch.undo()
        home.reset()


def write() -> None:
    now = clock.now()
    with writing() as session:
        sheets.ensure(session, [MONDAY_9AM.date()], now)


def test_a_writer_that_is_unlucky_for_a_whole_time_out_queues_up_again() -> None:
    holding, done = threading.Event(), threading.Event()

    def hold() -> None:
        with writing():
            holding.set()
            done.wait(0.12)

    holder = threading.Thread(target=copy_context().run, args=(hold,))
    holder.start()
    assert holding.wait(5)
    write()
    done.set()
    holder.join()


def test_a_lock_that_is_never_given_back_is_an_ordinary_database_error() -> None:
    with writing(), ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(copy_context().run, write)
        with pytest.raises(OperationalError, match="locked"):
            waiting.result()
    write()
