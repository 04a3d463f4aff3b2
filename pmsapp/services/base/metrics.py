"""Counters for monitoring: counted in memory, added to the database now and then, the same for every process.

A run ends in a process that ends with it, so what it counted is stored when it ends. Labels are fixed words (vendor,
kind of request, status), never ids of people or anything a vendor sent.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass

from flask import current_app
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError

from pmsapp.models import MetricCounter, PMSConnection, SyncRun, SyncScope
from pmsapp.models.upsert import insert_into, table_of
from pmsapp.observability import logs
from pmsapp.services.base.transaction import reading, writing

BUCKETS_S = (1, 2, 5, 10, 30, 60, 120, 300, 600)
_COUNTERS = table_of(MetricCounter)
_log = logs.get(__name__)

Labels = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Count:
    """One counter as stored."""

    name: str
    labels: dict[str, str]
    value: float


class Metrics:
    """What this process has counted and not stored yet. Safe for many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counted: dict[tuple[str, Labels], float] = {}

    def add(self, name: str, by: float = 1.0, **labels: str) -> None:
        """Count."""
        key = (name, tuple(sorted(labels.items())))
        with self._lock:
            self._counted[key] = self._counted.get(key, 0.0) + by

    def take(self) -> dict[tuple[str, Labels], float]:
        """What was counted since the last time."""
        with self._lock:
            taken, self._counted = self._counted, {}
        return taken

    def give_back(self, taken: dict[tuple[str, Labels], float]) -> None:
        """It could not be stored; keep it for the next time."""
        for (name, labels), by in taken.items():
            self.add(name, by, **dict(labels))

    def vendor_request(self, pms: str, kind: str, status: int, duration_s: float) -> None:
        """One request to a vendor was answered, or (status 0) was not."""
        self.add("vendor_requests", pms=pms, kind=kind, status=str(status))
        self.add("vendor_request_seconds", duration_s, pms=pms)

    def vendor_wait(self, pms: str, waited_s: float) -> None:
        """A request waited for its turn."""
        self.add("vendor_waits", pms=pms)
        self.add("vendor_wait_seconds", waited_s, pms=pms)


def current() -> Metrics:
    """The counters of the running app."""
    found: Metrics = current_app.extensions.setdefault("pmsapp_metrics", Metrics())
    return found


def flush() -> None:
    """Add what was counted to the stored counters. Never raises: what cannot be stored now is kept."""
    taken = current().take()
    if not taken:
        return
    rows = [{"name": name, "labels": dict(labels), "value": by} for (name, labels), by in taken.items()]
    try:
        with writing() as session:
            statement = insert_into(session, _COUNTERS)
            session.execute(
                statement.on_conflict_do_update(
                    index_elements=["name", "labels"],
                    set_={"value": _COUNTERS.c.value + statement.excluded.value},
                ),
                rows,
            )
    except SQLAlchemyError as error:
        current().give_back(taken)
        _log.warning("counters were not stored", error=type(error).__name__)


def note_run(run_id: int) -> None:
    """Count a run that has ended, and store everything its process counted. Never raises."""
    try:
        with reading() as session:
            run = session.execute(
                select(
                    PMSConnection.pms_type,
                    SyncRun.status,
                    SyncRun.trigger,
                    SyncRun.started_at,
                    SyncRun.completed_at,
                )
                .join(PMSConnection, PMSConnection.id == SyncRun.pms_connection_id)
                .where(SyncRun.id == run_id)
            ).one_or_none()
            scopes = session.execute(
                select(SyncScope.outcome, func.count())
                .where(SyncScope.run_id == run_id)
                .group_by(SyncScope.outcome)
            ).all()
    except SQLAlchemyError as error:
        _log.warning("a run was not counted", run_id=run_id, error=type(error).__name__)
        return
    metrics = current()
    if run is not None:
        metrics.add("runs", pms=run.pms_type, status=run.status, trigger=run.trigger)
        if run.started_at and run.completed_at:
            _note_duration(metrics, run.pms_type, (run.completed_at - run.started_at).total_seconds())
        for outcome, count in scopes:
            metrics.add("scopes", count, pms=run.pms_type, outcome=outcome)
    flush()


def list_counts(names: Iterable[str] | None = None) -> list[Count]:
    """The stored counters, by name and labels."""
    query = select(MetricCounter.name, MetricCounter.labels, MetricCounter.value)
    if names is not None:
        query = query.where(MetricCounter.name.in_(list(names)))
    with reading() as session:
        found = [Count(*row) for row in session.execute(query)]
    return sorted(found, key=lambda sample: (sample.name, sorted(sample.labels.items())))


def _note_duration(metrics: Metrics, pms: str, duration_s: float) -> None:
    """As a histogram is stored: how many took at most so long, how many there were, and how long together."""
    metrics.add("run_seconds_sum", max(0.0, duration_s), pms=pms)
    for limit in BUCKETS_S:
        if duration_s <= limit:
            metrics.add("run_seconds", pms=pms, le=str(limit))
    metrics.add("run_seconds", pms=pms, le="+Inf")
