"""A card's timeline and a run's changes: what the PMS said, what staff did, when."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import insert, or_, select
from sqlalchemy.orm import Session

from pmsapp import clock
from pmsapp.domain.window import day_of, day_start
from pmsapp.models import RunSheet, RunSheetAppointment, RunSheetClinician, RunSheetEvent
from pmsapp.models.upsert import table_of
from pmsapp.services.base.errors import NotFound
from pmsapp.services.base.transaction import reading
from pmsapp.services.clinic import clinic
from pmsapp.services.sheet.stored_cards import as_instant

LIMIT = 500
EVENTS = table_of(RunSheetEvent)


@dataclass(frozen=True, slots=True, repr=False)
class EventView:
    """One line. `source`: pms, staff or system; `was` and `now`: the values before and after, by field.

    `step`: from which state to which, where reception took one or took one back; `attempt`: what came of a call.
    `can_undo`: the last step, today's. `changed_at`: when the PMS says that it happened there, where it says so; `at` is
    when it was read. `identifiers`: by which a patient's identity was checked.
    """

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
    step: tuple[str, str] | None = None
    can_undo: bool = False
    attempt: str | None = None
    changed_at: datetime | None = None
    identifiers: tuple[str, ...] = ()

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


def record_one(
    session: Session, line: Mapping[str, Any], source: str, at: datetime, *, actor: str | None = None
) -> int:
    """Add one line to a timeline, as `record` does. Returns its id, which an undo names."""
    values = {"source": source, "at": at, "actor": actor, "run_id": None} | dict(line)
    event_id: int = session.execute(insert(EVENTS).values(values).returning(EVENTS.c.id)).scalar_one()
    return event_id


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
        ).all()
        views = [_view(row) for row in rows]
        last = _last_step(views)
        zone = clinic.time_zone(session)
    today = day_of(clock.now(), zone)
    return [
        replace(view, can_undo=view is last and day_of(view.at, zone) == today) if view.step else view
        for view in views
    ]


def _last_step(newest_first: Sequence[EventView]) -> EventView | None:
    """The newest step that was not taken back."""
    taken_back = 0
    for view in newest_first:
        if view.kind == "step_undone":
            taken_back += 1
        elif view.step is not None and taken_back:
            taken_back -= 1
        elif view.step is not None:
            return view
    return None


def of_run(run_id: int, day: date | None = None) -> list[EventView]:
    """Which cards a run changed, and how, in the order it did; with `day` only cards that stand or stood on it."""
    query = select(RunSheetEvent).where(RunSheetEvent.run_id == run_id)
    if day is not None:
        query = (
            query.join(RunSheetAppointment, RunSheetAppointment.id == RunSheetEvent.appointment_id)
            .join(RunSheet, RunSheet.id == RunSheetAppointment.run_sheet_id)
            .where(or_(RunSheet.date == day, RunSheetAppointment.moved_from_date == day))
        )
    with reading() as session:
        return [_view(row) for row in session.scalars(query.order_by(RunSheetEvent.id).limit(LIMIT))]


def of_day(card_ids: Sequence[int], since: datetime, *, kinds: Collection[str]) -> list[EventView]:
    """Lines of these kinds from `since` to the end of that local day, of these cards, in the order they came."""
    with reading() as session:
        zone = clinic.time_zone(session)
        until = day_start(day_of(since, zone) + timedelta(days=1), zone)
        rows = session.scalars(
            select(RunSheetEvent)
            .where(
                RunSheetEvent.appointment_id.in_(card_ids),
                RunSheetEvent.kind.in_(sorted(kinds)),
                RunSheetEvent.at >= since.astimezone(UTC),
                RunSheetEvent.at < until,
            )
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
        step=(data["from"], data["to"]) if "from" in data and "to" in data else None,
        attempt=data.get("attempt"),
        changed_at=as_instant(data["changed_at"]) if data.get("changed_at") else None,
        identifiers=tuple(data.get("identifiers", ())),
    )
