"""The queue: filled in a moment, unique, refusing forged jobs, and never needed for the truth."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask
from redis import Redis
from rq import Queue
from rq.serializers import DefaultSerializer, JSONSerializer

from pmsapp import clock
from pmsapp.jobs.queue import PermittedJob, is_permitted, open_queue, worker_connection
from pmsapp.jobs.worker import SyncWorker
from pmsapp.services.base import audit
from pmsapp.services.monitoring import process_heartbeats
from pmsapp.services.runs import queue as run_queue
from pmsapp.settings import Settings
from pmsapp.supervisor.redis import EmbeddedRedis

pytestmark = pytest.mark.usefixtures("app")


def _connection(settings: Settings) -> Redis:
    return worker_connection(settings.queue_url)


def _work(app: Flask, settings: Settings) -> None:
    SyncWorker(app, open_queue(_connection(settings))).work(burst=True, logging_level="WARNING")


def _forge(settings: Settings, marker: Path, **job: object) -> str:
    """Put a job into Redis as somebody else would, with RQ's own classes."""
    queue = Queue(run_queue.QUEUE_NAME, connection=_connection(settings), serializer=JSONSerializer)
    made = queue.enqueue_call(**{"func": "os.system", "args": [f"touch {marker}"], **job})  # type: ignore[arg-type]
    return str(made.id)


def test_ringing_twice_leaves_one_job(redis_server: EmbeddedRedis, settings: Settings) -> None:
    assert run_queue.enqueue(7) is True
    assert run_queue.enqueue(7) is True
    assert open_queue(_connection(settings)).job_ids == ["run-7"]


def test_ringing_again_replaces_a_bell_nobody_heard(redis_server: EmbeddedRedis, settings: Settings) -> None:
    connection = _connection(settings)
    run_queue.enqueue(7)
    connection.delete("rq:queue:pmsapp")  # popped, and then its worker died
    assert run_queue.enqueue(7) is True
    assert open_queue(connection).job_ids == []
    assert run_queue.enqueue(7, again=True) is True
    assert open_queue(connection).job_ids == ["run-7"]


def test_a_job_holds_nothing_but_the_run_number(redis_server: EmbeddedRedis, settings: Settings) -> None:
    run_queue.enqueue(7)
    job = open_queue(_connection(settings)).jobs[0]
    assert json.loads(job.data) == [run_queue.RUN_SYNC, None, [7], {}]
    assert job.description == "run-7"
    assert is_permitted(job)


def test_without_a_queue_server_the_bell_says_so_at_once() -> None:
    begun = time.perf_counter()
    assert run_queue.enqueue(7) is False
    assert time.perf_counter() - begun < 0.3


def test_a_stalled_queue_server_does_not_hold_up_a_request(redis_server: EmbeddedRedis) -> None:
    run_queue.enqueue(1)
    assert redis_server.pid is not None
    os.kill(redis_server.pid, signal.SIGSTOP)
    try:
        begun = time.perf_counter()
        assert run_queue.enqueue(7) is False
        assert time.perf_counter() - begun < 0.5
    finally:
        os.kill(redis_server.pid, signal.SIGCONT)


def test_a_full_queue_server_is_as_good_as_none(redis_server: EmbeddedRedis, settings: Settings) -> None:
    _connection(settings).config_set("maxmemory", "1")
    assert run_queue.enqueue(7) is False


def test_a_forged_job_is_refused_and_noted(
    app: Flask, redis_server: EmbeddedRedis, settings: Settings, tmp_path: Path
) -> None:
    marker = tmp_path / "ran"
    job_id = _forge(settings, marker)
    _work(app, settings)
    assert not marker.exists()
    noted = audit.list_events()[0]
    assert (noted.action, noted.detail) == ("job.refused", {"job_id": job_id})


