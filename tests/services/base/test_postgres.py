"""PostgreSQL lets nobody wait for ever: not for a lock, not for a statement, not for a machine that is gone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from sqlalchemy import create_engine, event, select
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError

from pmsapp import clock
from pmsapp.extensions import db
from pmsapp.models import PMSConnection
from pmsapp.models.databases import postgres
from pmsapp.services.base.transaction import best_effort_write, reading
from pmsapp.services.monitoring.examination import running
from pmsapp.services.runs import lease
from pmsapp.services.runs import requests as run_requests
from pmsapp.settings import Settings
from tests.support.clock import FrozenClock
from tests.support.fake_clinic import FakeClinic
from tests.support.fake_pms import FakePractice
from tests.support.postgres import SERVER

URL = "postgresql+psycopg://pmsapp@db.example/pmsapp"
on_postgres = pytest.mark.skipif(
    SERVER is None, reason="about PostgreSQL's locks; make test-postgres runs it"
)


def test_every_wait_has_an_end() -> None:
    found = postgres.options(make_url(URL), 8)
    assert found["pool_timeout"] == 8
    assert found["connect_args"] == {
        "connect_timeout": 8,
        "keepalives_idle": 8,
        "keepalives_interval": 10,
        "keepalives_count": 3,
        "tcp_user_timeout": 40_000,
        "options": "-c lock_timeout=8000 -c statement_timeout=64000 -c idle_in_transaction_session_timeout=40000",
    }


def test_what_the_address_says_wins() -> None:
    address = f"{URL}?connect_timeout=3&options=-c%20lock_timeout%3D1000"
    found = postgres.options(make_url(address), 8)["connect_args"]
    assert "connect_timeout" not in found
    assert found["options"].endswith(" -c lock_timeout=1000")


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Nobody waits longer than a second here."""
    return settings.model_copy(update={"database_timeout_s": 1})


@contextmanager
def row_held(connection_id: int) -> Iterator[None]:
    """Another program holds the row of a connection and does not let go."""
    engine = create_engine(db.engine.url)
    with engine.begin() as other:
        other.execute(select(PMSConnection.id).where(PMSConnection.id == connection_id).with_for_update())
        yield
    engine.dispose()


@on_postgres
def test_a_held_row_of_one_connection_stops_no_other(
    practice: FakePractice, app: Flask, frozen_clock: FrozenClock
) -> None:
    """The run of each went down with its machine; one of the rows is still held by what is left of it."""
    held, free = (FakeClinic(practice, name=name) for name in ("held", "free"))
    for each in (held, free):
        assert lease.claim(each.request(), clock.now()) is not None
    frozen_clock.advance(seconds=61)
    with row_held(held.connection_id):
        assert lease.sweep_interrupted() == 1
        assert [request.created for request in run_requests.request_due_runs()] == [True]
        with reading() as session:
            planned = session.scalars(
                select(PMSConnection.id).where(PMSConnection.next_sync_at > clock.now())
            ).all()
        assert planned == [free.connection_id]
    assert lease.sweep_interrupted() == 1, "the other is seen to as soon as it is free"


@on_postgres
def test_whoever_wants_a_held_row_is_told_after_the_wait(clinic: FakeClinic) -> None:
    wanted = select(PMSConnection.id).where(PMSConnection.id == clinic.connection_id).with_for_update()
    with row_held(clinic.connection_id):
        with pytest.raises(OperationalError):
            clinic.request()
        with pytest.raises(OperationalError), best_effort_write() as session:
            session.execute(wanted)
    assert clinic.request() > 0


@on_postgres
def test_what_a_machine_that_is_gone_held_is_let_go(app: Flask) -> None:
    """The server ends a transaction in which nothing happens, and a statement that takes too long."""
    with db.engine.connect() as connection:
        found = [
            connection.exec_driver_sql(f"SHOW {name}").scalar_one()
            for name in ("lock_timeout", "statement_timeout", "idle_in_transaction_session_timeout")
        ]
    assert found == ["1s", "8s", "5s"]


@on_postgres
def test_a_machine_whose_clock_is_ahead_keeps_the_databases_time(app: Flask) -> None:
    """Ninety seconds ahead, it would call the runs of all other machines dead."""
    try:
        with time_machine.travel(clock.machine_now() + timedelta(seconds=90), tick=True):
            reads = postgres.ClockReader()
            event.listen(db.engine, "checkout", reads)
            with db.engine.connect():
                ahead = clock.machine_now() - clock.now()
            event.remove(db.engine, "checkout", reads)
            assert timedelta(seconds=85) < ahead < timedelta(seconds=95)
            assert running.seconds_ahead_of_database() > 85, (
                "doctor still says what is wrong with the machine"
            )
    finally:
        clock.follow(clock.machine_now())
