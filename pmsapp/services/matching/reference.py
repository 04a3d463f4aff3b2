"""What a vendor lists: practitioners and appointment types, stored beside what the clinic decided about them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from pmsapp.domain.appointment import AppointmentType, Practitioner
from pmsapp.domain.sync.rules import MappingDecision
from pmsapp.models import PMSAppointmentType, PMSClinicianMapping
from pmsapp.models.upsert import upsert
from pmsapp.services.sheet import questions


def store_practitioners(
    session: Session,
    connection_id: int,
    practitioners: Sequence[Practitioner],
    now: datetime,
    *,
    announce: bool = True,
) -> list[str]:
    """Keep the vendor's practitioner list; decisions stay untouched. Returns ids never seen before.

    `announce`: open a decision for each new one that is active and shown (not during set-up).
    """
    mapping = PMSClinicianMapping
    known = set(
        session.scalars(select(mapping.pms_practitioner_id).where(mapping.pms_connection_id == connection_id))
    )
    upsert(
        session,
        mapping,
        [_practitioner_row(connection_id, one, now) for one in practitioners],
        keys=["pms_connection_id", "pms_practitioner_id"],
        update=["pms_practitioner_name", "active", "shown_in_appointment_book", "last_seen_at", "updated_at"],
    )
    fresh = [one for one in practitioners if one.external_id not in known]
    for one in fresh if announce and known else ():
        if one.active and one.shown_in_appointment_book:
            named = {"pms_practitioner_id": one.external_id, "name": one.name}
            _ask(session, "practitioner", connection_id, one.external_id, named, now)
    return [one.external_id for one in fresh]


def store_types(
    session: Session,
    connection_id: int,
    types: Sequence[AppointmentType],
    now: datetime,
    *,
    announce: bool = True,
) -> list[str]:
    """Keep the vendor's type list; decisions stay untouched. Returns ids never seen before.

    `announce`: open a decision for each new active type whose name suggests telehealth and that nothing marks.
    """
    kind = PMSAppointmentType
    known = set(session.scalars(select(kind.pms_type_id).where(kind.pms_connection_id == connection_id)))
    update = [
        "pms_type_name",
        "default_duration_minutes",
        "colour",
        "active",
        "pms_is_telehealth",
        "suggested",
    ]
    upsert(
        session,
        kind,
        [_type_row(connection_id, one, now) for one in types],
        keys=["pms_connection_id", "pms_type_id"],
        update=[*update, "evidence", "last_seen_at", "updated_at"],
    )
    fresh = [one for one in types if one.external_id not in known]
    for one in fresh if announce and known else ():
        if one.active and one.suggested and one.is_telehealth is None:
            named = {"pms_type_id": one.external_id, "name": one.name}
            _ask(session, "type", connection_id, one.external_id, named, now)
    return [one.external_id for one in fresh]


def _ask(
    session: Session, kind: str, connection_id: int, external_id: str, named: dict[str, str], now: datetime
) -> None:
    """Ask a person about something the vendor lists for the first time."""
    questions.open_question(
        session,
        kind=f"{kind}_new",
        subject=f"{kind}:{connection_id}:{external_id}",
        connection_id=connection_id,
        theirs=named,
        now=now,
    )


def _practitioner_row(connection_id: int, one: Practitioner, now: datetime) -> dict[str, Any]:
    return {
        "pms_connection_id": connection_id,
        "pms_practitioner_id": one.external_id,
        "pms_practitioner_name": one.name,
        "active": one.active,
        "shown_in_appointment_book": one.shown_in_appointment_book,
        "decision": MappingDecision.UNDECIDED.value,
        "first_seen_at": now,
        "last_seen_at": now,
        "updated_at": now,
    }


def _type_row(connection_id: int, one: AppointmentType, now: datetime) -> dict[str, Any]:
    return {
        "pms_connection_id": connection_id,
        "pms_type_id": one.external_id,
        "pms_type_name": one.name,
        "default_duration_minutes": one.default_duration_min,
        "colour": one.colour,
        "active": one.active,
        "pms_is_telehealth": one.is_telehealth,
        "sync_enabled": True,
        "suggested": one.suggested,
        "evidence": one.evidence,
        "first_seen_at": now,
        "last_seen_at": now,
        "updated_at": now,
    }