def test_a_forged_callback_is_never_called(
    app: Flask, redis_server: EmbeddedRedis, settings: Settings, tmp_path: Path
) -> None:
    marker = tmp_path / "ran"
    job_id = _forge(settings, marker, func="builtins.print", args=["x"])
    connection = _connection(settings)
    connection.hset(f"rq:job:{job_id}", "failure_callback_name", f"{__name__}.leave_a_mark")
    connection.hset(f"rq:job:{job_id}", "success_callback_name", f"{__name__}.leave_a_mark")
    os.environ["MARK"] = str(marker)
    try:
        _work(app, settings)
    finally:
        del os.environ["MARK"]
    assert not marker.exists()


def leave_a_mark(*args: object) -> None:
    """What a forged callback would do."""
    Path(os.environ["MARK"]).touch()


@pytest.mark.parametrize(
    "job",
    [
        lambda q: q.enqueue_call(run_queue.RUN_SYNC, args=["7"]),
        lambda q: q.enqueue_call(run_queue.RUN_SYNC, args=[7, 8]),
        lambda q: q.enqueue_call(run_queue.RUN_SYNC, args=[True]),
        lambda q: q.enqueue_call(run_queue.RUN_SYNC, kwargs={"run_id": 7}),
        lambda q: q.enqueue_call("pmsapp.jobs.tasks.os.system", args=[7]),
    ],
)
def test_only_a_listed_function_with_one_number_is_permitted(
    redis_server: EmbeddedRedis, settings: Settings, job: Callable[[Queue], object]
) -> None:
    queue = Queue(run_queue.QUEUE_NAME, connection=_connection(settings), serializer=JSONSerializer)
    job(queue)
    assert not is_permitted(open_queue(_connection(settings)).jobs[0])


def test_a_pickled_job_is_not_even_read(
    app: Flask, redis_server: EmbeddedRedis, settings: Settings, tmp_path: Path
) -> None:
    queue = Queue(run_queue.QUEUE_NAME, connection=_connection(settings), serializer=DefaultSerializer)
    queue.enqueue_call("os.system", args=[f"touch {tmp_path / 'ran'}"])
    _work(app, settings)
    assert not (tmp_path / "ran").exists()


def test_a_failed_job_leaves_no_traceback_in_redis(
    app: Flask, redis_server: EmbeddedRedis, settings: Settings, tmp_path: Path
) -> None:
    _forge(settings, tmp_path / "ran")
    _work(app, settings)
    connection = _connection(settings)
    everything = b""
    for key in connection.scan_iter():
        everything += connection.dump(key) or b""
    assert b"Traceback" not in everything
    assert b"ForgedJobError" not in everything


def test_a_worker_shows_its_sign_of_life(app: Flask, redis_server: EmbeddedRedis, settings: Settings) -> None:
    _work(app, settings)
    found = process_heartbeats.get_beat(process_heartbeats.WORKER)
    assert found is not None
    assert (found.pid, found.is_alive) == (os.getpid(), True)


def test_the_job_class_of_the_queue_is_the_permitted_one(
    redis_server: EmbeddedRedis, settings: Settings
) -> None:
    run_queue.enqueue(3)
    assert type(open_queue(_connection(settings)).jobs[0]) is PermittedJob


def test_a_failed_job_is_kept_for_people_to_see_and_keeps_no_bell_from_ringing(
    app: Flask, redis_server: EmbeddedRedis, settings: Settings, tmp_path: Path
) -> None:
    kept_s = run_queue.FAILURE_KEPT.total_seconds()
    _forge(
        settings,
        tmp_path / "ran",
        func=run_queue.RUN_SYNC,
        args=["7"],
        job_id="run-7",
        failure_ttl=int(kept_s),
    )
    _work(app, settings)
    (failed,) = run_queue.get_state().failed
    assert failed.run_id == 7
    assert abs((failed.failed_at - clock.now()).total_seconds()) < 60
    assert run_queue.enqueue(7) is True
    assert run_queue.get_state() == run_queue.QueueState(answers=True, waiting=1)


def test_looking_at_a_queue_server_that_is_away_says_so_at_once() -> None:
    begun = time.perf_counter()
    assert run_queue.get_state() == run_queue.QueueState(answers=False)
    assert time.perf_counter() - begun < 0.3
