"""The scheduler process: a small loop that looks into the database and sees to what is due.

It needs neither a queue server nor a worker: a waiting run that no worker takes it performs itself, one at a
time, beside its loop. Periodic tasks and what crosses the network go on beside the loop too, so nothing holds up the
next tick, and the supervisor hears at each step that the loop goes on. Two
schedulers change nothing: what is due is taken inside a transaction. An error ends its own entry of one tick and
nothing else.
"""

from __future__ import annotations

import math
import os
import signal
import threading
from collections.abc import Callable, Sequence
from types import FrameType

from flask import Flask

from pmsapp import clock
from pmsapp.domain.ages import age
from pmsapp.jobs import downtime
from pmsapp.observability import logs
from pmsapp.process import liveness
from pmsapp.services.monitoring import alerts, heartbeat_ping, periodic_tasks, process_heartbeats
from pmsapp.services.monitoring.periodic_tasks import TASKS, PeriodicTask
from pmsapp.services.runs import lease, waiting
from pmsapp.services.runs import queue as run_queue
from pmsapp.services.runs import requests as run_requests
from pmsapp.services.sync import execute, receipts

TICK_S = 2.0
BEAT_EVERY_S = 10.0
SWEEP_EVERY_S = 15.0
ENQUEUE_AGAIN_AFTER_S = 10.0  # a job may have been lost; enqueue it once more
REPLACE_JOB_AFTER_S = 60.0  # and after this, remove the old job first
STAND_IN_AFTER_S = 60.0  # and perform it here: no worker lives, or a slow vendor keeps the only one busy
SEND_EVERY_S = 5.0
STOP_RUN_AFTER_S = 5.0  # a stop lets a run of our own go on for so long, then has it end at its next commit
LAST_RUN_WITHIN_S = 15.0  # how long a stop waits for a run of our own altogether
LAST_TASK_WITHIN_S = 3.0  # and for the periodic task in progress

_log = logs.get(__name__)


class Scheduler:
    """One scheduler process."""

    def __init__(self, app: Flask, periodic: Sequence[PeriodicTask] = (*TASKS, downtime.TASK)) -> None:
        self._app = app
        self._periodic = periodic
        self._stop = threading.Event()
        self._stop_own_run = threading.Event()
        self._beside: dict[str, threading.Thread] = {}
        self._next_s: dict[str, float] = {}
        self._declared = False

    def run(self) -> None:
        """Tick until `stop`."""
        _log.info("scheduler started", pid=os.getpid())
        while not self._stop.is_set():
            self.tick()
            self._stop.wait(TICK_S)
        if not self.wait_for_own_run(STOP_RUN_AFTER_S):
            self._stop_own_run.set()
            self.wait_for_own_run(LAST_RUN_WITHIN_S - STOP_RUN_AFTER_S)
        self.wait_for_periodic(LAST_TASK_WITHIN_S)
        _log.info("scheduler stopped", pid=os.getpid())

    def stop(self, number: int = 0, frame: FrameType | None = None) -> None:
        """End the loop after this tick; also a signal handler."""
        self._stop.set()

    def wait_for_own_run(self, within_s: float) -> bool:
        """Wait for the run performed here, if there is one. False when it has not ended by then."""
        return self._wait_for("run", within_s)

    def wait_for_messages(self, within_s: float) -> bool:
        """Wait for the messages being sent from here, if there are any. False when they are not out by then."""
        return self._wait_for("send", within_s)

    def wait_for_periodic(self, within_s: float) -> bool:
        """Wait for the periodic tasks that are being done. False when they have not ended by then."""
        return self._wait_for("periodic tasks", within_s)

    def tick(self) -> None:
        """See to everything that is due now. Never raises."""
        with self._app.app_context():
            self._every(BEAT_EVERY_S, "beat", lambda: process_heartbeats.beat(process_heartbeats.SCHEDULER))
            self._every(SWEEP_EVERY_S, "sweep interrupted runs", lease.sweep_interrupted)
            self._safely("ask for due runs", run_requests.request_due_runs)
            self._safely("wake workers", self._see_to_waiting_runs)
            self._do_beside("periodic tasks", self._see_to_periodic)
            self._every(SEND_EVERY_S, "send", lambda: self._do_beside("send", _send))
            self._every(SEND_EVERY_S, "receipts", lambda: self._do_beside("receipts", receipts.make_due))

    def _see_to_waiting_runs(self) -> None:
        """Enqueue runs again that no worker took; without a queue server, perform them here."""
        if run_queue.is_away():
            for run in waiting.waiting_runs(for_at_least_s=0.0)[:1]:
                self._perform(run.id)
        else:
            self._every(ENQUEUE_AGAIN_AFTER_S, "enqueue again", self._enqueue_again)

    def _enqueue_again(self) -> None:
        """A run is performed here when the queue server refuses its job (disk or memory full) or no worker takes it."""
        for run in waiting.waiting_runs(for_at_least_s=ENQUEUE_AGAIN_AFTER_S):
            waited = age(run.requested_at, clock.now())  # unknown: it has waited for long enough
            waited_s = math.inf if waited is None else waited.total_seconds()
            enqueued = run_queue.enqueue(run.id, again=waited_s >= REPLACE_JOB_AFTER_S)
            if not enqueued or waited_s >= STAND_IN_AFTER_S:
                self._perform(run.id)

    def _perform(self, run_id: int) -> None:
        """Perform a run beside the loop, unless one is being performed."""
        self._do_beside("run", lambda: execute.execute_run(run_id, process_ends=self._stop_own_run))

    def _see_to_periodic(self) -> None:
        if not self._declared:
            periodic_tasks.declare(self._periodic)
            self._declared = True
        periodic_tasks.do_due(self._periodic, stop=self._stop.is_set)

    def _do_beside(self, name: str, do: Callable[[], object]) -> None:
        """Do it in a thread of its own, unless the last one under this name still goes on."""
        last = self._beside.get(name)
        if last is not None and last.is_alive():
            return
        thread = threading.Thread(target=self._in_context, args=(name, do), name=name, daemon=True)
        self._beside[name] = thread
        thread.start()

    def _in_context(self, name: str, do: Callable[[], object]) -> None:
        with self._app.app_context():
            self._safely(name, do)

    def _wait_for(self, name: str, within_s: float) -> bool:
        thread = self._beside.get(name)
        if thread is None:
            return True
        thread.join(within_s)
        return not thread.is_alive()

    def _every(self, seconds: float, name: str, do: Callable[[], object]) -> None:
        """Do it when at least `seconds` have passed since the last time in this process."""
        now_s = clock.monotonic_s()
        if now_s >= self._next_s.get(name, 0.0):
            self._next_s[name] = now_s + seconds
            self._safely(name, do)

    def _safely(self, name: str, do: Callable[[], object]) -> None:
        """Do it; an error is logged without its text."""
        liveness.beat()
        try:
            do()
        except Exception:
            _log.error("a scheduler entry failed", entry=name, exc_info=True)


def _send() -> None:
    """Everything that goes to people and watchers outside: messages first."""
    alerts.deliver_due()
    heartbeat_ping.send_owed()


def run(app: Flask) -> None:
    """Schedule until SIGTERM or Ctrl-C."""
    scheduler = Scheduler(app)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, scheduler.stop)
    scheduler.run()
