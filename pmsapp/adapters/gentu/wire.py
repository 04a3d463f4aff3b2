"""Gentu's JSON to our words. Pure: no network, no clock; nothing raises on odd data but `BrokenRecordError`.

Source: Healthcare API v1.0.0, schemas Appointment, AppointmentType, ListUser, Patient, Tenant; the meanings of the
statuses are those of the Bookings API's `POST appointments`. Keys we do not know are ignored.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, NamedTuple

from pmsapp.adapters.parsing.text import (
    clean_email,
    clean_id,
    clean_phone,
    clean_text,
    join_notes,
    parse_date,
    parse_instant,
    person_name,
    telehealth_words,
    whole_minutes,
)
from pmsapp.domain.appointment import (
    AppointmentStatus,
    AppointmentType,
    Patient,
    Practitioner,
    UnifiedAppointment,
)
from pmsapp.domain.window import is_zone

STATUSES = {
    "none": AppointmentStatus.BOOKED,
    "confirmed": AppointmentStatus.CONFIRMED,
    "in_waiting_room": AppointmentStatus.ARRIVED,
    "with_doctor": AppointmentStatus.IN_PROGRESS,
    "completed": AppointmentStatus.COMPLETED,
    "invoiced": AppointmentStatus.COMPLETED,
    "cancelled": AppointmentStatus.CANCELLED,
    "did_not_arrive": AppointmentStatus.NO_SHOW,
}
# Statuses under which a noted arrival says more than the status.
_BEFORE_ARRIVAL = frozenset({"none", "confirmed"})
UNNAMED = "(no name)"
_MINUTE = timedelta(minutes=1)
_COLOUR = re.compile(r"#[0-9A-Fa-f]{3,8}", re.ASCII)


class BrokenRecordError(ValueError):
    """A record lacks what it cannot do without. The message is a short sentence without data."""

    def __init__(self, reason: str, external_id: str | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.external_id = external_id


@dataclass(frozen=True, slots=True)
class Tenant:
    """A practice as `GET /tenants/{id}` tells it."""

    external_id: str | None
    name: str | None
    time_zone: str | None
    zone_was_odd: bool


def parse_tenant(data: Any) -> Tenant:
    """Read one tenant; everything but the id may be null. A zone this machine does not know is None."""
    record = data if isinstance(data, dict) else {}
    zone = clean_text(record.get("timezone"))
    known = zone is not None and is_zone(zone)
    return Tenant(
        external_id=clean_id(record.get("tenantId")),
        name=clean_text(record.get("tenantName")),
        time_zone=zone if known else None,
        zone_was_odd=zone is not None and not known,
    )


def parse_tenant_access(data: Any) -> dict[str, bool]:
    """The practices paired with the app: id -> whether the practice still allows access. Raises BrokenRecordError."""
    if not isinstance(data, list):
        raise BrokenRecordError("the list of practices is no list")
    found: dict[str, bool] = {}
    for record in data:
        tenant_id = clean_id(record.get("tenantId")) if isinstance(record, dict) else None
        if tenant_id is not None:
            found[tenant_id] = fold_word(record.get("tenantAccess")) != "disabled"
    return found


def parse_practitioner(record: Any) -> Practitioner:
    """Read one ListUser. Raises BrokenRecordError without an id; missing marks count as active and shown."""
    external_id = _required_id(record)
    name = record.get("name")
    name = name if isinstance(name, dict) else {}
    given, family = clean_text(name.get("given")), clean_text(name.get("family"))
    prefix = clean_text(name.get("prefix"))
    return Practitioner(
        external_id=external_id,
        name=person_name(given, family) or prefix or UNNAMED,
        active=record.get("active") is not False,
        shown_in_appointment_book=record.get("shownInAppointmentBook") is not False,
        given=given,
        family=family,
        prefix=prefix,
        provider_number=_provider_number(record.get("identifier")),
    )


def _provider_number(identifiers: Any) -> str | None:
    """The Medicare provider number; lists of practitioners may leave it out."""
    for identifier in identifiers if isinstance(identifiers, list) else ():
        if isinstance(identifier, dict) and str(identifier.get("system", "")).endswith(
            "medicare-provider-number"
        ):
            return clean_text(identifier.get("value"))
    return None


def parse_type(record: Any) -> AppointmentType:
    """Read one appointment type; its label is `text`. `onlineBookable` says nothing about telehealth."""
    external_id = _required_id(record)
    name = clean_text(record.get("text")) or UNNAMED
    colour = clean_text(record.get("colour"))
    suggested, evidence = telehealth_words(name)
    return AppointmentType(
        external_id=external_id,
        name=name,
        default_duration_min=whole_minutes(record.get("duration")),
        colour=colour if colour and _COLOUR.fullmatch(colour) else None,
        suggested=suggested,
        evidence=evidence,
    )


def parse_patient(record: Any) -> Patient:
    """Read one patient. The first name is the `firstname` extension, else the first word of `given`."""
    external_id = _required_id(record)
    name = record.get("name")
    name = name if isinstance(name, dict) else {}
    given = clean_text(name.get("given"))
    phone, email = _contacts(record)
    return Patient(
        external_id=external_id,
        name=person_name(given.split()[0] if given else None, name.get("family"), _first_name(record)),
        birth_date=parse_date(record.get("birthDate")),
        phone=phone,
        email=email,
        has_died=_has_died(record.get("deceased")),
    )


class Visit(NamedTuple):
    """An appointment as read, before it is split by patient. `patients` pairs each id with its arrival."""

    external_id: str
    start_at: datetime
    duration_min: int | None
    type_external_id: str | None
    status_word: str | None
    status_raw: str | None
    notes: str | None
    cancelled_at: datetime | None
    providers: tuple[str, ...]
    patients: tuple[tuple[str, datetime | None], ...]


def parse_visit(record: Any) -> Visit:
    """Read one appointment. Raises BrokenRecordError without an id, a start with an offset, or participants."""
    external_id = _required_id(record)
    start_at = parse_instant(record.get("startAt"))
    if start_at is None:
        raise BrokenRecordError("its start is missing or no time with an offset", external_id)
    participants = record.get("participant")
    if not isinstance(participants, list):
        raise BrokenRecordError("its participants are missing", external_id)
    raw_type = record.get("appointmentType")
    providers, arrivals = _people(participants, external_id)
    return Visit(
        external_id=external_id,
        start_at=start_at,
        duration_min=_duration_min(record, start_at),
        type_external_id=clean_id(raw_type.get("reference")) if isinstance(raw_type, dict) else None,
        status_word=fold_word(record.get("status")),
        status_raw=clean_text(record.get("status"), 60),
        notes=join_notes((record.get("comment"), record.get("description"))),
        cancelled_at=_cancelled_at(record),
        providers=tuple(dict.fromkeys(providers)),
        patients=tuple(arrivals.items()),
    )


def unify(
    visit: Visit,
    patients: Mapping[str, Patient],
    *,
    practitioner_id: str | None,
    type_duration_min: int | None,
) -> list[UnifiedAppointment]:
    """One item per patient, or one without. `practitioner_id`: whose list it came from, None for a single look-up; it
    counts only where the visit names nobody.

    A patient that is not in `patients` becomes one without a name.
    """
    pairs: list[tuple[Patient | None, datetime | None]] = [
        (patients.get(patient_id) or Patient(patient_id, None), arrived_at)
        for patient_id, arrived_at in visit.patients
    ]
    is_estimate = visit.duration_min is None and type_duration_min is not None
    return [
        UnifiedAppointment(
            external_id=visit.external_id,
            practitioner_external_id=practitioner_of(visit, practitioner_id),
            patient=patient,
            start_at=visit.start_at,
            duration_min=type_duration_min if is_estimate else visit.duration_min,
            duration_estimated=is_estimate,
            status=status_of(visit.status_word, arrived_at),
            status_raw=visit.status_raw,
            status_is_known=visit.status_word is None or visit.status_word in STATUSES,
            type_external_id=visit.type_external_id,
            notes=visit.notes,
            arrived_at=arrived_at,
            cancelled_at=visit.cancelled_at,
            practitioner_ids=visit.providers if len(visit.providers) > 1 else (),
        )
        for patient, arrived_at in pairs or [(None, None)]
    ]


def status_of(word: str | None, arrived_at: datetime | None) -> AppointmentStatus:
    """Our status for a folded Gentu word; an arrival noted on none or confirmed counts as arrived."""
    if arrived_at is not None and word in _BEFORE_ARRIVAL:
        return AppointmentStatus.ARRIVED
    return STATUSES.get(word or "", AppointmentStatus.BOOKED)


def practitioner_of(visit: Visit, asked: str | None) -> str | None:
    """The first one the visit names; the practitioner asked for only where it names nobody."""
    return visit.providers[0] if visit.providers else asked


def fold_word(value: object) -> str | None:
    """ "In Waiting-Room" -> "in_waiting_room"; None for anything that is no text."""
    return _fold(value) if isinstance(value, str) else None


@lru_cache(maxsize=512)
def _fold(word: str) -> str | None:
    """The vendor's words are few, and each comes a thousand times a day."""
    text = clean_text(word, 60)
    return re.sub(r"[\s_-]+", "_", text.casefold()) if text else None


