"""The queue of jobs that wake a worker: "run number 7 is waiting".

The database is the truth. The scheduler enqueues a lost job again, a job enqueued twice is in the queue once, and a
job for a run that is over does nothing. So enqueueing never raises and never takes long.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import current_app
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry
from rq import Queue
from rq import Retry as JobRetry
from rq.exceptions import DuplicateJobError, NoSuchJobError
from rq.job import Job, JobStatus
from rq.registry import FailedJobRegistry
from rq.serializers import JSONSerializer

from pmsapp.extensions import current_settings
from pmsapp.observability import logs

QUEUE_NAME = "pmsapp"
RUN_SYNC = "pmsapp.jobs.tasks.run_sync"
JOB_TIMEOUT_S = 11 * 60  # above the ten minutes a run gives itself
FAILURE_KEPT = timedelta(days=7)
ANSWER_WITHIN_S = 0.2  # of one command; a web request waits for it at most a little longer

_DEAD = frozenset({JobStatus.FAILED, JobStatus.STOPPED, JobStatus.CANCELED})
_log = logs.get(__name__)


@dataclass(frozen=True, slots=True)
class FailedJob:
    """A job that ended with an error or lost its process, retries included. What it was about is in the run."""

    run_id: int
    failed_at: datetime


@dataclass(frozen=True, slots=True)
class QueueState:
    """The queue server as it stands. `waiting`: jobs that no worker has taken yet."""

    answers: bool
    waiting: int = 0
    failed: tuple[FailedJob, ...] = ()


def get_state() -> QueueState:
    """How the queue stands; when the server is away that is all there is to say. Never raises, never takes long."""
    try:
        queue = _queue()
        key = _failed_registry().key
        failed: Any = client().zrange(key, 0, -1, withscores=True)
        return QueueState(True, queue.count, tuple(_failed_job(job_id, score) for job_id, score in failed))
    except (RedisError, OSError):
        return QueueState(False)


def enqueue(run_id: int, *, again: bool = False) -> bool:
    """Wake a worker for a waiting run. False when the queue server is away; the scheduler then sees to the run.

    `again`: no worker took the job enqueued before, so that one is removed first.
    """
    job_id = f"run-{run_id}"
    try:
        queue = _queue()
        if again:
            _forget(queue, job_id)
        try:
            _put(queue, run_id, job_id)
        except DuplicateJobError:
            if _is_dead(queue, job_id):
                _forget(queue, job_id)
                _put(queue, run_id, job_id)
    except DuplicateJobError:
        return True
    except (RedisError, OSError) as error:
        _log.warning("the queue server is away", run_id=run_id, error=type(error).__name__)
        return False
    return True


def _put(queue: Queue, run_id: int, job_id: str) -> None:
    queue.enqueue_call(
        RUN_SYNC,
        args=[run_id],
        job_id=job_id,
        unique=True,
        description=job_id,
        timeout=JOB_TIMEOUT_S,
        result_ttl=0,
        failure_ttl=int(FAILURE_KEPT.total_seconds()),
        retry=JobRetry(max=2),
    )


def is_away() -> bool:
    """True when no queue server answers."""
    try:
        return not client().ping()
    except (RedisError, OSError):
        return True


def client() -> Redis:
    """This process's connection to the queue server: short time-outs, no second try."""
    found: Redis | None = current_app.extensions.get("pmsapp_queue")
    if found is None:
        found = Redis.from_url(
            current_settings().queue_url,
            socket_timeout=ANSWER_WITHIN_S,
            socket_connect_timeout=ANSWER_WITHIN_S,
            retry=Retry(NoBackoff(), 0),
        )
        current_app.extensions["pmsapp_queue"] = found
    return found


def _queue() -> Queue:
    return Queue(QUEUE_NAME, connection=client(), serializer=JSONSerializer)


def _is_dead(queue: Queue, job_id: str) -> bool:
    """True when the job under this id will never be done by anybody."""
    try:
        return Job.fetch(job_id, connection=queue.connection, serializer=JSONSerializer).get_status() in _DEAD
    except NoSuchJobError:
        return True


def _forget(queue: Queue, job_id: str) -> None:
    with queue.connection.pipeline() as pipe:
        pipe.delete(Job.key_for(job_id))
        pipe.lrem(queue.key, 0, job_id)
        pipe.zrem(_failed_registry().key, job_id)
        pipe.execute()


def _failed_registry() -> FailedJobRegistry:
    return FailedJobRegistry(QUEUE_NAME, connection=client(), serializer=JSONSerializer)


def _failed_job(job_id: bytes, expires_s: float) -> FailedJob:
    number = job_id.decode("ascii", "replace").rpartition("-")[2]
    failed_at = datetime.fromtimestamp(expires_s, tz=UTC) - FAILURE_KEPT
    return FailedJob(int(number) if number.isdecimal() else 0, failed_at)
