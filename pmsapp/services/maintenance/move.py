"""Moving an installation from its SQLite file to PostgreSQL: every row, the same ids, all of it or nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, Table, create_engine, func, inspect, select, text
from sqlalchemy.exc import SQLAlchemyError

from pmsapp.domain.errors import ConfigurationError
from pmsapp.extensions import db
from pmsapp.models.databases import sqlite
from pmsapp.services.base import audit_chain
from pmsapp.services.base.transaction import writing
from pmsapp.services.maintenance import database, key_rotation

_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class Moved:
    """What was copied, and read back. `unreadable`: sealed texts that open with none of this folder's keys."""

    tables: int
    rows: int
    unreadable: int


def copy_from(file: Path) -> Moved:
    """Copy every row of a SQLite file that nobody uses into the open, empty PostgreSQL database.

    One transaction: what was cut off has left nothing and is begun again. Every row is read back and compared, ids go
    on where the file's ended, and the log of who did what has to hold together. Raises ConfigurationError, one
    sentence, when the file is in use, of another version or no database of ours, or when the target holds anything.
    """
    if db.engine.dialect.name != "postgresql":
        raise ConfigurationError("The target must be PostgreSQL: postgresql+psycopg://user@host/database")
    database.require_alone(file)
    source = _open(file)
    try:
        _require_same_version(source)
        database.upgrade()
        with source.connect() as old, writing() as session:
            rows = _copy(old, session.connection())
    finally:
        source.dispose()
    verdict = audit_chain.verify()
    if not verdict.ok:
        raise ConfigurationError(
            f"The copied log does not hold together (row {verdict.first_bad_id}: {verdict.reason});"
            " keep using the SQLite file."
        )
    return Moved(len(db.metadata.sorted_tables), rows, key_rotation.unreadable())


def _open(file: Path) -> Engine:
    engine = create_engine(f"sqlite:///{file}", module=sqlite.sqlite_module(), hide_parameters=True)
    sqlite.set_up(engine)
    return engine


def _require_same_version(source: Engine) -> None:
    try:
        with source.connect() as connection:
            found = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar_one_or_none()
    except SQLAlchemyError as error:
        raise ConfigurationError("This file is no database of pmsapp.") from error
    if found != database.versions().needed:
        raise ConfigurationError(
            "The file is of another version than this program; run pmsapp db upgrade on it first."
        )


def _copy(old: Connection, new: Connection) -> int:
    tables = db.metadata.sorted_tables
    new.exec_driver_sql("SET LOCAL statement_timeout = 0")
    filled = [table.name for table in tables if new.execute(select(table).limit(1)).first() is not None]
    if filled:
        raise ConfigurationError(f"The target holds data already ({filled[0]}); take an empty database.")
    total = 0
    for table in tables:
        copied, computed = 0, {column.name for column in table.columns if column.computed is not None}
        for rows in _read(old, table):
            given = [{name: row[name] for name in row.keys() - computed} for row in rows]
            new.execute(table.insert(), given)
            copied += len(rows)
        _require_equal(old, new, table, copied)
        total += copied
    _carry_ids_on(old, new, tables)
    return total


def _read(connection: Connection, table: Table) -> Iterator[list[dict[str, Any]]]:
    """A table in the order of its key, some rows at a time."""
    query = select(table).order_by(*table.primary_key.columns)
    with connection.execution_options(yield_per=_AT_ONCE).execute(query) as result:
        for rows in result.mappings().partitions():
            yield [dict(row) for row in rows]


def _require_equal(old: Connection, new: Connection, table: Table, copied: int) -> None:
    """Read the table back, row beside row."""
    stored = new.scalar(select(func.count()).select_from(table))
    if stored != copied:
        raise ConfigurationError(f"{table.name} has {stored} rows and not {copied}; nothing was copied.")
    keys = [column.name for column in table.primary_key.columns]
    for rows in _read(old, table):
        first, last = rows[0], rows[-1]
        within = _between(table, keys, first, last)
        back = {_key(row, keys): dict(row) for row in new.execute(select(table).where(*within)).mappings()}
        for row in rows:
            if back.get(_key(row, keys)) != row:
                raise ConfigurationError(f"A row of {table.name} came back changed; nothing was copied.")


def _between(table: Table, keys: list[str], first: dict[str, Any], last: dict[str, Any]) -> list[Any]:
    """The rows of a stretch by the first column of the key; texts are ordered differently, so all are read."""
    column = table.c[keys[0]]
    return [column >= first[keys[0]], column <= last[keys[0]]] if isinstance(first[keys[0]], int) else []


def _key(row: Any, keys: list[str]) -> tuple[Any, ...]:
    return tuple(row[name] for name in keys)


def _carry_ids_on(old: Connection, new: Connection, tables: list[Table]) -> None:
    """An id that was given out once, also of a row that is gone, is never given to another thing."""
    given = {row.name: row.seq for row in old.execute(text("SELECT name, seq FROM sqlite_sequence"))}
    looked_at = inspect(new)
    for table in tables:
        columns = [column["name"] for column in looked_at.get_columns(table.name)]
        if "id" not in columns:
            continue
        sequence = new.scalar(select(func.pg_get_serial_sequence(table.name, "id")))
        highest = max(new.scalar(select(func.max(table.c.id))) or 0, given.get(table.name, 0))
        if sequence is not None and highest:
            new.execute(select(func.setval(sequence, highest)))
