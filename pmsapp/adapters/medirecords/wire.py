"""MediRecords JSON -> domain. Nothing here crosses the network; every value may be missing, null or "".

Source: MediRecords Connect REST v1 as seen in published clients, read 2026-11-22; see NOTES.md for what is known
and what is assumed. Times are the practice's wall clock without a zone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pmsapp.adapters.medirecords.durations import KNOWN_INTERVALS_MIN, parse_code, parse_duration_min
from pmsapp.adapters.parsing.text import (
    MAX_NOTE,
    MAX_VISIT_YEAR,
    MIN_VISIT_YEAR,
    clean_email,
    clean_id,
    clean_phone,
    clean_text,
    parse_date,
    person_name,
    shape_of,
    telehealth_words,
)
from pmsapp.domain.appointment import (
    AppointmentStatus,
    AppointmentType,
    BadRecord,
    Patient,
    Practitioner,
    TelehealthLinks,
    UnifiedAppointment,
)
from pmsapp.domain.window import local_to_utc

STATUSES: Mapping[int, AppointmentStatus] = {
    2: AppointmentStatus.BOOKED,
    3: AppointmentStatus.CONFIRMED,
    4: AppointmentStatus.ARRIVED,
    5: AppointmentStatus.IN_PROGRESS,
    6: AppointmentStatus.COMPLETED,  # at billing: the visit itself is over
    7: AppointmentStatus.COMPLETED,
    8: AppointmentStatus.CANCELLED,
}
TITLES: Mapping[int, str] = {
    315890000: "Mr",
    315890001: "Mrs",
    315890002: "Ms",
    315890003: "Miss",
    315890004: "Dr",
    315890005: "Prof",
    315890012: "Mx",
}
ACTIVE_TYPE = 1
MAX_LINK = 2000
LOCAL_MINUTE_CHARS = len("2026-11-23T09:15")


@dataclass(frozen=True, slots=True)
class Practice:
    """What the practice object says of itself."""

    external_id: str | None
    name: str | None
    state: str | None
    postcode: str | None
    city: str | None


@dataclass(frozen=True, slots=True)
class Tables:
    """The reference data rows are read with: the zone, types by id, minutes by interval code."""

    zone: str
    types: Mapping[str, AppointmentType] = field(default_factory=dict)
    intervals_min: Mapping[int, int] = field(default_factory=dict)


def parse_practice(body: Mapping[str, Any]) -> Practice:
    """The practice's name and address parts."""
    return Practice(
        clean_id(body.get("id")),
        clean_text(body.get("practiceName"), 200),
        clean_text(body.get("stateCode"), 60),
        clean_text(body.get("postcode"), 10),
        clean_text(body.get("city"), 100),
    )


def parse_practitioner(row: Mapping[str, Any]) -> Practitioner | BadRecord:
    """A provider row. A title code nobody knows gives no title."""
    external_id = clean_id(row.get("id"))
    if external_id is None:
        return BadRecord("A provider has no id", shape=shape_of(row))
    given, family = clean_text(row.get("firstName"), 120), clean_text(row.get("lastName"), 120)
    title = row.get("titleCode")
    code = parse_code(title)
    status = row.get("status")
    return Practitioner(
        external_id,
        person_name(given, family) or unnamed(external_id),
        active=not isinstance(status, str) or status.strip().casefold() in ("", "active"),
        given=given,
        family=family,
        prefix=TITLES.get(code) if code is not None else None,
        provider_number=clean_text(row.get("providerNumber"), 40),
    )


def unnamed(practitioner_id: str) -> str:
    """What a provider is called while MediRecords does not give a name."""
    return f"Clinician {practitioner_id[:8]}"


def parse_type(row: Mapping[str, Any]) -> AppointmentType | BadRecord:
    """An appointment-type row; its own telehealth flag is the vendor's mark."""
    external_id = clean_id(row.get("id"))
    if external_id is None:
        return BadRecord("An appointment type has no id", shape=shape_of(row))
    name = clean_text(row.get("name"), 200) or "(no name)"
    flag = row.get("telehealth")
    suggested, evidence = telehealth_words(name)
    return AppointmentType(
        external_id,
        name,
        default_duration_min=parse_duration_min(row.get("duration")),
        colour=clean_text(row.get("colour"), 20),
        active=parse_code(row.get("activeStatus")) in (ACTIVE_TYPE, None),
        is_telehealth=flag if isinstance(flag, bool) else None,
        suggested=suggested,
        evidence=evidence,
    )


