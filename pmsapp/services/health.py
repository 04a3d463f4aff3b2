"""How the installation is, in numbers: for the health page and for monitoring. No patient data, no names."""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError

from pmsapp import clock
from pmsapp.models import Decision, SyncRun
from pmsapp.services import beats, connections, database
from pmsapp.services.transaction import reading


@dataclass(frozen=True, slots=True)
class ConnectionHealth:
    """One connection: its state and how old its data is (None: never read)."""

    id: int
    pms_type: str
    state: str
    data_age_s: float | None


@dataclass(frozen=True, slots=True)
class Health:
    """All of it at one moment."""

    connections: tuple[ConnectionHealth, ...] = ()
    runs_by_status: dict[str, int] = field(default_factory=dict)
    open_decisions: int = 0
    beat_age_s: dict[str, float] = field(default_factory=dict)


def is_ready() -> bool:
    """True when the database answers and its tables are this program's."""
    try:
        return database.versions().is_current
    except SQLAlchemyError:
        return False


def is_well() -> bool:
    """True when the database answers and no process that ever lived has fallen silent."""
    try:
        return all(beat.is_alive for beat in beats.list_beats())
    except SQLAlchemyError:
        return False


def measure() -> Health:
    """Everything monitoring may know, read now."""
    now = clock.now()
    with reading() as session:
        by_status = session.execute(select(SyncRun.status, func.count()).group_by(SyncRun.status)).all()
        waiting = select(func.count()).select_from(Decision).where(Decision.state == "open")
        open_decisions = session.scalar(waiting) or 0
    listed = tuple(
        ConnectionHealth(
            view.id,
            view.pms_type,
            str(view.state),
            (now - view.freshness.as_of).total_seconds() if view.freshness.as_of else None,
        )
        for view in connections.list_connections()
    )
    return Health(
        connections=listed,
        runs_by_status={row[0]: row[1] for row in by_status},
        open_decisions=open_decisions,
        beat_age_s={beat.name: (now - beat.at).total_seconds() for beat in beats.list_beats()},
    )
