"""The bell that wakes a worker: "run number 7 is waiting".

The database is the truth. A bell that is lost is rung again by the scheduler, one rung twice is heard once, and
one rung for a run that is over does nothing. So ringing never raises and never takes long.
"""

from __future__ import annotations

from flask import current_app
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry
from rq import Queue
from rq import Retry as JobRetry
from rq.exceptions import DuplicateJobError
from rq.job import Job
from rq.serializers import JSONSerializer

from pmsapp import logs
from pmsapp.extensions import current_settings

QUEUE_NAME = "pmsapp"
RUN_SYNC = "pmsapp.jobs.tasks.run_sync"
JOB_TIMEOUT_S = 11 * 60  # above the ten minutes a run gives itself
FAILURE_KEPT_S = 60
ANSWER_WITHIN_S = 0.2  # of one command; a web request waits for the bell at most a little longer

_log = logs.get(__name__)


def ring(run_id: int, *, again: bool = False) -> bool:
    """Wake a worker for a waiting run. False when the queue server is away; the scheduler then sees to the run.

    `again`: the bell was rung before and nobody came, so a stuck earlier one is taken away first.
    """
    job_id = f"run-{run_id}"
    try:
        queue = _queue()
        if again:
            _forget(queue.connection, job_id)
        queue.enqueue_call(
            RUN_SYNC,
            args=[run_id],
            job_id=job_id,
            unique=True,
            description=job_id,
            timeout=JOB_TIMEOUT_S,
            result_ttl=0,
            failure_ttl=FAILURE_KEPT_S,
            retry=JobRetry(max=2),
        )
    except DuplicateJobError:
        return True
    except (RedisError, OSError) as error:
        _log.warning("the queue server is away", run_id=run_id, error=type(error).__name__)
        return False
    return True


def is_away() -> bool:
    """True when no queue server answers."""
    try:
        return not client().ping()
    except (RedisError, OSError):
        return True


def client() -> Redis:
    """This process's connection to the queue server: short time-outs, no second try."""
    found: Redis | None = current_app.extensions.get("pmsapp_bell")
    if found is None:
        found = Redis.from_url(
            current_settings().queue_url,
            socket_timeout=ANSWER_WITHIN_S,
            socket_connect_timeout=ANSWER_WITHIN_S,
            retry=Retry(NoBackoff(), 0),
        )
        current_app.extensions["pmsapp_bell"] = found
    return found


def _queue() -> Queue:
    return Queue(QUEUE_NAME, connection=client(), serializer=JSONSerializer)


def _forget(connection: Redis, job_id: str) -> None:
    key = Job.key_for(job_id)
    queue_key = f"{Queue.redis_queue_namespace_prefix}{QUEUE_NAME}"
    with connection.pipeline() as pipe:
        pipe.delete(key)
        pipe.lrem(queue_key, 0, job_id)
        pipe.execute()
