"""Ask the vendor for a day, scope by scope. Network only: nothing here touches the database."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass, field, replace
from datetime import date, datetime

from pmsapp import clock
from pmsapp.adapters.base import Adapter, nothing_known
from pmsapp.domain.appointment import BadRecord, UnifiedAppointment
from pmsapp.domain.errors import BadVendorDataError, PMSError, ReconnectRequiredError, RetryLaterError
from pmsapp.domain.sync.rules import with_owner
from pmsapp.domain.window import SyncWindow
from pmsapp.observability import logs
from pmsapp.services.scopes.context import ReadTarget, RunContext
from pmsapp.services.scopes.joint_visits import JointVisits

COMPLETE, INCOMPLETE, FAILED = "complete", "incomplete", "failed"
_ENDS_THE_RUN = {"RATE-WAIT", "RUN-DEADLINE", "RUN-CANCELLED", "NET-LOCAL"}
_GIVE_UP_AFTER = 3


@dataclass(slots=True)
class ScopeRead:
    """One practitioner-day as read: complete only when the vendor's own end mark was seen.

    `unreadable`: ids of records that were listed but not understood, in this scope or another of the same read.
    `pages`: digests of the answers, empty when one has none. `unchanged`: they are those of last time, not looked into.
    """

    target: ReadTarget
    day: date
    outcome: str
    read_at: datetime
    pairs: list[UnifiedAppointment] = field(default_factory=list)
    bad: list[BadRecord] = field(default_factory=list)
    unreadable: frozenset[str] = frozenset()
    error: PMSError | None = None
    warnings: tuple[str, ...] = ()
    pages: tuple[str, ...] = ()
    unchanged: bool = False


def ends_the_run(error: PMSError | None) -> bool:
    """True when asking anything else would meet the same answer, or must not be tried now."""
    return isinstance(error, ReconnectRequiredError) or (
        isinstance(error, RetryLaterError) and error.code in _ENDS_THE_RUN
    )


@dataclass(slots=True)
class Reader:
    """Reads the days of one run. `stopped_by`: why nothing more is asked in this run."""

    adapter: Adapter
    context: RunContext
    stopped_by: PMSError | None = None
    _failures_in_a_row: int = 0
    _joint: dict[date, JointVisits] = field(default_factory=dict)

    def read_day(self, day: date) -> Iterator[ScopeRead]:
        """Every scope of one day. An error in one practitioner's list touches no other, where the vendor allows that."""
        window = SyncWindow(day, self.context.rules.zone)
        if self.adapter.info.capabilities.reads_per_practitioner:
            yield from self._one_by_one(window)
        else:
            yield from self._all_at_once(window)

    def read_again(self, target: ReadTarget, day: date) -> ScopeRead:
        """One scope in full, whatever was known of it."""
        self.adapter.known_pages = nothing_known
        read = _read_one(self.adapter, SyncWindow(day, self.context.rules.zone), target)
        self.note(read.error)
        return self._sorted(read)

    def note(self, error: PMSError | None) -> None:
        """Take in how a call ended: some errors end the run's reading, and so do several that pass, in a row."""
        self._failures_in_a_row = self._failures_in_a_row + 1 if isinstance(error, RetryLaterError) else 0
        if self.stopped_by is None and (ends_the_run(error) or self._failures_in_a_row >= _GIVE_UP_AFTER):
            self.stopped_by = error

    def _one_by_one(self, window: SyncWindow) -> Iterator[ScopeRead]:
        """Read a few practitioners at a time, in order, never holding more than that many in memory."""
        ahead = self.adapter.concurrency
        waiting = deque(self.context.targets)
        pending: deque[Future[ScopeRead]] = deque()
        with ThreadPoolExecutor(max_workers=ahead, thread_name_prefix="read") as pool:
            while waiting or pending:
                while waiting and len(pending) <= ahead and self.stopped_by is None:
                    ask = copy_context().run
                    pending.append(pool.submit(ask, _read_one, self.adapter, window, waiting.popleft()))
                if not pending:
                    unread = ScopeRead(
                        waiting.popleft(), window.day, FAILED, clock.now(), error=self.stopped_by
                    )
                    yield self._sorted(unread)
                    continue
                read = pending.popleft().result()
                self.note(read.error)
                yield self._sorted(read)

    def _sorted(self, read: ScopeRead) -> ScopeRead:
        """A visit with several practitioners counts in one of their lists."""
        if read.day not in self._joint:
            targets = frozenset(target.id for target in self.context.targets)
            self._joint[read.day] = JointVisits(targets, self.context.rules)
        read.pairs, has_guests = self._joint[read.day].sort(
            read.target.id, read.pairs, unchanged=read.unchanged
        )
        if has_guests:
            read.pages = ()  # what a list counts for another is not what it will count next time
        return read

    def _all_at_once(self, window: SyncWindow) -> Iterator[ScopeRead]:
        """One read for the whole practice, split by practitioner; its outcome is everybody's outcome."""
        whole = ScopeRead(
            ReadTarget(None, None, None), window.day, FAILED, clock.now(), error=self.stopped_by
        )
        if self.stopped_by is None:
            ids = [target.id for target in self.context.targets if target.id]
            _collect(self.adapter, window, ids, whole)
            self.note(whole.error)
        yield from _split(whole, self.context)


