"""What each kind of answer changes, and how it is taken back. Inside the caller's write transaction.

Each answer returns the cards it touched (but those it placed, which `placement` has seen to) and what an undo needs:
the values before and after, so that an undo never writes over what came later.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from pmsapp.domain.actor import Actor
from pmsapp.domain.appointment import Presence
from pmsapp.domain.sync.compare import same_meaning, same_person
from pmsapp.domain.sync.merge import EDITABLE, OverrideState, as_stored
from pmsapp.models import (
    Decision,
    RunSheetAppointment,
    RunSheetOverride,
)
from pmsapp.services.editing import list_effects
from pmsapp.services.editing.carry_over import (
    carry_over,
    own_values,
    put_own,
    take_notes_and_state,
)
from pmsapp.services.editing.list_effects import KEEP, PMS, Answer, answered
from pmsapp.services.sheet import placement, questions
from pmsapp.services.sheet.placement import PlacedBy
from pmsapp.services.sheet.questions import field_subject
from pmsapp.services.sheet.stored_cards import IN_FORCE

SAME = "same"
REFILED = "the same person under another file"
TAKEN_BACK = "answer_taken_back"


def _answer_field(session: Session, row: Decision, choice: str, actor: Actor, now: datetime) -> Answer:
    """keep: what staff typed stands against what the PMS says now. pms: what was typed goes."""
    card_id = row.appointment_ids[0]
    override = session.scalar(
        select(RunSheetOverride).where(
            RunSheetOverride.appointment_id == card_id,
            RunSheetOverride.field == row.field,
            RunSheetOverride.state.in_(IN_FORCE),
        )
    )
    card = session.get(RunSheetAppointment, card_id)
    if override is None or card is None or row.field is None:
        return [], None
    before = [override.id, override.state, override.base_value]
    if choice == KEEP:
        override.state = OverrideState.ACTIVE.value
        override.base_value = as_stored(getattr(card, EDITABLE[row.field].column))
    else:
        override.state = OverrideState.DROPPED.value
    override.decided_by, override.decided_at = actor.name, now
    return [card_id], {"override": [*before, override.state, override.base_value]}


def _answer_patient(session: Session, row: Decision, choice: str, actor: Actor, now: datetime) -> Answer:
    """pms: the old patient's card is deleted. keep: both stay until the PMS changes again. same: see `_answer_same`."""
    if choice == SAME:
        return _answer_same(session, row, actor, now)
    return _place_held(session, row, row.appointment_ids[:1], choice, "no longer booked there", actor, now)


def _answer_same(session: Session, row: Decision, actor: Actor, now: datetime) -> Answer:
    """One person under a new file: everything staff did moves to the new card; the old one leaves, seen."""
    old = session.get(RunSheetAppointment, row.appointment_ids[0])
    new = same_person_card(session, row)
    if old is None or new is None or old.presence != Presence.HELD:
        return [], None
    before = [old.id, old.presence, old.presence_reason, old.kept_digest]
    carried = carry_over(session, old, new, now)
    placement.place(
        session,
        [old.id],
        Presence.DELETED,
        REFILED,
        kind=answered(SAME),
        by=PlacedBy.staff(actor),
        now=now,
        also={"kept_digest": None, "acknowledged_at": now, "acknowledged_by": actor.name},
    )
    return [new.id], {
        "cards": [[*before, Presence.DELETED.value, None]],
        "own": [new.id, carried.before, carried.after],
        "typed": list(carried.edit_ids),
    }


def same_person_card(session: Session, row: Decision) -> RunSheetAppointment | None:
    """The new card of a `patient_changed` question whose name and birth date are those of the old one, if any."""
    if row.kind != "patient_changed":
        return None
    cards = [session.get(RunSheetAppointment, card_id) for card_id in row.appointment_ids]
    old = cards[0] if cards else None
    for new in cards[1:]:
        if old is None or new is None:
            continue
        if same_person(old.patient_name, old.patient_dob, new.patient_name, new.patient_dob):
            return new
    return None


def choices_of(session: Session, row: Decision) -> tuple[str, ...]:
    """The answers a question takes."""
    return (PMS, KEEP, SAME) if same_person_card(session, row) is not None else (PMS, KEEP)


def _answer_removals(session: Session, row: Decision, choice: str, actor: Actor, now: datetime) -> Answer:
    """pms: what disappeared is deleted. keep: it stays until the PMS lists it again or says otherwise."""
    gone = "no longer in the practice software"
    return _place_held(session, row, row.appointment_ids, choice, gone, actor, now)


def _place_held(
    session: Session,
    row: Decision,
    card_ids: list[int],
    choice: str,
    reason: str,
    actor: Actor,
    now: datetime,
) -> Answer:
    held = session.scalars(
        select(RunSheetAppointment).where(
            RunSheetAppointment.id.in_(card_ids), RunSheetAppointment.presence == Presence.HELD.value
        )
    ).all()
    presence = Presence.DELETED if choice == PMS else Presence.ON_SHEET
    kept = {} if choice == PMS else {"kept_digest": row.marker}
    undo = [
        [
            card.id,
            card.presence,
            card.presence_reason,
            card.kept_digest,
            presence.value,
            kept.get("kept_digest", card.kept_digest),
        ]
        for card in held
    ]
    placement.place(
        session,
        [card.id for card in held],
        presence,
        reason if choice == PMS else None,
        kind=answered(choice),
        by=PlacedBy.staff(actor),
        now=now,
        also=kept,
    )
    return [], {"cards": undo}


