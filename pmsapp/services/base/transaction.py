"""The two kinds of transaction: reading, and writing (which takes its lock at once).

Never cross a network inside either.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.orm import Session

from pmsapp.extensions import db
from pmsapp.models.databases import sqlite


@contextmanager
def reading() -> Iterator[Session]:
    """One consistent view of the database. A write inside it fails."""
    with Session(db.engine, expire_on_commit=False) as session:
        if db.engine.dialect.name == "postgresql":  # SQLite's transactions are that already
            session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
        yield session


@contextmanager
def writing() -> Iterator[Session]:
    """One write transaction: all of it is stored when the block ends, or none when it raises.

    Raises OperationalError, before the block, when others hold the database for too long.
    """
    with _writing(sqlite.WRITING) as session:
        yield session


@contextmanager
def best_effort_write() -> Iterator[Session]:
    """A write transaction for something small that nobody should wait for: when others are writing just now, it
    raises OperationalError almost at once."""
    with _writing(sqlite.BEST_EFFORT) as session:
        yield session


def give_up_early() -> None:
    """From now on, in this context, write transactions give up early: a person or program waits for the answer, and
    an honest "busy" after some seconds is worth more to them than silence."""
    sqlite.attempts.set(1)


@contextmanager
def _writing(options: dict[str, bool]) -> Iterator[Session]:
    with Session(db.engine, expire_on_commit=False) as session:
        session.connection(execution_options=options)
        try:
            yield session
            session.commit()
        except BaseException:
            session.rollback()
            raise
