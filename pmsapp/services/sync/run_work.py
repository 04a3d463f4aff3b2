"""The work of one run that holds its lease: scope by scope, then what vanished, then the record of it all.

The network is never inside a transaction; each scope is one short write transaction that first checks the lease.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from functools import partial

from sqlalchemy import bindparam, update
from sqlalchemy.orm import Session

from pmsapp import clock
from pmsapp.adapters.base import Adapter
from pmsapp.adapters.client.deadline import Deadline
from pmsapp.adapters.registry import get_info
from pmsapp.domain.ages import is_within
from pmsapp.domain.appointment import AppointmentType, Practitioner
from pmsapp.domain.errors import PMSError, RetryLaterError
from pmsapp.domain.sync.reconcile import CardKey
from pmsapp.domain.sync.run_status import ScopeResult
from pmsapp.domain.window import SyncWindow
from pmsapp.extensions import key_ring
from pmsapp.models import PMSConnection, SyncRun
from pmsapp.models.upsert import table_of
from pmsapp.services.base.failpoints import failpoint
from pmsapp.services.base.transaction import reading, writing
from pmsapp.services.clinic import opening_hours
from pmsapp.services.matching import departures, reference
from pmsapp.services.runs.lease import Lease
from pmsapp.services.scopes import duplicates, known_patients, unchanged
from pmsapp.services.scopes.context import RunContext, load_people
from pmsapp.services.scopes.plan import ScopePlan, plan_scope
from pmsapp.services.scopes.reading import (
    COMPLETE,
    INCOMPLETE,
    Reader,
    ScopeRead,
    ends_the_run,
)
from pmsapp.services.scopes.record import (
    change_scope,
    keep_aside,
    mark_fresh,
    open_quarantine,
    receipt_of,
    record_scope,
    take_back,
)
from pmsapp.services.scopes.unchanged import KnownRead
from pmsapp.services.scopes.vanished import (
    PendingVanished,
    VanishedResult,
    look_up,
    settle,
    still_missing,
    write_vanished,
)
from pmsapp.services.scopes.write import Writer, write_plan
from pmsapp.services.sheet import stored_cards, versions
from pmsapp.services.sheet.placement import digest_of, load_rules
from pmsapp.services.sync import preview, unlisted
from pmsapp.services.vendors import adapters as vendor_adapters
from pmsapp.services.vendors import reference_cache as stored_reference

log = logging.getLogger(__name__)

_RUNS = table_of(SyncRun)
_PROGRESS = update(_RUNS).where(_RUNS.c.id == bindparam("of_run")).values(progress=bindparam("shown"))
REFERENCE_LASTS = timedelta(hours=1)


@dataclass(slots=True)
class RunWork:
    """A run in progress. `error` is what ended it early, if anything did; `warnings` are sentences for its record;
    `clock_skew_s` is the vendor's clock minus ours, `requests_made` how often the vendor was called."""

    lease: Lease
    deadline: Deadline
    results: list[ScopeResult] = field(default_factory=list)
    pending: list[PendingVanished] = field(default_factory=list)
    previews: list[preview.Line] = field(default_factory=list)
    error: PMSError | None = None
    warnings: list[str] = field(default_factory=list)
    clock_skew_s: float | None = None
    requests_made: int | None = None
    _met: unlisted.Unlisted = field(default_factory=unlisted.Unlisted)
    _lists_are_new: bool = False
    _practitioners: list[Practitioner] = field(default_factory=list)
    _types: list[AppointmentType] = field(default_factory=list)

    def do(self) -> None:
        """Read and apply every scope, today first; then look into what vanished."""
        adapter = vendor_adapters.adapter_for(self.lease.connection_id, deadline=self.deadline)
        try:
            self._refresh_reference(adapter)
            context = self._context()
            adapter.needs_patient = context.needs_patient
            if context.patients is not None:
                adapter.known_patient = context.patients.find
            self._note_stage("appointments", total=len(context.targets) * len(context.days))
            reader = Reader(adapter, context)
            for day in context.days:
                known = self._known(context, day)
                adapter.known_pages = partial(_known_pages, known)
                for read in reader.read_day(day):
                    self._take_or_pass(reader, read, known)
            self._note_stage("compare")
            for pending in self.pending:
                self._settle(reader, pending)
            self._ask_about_unlisted(adapter, context)
            self._store_reference_cache(adapter, context)
        except BaseException:
            self.deadline.cancel()  # whoever still reads for us need not
            raise
        finally:
            self.clock_skew_s = adapter.client.clock_skew_s
            self.requests_made = adapter.client.requests.made
            adapter.client.close()

    def _context(self) -> RunContext:
        with reading() as session:
            run = session.get_one(SyncRun, self.lease.run_id)
            connection = session.get_one(PMSConnection, self.lease.connection_id)
            targets, names = load_people(
                session,
                connection.id,
                self._practitioners,
                skip_gone=get_info(connection.pms_type).capabilities.reads_per_practitioner,
            )
            wanted = [date.fromisoformat(day) for day in run.dates]
            rules = load_rules(session, connection.id, self._types)
            patients = known_patients.for_run(session, run, connection.pms_type, rules.zone)
            carded = stored_cards.keys_of_days(session, connection.id, wanted) if patients is not None else ()
            return RunContext(
                run_id=run.id,
                connection_id=connection.id,
                pms_type=connection.pms_type,
                rules=rules,
                targets=targets,
                names=names,
                days=tuple(wanted),
                dry_run=run.dry_run,
                closed_days=frozenset(day for day in wanted if opening_hours.why_closed(session, day)),
                carded=frozenset(carded),
                patients=patients,
                rules_digest=digest_of(rules),
            )

    def _refresh_reference(self, adapter: Adapter) -> None:
        """Practitioners and types: hourly, and whenever somebody asked for the run or the PMS announced a change.

        When the vendor is unwell, the earlier lists serve. A preview stores nothing: what it has read serves it alone.
        """
        self._note_stage("practitioners")
        with reading() as session:
            connection = session.get_one(PMSConnection, self.lease.connection_id)
            read_at, in_setup = connection.reference_read_at, connection.state == "setup"
            run = session.get_one(SyncRun, self.lease.run_id)
            dry_run, by_itself = run.dry_run, run.trigger == known_patients.BY_ITSELF
        if by_itself and is_within(read_at, clock.now(), REFERENCE_LASTS):
            return
        try:
            practitioners, types = adapter.list_practitioners(), adapter.list_appointment_types()
        except PMSError as error:
            if read_at is None or ends_the_run(error):
                raise
            log.warning("reference lists not read", extra={"code": error.code, "run_id": self.lease.run_id})
            return
        self._lists_are_new = True
        if dry_run:
            self._practitioners, self._types = practitioners, types
            return
        now = clock.now()
        failpoint("before_reference_write")
        with writing() as session:
            self.lease.check(session)
            connection_id = self.lease.connection_id
            people = departures.mapped_before(session, connection_id)
            kinds = departures.types_before(session, connection_id)
            reference.store_practitioners(session, connection_id, practitioners, now, announce=not in_setup)
            reference.store_types(session, connection_id, types, now, announce=not in_setup)
            if not in_setup and adapter.lists_everybody:
                departures.ask_about_practitioners(session, connection_id, people, practitioners, now)
            if not in_setup:
                departures.ask_about_types(session, connection_id, kinds, types, now)
            session.execute(
                update(PMSConnection)
                .where(PMSConnection.id == self.lease.connection_id)
                .values(reference_read_at=now)
            )

    def _ask_about_unlisted(self, adapter: Adapter, context: RunContext) -> None:
        """Whom this run met in its lists and look-ups is asked about in this run. A preview stores nothing."""
        if context.dry_run or not (self._met.undecided or self._met.types):
            return
        lists = unlisted.fetch(adapter, self._met, types_are_new=self._lists_are_new)
        with writing() as session:
            self.lease.check(session)
            unlisted.ask_about(session, context.connection_id, self._met, lists, clock.now())

    def _store_reference_cache(self, adapter: Adapter, context: RunContext) -> None:
        """What the adapter read of the practice's reference data serves the next runs too. A preview stores nothing."""
        if adapter.reference_cache.fresh() and not context.dry_run:
            with writing() as session:
                self.lease.check(session)
                stored_reference.store(session, context.connection_id, adapter)

    def _known(self, context: RunContext, day: date) -> dict[str, KnownRead]:
        """Scopes that may turn out the same as last time. A preview looks into everything."""
        if context.dry_run:
            return {}
        with reading() as session:
            return unchanged.known_reads(session, context, day)

    def _take_or_pass(self, reader: Reader, read: ScopeRead, known: Mapping[str, KnownRead]) -> None:
        """A scope whose answers are those of last time is only noted; if its cards moved meanwhile, it is read anew."""
        if read.unchanged and not self._pass(reader.context, read, known[read.target.id or ""]):
            read = reader.read_again(read.target, read.day)
        if not read.unchanged:
            self._take(reader.context, read)

    def _pass(self, context: RunContext, read: ScopeRead, known: KnownRead) -> bool:
        with writing() as session:
            self.lease.check(session)
            result = unchanged.record(session, context, read, known)
            if result is not None:
                self._progress(session, context, [*self.results, result])
        if result is not None:
            self.results.append(result)
        return result is not None

    def _take(self, context: RunContext, read: ScopeRead) -> None:
        """Apply one scope in one write transaction; a preview only plans it."""
        self._note_error(read.error)
        self._met.meet(read.pairs, context.rules)
        self.warnings += [sentence for sentence in read.warnings if sentence not in self.warnings]
        if context.dry_run:
            self._preview(context, read)
            return
        now = clock.now()
        failpoint("before_scope_write")
        with writing() as session:
            self.lease.check(session)
            plan = plan_scope(session, key_ring(), context, read)
            writer = Writer(session, key_ring(), context.connection_id, context.run_id, now)
            versions.bump(session, write_plan(writer, plan), now)
            known_patients.note_run(session, context.patients, context.connection_id, read.pairs, now)
            duplicates.suggest_duplicates(writer, plan.sorted.creates)
            result = _result(plan)
            scope_id = self._record(session, context, plan, result, now)
            failpoint("before_scope_commit")
        self._keep(scope_id, plan, result)
        failpoint("after_scope_commit")

    def _record(
        self, session: Session, context: RunContext, plan: ScopePlan, result: ScopeResult, now: datetime
    ) -> int:
        read = plan.read
        if read.bad:
            keep_aside(session, context, read.day, read.bad, now)
        understood = set(plan.sorted.appointments) - read.unreadable
        take_back(
            session, context.connection_id, open_quarantine(session, context.connection_id) & understood, now
        )
        receipt = receipt_of(session, context, plan)
        scope_id = record_scope(session, context, plan, result.counts, receipt)
        if read.outcome == COMPLETE and not plan.vanished:
            mark_fresh(session, context, plan, read.read_at)
        unchanged.remember(session, context, plan, receipt.differences)
        self._progress(session, context, [*self.results, result])
        return scope_id

    def _keep(self, scope_id: int, plan: ScopePlan, result: ScopeResult) -> None:
        if plan.vanished:
            self.pending.append(PendingVanished(scope_id, plan, len(self.results)))
        self.results.append(result)

    def _preview(self, context: RunContext, read: ScopeRead) -> None:
        with reading() as session:
            plan = plan_scope(session, key_ring(), context, read, self._claimed())
        self.previews += preview.lines_of(plan)
        self._keep(0, plan, _result(plan))
        with writing() as session:
            self.lease.check(session)
            self._progress(session, context, self.results)

    def _claimed(self) -> set[CardKey]:
        """In a preview, what a real run would have moved by now."""
        return preview.claimed(self.previews)

    def _settle(self, reader: Reader, pending: PendingVanished) -> None:
        """Look up what a scope no longer lists, decide, write. Nothing is removed on a doubt."""
        context, claimed = reader.context, self._claimed()
        with reading() as session:
            missing = still_missing(session, pending, claimed)
        if missing:
            look_up(reader, pending, missing)
        self._met.meet(pending.found, context.rules)
        self._note_error(pending.error)
        if context.dry_run:
            with reading() as session:
                result = settle(session, key_ring(), context, pending, claimed)
            self.previews += preview.lines_of_vanished(result)
            self.results[pending.index] = self._with_vanished(pending, result)
            return
        now = clock.now()
        failpoint("before_vanished_write")
        with writing() as session:
            self.lease.check(session)
            result = settle(session, key_ring(), context, pending)
            writer = Writer(session, key_ring(), context.connection_id, context.run_id, now)
            write_vanished(writer, context, pending, result)
            known_patients.note_run(session, context.patients, context.connection_id, pending.found, now)
            outcome = self._with_vanished(pending, result)
            change_scope(session, pending.scope_id, outcome, held=len(result.decisions.hold))
            if not result.decisions.is_doubtful:
                mark_fresh(session, context, pending.plan, pending.plan.read.read_at)
            failpoint("before_vanished_commit")
        self.results[pending.index] = outcome

    def _with_vanished(self, pending: PendingVanished, result: VanishedResult) -> ScopeResult:
        """What the scope came to, now that its vanished cards were looked up."""
        before = self.results[pending.index]
        outcome, code = before.outcome, before.error_code
        if result.decisions.is_doubtful:
            outcome, code = INCOMPLETE, pending.error.code if pending.error else "PMS-GARBLED"
        skipped = before.skipped + (result.found_plan.skipped_reasons() if result.found_plan else Counter())
        return replace(
            before, outcome=outcome, error_code=code, counts=before.counts + result.counts, skipped=skipped
        )

    def _note_error(self, error: PMSError | None) -> None:
        """A time the vendor named decides when the next run may start."""
        if isinstance(error, RetryLaterError) and error.retry_at:
            self.error = error

    def _note_stage(self, stage: str, total: int | None = None) -> None:
        """Tell watchers which stage the run is in."""
        done = len(self.results) if stage == "compare" else 0
        shown = {
            "stage": stage,
            "total": done or total,
            "done": done,
            "scopes": _shown(self.results),
        }
        with writing() as session:
            self.lease.check(session)
            session.execute(_PROGRESS, {"of_run": self.lease.run_id, "shown": shown})

    def _progress(self, session: Session, context: RunContext, results: list[ScopeResult]) -> None:
        shown = {
            "stage": "appointments",
            "total": max(len(context.targets) * len(context.days), len(results)),
            "done": len(results),
            "scopes": _shown(results),
        }
        session.execute(_PROGRESS, {"of_run": context.run_id, "shown": shown})


def _known_pages(
    known: Mapping[str, KnownRead], _window: SyncWindow, practitioner_id: str
) -> tuple[str, ...]:
    earlier = known.get(practitioner_id)
    return earlier.pages if earlier else ()


def _result(plan: ScopePlan) -> ScopeResult:
    read = plan.read
    code = read.error.code if read.error else None
    place = (read.target.id, read.day)
    return ScopeResult(read.target.name, read.outcome, code, plan.counts(), plan.skipped_reasons(), place)


def _shown(results: list[ScopeResult]) -> list[dict[str, object]]:
    """The last scopes in short, for the progress panel."""
    return [
        {"name": result.name, "count": result.counts["fetched"], "outcome": result.outcome}
        for result in results[-40:]
    ]
