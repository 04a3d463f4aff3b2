"""Take what staff did on one card over to another of the same person: notes, state, edits. Inside a write transaction.

The card it is taken from stays as it is. What somebody did on the other card meanwhile is never written over.
"""

from __future__ import annotations

from collections.abc import Collection
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
from pmsapp.services.sheet.stored_cards import IN_FORCE

EVERY_FIELD = frozenset(EDITABLE)
# A visit booked anew has a time, a length and a column of its own.
OF_THE_PATIENT = frozenset({"patient_name", "patient_phone", "patient_email", "is_telehealth"})


@dataclass(frozen=True, slots=True)
class Carried:
    """What the other card had before, and the edits it was given."""

    notes: str | None
    state: str
    edit_ids: tuple[int, ...]


def carry_over(
    session: Session,
    source: RunSheetAppointment,
    target: RunSheetAppointment,
    now: datetime,
    *,
    fields: Collection[str] = EVERY_FIELD,
) -> Carried:
    """Copy the work on `source` to `target`; `fields`: which edits come along."""
    notes, state = target.notes, target.state
    take_notes_and_state(source, target)
    return Carried(notes, state, tuple(_carry_edits(session, source, target, fields, now)))


def take_notes_and_state(source: RunSheetAppointment, target: RunSheetAppointment) -> None:
    """Add the notes that are not there yet; take the state where nobody has begun on the other card."""
    if source.notes and source.notes not in (target.notes or ""):
        target.notes = "\n".join(text for text in (target.notes, source.notes) if text)
    if target.state == WorkflowState.BOOKED:
        target.state = source.state


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
