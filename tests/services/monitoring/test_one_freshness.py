"""How old the data is: connection, sheet, column, alerts, doctor and API say the same of the same lists."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import delete, update

from pmsapp import clock
from pmsapp.domain.actor import COMMAND_LINE
from pmsapp.domain.runsheet import Column
from pmsapp.models import PMSClinicianMapping, PMSConnection, ScopeFreshness
from pmsapp.schemas.connections import Connection
from pmsapp.schemas.sheet import RunSheetOut
from pmsapp.services.base.transaction import reading, writing
from pmsapp.services.clinic import clinic
from pmsapp.services.connections import connections
from pmsapp.services.monitoring import conditions, health, process_heartbeats
from pmsapp.services.monitoring.examination import doctor
from pmsapp.services.sheet import columns
from tests.support import actors
from tests.support.clock import FrozenClock
from tests.support.fake_clinic import FakeClinic, stock
from tests.support.fake_pms import ZONE, FakePractice, registered


@pytest.fixture
def practice() -> Iterator[FakePractice]:
    made = stock(FakePractice())
    with registered("practice", made):
        yield made


@pytest.fixture
def fake(app: Flask, frozen_clock: FrozenClock, practice: FakePractice) -> FakeClinic:
    """A connection that was read at 09:00 on a Monday, in clinic hours."""
    clinic.ensure()
    made = FakeClinic(practice)
    made.sync()
    return made


def read_all_but(fake: FakeClinic, practitioner: str, *, mapped_at: datetime) -> None:
    """Everybody's list was read just now but one's, which never was since it was mapped."""
    with writing() as session:
        session.execute(update(ScopeFreshness).values(as_of=clock.now()))
        session.execute(delete(ScopeFreshness).where(ScopeFreshness.pms_practitioner_id == practitioner))
        session.execute(
            update(PMSClinicianMapping)
            .where(PMSClinicianMapping.pms_practitioner_id == practitioner)
            .values(decided_at=mapped_at, first_seen_at=mapped_at)
        )
        session.execute(
            update(PMSConnection).values(
                last_sync_at=clock.now(),
                last_sync_status="success",
                next_sync_at=clock.now() + timedelta(minutes=10),
            )
        )
    process_heartbeats.beat(process_heartbeats.SCHEDULER)


def columns_by_name(fake: FakeClinic) -> dict[str, Column]:
    return {column.name: column for column in fake.sheet().columns}


def stale() -> list[int]:
    with reading() as session:
        return conditions.stale_connections(session, clock.now())


def data_check() -> str:
    return next(check.state for check in doctor.examine() if check.name == "data")


def in_setup(fake: FakeClinic) -> None:
    """A second connection, mapped but never read, whose set-up is not finished."""
    second = FakeClinic(fake.practice, name="practice")
    with writing() as session:
        session.execute(
            update(PMSConnection).where(PMSConnection.id == second.connection_id).values(state="setup")
        )


def test_a_list_that_fails_for_forty_minutes_is_told_the_same_everywhere(
    fake: FakeClinic, frozen_clock: FrozenClock
) -> None:
    mapped_at = frozen_clock.at
    frozen_clock.advance(minutes=40)
    read_all_but(fake, "ben", mapped_at=mapped_at)
    view, sheet = connections.get_connection(fake.connection_id), fake.sheet()
    assert view.freshness == sheet.freshness == columns_by_name(fake)["Dr Ben Bock"].freshness
    assert (view.freshness.state, view.state) == ("never", "stale")
    assert stale() == [fake.connection_id]
    assert [condition.code for condition in _found()] == ["DATA-STALE"]
    assert (data_check(), health.is_ready()) == ("warn", False)
    assert health.measure().connections[0].data_age_s is None
    api = (Connection.of(view, ZONE).freshness, RunSheetOut.of(sheet, ZONE).freshness)
    assert {freshness.state for freshness in api} == {"never"}


def test_a_list_that_was_mapped_just_now_is_not_read_yet_and_raises_nothing(
    fake: FakeClinic, frozen_clock: FrozenClock
) -> None:
    frozen_clock.advance(minutes=40)
    read_all_but(fake, "ben", mapped_at=frozen_clock.at)
    view = connections.get_connection(fake.connection_id)
    assert view.freshness == fake.sheet().freshness
    assert (view.freshness.state, view.state) == ("never", "ok")
    assert (stale(), _found(), data_check(), health.is_ready()) == ([], [], "ok", True)


def test_the_oldest_list_counts_everywhere(fake: FakeClinic, frozen_clock: FrozenClock) -> None:
    long_ago = frozen_clock.at
    frozen_clock.advance(minutes=40)
    with writing() as session:
        session.execute(
            update(ScopeFreshness)
            .where(ScopeFreshness.pms_practitioner_id != "ben")
            .values(as_of=clock.now())
        )
    view, sheet = connections.get_connection(fake.connection_id), fake.sheet()
    assert view.freshness == sheet.freshness == columns_by_name(fake)["Dr Ben Bock"].freshness
    assert (view.freshness.as_of, view.freshness.state) == (long_ago, "stale")
    assert columns_by_name(fake)["Dr Anna Abel"].freshness.state == "fresh"
    assert stale() == [fake.connection_id]


def test_a_connection_in_set_up_makes_no_sheet_unread(app: Flask, fake: FakeClinic) -> None:
    in_setup(fake)
    assert fake.sheet().freshness.state == "fresh"
    assert {column.freshness.state for column in fake.sheet().columns} == {"fresh"}
    assert [view.freshness.state for view in connections.list_connections()] == ["fresh", "none"]
    assert (stale(), data_check()) == ([], "ok")
    assert "Not read yet" not in actors.browser_for(app, "viewer").get("/").text


def test_a_column_that_no_list_fills_has_no_age(app: Flask, fake: FakeClinic) -> None:
    columns.create_clinician(COMMAND_LINE, name="Room 4")
    empty = columns_by_name(fake)["Room 4"]
    assert (empty.freshness.state, empty.freshness.as_of) == ("none", None)
    assert fake.sheet().freshness.state == "fresh"
    fake.practice.book("anna", fake.at("10:40"), ["ada"])
    fake.sync()
    page = actors.browser_for(app, "viewer").get("/?view=columns").text.casefold()
    assert "not read yet" not in page
    assert "no clinician of the practice software is matched to this column" in page


def test_a_reading_of_the_future_is_unknown_everywhere(fake: FakeClinic, frozen_clock: FrozenClock) -> None:
    frozen_clock.set(frozen_clock.at - timedelta(minutes=90))
    view, sheet = connections.get_connection(fake.connection_id), fake.sheet()
    assert view.freshness == sheet.freshness
    assert (sheet.freshness.state, sheet.freshness.as_of) == ("never", None)
    assert health.measure().connections[0].data_age_s is None


def test_the_sheet_says_when_it_will_age_even_where_a_list_was_never_read(
    fake: FakeClinic, frozen_clock: FrozenClock
) -> None:
    mapped_at = frozen_clock.at
    frozen_clock.advance(minutes=20)
    read_all_but(fake, "ben", mapped_at=mapped_at)
    until = fake.sheet().ages_next
    assert until is not None
    assert until <= mapped_at + timedelta(minutes=31)


def _found() -> list[conditions.Condition]:
    with reading() as session:
        return conditions.find(session, clock.now())
