"""Others hold the database, or its disk takes nothing more: pages go on, and what was not saved is said in time."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import copy_context
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event, text

from pmsapp.extensions import db
from pmsapp.models.databases import sqlite
from pmsapp.services.base.transaction import reading, writing
from tests.support import postgres
from tests.support.actors import Browser, program_for
from tests.support.clock import FrozenClock
from tests.support.fake_clinic import FakeClinic, stock
from tests.support.fake_pms import FakePractice, registered

pytestmark = pytest.mark.skipif(postgres.SERVER is not None, reason="SQLite's one write lock")


@pytest.fixture
def card_id(app: Flask, frozen_clock: FrozenClock) -> Iterator[int]:
    practice = stock(FakePractice())
    with registered("practice", practice):
        clinic = FakeClinic(practice)
        visit = practice.book("anna", clinic.at("10:40"), ["ada"])
        clinic.sync()
        yield clinic.card(visit).id


@contextmanager
def lock_held() -> Iterator[None]:
    """Somebody has taken the write lock and does not give it back."""
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        with writing():
            held.set()
            done.wait(60)

    thread = threading.Thread(target=copy_context().run, args=(hold,))
    thread.start()
    assert held.wait(10)
    try:
        yield
    finally:
        done.set()
        thread.join()


@contextmanager
def disk_full() -> Iterator[None]:
    """The file may not grow any more."""
    db.engine.dispose()
    with db.engine.connect() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()

    def limit(dbapi_connection: Any, record: object) -> None:
        dbapi_connection.execute(f"PRAGMA max_page_count = {pages}")

    event.listen(db.engine, "connect", limit)
    db.engine.dispose()
    try:
        yield
    finally:
        event.remove(db.engine, "connect", limit)
        db.engine.dispose()


def _waits(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The statements that ask for the write lock from now on; each waits a twentieth of a second at most."""
    asked: list[str] = []
    monkeypatch.setattr(sqlite, "BUSY_TIMEOUT_MS", 50)
    monkeypatch.setattr(sqlite, "NOTE_TIMEOUT_MS", 10)
    db.engine.dispose()

    def listen(connection: object, cursor: object, statement: str, *rest: object) -> None:
        if statement == "BEGIN IMMEDIATE":
            asked.append(statement)

    event.listen(db.engine, "before_cursor_execute", listen)
    return asked


def test_an_edit_that_could_not_be_stored_says_so_after_one_wait_and_keeps_what_was_typed(
    card_id: int, reception: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody at a screen waits for the lock once; a page would give up before a second wait was over."""
    reception.get("/")
    asked = _waits(monkeypatch)
    with lock_held():
        asked.clear()
        answer = reception.post(
            f"/cards/{card_id}",
            data={"notes": "typed", "row_version": "1"},
            headers={"HX-Request": "true", "HX-Target": "div#panel-body"},
        )
    assert answer.status_code == 503
    assert len(asked) == 1
    assert "The server is busy" in answer.text
    assert "This was not saved. What you typed is still here." in answer.text
    assert answer.headers["HX-Retarget"] == "#panel-fault"  # the panel covers the banner
    assert 'id="panel-fault"' in reception.get(f"/cards/{card_id}").text
    assert answer.headers["Retry-After"]


def test_pages_are_read_while_others_write(
    card_id: int, app: Flask, reception: Browser, frozen_clock: FrozenClock
) -> None:
    program = program_for(app)
    frozen_clock.advance(minutes=5)  # last use would be noted now
    with lock_held():
        assert reception.get("/").status_code == 200
        assert reception.get(f"/cards/{card_id}").status_code == 200
        assert program.get("/api/run-sheet").status_code == 200


def test_a_job_queues_up_again_where_a_page_gives_up() -> None:
    assert contextvars.Context().run(sqlite.attempts.get) == sqlite.BEGIN_ATTEMPTS > 1


def test_a_full_disk_is_named_and_nothing_is_lost(card_id: int, reception: Browser) -> None:
    reception.get("/")
    stored = ""
    with disk_full():
        for number in range(200):  # the pages that are there have some room
            note = f"{number} " + "long " * 300
            sent = {"notes": note, "row_version": str(number + 1)}
            answer = reception.post(f"/cards/{card_id}", data=sent, headers={"HX-Request": "true"})
            if answer.status_code == 503:
                break
            stored = note.strip()
        assert answer.status_code == 503
        assert "its disk is full or read-only" in answer.text
        assert reception.get("/").status_code == 200
    with reading() as session:
        assert (session.scalar(text("SELECT notes FROM run_sheet_appointments")) or "") == stored


def test_field_20_a_program_hears_that_its_edit_was_not_stored(app: Flask, card_id: int) -> None:
    program = program_for(app, "reception")
    version = program.get(f"/api/run-sheet/appointments/{card_id}").json["row_version"]
    with disk_full():
        for number in range(200):
            answer = program.send(
                "PATCH",
                f"/api/run-sheet/appointments/{card_id}",
                json={"notes": f"{number} " + "long " * 300},
                headers={"If-Match": str(version + number)},
            )
            if answer.status_code == 503:
                break
        assert (answer.status_code, answer.json["code"]) == (503, "DISK-FULL")
        assert answer.json["detail"].startswith("This was not stored. ")
