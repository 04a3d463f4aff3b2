"""Reading runs: what is going on, what happened; and asking one to stop."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from pmsapp import clock
from pmsapp.domain.actor import Actor
from pmsapp.domain.sync.run_status import COUNTS, error_details
from pmsapp.domain.sync_state import RunStatus
from pmsapp.models import PMSConnection, SyncRun, SyncScope
from pmsapp.models.pms import RUN_COUNTS
from pmsapp.services.base import audit
from pmsapp.services.base.errors import Conflict, Invalid, NotFound
from pmsapp.services.base.transaction import reading, writing

PAGE_SIZE = 25
PAGE_SIZE_LIMIT = 100


@dataclass(frozen=True, slots=True)
class ScopeView:
    """One practitioner-day of a run."""

    pms_practitioner_id: str | None
    name: str | None
    date: date
    outcome: str
    counts: dict[str, int]
    error_code: str | None
    expected: int | None
    matched: int | None
    differences: dict[str, int] | None
    checked_at: datetime


@dataclass(frozen=True, slots=True)
class RunView:
    """One run as people and programs see it."""

    id: int
    connection_id: int
    sync_type: str
    trigger: str
    actor: str | None
    dates: tuple[date, ...]
    dry_run: bool
    not_before: datetime | None
    requested_at: datetime
    started_at: datetime | None
    completed_at: datetime | None
    status: str
    counts: dict[str, int]
    scopes: tuple[ScopeView, ...]
    error: tuple[str, str] | None
    progress: dict[str, Any] | None
    preview: dict[str, Any] | None
    note: str | None
    cancel_requested: bool
    cancelled_by: str | None
    skipped_reasons: dict[str, int]
    requests_made: int | None = None
    undone: dict[str, Any] | None = None

    @property
    def is_over(self) -> bool:
        """True when nothing about it will change any more."""
        return self.status not in (RunStatus.QUEUED, RunStatus.RUNNING)


@dataclass(frozen=True, slots=True)
class RunPage:
    """Newest first. `next` is the cursor of the following page, None at the end."""

    current: RunView | None
    items: tuple[RunView, ...]
    next: int | None


def get_run(connection_id: int, run_id: int) -> RunView:
    """One run with its scopes. Raises NotFound."""
    with reading() as session:
        _must_exist(session, connection_id)
        run = session.scalar(
            select(SyncRun).where(SyncRun.id == run_id, SyncRun.pms_connection_id == connection_id)
        )
        if run is None:
            raise NotFound("run")
        return _views(session, [run])[0]


def list_runs(connection_id: int, limit: int = PAGE_SIZE, before_id: int | None = None) -> RunPage:
    """Runs of a connection, and the one in progress. Raises NotFound, Invalid (limit 1 to 100)."""
    if not 1 <= limit <= PAGE_SIZE_LIMIT:
        raise Invalid({"limit": f"Ask for 1 to {PAGE_SIZE_LIMIT} runs at a time."})
    with reading() as session:
        _must_exist(session, connection_id)
        query = select(SyncRun).where(SyncRun.pms_connection_id == connection_id)
        if before_id is not None:
            query = query.where(SyncRun.id < before_id)
        rows = list(session.scalars(query.order_by(SyncRun.id.desc()).limit(limit + 1)))
        views = _views(session, rows[:limit])
        return RunPage(
            current_run(session, connection_id), views, views[-1].id if len(rows) > limit else None
        )


def current_run(session: Session, connection_id: int) -> RunView | None:
    """The run in progress, else the first one queued."""
    row = session.scalar(
        select(SyncRun)
        .where(SyncRun.pms_connection_id == connection_id, SyncRun.status.in_(("running", "queued")))
        .order_by(SyncRun.status.desc(), SyncRun.id)
        .limit(1)
    )
    return _views(session, [row])[0] if row else None


def current_runs(session: Session) -> dict[int, RunView]:
    """The run in progress, else the first one queued, of every connection that has one."""
    rows = session.scalars(
        select(SyncRun)
        .where(SyncRun.status.in_(("running", "queued")))
        .order_by(SyncRun.status, SyncRun.id.desc())
    )
    latest = {row.pms_connection_id: row for row in rows}
    return {view.connection_id: view for view in _views(session, list(latest.values()))}


def days_not_whole(connection_ids: Sequence[int]) -> dict[int, frozenset[date]]:
    """Of each connection's last update that came to an end: the days of the lists that were not read whole, or of which
    something was kept aside."""
    if not connection_ids:
        return {}
    found: dict[int, set[date]] = {}
    with reading() as session:
        last = (
            select(func.max(SyncRun.id))
            .where(
                SyncRun.pms_connection_id.in_(connection_ids),
                SyncRun.dry_run.is_(False),
                SyncRun.status.in_((RunStatus.SUCCESS, RunStatus.PARTIAL)),
            )
            .group_by(SyncRun.pms_connection_id)
        )
        rows = session.execute(
            select(SyncRun.pms_connection_id, SyncScope.date)
            .join(SyncScope, SyncScope.run_id == SyncRun.id)
            .where(SyncRun.id.in_(last), (SyncScope.outcome != "complete") | (SyncScope.failed > 0))
        )
        for connection_id, day in rows:
            found.setdefault(connection_id, set()).add(day)
    return {connection_id: frozenset(listed) for connection_id, listed in found.items()}


def cancel_run(connection_id: int, run_id: int, actor: Actor) -> RunView:
    """Ask a run to stop; a queued one ends at once. Raises NotFound, and Conflict RUN-OVER when it has ended."""
    now = clock.now()
    with writing() as session:
        run = session.scalar(
            select(SyncRun).where(SyncRun.id == run_id, SyncRun.pms_connection_id == connection_id)
        )
        if run is None:
            raise NotFound("run")
        if run.status not in (RunStatus.QUEUED, RunStatus.RUNNING):
            raise Conflict("RUN-OVER", "This update has already ended.")
        run.cancel_requested_at = now
        run.cancel_requested_by = actor.name
        if run.status == RunStatus.QUEUED:
            run.status, run.completed_at = RunStatus.CANCELLED.value, now
            run.error_code, run.error_message = "RUN-CANCELLED", "The update was cancelled"
            run.error_details = error_details("RUN-CANCELLED", ())
        audit.record(session, actor, "run.cancel", f"run:{run_id}", {"connection_id": connection_id})
        session.flush()
        return _views(session, [run])[0]


def _must_exist(session: Session, connection_id: int) -> None:
    if session.scalar(select(PMSConnection.id).where(PMSConnection.id == connection_id)) is None:
        raise NotFound("connection")


def _views(session: Session, runs: Sequence[SyncRun]) -> tuple[RunView, ...]:
    scopes: dict[int, list[ScopeView]] = {}
    if runs:
        rows = session.scalars(
            select(SyncScope).where(SyncScope.run_id.in_([run.id for run in runs])).order_by(SyncScope.id)
        )
        for row in rows:
            scopes.setdefault(row.run_id, []).append(_scope_view(row))
    return tuple(_view(run, tuple(scopes.get(run.id, ()))) for run in runs)


def without_lists(run: SyncRun) -> RunView:
    """One run as a line of a list shows it: its numbers, not its lists."""
    return _view(run, ())


def _view(run: SyncRun, scopes: tuple[ScopeView, ...]) -> RunView:
    preview = dict(run.preview) if run.preview else None
    if preview is not None:
        scopes = tuple(_previewed(scope, run) for scope in preview.pop("scopes", ()))
    return RunView(
        id=run.id,
        connection_id=run.pms_connection_id,
        sync_type=run.sync_type,
        trigger=run.trigger,
        actor=run.actor,
        dates=tuple(date.fromisoformat(day) for day in run.dates),
        dry_run=run.dry_run,
        not_before=run.not_before,
        requested_at=run.requested_at,
        started_at=run.started_at,
        completed_at=run.completed_at,
        status=run.status,
        counts=_counts_of(run, scopes),
        scopes=scopes,
        error=(run.error_code, run.error_message or "") if run.error_code else None,
        progress=run.progress,
        preview=preview,
        note=run.note,
        cancel_requested=run.cancel_requested_at is not None,
        cancelled_by=run.cancel_requested_by,
        skipped_reasons=run.skipped_reasons or {},
        requests_made=run.requests_made,
        undone=run.undone,
    )


def _counts_of(run: SyncRun, scopes: tuple[ScopeView, ...]) -> dict[str, int]:
    """A run's numbers: its own once it has ended, what its scopes have counted so far before that."""
    if run.status == RunStatus.RUNNING or (run.status == RunStatus.INTERRUPTED and scopes):
        return {name: sum(scope.counts[name] for scope in scopes) for name in COUNTS}
    return {name: getattr(run, column) for name, column in RUN_COUNTS.items()}


def _previewed(scope: Mapping[str, Any], run: SyncRun) -> ScopeView:
    """A list as a preview read it; no receipt follows from that, so no row of its own is kept."""
    return ScopeView(
        pms_practitioner_id=scope["pms_practitioner_id"],
        name=scope["name"],
        date=date.fromisoformat(scope["date"]),
        outcome=scope["outcome"],
        counts={name: scope["counts"].get(name, 0) for name in COUNTS},
        error_code=scope["error_code"],
        expected=None,
        matched=None,
        differences=None,
        checked_at=run.completed_at or run.requested_at,
    )


def _scope_view(row: SyncScope) -> ScopeView:
    return ScopeView(
        pms_practitioner_id=row.pms_practitioner_id,
        name=row.name,
        date=row.date,
        outcome=row.outcome,
        counts={name: getattr(row, name) for name in COUNTS},
        error_code=row.error_code,
        expected=row.expected,
        matched=row.matched,
        differences=row.differences,
        checked_at=row.checked_at,
    )
