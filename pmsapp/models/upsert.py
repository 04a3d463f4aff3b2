"""Insert or update in one statement, on SQLite and PostgreSQL alike."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any, cast

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from pmsapp.models.base import Base


def table_of(model: type[Base]) -> Table:
    """The table of a model, for statements that bypass the ORM."""
    return cast(Table, model.__table__)


def insert_into(session: Session, table: Table) -> sqlite.Insert | postgresql.Insert:
    """An INSERT of this database's dialect, which knows ON CONFLICT."""
    return _insert_into(session.get_bind().dialect.name, table)


def upsert(
    session: Session,
    model: type[Base],
    rows: Sequence[dict[str, Any]],
    *,
    keys: Sequence[str],
    update: Sequence[str],
) -> None:
    """Write `rows`; where one with the same `keys` exists, only the columns in `update` change. Empty is a no-op."""
    if rows:
        dialect = session.get_bind().dialect.name
        session.execute(_upsert(dialect, table_of(model), tuple(keys), tuple(update)), list(rows))


def _insert_into(dialect: str, table: Table) -> sqlite.Insert | postgresql.Insert:
    return sqlite.insert(table) if dialect == "sqlite" else postgresql.insert(table)


@cache
def _upsert(
    dialect: str, table: Table, keys: tuple[str, ...], update: tuple[str, ...]
) -> sqlite.Insert | postgresql.Insert:
    """The statement depends on names alone, and putting it together takes longer than running it."""
    statement = _insert_into(dialect, table)
    if not update:
        return statement.on_conflict_do_nothing(index_elements=list(keys))
    excluded = statement.excluded
    return statement.on_conflict_do_update(
        index_elements=list(keys), set_={name: excluded[name] for name in update}
    )
