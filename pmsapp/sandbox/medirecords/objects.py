"""The clinic drawn as MediRecords' Connect REST API shows it (flat JSON, wall-clock times, codes instead of words).

Source: MediRecords' public guide and support pages, and published clients of the Connect API, read 2026-11-22. Where
those are silent the shape is a guess, said so beside it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from pmsapp.sandbox.clinic.clinic import Clinic
from pmsapp.sandbox.clinic.model import Appointment, AppointmentType, Patient, Practitioner
from pmsapp.sandbox.clinic.towns import TOWNS
from pmsapp.sandbox.core.vendor import Json

STATUS_CODES: Mapping[str | None, int | None] = {
    "booked": 2,
    "confirmed": 3,
    "arrived": 4,
    "in_progress": 5,
    "billed": 6,
    "completed": 7,
    "cancelled": 8,
    # There is no word for a patient who did not come: practices cancel with a reason of their own.
    "no_show": 8,
    None: None,
}
REASON_CODES = {"Patient cancelled": 1, "Practitioner away": 2, "Booked in error": 3, "Feeling better": 4}
NO_SHOW_REASON, OTHER_REASON = 7, 9
TITLE_CODES = {
    "Mr": 315890000,
    "Mrs": 315890001,
    "Ms": 315890002,
    "Miss": 315890003,
    "Dr": 315890004,
    "Prof": 315890005,
    "Mx": 315890012,
}
# A title the public list does not have.
STRANGE_TITLE = 315890077
GENDER_CODES = {"male": 1, "female": 2, "other": 3, None: None}
# A length nobody can look up.
STRANGE_INTERVAL = 99


def _interval_codes() -> dict[int, int]:
    """Minutes -> code. Four pairs are known; the rest is made up, in an order that defeats any formula."""
    known = {5: 2, 10: 4, 15: 6, 20: 7}
    rest = [m for m in (*range(1, 121), *range(125, 481, 5)) if m not in known]
    codes = [code for code in range(100, 2000) if code % 3 != 1][: len(rest)]
    return known | dict(zip(sorted(rest, key=lambda m: (m * 37) % 191), codes, strict=True))


INTERVAL_CODES = _interval_codes()


def practice_id(clinic: Clinic) -> str:
    """The practice's id."""
    return clinic.id_of("medirecords", "practice", "")


def draw_practice(clinic: Clinic) -> Json:
    """The practice, flat. It has no time zone: only its state hints at one."""
    state, city, postcode = TOWNS.get(clinic.zone_name, (None, None, None))
    return {
        "id": practice_id(clinic),
        "practiceName": clinic.name or None,
        "abn": "51824753556",
        "addressLine1": "1 Banksia Street",
        "addressLine2": None,
        "city": city,
        "postcode": postcode,
        "stateCode": state,
        "countryCode": "AU",
        "mainPhone": "0370100100",
        "fax": "",
        "email": "reception@example.com",
        "status": "Active",
        "primaryPractice": True,
        "serviceTypeText": "General practice",
    }


def draw_provider(clinic: Clinic, person: Practitioner) -> Json:
    """A provider. The title is a code, as a number for some and as text for others."""
    code = _title(person.title)
    return {
        "id": clinic.id_of("medirecords", "practitioner", person.key),
        "titleCode": str(code) if code is not None and person.number % 2 else code,
        "firstName": person.given,
        "lastName": person.family,
        "status": "Active" if person.active else "Inactive",
        "email": person.email,
        "providerNumber": None,
    }


def _title(title: str | None) -> int | None:
    return TITLE_CODES.get(title, STRANGE_TITLE) if title else None


def draw_type(clinic: Clinic, kind: AppointmentType) -> Json:
    """An appointment type. Its length is text."""
    return {
        "id": clinic.id_of("medirecords", "type", kind.key),
        "name": kind.name,
        "duration": draw_length(kind.duration_min, plain=kind.number % 9 == 0),
        "colour": kind.colour,
        "order": kind.number,
        "activeStatus": 1 if kind.active else 2,
        "community": False,
        "telehealth": kind.telehealth,
        "description": None,
    }


def draw_length(minutes: int | None, *, plain: bool = False) -> str | None:
    """A length as someone typed it: "15 mins", "1 hr", "1 hr 30 mins", "4 hrs", or the bare number."""
    if minutes is None:
        return None
    if plain:
        return str(minutes)
    hours, rest = divmod(minutes, 60)
    parts = [f"{hours} {'hr' if hours == 1 else 'hrs'}"] if hours else []
    if rest or not hours:
        parts.append(f"{rest} mins")
    return " ".join(parts)