def parse_patient(body: Mapping[str, Any], external_id: str) -> Patient:
    """A patient: preferred or first name, then family name; else the full name; mobile before home before work."""
    family = clean_text(body.get("lastName"))
    if body.get("oneNameOnly") is True and family:
        name: str | None = family
    else:
        name = person_name(body.get("firstName"), family, body.get("preferredName"))
    if family is None:
        name = clean_text(body.get("fullName")) or name
    phones = (clean_phone(body.get(key)) for key in ("mobilePhone", "homePhone", "workPhone"))
    return Patient(
        external_id,
        name,
        birth_date=parse_date(body.get("dob")),
        phone=next((phone for phone in phones if phone), None),
        email=clean_email(body.get("email")),
        has_died=clean_text(body.get("dateOfDeath"), 40) is not None or None,
    )


def parse_local(value: object) -> datetime | None:
    """The wall-clock minute of a scheduleTime; seconds and anything after them are not read. None if unreadable."""
    if not isinstance(value, str) or len(value) < LOCAL_MINUTE_CHARS or value[10] != "T":
        return None
    try:
        minute = datetime.fromisoformat(value[:LOCAL_MINUTE_CHARS])
    except ValueError:
        return None
    return minute if minute.tzinfo is None and MIN_VISIT_YEAR < minute.year < MAX_VISIT_YEAR else None


def parse_appointment(row: Mapping[str, Any], tables: Tables) -> UnifiedAppointment | BadRecord:
    """An appointment row, its patient still a bare id (name None); `with_patient` completes it.

    Units: start_at UTC-aware. `time_odd` marks a wall-clock time that does not exist or exists twice that day.
    """
    external_id = clean_id(row.get("id"))
    practitioner_id = clean_id(row.get("providerId"))
    if external_id is None:
        return _bad("An appointment has no id", None, practitioner_id, row)
    local = parse_local(row.get("scheduleTime"))
    if local is None:
        return _bad("The start time cannot be read", external_id, practitioner_id, row)
    start_at, odd = local_to_utc(local, tables.zone)
    type_id, patient_id = clean_id(row.get("appointmentTypeId")), clean_id(row.get("patientId"))
    known_type = tables.types.get(type_id) if type_id else None
    minutes, estimated = _duration(row.get("appointmentIntervalCode"), known_type, tables.intervals_min)
    links = TelehealthLinks(
        _link(row.get("telehealthLinkForProvider")), _link(row.get("telehealthLinkForPatient"))
    )
    raw = row.get("appointmentStatus")
    code = parse_code(raw)
    status = STATUSES.get(code, AppointmentStatus.BOOKED) if code is not None else AppointmentStatus.BOOKED
    return UnifiedAppointment(
        external_id=external_id,
        practitioner_external_id=practitioner_id,
        patient=Patient(patient_id, None) if patient_id else None,
        start_at=start_at,
        duration_min=minutes,
        status=status,
        status_raw=str(code) if code is not None else clean_text(raw, 40),
        status_is_known=raw is None or code in STATUSES,
        duration_estimated=estimated,
        type_external_id=type_id,
        type_name=known_type.name if known_type else None,
        telehealth_evidence=_telehealth(row, known_type),
        links=links,
        notes=clean_text(row.get("notes"), MAX_NOTE, lines=True),
        time_odd=odd,
    )


def with_patient(item: UnifiedAppointment, patient: Patient | None) -> UnifiedAppointment:
    """The same appointment with the patient's details; `patient` None (could not be read) leaves the name unknown."""
    return item if patient is None else item._replace(patient=patient)


def _duration(
    code: object, known_type: AppointmentType | None, table: Mapping[int, int]
) -> tuple[int | None, bool]:
    """(minutes, estimated): the vendor's table, the four known pairs, the type's own length, or unknown."""
    number = parse_code(code)
    if number is not None:
        minutes = table.get(number) or KNOWN_INTERVALS_MIN.get(number)
        if minutes:
            return minutes, False
    return (known_type.default_duration_min if known_type else None), True


def _telehealth(row: Mapping[str, Any], known_type: AppointmentType | None) -> bool | None:
    """A link of either kind says yes; without one the type's flag decides; without that nobody knows."""
    for key in ("telehealthLinkForProvider", "telehealthLinkForPatient"):
        if isinstance(row.get(key), str) and row[key].strip():
            return True
    return known_type.is_telehealth if known_type else None


def _link(value: object) -> str | None:
    """A join address as it was sent, or None: "" means none, and only web addresses are ever opened."""
    text = value.strip() if isinstance(value, str) else ""
    plain = len(text) <= MAX_LINK and text.isprintable() and " " not in text
    return text if plain and text.lower().startswith(("https://", "http://")) else None


def _bad(
    reason: str, external_id: str | None, practitioner_id: str | None, row: Mapping[str, Any]
) -> BadRecord:
    return BadRecord(reason, external_id, practitioner_id, shape_of(row))
