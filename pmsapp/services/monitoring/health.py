"""How the installation is, in numbers: for the health page and for monitoring. No patient data, no names."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import InstrumentedAttribute, Session

from pmsapp import clock
from pmsapp.domain.ages import age
from pmsapp.models import AlertDelivery, Decision, Incident, SyncRun
from pmsapp.observability import logs
from pmsapp.services.base import metrics
from pmsapp.services.base.metrics import Count
from pmsapp.services.base.transaction import reading
from pmsapp.services.connections import connections
from pmsapp.services.connections.connections import ConnectionView
from pmsapp.services.maintenance import backup, database
from pmsapp.services.monitoring import conditions, disk, process_heartbeats, task_table
from pmsapp.services.runs import queue as run_queue
from pmsapp.services.runs.queue import QueueState
from pmsapp.services.sheet import days


@dataclass(frozen=True, slots=True)
class ConnectionHealth:
    """One connection: its state, how old its data is (None: not known), and how far off its next run is."""

    id: int
    pms_type: str
    state: str
    data_age_s: float | None
    next_run_in_s: float | None


@dataclass(frozen=True, slots=True)
class Health:
    """All of it at one moment. `counts` only ever grow; `backup_age_s` is None without a backup."""

    connections: tuple[ConnectionHealth, ...] = ()
    runs_by_status: dict[str, int] = field(default_factory=dict)
    runs_waiting: int = 0
    open_decisions: int = 0
    open_incidents: dict[str, int] = field(default_factory=dict)
    alerts_waiting: int = 0
    beat_age_s: dict[str, float] = field(default_factory=dict)
    task_failures: dict[str, int] = field(default_factory=dict)
    queue: QueueState = QueueState(answers=False)
    backup_age_s: float | None = None
    disk_free_bytes: int = 0
    counts: tuple[Count, ...] = ()


def is_ready() -> bool:
    """True when people would see their pages, on this program's tables, and in clinic hours no data is out of date."""
    try:
        return database.versions().is_current and why_pages_fail() is None and not _is_stale()
    except SQLAlchemyError:
        return False


def why_pages_fail() -> str | None:
    """Do what the pages do that everybody looks at: None when they can be drawn, else which cannot, in a sentence.

    Whatever a row holds that the pages cannot read is met here too.
    """
    looks: dict[str, Callable[[], object]] = {
        "today's run sheet": days.read_day,
        "the list of connections": connections.list_connections,
    }
    for name, look in looks.items():
        try:
            look()
        except Exception as error:  # noqa: BLE001 - whatever it is, people would see an error page
            logs.record_bug(error, "looking whether pages can be drawn", page=name)
            return f"{name[:1].upper()}{name[1:]} cannot be shown."
    return None


def is_well() -> bool:
    """True when the database answers and no process that ever lived has fallen silent."""
    try:
        return all(beat.is_alive for beat in process_heartbeats.list_beats())
    except SQLAlchemyError:
        return False


def _is_stale() -> bool:
    with reading() as session:
        return bool(conditions.stale_connections(session, clock.now()))


def measure() -> Health:
    """Everything monitoring may know, read now."""
    now = clock.now()
    with reading() as session:
        by_status = _counted(session, SyncRun.status)
        decisions = _number(session, Decision.state == "open")
        by_severity = _counted(session, Incident.severity, _SHOWN)
        undelivered = _number(
            session, AlertDelivery.delivered.is_(False), AlertDelivery.next_try_at.is_not(None)
        )
    last_backup = backup.latest()
    return Health(
        connections=tuple(_connection(view, now) for view in connections.list_connections()),
        runs_by_status=by_status,
        runs_waiting=by_status.get("queued", 0),
        open_decisions=decisions,
        open_incidents=by_severity,
        alerts_waiting=undelivered,
        beat_age_s={
            beat.name: age_s
            for beat in process_heartbeats.list_beats()
            if (age_s := _age_s(beat.at, now)) is not None
        },
        task_failures={task.name: task.failures for task in task_table.list_tasks()},
        queue=run_queue.get_state(),
        backup_age_s=_age_s(last_backup.made_at, now) if last_backup else None,
        disk_free_bytes=disk.free_bytes(),
        counts=tuple(metrics.list_counts()),
    )


_SHOWN = Incident.ended_at.is_(None) & Incident.opened_at.is_not(None)


def _connection(view: ConnectionView, now: datetime) -> ConnectionHealth:
    as_of, next_at = view.freshness.as_of, view.next_sync_at
    return ConnectionHealth(
        view.id,
        view.pms_type,
        str(view.state),
        _age_s(as_of, now),
        (next_at - now).total_seconds() if next_at else None,
    )


def _age_s(at: datetime | None, now: datetime) -> float | None:
    """Seconds since then; None when nobody knows."""
    passed = age(at, now)
    return None if passed is None else passed.total_seconds()


def _counted(
    session: Session, column: InstrumentedAttribute[str], *where: ColumnElement[bool]
) -> dict[str, int]:
    rows = session.execute(select(column, func.count()).where(*where).group_by(column)).all()
    return {row[0]: row[1] for row in rows}


def _number(session: Session, *where: ColumnElement[bool]) -> int:
    return session.scalar(select(func.count()).where(*where)) or 0
