"""A card's field value, as stored, in words a person can compare. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pmsapp.domain.appointment import WorkflowState
from pmsapp.web import format as fmt
from pmsapp.web import words

_YES_NO = {True: "yes", False: "no"}


def in_words(field: str, value: Any, *, zone: str, clinicians: Mapping[int, str]) -> str:
    """ "10:30", "Dr Hart", "0412 345 678"; "nothing" where there is no value."""
    if value is None or value == "":
        return "not known" if field == "is_telehealth" else "nothing"
    if field == "start_at":
        instant = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
        return f"{fmt.hhmm(instant, zone)} on {fmt.short_day(instant.astimezone(fmt.zone_of(zone)).date())}"
    if field == "clinician_id":
        return clinicians.get(value, "another clinician")
    if field == "duration_minutes":
        return f"{value} min"
    if field == "is_telehealth":
        return _YES_NO[bool(value)]
    if field == "patient_phone":
        return fmt.phone(str(value))
    if field == "state":
        return words.WORKFLOW[WorkflowState(value)].word
    return str(value)
