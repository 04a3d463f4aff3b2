"""What a vendor lists: practitioners and appointment types, stored beside what the clinic decided about them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from pmsapp.domain.appointment import AppointmentType, Practitioner
from pmsapp.models import PMSAppointmentType, PMSClinicianMapping
from pmsapp.models.upsert import upsert
from pmsapp.services import open_decisions


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
    known = set(
        session.scalars(
            select(PMSClinicianMapping.pms_practitioner_id).where(
                PMSClinicianMapping.connection_id == connection_id
            )
        )
    )
    rows = [
        {
            "connection_id": connection_id,
            "pms_practitioner_id": one.external_id,
            "pms_practitioner_name": one.name,
            "active": one.active,
            "shown_in_appointment_book": one.shown_in_appointment_book,
            "decision": "undecided",
            "first_seen_at": now,
            "last_seen_at": now,
        }
        for one in practitioners
    ]
    upsert(
        session,
        PMSClinicianMapping,
        rows,
        keys=["connection_id", "pms_practitioner_id"],
        update=["pms_practitioner_name", "active", "shown_in_appointment_book", "last_seen_at"],
    )
    fresh = [one for one in practitioners if one.external_id not in known]
    if announce and known:
        for one in fresh:
            if one.active and one.shown_in_appointment_book:
                open_decisions.open_one(
                    session,
                    kind="practitioner_new",
                    subject=f"practitioner:{connection_id}:{one.external_id}",
                    connection_id=connection_id,
                    theirs={"pms_practitioner_id": one.external_id, "name": one.name},
                    now=now,
                )
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
    known = set(
        session.scalars(
            select(PMSAppointmentType.pms_type_id).where(PMSAppointmentType.connection_id == connection_id)
        )
    )
    rows = [
        {
            "connection_id": connection_id,
            "pms_type_id": one.external_id,
            "name": one.name,
            "default_duration_minutes": one.default_duration_min,
            "colour": one.colour,
            "active": one.active,
            "pms_is_telehealth": one.is_telehealth,
            "sync_enabled": True,
            "suggested": one.suggested,
            "evidence": one.evidence,
            "first_seen_at": now,
            "last_seen_at": now,
        }
        for one in types
    ]
    update = [
        "name",
        "default_duration_minutes",
        "colour",
        "active",
        "pms_is_telehealth",
        "suggested",
        "evidence",
    ]
    upsert(
        session,
        PMSAppointmentType,
        rows,
        keys=["connection_id", "pms_type_id"],
        update=[*update, "last_seen_at"],
    )
    fresh = [one for one in types if one.external_id not in known]
    if announce and known:
        for one in fresh:
            if one.active and one.suggested and one.is_telehealth is None:
                open_decisions.open_one(
                    session,
                    kind="type_new",
                    subject=f"type:{connection_id}:{one.external_id}",
                    connection_id=connection_id,
                    theirs={"pms_type_id": one.external_id, "name": one.name},
                    now=now,
                )
    return [one.external_id for one in fresh]
