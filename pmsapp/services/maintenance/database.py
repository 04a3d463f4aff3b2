"""The database's tables: which version they have, and bringing them up to this program's.

An upgrade is one transaction, and SQLite's file is copied first, so a failed upgrade leaves what was there.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alembic import command
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import current_app
from sqlalchemy import Text, inspect, select
from sqlalchemy import column as sql_column
from sqlalchemy import table as sql_table

from pmsapp import clock
from pmsapp.domain.errors import ConfigurationError
from pmsapp.extensions import current_settings, db
from pmsapp.models.databases.sqlite import sqlite_module

_BUSY_FOR_S = 2.0


@dataclass(frozen=True, slots=True)
class Versions:
    """The version the database has (None: no tables yet) and the one this program needs. `is_newer`: another pmsapp,
    newer than this one, made the tables."""

    found: str | None
    needed: str
    is_newer: bool = False

    @property
    def is_current(self) -> bool:
        return self.found == self.needed


@dataclass(frozen=True, slots=True)
class Upgrade:
    """What an upgrade did. `backup` is the copy of the SQLite file made before, None where there was nothing to copy."""

    before: str | None
    after: str
    backup: Path | None

    @property
    def changed(self) -> bool:
        return self.before != self.after


def versions() -> Versions:
    """Compare the database with this program."""
    script = ScriptDirectory.from_config(_config())
    with db.engine.connect() as connection:
        found = MigrationContext.configure(connection).get_current_revision()
    known = {revision.revision for revision in script.walk_revisions()}
    return Versions(found, script.get_current_head() or "", found is not None and found not in known)


def require_current() -> None:
    """Raise ConfigurationError, one sentence, unless the tables are this program's."""
    state = versions()
    if state.found is None:
        raise ConfigurationError("The database has no tables yet; run: pmsapp db upgrade")
    if state.is_newer:
        raise ConfigurationError(_TOO_NEW)
    if not state.is_current:
        raise ConfigurationError("The database is older than this program; run: pmsapp db upgrade")


def needs_earlier_keys() -> bool:
    """True when the open database, of whatever version, was begun with keys that must not be replaced by new ones.

    On SQLite: something is sealed. On PostgreSQL it is enough that there are tables: another machine has the keys.
    """
    if sqlite_file() is None:
        return inspect(db.engine).has_table("alembic_version")
    with db.engine.connect() as connection:
        looked_at = inspect(connection)
        for table in looked_at.get_table_names():
            for name in (column["name"] for column in looked_at.get_columns(table)):
                if name.endswith("_sealed") or name in _SEALED_TOO:
                    place = sql_column(name, Text)
                    query = select(place).select_from(sql_table(table)).where(place.like("v1.%")).limit(1)
                    if connection.execute(query).first() is not None:
                        return True
    return False


def upgrade(*, copy_first: bool = True) -> Upgrade:
    """Bring the tables up to this program's version; `copy_first` False for a file that is itself a copy.

    Raises ConfigurationError when they belong to a newer program or are not ours; then nothing is changed.
    """
    before = versions()
    if before.is_newer:
        raise ConfigurationError(_TOO_NEW)
    if before.found is None and inspect(db.engine).has_table("pms_connections"):
        raise ConfigurationError("The database has tables of an unknown origin; restore it from a backup.")
    if before.is_current:
        return Upgrade(before.found, before.needed, None)
    backup = _copy_file(before.found) if before.found and copy_first else None
    command.upgrade(_config(), "head")
    _keep_private()
    return Upgrade(before.found, versions().found or "", backup)


_SEALED_TOO = frozenset({"access_token", "refresh_token"})
_TOO_NEW = "The database was made by a newer pmsapp than this one; install that version, or restore a backup."


def _config() -> Any:
    return current_app.extensions["migrate"].migrate.get_config()


def sqlite_file() -> Path | None:
    """The database's file, None on PostgreSQL."""
    url = db.engine.url
    if url.get_backend_name() != "sqlite" or not url.database or url.database == ":memory:":
        return None
    return Path(url.database)


def require_alone(live: Path) -> None:
    """Raise ConfigurationError while any process has the live file open; else bring its log into it.

    A file that is damaged is nobody's any more.
    """
    library = sqlite_module()
    if not live.exists():
        return
    connection = library.connect(str(live), timeout=_BUSY_FOR_S)
    try:
        connection.execute("PRAGMA journal_mode = DELETE").fetchone()
    except library.OperationalError as error:
        raise ConfigurationError("A process still uses the database; stop pmsapp first.") from error
    except library.DatabaseError:
        return
    finally:
        connection.close()


def _copy_file(revision: str) -> Path | None:
    """A consistent copy of the SQLite file beside the others in `upgrade-backups/`, made with SQLite's own copier."""
    source = sqlite_file()
    if source is None:
        return None
    folder = current_settings().instance_dir / "upgrade-backups"
    folder.mkdir(mode=0o700, exist_ok=True)
    target = folder / f"before-{revision}-{clock.now():%Y%m%dT%H%M%S}.sqlite3"
    copy_live(target)
    return target


def copy_live(target: Path) -> None:
    """Copy the live SQLite database with SQLite's own copier, while people work; readable by its owner alone."""
    os.close(os.open(target, os.O_CREAT | os.O_WRONLY, 0o600))
    with db.engine.connect() as connection:
        live: Any = connection.connection.driver_connection
        copy = type(live)(str(target))
        try:
            live.backup(copy)
        finally:
            copy.close()


def _keep_private() -> None:
    """SQLite's files are readable by their owner alone."""
    file = sqlite_file()
    for path in (file, Path(f"{file}-wal"), Path(f"{file}-shm")) if file else ():
        if path is not None and path.exists():
            path.chmod(0o600)


class DamagedDatabaseError(Exception):
    """The database file does not hold together. The message holds no data."""


def quick_check() -> None:
    """Read the whole SQLite file for damage. Raises DamagedDatabaseError. PostgreSQL looks after itself."""
    if sqlite_file() is None:
        return
    with db.engine.connect() as connection:
        found = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar_one()
    if found != "ok":
        raise DamagedDatabaseError("SQLite's quick_check found damage; restore a backup")
