"""A card's field value, as stored, in words a person can compare. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from pmsapp.domain.appointment import AppointmentStatus, WorkflowState
from pmsapp.domain.window import day_of
from pmsapp.web.ui import formatting as fmt
from pmsapp.web.ui import labels

_YES_NO = {True: "yes", False: "no"}


def in_words(
    field: str, value: Any, *, zone: str, clinicians: Mapping[int, str], day: date | None = None
) -> str:
    """ "10:30", "Dr Hart", "0412 345 678"; "nothing" where there is no value.

    `day` is the day the reader is looking at: a time on another day names it.
    """
    if value is None or value == "":
        return "not known" if field == "is_telehealth" else "nothing"
    if field == "start_at":
        instant = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
        clock, on = fmt.hhmm(instant, zone), day_of(instant, zone)
        return clock if on == day else f"{clock} on {fmt.short_day(on)}"
    if field == "clinician_id":
        return clinicians.get(value, "another clinician")
    if field in ("duration_minutes", "appointment_duration_minutes"):
        return f"{value} min"
    if field == "is_telehealth":
        return _YES_NO[bool(value)]
    if field == "patient_dob":
        return fmt.birth_date(date.fromisoformat(str(value)))
    if field == "appointment_status":
        return labels.STATUS[AppointmentStatus(value)].word.lower()
    if field == "patient_phone":
        return str(fmt.phone(str(value)))
    if field == "state":
        return labels.WORKFLOW[WorkflowState(value)].word
    return str(value)
