"""The work of one run that holds its lease: scope by scope, then what vanished, then the record of it all.

The network is never inside a transaction; each scope is one short write transaction that first checks the lease.
"""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from sqlalchemy import update
from sqlalchemy.orm import Session

from pmsapp import clock
from pmsapp.adapters.base import Adapter
from pmsapp.adapters.deadline import Deadline
from pmsapp.domain.errors import PMSError, ReconnectRequiredError, RetryLaterError
from pmsapp.domain.run_status import ScopeResult
from pmsapp.extensions import key_ring
from pmsapp.models import PMSConnection, SyncRun
from pmsapp.services import days, preview, reference, sheets, twins, vendors
from pmsapp.services.apply import Writer, write_plan
from pmsapp.services.failpoints import failpoint
from pmsapp.services.lease import Lease
from pmsapp.services.leavings import PendingLeavings, look_up, settle, still_missing, write_leavings
from pmsapp.services.reading import COMPLETE, INCOMPLETE, ScopeRead, read_day
from pmsapp.services.run_context import RunContext, load_rules, load_targets
from pmsapp.services.scope_plan import ScopePlan, plan_scope
from pmsapp.services.scope_record import (
    change_scope,
    keep_aside,
    mark_fresh,
    open_quarantine,
    record_scope,
    take_back,
)
from pmsapp.services.transaction import reading, writing

log = logging.getLogger(__name__)

REFERENCE_LASTS = timedelta(hours=1)