def _read_one(adapter: Adapter, window: SyncWindow, target: ReadTarget) -> ScopeRead:
    read = ScopeRead(target, window.day, FAILED, clock.now())
    _collect(adapter, window, [target.id] if target.id else [], read)
    return read


def _collect(adapter: Adapter, window: SyncWindow, practitioner_ids: Sequence[str], read: ScopeRead) -> None:
    """Gather pages into `read`; sets its outcome, error and time."""
    pages, ended = 0, False
    start_at, end_at = window.start_at, window.end_at
    digests: list[str | None] = []
    try:
        for page in adapter.list_appointments(window, practitioner_ids):
            pages += 1
            ended = page.is_last
            read.unchanged = page.unchanged
            digests.append(page.digest)
            read.pairs.extend(pair for pair in page.items if start_at <= pair.start_at < end_at)
            read.bad.extend(_not_listed_before(page.bad, read.bad))
            read.warnings += page.warnings
        if not ended:
            raise BadVendorDataError("READ-ENDLESS", pms=adapter.info.label, note="no end mark")
        read.outcome = COMPLETE
        read.pages = tuple(digest for digest in digests if digest) if all(digests) else ()
    except PMSError as error:
        read.error = error
        read.outcome = INCOMPLETE if pages else FAILED
    except Exception as error:  # noqa: BLE001 - one list must not sink the others
        logs.record_bug(error, "reading a list", pms=adapter.info.slug)
        read.error = BadVendorDataError("BUG", pms=adapter.info.label)
        read.outcome = INCOMPLETE if pages else FAILED
    read.unreadable = frozenset(record.external_id for record in read.bad if record.external_id)
    read.read_at = clock.now()


def _not_listed_before(found: Sequence[BadRecord], known: Sequence[BadRecord]) -> list[BadRecord]:
    """Pages may overlap: a record with a name counts once. Two without one may look alike and are two."""
    return [record for record in found if record.external_id is None or record not in known]


def _split(whole: ScopeRead, context: RunContext) -> list[ScopeRead]:
    scopes: dict[str | None, ScopeRead] = {}

    def scope_of(practitioner_id: str | None) -> ScopeRead:
        if practitioner_id not in scopes:
            target = context.target(practitioner_id)
            scopes[practitioner_id] = replace(whole, target=target, pairs=[], bad=[], warnings=())
        return scopes[practitioner_id]

    for target in context.targets:
        scope_of(target.id)
    scope_of(None).warnings = whole.warnings
    for pair in (with_owner(listed, context.rules) for listed in whole.pairs):
        scope_of(pair.practitioner_external_id).pairs.append(pair)
    for record in whole.bad:
        scope_of(record.practitioner_external_id).bad.append(record)
    return list(scopes.values())
