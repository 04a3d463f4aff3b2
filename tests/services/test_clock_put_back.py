"""The clock is put back: whatever was stored in what is now the future is unknown or over, never young or in force."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import update

from pmsapp import clock
from pmsapp.adapters.client.rate_limit import RateLimitStore
from pmsapp.adapters.client.tokens import Token
from pmsapp.adapters.reference_cache import ReferenceCache
from pmsapp.domain.actor import COMMAND_LINE
from pmsapp.models import AlertDelivery, Incident, PMSConnection, SyncRun, TokenLease
from pmsapp.services.base.transaction import reading, writing
from pmsapp.services.clinic import clinic
from pmsapp.services.maintenance import backup
from pmsapp.services.monitoring import alerts, health, incidents, process_heartbeats
from pmsapp.services.monitoring.examination import doctor
from pmsapp.services.people import api_tokens, login_throttle, sessions, setup_code
from pmsapp.services.runs import lease, waiting
from pmsapp.services.vendors.rate_limit_blocks import StoredBlocks
from pmsapp.services.vendors.token_store import StoredTokens
from tests.support.actors import make_user
from tests.support.clock import FrozenClock
from tests.support.fake_clinic import FakeClinic, stock
from tests.support.fake_pms import FakePractice, registered

HOST = "api.example.com"


@pytest.fixture
def fake(app: Flask, frozen_clock: FrozenClock) -> Iterator[FakeClinic]:
    practice = stock(FakePractice())
    with registered("practice", practice):
        clinic.ensure()
        yield FakeClinic(practice)


def put_back(frozen_clock: FrozenClock, **by: float) -> None:
    frozen_clock.set(frozen_clock.at - timedelta(**by))


def test_field_13_a_session_is_over_and_no_password_is_fresh(app: Flask, frozen_clock: FrozenClock) -> None:
    token = sessions.start(make_user("reception").id, COMMAND_LINE)
    signed_in = sessions.resume(token, active=False)
    assert signed_in is not None
    put_back(frozen_clock, hours=5)
    assert not sessions.is_fresh(signed_in)
    assert sessions.list_live(signed_in.user_id) == []
    assert sessions.resume(token, active=True) is None
    frozen_clock.advance(hours=5)
    assert sessions.resume(token, active=True) is not None


def test_field_13_a_key_with_an_end_is_over_and_one_without_works_on(
    app: Flask, frozen_clock: FrozenClock
) -> None:
    ends = api_tokens.create("ends", "viewer", COMMAND_LINE, days=1).token
    endless = api_tokens.create("endless", "viewer", COMMAND_LINE, days=None).token
    put_back(frozen_clock, days=30)
    assert api_tokens.find(ends) is None
    assert api_tokens.find(endless) is not None


def test_field_13_a_setup_code_is_over(app: Flask, frozen_clock: FrozenClock) -> None:
    code = setup_code.make().code
    put_back(frozen_clock, hours=5)
    assert not setup_code.is_right(code)


def test_field_13_nobody_waits_for_a_throttle_of_the_future(app: Flask, frozen_clock: FrozenClock) -> None:
    keys = login_throttle.keys_for("mel@example.org", "10.0.0.9")
    for _ in range(7):
        with writing() as session:
            login_throttle.failed(session, keys)
    assert login_throttle.look(keys).wait_s > 0
    put_back(frozen_clock, days=2)
    assert login_throttle.look(keys).wait_s == 0


def test_field_13_a_block_of_the_future_holds_nobody_up(app: Flask, frozen_clock: FrozenClock) -> None:
    until = clock.now() + timedelta(minutes=30)
    blocks, store = StoredBlocks(app.app_context), RateLimitStore(now=clock.now)
    blocks.write(HOST, until)
    store.block(HOST, until)
    assert (blocks.read(HOST), store.blocked_until(HOST)) == (until, until)
    put_back(frozen_clock, hours=3)
    assert (blocks.read(HOST), store.blocked_until(HOST)) == (None, None)
    soon = clock.now() + timedelta(minutes=1)
    blocks.write(HOST, soon)
    assert blocks.read(HOST) == soon


def test_field_13_a_token_and_a_lease_of_the_future_are_over(
    app: Flask, fake: FakeClinic, frozen_clock: FrozenClock
) -> None:
    minted: list[datetime] = []

    def mint() -> Token:
        minted.append(clock.now())
        return Token(f"token-{len(minted)}", clock.now() + timedelta(days=300))

    def tokens() -> StoredTokens:
        return StoredTokens(fake.connection_id, mint, app_context=app.app_context, pms="Fake")

    assert [tokens().get().access_token for _ in range(2)] == ["token-1", "token-1"]
    with writing() as session:
        session.add(
            TokenLease(
                connection_id=fake.connection_id,
                holder="somebody",
                expires_at=clock.now() + timedelta(seconds=20),
            )
        )
    put_back(frozen_clock, days=3)
    assert tokens().get().access_token == "token-2"


def test_field_13_a_sign_of_life_of_the_future_is_none(app: Flask, frozen_clock: FrozenClock) -> None:
    process_heartbeats.beat(process_heartbeats.SCHEDULER)
    assert process_heartbeats.list_beats()[0].is_alive
    put_back(frozen_clock, hours=1)
    assert not process_heartbeats.list_beats()[0].is_alive
    assert health.measure().beat_age_s == {}


def test_field_13_reference_data_of_the_future_is_read_again(frozen_clock: FrozenClock) -> None:
    cache = ReferenceCache({"types": (["a"], clock.now())})
    assert cache.get("types", timedelta(hours=1)) == ["a"]
    put_back(frozen_clock, hours=3)
    assert cache.get("types", timedelta(hours=1)) is None


def test_field_13_new_backups_are_kept_and_those_of_the_future_go_first(
    app: Flask, frozen_clock: FrozenClock
) -> None:
    for _ in range(backup.KEEP):
        backup.make()
        frozen_clock.advance(days=1)
    put_back(frozen_clock, days=100)
    made = backup.make()
    assert made is not None
    assert made.path.exists()
    newest = backup.latest()
    assert newest is not None
    assert newest.path == made.path
    assert len(list(made.path.parent.glob("pmsapp-*"))) == backup.KEEP


def test_field_13_a_backup_of_the_future_says_nothing(app: Flask, frozen_clock: FrozenClock) -> None:
    backup.make()
    put_back(frozen_clock, days=10)
    assert health.measure().backup_age_s is None
    assert next(check.state for check in doctor.examine() if check.name == "backup") == "warn"


def test_field_13_a_run_that_waits_for_a_vendor_in_the_future_starts(
    fake: FakeClinic, frozen_clock: FrozenClock
) -> None:
    run_id = fake.request()
    with writing() as session:
        session.execute(update(SyncRun).values(not_before=clock.now() + timedelta(minutes=30)))
        session.execute(update(PMSConnection).values(not_before=clock.now() + timedelta(minutes=30)))
    assert waiting.waiting_runs(for_at_least_s=0) == []
    assert lease.claim(run_id, clock.now()) is None
    put_back(frozen_clock, hours=6)
    assert [run.id for run in waiting.waiting_runs(for_at_least_s=0)] == [run_id]
    assert lease.claim(run_id, clock.now()) is not None


def test_field_13_an_incident_and_its_snooze_of_the_future_silence_nobody(
    fake: FakeClinic, frozen_clock: FrozenClock
) -> None:
    fake.sync()
    later = clock.now() + timedelta(days=60)
    with writing() as session:
        session.add(
            Incident(
                subject="scheduler",
                code="SCHED-DEAD",
                severity="low",
                started_at=later,
                last_seen_at=later,
                snoozed_until=later + timedelta(days=1),
                snoozed_by="Mel",
                snoozed_reason="holiday",
            )
        )
    incidents.look()
    assert incidents.list_open() == [], "seen once only"
    frozen_clock.advance(seconds=20)
    incidents.look()
    assert [incident.code for incident in incidents.list_open()] == ["SCHED-DEAD"]


def test_field_13_an_alert_that_waits_for_the_future_is_due(app: Flask, frozen_clock: FrozenClock) -> None:
    with writing() as session:
        session.add(
            AlertDelivery(
                kind="opening",
                channel="gone 1",
                at=clock.now(),
                delivered=False,
                title="title",
                body="body",
                path="/",
                next_try_at=clock.now() + timedelta(days=60),
            )
        )
    alerts.deliver_due()
    with reading() as session:
        row = session.get_one(AlertDelivery, 1)
    assert row.next_try_at is None
    assert row.note == "this channel is no longer set up"


def test_field_13_a_machine_that_wakes_twice_for_seconds_raises_no_alarm(
    fake: FakeClinic, frozen_clock: FrozenClock
) -> None:
    fake.sync()
    process_heartbeats.beat(process_heartbeats.SCHEDULER)
    for _ in range(2):
        frozen_clock.advance(hours=1)
        incidents.look()  # the web process is a moment faster than the scheduler
        frozen_clock.advance(seconds=5)
        incidents.watch()
    assert incidents.list_open() == []
    with reading() as session:
        assert session.query(Incident).filter(Incident.opened_at.is_not(None)).count() == 0


def test_a_scheduler_that_stays_away_is_told(fake: FakeClinic, frozen_clock: FrozenClock) -> None:
    fake.sync()
    process_heartbeats.beat(process_heartbeats.SCHEDULER)
    frozen_clock.advance(hours=1)
    for _ in range(3):
        incidents.look()
        frozen_clock.advance(seconds=20)
    assert [incident.code for incident in incidents.list_open()] == ["SCHED-DEAD"]
