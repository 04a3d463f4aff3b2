"""A database of an earlier release is upgraded with everything in it, and work goes on."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from flask import Flask
from sqlalchemy import MetaData, Table, select, text
from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import IntegrityError

from pmsapp import clock, factory
from pmsapp.crypto import key_files
from pmsapp.domain.actor import COMMAND_LINE
from pmsapp.extensions import db, key_ring
from pmsapp.models import PMSAppointmentType, PMSClinicianMapping, PMSConnection, SyncRun
from pmsapp.models.databases.sqlite import WRITING, sqlite_module
from pmsapp.services.base import audit, audit_chain, encrypted_columns
from pmsapp.services.base.transaction import reading, writing
from pmsapp.services.maintenance import database, key_rotation
from pmsapp.services.people import api_tokens, sessions
from pmsapp.services.runs import history, lease
from pmsapp.services.runs import requests as run_requests
from pmsapp.settings import load_settings
from tests.support import postgres
from tests.support.clock import FrozenClock

GOLDEN = Path(__file__).parent / "golden"
SECRETS = json.loads((GOLDEN / "0.1.0.json").read_text(encoding="utf-8"))
REVISION = "0003"
RENAMED = {
    "pms_connections": {"token_sealed": "access_token", "last_error_message": "last_sync_error"},
    "pms_clinician_mappings": {
        "connection_id": "pms_connection_id",
        "clinician_id": "run_sheet_clinician_id",
    },
    "pms_appointment_types": {"connection_id": "pms_connection_id", "name": "pms_type_name"},
    "pms_sync_log": {
        "connection_id": "pms_connection_id",
        "fetched": "appointments_fetched",
        "created": "appointments_created",
        "updated": "appointments_updated",
        "skipped": "appointments_skipped",
    },
}
LAST_RUN_ID = 44  # given and deleted again: never to come back

Rows = dict[str, list[dict[str, Any]]]


@pytest.fixture
def released(tmp_path: Path) -> Iterator[Flask]:
    """An app in the folder of an instance of 0.1.0, its tables as that release left them."""
    folder = tmp_path / "released"
    folder.mkdir(mode=0o700)
    key_file = folder / key_files.ENCRYPTION_KEYS_FILE
    key_file.write_text(SECRETS["encryption_key"] + "\n", encoding="utf-8")
    key_file.chmod(0o600)
    if postgres.SERVER is None:
        _restore(folder / "pmsapp.sqlite3")
        yield from _app(folder, None)
        return
    _restore(folder / "as_dumped.sqlite3")
    with postgres.own_database(None) as url:
        yield from _app(folder, url)


def _app(folder: Path, url: str | None) -> Iterator[Flask]:
    app = factory.create_app(load_settings({}, instance_dir=folder, database_url=url, log_format="text"))
    with app.app_context():
        if url is not None:
            command.upgrade(app.extensions["migrate"].migrate.get_config(), REVISION)
            _copy_to_postgres(_stored(folder / "as_dumped.sqlite3"))
        yield app
        db.session.remove()
        db.engine.dispose()


@pytest.fixture
def before(released: Flask, tmp_path: Path) -> Rows:
    """What 0.1.0 had stored, as SQLite holds it."""
    file = "pmsapp.sqlite3" if postgres.SERVER is None else "as_dumped.sqlite3"
    return _stored(tmp_path / "released" / file)


@pytest.fixture
def upgraded(before: Rows, frozen_clock: FrozenClock) -> database.Upgrade:
    """The upgrade, done minutes after 0.1.0 was last at work."""
    frozen_clock.advance(minutes=53)
    return database.upgrade()


def _restore(file: Path) -> None:
    copy = sqlite_module().connect(file)
    copy.executescript((GOLDEN / "0.1.0.sql").read_text(encoding="utf-8"))
    copy.close()


def _stored(file: Path) -> Rows:
    module = sqlite_module()
    copy = module.connect(file)
    copy.row_factory = module.Row
    names = [row[0] for row in copy.execute("select name from sqlite_master where type = 'table'")]
    found = {name: [dict(row) for row in copy.execute(f"select * from {name}")] for name in names}  # noqa: S608
    copy.close()
    return found


def _copy_to_postgres(stored: Rows) -> None:
    made = MetaData()
    made.reflect(db.engine)
    with db.engine.connect().execution_options(**WRITING) as connection, connection.begin():
        for table in made.sorted_tables:
            rows = stored.get(table.name, [])
            if rows and table.name != "alembic_version":
                connection.execute(table.insert(), [_typed(table, row) for row in rows])
            if rows and "id" in table.c and table.c.id.autoincrement:
                last = LAST_RUN_ID if table.name == "pms_sync_log" else max(row["id"] for row in rows)
                place = text("select setval(pg_get_serial_sequence(:name, 'id'), :last)")
                connection.execute(place, {"name": table.name, "last": last})


def _typed(table: Table, row: dict[str, Any]) -> dict[str, Any]:
    kinds: dict[type, Callable[[Any], Any]] = {
        bool: bool,
        datetime: datetime.fromisoformat,
        date: date.fromisoformat,
    }
    return {
        name: value if value is None else kinds.get(table.c[name].type.python_type, lambda same: same)(value)
        for name, value in row.items()
    }


def _now_stored(table: Table) -> list[dict[str, Any]]:
    """A table's rows by the models, each value as SQLite would hold it."""
    dialect = sqlite.dialect()
    processors = {
        column.name: column.type.dialect_impl(dialect).bind_processor(dialect) for column in table.columns
    }
    with reading() as session:
        rows = session.execute(select(table).order_by(*table.primary_key)).mappings().all()
    return [
        {name: process(row[name]) if (process := processors[name]) else row[name] for name in processors}
        for row in rows
    ]


