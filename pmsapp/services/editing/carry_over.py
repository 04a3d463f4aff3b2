"""Take what staff did on one card over to another of the same person: notes, state, checks, edits. In a write transaction.

The card it is taken from stays as it is. What somebody did on the other card meanwhile is never written over.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from pmsapp.domain.appointment import WorkflowState
from pmsapp.domain.sync.merge import EDITABLE, Override, OverrideState, as_stored, merge
from pmsapp.models import RunSheetAppointment, RunSheetOverride
from pmsapp.services.sheet import questions
from pmsapp.services.sheet.questions import field_subject
from pmsapp.services.sheet.stored_cards import IN_FORCE, as_instant

EVERY_FIELD = frozenset(EDITABLE)
# A visit booked anew has a time, a length and a column of its own.
OF_THE_PATIENT = frozenset({"patient_name", "patient_phone", "patient_email", "is_telehealth"})


# What is ours alone on a card.
_STATE = ("state", "state_since", "waiting_since")
_CHECKS = ("identity_check",)
_TRIED = ("attempts",)
_OWN = ("notes", *_STATE, *_CHECKS, *_TRIED)


@dataclass(frozen=True, slots=True)
class Carried:
    """What was ours on the other card before and is now, as an undo stores it, and the edits it was given."""

    before: dict[str, Any]
    after: dict[str, Any]
    edit_ids: tuple[int, ...]


def carry_over(
    session: Session,
    source: RunSheetAppointment,
    target: RunSheetAppointment,
    now: datetime,
    *,
    fields: Collection[str] = EVERY_FIELD,
    checks: bool = True,
) -> Carried:
    """Copy the work on `source` to `target`. `fields`: which edits come along; `checks`: attempts and checks too."""
    before = own_values(target)
    take_notes_and_state(source, target)
    if checks:
        for name in _CHECKS:
            if getattr(target, name) is None:
                setattr(target, name, getattr(source, name))
        for name in _TRIED:
            setattr(target, name, [*(getattr(source, name) or ()), *(getattr(target, name) or ())] or None)
    edit_ids = tuple(_carry_edits(session, source, target, fields, now))
    return Carried(before, own_values(target), edit_ids)


def take_notes_and_state(source: RunSheetAppointment, target: RunSheetAppointment) -> None:
    """Add the notes that are not there yet; take the state where nobody has begun on the other card."""
    if source.notes and source.notes not in (target.notes or ""):
        target.notes = "\n".join(text for text in (target.notes, source.notes) if text)
    if target.state == WorkflowState.BOOKED:
        for name in _STATE:
            setattr(target, name, getattr(source, name))


def own_values(card: RunSheetAppointment) -> dict[str, Any]:
    """What is ours alone on a card, as an undo stores it."""
    return {name: as_stored(getattr(card, name)) for name in _OWN}


def put_own(card: RunSheetAppointment, values: Mapping[str, Any]) -> None:
    """Write such values back."""
    for name, value in values.items():
        is_instant = value is not None and name.endswith("_since")
        setattr(card, name, as_instant(value) if is_instant else value)


def edits_of(session: Session, card_id: int) -> list[RunSheetOverride]:
    """What staff typed over a card that still stands."""
    query = select(RunSheetOverride).where(
        RunSheetOverride.appointment_id == card_id, RunSheetOverride.state.in_(IN_FORCE)
    )
    return list(session.scalars(query.order_by(RunSheetOverride.id)))


def _carry_edits(
    session: Session,
    source: RunSheetAppointment,
    target: RunSheetAppointment,
    fields: Collection[str],
    now: datetime,
) -> list[int]:
    taken = {edit.field for edit in edits_of(session, target.id)}
    made: list[RunSheetOverride] = []
    for edit in edits_of(session, source.id):
        if edit.field not in fields or edit.field in taken:
            continue
        theirs = getattr(target, EDITABLE[edit.field].column)
        state = _state_there(edit, theirs)
        if state is OverrideState.AGREED:
            continue
        copy = RunSheetOverride(
            appointment_id=target.id,
            field=edit.field,
            value=edit.value,
            base_value=edit.base_value,
            by=edit.by,
            at=edit.at,
            state=state.value,
        )
        made.append(copy)
        if state is OverrideState.CONFLICT:
            _ask(session, target, copy, theirs, now)
    session.add_all(made)
    session.flush()
    return [edit.id for edit in made]


def _state_there(edit: RunSheetOverride, theirs: Any) -> OverrideState:
    """How the edit stands against what the PMS says about the other card."""
    # Taken as active, so that the PMS's word there alone decides.
    override = Override(edit.id, edit.field, edit.value, edit.base_value, OverrideState.ACTIVE)
    move = merge(override, theirs)
    return move.to if move else OverrideState.ACTIVE


def _ask(
    session: Session, card: RunSheetAppointment, edit: RunSheetOverride, theirs: Any, now: datetime
) -> None:
    questions.open_question(
        session,
        kind="field_conflict",
        subject=field_subject(card.id, edit.field),
        connection_id=card.pms_connection_id,
        day=card.pms_date,
        clinician_id=card.clinician_id,
        appointment_ids=[card.id],
        field=edit.field,
        ours=edit.value,
        theirs=as_stored(theirs),
        now=now,
    )
