"""The two kinds of transaction: reading, and writing (which takes its lock at once).

Never cross a network inside either.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.orm import Session

from pmsapp.extensions import db
from pmsapp.models.sqlite import WRITING


@contextmanager
def reading() -> Iterator[Session]:
    """One consistent view of the database. A write inside it fails."""
    with Session(db.engine, expire_on_commit=False) as session:
        yield session


@contextmanager
def writing() -> Iterator[Session]:
    """One write transaction: all of it is stored when the block ends, or none when it raises."""
    with Session(db.engine, expire_on_commit=False) as session:
        session.connection(execution_options=WRITING)
        try:
            yield session
            session.commit()
        except BaseException:
            session.rollback()
            raise
