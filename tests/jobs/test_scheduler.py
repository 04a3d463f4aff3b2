"""The scheduler: what is due is seen to once, whoever else is there, and no error stops it."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import select, update

from pmsapp import clock
from pmsapp.domain.actor import COMMAND_LINE
from pmsapp.jobs import scheduler as module
from pmsapp.jobs.queue import open_queue, worker_connection
from pmsapp.jobs.scheduler import Scheduler
from pmsapp.models import PMSConnection, ScheduledTask, SyncRun
from pmsapp.services.base.transaction import reading, writing
from pmsapp.services.monitoring import process_heartbeats
from pmsapp.services.monitoring.periodic_tasks import TASKS, PeriodicTask
from pmsapp.services.runs import lease
from pmsapp.services.runs import requests as run_requests
from pmsapp.settings import Settings
from pmsapp.supervisor.redis import EmbeddedRedis
from tests.support.clock import FrozenClock

DAY = timedelta(days=1)


@pytest.fixture
def connection_id(app: Flask, frozen_clock: FrozenClock) -> int:
    """A connection that is switched on and due now."""
    now = clock.now()
    with writing() as session:
        row = PMSConnection(
            pms_type="gentu",
            display_name="Gentu",
            time_zone="Australia/Melbourne",
            secret_uid="x",
            tenant_id="t-1",
            credentials_sealed="v1.x.y",
            state="ok",
            sync_enabled=True,
            next_sync_at=now,
            created_at=now,
            updated_at=now,
        )
        session.add(row)
        session.flush()
        return row.id


def _runs() -> list[SyncRun]:
    with reading() as session:
        return list(session.scalars(select(SyncRun).order_by(SyncRun.id)))


def _next_sync_at(connection_id: int) -> datetime | None:
    with reading() as session:
        return session.scalar(select(PMSConnection.next_sync_at).where(PMSConnection.id == connection_id))


def _job_ids(settings: Settings) -> list[str]:
    return list(open_queue(worker_connection(settings.queue_url)).job_ids)


def _tick(app: Flask, entries: Sequence[PeriodicTask] = TASKS) -> None:
    """One look of a new scheduler, and the periodic tasks it began."""
    scheduler = Scheduler(app, entries)
    scheduler.tick()
    assert scheduler.wait_for_periodic(60)


def test_a_due_connection_gets_one_run_from_two_schedulers(
    app: Flask, connection_id: int, redis_server: EmbeddedRedis, settings: Settings
) -> None:
    for scheduler in (Scheduler(app), Scheduler(app)):
        scheduler.tick()
        scheduler.tick()
    (run,) = _runs()
    assert (run.trigger, run.status, run.pms_connection_id) == ("schedule", "queued", connection_id)
    assert _job_ids(settings) == [f"run-{run.id}"]
    assert (_next_sync_at(connection_id) or clock.now()) > clock.now()


def test_three_hours_of_sleep_are_made_up_once(
    app: Flask, connection_id: int, redis_server: EmbeddedRedis, frozen_clock: FrozenClock
) -> None:
    frozen_clock.advance(hours=3)
    scheduler = Scheduler(app)
    for _ in range(5):
        scheduler.tick()
    assert len(_runs()) == 1


def test_a_lost_bell_is_rung_again(
    app: Flask, connection_id: int, redis_server: EmbeddedRedis, settings: Settings, frozen_clock: FrozenClock
) -> None:
    run_id = run_requests.request_run(connection_id, trigger="manual", actor=COMMAND_LINE).sync_id
    worker_connection(settings.queue_url).flushall()
    frozen_clock.advance(seconds=module.ENQUEUE_AGAIN_AFTER_S - 1)
    Scheduler(app, []).tick()
    assert f"run-{run_id}" not in _job_ids(settings)
    frozen_clock.advance(seconds=2)
    Scheduler(app, []).tick()
    assert f"run-{run_id}" in _job_ids(settings)


def test_a_bell_stuck_with_a_dead_worker_is_made_anew(
    app: Flask, connection_id: int, redis_server: EmbeddedRedis, settings: Settings, frozen_clock: FrozenClock
) -> None:
    run_id = run_requests.request_run(connection_id, trigger="manual", actor=COMMAND_LINE).sync_id
    worker_connection(settings.queue_url).delete("rq:queue:pmsapp")
    frozen_clock.advance(seconds=module.REPLACE_JOB_AFTER_S + 1)
    Scheduler(app, []).tick()
    assert _job_ids(settings) == [f"run-{run_id}"]


def test_a_run_that_must_wait_is_left_alone_until_its_time(
    app: Flask, connection_id: int, redis_server: EmbeddedRedis, settings: Settings, frozen_clock: FrozenClock
) -> None:
    wait_until = frozen_clock.at + timedelta(minutes=10)
    with writing() as session:
        session.execute(update(PMSConnection).values(not_before=wait_until, next_sync_at=None))
    run_id = run_requests.request_run(connection_id, trigger="manual", actor=COMMAND_LINE).sync_id
    frozen_clock.advance(minutes=9)
    Scheduler(app, []).tick()
    assert _job_ids(settings) == []
    frozen_clock.advance(minutes=1)
    Scheduler(app, []).tick()
    assert _job_ids(settings) == [f"run-{run_id}"]


def test_without_a_queue_server_the_scheduler_performs_the_run(
    app: Flask, connection_id: int, frozen_clock: FrozenClock
) -> None:
    scheduler = Scheduler(app, [])
    scheduler.tick()
    assert scheduler.wait_for_own_run(20)
    (run,) = _runs()
    assert run.status not in ("queued", "running")


def test_a_run_whose_worker_died_is_closed(
    app: Flask, connection_id: int, redis_server: EmbeddedRedis, frozen_clock: FrozenClock
) -> None:
    run_id = run_requests.request_run(connection_id, trigger="manual", actor=COMMAND_LINE).sync_id
    with writing() as session:
        session.execute(
            update(SyncRun)
            .where(SyncRun.id == run_id)
            .values(status="running", started_at=clock.now(), heartbeat_at=clock.now())
        )
    frozen_clock.advance(minutes=2)
    Scheduler(app, []).tick()
    assert _runs()[0].status == "interrupted"


def test_a_tick_leaves_a_sign_of_life(app: Flask, redis_server: EmbeddedRedis) -> None:
    Scheduler(app, []).tick()
    beat = process_heartbeats.get_beat(process_heartbeats.SCHEDULER)
    assert beat is not None
    assert beat.is_alive


def test_a_sign_of_life_grows_old(app: Flask, frozen_clock: FrozenClock) -> None:
    process_heartbeats.beat(process_heartbeats.WORKER)
    frozen_clock.advance(seconds=91)
    beat = process_heartbeats.get_beat(process_heartbeats.WORKER)
    assert beat is not None
    assert not beat.is_alive


def test_a_periodic_task_runs_once_per_interval_whoever_ticks(app: Flask, frozen_clock: FrozenClock) -> None:
    done: list[datetime] = []
    entries = [PeriodicTask("tidy up", DAY, lambda: done.append(clock.now()))]
    for _ in range(2):
        for _ in range(3):
            _tick(app, entries)
        frozen_clock.advance(days=1, seconds=1)
    assert len(done) == 2


def test_an_entry_that_fails_harms_no_other(app: Flask, frozen_clock: FrozenClock) -> None:
    done: list[str] = []

    def fail() -> None:
        raise ValueError("Jane Citizen")

    entries = [PeriodicTask("fails", DAY, fail), PeriodicTask("works", DAY, lambda: done.append("works"))]
    _tick(app, entries)
    with reading() as session:
        results = {row.name: row.last_result for row in session.scalars(select(ScheduledTask))}
    assert done == ["works"]
    assert results == {"fails": "ValueError", "works": "ok"}


def test_an_entry_no_longer_declared_goes_and_a_new_one_is_due_at_once(
    app: Flask, frozen_clock: FrozenClock
) -> None:
    done: list[str] = []
    _tick(app, [PeriodicTask("old", DAY, lambda: done.append("old"))])
    _tick(app, [PeriodicTask("new", DAY, lambda: done.append("new"))])
    with reading() as session:
        assert list(session.scalars(select(ScheduledTask.name))) == ["new"]
    assert done == ["old", "new"]


def test_a_periodic_task_that_takes_long_holds_nothing_up(
    app: Flask, connection_id: int, redis_server: EmbeddedRedis
) -> None:
    """A check of a large file goes on beside the loop; nobody begins it a second time meanwhile."""
    begun: list[int] = []
    go_on = threading.Event()

    def take_long() -> None:
        begun.append(1)
        assert go_on.wait(60)

    scheduler = Scheduler(app, [PeriodicTask("long", timedelta(seconds=-1), take_long)])
    scheduler.tick()
    scheduler.tick()
    assert len(_runs()) == 1
    go_on.set()
    assert scheduler.wait_for_periodic(60)
    assert len(begun) == 1


def test_a_broken_part_does_not_end_the_tick(
    app: Flask, connection_id: int, monkeypatch: pytest.MonkeyPatch, frozen_clock: FrozenClock
) -> None:
    def broken() -> None:
        raise RuntimeError

    monkeypatch.setattr(process_heartbeats, "beat", lambda name: broken())
    monkeypatch.setattr(lease, "sweep_interrupted", broken)
    scheduler = Scheduler(app, [])
    scheduler.tick()
    assert len(_runs()) == 1
    assert scheduler.wait_for_own_run(20)


def test_the_real_entries_all_work(app: Flask, redis_server: EmbeddedRedis) -> None:
    _tick(app)
    with reading() as session:
        failures = {row.name: row.failures for row in session.scalars(select(ScheduledTask))}
    assert failures == {entry.name: 0 for entry in TASKS}
