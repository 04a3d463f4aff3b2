"""Appointments drawn as Halaxy shows them: no status at the top, a role instead of a person, an offset that may be UTC's."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from pmsapp.sandbox.clinic.clinic import Clinic
from pmsapp.sandbox.clinic.model import Appointment
from pmsapp.sandbox.core.vendor import Json
from pmsapp.sandbox.halaxy.objects import EXTENSIONS, Refs

_CODES = "https://au-api.halaxy.com/presets/CodeSystem/appointment-participant-status"
_ATTENDER = {
    "coding": [
        {
            "system": "http://terminology.hl7.org/CodeSystem/v3-ParticipationType",
            "code": "ATND",
            "display": "attender",
        }
    ]
}
WORDS = {
    "booked": "booked",
    "confirmed": "confirmed",
    "arrived": "arrived",
    "in_progress": "attended",
    "completed": "attended",
    "billed": "attended",
    "no_show": "did not attend",
    "cancelled": "cancelled",
}


@dataclass(frozen=True, slots=True)
class Style:
    """How appointments are written. `offsets`: utc, local, mixed, no_seconds; `location`: item, appointment,
    participant, modifier, coding, type, reference, display, absent; `hyphens` joins words of a status."""

    refs: Refs
    offsets: str = "local"
    location: str = "item"
    hyphens: bool = False


def status_word(clinic: Clinic, row: Appointment, patient_key: str) -> str | None:
    """The patient's status in Halaxy's words, which turns to attended by itself at the start; None = none is shown."""
    word = clinic.status_of_patient(row, patient_key).word
    if word in ("booked", "confirmed", None) and clinic.now() >= row.start_at:
        return "attended"
    if word is None:
        return "check response" if row.number % 2 else None
    return WORDS[word]


def draw_appointment(clinic: Clinic, row: Appointment, style: Style) -> Json:
    """An appointment with its participants."""
    drawn: Json = {
        "resourceType": "Appointment",
        "id": clinic.appointment_id("halaxy", row),
        "start": _time(clinic, row.start_at, row, style),
        "end": _time(clinic, row.start_at + timedelta(minutes=row.duration_min), row, style),
        "minutesDuration": row.duration_min,
        "created": (row.created_at or row.start_at).astimezone(UTC).isoformat(timespec="seconds"),
        "participant": [_role(clinic, row.practitioner_key or "", row.site_key, style)]
        + [_role(clinic, key, clinic.practitioner(key).site_keys[0], style) for key in row.also_with]
        + [_attendee(clinic, row, key, style) for key in row.patient_keys],
        "meta": {"lastUpdated": _stamp(row.changed_at or row.created_at or row.start_at)},
    }
    if row.comment or row.description:
        drawn["description"] = row.comment or row.description
    supporting = []
    if row.type_key:
        supporting.append(style.refs.to("HealthcareService", clinic.id_of("halaxy", "type", row.type_key)))
    place = _place(row, style)
    if place is not None:
        supporting.append(place)
    if supporting:
        drawn["supportingInformation"] = supporting
    if row.mode and style.location == "appointment":
        drawn["extension"] = [_location(row.mode)]
    status = clinic.status_of(row)
    if status.word == "cancelled" and status.cancel_reason and row.number % 2:
        drawn["cancellationReason"] = {"text": status.cancel_reason}
    return drawn


def _role(clinic: Clinic, practitioner_key: str, site_key: str, style: Style) -> Json:
    role_id = clinic.role_id(practitioner_key, site_key)
    return {"type": [_ATTENDER], "actor": style.refs.to("PractitionerRole", role_id)}


def _attendee(clinic: Clinic, row: Appointment, patient_key: str, style: Style) -> Json:
    attendee: Json = {"actor": style.refs.to("Patient", clinic.id_of("halaxy", "patient", patient_key))}
    word = status_word(clinic, row, patient_key)
    if word is not None:
        word = word.replace(" ", "-") if style.hyphens else word
        coding = {"system": _CODES, "code": word, "display": word}
        attendee["modifierExtension"] = [
            {"url": f"{EXTENSIONS}/appointment-participant-status", "valueCoding": coding}
        ]
    if row.billed:
        invoice = style.refs.to("Invoice", str(900_000_000 + row.number % 10_000))
        attendee["extension"] = [
            {"url": f"{EXTENSIONS}/appointment-participant-invoice", "valueReference": invoice}
        ]
    if row.mode and style.location == "participant":
        attendee.setdefault("extension", []).append(_location(row.mode))
    if row.mode and style.location == "modifier":
        attendee.setdefault("modifierExtension", []).append(_location(row.mode))
    return attendee


def _location(mode: str) -> Json:
    return {"url": f"{EXTENSIONS}/location-type", "valueCode": mode}


def _place(row: Appointment, style: Style) -> Json | None:
    """The location type as an item beside the appointment type; how it really reads back, nobody has published."""
    if row.mode is None:
        return None
    match style.location:
        case "item":
            return {"extension": [_location(row.mode)]}
        case "coding":
            coding = {"code": row.mode.capitalize(), "display": row.mode}
            return {"extension": [{"url": f"{EXTENSIONS}/location-type", "valueCoding": coding}]}
        case "type":
            return {"type": row.mode}
        case "reference":
            return {"reference": f"https://au-api.halaxy.com/presets/location-type/{row.mode}"}
        case "display":
            return {"display": f"Halaxy {row.mode.capitalize()}"}
    return None


def _time(clinic: Clinic, at: datetime, row: Appointment, style: Style) -> str:
    offsets = style.offsets
    if offsets == "mixed":
        offsets = ("utc", "local", "no_seconds")[row.number % 3]
    if offsets == "utc":
        return at.astimezone(UTC).isoformat(timespec="seconds")
    return at.astimezone(clinic.zone).isoformat(timespec="minutes" if offsets == "no_seconds" else "seconds")


def _stamp(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
