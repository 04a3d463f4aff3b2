"""Every connection to SQLite is opened alike, whoever opens it."""

from __future__ import annotations

import threading

import pytest
from flask import Flask

from pmsapp.extensions import db
from pmsapp.models.databases import sqlite
from tests.support import postgres

pytestmark = pytest.mark.skipif(postgres.SERVER is not None, reason="SQLite's own settings")
FULL, ON = 2, 1


def pragmas() -> tuple[object, ...]:
    with db.engine.connect() as connection:
        names = (
            "synchronous",
            "foreign_keys",
            "secure_delete",
            "busy_timeout",
            "mmap_size",
            "trusted_schema",
        )
        found = tuple(connection.exec_driver_sql(f"PRAGMA {name}").scalar_one_or_none() for name in names)
        return (*found, str(connection.exec_driver_sql("PRAGMA journal_mode").scalar_one()).upper())


def test_every_connection_is_opened_alike(app: Flask) -> None:
    found = [pragmas()]

    def look() -> None:
        with app.app_context():
            found.append(pragmas())

    threads = [threading.Thread(target=look) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    journal = "WAL" if sqlite.may_use_wal() else "TRUNCATE"
    assert set(found) == {(FULL, ON, ON, sqlite.BUSY_TIMEOUT_MS, 0, 0, journal)}
