"""What every table shares: names of constraints, strict columns, integer ids."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import MetaData, Text
from sqlalchemy.orm import DeclarativeBase, registry

from pmsapp.models.column_types import Flag, LocalDate, Number, UTCDateTime

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    """Python types stand for our column types throughout."""

    registry = registry(
        metadata=MetaData(naming_convention=NAMING),
        type_annotation_map={str: Text, datetime: UTCDateTime, date: LocalDate, bool: Flag, float: Number},
    )


def table(*constraints: Any, never_reuse_ids: bool = False) -> tuple[Any, ...]:
    """Table arguments: the constraints given, and strict column types in SQLite.

    `never_reuse_ids`: the id of a deleted row never comes back, so an address or an audit row stays about one thing
    (SQLite would give the highest id anew; PostgreSQL never does).
    """
    return (*constraints, {"sqlite_strict": True, "sqlite_autoincrement": never_reuse_ids})
