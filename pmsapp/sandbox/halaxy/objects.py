"""The clinic's people, places and types drawn as Halaxy's FHIR resources.

Source: Halaxy's API reference and published clients, read 2026-11-22. Ids: bare numbers for patients, appointments and
types, prefixed for the rest; the number of a practitioner says nothing about a role with the same number.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from pmsapp.sandbox.clinic.clinic import Clinic
from pmsapp.sandbox.clinic.model import (
    AppointmentType,
    Patient,
    Phone,
    Practitioner,
    Site,
)
from pmsapp.sandbox.clinic.towns import TOWNS
from pmsapp.sandbox.core.vendor import Json

EXTENSIONS = "https://terminology.halaxy.com/StructureDefinition"
# Referring doctors outside the practice: they have roles and names too, and never a column.
EXTERNAL = (("EP-4100001", "EP-4200001", "Referrer", "Ada"), ("EP-4100002", "EP-4200002", "Wagtail", "Bruno"))
EXTERNAL_PLACE = "SP-610001"


@dataclass(frozen=True, slots=True)
class Refs:
    """How references are written: `style` absolute (default), path or bare."""

    base: str
    style: str = "absolute"

    def to(self, kind: str, external_id: str) -> Json:
        """A reference to one resource."""
        short = f"{kind}/{external_id}"
        address = {"path": f"/main/{short}", "bare": short}.get(self.style, f"{self.base}/{short}")
        return {"reference": address, "type": kind}


def practice_id(clinic: Clinic) -> str:
    """The practice group's id."""
    return clinic.id_of("halaxy", "practice", "")


def meta(profile: str, at: datetime | None = None) -> Json:
    """Metadata; the profile is one text here, not a list."""
    return {
        "lastUpdated": (at or datetime(2026, 1, 5, tzinfo=UTC)).isoformat(timespec="seconds"),
        "profile": profile,
    }


def draw_practitioner(clinic: Clinic, person: Practitioner) -> Json:
    """A member of staff."""
    telecom = [{"system": "email", "value": person.email, "use": "work"}] if person.email else []
    if person.phone:
        telecom.append({"system": "phone", "value": person.phone, "use": "work"})
    drawn: Json = {
        "resourceType": "Practitioner",
        "id": clinic.id_of("halaxy", "practitioner", person.key),
        "identifier": [{"value": str(120_000 + person.number)}],
        "active": person.active,
        "name": [_name(person.family, person.given, None, person.title)],
        "meta": meta("hx-practitioner"),
    }
    return drawn | ({"telecom": telecom} if telecom else {})


def draw_external_practitioner(number: int) -> Json:
    """A referrer."""
    _, person_id, family, given = EXTERNAL[number]
    return {
        "resourceType": "Practitioner",
        "id": person_id,
        "active": True,
        "name": [_name(family, given, None, "Dr")],
        "meta": meta("hx-external-practitioner"),
    }


def draw_role(clinic: Clinic, person: Practitioner, site_key: str, refs: Refs) -> Json:
    """A practitioner at one clinic."""
    return {
        "resourceType": "PractitionerRole",
        "id": clinic.role_id(person.key, site_key),
        "active": person.active,
        "practitioner": refs.to("Practitioner", clinic.id_of("halaxy", "practitioner", person.key)),
        "organization": refs.to("Organization", clinic.id_of("halaxy", "site", site_key)),
        "extension": [{"url": f"{EXTENSIONS}/practitioner-role-provider-number", "valueString": "0000000A"}],
        "meta": meta("hx-practitioner-role"),
    }


def draw_external_role(number: int, refs: Refs) -> Json:
    """A referrer's role."""
    role_id, person_id, _, _ = EXTERNAL[number]
    return {
        "resourceType": "PractitionerRole",
        "id": role_id,
        "active": True,
        "practitioner": refs.to("Practitioner", person_id),
        "organization": refs.to("Organization", EXTERNAL_PLACE),
        "meta": meta("hx-external-practitioner-role"),
    }


def draw_practice(clinic: Clinic) -> Json:
    """The practice group. Nothing says its time zone; the state hints at it."""
    return _organization(practice_id(clinic), clinic.name or None, _address(clinic), None)


