"""What the answers about practitioners and appointment types change: who and what is new, changed, gone or archived.

Inside the caller's write transaction, as `decision_effects` says.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from pmsapp.domain.actor import Actor
from pmsapp.domain.sync.rules import REASONS, SkipReason
from pmsapp.models import Decision, PMSAppointmentType, PMSClinicianMapping, PMSConnection, RunSheetClinician
from pmsapp.services.sheet import columns, matching_changes, placement
from pmsapp.services.sheet.matching_changes import PRACTITIONERS, TYPES
from pmsapp.services.sheet.placement import PlacedBy

KEEP, PMS = "keep", "pms"

Answer = tuple[list[int], dict[str, Any] | None]


def answered(choice: str) -> str:
    """How a card's timeline names an answer that changed it."""
    return f"answered_{choice}"


def _answer_practitioner(session: Session, row: Decision, choice: str, actor: Actor, now: datetime) -> Answer:
    """pms: give them a column of their own. keep: they are not shown."""
    mapping = session.scalar(
        select(PMSClinicianMapping).where(
            PMSClinicianMapping.pms_connection_id == row.connection_id,
            PMSClinicianMapping.pms_practitioner_id == (row.theirs or {}).get("pms_practitioner_id"),
        )
    )
    if mapping is None:
        return [], None
    mapping.decided_by, mapping.decided_at = actor.name, now
    if choice == KEEP:
        mapping.decision, mapping.run_sheet_clinician_id, mapping.auto_created = "ignored", None, False
    else:
        made = columns.add_row(session, mapping.pms_practitioner_name, now)
        mapping.decision, mapping.run_sheet_clinician_id, mapping.auto_created = "mapped", made.id, True
    _rules_changed(session, row.connection_id)
    return [], None


def _answer_type(session: Session, row: Decision, choice: str, actor: Actor, now: datetime) -> Answer:
    """pms: appointments of this type are telehealth. keep: they are not."""
    type_id = str((row.theirs or {}).get("pms_type_id"))
    session.execute(
        update(PMSAppointmentType)
        .where(
            PMSAppointmentType.pms_connection_id == row.connection_id,
            PMSAppointmentType.pms_type_id == type_id,
        )
        .values(is_telehealth=choice == PMS)
    )
    _type_decided(session, row, type_id, choice, actor, now)
    return [], None


def _answer_turned_type(session: Session, row: Decision, choice: str, actor: Actor, now: datetime) -> Answer:
    """keep: what was decided about the type stands. pms: it is the other way round now."""
    type_id = str((row.theirs or {}).get("pms_type_id"))
    kind = session.scalar(
        select(PMSAppointmentType).where(
            PMSAppointmentType.pms_connection_id == row.connection_id,
            PMSAppointmentType.pms_type_id == type_id,
        )
    )
    if kind is None or kind.is_telehealth is None:
        return [], None
    if choice == PMS:
        kind.is_telehealth = not kind.is_telehealth
    row.state = "decided"  # a type still asked about counts as not sure
    session.flush()
    _type_decided(session, row, type_id, choice, actor, now)
    return [], None


def _type_decided(
    session: Session, row: Decision, type_id: str, choice: str, actor: Actor, now: datetime
) -> None:
    """The type's cards go where the clinic's decision about it now says."""
    _rules_changed(session, row.connection_id)
    placement.reapply_type(
        session,
        row.connection_id or 0,
        type_id,
        kind=answered(choice),
        by=PlacedBy.staff(actor),
        now=now,
    )


def _rules_changed(session: Session, connection_id: int | None) -> None:
    session.execute(
        update(PMSConnection)
        .where(PMSConnection.id == connection_id)
        .values(config_version=PMSConnection.config_version + 1)
    )


def _answer_gone(session: Session, row: Decision, choice: str, actor: Actor, now: datetime) -> Answer:
    """pms: they have left, and their cards from today leave the sheets. keep: their column stays as it is."""
    mapping = _mapping(session, row)
    if mapping is None or choice == KEEP:
        return [], None
    mapping.decision, mapping.run_sheet_clinician_id, mapping.auto_created = "ignored", None, False
    mapping.decided_by, mapping.decided_at = actor.name, now
    left = REASONS[SkipReason.PRACTITIONER_IGNORED]
    placement.take_off(session, mapping.pms_connection_id, mapping.pms_practitioner_id, left, actor, now)
    _rules_changed(session, row.connection_id)
    return [], None


def _answer_renamed(session: Session, row: Decision, choice: str, actor: Actor, now: datetime) -> Answer:
    """pms: the column bears the practitioner's new name, unless another one does. keep: it keeps its name."""
    mapping, name = _mapping(session, row), (row.theirs or {}).get("name")
    taken = session.scalar(select(RunSheetClinician.id).where(RunSheetClinician.name == name))
    column = session.get(RunSheetClinician, mapping.run_sheet_clinician_id) if mapping else None
    if choice == PMS and column is not None and name and taken is None:
        column.name = str(name)
    return [], None


def _answer_archived_type(
    session: Session, row: Decision, choice: str, actor: Actor, now: datetime
) -> Answer:
    """pms: appointments of the archived type are not shown any more. keep: they are, as before."""
    type_id = str((row.theirs or {}).get("pms_type_id"))
    stored = session.scalar(
        select(PMSAppointmentType).where(
            PMSAppointmentType.pms_connection_id == row.connection_id,
            PMSAppointmentType.pms_type_id == type_id,
        )
    )
    if stored is None or choice == KEEP:
        return [], None
    stored.sync_enabled = False
    session.flush()
    _type_decided(session, row, type_id, choice, actor, now)
    return [], None


def _mapping(session: Session, row: Decision) -> PMSClinicianMapping | None:
    theirs: dict[str, Any] = row.theirs or {}
    return session.scalar(
        select(PMSClinicianMapping).where(
            PMSClinicianMapping.pms_connection_id == row.connection_id,
            PMSClinicianMapping.pms_practitioner_id == theirs.get("pms_practitioner_id"),
            PMSClinicianMapping.decision == "mapped",
        )
    )


_Answering = Callable[[Session, Decision, str, Actor, datetime], Answer]


def _kept_for_undo(what: str, answer: _Answering) -> _Answering:
    """An answer that changes a match or a type can be undone for a day like the same change on the page."""
    key = "pms_practitioner_id" if what == PRACTITIONERS else "pms_type_id"

    def answer_and_note(session: Session, row: Decision, choice: str, actor: Actor, now: datetime) -> Answer:
        subject = str((row.theirs or {}).get(key))
        before = matching_changes.capture(session, row.connection_id or 0, what, [subject])
        done = answer(session, row, choice, actor, now)
        matching_changes.note(session, before, actor, now, answered=[row.id])
        return done

    return answer_and_note


ANSWERS: dict[str, _Answering] = {
    "practitioner_new": _kept_for_undo(PRACTITIONERS, _answer_practitioner),
    "practitioner_gone": _kept_for_undo(PRACTITIONERS, _answer_gone),
    "practitioner_changed": _answer_renamed,
    "type_new": _kept_for_undo(TYPES, _answer_type),
    "type_changed": _kept_for_undo(TYPES, _answer_turned_type),
    "type_gone": _kept_for_undo(TYPES, _answer_archived_type),
}
