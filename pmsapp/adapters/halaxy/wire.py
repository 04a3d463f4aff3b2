"""Halaxy FHIR JSON -> domain. Nothing here crosses the network.

Source: Halaxy's API reference (Appointment, Patient, Practitioner, PractitionerRole, Organization,
HealthcareService) and published clients, read 2026-11-22; see NOTES.md. Appointments have no top-level status:
it stands on each patient's participant. They name a role, not a person: roles lead to practitioners.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pmsapp.adapters.halaxy.fhir import Ref, extension, fold, id_of, items, parse_ref, plain_value
from pmsapp.adapters.halaxy.location import is_named_telehealth, telehealth_evidence
from pmsapp.adapters.halaxy.people import STAFF_PREFIX
from pmsapp.adapters.parsing.text import (
    MAX_NOTE,
    clean_text,
    parse_instant,
    shape_of,
    telehealth_words,
    whole_minutes,
)
from pmsapp.domain.appointment import (
    AppointmentStatus,
    AppointmentType,
    BadRecord,
    Patient,
    UnifiedAppointment,
)

CLINIC_PREFIX = "CL-"
PRACTICE_PREFIX = "PG-"

# Keys are folded (lower case, no spaces, hyphens or underscores).
STATUSES: Mapping[str, AppointmentStatus] = {
    "booked": AppointmentStatus.BOOKED,
    "checkresponse": AppointmentStatus.BOOKED,
    "confirmed": AppointmentStatus.CONFIRMED,
    "attended": AppointmentStatus.CONFIRMED,  # Halaxy sets it by itself at start time
    "arrived": AppointmentStatus.ARRIVED,
    "didnotattend": AppointmentStatus.NO_SHOW,
    "noshow": AppointmentStatus.NO_SHOW,
    "nonattendance": AppointmentStatus.NO_SHOW,
    "cancelled": AppointmentStatus.CANCELLED,
    "canceled": AppointmentStatus.CANCELLED,
    "cancelled(nocharge)": AppointmentStatus.CANCELLED,
    "rejected": AppointmentStatus.CANCELLED,
}


@dataclass(frozen=True, slots=True)
class Role:
    """One practitioner at one clinic."""

    external_id: str
    practitioner_id: str | None
    organization_id: str | None
    active: bool = True
    provider_number: str | None = None


@dataclass(frozen=True, slots=True)
class Organization:
    """A clinic (CL-) or practice group (PG-), where it is, and the group it is part of."""

    external_id: str
    name: str | None
    part_of: str | None = None
    state: str | None = None
    postcode: str | None = None
    city: str | None = None


@dataclass(frozen=True, slots=True)
class Tables:
    """The reference data appointments are read with: roles and appointment types by id."""

    roles: Mapping[str, Role] = field(default_factory=dict)
    types: Mapping[str, AppointmentType] = field(default_factory=dict)


def parse_role(resource: Mapping[str, Any]) -> Role | None:
    """A staff role; None for an external contact (EP-) or a row without an id."""
    external_id = id_of(resource)
    if external_id is None or not external_id.startswith(STAFF_PREFIX):
        return None
    person, place = parse_ref(resource.get("practitioner")), parse_ref(resource.get("organization"))
    return Role(
        external_id,
        person.id if person and person.id.startswith(STAFF_PREFIX) else None,
        place.id if place else None,
        resource.get("active") is not False,
        clean_text(plain_value(extension(resource, "provider-number") or {}), 40),
    )


def parse_organization(resource: Mapping[str, Any]) -> Organization | None:
    """A clinic or practice group with the first address that names a state."""
    external_id = id_of(resource)
    if external_id is None:
        return None
    places = items(resource.get("address"))
    place: Mapping[str, Any] = next(
        (each for each in places if each.get("state")), places[0] if places else {}
    )
    return Organization(
        external_id,
        clean_text(resource.get("name"), 200),
        group.id if (group := parse_ref(resource.get("partOf"))) else None,
        clean_text(place.get("state"), 60),
        clean_text(place.get("postalCode"), 10),
        clean_text(place.get("city"), 100),
    )


def parse_type(resource: Mapping[str, Any]) -> AppointmentType | None:
    """A HealthcareService as an appointment type. Halaxy has no telehealth mark on it: the name only suggests."""
    external_id = id_of(resource)
    if external_id is None:
        return None
    name = clean_text(resource.get("name"), 200) or "(no name)"
    suggested, evidence = telehealth_words(name)
    return AppointmentType(
        external_id,
        name,
        default_duration_min=_type_duration(resource),
        active=resource.get("active") is not False,
        suggested=suggested,
        evidence=evidence,
    )


def parse_appointment(
    resource: Mapping[str, Any], tables: Tables, patients: Mapping[str, Patient]
) -> list[UnifiedAppointment] | BadRecord:
    """One item per patient of the appointment; one without a patient for a break or a meeting.

    A patient not in `patients` keeps the id and has no name.
    """
    people = [(each, parse_ref(each.get("actor"))) for each in items(resource.get("participant"))]
    practitioner_ids = _practitioner_ids([ref for _, ref in people if ref], tables)
    practitioner_id = next(iter(practitioner_ids), None)
    external_id = id_of(resource)
    if external_id is None:
        return _bad("An appointment has no id", None, practitioner_id, resource)
    start_at = parse_instant(resource.get("start"))
    if start_at is None:
        return _bad("The start time cannot be read", external_id, practitioner_id, resource)
    if any(ref is None and _raw_status(each) for each, ref in people):
        return _bad("A patient has no id", external_id, practitioner_id, resource)
    row = _Row(resource, external_id, practitioner_ids, start_at, tables)
    attending = [(each, ref) for each, ref in people if ref and ref.kind == "Patient"]
    if not attending:
        return [row.item(None, None)]
    unique = {ref.id: each for each, ref in reversed(attending)}
    return [row.item(each, patients.get(key) or Patient(key, None)) for key, each in reversed(unique.items())]


@dataclass(frozen=True, slots=True)
class _Row:
    resource: Mapping[str, Any]
    external_id: str
    practitioner_ids: tuple[str, ...]
    start_at: datetime
    tables: Tables

    def item(self, participant: Mapping[str, Any] | None, patient: Patient | None) -> UnifiedAppointment:
        visit_type_id = type_id(self.resource)
        known_type = self.tables.types.get(visit_type_id) if visit_type_id else None
        minutes, estimated = _duration(self.resource, self.start_at, known_type)
        raw = _raw_status(participant)
        status = STATUSES.get(fold(raw), AppointmentStatus.BOOKED) if raw else AppointmentStatus.BOOKED
        cancelled = status is AppointmentStatus.CANCELLED
        return UnifiedAppointment(
            external_id=self.external_id,
            practitioner_external_id=next(iter(self.practitioner_ids), None),
            patient=patient,
            start_at=self.start_at,
            duration_min=minutes,
            status=status,
            status_raw=clean_text(raw, 40),
            status_is_known=not raw or fold(raw) in STATUSES,
            duration_estimated=estimated,
            type_external_id=visit_type_id,
            type_name=known_type.name if known_type else None,
            telehealth_evidence=_telehealth(self.resource, participant, known_type),
            notes=clean_text(self.resource.get("description"), MAX_NOTE, lines=True),
            cancellation_reason=_cancellation_reason(self.resource) if cancelled else None,
            practitioner_ids=self.practitioner_ids if len(self.practitioner_ids) > 1 else (),
        )


def patient_ids(resource: Mapping[str, Any]) -> list[str]:
    """The ids of the patients an appointment names."""
    refs = (parse_ref(each.get("actor")) for each in items(resource.get("participant")))
    return [ref.id for ref in refs if ref and ref.kind == "Patient"]


def role_ids(resource: Mapping[str, Any]) -> list[str]:
    """The ids of the staff roles an appointment names."""
    refs = (parse_ref(each.get("actor")) for each in items(resource.get("participant")))
    return [ref.id for ref in refs if ref and _is_staff_role(ref)]


def type_id(resource: Mapping[str, Any]) -> str | None:
    """The id of the appointment's type, or None: a practice need not use types."""
    refs = (parse_ref(item) for item in items(resource.get("supportingInformation")))
    return next((ref.id for ref in refs if ref and ref.kind == "HealthcareService"), None)


