"""Doing a queued run, once, under its lease."""

from __future__ import annotations

import logging
import threading
from contextlib import suppress

from pmsapp import clock
from pmsapp.adapters.client.deadline import Deadline
from pmsapp.domain.errors import PMSError
from pmsapp.observability import logs
from pmsapp.services.base import metrics
from pmsapp.services.base.failpoints import failpoint
from pmsapp.services.base.transaction import writing
from pmsapp.services.runs import queue as run_queue
from pmsapp.services.runs import waiting as run_waiting
from pmsapp.services.runs.lease import (
    RUN_CEILING_S,
    CancelledError,
    FencedOutError,
    Heartbeat,
    Lease,
    _repeat_interrupted,
    claim,
    interrupt,
)
from pmsapp.services.sync.run_end import close_run
from pmsapp.services.sync.run_work import RunWork

log = logging.getLogger(__name__)


def execute_run(run_id: int, *, process_ends: threading.Event | None = None) -> None:
    """Do a queued run, once: whoever comes second finds it claimed. Raises only what is a bug, after recording it.

    Once `process_ends` is set, a run that still goes on is marked interrupted and repeated by the next process.
    """
    lease = claim(run_id, clock.now())
    if lease is None:
        return
    failpoint("after_claim")
    run = RunWork(lease, Deadline(RUN_CEILING_S))
    try:
        with Heartbeat(
            lease,
            run.deadline.cancel,
            lambda: _abandon(run),
            process_ends=process_ends,
            hand_back=lambda: _hand_back(lease),
        ):
            _perform(run)
    except FencedOutError:
        log.warning("run lost its lease and stopped", extra={"run_id": run_id})
        return
    finally:
        metrics.note_run(run_id)
    failpoint("after_finish")
    for waiting in run_waiting.waiting_runs(for_at_least_s=0.0):
        if waiting.connection_id == lease.connection_id:
            run_queue.enqueue(waiting.id)


def _perform(run: RunWork) -> None:
    try:
        run.do()
        failpoint("before_finish")
        close_run(
            run.lease,
            run.results,
            error=run.error,
            previews=run.previews,
            warnings=run.warnings,
            clock_skew_s=run.clock_skew_s,
            requests_made=run.requests_made,
        )
    except FencedOutError:
        raise
    except CancelledError:
        close_run(run.lease, run.results, cancelled=True, requests_made=run.requests_made)
    except PMSError as error:
        close_run(run.lease, run.results, error=error, requests_made=run.requests_made)
    except Exception as error:
        logs.record_bug(error, "a run", run_id=run.lease.run_id)
        close_run(run.lease, run.results, error=PMSError("BUG"), requests_made=run.requests_made)
        raise


def _abandon(run: RunWork) -> None:
    """End a cancelled run for the records while its worker still waits for the vendor; that one is fenced out then."""
    try:
        close_run(run.lease, tuple(run.results), cancelled=True)
    except FencedOutError:
        log.info("run ended by itself", extra={"run_id": run.lease.run_id})


def _hand_back(lease: Lease) -> None:
    """Interrupt a run whose process has to end; whatever it still does is fenced out."""
    now = clock.now()
    with writing() as session, suppress(FencedOutError, CancelledError):
        lease.check(session)
        interrupt(session, lease.run_id, lease.connection_id, now)
        _repeat_interrupted(session, now)