def draw_site(clinic: Clinic, site: Site, refs: Refs) -> Json:
    """One clinic of the group."""
    group = refs.to("Organization", practice_id(clinic))
    return _organization(clinic.id_of("halaxy", "site", site.key), site.name, _address(clinic), group)


def draw_external_place() -> Json:
    """A referrer's own rooms."""
    return _organization(EXTERNAL_PLACE, "Somewhere Else Medical", [{"state": "WA", "country": "AU"}], None)


def _organization(external_id: str, name: str | None, address: list[Json], part_of: Json | None) -> Json:
    drawn: Json = {
        "resourceType": "Organization",
        "id": external_id,
        "active": True,
        "type": [
            {
                "coding": [
                    {"system": "http://terminology.hl7.org/CodeSystem/organization-type", "code": "prov"}
                ]
            }
        ],
        "address": address,
        "meta": meta("hx-organization"),
    }
    return drawn | ({"name": name} if name else {}) | ({"partOf": part_of} if part_of else {})


def _address(clinic: Clinic) -> list[Json]:
    if clinic.zone_name not in TOWNS:
        return []
    state, city, postcode = TOWNS[clinic.zone_name]
    return [
        {
            "use": "work",
            "line": ["1 Banksia Street"],
            "city": city,
            "state": state,
            "postalCode": postcode,
            "country": "AU",
        }
    ]


def draw_type(clinic: Clinic, kind: AppointmentType, refs: Refs) -> Json:
    """An appointment type."""
    online = "Yes - any bookable appointment time" if kind.bookable_online else "No"
    marks: list[Json] = [
        {"url": f"{EXTENSIONS}/healthcare-service-allow-online-booking", "valueString": online}
    ]
    if kind.duration_min is not None:
        length = {"value": kind.duration_min, "unit": "minute", "system": "http://unitsofmeasure.org"}
        marks.append({"url": f"{EXTENSIONS}/healthcare-service-duration", "valueQuantity": length})
    return {
        "resourceType": "HealthcareService",
        "id": clinic.id_of("halaxy", "type", kind.key),
        "active": kind.active,
        "providedBy": refs.to("Organization", practice_id(clinic)),
        "name": kind.name,
        "extension": marks,
        "meta": meta("hx-healthcare-service"),
    }


def draw_patient(clinic: Clinic, patient: Patient, refs: Refs) -> Json:
    """A patient. The name people call them by is an entry of its own, sometimes the first, without a family name."""
    names = [_name(patient.family, patient.given, patient.middle, patient.title)]
    if patient.preferred:
        usual: Json = {"use": "usual", "given": [patient.preferred]}
        names = [usual, *names] if patient.number % 2 else [*names, usual]
    drawn: Json = {
        "resourceType": "Patient",
        "id": clinic.id_of("halaxy", "patient", patient.key),
        "active": patient.died_on is None,
        "name": names,
        "telecom": _telecom(patient),
        "deceasedBoolean": patient.died_on is not None,
        "generalPractitioner": [refs.to("Organization", clinic.id_of("halaxy", "site", "main"))],
        "managingOrganization": refs.to("Organization", practice_id(clinic)),
        "extension": [{"url": f"{EXTENSIONS}/patient-status", "valueString": "current"}],
        "meta": meta("hx-patient"),
    }
    if patient.born_on:
        drawn["birthDate"] = patient.born_on.isoformat()
    return drawn | ({"gender": patient.gender} if patient.gender else {})


def _name(family: str, given: str | None, middle: str | None, title: str | None) -> Json:
    name: Json = {"use": "official", "family": family}
    if given:
        name["given"] = [part for part in (given, middle) if part]
    return name | ({"prefix": [title]} if title else {})


def _telecom(patient: Patient) -> list[Json]:
    """Landlines first, e-mail in between, mobiles last: the order says nothing about preference."""
    points = [_point(phone) for phone in patient.phones if phone.use != "mobile"]
    if patient.email:
        points.append({"system": "email", "value": patient.email, "use": "home"})
    return points + [_point(phone) for phone in patient.phones if phone.use == "mobile"]


def _point(phone: Phone) -> Json:
    system = "sms" if phone.use == "mobile" else "phone"
    return {"system": system, "value": phone.e164 or phone.typed, "use": phone.use}
