"""Ask the vendor for a day, scope by scope. Network only: nothing here touches the database."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass, field
from datetime import date, datetime

from pmsapp import clock
from pmsapp.adapters.base import Adapter
from pmsapp.domain.appointment import BadRecord, UnifiedAppointment
from pmsapp.domain.errors import BadVendorDataError, PMSError, ReconnectRequiredError, RetryLaterError
from pmsapp.domain.window import SyncWindow
from pmsapp.services.run_context import ReadTarget, RunContext

log = logging.getLogger(__name__)

COMPLETE, INCOMPLETE, FAILED = "complete", "incomplete", "failed"
_ENDS_THE_RUN = {"RATE-WAIT", "RUN-DEADLINE", "RUN-CANCELLED", "NET-LOCAL"}
_GIVE_UP_AFTER = 3


@dataclass(slots=True)
class ScopeRead:
    """One practitioner-day as read: complete only when the vendor's own end mark was seen."""

    target: ReadTarget
    day: date
    outcome: str
    read_at: datetime
    pairs: list[UnifiedAppointment] = field(default_factory=list)
    bad: list[BadRecord] = field(default_factory=list)
    error: PMSError | None = None
    warnings: tuple[str, ...] = ()


def ends_the_run(error: PMSError | None) -> bool:
    """True when asking anything else would meet the same answer, or must not be tried now."""
    return isinstance(error, ReconnectRequiredError) or (
        isinstance(error, RetryLaterError) and error.code in _ENDS_THE_RUN
    )


def read_day(adapter: Adapter, context: RunContext, day: date) -> Iterator[ScopeRead]:
    """Every scope of one day. An error in one practitioner's list touches no other, where the vendor allows that."""
    window = SyncWindow(day, context.rules.zone)
    if adapter.info.capabilities.reads_per_practitioner:
        yield from _one_by_one(adapter, window, context.targets)
    else:
        yield from _all_at_once(adapter, window, context)


def _one_by_one(adapter: Adapter, window: SyncWindow, targets: Sequence[ReadTarget]) -> Iterator[ScopeRead]:
    """Read a few practitioners at a time, in order, never holding more than that many in memory."""
    ahead = max(1, adapter.info.default_concurrency)
    waiting = deque(targets)
    pending: deque[tuple[ReadTarget, Future[ScopeRead]]] = deque()
    stopped_by: PMSError | None = None
    in_a_row = 0
    with ThreadPoolExecutor(max_workers=ahead, thread_name_prefix="read") as pool:
        while waiting or pending:
            while waiting and len(pending) <= ahead and stopped_by is None:
                target = waiting.popleft()
                pending.append((target, pool.submit(copy_context().run, _read_one, adapter, window, target)))
            if not pending:
                yield _not_asked(waiting.popleft(), window.day, stopped_by)
                continue
            read = pending.popleft()[1].result()
            in_a_row = in_a_row + 1 if isinstance(read.error, RetryLaterError) else 0
            if stopped_by is None and (ends_the_run(read.error) or in_a_row >= _GIVE_UP_AFTER):
                stopped_by = read.error
            yield read


def _not_asked(target: ReadTarget, day: date, error: PMSError | None) -> ScopeRead:
    return ScopeRead(target, day, FAILED, clock.now(), error=error)


def _read_one(adapter: Adapter, window: SyncWindow, target: ReadTarget) -> ScopeRead:
    read = ScopeRead(target, window.day, FAILED, clock.now())
    _collect(adapter, window, [target.id] if target.id else [], read)
    return read


def _collect(adapter: Adapter, window: SyncWindow, practitioner_ids: Sequence[str], read: ScopeRead) -> None:
    """Gather pages into `read`; sets its outcome, error and time."""
    pages, ended = 0, False
    try:
        for page in adapter.list_appointments(window, practitioner_ids):
            pages += 1
            ended = page.is_last
            read.pairs.extend(pair for pair in page.items if window.holds(pair.start_at))
            read.bad.extend(page.bad)
            read.warnings += page.warnings
        if not ended:
            raise BadVendorDataError("READ-ENDLESS", pms=adapter.info.label, note="no end mark")
        read.outcome = COMPLETE
    except PMSError as error:
        read.error = error
        read.outcome = INCOMPLETE if pages else FAILED
    except Exception as error:  # noqa: BLE001 - one list must not sink the others
        log.error("reading failed by a bug", extra={"pms": adapter.info.slug, "error": type(error).__name__})
        read.error = BadVendorDataError("BUG", pms=adapter.info.label)
        read.outcome = INCOMPLETE if pages else FAILED
    read.read_at = clock.now()


def _all_at_once(adapter: Adapter, window: SyncWindow, context: RunContext) -> Iterator[ScopeRead]:
    """One read for the whole practice, split by practitioner; its outcome is everybody's outcome."""
    whole = ScopeRead(ReadTarget(None, None, None), window.day, FAILED, clock.now())
    _collect(adapter, window, [target.id for target in context.targets if target.id], whole)
    by_practitioner: dict[str | None, ScopeRead] = {}

    def scope_of(practitioner_id: str | None) -> ScopeRead:
        if practitioner_id not in by_practitioner:
            by_practitioner[practitioner_id] = ScopeRead(
                context.target(practitioner_id), window.day, whole.outcome, whole.read_at, error=whole.error
            )
        return by_practitioner[practitioner_id]

    for target in context.targets:
        scope_of(target.id)
    scope_of(None)
    for pair in whole.pairs:
        scope_of(pair.practitioner_external_id).pairs.append(pair)
    for record in whole.bad:
        scope_of(record.practitioner_external_id).bad.append(record)
    scope_of(None).warnings = whole.warnings
    yield from by_practitioner.values()
