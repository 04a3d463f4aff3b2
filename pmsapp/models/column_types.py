"""Column types that say what they hold and fit SQLite's STRICT tables and PostgreSQL alike."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import REAL, Boolean, Date, DateTime, Dialect, Double, Integer, Text, TypeDecorator
from sqlalchemy.types import TypeEngine

from pmsapp.domain.window import utc_text


@lru_cache(maxsize=4096)
def _instant(stored: Any) -> datetime | None:
    """Read one by one, for thousands of cards: the day's few instants are made once."""
    if stored is None:
        return None
    instant: datetime = datetime.fromisoformat(stored) if isinstance(stored, str) else stored
    return instant.astimezone(UTC)


@lru_cache(maxsize=4096)
def _day(stored: Any) -> date | None:
    return date.fromisoformat(stored) if isinstance(stored, str) else stored


def from_json(kind: TypeEngine[Any], kept: Any) -> Any:
    """A column's value as it was kept in JSON: instants and days are texts there, everything else is as it is."""
    if not isinstance(kept, str):
        return kept
    if isinstance(kind, UTCDateTime):
        return _instant(kept)
    return _day(kept) if isinstance(kind, LocalDate) else kept


class UTCDateTime(TypeDecorator[datetime]):
    """An instant. Refuses naive values; gives back UTC-aware ones. Sorts as text in SQLite."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(Text() if dialect.name == "sqlite" else DateTime(timezone=True))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("A naive datetime cannot be stored; give it a zone.")
        utc = value.astimezone(UTC)
        return utc_text(utc) if dialect.name == "sqlite" else utc

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], datetime | None]:
        return _instant


class LocalDate(TypeDecorator[date]):
    """A calendar day of the clinic."""

    impl = Date
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(Text() if dialect.name == "sqlite" else Date())

    def process_bind_param(self, value: date | None, dialect: Dialect) -> Any:
        return value.isoformat() if value is not None and dialect.name == "sqlite" else value

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], date | None]:
        return _day


class Flag(TypeDecorator[bool]):
    """Yes or no; null where a third answer means something."""

    impl = Boolean
    cache_ok = True
    coerce_to_is_types = (type(None), bool)  # `is_(False)` is a constant: PostgreSQL takes no parameter there

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(Integer() if dialect.name == "sqlite" else Boolean())

    def process_bind_param(self, value: bool | None, dialect: Dialect) -> Any:
        return int(value) if value is not None and dialect.name == "sqlite" else value

    def process_result_value(self, value: Any, dialect: Dialect) -> bool | None:
        return None if value is None else bool(value)


class Number(TypeDecorator[float]):
    """A number that need not be whole."""

    impl = Double
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(REAL() if dialect.name == "sqlite" else Double())


class JSONText(TypeDecorator[Any]):
    """A small JSON value kept as text."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        return (
            None
            if value is None
            else json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
        )

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        return None if value is None else json.loads(value)
