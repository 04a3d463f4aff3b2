"""Three sides of one field: what the PMS said when staff typed, what it says now, and what staff typed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from pmsapp.domain.sync.compare import same_meaning
from pmsapp.domain.window import utc_text


class OverrideState(StrEnum):
    """active: staff's value stands. conflict: the PMS changed too. dropped, agreed: no longer in force."""

    ACTIVE = "active"
    CONFLICT = "conflict"
    DROPPED = "dropped"
    AGREED = "agreed"


@dataclass(frozen=True, slots=True)
class FieldRule:
    """How one editable field maps to a card column, and which side shows while both changed."""

    field: str
    column: str
    staff_shows_in_conflict: bool


EDITABLE = {
    rule.field: rule
    for rule in (
        FieldRule("patient_name", "patient_name", True),
        FieldRule("patient_phone", "patient_phone", True),
        FieldRule("patient_email", "patient_email", True),
        FieldRule("start_at", "start_at", False),
        FieldRule("duration_minutes", "appointment_duration_minutes", False),
        FieldRule("clinician_id", "clinician_id", False),
        FieldRule("is_telehealth", "is_telehealth", False),
    )
}


@dataclass(frozen=True, slots=True)
class Override:
    """What staff typed over one field. Values are as stored: JSON scalars, instants as UTC text."""

    id: int
    field: str
    value: Any
    base_value: Any
    state: OverrideState


@dataclass(frozen=True, slots=True)
class OverrideMove:
    """A step of an override that follows from what the PMS now says. `theirs`: the PMS value, as stored."""

    override: Override
    to: OverrideState
    theirs: Any


def as_stored(value: Any) -> Any:
    """A column's value as overrides store it: instants as UTC text, everything else as it is."""
    if isinstance(value, datetime):
        return utc_text(value)
    return value


def merge(override: Override, pms_now: Any) -> OverrideMove | None:
    """Decide one field. One side changed: that side. Both changed: a conflict. None when nothing moves.

    Another spelling of the same is no change.
    """
    theirs = as_stored(pms_now)
    if same_meaning(override.field, theirs, override.value):
        return OverrideMove(override, OverrideState.AGREED, theirs)
    unchanged = same_meaning(override.field, theirs, override.base_value)
    wanted = OverrideState.ACTIVE if unchanged else OverrideState.CONFLICT
    if wanted is override.state and wanted is OverrideState.ACTIVE:
        return None
    return OverrideMove(override, wanted, theirs)


def staff_value_shows(override: Override) -> bool:
    """Which side the card shows: staff's, unless both changed and the field is one where the PMS leads."""
    if override.state is OverrideState.ACTIVE:
        return True
    return override.state is OverrideState.CONFLICT and EDITABLE[override.field].staff_shows_in_conflict