@dataclass(slots=True)
class RunWork:
    """A run in progress. `error` is what ended it early, if anything did."""

    lease: Lease
    deadline: Deadline
    results: list[ScopeResult] = field(default_factory=list)
    pending: list[PendingLeavings] = field(default_factory=list)
    previews: list[preview.Line] = field(default_factory=list)
    error: PMSError | None = None

    def do(self) -> None:
        """Read and apply every scope, today first; then look into what vanished."""
        adapter = vendors.adapter_for(self.lease.connection_id, deadline=self.deadline)
        self._refresh_reference(adapter)
        context = self._context()
        self._say("appointments", total=len(context.targets) * len(context.days))
        for day in context.days:
            for read in read_day(adapter, context, day):
                self._take(context, read)
        self._say("compare")
        for pending in self.pending:
            self._settle(adapter, context, pending)

    def _context(self) -> RunContext:
        with reading() as session:
            run = session.get_one(SyncRun, self.lease.run_id)
            connection = session.get_one(PMSConnection, self.lease.connection_id)
            return RunContext(
                run_id=run.id,
                connection_id=connection.id,
                pms_type=connection.pms_type,
                rules=load_rules(session, connection.id),
                targets=load_targets(session, connection.id),
                days=tuple(date.fromisoformat(day) for day in run.dates),
                dry_run=run.dry_run,
                closed_days=days.closed_among(session, [date.fromisoformat(day) for day in run.dates]),
            )

    def _refresh_reference(self, adapter: Adapter) -> None:
        """Practitioners and types, hourly. When the vendor is unwell, the earlier lists serve."""
        self._say("practitioners")
        with reading() as session:
            connection = session.get_one(PMSConnection, self.lease.connection_id)
            read_at, in_setup = connection.reference_read_at, connection.state == "setup"
        if read_at is not None and clock.now() - read_at < REFERENCE_LASTS:
            return
        try:
            practitioners, types = adapter.list_practitioners(), adapter.list_appointment_types()
        except ReconnectRequiredError:
            raise
        except PMSError as error:
            if read_at is None or isinstance(error, RetryLaterError) and error.code == "RUN-CANCELLED":
                raise
            log.warning("reference lists not read", extra={"code": error.code, "run_id": self.lease.run_id})
            return
        now = clock.now()
        with writing() as session:
            self.lease.check(session)
            reference.store_practitioners(
                session, self.lease.connection_id, practitioners, now, announce=not in_setup
            )
            reference.store_types(session, self.lease.connection_id, types, now, announce=not in_setup)
            session.execute(
                update(PMSConnection)
                .where(PMSConnection.id == self.lease.connection_id)
                .values(reference_read_at=now)
            )

    def _take(self, context: RunContext, read: ScopeRead) -> None:
        """Apply one scope in one write transaction; a preview only plans it."""
        if isinstance(read.error, RetryLaterError) and read.error.retry_at:
            self.error = read.error
        if context.dry_run:
            self._preview(context, read)
            return
        now = clock.now()
        failpoint("before_scope_write")
        with writing() as session:
            self.lease.check(session)
            plan = plan_scope(session, key_ring(), context, read)
            writer = Writer(session, key_ring(), context.connection_id, context.run_id, now)
            sheets.bump(session, write_plan(writer, plan), now)
            twins.suggest_twins(writer, plan.sorted.creates)
            scope_id = self._record(session, context, plan, now)
            failpoint("before_scope_commit")
        failpoint("after_scope_commit")
        if plan.vanished:
            self.pending.append(PendingLeavings(scope_id, plan, len(self.results) - 1))

    def _record(self, session: Session, context: RunContext, plan: ScopePlan, now: datetime) -> int:
        read = plan.read
        counts = plan.counts()
        if read.bad:
            keep_aside(session, context, read.day, read.bad, now)
        understood = open_quarantine(session, context.connection_id) & set(plan.sorted.appointments)
        take_back(session, context.connection_id, understood, now)
        scope_id = record_scope(session, context, plan, counts, now)
        if read.outcome == COMPLETE and not plan.vanished:
            mark_fresh(session, context, plan, read.read_at)
        self.results.append(_result(read, counts))
        self._progress(session, context)
        return scope_id

    def _preview(self, context: RunContext, read: ScopeRead) -> None:
        with reading() as session:
            plan = plan_scope(session, key_ring(), context, read)
        self.previews += preview.lines_of(plan)
        self.results.append(_result(read, plan.counts()))
        if plan.vanished:
            self.pending.append(PendingLeavings(0, plan, len(self.results) - 1))
        with writing() as session:
            self.lease.check(session)
            self._progress(session, context)

    def _settle(self, adapter: Adapter, context: RunContext, pending: PendingLeavings) -> None:
        """Look up what a scope no longer lists, decide, write. Nothing is removed on a doubt."""
        seen = preview.claimed(self.previews) if context.dry_run else set()
        with reading() as session:
            missing = [card for card in still_missing(session, pending) if card.key not in seen]
        if missing:
            look_up(adapter, context, pending, missing)
        if context.dry_run:
            with reading() as session:
                result = settle(session, key_ring(), context, pending)
            result.decisions.delete = [card for card in result.decisions.delete if card.key not in seen]
            self.previews += preview.lines_of_leavings(result)
            self._count_leavings(
                pending, result.counts, result.decisions.distrust or bool(result.decisions.unknown)
            )
            return
        now = clock.now()
        failpoint("before_leavings_write")
        with writing() as session:
            self.lease.check(session)
            result = settle(session, key_ring(), context, pending)
            writer = Writer(session, key_ring(), context.connection_id, context.run_id, now)
            write_leavings(writer, context, pending, result)
            doubtful = result.decisions.distrust or bool(result.decisions.unknown)
            self._count_leavings(pending, result.counts, doubtful)
            outcome = self.results[pending.index]
            change_scope(
                session,
                pending.scope_id,
                outcome=outcome.outcome,
                error_code=outcome.error_code,
                removed=outcome.counts["removed"],
                held=outcome.counts["held"],
            )
            if not doubtful:
                mark_fresh(session, context, pending.plan, pending.plan.read.read_at)
            failpoint("before_leavings_commit")

    def _count_leavings(self, pending: PendingLeavings, counts: Counter[str], doubtful: bool) -> None:
        before = self.results[pending.index]
        code = before.error_code
        if doubtful:
            code = pending.error.code if pending.error else "PMS-GARBLED"
            if isinstance(pending.error, RetryLaterError) and pending.error.retry_at:
                self.error = pending.error
        self.results[pending.index] = ScopeResult(
            before.name, INCOMPLETE if doubtful else before.outcome, code, before.counts + counts
        )

    def _say(self, stage: str, total: int | None = None) -> None:
        """Tell watchers which stage the run is in."""
        with writing() as session:
            self.lease.check(session)
            shown: dict[str, object] = {"stage": stage, "total": total, "done": 0, "scopes": []}
            if stage == "compare":
                shown |= {
                    "done": len(self.results),
                    "total": len(self.results),
                    "scopes": _shown(self.results),
                }
            session.execute(update(SyncRun).where(SyncRun.id == self.lease.run_id).values(progress=shown))

    def _progress(self, session: Session, context: RunContext) -> None:
        shown = {
            "stage": "appointments",
            "total": max(len(context.targets) * len(context.days), len(self.results)),
            "done": len(self.results),
            "scopes": _shown(self.results),
        }
        session.execute(update(SyncRun).where(SyncRun.id == context.run_id).values(progress=shown))


def _result(read: ScopeRead, counts: Counter[str]) -> ScopeResult:
    code = read.error.code if read.error else None
    return ScopeResult(read.target.name, read.outcome, code, Counter(counts))


def _shown(results: list[ScopeResult]) -> list[dict[str, object]]:
    """The last scopes in short, for the progress panel."""
    return [
        {"name": one.name, "count": one.counts["fetched"], "outcome": one.outcome} for one in results[-40:]
    ]
