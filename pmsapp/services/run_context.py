"""What one run knows before it reads: the connection, the clinic's decisions, and whom to read."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from pmsapp.domain.rules import Decision, Rules, TypeRule
from pmsapp.models import PMSAppointmentType, PMSClinicianMapping, PMSConnection


@dataclass(frozen=True, slots=True)
class ReadTarget:
    """A practitioner whose list is read. `id` None stands for appointments without a practitioner."""

    id: str | None
    name: str | None
    clinician_id: int | None


@dataclass(frozen=True, slots=True)
class RunContext:
    """One run's fixed view of the world."""

    run_id: int
    connection_id: int
    pms_type: str
    rules: Rules
    targets: tuple[ReadTarget, ...]
    days: tuple[date, ...]
    dry_run: bool = False
    closed_days: frozenset[date] = field(default=frozenset())

    def target(self, practitioner_id: str | None) -> ReadTarget:
        """Who a practitioner id is; an unknown one is known by id alone."""
        for target in self.targets:
            if target.id == practitioner_id:
                return target
        clinician_id = self.rules.practitioners.get(practitioner_id or "", (None, None))[1]
        return ReadTarget(practitioner_id, None, clinician_id)


def load_rules(session: Session, connection_id: int) -> Rules:
    """The clinic's decisions about one connection."""
    connection = session.execute(
        select(PMSConnection.time_zone, PMSConnection.sync_telehealth_only).where(
            PMSConnection.id == connection_id
        )
    ).one()
    practitioners = session.execute(
        select(
            PMSClinicianMapping.pms_practitioner_id,
            PMSClinicianMapping.decision,
            PMSClinicianMapping.clinician_id,
        ).where(PMSClinicianMapping.connection_id == connection_id)
    )
    types = session.execute(
        select(
            PMSAppointmentType.pms_type_id,
            PMSAppointmentType.name,
            PMSAppointmentType.is_telehealth,
            PMSAppointmentType.pms_is_telehealth,
            PMSAppointmentType.sync_enabled,
            PMSAppointmentType.default_duration_minutes,
        ).where(PMSAppointmentType.connection_id == connection_id)
    )
    return Rules(
        zone=connection.time_zone,
        telehealth_only=connection.sync_telehealth_only,
        practitioners={
            row.pms_practitioner_id: (Decision(row.decision), row.clinician_id) for row in practitioners
        },
        types={
            row.pms_type_id: TypeRule(
                row.name,
                row.is_telehealth,
                row.pms_is_telehealth,
                row.sync_enabled,
                row.default_duration_minutes,
            )
            for row in types
        },
    )


def load_targets(session: Session, connection_id: int) -> tuple[ReadTarget, ...]:
    """Whose lists to read: everybody mapped, and the undecided who see patients, so that nobody is overlooked."""
    rows = session.execute(
        select(
            PMSClinicianMapping.pms_practitioner_id,
            PMSClinicianMapping.pms_practitioner_name,
            PMSClinicianMapping.clinician_id,
            PMSClinicianMapping.decision,
            PMSClinicianMapping.active,
            PMSClinicianMapping.shown_in_appointment_book,
        )
        .where(
            PMSClinicianMapping.connection_id == connection_id,
            PMSClinicianMapping.decision != Decision.IGNORED,
        )
        .order_by(PMSClinicianMapping.decision, PMSClinicianMapping.pms_practitioner_name)
    )
    return tuple(
        ReadTarget(row.pms_practitioner_id, row.pms_practitioner_name, row.clinician_id)
        for row in rows
        if row.decision == Decision.MAPPED or (row.active and row.shown_in_appointment_book)
    )
