"""The worker process: takes jobs from the queue and performs their runs, each in a forked child that dies with it.

Asked to end, it takes no further job; the run in progress may go on for some seconds and is then marked interrupted,
so that the next process repeats it at once. Systemd may ask parent and child alike.

The child proves by a sign of life that it is not stopped. One that is may hold the database's write lock, so it is
ended; its run is interrupted and repeated like that of any child that died.

The parent keeps no database connection open, so none ever crosses a fork. Nothing that could hold patient data
reaches a log or Redis: of a failed job only the kind of its error is kept.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from types import FrameType
from typing import Any

from flask import Flask
from redis import Redis
from redis.exceptions import RedisError
from rq import Queue, Worker
from rq.executions import Execution
from rq.job import Job
from rq.serializers import JSONSerializer
from sqlalchemy.exc import SQLAlchemyError

from pmsapp import clock
from pmsapp.domain.actor import SYSTEM
from pmsapp.extensions import current_settings, db
from pmsapp.jobs import tasks
from pmsapp.jobs.queue import ForgedJobError, PermittedJob, is_permitted, open_queue, worker_connection
from pmsapp.observability import logs, sentry
from pmsapp.process import liveness
from pmsapp.process.liveness import HeartbeatPipe
from pmsapp.process.parent_death import dies_with
from pmsapp.services.base import audit
from pmsapp.services.base.transaction import writing
from pmsapp.services.monitoring import process_heartbeats
from pmsapp.services.sync import warm_up

WORKER_TTL_S = 30
MAINTENANCE_EVERY_S = 30
LOOK_AFTER_JOB_EVERY_S = 10
BEAT_EVERY_S = 10.0
QUEUE_LOOK_EVERY_S = 1.0
CHILD_SIGNS_EVERY_S = 2.0
CHILD_SILENT_WITHIN_S = 25.0
STOP_RUN_AFTER_S = 8.0  # how long a stop lets the run in progress go on

_log = logs.get(__name__)


class SyncWorker(Worker):
    """One worker on the one queue, made for the app whose context its jobs run in."""

    log_result_lifespan = False
    max_connection_wait_time = 10.0  # a queue server that comes back is noticed soon

    def __init__(self, app: Flask, queue: Queue) -> None:
        super().__init__(
            [queue],
            connection=queue.connection,
            job_class=PermittedJob,
            serializer=JSONSerializer,
            worker_ttl=WORKER_TTL_S,
            maintenance_interval=MAINTENANCE_EVERY_S,
            job_monitoring_interval=LOOK_AFTER_JOB_EVERY_S,
            log_job_description=False,
        )
        self._app = app
        self._next_beat_s = 0.0
        self._line: HeartbeatPipe | None = None

    def heartbeat(self, *args: Any, **kwargs: Any) -> None:
        """RQ's own sign of life in Redis, and ours to the supervisor and in the database."""
        if not self.is_horse:
            liveness.beat()
        super().heartbeat(*args, **kwargs)
        if not self.is_horse and clock.monotonic_s() >= self._next_beat_s:
            self._next_beat_s = clock.monotonic_s() + BEAT_EVERY_S
            self._beat()

    def execute_job(self, job: Job, queue: Queue) -> None:
        """Perform the job in a forked child and listen for its signs of life."""
        self._line = line = HeartbeatPipe()
        try:
            super().execute_job(job, queue)
        finally:
            self._line = None
            line.close_child_end()
            line.close()

    def maintain_heartbeats(self, job: Job, execution: Execution) -> None:
        """While the child is at work: end it when it is stopped, else say that it goes on."""
        if self._line is not None and self._line.silent_s() > CHILD_SILENT_WITHIN_S:
            _log.error("a job gave no sign of life and was ended", job_id=job.id)
            self.kill_horse()
        super().maintain_heartbeats(job, execution)

    def main_work_horse(self, job: Job, queue: Queue) -> None:
        """In the forked child: die with the worker, then perform the job."""
        dies_with(int(self.pid or 0), signal.SIGKILL)()
        if self._line is not None:
            liveness.beat_always(self._line.child_end, CHILD_SIGNS_EVERY_S)
        super().main_work_horse(job, queue)

    def setup_work_horse_signals(self) -> None:
        """In the forked child: SIGTERM asks the run to end, it does not kill it."""
        super().setup_work_horse_signals()  # type: ignore[no-untyped-call]
        signal.signal(signal.SIGTERM, _end_soon)

    def handle_warm_shutdown_request(self) -> None:
        """Asked to end: pass it on to the child that performs a job."""
        if self.horse_pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.horse_pid, signal.SIGTERM)

    def perform_job(self, job: Job, queue: Queue, execution: Execution) -> bool:
        """Perform the job inside the app's context."""
        with self._app.app_context():
            try:
                return bool(super().perform_job(job, queue, execution))
            finally:
                db.engine.dispose()
                sentry.flush()  # the child ends without the usual goodbyes

    def handle_exception(self, job: Job, *exc_info: Any) -> None:
        """Log the kind and place of the error, never its arguments."""
        if isinstance(exc_info[1], ForgedJobError):
            self._report_forgery(job)
            return
        _log.error("a job failed", job_id=job.id, exc_info=exc_info)

    def handle_job_failure(self, job: Job, queue: Queue, *args: Any, **kwargs: Any) -> None:
        """Keep no traceback in Redis."""
        kwargs["exc_string"] = "failed; see the log"
        if not is_permitted(job):
            job.retries_left = 0
        super().handle_job_failure(job, queue, *args, **kwargs)

    def _beat(self) -> None:
        with self._app.app_context():
            try:
                process_heartbeats.beat(process_heartbeats.WORKER)
            except Exception as error:
                _log.warning("the worker's sign of life was not stored", error=type(error).__name__)
            finally:
                db.engine.dispose()
        liveness.beat()

    def _report_forgery(self, job: Job) -> None:
        _log.error("a forged job was refused", job_id=job.id)
        with contextlib.suppress(Exception), writing() as session:
            audit.record(session, SYSTEM, "job.refused", None, {"job_id": str(job.id)[:100]})


def _end_soon(number: int, frame: FrameType | None) -> None:
    """A signal handler: let the run go on for a little while, then leave it to the next process."""
    timer = threading.Timer(STOP_RUN_AFTER_S, tasks.PROCESS_ENDS.set)
    timer.daemon = True
    timer.start()


def run(app: Flask) -> None:
    """Work until SIGTERM or Ctrl-C, which lets the run in progress end first."""
    with app.app_context():
        connection = worker_connection(current_settings().queue_url)
        _warm_up()
    _wait_for(connection)
    worker = SyncWorker(app, open_queue(connection))
    _log.info("worker started", pid=os.getpid())
    worker.work(logging_level="WARNING")
    _log.info("worker stopped", pid=os.getpid())


def _warm_up() -> None:
    """Load beforehand what every run needs. A database that is away now is met by the runs themselves."""
    try:
        warm_up.warm_up()
    except SQLAlchemyError as error:
        _log.warning("the worker starts without the clinic's calendar", error=type(error).__name__)
    finally:
        db.engine.dispose()


def _wait_for(connection: Redis) -> None:
    """Wait until the queue server answers."""
    told = False
    while True:
        liveness.beat()
        try:
            connection.ping()
            break
        except (RedisError, OSError) as error:
            if not told:
                _log.warning("the worker waits for the queue server", error=type(error).__name__)
                told = True
            time.sleep(QUEUE_LOOK_EVERY_S)
    connection.connection_pool.disconnect()  # what is opened from here on has the time-outs RQ needs
