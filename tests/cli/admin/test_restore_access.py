"""Putting a backup back gives nobody back what was taken from them after it was made."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select

from pmsapp import clock
from pmsapp.domain.actor import COMMAND_LINE
from pmsapp.extensions import db, key_ring
from pmsapp.models import APIToken, Clinic, KnownBrowser, LoginThrottle, PMSConnection, User
from pmsapp.services.base import encrypted_columns
from pmsapp.services.base.transaction import reading, writing
from pmsapp.services.clinic import clinic
from pmsapp.services.connections import connections
from pmsapp.services.connections.connections import Pause
from pmsapp.services.maintenance import backup
from pmsapp.services.people import api_tokens, known_browsers, users
from pmsapp.services.sheet import columns
from tests.cli.conftest import Pmsapp
from tests.support import postgres
from tests.support.actors import make_user
from tests.support.clock import FrozenClock
from tests.support.fake_clinic import MEL, FakeClinic
from tests.support.fake_pms import FakePractice

pytestmark = pytest.mark.skipif(postgres.SERVER is not None, reason="PostgreSQL has its own tools")
Restored = Callable[[Callable[[], object]], None]


@pytest.fixture
def fake(app: Flask, frozen_clock: FrozenClock, practice: FakePractice) -> FakeClinic:
    clinic.ensure()
    make_user("admin", email="kept@example.org")
    return FakeClinic(practice)


@pytest.fixture
def restored(pmsapp: Pmsapp, fake: FakeClinic, frozen_clock: FrozenClock) -> Restored:
    """Take a backup, let something happen, and put the backup back."""

    def go(happens: Callable[[], object]) -> None:
        saved = backup.make()
        assert saved is not None
        copy: Path = saved.path
        frozen_clock.advance(hours=2)
        happens()
        frozen_clock.advance(minutes=5)
        db.engine.dispose()
        done = pmsapp("restore", str(copy), "--yes")
        assert done.code == 0, done.err

    return go


def connection(fake: FakeClinic) -> PMSConnection:
    with reading() as session:
        return session.get_one(PMSConnection, fake.connection_id)


def test_field_17_a_demoted_administrator_stays_demoted(restored: Restored) -> None:
    person = make_user("admin")
    restored(lambda: users.change_role(person.id, "reception", COMMAND_LINE))
    assert users.get_user(person.id).role == "reception"


def test_field_17_a_clinician_whose_column_came_later_does_not_see_everybodys(restored: Restored) -> None:
    person = make_user("reception")

    def narrow() -> None:
        column = columns.create_clinician(COMMAND_LINE, name="Dr Late")
        users.change_role(person.id, "clinician", COMMAND_LINE, clinician_id=column.id)

    restored(narrow)
    found = users.get_user(person.id)
    assert (found.role, found.clinician_id) == ("clinician", None)
    assert found.disabled_at is not None


def test_field_17_a_disabled_person_stays_out_also_when_enabled_since(restored: Restored) -> None:
    out, back = make_user("reception"), make_user("viewer")
    users.disable_user(back.id, COMMAND_LINE)

    def change() -> None:
        users.disable_user(out.id, COMMAND_LINE)
        users.enable_user(back.id, COMMAND_LINE)

    restored(change)
    assert users.get_user(out.id).disabled_at is not None
    assert users.get_user(back.id).disabled_at is not None


def test_field_17_a_person_nobody_knows_any_more_does_not_come_in(restored: Restored) -> None:
    person = make_user("reception")

    def forget() -> None:
        with writing() as session:
            session.delete(session.get_one(User, person.id))

    restored(forget)
    assert users.get_user(person.id).disabled_at is not None


def test_field_17_a_second_factor_asked_of_everybody_since_still_is(restored: Restored) -> None:
    def require() -> None:
        with writing() as session:
            session.get_one(Clinic, 1).require_second_factor = True

    restored(require)
    with reading() as session:
        assert session.get_one(Clinic, 1).require_second_factor


def test_field_17_a_browser_forgotten_since_is_a_stranger(restored: Restored) -> None:
    person = make_user("reception")
    with writing() as session:
        known_browsers.remember(session, person.id, "gone", None, COMMAND_LINE)
        known_browsers.remember(session, person.id, "kept", None, COMMAND_LINE)

    def forget() -> None:
        with writing() as session:
            browser_id = known_browsers.find(session, person.id, "gone")
            session.delete(session.get_one(KnownBrowser, browser_id))

    restored(forget)
    with reading() as session:
        assert known_browsers.find(session, person.id, "gone") is None
        assert known_browsers.find(session, person.id, "kept") is not None


def test_field_17_failed_sign_ins_are_still_counted(restored: Restored) -> None:
    def guess() -> None:
        now = clock.now()
        with writing() as session:
            session.add(LoginThrottle(kind="account", key_hash="guessed", failures=7, last_failure_at=now))

    restored(guess)
    with reading() as session:
        assert session.scalars(select(LoginThrottle.failures)).all() == [7]


def test_field_17_a_token_that_is_no_longer_kept_works_no_more(restored: Restored) -> None:
    made = api_tokens.create("desk", "reception", COMMAND_LINE)
    kept = api_tokens.create("wall", "viewer", COMMAND_LINE)

    def forget() -> None:
        with writing() as session:
            session.delete(session.get_one(APIToken, made.view.id))

    restored(forget)
    assert api_tokens.find(made.token) is None
    assert api_tokens.find(kept.token) is not None


def test_field_17_a_login_and_a_webhook_secret_replaced_since_stay_replaced(
    restored: Restored, fake: FakeClinic
) -> None:
    with writing() as session:
        row = session.get_one(PMSConnection, fake.connection_id)
        encrypted_columns.seal_webhook_secret(key_ring(), row, "told to somebody who left")

    def replace() -> None:
        with writing() as session:
            row = session.get_one(PMSConnection, fake.connection_id)
            encrypted_columns.seal_credentials(key_ring(), row, {"key": "the new one"})
            encrypted_columns.seal_webhook_secret(key_ring(), row, "a new secret")

    restored(replace)
    assert encrypted_columns.open_credentials(key_ring(), connection(fake)) == {"key": "the new one"}
    assert encrypted_columns.open_webhook_secret(key_ring(), connection(fake)) == "a new secret"


def test_field_17_a_connection_removed_since_has_no_login_and_reads_nothing(
    restored: Restored, fake: FakeClinic
) -> None:
    restored(lambda: connections.delete_connection(fake.connection_id, "keep", MEL))
    row = connection(fake)
    assert (row.credentials_sealed, row.access_token, row.sync_enabled, row.next_sync_at) == (
        None, None, False, None,
    )  # fmt: skip
    view = connections.get_connection(fake.connection_id)
    assert not view.has_credentials
    assert view.paused is not None
    assert view.paused.reason == "Disconnected after the backup was made; sign in again to use it"


def test_field_17_a_connection_paused_or_switched_off_since_stays_so(
    restored: Restored, fake: FakeClinic
) -> None:
    until = clock.now() + timedelta(days=2)
    restored(
        lambda: connections.update_connection(
            fake.connection_id, MEL, paused=Pause(until, "the vendor changes keys")
        )
    )
    assert connection(fake).sync_enabled
    assert (connection(fake).paused_until, connection(fake).paused_reason) == (
        until,
        "the vendor changes keys",
    )


def test_field_17_a_connection_switched_off_since_is_not_switched_on_again(
    restored: Restored, fake: FakeClinic
) -> None:
    restored(
        lambda: connections.update_connection(
            fake.connection_id, MEL, sync_enabled=False, reason="nobody works here any more"
        )
    )
    row = connection(fake)
    assert (row.sync_enabled, row.next_sync_at, row.paused_reason) == (
        False, None, "nobody works here any more",
    )  # fmt: skip


def test_field_17_a_pause_that_ended_since_is_over(restored: Restored, fake: FakeClinic) -> None:
    pause = Pause(clock.now() + timedelta(days=2), "holidays")
    connections.update_connection(fake.connection_id, MEL, paused=pause)
    restored(lambda: connections.update_connection(fake.connection_id, MEL, paused=None))
    assert (connection(fake).sync_enabled, connection(fake).paused_until) == (True, None)
