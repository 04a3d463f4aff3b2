"""Migrations: they give exactly the tables of the models, all or nothing, after a copy of what was there."""

from __future__ import annotations

import shutil
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from flask import Flask
from sqlalchemy import inspect, text

from pmsapp import clock, factory, paths
from pmsapp.domain.errors import ConfigurationError
from pmsapp.extensions import db
from pmsapp.models import PMSConnection, SyncRun
from pmsapp.models.databases.sqlite import sqlite_module
from pmsapp.services.base.transaction import reading, writing
from pmsapp.services.maintenance import database
from pmsapp.settings import Settings, load_settings


def test_migrated_tables_are_those_of_the_models(app: Flask) -> None:
    with db.engine.connect() as connection:
        found = compare_metadata(
            MigrationContext.configure(connection, opts={"compare_type": True}), db.metadata
        )
    assert found == []


def test_tables_of_sqlite_are_strict_and_never_use_an_id_twice(app: Flask) -> None:
    """What a migration that rebuilds a table must not forget (migrations/README.md)."""
    if db.engine.dialect.name != "sqlite":
        return
    with reading() as session:
        made = dict(session.execute(text("select name, sql from sqlite_master where type = 'table'")).all())
    for table in db.metadata.sorted_tables:
        options = table.dialect_options["sqlite"]
        assert made[table.name].rstrip().endswith("STRICT") is bool(options["strict"])
        assert ("AUTOINCREMENT" in made[table.name]) is bool(options["autoincrement"])


def test_a_fresh_folder_gets_its_tables_and_a_second_upgrade_does_nothing(tmp_path: Path) -> None:
    app = factory.create_app(load_settings({}, instance_dir=tmp_path / "new"))
    with app.app_context():
        with pytest.raises(ConfigurationError, match="run: pmsapp db upgrade"):
            database.require_current()
        first, second = database.upgrade(), database.upgrade()
        database.require_current()
        assert (first.changed, first.backup, second.changed) == (True, None, False)
        assert (tmp_path / "new" / "pmsapp.sqlite3").stat().st_mode & 0o777 == 0o600
        db.engine.dispose()


def test_a_database_of_a_newer_program_is_refused_and_left_alone(app: Flask) -> None:
    with writing() as session:
        session.execute(text("update alembic_version set version_num = '9999'"))
    with pytest.raises(ConfigurationError, match="newer pmsapp"):
        database.require_current()
    with pytest.raises(ConfigurationError, match="newer pmsapp"):
        database.upgrade()
    assert database.versions().found == "9999"


NEXT = """
import sqlalchemy as sa
from alembic import op

revision = "next"
down_revision = {head!r}
branch_labels = None
depends_on = None


def upgrade():
    op.create_table("extra", sa.Column("id", sa.Integer(), primary_key=True))
    how = "always" if op.get_bind().dialect.name == "sqlite" else "never"
    with op.batch_alter_table("pms_connections", recreate=how) as batch:
        batch.add_column(sa.Column("extra", sa.Text()))
    {last}
"""
# The newest migration: its file begins with its number.
HEAD = max(file.name[:4] for file in (paths.MIGRATIONS / "versions").glob("[0-9]*.py"))


@pytest.fixture
def next_version(app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Pretend that this program is a version newer, whose migration ends with a statement."""

    def pretend(last: str) -> None:
        folder = tmp_path / "migrations"
        shutil.copytree(paths.MIGRATIONS, folder)
        (folder / "versions" / "next.py").write_text(NEXT.format(head=HEAD, last=last))
        monkeypatch.setattr(app.extensions["migrate"].migrate, "directory", str(folder))

    return pretend


def _connection_with_a_run() -> None:
    now = clock.now()
    with writing() as session:
        row = PMSConnection(
            pms_type="gentu",
            display_name="Gentu",
            time_zone="Australia/Melbourne",
            secret_uid="x",
            created_at=now,
            updated_at=now,
        )
        session.add(row)
        session.flush()
        session.add(SyncRun(pms_connection_id=row.id, trigger="manual", requested_at=now))


def _count(table: str) -> int:
    with reading() as session:
        return int(session.execute(text(f"select count(*) from {table}")).scalar_one())  # noqa: S608 - a test's own


def test_an_upgrade_copies_the_file_first_and_keeps_every_row(
    app: Flask, next_version: Callable[[str], None], settings: Settings
) -> None:
    _connection_with_a_run()
    next_version("pass")
    done = database.upgrade()
    assert (done.before, done.after) == (HEAD, "next")
    assert (_count("pms_connections"), _count("pms_sync_log"), _count("extra")) == (1, 1, 0)
    if settings.database_url is None:
        assert done.backup is not None
        assert done.backup.stat().st_mode & 0o777 == 0o600
        copy = sqlite_module().connect(done.backup)
        assert copy.execute("select version_num from alembic_version").fetchall() == [(HEAD,)]
        copy.close()


@pytest.mark.parametrize("last", ["raise RuntimeError('no')", "op.execute('insert into nowhere values (1)')"])
def test_an_upgrade_that_fails_changes_nothing(
    app: Flask, next_version: Callable[[str], None], last: str
) -> None:
    _connection_with_a_run()
    next_version(last)
    with pytest.raises(Exception):  # noqa: B017, PT011 - whatever it was, nothing may be left of it
        database.upgrade()
    assert database.versions().found == HEAD
    assert (_count("pms_connections"), _count("pms_sync_log")) == (1, 1)
    with reading() as session:
        assert not inspect(session.connection()).has_table("extra")


def test_an_upgrade_killed_half_way_changes_nothing(
    app: Flask, next_version: Callable[[str], None], settings: Settings
) -> None:
    _connection_with_a_run()
    next_version("import os, signal; os.kill(os.getpid(), signal.SIGKILL)")
    folder = app.extensions["migrate"].migrate.directory
    db.engine.dispose()
    code = textwrap.dedent(f"""
        from pmsapp.factory import create_app
        from pmsapp.services.maintenance import database
        from pmsapp.settings import load_settings
        app = create_app(load_settings({{}}, instance_dir={str(settings.instance_dir)!r}, database_url={settings.database_url!r}))
        app.extensions["migrate"].migrate.directory = {folder!r}
        with app.app_context():
            database.upgrade()
    """)
    killed = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert killed.returncode == -9, killed.stderr.decode()
    assert database.versions().found == HEAD
    assert (_count("pms_connections"), _count("pms_sync_log")) == (1, 1)


def test_a_migration_that_breaks_a_reference_is_refused(
    app: Flask, next_version: Callable[[str], None], settings: Settings
) -> None:
    _connection_with_a_run()
    next_version("op.execute('delete from pms_connections')")
    if settings.database_url is None:
        with pytest.raises(RuntimeError, match="broke a reference"):
            database.upgrade()
    assert _count("pms_sync_log") == 1
