"""The scheduler process: a small loop that looks into the database and sees to what is due.

It needs no queue server: where none answers it performs the waiting runs itself, one at a time, beside its loop.
Two schedulers change nothing: what is due is taken inside a transaction. An error ends its own entry of one tick
and nothing else.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Sequence
from types import FrameType

from flask import Flask

from pmsapp import clock, logs
from pmsapp.jobs import tasks
from pmsapp.services import beats, bell, due, sync
from pmsapp.services.chores import CHORES, Chore

TICK_S = 2.0
BEAT_EVERY_S = 10.0
SWEEP_EVERY_S = 15.0
RING_AGAIN_AFTER_S = 10.0  # a bell may have been lost; ring it once more
RING_ANEW_AFTER_S = 60.0  # and after this, take the old bell away first
LAST_RUN_WITHIN_S = 15.0  # how long a stop waits for a run of our own

_log = logs.get(__name__)


class Scheduler:
    """One scheduler process."""

    def __init__(self, app: Flask, periodic: Sequence[Chore] = CHORES) -> None:
        self._app = app
        self._periodic = periodic
        self._stop = threading.Event()
        self._own_run: threading.Thread | None = None
        self._next_s: dict[str, float] = {}
        self._declared = False

    def run(self) -> None:
        """Tick until `stop`."""
        _log.info("scheduler started", pid=os.getpid())
        while not self._stop.is_set():
            self.tick()
            self._stop.wait(TICK_S)
        self.wait_for_own_run(LAST_RUN_WITHIN_S)
        _log.info("scheduler stopped", pid=os.getpid())

    def stop(self, number: int = 0, frame: FrameType | None = None) -> None:
        """End the loop after this tick; also a signal handler."""
        self._stop.set()

    def wait_for_own_run(self, within_s: float) -> bool:
        """Wait for the run performed here, if there is one. False when it has not ended by then."""
        if self._own_run is None:
            return True
        self._own_run.join(within_s)
        return not self._own_run.is_alive()

    def tick(self) -> None:
        """See to everything that is due now. Never raises."""
        with self._app.app_context():
            self._every(BEAT_EVERY_S, "beat", lambda: beats.beat(beats.SCHEDULER))
            self._every(SWEEP_EVERY_S, "sweep interrupted runs", _sweep)
            self._safely("ask for due runs", _ask_for_due_runs)
            self._safely("wake workers", self._see_to_waiting_runs)
            self._safely("periodic tasks", self._see_to_periodic)

    def _see_to_waiting_runs(self) -> None:
        """Ring again for runs nobody came for; without a queue server, perform them here."""
        if bell.is_away():
            for run in due.waiting_runs(for_at_least_s=0.0)[:1]:
                self._perform(run.id)
        else:
            self._every(RING_AGAIN_AFTER_S, "ring again", _ring_again)

    def _perform(self, run_id: int) -> None:
        """Perform a run in a thread of its own, unless one is being performed."""
        if self._own_run is not None and self._own_run.is_alive():
            return
        self._own_run = threading.Thread(
            target=self._perform_now, args=(run_id,), name=f"run-{run_id}", daemon=True
        )
        self._own_run.start()

    def _perform_now(self, run_id: int) -> None:
        with self._app.app_context():
            self._safely("perform a run", lambda: tasks.run_sync(run_id))

    def _see_to_periodic(self) -> None:
        if not self._declared:
            due.declare([(entry.name, entry.every) for entry in self._periodic])
            self._declared = True
        for entry in self._periodic:
            if not self._stop.is_set() and due.take(entry.name, entry.every):
                due.ended(entry.name, self._safely(entry.name, entry.do))

    def _every(self, seconds: float, name: str, do: Callable[[], object]) -> None:
        """Do it when at least `seconds` have passed since the last time in this process."""
        now_s = clock.monotonic_s()
        if now_s >= self._next_s.get(name, 0.0):
            self._next_s[name] = now_s + seconds
            self._safely(name, do)

    def _safely(self, name: str, do: Callable[[], object]) -> str:
        """Do it; an error is logged without its text. Returns "ok" or the kind of the error."""
        try:
            do()
        except Exception as error:
            _log.error("a scheduler entry failed", entry=name, exc_info=True)
            return type(error).__name__
        return "ok"


def _ask_for_due_runs() -> None:
    sync.request_due_runs()


def _ring_again() -> None:
    for run in due.waiting_runs(for_at_least_s=RING_AGAIN_AFTER_S):
        waited_s = (clock.now() - run.requested_at).total_seconds()
        bell.ring(run.id, again=waited_s >= RING_ANEW_AFTER_S)


def _sweep() -> None:
    sync.sweep_interrupted()


def run(app: Flask) -> None:
    """Schedule until SIGTERM or Ctrl-C."""
    scheduler = Scheduler(app)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, scheduler.stop)
    scheduler.run()