def draw_appointment(clinic: Clinic, row: Appointment, patient_key: str | None) -> Json:
    """One row: one patient (a group is several rows), or nobody for blocked time."""
    status = clinic.status_of_patient(row, patient_key) if patient_key else clinic.status_of(row)
    drawn: Json = {
        "id": clinic.appointment_id("medirecords", row, patient_key),
        "practiceId": practice_id(clinic),
    }
    if patient_key is not None:
        drawn["patientId"] = clinic.id_of("medirecords", "patient", patient_key)
    elif row.number % 2:
        drawn["patientId"] = None  # elsewhere the key is left out altogether
    kind = row.type_key
    author = clinic.id_of("medirecords", "practitioner", "frontdesk")
    return {
        **drawn,
        "appointmentTypeId": clinic.id_of("medirecords", "type", kind) if kind else None,
        "scheduleTime": draw_local(row.start_at, clinic.zone, seconds=row.number % 11 == 0),
        "appointmentStatus": STATUS_CODES[status.word],
        "appointmentIntervalCode": _interval(row),
        "roomId": None,
        "referralId": None,
        "notes": row.comment or row.description,
        "providerId": _provider_id(clinic, row),
        "walkIn": row.walk_in,
        "firstAvailableDoctor": None,
        "urgency": 2 if row.urgent else 1,
        "cancellationReason": _reason(status.word, status.cancel_reason),
        "emailReminder": True,
        "reminderMethod": 1,
        "reminderType": 7,
        "confirmationLink": None,
        "telehealthLinkForProvider": row.host_link,
        "telehealthLinkForPatient": row.guest_link,
        "createdBy": author,
        "createdDateTime": _stamp(row.created_at or row.start_at, row.number),
        "updatedBy": author,
        "updatedDateTime": _stamp(row.changed_at or row.created_at or row.start_at, row.number + 1),
    }


def _provider_id(clinic: Clinic, row: Appointment) -> str | None:
    return clinic.id_of("medirecords", "practitioner", row.practitioner_key) if row.practitioner_key else None


def _interval(row: Appointment) -> int:
    return INTERVAL_CODES.get(row.duration_min, STRANGE_INTERVAL) if row.interval_known else STRANGE_INTERVAL


def _reason(word: str | None, reason: str | None) -> int | None:
    if word == "no_show":
        return NO_SHOW_REASON
    return REASON_CODES.get(reason or "", OTHER_REASON) if word == "cancelled" else None


def draw_local(at: datetime, zone: ZoneInfo, *, seconds: bool = False) -> str:
    """A wall-clock time at the practice, to the minute; some rows carry seconds all the same."""
    return at.astimezone(zone).strftime("%Y-%m-%dT%H:%M:00" if seconds else "%Y-%m-%dT%H:%M")


def _stamp(at: datetime, number: int) -> str:
    """When a row was made or changed: both spellings of UTC occur."""
    return at.strftime("%Y-%m-%dT%H:%M:%SZ") if number % 2 else at.strftime("%Y-%m-%dT%H:%M:%S.000+0000")


def draw_patient(clinic: Clinic, patient: Patient) -> Json:
    """A patient, flat. What is not known is null, or empty text for some."""
    nothing = "" if patient.number % 3 == 0 else None
    phones = {phone.use: phone.typed for phone in reversed(patient.phones)}
    return {
        "id": clinic.id_of("medirecords", "patient", patient.key),
        "defaultPracticeId": practice_id(clinic),
        "usualDoctorId": None,
        "titleCode": _title(patient.title),
        "firstName": None if patient.one_name_only else patient.given,
        "lastName": patient.family,
        "middleName": patient.middle or nothing,
        "preferredName": patient.preferred or nothing,
        "previouslyKnownAs": None,
        "fullName": " ".join(part for part in (patient.given, patient.family) if part),
        "genderCode": GENDER_CODES[patient.gender],
        "dob": patient.born_on.isoformat() if patient.born_on else None,
        "estimated": False,
        "oneNameOnly": patient.one_name_only,
        "dateOfDeath": patient.died_on.isoformat() if patient.died_on else None,
        "homePhone": phones.get("home", nothing),
        "mobilePhone": phones.get("mobile", nothing),
        "workPhone": phones.get("work", nothing),
        "email": patient.email or nothing,
        "contactMethod": 1,
        "patientStatusCode": 2,
        "notes": None,
    }


def draw_intervals(shape: str) -> list[Json] | Json:
    """The interval table; nobody has published its shape, so `shape` picks one: text, minutes, wrapped or map."""
    table = sorted(INTERVAL_CODES.items())
    match shape:
        case "minutes":
            return [{"id": str(code), "minutes": minutes} for minutes, code in table]
        case "wrapped":
            return {"data": [{"value": code, "display": draw_length(minutes)} for minutes, code in table]}
        case "map":
            return {str(code): draw_length(minutes) for minutes, code in table}
    return [{"code": code, "name": draw_length(minutes), "active": True} for minutes, code in table]
