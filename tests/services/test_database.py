"""Migrations: they give exactly the tables of the models, all or nothing, after a copy of what was there."""

from __future__ import annotations

from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from flask import Flask
from sqlalchemy import text

from pmsapp import factory
from pmsapp.domain.errors import ConfigurationError
from pmsapp.extensions import db
from pmsapp.services import database
from pmsapp.services.transaction import reading, writing
from pmsapp.settings import load_settings


def test_migrated_tables_are_those_of_the_models(app: Flask) -> None:
    with db.engine.connect() as connection:
        found = compare_metadata(
            MigrationContext.configure(connection, opts={"compare_type": True}), db.metadata
        )
    assert found == []


def test_every_table_is_strict(app: Flask) -> None:
    with reading() as session:
        loose = session.execute(
            text("select name from pragma_table_list where schema = 'main' and type = 'table' and not strict")
        ).scalars()
        assert {name for name in loose if not name.startswith("sqlite_")} == {"alembic_version"}


def test_a_fresh_folder_gets_its_tables_and_a_second_upgrade_does_nothing(tmp_path: Path) -> None:
    app = factory.build_app(load_settings({}, instance_dir=tmp_path / "new"))
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