def test_every_row_of_every_table_is_kept(upgraded: database.Upgrade, before: Rows) -> None:
    assert (upgraded.before, upgraded.after) == (REVISION, database.versions().needed)
    kept = {table.name: _now_stored(table) for table in db.metadata.sorted_tables}
    for name, rows in before.items():
        if name in ("alembic_version", "sqlite_sequence"):
            continue
        new_names = RENAMED.get(name, {})
        expected = [{new_names.get(key, key): value for key, value in row.items()} for row in rows]
        found = [{key: row[key] for key in want} for want, row in zip(expected, kept[name], strict=True)]
        assert found == expected, name
    full = {name for name, rows in before.items() if rows}
    assert full >= {
        "api_tokens", "audit_events", "decisions", "pms_appointment_types", "pms_clinician_mappings",
        "pms_connections", "pms_freshness", "pms_sync_log", "pms_sync_scopes", "run_sheet_appointments",
        "run_sheet_events", "run_sheet_overrides", "run_sheets", "user_sessions", "users",
    }  # fmt: skip


def test_the_upgraded_tables_are_those_of_the_models(upgraded: database.Upgrade) -> None:
    with db.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, db.metadata) == []


def test_rows_under_an_old_name_are_found_under_the_new_one(released: Flask, before: Rows) -> None:
    with writing() as session:
        values = {"now": "2026-11-22T22:00:00.000000+00:00"}
        session.execute(text("INSERT INTO scheduled_tasks (name, due_at) VALUES ('pulse', :now)"), values)
        oldest = "(SELECT min(id) FROM decisions)"
        session.execute(text(f"UPDATE decisions SET subject = 'twin:17:4' WHERE id = {oldest}"))  # noqa: S608
    database.upgrade()
    with reading() as session:
        assert session.scalars(text("SELECT name FROM scheduled_tasks")).all() == ["heartbeat_ping"]
        assert session.scalar(text("SELECT subject FROM decisions ORDER BY id")) == "duplicate:17:4"


