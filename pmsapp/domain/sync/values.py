"""The PMS's side of a card: every column a sync may write, as one comparable value."""

from __future__ import annotations

import hashlib
from datetime import date, datetime
from typing import NamedTuple


class PMSValues(NamedTuple):
    """What the PMS says about one card now. Field names are the card's column names; links are in clear here.

    `also_practitioner_ids`: the other practitioners of a joint consultation, an id a line.
    `pms_status_raw`: its own word for a status nobody here knows, which counts as booked; None for the others.
    """

    start_at: datetime
    time_zone: str
    appointment_duration_minutes: int | None
    duration_estimated: bool
    patient_name: str | None
    patient_dob: date | None
    patient_phone: str | None
    patient_email: str | None
    patient_has_died: bool | None
    appointment_type_name: str | None
    appointment_status: str
    is_telehealth: bool | None
    pms_notes: str | None
    time_odd: bool
    clinician_id: int | None
    pms_practitioner_id: str | None
    pms_type_id: str | None
    pms_status_raw: str | None
    pms_date: date
    host_link: str | None
    patient_link: str | None
    also_practitioner_ids: str | None = None

    def __repr__(self) -> str:
        return f"PMSValues({self.pms_date})"


def digest(values: PMSValues) -> str:
    """Equal for two values only if every field is equal. Where nobody else is named, that is left out."""
    told = values[:-1] if values.also_practitioner_ids is None else tuple(values)
    return hashlib.blake2b(repr(told).encode("utf-8", "backslashreplace"), digest_size=16).hexdigest()


def changed_fields(before: PMSValues, now: PMSValues) -> tuple[str, ...]:
    """Names of the fields that differ, in field order."""
    return tuple(name for name, old, new in zip(PMSValues._fields, before, now, strict=True) if old != new)
