"""Toybox JSON -> domain. Nothing here crosses the network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pmsapp.adapters.parsing.text import (
    MAX_NOTE,
    clean_email,
    clean_id,
    clean_phone,
    clean_text,
    parse_date,
    parse_instant,
    person_name,
    shape_of,
    telehealth_words,
    whole_minutes,
)
from pmsapp.domain.appointment import (
    AppointmentStatus,
    AppointmentType,
    BadRecord,
    Patient,
    Practitioner,
    UnifiedAppointment,
)

STATES = {
    "new": AppointmentStatus.BOOKED,
    "sure": AppointmentStatus.CONFIRMED,
    "due": AppointmentStatus.CONFIRMED,
    "here": AppointmentStatus.ARRIVED,
    "off": AppointmentStatus.CANCELLED,
    "absent": AppointmentStatus.NO_SHOW,
}


def parse_person(row: Any) -> Practitioner | None:
    """A member of staff; None when there is no id."""
    external_id = clean_id(row.get("id")) if isinstance(row, dict) else None
    if external_id is None:
        return None
    name = person_name(row.get("given"), row.get("family")) or external_id
    return Practitioner(external_id, name, row.get("works") is not False, row.get("listed") is not False)


def parse_style(row: Any) -> AppointmentType | None:
    """A style of visit; None when there is no id."""
    external_id = clean_id(row.get("id")) if isinstance(row, dict) else None
    if external_id is None:
        return None
    name = clean_text(row.get("name")) or external_id
    suggested, evidence = telehealth_words(name)
    length, active = whole_minutes(row.get("minutes")), row.get("kept") is not False
    return AppointmentType(external_id, name, length, active=active, suggested=suggested, evidence=evidence)


def parse_patients(rows: Any) -> dict[str, Patient]:
    """Everybody who came along with a list, by id."""
    found = {}
    for row in rows if isinstance(rows, list) else []:
        external_id = clean_id(row.get("id")) if isinstance(row, dict) else None
        if external_id is not None:
            found[external_id] = Patient(
                external_id,
                person_name(row.get("given"), row.get("family"), row.get("called")),
                parse_date(row.get("born")),
                clean_phone(row.get("phone")),
                clean_email(row.get("email")),
            )
    return found


def parse_visit(
    row: Any, patients: Mapping[str, Patient], styles: Mapping[str, AppointmentType]
) -> list[UnifiedAppointment] | BadRecord:
    """One visit as a row per patient, or what is wrong with it."""
    if not isinstance(row, dict):
        return BadRecord("A row is not a visit", shape=shape_of(row))
    external_id, start_at = clean_id(row.get("id")), parse_instant(row.get("starts"))
    staff_id, guests = clean_id(row.get("staff")), row.get("guests")
    if external_id is None or start_at is None or not isinstance(guests, list):
        return BadRecord("A visit has no id, time or guests", external_id, staff_id, shape_of(row))
    style_id = clean_id(row.get("style"))
    style, remote = styles.get(style_id or ""), row.get("remote")
    rows = []
    for guest in guests or [None]:
        patient_id = clean_id(guest.get("id")) if isinstance(guest, dict) else None
        if guest is not None and patient_id is None:
            return BadRecord("A guest has no id", external_id, staff_id, shape_of(row))
        state = guest.get("state") if isinstance(guest, dict) else None
        rows.append(
            UnifiedAppointment(
                external_id=external_id,
                practitioner_external_id=staff_id,
                patient=patients.get(patient_id, Patient(patient_id, None)) if patient_id else None,
                start_at=start_at,
                duration_min=whole_minutes(row.get("minutes")),
                status=STATES.get(str(state).casefold(), AppointmentStatus.BOOKED),
                status_raw=clean_text(state),
                status_is_known=state is None or str(state).casefold() in STATES,
                type_external_id=style_id,
                type_name=style.name if style else None,
                telehealth_evidence=remote if isinstance(remote, bool) else None,
                notes=clean_text(row.get("note"), MAX_NOTE, lines=True),
            )
        )
    return rows