def _required_id(record: Any) -> str:
    if not isinstance(record, dict):
        raise BrokenRecordError("it is no object")
    external_id = clean_id(record.get("id"))
    if external_id is None:
        raise BrokenRecordError("its id is missing")
    return external_id


def _records(value: Any) -> list[Mapping[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _first_name(record: Mapping[str, Any]) -> str | None:
    for extension in _records(record.get("extension")):
        if fold_word(extension.get("system")) == "firstname":
            return clean_text(extension.get("valueString"))
    return None


def _rank(contact: Mapping[str, Any]) -> float:
    rank = contact.get("rank")
    return float("inf") if isinstance(rank, bool) or not isinstance(rank, int | float) else float(rank)


def _contacts(record: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """The best-ranked mobile, else the best-ranked other phone; and the best-ranked email."""
    mobile = other = email = None
    for contact in sorted(_records(record.get("contact")), key=_rank):
        system = fold_word(contact.get("system"))
        if system == "email":
            email = email or clean_email(contact.get("value"))
        elif system == "phone" and fold_word(contact.get("use")) == "mobile":
            mobile = mobile or clean_phone(contact.get("value"))
        elif system == "phone":
            other = other or clean_phone(contact.get("value"))
    return mobile or other, email


def _has_died(value: Any) -> bool | None:
    """True when the patient's `deceased` says so in either of its two ways, else None."""
    mark = value if isinstance(value, dict) else {}
    said = mark.get("deceasedBoolean") is True or clean_text(mark.get("deceasedDateTime")) is not None
    return said or None


def _duration_min(record: Mapping[str, Any], start_at: datetime) -> int | None:
    """End minus start where the end comes later, else the minutes given, else None."""
    end_at = parse_instant(record.get("endAt"))
    if end_at is not None:
        minutes = whole_minutes((end_at - start_at) / _MINUTE)
        if minutes is not None:
            return minutes
    return whole_minutes(record.get("minutesDuration"))


def _cancelled_at(record: Mapping[str, Any]) -> datetime | None:
    for extension in _records(record.get("extension")):
        if fold_word(extension.get("system")) == "cancelled_at":
            found = parse_instant(extension.get("valueDateTime"))
            if found is not None:
                return found
    return None


def _people(participants: list[Any], external_id: str) -> tuple[list[str], dict[str, datetime | None]]:
    """The providers, and each patient once with the arrival noted at any of their entries."""
    providers: list[str] = []
    arrivals: dict[str, datetime | None] = {}
    for participant in _records(participants):
        kind, reference = (
            fold_word(participant.get("referenceType")),
            clean_id(participant.get("referenceId")),
        )
        if kind == "patient":
            if reference is None:
                raise BrokenRecordError("a patient has no id", external_id)
            arrived_at = parse_instant(participant.get("arrivedAt"))
            arrivals[reference] = arrivals.get(reference) or arrived_at
        elif kind == "provider" and reference is not None:
            providers.append(reference)
    return providers, arrivals
