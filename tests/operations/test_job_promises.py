"""Jobs and schedule under kills, stops, stalls and a queue server that fails: J1 to J9, one test each or more."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from redis import Redis
from sqlalchemy import select, update
from sqlalchemy.exc import OperationalError

from pmsapp import clock
from pmsapp.domain.actor import COMMAND_LINE, SCHEDULE
from pmsapp.jobs import worker as worker_module
from pmsapp.jobs.queue import worker_connection
from pmsapp.jobs.scheduler import Scheduler
from pmsapp.models import PMSConnection, SyncRun
from pmsapp.services.base import failpoints
from pmsapp.services.base.transaction import best_effort_write, reading, writing
from pmsapp.services.runs import history as run_history
from pmsapp.services.runs import lease
from pmsapp.services.runs import queue as run_queue
from pmsapp.services.runs import requests as run_requests
from pmsapp.services.runs.history import RunView
from pmsapp.services.sync import execute
from pmsapp.settings import Settings
from pmsapp.supervisor.redis import EmbeddedRedis
from tests.operations.pace import own_seconds_until
from tests.support.actors import browser, make_user
from tests.support.clock import FrozenClock
from tests.support.elsewhere import Ended
from tests.support.installation import Installation, eventually, is_running, stall
from tests.support.synced_clinic import FOLLOWS_THE_CLOCK, SyncedClinic, same

RunElsewhere = Callable[..., Ended]
PARTS = ("created", "updated", "unchanged", "skipped", "failed")


def ask(clinic: SyncedClinic) -> int:
    return run_requests.request_run(clinic.connection_id, trigger="manual", actor=COMMAND_LINE).sync_id


def run_of(clinic: SyncedClinic, run_id: int) -> RunView:
    return run_history.get_run(clinic.connection_id, run_id)


def status_of(clinic: SyncedClinic, run_id: int) -> str:
    return run_of(clinic, run_id).status


def all_runs() -> list[SyncRun]:
    with reading() as session:
        return list(session.scalars(select(SyncRun).order_by(SyncRun.id)))


def let_the_lease_lapse() -> None:
    """As if the last sign of life of every run were a minute and more ago."""
    long_ago = clock.now() - lease.LEASE_LASTS - timedelta(seconds=5)
    with writing() as session:
        session.execute(update(SyncRun).where(SyncRun.status == "running").values(heartbeat_at=long_ago))


def is_right(clinic: SyncedClinic) -> bool:
    """Every card is what the practice says, and there is no other."""
    rows = [row for row in clinic.truth() if row.appointment_status != "cancelled"]
    every = clinic.all_cards()
    cards = [card for card in every if card.presence == "on_sheet"]
    return len(cards) == len(rows) > 0 and all(
        set(same(clinic.card_of(row, every), row)) <= FOLLOWS_THE_CLOCK for row in rows
    )


def children_of(pid: int) -> list[int]:
    shown = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, check=False
    )
    return [int(line) for line in shown.stdout.split()]


def could_write() -> bool:
    """True when nobody holds the write lock."""
    try:
        with best_effort_write():
            return True
    except OperationalError:
        return False


def hang(clinic: SyncedClinic) -> None:
    clinic.sandbox.faults.set("hang", vendor="gentu", endpoint="appointments")


def let_go(clinic: SyncedClinic) -> None:
    clinic.sandbox.faults.clear()
    clinic.sandbox.faults.release()


# J1: the week in tests/jobs/test_week.py; here, many schedulers at once.


def test_j1_four_schedulers_at_one_moment_take_a_slot_once(app: Flask, clinic: SyncedClinic) -> None:
    """Real processes: each finds the slot due, one takes it."""
    with writing() as session:
        session.execute(update(PMSConnection).values(next_sync_at=clock.now() - timedelta(hours=3)))
    children = []
    for _ in range(4):
        child = os.fork()
        if child == 0:
            try:
                with app.app_context():
                    run_requests.request_due_runs()
            finally:
                os._exit(0)
        children.append(child)
    for child in children:
        os.waitpid(child, 0)
    (run,) = all_runs()
    assert (run.trigger, run.actor) == ("schedule", SCHEDULE.name)


# J2: one writer, even when an old one wakes up.


def test_j2_a_stalled_worker_that_wakes_up_writes_nothing(clinic: SyncedClinic, worker: Installation) -> None:
    hang(clinic)
    stalled = ask(clinic)
    assert eventually(lambda: status_of(clinic, stalled) == "running")
    (horse,) = children_of(worker.process.pid)
    stall(horse, could_write)
    let_the_lease_lapse()
    assert lease.sweep_interrupted() == 1
    let_go(clinic)
    second = ask(clinic)
    execute.execute_run(second)
    assert status_of(clinic, second) == "success"
    version = clinic.sheet().version
    os.kill(horse, signal.SIGCONT)
    assert eventually(lambda: not is_running(horse))
    assert status_of(clinic, stalled) == "interrupted"
    assert clinic.sheet().version == version
    assert is_right(clinic)
    fences = [run.fence for run in all_runs() if run.fence is not None]
    assert fences == sorted(set(fences))


@pytest.mark.slow
def test_j2_a_child_that_is_stopped_is_ended_and_its_run_repeated(
    clinic: SyncedClinic, worker: Installation
) -> None:
    """Stopped at any moment, so perhaps with the write lock in its hand: nobody could write until it is gone."""
    hang(clinic)
    stopped = ask(clinic)
    assert eventually(lambda: status_of(clinic, stopped) == "running")
    (horse,) = children_of(worker.process.pid)
    os.kill(horse, signal.SIGSTOP)
    assert eventually(lambda: not is_running(horse), 120)
    assert could_write()
    let_go(clinic)
    let_the_lease_lapse()
    assert lease.sweep_interrupted() == 1
    assert status_of(clinic, stopped) == "interrupted"
    again = ask(clinic)
    assert eventually(lambda: status_of(clinic, again) == "success", 120)
    assert is_right(clinic)


# J3: kill -9 at any point, and the next run ends in the same state.


@pytest.mark.slow
@pytest.mark.parametrize("point", failpoints.NAMES)
def test_j3_a_run_killed_anywhere_is_made_good_by_the_next(
    clinic: SyncedClinic, run_elsewhere: RunElsewhere, point: str
) -> None:
    if "vanished" in point:
        clinic.sync()
        row = next(row for row in clinic.truth() if row.appointment_status == "booked")
        clinic.sandbox.clinic.delete(row.appointment_id)
    if "reference" in point:
        with writing() as session:
            session.execute(update(PMSConnection).values(reference_read_at=None))
    killed = ask(clinic)
    done = run_elsewhere(killed, PMS_FAILPOINT=point)
    if point in ("after_creates", "after_updates", "after_presence") and done.returncode == 0:
        pytest.fail(f"{point} was never passed")
    assert done.returncode == -signal.SIGKILL, done.complaints
    assert status_of(clinic, killed) in ("running", "success")
    let_the_lease_lapse()
    lease.sweep_interrupted()
    assert status_of(clinic, killed) == ("success" if point == "after_finish" else "interrupted")
    again = clinic.sync()
    assert again.status == "success"
    assert is_right(clinic)


# J4: what the queue may never do for itself is done within two minutes.


def test_j4_the_workers_settings_are_those_that_recover_in_time() -> None:
    assert (worker_module.WORKER_TTL_S, worker_module.MAINTENANCE_EVERY_S) == (30, 30)
    assert worker_module.LOOK_AFTER_JOB_EVERY_S == 10
    longest_s = lease.LEASE_LASTS.total_seconds() + 15 + 10 + 15  # lease, sweep, ring again, run
    assert longest_s <= 120


def test_j4_a_run_whose_job_was_lost_between_queue_and_worker_is_rung_anew(
    app: Flask,
    clinic: SyncedClinic,
    redis_server: EmbeddedRedis,
    settings: Settings,
    frozen_clock: FrozenClock,
) -> None:
    """Popped, and then the worker dies: the id stays taken in the queue, and nobody holds the job."""
    run_id = ask(clinic)
    queue = worker_connection(settings.queue_url)
    assert queue.lpop("rq:queue:pmsapp") == f"run-{run_id}".encode()
    frozen_clock.advance(seconds=61)
    scheduler = Scheduler(app, [])
    scheduler.tick()
    assert scheduler.wait_for_own_run(30)  # and as nobody listens, the scheduler stands in
    assert status_of(clinic, run_id) == "success"


# J5: the queue server flushed, full, stalled, killed, gone.


@contextmanager
def flushed(server: EmbeddedRedis, client: Redis) -> Iterator[None]:
    client.flushall()
    yield


@contextmanager
def full(server: EmbeddedRedis, client: Redis) -> Iterator[None]:
    client.config_set("maxmemory", "1")
    yield
    client.config_set("maxmemory", "64mb")


@contextmanager
def stalled(server: EmbeddedRedis, client: Redis) -> Iterator[None]:
    assert server.pid is not None
    os.kill(server.pid, signal.SIGSTOP)
    yield
    os.kill(server.pid, signal.SIGCONT)


@contextmanager
def killed(server: EmbeddedRedis, client: Redis) -> Iterator[None]:
    assert server.pid is not None
    os.kill(server.pid, signal.SIGKILL)
    assert eventually(lambda: not server.is_alive())
    yield


@contextmanager
def socket_gone(server: EmbeddedRedis, client: Redis) -> Iterator[None]:
    server.socket.rename(server.socket.with_suffix(".away"))
    yield
    server.socket.with_suffix(".away").rename(server.socket)


@pytest.mark.parametrize("how", [flushed, full, stalled, killed, socket_gone], ids=lambda how: how.__name__)
def test_j5_a_queue_server_that_fails_costs_no_page_and_no_run(
    app: Flask,
    clinic: SyncedClinic,
    redis_server: EmbeddedRedis,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    how: Any,
) -> None:
    """Sync now is pressed; the page comes at once, and the run is done once, by whoever is there."""
    client = worker_connection(settings.queue_url)
    desk = browser(app, make_user("reception"))
    desk.get("/")
    with how(redis_server, client):
        assert cost_of_ringing(expect_heard=how is flushed) < 0.3
        assert desk.get("/").status_code == 200
        assert desk.post("/sync").status_code == 303
        (run,) = all_runs()
        moved_on(monkeypatch, 11)
        scheduler = Scheduler(app, [])
        scheduler.tick()
        if how is flushed:  # enqueued again; a worker takes it
            assert client.lpop("rq:queue:pmsapp") == b"run-10000" or client.llen("rq:queue:pmsapp")
            execute.execute_run(run.id)
        assert scheduler.wait_for_own_run(60)
    assert status_of(clinic, run.id) == "success"
    assert is_right(clinic)
    execute.execute_run(run.id)  # the job that was not lost after all
    assert len(all_runs()) == 1


def cost_of_ringing(*, expect_heard: bool) -> float:
    """What the failing server costs whoever asks for a run, in seconds: the best of some tries, as a busy machine
    makes each of them longer and none shorter."""
    costs, heard = [], []
    for run_id in range(10_000, 10_005):
        begun = time.perf_counter()
        heard.append(run_queue.enqueue(run_id))
        costs.append(time.perf_counter() - begun)
    assert any(heard) is expect_heard
    return min(costs)


def moved_on(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    """From now on, it is a little later than it was."""
    before = clock.now
    monkeypatch.setattr(clock, "now", lambda: before() + timedelta(seconds=seconds))


# J6: a stop loses nothing.


@pytest.mark.slow
@pytest.mark.parametrize("whom", ["worker", "worker and child"])
def test_j6_a_stop_hands_a_run_that_cannot_end_to_the_next_process(
    clinic: SyncedClinic, worker: Installation, whom: str
) -> None:
    """As systemd does it by default, and as it should: the vendor hangs meanwhile."""
    hang(clinic)
    run_id = ask(clinic)
    assert eventually(lambda: status_of(clinic, run_id) == "running")
    if whom == "worker and child":
        for child in children_of(worker.process.pid):
            os.kill(child, signal.SIGTERM)
    worker.process.send_signal(signal.SIGTERM)
    assert (
        own_seconds_until(lambda: status_of(clinic, run_id) == "interrupted", 20, worker.process.pid)
        is not None
    )
    with reading() as session:
        planned = session.execute(select(PMSConnection.next_sync_at, PMSConnection.next_sync_reason)).one()
    assert planned.next_sync_at <= clock.now()
    assert planned.next_sync_reason == "repeating the update that stopped half way"
    let_go(clinic)
    assert worker.ended() == 0
    (request,) = run_requests.request_due_runs()
    execute.execute_run(request.sync_id)
    assert status_of(clinic, request.sync_id) == "success"
    assert is_right(clinic)


@pytest.mark.slow
def test_j6_two_askings_end_the_run_at_once_and_the_next_process_repeats_it(
    clinic: SyncedClinic, worker: Installation, redis_server: EmbeddedRedis, settings: Settings
) -> None:
    """The queue believes that the job is still being done; the database knows better."""
    hang(clinic)
    run_id = ask(clinic)
    assert eventually(lambda: status_of(clinic, run_id) == "running")
    (horse,) = children_of(worker.process.pid)
    asked = 0

    def has_ended() -> bool:
        nonlocal asked
        if asked < 2 or (is_running(horse) and asked < 10):
            worker.process.send_signal(signal.SIGTERM)
            asked += 1
            time.sleep(1.1)  # RQ takes two askings within a second for one
        return worker.process.poll() is not None

    assert eventually(has_ended)
    assert eventually(lambda: not is_running(horse))
    let_go(clinic)
    let_the_lease_lapse()
    if status_of(clinic, run_id) == "running":
        assert lease.sweep_interrupted() == 1
    assert status_of(clinic, run_id) == "interrupted"
    (request,) = run_requests.request_due_runs()
    execute.execute_run(request.sync_id)
    assert status_of(clinic, request.sync_id) == "success"
    assert is_right(clinic)


def test_j6_a_scheduler_that_performs_a_run_itself_hands_it_back_too(
    app: Flask, clinic: SyncedClinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pmsapp.jobs import scheduler as module

    monkeypatch.setattr(module, "STOP_RUN_AFTER_S", 0.2)
    hang(clinic)
    run_id = ask(clinic)
    scheduler = Scheduler(app, [])
    scheduler.tick()
    assert eventually(lambda: status_of(clinic, run_id) == "running")
    scheduler.stop()
    scheduler.run()
    assert eventually(lambda: status_of(clinic, run_id) == "interrupted")
    let_go(clinic)
    assert scheduler.wait_for_own_run(60)


# J7: every run has a row that says how it went.


def test_j7_every_run_says_when_it_began_and_ended_what_it_did_and_why_not(
    app: Flask, clinic: SyncedClinic, frozen_clock: FrozenClock
) -> None:
    good = clinic.sync()
    clinic.sandbox.faults.set("server_error", vendor="gentu", endpoint="appointments", status=503)
    bad = clinic.sync()
    clinic.sandbox.faults.clear()
    queued = ask(clinic)
    run_history.cancel_run(clinic.connection_id, queued, COMMAND_LINE)
    lost = ask(clinic)
    assert lease.claim(lost, clock.now()) is not None
    frozen_clock.advance(minutes=2)
    lease.sweep_interrupted()
    ended = [run_of(clinic, run_id) for run_id in (good.id, bad.id, queued, lost)]
    assert [run.status for run in ended] == ["success", "failed", "cancelled", "interrupted"]
    assert [run.error[0] if run.error else None for run in ended] == [
        None,
        "PMS-DOWN",
        "RUN-CANCELLED",
        "RUN-INTERRUPTED",
    ]
    for run in ended:
        assert run.completed_at is not None
        assert run.started_at is not None or run.status == "cancelled"
        assert run.counts["fetched"] == sum(run.counts[name] for name in PARTS)
        assert run.trigger == "manual"


# J8: what hangs dies.


def test_j8_a_vendor_that_never_answers_does_not_hold_a_run_beyond_its_ceiling(
    clinic: SyncedClinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    hang(clinic)
    begun = time.monotonic()
    with monkeypatch.context() as short:
        short.setattr(execute, "RUN_CEILING_S", 2.0)
        run = clinic.sync()
    assert time.monotonic() - begun < 30
    let_go(clinic)
    assert (run.status, run.error and run.error[0]) == ("failed", "RUN-DEADLINE")
    assert clinic.sync().status == "success"


def test_j8_the_queue_kills_what_outlives_even_that() -> None:
    """The run's own ceiling comes first, the job's time-out after it, and both are bounded."""
    assert lease.RUN_CEILING_S < run_queue.JOB_TIMEOUT_S <= lease.RUN_CEILING_S + 120


# J9: a clock that steps.


@pytest.mark.parametrize("hours", [1, -1])
def test_j9_a_clock_that_steps_in_the_middle_of_a_run_breaks_nothing(
    app: Flask, clinic: SyncedClinic, monkeypatch: pytest.MonkeyPatch, hours: int
) -> None:
    steps = {"by": timedelta()}
    before = clock.now
    monkeypatch.setattr(clock, "now", lambda: before() + steps["by"])
    hang(clinic)
    run_id = ask(clinic)
    scheduler = Scheduler(app, [])
    scheduler.tick()
    assert eventually(lambda: clinic.sandbox.requests.count(vendor="gentu", endpoint="appointments") > 0)
    steps["by"] = timedelta(hours=hours)
    let_go(clinic)
    assert scheduler.wait_for_own_run(60)
    assert status_of(clinic, run_id) in ("success", "interrupted")
    run_requests.request_due_runs()  # plans anew what the step put out of reach
    with reading() as session:
        planned = session.scalar(select(PMSConnection.next_sync_at))
    assert planned is not None
    assert planned - clock.now() <= timedelta(minutes=17)
    again = clinic.sync()
    assert again.status == "success"
    assert is_right(clinic)
    assert len([run for run in all_runs() if run.status == "running"]) == 0


def test_the_failpoints_of_the_source_are_all_tried() -> None:
    package = Path(failpoints.__file__).parents[2]
    used = {
        name
        for path in package.rglob("*.py")
        for name in re.findall(r'failpoint\("(\w+)"\)', path.read_text(encoding="utf-8"))
    }
    assert used == {*failpoints.NAMES, *failpoints.UPKEEP_NAMES}
