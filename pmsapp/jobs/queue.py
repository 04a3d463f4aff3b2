"""What a worker accepts from the queue: our own functions with a number, and nothing else.

Whoever can write to Redis must not be able to run code here. So data are JSON, never pickle, a job's function must
be on the list below, and what RQ would call besides (callbacks, web hooks) is never called.
"""

from __future__ import annotations

from typing import Any

from redis import Redis
from redis.backoff import ExponentialBackoff
from redis.exceptions import ConnectionError as Unreachable
from redis.retry import Retry
from rq import Queue
from rq.exceptions import DeserializationError
from rq.job import Job
from rq.serializers import JSONSerializer

from pmsapp.services.runs.queue import QUEUE_NAME, RUN_SYNC

PERMITTED = frozenset({RUN_SYNC})
_ANSWER_WITHIN_S = 5.0


class ForgedJobError(Exception):
    """A job that pmsapp never rang for. Holds nothing of the job."""


class PermittedJob(Job):
    """A job that performs only what is permitted."""

    def perform(self) -> Any:
        """Run the function. Raises ForgedJobError unless it is a permitted one, called with one whole number."""
        if not is_permitted(self):
            raise ForgedJobError("this job was not made by pmsapp")
        return super().perform()

    @property
    def success_callback(self) -> None:
        return None

    @property
    def failure_callback(self) -> None:
        return None

    @property
    def stopped_callback(self) -> None:
        return None

    def send_webhooks(self, *args: Any, **kwargs: Any) -> None:
        """Never: an address in a job is not ours."""


def is_permitted(job: Job) -> bool:
    """True for a job pmsapp may have enqueued: a function of the list, called with one whole number."""
    try:
        args = job.args
        return (
            job.func_name in PERMITTED
            and job.instance is None
            and not job.kwargs
            and isinstance(args, list)
            and len(args) == 1
            and type(args[0]) is int
        )
    except DeserializationError:
        return False


def worker_connection(url: str) -> Redis:
    """A patient connection for the worker: it waits for a server that is away. One that takes the question and does
    not answer is not asked again here, so that the worker can go on giving signs of life."""
    return Redis.from_url(
        url,
        socket_timeout=_ANSWER_WITHIN_S,
        socket_connect_timeout=_ANSWER_WITHIN_S,
        retry=Retry(ExponentialBackoff(cap=1.0, base=0.1), 3, supported_errors=(Unreachable,)),
        health_check_interval=30,
    )


def open_queue(connection: Redis) -> Queue:
    """The one queue."""
    return Queue(QUEUE_NAME, connection=connection, serializer=JSONSerializer, job_class=PermittedJob)
