"""Following a run from the command line until it ends."""

from __future__ import annotations

import time
from collections.abc import Callable

from pmsapp import clock
from pmsapp.domain.ages import holds
from pmsapp.domain.schedule import LONGEST_VENDOR_WAIT
from pmsapp.services.monitoring import process_heartbeats
from pmsapp.services.runs import history as run_history
from pmsapp.services.runs import queue as run_queue
from pmsapp.services.runs.history import RunView
from pmsapp.services.sync import execute

LOOK_EVERY_S = 0.3


NOBODY_AFTER_S = 5.0  # a run nobody began by then is performed by this command


def watch(connection_id: int, run_id: int, *, tell: Callable[[RunView], None] = lambda run: None) -> RunView:
    """Wait for a run to end; perform it here when nobody else does. `tell` is called at each look."""
    begun_s = clock.monotonic_s()
    while True:
        run = run_history.get_run(connection_id, run_id)
        tell(run)
        if run.is_over or _must_wait(run):
            return run
        if run.status == "queued" and clock.monotonic_s() - begun_s > _patience_s():
            execute.execute_run(run_id)
        time.sleep(LOOK_EVERY_S)


def _patience_s() -> float:
    """How long to leave a queued run to others: not at all when there is nobody else."""
    worker = process_heartbeats.get_beat(process_heartbeats.WORKER)
    somebody = worker is not None and worker.is_alive and not run_queue.is_away()
    return NOBODY_AFTER_S if somebody else 0.0


def _must_wait(run: RunView) -> bool:
    return run.status == "queued" and holds(run.not_before, clock.now(), LONGEST_VENDOR_WAIT)