def test_new_columns_are_filled_from_what_was_known(upgraded: database.Upgrade) -> None:
    with reading() as session:
        people = session.scalars(select(PMSClinicianMapping).order_by(PMSClinicianMapping.id)).all()
        types = session.scalars(select(PMSAppointmentType)).all()
        runs = session.scalars(select(SyncRun).order_by(SyncRun.id)).all()
    decided = [(person.decision, person.sync_enabled, person.auto_created) for person in people]
    assert decided[:4] == [
        ("mapped", True, False),
        ("mapped", True, True),
        ("ignored", False, False),
        ("undecided", False, False),
    ]
    assert all(
        row.created_at == row.first_seen_at and row.updated_at == row.last_seen_at
        for row in [*people, *types]
    )
    assert [(run.created_at, run.updated_at) for run in runs] == [
        (run.requested_at, run.completed_at or run.requested_at) for run in runs
    ]
    told = {run.id: run.error_details for run in runs if run.error_details}
    assert told == {3: {"code": "AUTH-SCOPE", "scopes": {"AUTH-SCOPE": 10}}}


def test_what_was_sealed_opens_and_can_be_sealed_anew(upgraded: database.Upgrade) -> None:
    with reading() as session:
        row = session.scalars(select(PMSConnection)).one()
        token = encrypted_columns.open_token(key_ring(), row)
        assert encrypted_columns.open_credentials(key_ring(), row)["client_id"] == "training-client-id"
    assert token is not None
    assert token.access_token == SECRETS["access_token"]
    assert token.expires_at == datetime(2026, 11, 22, 22, 58, 59, tzinfo=UTC)
    assert token.refresh_token is None
    assert key_rotation.unreadable() == 0


def test_the_audit_chain_holds_and_grows(upgraded: database.Upgrade, before: Rows) -> None:
    told = len(before["audit_events"])
    assert (audit_chain.verify().checked, audit_chain.verify().reason) == (told, None)
    with writing() as session:
        audit.record(session, COMMAND_LINE, "clinic.change")
    assert (audit_chain.verify().checked, audit_chain.verify().reason) == (told + 1, None)


def test_people_and_programs_stay_signed_in(upgraded: database.Upgrade) -> None:
    signed_in = sessions.resume(SECRETS["session"], active=True)
    program = api_tokens.find(SECRETS["api_token"])
    assert signed_in is not None
    assert program is not None
    assert program.name == "Display"


def test_runs_go_on_one_at_a_time_and_under_new_ids(upgraded: database.Upgrade) -> None:
    request = run_requests.request_run(1, trigger="manual", actor=COMMAND_LINE)
    assert (request.created, request.sync_id) == (True, LAST_RUN_ID + 1)
    held = lease.claim(request.sync_id, clock.now())
    assert held is not None
    assert held.fence == 5
    assert history.get_run(1, request.sync_id).status == "running"
    with pytest.raises(IntegrityError), writing() as session:
        session.add(
            SyncRun(pms_connection_id=1, trigger="manual", requested_at=clock.now(), status="running")
        )


def test_of_two_connections_to_one_practice_the_older_one_claims_it(released: Flask, before: Rows) -> None:
    columns = [name for name in before["pms_connections"][0] if name != "id"]
    listed = ", ".join(columns)
    with writing() as session:
        session.execute(
            text(f"INSERT INTO pms_connections ({listed}) SELECT {listed} FROM pms_connections WHERE id = 1")  # noqa: S608
        )
    database.upgrade()
    with reading() as session:
        claims = session.scalars(select(PMSConnection.practice_claim).order_by(PMSConnection.id)).all()
        practice = session.get_one(PMSConnection, 1)
    known = practice.practice_fingerprint or practice.tenant_id or practice.practice_id
    assert known
    assert claims[0] == f"{known.casefold()}|"
    assert claims[-1] is None
