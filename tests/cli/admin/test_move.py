"""Moving to PostgreSQL: every row, all or nothing; and putting a PostgreSQL backup back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from pmsapp.cli.shared.base import open_app
from pmsapp.extensions import db
from pmsapp.models import PMSConnection, RunSheetAppointment, UserSession
from pmsapp.models.databases import sqlite
from pmsapp.services.base import audit_chain
from pmsapp.services.base.transaction import reading, writing
from pmsapp.services.maintenance import database
from tests.cli.conftest import Pmsapp
from tests.support import postgres, seeded_clinic

on_postgres = pytest.mark.skipif(
    postgres.SERVER is None, reason="moves to a PostgreSQL server; make test-postgres runs it"
)


@pytest.fixture
def database_url() -> None:
    """The installation to move is one of SQLite, whatever the tests run on."""


@pytest.fixture
def file(instance_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of a clinic with cards, people, edits and a log."""
    monkeypatch.setenv("PMSAPP_INSTANCE_DIR", str(instance_dir))
    with open_app():
        seeded_clinic.seed()
    return instance_dir / "pmsapp.sqlite3"


@pytest.fixture
def target() -> Iterator[str]:
    """An empty PostgreSQL database."""
    with postgres.own_database(None) as url:
        yield url


def _rows(url: str) -> dict[str, list[tuple[object, ...]]]:
    engine = create_engine(url, **({"module": sqlite.sqlite_module()} if url.startswith("sqlite") else {}))
    try:
        with engine.connect() as connection:
            return {
                table.name: sorted((tuple(row) for row in connection.execute(table.select())), key=repr)
                for table in db.metadata.sorted_tables
            }
    finally:
        engine.dispose()


@on_postgres
def test_every_row_arrives_and_ids_go_on(pmsapp: Pmsapp, file: Path, target: str) -> None:
    shown = pmsapp("db", "copy", str(file), target)
    assert (shown.code, shown.err) == (0, "")
    before = _rows(f"sqlite:///{file}")
    assert _rows(target) == before
    assert f"{sum(map(len, before.values()))} rows" in shown.out
    with open_app(database_url=target):
        assert audit_chain.verify().ok
        with reading() as session:
            cards = session.query(RunSheetAppointment).count()
            last = session.scalar(
                text(
                    "SELECT last_value FROM pg_sequences WHERE sequencename = 'run_sheet_appointments_id_seq'"
                )
            )
    assert cards > 0
    assert last is not None
    assert last >= cards


@on_postgres
def test_a_target_that_holds_something_is_refused_and_stays_as_it_is(
    pmsapp: Pmsapp, file: Path, target: str
) -> None:
    assert pmsapp("db", "copy", str(file), target).code == 0
    before = _rows(target)
    shown = pmsapp("db", "copy", str(file), target)
    assert (shown.code, shown.out) == (2, "")
    assert "holds data already" in shown.err
    assert _rows(target) == before


@on_postgres
def test_a_copy_that_was_cut_off_left_nothing_and_is_begun_again(
    pmsapp: Pmsapp, file: Path, target: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("pmsapp.services.maintenance.move._carry_ids_on", lambda *_: 1 / 0)
        assert pmsapp("db", "copy", str(file), target).code != 0
    assert not any(_rows(target).values())
    assert pmsapp("db", "copy", str(file), target).code == 0


@on_postgres
def test_a_database_in_use_is_not_copied(pmsapp: Pmsapp, file: Path, target: str) -> None:
    engine = create_engine(f"sqlite:///{file}", module=sqlite.sqlite_module())
    with engine.connect() as connection:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        shown = pmsapp("db", "copy", str(file), target)
    engine.dispose()
    assert (shown.code, shown.err) == (
        2,
        "Error: A process still uses the database; stop pmsapp first.\n",
    )


def test_a_target_that_is_no_postgresql_is_one_sentence(pmsapp: Pmsapp, file: Path, tmp_path: Path) -> None:
    shown = pmsapp("db", "copy", str(file), f"sqlite:///{tmp_path / 'other.sqlite3'}")
    assert shown.code == 2
    assert shown.err.startswith("Error: The target must be PostgreSQL")


@on_postgres
def test_a_file_that_is_no_database_is_one_sentence(pmsapp: Pmsapp, tmp_path: Path, target: str) -> None:
    stray = tmp_path / "stray.sqlite3"
    stray.write_bytes(b"")
    shown = pmsapp("db", "copy", str(stray), target)
    assert (shown.code, shown.err) == (2, "Error: This file is no database of pmsapp.\n")


def test_a_sqlite_backup_is_sent_to_restore(pmsapp: Pmsapp, file: Path) -> None:
    shown = pmsapp("db", "after-restore", "--yes")
    assert (shown.code, shown.err) == (
        2,
        "Error: A SQLite backup is put back with: pmsapp restore FILE\n",
    )


@on_postgres
def test_after_a_restore_everybody_signs_in_again_and_no_fence_goes_back(
    pmsapp: Pmsapp, file: Path, target: str
) -> None:
    assert pmsapp("db", "copy", str(file), target).code == 0
    with open_app(database_url=target), writing() as session:
        fences = {row.id: row.fence for row in session.query(PMSConnection)}
        versions = {row.id: row.row_version for row in session.query(RunSheetAppointment)}
    shown = pmsapp("db", "after-restore", "--yes", PMSAPP_DATABASE_URL=target)
    assert shown.code == 0, shown.err
    with open_app(database_url=target), reading() as session:
        assert session.query(UserSession).count() == 0
        assert all(row.fence > fences[row.id] for row in session.query(PMSConnection))
        assert all(row.row_version > versions[row.id] for row in session.query(RunSheetAppointment))
        assert database.versions().is_current
