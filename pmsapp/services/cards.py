"""Stored cards as the sheet shows them: PMS values with what staff typed laid over them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Row, select
from sqlalchemy.orm import Session

from pmsapp.cipher import KeyRing
from pmsapp.domain.appointment import Presence
from pmsapp.domain.merge import EDITABLE, Override, OverrideState, as_stored, staff_value_shows
from pmsapp.domain.runsheet import Card, EditedField
from pmsapp.domain.window import day_of
from pmsapp.services import secrets
from pmsapp.services.stored_cards import CARDS, IN_FORCE, OVERRIDES, as_instant, chunks


def load_cards(session: Session, ring: KeyRing, where: Sequence[ColumnElement[bool]]) -> list[Card]:
    """Every card that matches, in two statements whatever their number."""
    rows = session.execute(select(CARDS).where(*where)).all()
    typed = _typed_over(session, [row.id for row in rows])
    return [_card(row, typed.get(row.id, ()), ring) for row in rows]


def _typed_over(session: Session, card_ids: Sequence[int]) -> dict[int, list[Row[Any]]]:
    found: dict[int, list[Row[Any]]] = {}
    for part in chunks(card_ids, 20_000):
        query = select(OVERRIDES).where(OVERRIDES.c.appointment_id.in_(part), OVERRIDES.c.state.in_(IN_FORCE))
        for row in session.execute(query.order_by(OVERRIDES.c.id)):
            found.setdefault(row.appointment_id, []).append(row)
    return found


def _card(row: Row[Any], typed: Sequence[Row[Any]], ring: KeyRing) -> Card:
    columns = dict(row._mapping)
    edited = []
    for one in typed:
        rule = EDITABLE[one.field]
        pms_value = as_stored(columns[rule.column])
        edited.append(
            EditedField(
                one.field, one.value, pms_value, one.by, one.at, one.state == OverrideState.CONFLICT.value
            )
        )
    for one in typed:
        override = Override(one.id, one.field, one.value, one.base_value, OverrideState(one.state))
        if staff_value_shows(override):
            columns[EDITABLE[one.field].column] = (
                as_instant(one.value) if one.field == "start_at" else one.value
            )
    is_pms = columns["pms_appointment_id"] is not None
    place = (row.pms_connection_id, row.pms_appointment_id, row.pms_patient_id)
    return Card(
        id=row.id,
        row_version=row.row_version,
        date=day_of(columns["start_at"], row.time_zone),
        start_at=columns["start_at"],
        time_zone=row.time_zone,
        duration_minutes=columns["appointment_duration_minutes"],
        clinician_id=columns["clinician_id"],
        patient_name=columns["patient_name"],
        patient_dob=row.patient_dob,
        patient_phone=columns["patient_phone"],
        patient_email=columns["patient_email"],
        appointment_type=row.appointment_type_name,
        appointment_status=row.appointment_status,
        is_telehealth=columns["is_telehealth"],
        presence=Presence(row.presence),
        state=row.state,
        notes=row.notes,
        pms_notes=row.pms_notes,
        source="pms" if is_pms else "manual",
        pms_connection_id=row.pms_connection_id,
        pms_appointment_id=row.pms_appointment_id,
        pms_patient_id=row.pms_patient_id or None,
        pms_practitioner_id=row.pms_practitioner_id,
        pms_last_synced_at=row.pms_last_synced_at,
        edited=tuple(edited),
        host_link=secrets.open_link(ring, row.host_link_sealed, *place, "host") if is_pms else None,
        patient_link=secrets.open_link(ring, row.patient_link_sealed, *place, "patient") if is_pms else None,
        presence_reason=row.presence_reason,
        presence_at=row.presence_at,
        acknowledged_at=row.acknowledged_at,
        moved_from_at=row.moved_from_at,
        returned_at=row.returned_at,
        duration_estimated=row.duration_estimated,
        time_odd=row.time_odd,
        unknown_status=row.pms_status_raw,
        patient_has_died=bool(row.patient_has_died),
    )