def _is_staff_role(ref: Ref) -> bool:
    return ref.kind == "PractitionerRole" and ref.id.startswith(STAFF_PREFIX)


def _practitioner_ids(refs: Iterable[Ref], tables: Tables) -> tuple[str, ...]:
    """Everybody of staff the appointment names, each once; one person may come under two roles."""
    found: dict[str, None] = {}
    for ref in refs:
        if _is_staff_role(ref):
            role = tables.roles.get(ref.id)
            if role and role.practitioner_id:
                found[role.practitioner_id] = None
        elif ref.kind == "Practitioner" and ref.id.startswith(STAFF_PREFIX):
            found[ref.id] = None
    return tuple(found)


def _telehealth(
    resource: Mapping[str, Any], participant: Mapping[str, Any] | None, known_type: AppointmentType | None
) -> bool | None:
    """The location type, else the words of the appointment type's name, else unknown."""
    said = telehealth_evidence(resource, participant)
    if said is None and known_type is not None and is_named_telehealth(known_type.name):
        return True
    return said


def _raw_status(participant: Mapping[str, Any] | None) -> str | None:
    if participant is None:
        return None
    found = extension(participant, "appointment-participant-status", ("modifierExtension", "extension"))
    return plain_value(found) if found else None


def _duration(
    resource: Mapping[str, Any], start_at: datetime, known_type: AppointmentType | None
) -> tuple[int | None, bool]:
    """(minutes, estimated): the end, the stated minutes, the type's own length, or unknown."""
    end_at = parse_instant(resource.get("end"))
    minutes = whole_minutes((end_at - start_at).total_seconds() / 60) if end_at else None
    minutes = minutes or whole_minutes(resource.get("minutesDuration"))
    if minutes is not None:
        return minutes, False
    return (known_type.default_duration_min if known_type else None), True


def _type_duration(resource: Mapping[str, Any]) -> int | None:
    found = extension(resource, "duration")
    quantity = found.get("valueQuantity") if found else None
    if not isinstance(quantity, dict):
        return None
    minutes = whole_minutes(quantity.get("value"))
    unit = fold(str(quantity.get("unit") or quantity.get("code") or "minute"))
    return minutes * 60 if minutes and unit in ("h", "hr", "hour", "hours") else minutes


def _cancellation_reason(resource: Mapping[str, Any]) -> str | None:
    reason = resource.get("cancellationReason")
    if isinstance(reason, dict):
        coding = next(iter(items(reason.get("coding"))), {})
        reason = reason.get("text") or coding.get("display") or coding.get("code")
    return clean_text(reason, 200)


def _bad(
    reason: str, external_id: str | None, practitioner_id: str | None, resource: Mapping[str, Any]
) -> BadRecord:
    return BadRecord(reason, external_id, practitioner_id, shape_of(resource))
