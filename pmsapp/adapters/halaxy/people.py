"""People in Halaxy's FHIR JSON -> domain: patients and practitioners, their names and how to reach them.

Source: Halaxy's API reference (Patient, Practitioner) and published clients, read 2026-11-22. The name a person
goes by is an entry of its own (`usual`), may come first, and has no family name.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pmsapp.adapters.halaxy.fhir import id_of, items
from pmsapp.adapters.parsing.text import (
    clean_email,
    clean_phone,
    clean_text,
    parse_date,
    person_name,
)
from pmsapp.domain.appointment import Patient, Practitioner

STAFF_PREFIX = "PR-"


def parse_practitioner(resource: Mapping[str, Any]) -> Practitioner | None:
    """A member of staff; None for an external contact (EP-) or a row without an id."""
    external_id = id_of(resource)
    if external_id is None or not external_id.startswith(STAFF_PREFIX):
        return None
    name = _official(items(resource.get("name")))
    given, family = _given(name), clean_text(name.get("family"), 120)
    return Practitioner(
        external_id,
        person_name(given, family) or clean_text(name.get("text"), 200) or f"Practitioner {external_id}",
        active=resource.get("active") is not False,
        given=given,
        family=family,
        prefix=_first_text(name.get("prefix"), 40),
    )


def parse_patient(resource: Mapping[str, Any]) -> Patient | None:
    """A patient: usual (else official) given name, official family name; mobile (`sms`) before other phones."""
    external_id = id_of(resource)
    if external_id is None:
        return None
    names = items(resource.get("name"))
    official = _official(names)
    usual = next((name for name in names if name.get("use") == "usual"), {})
    family = clean_text(official.get("family"), 120) or clean_text(usual.get("family"), 120)
    name = person_name(_given(usual) or _given(official), family)
    telecom = items(resource.get("telecom"))
    return Patient(
        external_id,
        name or clean_text(official.get("text"), 200),
        birth_date=parse_date(resource.get("birthDate")),
        phone=_phone(telecom),
        email=_email(telecom),
        has_died=_has_died(resource),
    )


def _official(names: Iterable[Mapping[str, Any]]) -> Mapping[str, Any]:
    """The official name, else one with a family name that is still in use, else any."""
    ranked = sorted(
        names,
        key=lambda name: (
            name.get("use") != "official",
            name.get("use") in ("old", "maiden"),
            not name.get("family"),
        ),
    )
    return ranked[0] if ranked else {}


def _given(name: Mapping[str, Any]) -> str | None:
    return _first_text(name.get("given"), 120)


def _first_text(value: object, cap: int) -> str | None:
    if isinstance(value, list):
        return next((text for text in (clean_text(each, cap) for each in value) if text), None)
    return clean_text(value, cap)


def _phone(telecom: list[dict[str, Any]]) -> str | None:
    """Mobile first: Halaxy keeps it as `sms`; then a phone used as mobile, at home, at work."""
    for system, use in (
        ("sms", None),
        ("phone", "mobile"),
        ("phone", "home"),
        ("phone", "work"),
        ("phone", None),
    ):
        for point in telecom:
            if point.get("system") == system and (use is None or point.get("use") == use):
                phone = clean_phone(point.get("value"))
                if phone:
                    return phone
    return None


def _email(telecom: list[dict[str, Any]]) -> str | None:
    """The home address, else the work one, else any."""
    points = [point for point in telecom if point.get("system") == "email"]
    points.sort(key=lambda point: {"home": 0, "work": 1}.get(str(point.get("use")), 2))
    return next((text for text in (clean_email(point.get("value")) for point in points) if text), None)


def _has_died(resource: Mapping[str, Any]) -> bool | None:
    said = resource.get("deceasedBoolean") is True or clean_text(resource.get("deceasedDateTime")) is not None
    return said or None
