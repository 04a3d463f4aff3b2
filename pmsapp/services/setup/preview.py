"""Step 5 of a set-up: what the first update would put on the sheet, from the real day, and how it would be asked for.

The preview is a dry run: the very plans a real run writes, written nowhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import func, select

from pmsapp.domain.actor import Actor
from pmsapp.domain.appointment import Presence
from pmsapp.domain.sync.reconcile import Change
from pmsapp.domain.sync.rules import SkipReason
from pmsapp.domain.sync_state import RunStatus
from pmsapp.domain.window import day_of
from pmsapp.models import (
    PMSAppointmentType,
    PMSClinicianMapping,
    RunSheet,
    RunSheetAppointment,
    RunSheetClinician,
    SyncRun,
)
from pmsapp.services.base import audit
from pmsapp.services.base.errors import ServiceError
from pmsapp.services.base.transaction import reading, writing
from pmsapp.services.clinic import clinic
from pmsapp.services.connections.rows import get_row
from pmsapp.services.runs import history as run_history
from pmsapp.services.runs import requests as run_requests
from pmsapp.services.runs.history import RunView

SET_UP = "setup"
_STANDS = frozenset({"created", Change.RESTORED, Change.RETURNED, Change.CHANGED})
_MOVES = frozenset({Change.MOVED_DAY, Change.MOVED_CLINICIAN, Change.MOVED_TIME})


@dataclass(frozen=True, slots=True, repr=False)
class Visit:
    """One patient's appointment in the preview. `column`: where it would stand; `reason`: why it would not.

    `needs_decision`: it is left out, or marked, because somebody has not said what is to become of it.
    """

    start_at: datetime
    patient_name: str | None
    practitioner: str | None
    type_name: str | None
    column: str | None = None
    reason: str | None = None
    needs_decision: bool = False


@dataclass(frozen=True, slots=True)
class Preview:
    """The newest preview. `run` None: none was asked for. `is_current`: made under the decisions as they stand."""

    run: RunView | None
    visits: tuple[tuple[date, tuple[Visit, ...]], ...] = ()
    is_current: bool = False

    @property
    def is_ready(self) -> bool:
        """True when it shows the real day."""
        return bool(self.run and self.run.preview is not None and self.is_current)

    def appearing(self, day: date) -> int:
        """How many cards would stand on the sheet of that day."""
        return sum(visit.column is not None for on, visits in self.visits if on == day for visit in visits)


def ask(connection_id: int, actor: Actor) -> None:
    """Have a preview made. What comes of it, `latest` says; raises NotFound, and Conflict while there is no login."""
    run_requests.request_run(connection_id, actor=actor, trigger=SET_UP, dry_run=True)


def ask_quietly(connection_id: int, actor: Actor) -> None:
    """The same where it is no matter of now: the page that needs it offers to ask again."""
    try:
        ask(connection_id, actor)
    except ServiceError:
        return


def drop_waiting(connection_id: int, actor: Actor) -> None:
    """A preview that nobody has begun to make is not needed once updates start."""
    current = run_history.list_runs(connection_id, limit=1).current
    if current is not None and current.dry_run and current.status == RunStatus.QUEUED:
        run_history.cancel_run(connection_id, current.id, actor)


def latest(connection_id: int) -> Preview:
    """The newest preview of a connection, with everybody's appointments of the days it read, by time. Raises NotFound."""
    with reading() as session:
        version = get_row(session, connection_id).config_version
        zone = get_row(session, connection_id).time_zone
        run_id = session.scalar(
            select(SyncRun.id)
            .where(SyncRun.pms_connection_id == connection_id, SyncRun.dry_run)
            .order_by(SyncRun.id.desc())
            .limit(1)
        )
        mapping = PMSClinicianMapping
        named = session.execute(
            select(mapping.pms_practitioner_id, mapping.pms_practitioner_name).where(
                mapping.pms_connection_id == connection_id
            )
        ).all()
        people: dict[str, str] = {row.pms_practitioner_id: row.pms_practitioner_name for row in named}
        listed = session.execute(select(RunSheetClinician.id, RunSheetClinician.name)).all()
        columns: dict[int, str] = {row.id: row.name for row in listed}
    if run_id is None:
        return Preview(None)
    run = run_history.get_run(connection_id, run_id)
    if run.preview is None:
        return Preview(run, is_current=not run.is_over)
    visits = _visits(run.preview, people, columns)
    days = {day: tuple(visit for visit in visits if day_of(visit.start_at, zone) == day) for day in run.dates}
    is_current = run.preview.get("config_version") == version
    return Preview(run, tuple(sorted(days.items())), is_current)


def note_names_shown(connection_id: int, actor: Actor) -> None:
    """Somebody asked for the names of a preview: that goes into the log."""
    with writing() as session:
        audit.record(session, actor, "connection.preview_names_shown", f"connection:{connection_id}")


def cards_today(connection_id: int) -> int:
    """How many of its cards stand on today's sheet."""
    with reading() as session:
        return (
            session.scalar(
                select(func.count())
                .select_from(RunSheetAppointment)
                .join(RunSheet, RunSheet.id == RunSheetAppointment.run_sheet_id)
                .where(
                    RunSheetAppointment.pms_connection_id == connection_id,
                    RunSheetAppointment.presence == Presence.ON_SHEET.value,
                    RunSheet.date == clinic.today(session),
                )
            )
            or 0
        )


def exceptions(connection_id: int) -> int:
    """Types about which somebody has said more than the practice software does."""
    with reading() as session:
        return (
            session.scalar(
                select(func.count()).where(
                    PMSAppointmentType.pms_connection_id == connection_id,
                    PMSAppointmentType.is_telehealth.is_not(None),
                )
            )
            or 0
        )


def _visits(preview: Mapping[str, Any], people: Mapping[str, str], columns: Mapping[int, str]) -> list[Visit]:
    found = [
        Visit(
            start_at=datetime.fromisoformat(card["start_at"]),
            patient_name=card["patient_name"],
            practitioner=_name(people, card),
            type_name=card.get("appointment_type"),
            column=columns.get(card["clinician_id"], "Unassigned"),
            needs_decision=bool(card.get("is_unsure")),
        )
        for card in preview["cards"]
        if card["start_at"] and card["change"] in _STANDS | _MOVES
    ]
    found += [
        Visit(
            start_at=datetime.fromisoformat(row["start_at"]),
            patient_name=row["patient_name"],
            practitioner=_name(people, row),
            type_name=row["appointment_type"],
            reason=row["reason"],
            needs_decision=row["reason"] == SkipReason.PRACTITIONER_UNDECIDED,
        )
        for row in preview.get("not_shown", ())
    ]
    return _by_time(found)


def _name(people: Mapping[str, str], row: Mapping[str, Any]) -> str | None:
    return people.get(row.get("pms_practitioner_id") or "")


def _by_time(visits: Sequence[Visit]) -> list[Visit]:
    return sorted(
        visits, key=lambda visit: (visit.start_at, visit.practitioner or "", visit.patient_name or "")
    )
