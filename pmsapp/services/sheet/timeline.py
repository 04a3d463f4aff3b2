"""A card's timeline and a run's changes: what the PMS said, what staff did, when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from pmsapp.models import RunSheetAppointment, RunSheetClinician, RunSheetEvent
from pmsapp.models.upsert import table_of
from pmsapp.services.base.errors import NotFound
from pmsapp.services.base.transaction import reading

LIMIT = 500
EVENTS = table_of(RunSheetEvent)


@dataclass(frozen=True, slots=True, repr=False)
class EventView:
    """One line. `source`: pms, staff or system; `was` and `now`: the values before and after, by field."""

    id: int
    appointment_id: int
    run_id: int | None
    at: datetime
    source: str
    kind: str
    actor: str | None
    fields: tuple[str, ...]
    was: dict[str, Any]
    now: dict[str, Any]

    def __repr__(self) -> str:
        return f"EventView({self.id}, {self.kind})"


@dataclass(frozen=True, slots=True)
class RunChange:
    """A card a run changed: which, by its place on the sheet, and how. Nothing about the patient."""

    card_id: int
    start_at: datetime
    time_zone: str
    clinician: str | None
    kind: str
    fields: tuple[str, ...]


def record(
    session: Session,
    lines: Sequence[Mapping[str, Any]],
    source: str,
    at: datetime,
    *,
    actor: str | None = None,
    run_id: int | None = None,
) -> None:
    """Add lines to timelines, in one statement; each names its `appointment_id`, its `kind` and its `data`."""
    same = {"source": source, "at": at, "actor": actor, "run_id": run_id}
    if lines:
        session.execute(insert(EVENTS), [same | dict(line) for line in lines])


def of_card(card_id: int) -> list[EventView]:
    """Newest first. Raises NotFound."""
    with reading() as session:
        if session.scalar(select(RunSheetAppointment.id).where(RunSheetAppointment.id == card_id)) is None:
            raise NotFound("appointment")
        rows = session.scalars(
            select(RunSheetEvent)
            .where(RunSheetEvent.appointment_id == card_id)
            .order_by(RunSheetEvent.id.desc())
            .limit(LIMIT)
        )
        return [_view(row) for row in rows]


def of_run(run_id: int) -> list[EventView]:
    """Which cards a run changed, and how, in the order it did."""
    with reading() as session:
        rows = session.scalars(
            select(RunSheetEvent)
            .where(RunSheetEvent.run_id == run_id)
            .order_by(RunSheetEvent.id)
            .limit(LIMIT)
        )
        return [_view(row) for row in rows]


def changes_of_run(run_id: int) -> list[RunChange]:
    """Which cards a run changed, by where they stand at the PMS now, and how, in the order it did."""
    with reading() as session:
        rows = session.execute(
            select(
                RunSheetEvent.appointment_id,
                RunSheetAppointment.start_at,
                RunSheetAppointment.time_zone,
                RunSheetClinician.name,
                RunSheetEvent.kind,
                RunSheetEvent.data,
            )
            .join(RunSheetAppointment, RunSheetAppointment.id == RunSheetEvent.appointment_id)
            .outerjoin(RunSheetClinician, RunSheetClinician.id == RunSheetAppointment.clinician_id)
            .where(RunSheetEvent.run_id == run_id)
            .order_by(RunSheetEvent.id)
            .limit(LIMIT)
        ).all()
    return [
        RunChange(
            row.appointment_id,
            row.start_at,
            row.time_zone,
            row.name,
            row.kind,
            tuple((row.data or {}).get("fields", ())),
        )
        for row in rows
    ]


def _view(row: RunSheetEvent) -> EventView:
    data = row.data or {}
    return EventView(
        id=row.id,
        appointment_id=row.appointment_id,
        run_id=row.run_id,
        at=row.at,
        source=row.source,
        kind=row.kind,
        actor=row.actor,
        fields=tuple(data.get("fields", ())),
        was=data.get("was", {}),
        now=data.get("now", {}),
    )
