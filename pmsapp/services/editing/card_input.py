"""Checking what staff typed into a card. Every field gets its own sentence; nothing is stored on a doubt, and nothing
is cut to fit. The limits are those of the doors (`schemas.fields`), which take them from here."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from pmsapp.adapters.parsing.text import clean_phone, clean_text
from pmsapp.domain.appointment import WorkflowState
from pmsapp.domain.window import utc_text
from pmsapp.models import RunSheetClinician
from pmsapp.services.base.errors import Invalid
from pmsapp.services.clinic import day_bounds

NAME_LIMIT = 200
NOTES_LIMIT = 4000
PHONE_LIMIT = 60
EMAIL_LIMIT = 254
REASON_LIMIT = 200
LONGEST_MIN = 24 * 60
EMAIL_PATTERN = r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+"
_EMAIL = re.compile(EMAIL_PATTERN)
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")
_UNCUT = 100_000  # nothing that passes a door is as long


def check_fields(session: Session, given: Mapping[str, Any]) -> dict[str, Any]:
    """The values as stored (instants as UTC text); None stays None. Raises Invalid naming every wrong field."""
    out: dict[str, Any] = {}
    wrong: dict[str, str] = {}
    for name, value in given.items():
        check = _CHECKS.get(name)
        if check is None:
            wrong[name] = "This field cannot be changed."
            continue
        try:
            out[name] = None if value is None and name != "state" else check(session, value)
        except ValueError as error:
            wrong[name] = str(error)
    if wrong:
        raise Invalid(wrong)
    return out


def check_reason(reason: str | None) -> str:
    """Why a card is removed. Raises Invalid."""
    text = clean_text(reason, _UNCUT)
    if not text:
        raise Invalid({"reason": "Say in a few words why."})
    if len(text) > REASON_LIMIT:
        raise Invalid({"reason": f"This may have at most {REASON_LIMIT} characters."})
    return text


def _line(value: Any, limit: int) -> str | None:
    """One line of text, whole; None for nothing. Raises ValueError for one that is too long or no plain text."""
    if not isinstance(value, str):
        return None
    if _CONTROL.search(value):
        raise ValueError("This must be plain text on one line.")
    text = clean_text(value, _UNCUT)
    if text is not None and len(text) > limit:
        raise ValueError(f"This may have at most {limit} characters.")
    return text


def _name(_session: Session, value: Any) -> str:
    text = _line(value, NAME_LIMIT)
    if not text:
        raise ValueError("Enter the patient's name.")
    return text


def _phone(_session: Session, value: Any) -> str:
    phone = clean_phone(_line(value, PHONE_LIMIT))
    if not phone or not any(sign.isdigit() for sign in phone):
        raise ValueError("Enter a phone number, for example 0491 570 156.")
    return phone


def _email(_session: Session, value: Any) -> str:
    text = _line(value, EMAIL_LIMIT)
    if not text or not _EMAIL.fullmatch(text):
        raise ValueError("Enter an email address, for example name@example.com.")
    return text


def _start(_session: Session, value: Any) -> str:
    if not isinstance(value, datetime) or value.tzinfo is None:
        raise ValueError("Give a date and time with its offset.")
    if not 2000 <= value.year <= 2100:
        raise ValueError("The year cannot be right.")
    if not day_bounds.is_within(value.date()):
        raise ValueError(day_bounds.SENTENCE)
    return utc_text(value)


def _duration(_session: Session, value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= LONGEST_MIN:
        raise ValueError("Enter whole minutes, 1 to 1440.")
    return value


def _clinician(session: Session, value: Any) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        found = session.scalar(
            select(RunSheetClinician.id).where(
                RunSheetClinician.id == value, RunSheetClinician.active.is_(True)
            )
        )
        if found is not None:
            return found
    raise ValueError("Choose a clinician of the run sheet.")


def _telehealth(_session: Session, value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("Answer yes or no.")
    return value


def _notes(_session: Session, value: Any) -> str | None:
    if not isinstance(value, str):
        raise ValueError("Notes are text.")
    if len(value) > NOTES_LIMIT:
        raise ValueError(f"Notes can have {NOTES_LIMIT} characters; these have {len(value)}.")
    kept = "".join(
        sign for sign in value if sign in "\n\t" or (ord(sign) >= 32 and not 0xD800 <= ord(sign) <= 0xDFFF)
    )
    return kept.strip() or None


def _state(_session: Session, value: Any) -> str:
    if value not in set(WorkflowState):
        raise ValueError("This is not a state of the run sheet.")
    return str(WorkflowState(value))


_CHECKS: dict[str, Callable[[Session, Any], Any]] = {
    "patient_name": _name,
    "patient_phone": _phone,
    "patient_email": _email,
    "start_at": _start,
    "duration_minutes": _duration,
    "clinician_id": _clinician,
    "is_telehealth": _telehealth,
    "notes": _notes,
    "state": _state,
}
