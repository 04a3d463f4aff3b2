"""The clinic's people, types and appointments as Gentu writes them.

Source: the vendor's public OpenAPI 3.0 copy, "Healthcare API" v1.0.0. Every key of an object is always there; null is null.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from pmsapp.sandbox.clinic.clinic import Clinic
from pmsapp.sandbox.clinic.ids import make_uuid
from pmsapp.sandbox.clinic.model import (
    Appointment,
    AppointmentType,
    Patient,
    Phone,
    Practitioner,
)
from pmsapp.sandbox.core.vendor import Json

# The vendor's eight words; a status it does not give is null.
STATUS_WORDS = {
    "booked": "none",
    "confirmed": "confirmed",
    "arrived": "in_waiting_room",
    "in_progress": "with_doctor",
    "completed": "completed",
    "billed": "invoiced",
    "cancelled": "cancelled",
    "no_show": "did_not_arrive",
}
_GENDERS = {"female": "female", "male": "male", "other": "unspecified"}
_CONTACT_URL = "https://docs.magentus.com/contact"


def instant(at: datetime) -> str:
    """A time as this vendor writes it: UTC, milliseconds, +00:00."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000+00:00")


def list_user(clinic: Clinic, person: Practitioner) -> Json:
    """A practitioner (or other staff) as the lists give them."""
    return {
        "id": clinic.id_of("gentu", "practitioner", person.key),
        "name": _staff_name(person),
        "contact": _staff_contact(person),
        "active": person.active,
        "shownInAppointmentBook": person.shown_in_book,
    }


def user(clinic: Clinic, person: Practitioner) -> Json:
    """A practitioner as asked for alone or loaded beside a list: another shape, without active and shown."""
    return {
        "id": clinic.id_of("gentu", "practitioner", person.key),
        "address": [],
        "contact": _staff_contact(person),
        "identifier": [
            {
                "type": "upin",
                "system": "http://ns.electronichealth.net.au/id/medicare-provider-number",
                "value": f"TRAIN{person.number:02d}A",
                "use": "official",
                "location": None,
            }
        ],
        "name": _staff_name(person),
    }


def _staff_name(person: Practitioner) -> Json:
    return {"family": person.family, "given": person.given, "prefix": person.title}


def _staff_contact(person: Practitioner) -> list[Json]:
    return [
        {"system": "phone", "use": "work", "rank": 1, "value": person.phone},
        {"system": "email", "use": "work", "rank": None, "value": person.email},
        {"system": f"{_CONTACT_URL}/healthlink", "use": "work", "rank": None, "value": None},
    ]


def appointment_type(clinic: Clinic, kind: AppointmentType) -> Json:
    """An appointment type; its label is `text`."""
    return {
        "id": clinic.id_of("gentu", "type", kind.key),
        "duration": kind.duration_min,
        "text": kind.name,
        "colour": kind.colour,
        "onlineBookable": kind.bookable_online,
    }


def appointment(clinic: Clinic, row: Appointment) -> Json:
    """An appointment: no names, no telehealth mark, no link."""
    status = clinic.status_of(row)
    end_at = row.start_at + timedelta(minutes=row.duration_min)
    extension: list[Json] = []
    if status.cancelled_at is not None:
        extension = [{"system": "cancelled-at", "valueDateTime": instant(status.cancelled_at)}]
    elif row.number % 5 == 0:
        # The same name without a cancellation: only the status decides.
        extension = [{"system": "cancelled-at", "valueBoolean": False}]
    return {
        "id": clinic.appointment_id("gentu", row),
        "startAt": instant(row.start_at),
        "endAt": instant(end_at) if row.length_shown in ("both", "end") else None,
        "status": STATUS_WORDS[status.word] if status.word else None,
        "minutesDuration": row.duration_min if row.length_shown in ("both", "minutes") else None,
        "comment": row.comment,
        "description": row.description,
        "participant": _participants(clinic, row, status.arrived_at),
        "appointmentType": {
            "reference": clinic.id_of("gentu", "type", row.type_key) if row.type_key else None
        },
        "extension": extension,
    }


def _participants(clinic: Clinic, row: Appointment, arrived_at: datetime | None) -> list[Json]:
    people: list[Json] = []
    for key in row.patient_keys:
        person = {"referenceType": "patient", "referenceId": clinic.id_of("gentu", "patient", key)}
        people.append({**person, "arrivedAt": instant(arrived_at)} if arrived_at else person)
    keys = (row.practitioner_key, *row.also_with) if row.practitioner_key else ()
    # Among themselves the practitioners keep their order, also where the list is turned round.
    for practitioner_key in keys[::-1] if row.number % 2 else keys:
        provider = clinic.id_of("gentu", "practitioner", practitioner_key)
        people.append({"referenceType": "provider", "referenceId": provider})
    place = clinic.id_of("gentu", "site", row.site_key)
    people.append({"referenceType": "location", "referenceId": place})
    if row.number % 7 == 0:
        service = make_uuid(f"gentu/service/{clinic.seed}")
        people.append({"referenceType": "health_care_service", "referenceId": service})
    # The order means nothing, so it differs.
    return people[::-1] if row.number % 2 else people


def patient(clinic: Clinic, person: Patient) -> Json:
    """A patient, with every key; contacts come in no order, their rank tells (lowest first, null last)."""
    given = " ".join(part for part in (person.given, person.middle) if part) or None
    return {
        "id": clinic.id_of("gentu", "patient", person.key),
        "name": {"family": person.family, "given": given, "prefix": person.title},
        "birthDate": person.born_on.isoformat() if person.born_on else None,
        "gender": _GENDERS[person.gender] if person.gender else None,
        "contact": _contact(person),
        "address": _address(person),
        "identifier": [{"type": "mc", "value": person.medicare}] if person.medicare else [],
        "deceased": {"deceasedBoolean": True, "deceasedDateTime": None} if person.died_on else None,
        "occupation": None,
        "indigenousStatus": None,
        "chartNumber": f"TR{person.number:05d}" if person.number % 2 else None,
        "emailEnabled": person.email is not None,
        "smsEnabled": None if person.number % 3 == 0 else bool(person.phones),
        "extension": _name_extensions(person),
    }


def _contact(person: Patient) -> list[Json]:
    ranked = [_phone(phone, rank + 1) for rank, phone in enumerate(person.phones)]
    if person.phones and person.phones[0].use != "mobile":
        ranked.insert(0, {"system": "phone", "use": "mobile", "rank": 1, "value": None})
    if len(person.phones) == 1:
        ranked.append({"system": "phone", "use": "home", "rank": None, "value": None})
    fax = {"system": "fax", "use": "home", "rank": None, "value": None}
    mail = {"system": "email", "use": "home", "rank": 2, "value": person.email}
    return [fax, *reversed(ranked), mail]


def _phone(phone: Phone, rank: int) -> Json:
    return {"system": "phone", "use": phone.use, "rank": rank, "value": phone.typed}


def _address(person: Patient) -> list[Json] | None:
    if person.number % 4 == 0:
        return None
    city = {"city": "Exampleton", "line": [f"{person.number} Training Street"], "postalCode": "3999"}
    return [{**city, "state": "VIC", "use": "home", "type": "both"}]


def _name_extensions(person: Patient) -> list[Json]:
    found: list[Json] = []
    if person.first_name_listed:
        found.append({"system": "firstname", "valueString": person.given})
    if person.middle:
        found.append({"system": "middlename", "valueString": person.middle})
    return [
        *found,
        {"system": "pronouns", "valueString": None},
        {"system": "emergency-contacts", "valueArray": []},
    ]
