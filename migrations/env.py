"""Runs the migrations on the database of the running app: all of them or none, in one transaction.

SQLite: the write lock is taken first (so of two upgraders one waits and then finds nothing to do), and foreign
keys are off while tables are rebuilt, for a rebuilt parent would take its children along; they are checked
before anything is stored. PostgreSQL: an advisory lock does the same.
"""

from __future__ import annotations

from alembic import context
from flask import current_app
from sqlalchemy import Connection, text

from pmsapp.models.databases.postgres import without_limits
from pmsapp.models.databases.sqlite import WRITING

_LOCK = 7_365_011  # any number that is ours alone


def _pragma(connection: Connection, statement: str) -> list:
    """Run a PRAGMA outside any transaction."""
    cursor = connection.connection.cursor()
    try:
        return cursor.execute(statement).fetchall()
    finally:
        cursor.close()


def _run() -> None:
    database = current_app.extensions["migrate"].db
    with database.engine.connect() as connection:
        sqlite = connection.dialect.name == "sqlite"
        if sqlite:
            _pragma(connection, "PRAGMA foreign_keys = OFF")
            connection = connection.execution_options(**WRITING)
        try:
            context.configure(
                connection=connection,
                target_metadata=database.metadata,
                transactional_ddl=True,
                render_as_batch=True,
                compare_type=True,
                user_module_prefix="types.",
            )
            with context.begin_transaction():
                if not sqlite:
                    without_limits(connection)
                    connection.execute(text("select pg_advisory_xact_lock(:key)"), {"key": _LOCK})
                context.run_migrations()
                if sqlite and connection.exec_driver_sql("PRAGMA foreign_key_check").first():
                    raise RuntimeError("a migration broke a reference between tables; nothing was changed")
        finally:
            if sqlite:
                _pragma(connection, "PRAGMA foreign_keys = ON")


if context.is_offline_mode():
    raise RuntimeError("migrations need the database itself; there is no offline mode")
_run()
