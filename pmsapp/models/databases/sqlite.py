"""How SQLite is opened: which library, which journal, and how transactions begin.

Every SQLite from 3.7.0 to 3.51.2 (but for the back-ports 3.44.6 and 3.50.7) can lose committed pages when two
connections checkpoint a write-ahead log at once, and web, worker and scheduler do just that. So the log is used
only with a library that has the fix; else the rollback journal (TRUNCATE) is. Both write with FULL.
"""

from __future__ import annotations

import importlib
from contextvars import ContextVar
from pathlib import Path
from types import ModuleType
from typing import Any

from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import OperationalError

BUSY_TIMEOUT_MS = 8000
BEGIN_ATTEMPTS = 4
NOTE_TIMEOUT_MS = 100
WRITING = {"pmsapp_writes": True}
# For a note that nobody has to wait for: the lock is free soon, or the note is not made.
BEST_EFFORT = {"pmsapp_writes": True, "pmsapp_notes": True}
# How often a write transaction queues up for the lock before it gives up.
attempts: ContextVar[int] = ContextVar("attempts", default=BEGIN_ATTEMPTS)
_FIXED_FROM = (3, 51, 3)
_FIXED_BACKPORTS = {(3, 44, 6), (3, 50, 7)}


def sqlite_module() -> ModuleType:
    """The one SQLite library of this process: the bundled newer one where it exists, else Python's own."""
    try:
        return importlib.import_module("pysqlite3.dbapi2")
    except ImportError:
        return importlib.import_module("sqlite3.dbapi2")


def library_version() -> tuple[int, ...]:
    """The version of the SQLite library in use."""
    return tuple(int(part) for part in sqlite_module().sqlite_version.split("."))


def may_use_wal(version: tuple[int, ...] | None = None) -> bool:
    """True when the library is free of the WAL-reset bug."""
    version = version or library_version()
    return version >= _FIXED_FROM or version in _FIXED_BACKPORTS


def set_up(engine: Engine) -> None:
    """Make every connection of a SQLite engine alike, and every write transaction take its lock at once.

    A transaction begun with the execution options WRITING is `BEGIN IMMEDIATE`; any other is read-only, so a
    write that forgot to say so fails at once instead of failing under load.
    """
    event.listen(engine, "connect", _on_connect)
    event.listen(engine, "begin", _on_begin)


def checkpoint(file: Path) -> bool:
    """Bring the write-ahead log into the file. True when the file alone is the whole database."""
    library = sqlite_module()
    connection = library.connect(str(file), timeout=BUSY_TIMEOUT_MS / 1000)
    try:
        busy, _, _ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    except library.OperationalError:
        return False
    finally:
        connection.close()  # the last one to close takes the log away
    return not busy


def _on_connect(dbapi_connection: Any, record: Any) -> None:
    dbapi_connection.isolation_level = None
    cursor = dbapi_connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
    cursor.execute("PRAGMA foreign_keys = ON")
    wanted = "WAL" if may_use_wal() else "TRUNCATE"
    if cursor.execute("PRAGMA journal_mode").fetchone()[0].upper() != wanted:
        cursor.execute(f"PRAGMA journal_mode = {wanted}")
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.execute("PRAGMA secure_delete = ON")  # what is deleted is overwritten, not only forgotten
    cursor.execute("PRAGMA mmap_size = 0")
    cursor.execute("PRAGMA trusted_schema = OFF")
    cursor.close()


def _on_begin(connection: Connection) -> None:
    writes = bool(connection.get_execution_options().get("pmsapp_writes"))
    info = connection.info
    if info.get("pmsapp_query_only") is not (not writes):
        connection.exec_driver_sql(f"PRAGMA query_only = {'OFF' if writes else 'ON'}")
        info["pmsapp_query_only"] = not writes
    if not writes:
        connection.exec_driver_sql("BEGIN")
    elif connection.get_execution_options().get("pmsapp_notes"):
        _take_write_lock_soon(connection)
    else:
        _take_write_lock(connection)


def _take_write_lock(connection: Connection) -> None:
    """Queue up for the write lock. SQLite serves waiters in no order, so under steady writing one may be unlucky for
    a whole BUSY_TIMEOUT_MS; nothing has been written yet, so it simply queues up again.
    """
    for left in reversed(range(attempts.get())):
        try:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            return
        except OperationalError as error:
            if not left or "locked" not in str(error.orig):
                raise


def _take_write_lock_soon(connection: Connection) -> None:
    """Take the write lock within NOTE_TIMEOUT_MS, or raise OperationalError."""
    connection.exec_driver_sql(f"PRAGMA busy_timeout = {NOTE_TIMEOUT_MS}")
    try:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    finally:
        connection.exec_driver_sql(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
