"""The same tests on PostgreSQL: where TEST_POSTGRES_URL names a server (`make test-postgres` starts one)."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import create_engine
from sqlalchemy.engine import make_url

from pmsapp.settings import Settings

SERVER = os.environ.get("TEST_POSTGRES_URL")


@contextmanager
def own_database(template: str | None) -> Iterator[str]:
    """A new database, a copy of `template` where one is named; dropped afterwards. Gives its URL."""
    name = f"test_{uuid.uuid4().hex}"
    _do(f"create database {name}" + (f" template {template}" if template else ""))
    try:
        yield make_url(SERVER or "").set(database=name).render_as_string(hide_password=False)
    finally:
        _do(f"drop database {name} with (force)")


def address_of(settings: Settings) -> dict[str, str]:
    """What another process is told so that it opens the same database; nothing where the file of the folder is it."""
    return {"PMSAPP_DATABASE_URL": settings.database_url} if settings.database_url else {}


def name_of(url: str) -> str:
    """The database of a URL."""
    return make_url(url).database or ""


def _do(statement: str) -> None:
    engine = create_engine(SERVER or "", isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(statement)
    engine.dispose()