def _answer_duplicate(session: Session, row: Decision, choice: str, actor: Actor, now: datetime) -> Answer:
    """pms: the hand-made card goes into the PMS's card, with its notes, state, phone and email. keep: both stay."""
    if choice == KEEP:
        return [], {"cards": []}
    manual, pms = (session.get(RunSheetAppointment, card_id) for card_id in row.appointment_ids)
    if manual is None or pms is None:
        return [], None
    before = [manual.id, manual.presence, manual.presence_reason, manual.kept_digest]
    merged = [pms.id, pms.notes, pms.state]
    take_notes_and_state(manual, pms)
    undo = {
        "cards": [[*before, Presence.REMOVED_BY_STAFF.value, manual.kept_digest]],
        "merged": [*merged, pms.notes, pms.state],
        "typed": _take_contacts(session, manual, pms, actor, now),
    }
    reason = "merged with the card from the practice software"
    placement.place(
        session,
        [manual.id],
        Presence.REMOVED_BY_STAFF,
        reason,
        kind=answered(choice),
        by=PlacedBy.staff(actor),
        now=now,
        also=placement.removal_columns(actor, reason, now),
    )
    return [pms.id], undo


def _take_contacts(
    session: Session, manual: RunSheetAppointment, pms: RunSheetAppointment, actor: Actor, now: datetime
) -> list[int]:
    """A phone or email that was typed by hand stands over the PMS's, as if typed into its card. Returns the edits."""
    typed_before = session.scalars(
        select(RunSheetOverride.field).where(
            RunSheetOverride.appointment_id == pms.id, RunSheetOverride.state.in_(IN_FORCE)
        )
    ).all()
    edits = [
        RunSheetOverride(
            appointment_id=pms.id,
            field=name,
            value=value,
            base_value=getattr(pms, name),
            by=actor.name,
            at=now,
            state=OverrideState.ACTIVE.value,
        )
        for name in ("patient_phone", "patient_email")
        if (value := getattr(manual, name)) is not None
        and not same_meaning(name, value, getattr(pms, name))
        and name not in typed_before
    ]
    session.add_all(edits)
    session.flush()
    return [edit.id for edit in edits]


ANSWERS: dict[str, Callable[[Session, Decision, str, Actor, datetime], Answer]] = {
    "field_conflict": _answer_field,
    "patient_changed": _answer_patient,
    "removals_held": _answer_removals,
    "merge_suggestion": _answer_duplicate,
    **list_effects.ANSWERS,
}


def is_as_answered(session: Session, undo_data: dict[str, Any]) -> bool:
    """True while everything an answer changed is as the answer left it."""
    if "override" in undo_data:
        override_id, _, _, state, base_value = undo_data["override"]
        override = session.get(RunSheetOverride, override_id)
        if override is None or (override.state, override.base_value) != (state, base_value):
            return False
        if _other_edit(session, override) is not None:
            return False
    for card_id, _, _, _, presence, kept in undo_data.get("cards", ()):
        card = session.get(RunSheetAppointment, card_id)
        if card is None or (card.presence, card.kept_digest) != (presence, kept):
            return False
    for edit_id in undo_data.get("typed", ()):
        edit = session.get(RunSheetOverride, edit_id)
        if edit is None or edit.state not in IN_FORCE:
            return False
    if "own" in undo_data:
        card_id, _, after = undo_data["own"]
        card = session.get(RunSheetAppointment, card_id)
        if card is None or own_values(card) != after:
            return False
    if "merged" in undo_data:
        card_id, _, _, notes, state = undo_data["merged"]
        card = session.get(RunSheetAppointment, card_id)
        return card is not None and (card.notes, card.state) == (notes, state)
    return True


def _other_edit(session: Session, override: RunSheetOverride) -> int | None:
    """What staff typed into the same field since."""
    return session.scalar(
        select(RunSheetOverride.id).where(
            RunSheetOverride.appointment_id == override.appointment_id,
            RunSheetOverride.field == override.field,
            RunSheetOverride.state.in_(IN_FORCE),
            RunSheetOverride.id != override.id,
        )
    )


def put_back(session: Session, undo_data: dict[str, Any], actor: Actor, now: datetime) -> list[int]:
    """Undo what an answer changed; everything is still as it left it. Returns the cards as an answer does."""
    touched: list[int] = []
    if "override" in undo_data:
        override_id, state, base_value, _, _ = undo_data["override"]
        override = session.get_one(RunSheetOverride, override_id)
        override.state, override.base_value = state, base_value
        touched.append(override.appointment_id)
    for card_id, presence, reason, kept, _, _ in undo_data.get("cards", ()):
        not_removed = {} if presence == Presence.REMOVED_BY_STAFF else placement.NOT_REMOVED
        placement.place(
            session,
            [card_id],
            Presence(presence),
            reason,
            kind=TAKEN_BACK,
            by=PlacedBy.staff(actor),
            now=now,
            also={"kept_digest": kept, **not_removed},
        )
    if "own" in undo_data:
        card_id, before, _ = undo_data["own"]
        put_own(session.get_one(RunSheetAppointment, card_id), before)
        touched.append(card_id)
    if "merged" in undo_data:
        card_id, notes, state, _, _ = undo_data["merged"]
        card = session.get_one(RunSheetAppointment, card_id)
        card.notes, card.state = notes, state
        touched.append(card_id)
    for edit_id in undo_data.get("typed", ()):
        edit = session.get_one(RunSheetOverride, edit_id)
        edit.state = OverrideState.DROPPED.value
        questions.lapse(session, [field_subject(edit.appointment_id, edit.field)], now)
    return touched
