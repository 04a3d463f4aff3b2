"""Questions only a person can settle: listing them, answering them, and taking an answer back until midnight.

Each kind has two answers, `keep` (ours) and `pms` (theirs). An answer is in force when the call returns.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from pmsapp import clock
from pmsapp.domain.actor import Actor
from pmsapp.domain.appointment import Presence, WorkflowState
from pmsapp.domain.merge import EDITABLE, OverrideState, as_stored
from pmsapp.domain.window import day_of
from pmsapp.extensions import key_ring
from pmsapp.models import (
    Decision,
    PMSAppointmentType,
    PMSClinicianMapping,
    PMSConnection,
    RunSheetAppointment,
    RunSheetClinician,
    RunSheetOverride,
)
from pmsapp.services import audit, days, sheets
from pmsapp.services.cards import load_cards
from pmsapp.services.errors import Conflict, Invalid, NotFound
from pmsapp.services.overrides import EVENTS
from pmsapp.services.stored_cards import CARDS, IN_FORCE
from pmsapp.services.transaction import reading, writing

KEEP, PMS = "keep", "pms"


@dataclass(frozen=True, slots=True, repr=False)
class DecisionView:
    """One question. `ours` and `theirs` are what each side says, in the field's own form."""

    id: int
    kind: str
    date: date | None
    connection_id: int | None
    clinician_id: int | None
    appointment_ids: tuple[int, ...]
    field: str | None
    ours: Any
    theirs: Any
    since: datetime
    state: str
    choice: str | None
    decided_by: str | None
    decided_at: datetime | None
    can_undo: bool = False

    def __repr__(self) -> str:
        return f"DecisionView({self.id}, {self.kind})"


def list_open(day: date | None = None) -> list[DecisionView]:
    """Open questions, oldest first; with a day only that day's and those without one."""
    query = select(Decision).where(Decision.state == "open")
    if day is not None:
        query = query.where((Decision.date == day) | Decision.date.is_(None))
    with reading() as session:
        return [_view(session, row) for row in session.scalars(query.order_by(Decision.since, Decision.id))]


def list_decided_today() -> list[DecisionView]:
    """Answers given today, newest first: those that can still be taken back say so."""
    with reading() as session:
        rows = session.scalars(
            select(Decision)
            .where(Decision.state == "decided")
            .order_by(Decision.decided_at.desc())
            .limit(100)
        )
        return [view for view in (_view(session, row) for row in rows) if _is_today(session, view.decided_at)]


def get_decision(decision_id: int) -> DecisionView:
    """One question, open or not. Raises NotFound."""
    with reading() as session:
        return _view(session, _row(session, decision_id))


def decide(decision_id: int, choice: str, actor: Actor, *, same_for_others: bool = False) -> DecisionView:
    """Answer a question. `same_for_others`: also every other open conflict of the same field on the same day.

    Raises NotFound; Invalid for another word than keep or pms; Conflict DECIDED (with the answer given) when
    somebody was faster.
    """
    if choice not in (KEEP, PMS):
        raise Invalid({"choice": "Choose keep or pms."})
    now = clock.now()
    with writing() as session:
        row = _row(session, decision_id, lock=True)
        if row.state != "open":
            raise Conflict("DECIDED", "Somebody has already answered this.", _view(session, row))
        others = _alike(session, row) if same_for_others else []
        for one in [row, *others]:
            _settle(session, one, choice, actor, now)
        session.flush()
        return _view(session, row)


def undo(decision_id: int, actor: Actor) -> DecisionView:
    """Take an answer back on the day it was given; the question is open again.

    Raises NotFound, and Conflict CANNOT-UNDO when it is too late or the PMS has moved on.
    """
    now = clock.now()
    with writing() as session:
        row = _row(session, decision_id, lock=True)
        if not _can_undo(session, row):
            raise Conflict("CANNOT-UNDO", "This answer cannot be taken back any more.", _view(session, row))
        open_again = session.scalar(
            select(Decision.id).where(Decision.subject == row.subject, Decision.state == "open")
        )
        if open_again is not None:
            raise Conflict("CANNOT-UNDO", "The question has come up again since; answer that one.", None)
        touched = _put_back(session, row.undo or {}, now)
        row.state, row.choice, row.undo, row.decided_by, row.decided_at = "open", None, None, None, None
        _show_changes(session, touched, actor, "answer_taken_back", now)
        audit.record(session, actor, "decision.undo", f"decision:{row.id}", {"kind": row.kind})
        session.flush()
        return _view(session, row)


def _settle(session: Session, row: Decision, choice: str, actor: Actor, now: datetime) -> None:
    answer = _ANSWERS[row.kind]
    touched, row.undo = answer(session, row, choice, actor, now)
    row.state, row.choice, row.decided_by, row.decided_at = "decided", choice, actor.name, now
    _show_changes(session, touched, actor, f"answered_{choice}", now)
    audit.record(
        session, actor, "decision.answer", f"decision:{row.id}", {"kind": row.kind, "choice": choice}
    )


Answer = tuple[list[int], dict[str, Any] | None]


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
    before = {"override": [override.id, override.state, override.base_value]}
    if choice == KEEP:
        override.state = OverrideState.ACTIVE.value
        override.base_value = as_stored(getattr(card, EDITABLE[row.field].column))
    else:
        override.state = OverrideState.DROPPED.value
    override.decided_by, override.decided_at = actor.name, now
    return [card_id], before


def _answer_patient(session: Session, row: Decision, choice: str, actor: Actor, now: datetime) -> Answer:
    """pms: the old patient's card is deleted. keep: both stay until the PMS changes again."""
    return _place_held(session, row, row.appointment_ids[:1], choice, "no longer booked there", now)


def _answer_removals(session: Session, row: Decision, choice: str, actor: Actor, now: datetime) -> Answer:
    """pms: what disappeared is deleted. keep: it stays until the PMS lists it again or says otherwise."""
    return _place_held(session, row, row.appointment_ids, choice, "no longer in the practice software", now)


def _place_held(
    session: Session, row: Decision, card_ids: list[int], choice: str, reason: str, now: datetime
) -> Answer:
    held = session.scalars(
        select(RunSheetAppointment).where(
            RunSheetAppointment.id.in_(card_ids), RunSheetAppointment.presence == Presence.HELD.value
        )
    ).all()
    before = {"cards": [[card.id, card.presence, card.presence_reason, card.kept_digest] for card in held]}
    for card in held:
        card.acknowledged_at = None
        card.presence_at = now
        if choice == PMS:
            card.presence, card.presence_reason = Presence.DELETED.value, reason
        else:
            card.presence, card.presence_reason, card.kept_digest = Presence.ON_SHEET.value, None, row.marker
    return [card.id for card in held], before


def _answer_twin(session: Session, row: Decision, choice: str, actor: Actor, now: datetime) -> Answer:
    """pms: the hand-made card goes into the PMS's card, its notes and state with it. keep: both stay."""
    if choice == KEEP:
        return [], {"cards": []}
    manual, pms = (session.get(RunSheetAppointment, card_id) for card_id in row.appointment_ids)
    if manual is None or pms is None:
        return [], None
    before = {
        "cards": [[manual.id, manual.presence, manual.presence_reason, manual.kept_digest]],
        "merged": [pms.id, pms.notes, pms.state],
    }
    pms.notes = "\n".join(text for text in (pms.notes, manual.notes) if text) or None
    if pms.state == WorkflowState.BOOKED:
        pms.state = manual.state
    manual.presence, manual.presence_reason, manual.presence_at = (
        Presence.REMOVED_BY_STAFF.value,
        "merged with the card from the practice software",
        now,
    )
    manual.removed_at, manual.removed_by, manual.removed_reason = now, actor.name, manual.presence_reason
    return [manual.id, pms.id], before


def _answer_practitioner(session: Session, row: Decision, choice: str, actor: Actor, now: datetime) -> Answer:
    """pms: give them a column of their own. keep: they are not shown."""
    mapping = session.scalar(
        select(PMSClinicianMapping).where(
            PMSClinicianMapping.connection_id == row.connection_id,
            PMSClinicianMapping.pms_practitioner_id == (row.theirs or {}).get("pms_practitioner_id"),
        )
    )
    if mapping is None:
        return [], None
    mapping.decided_by, mapping.decided_at = actor.name, now
    if choice == KEEP:
        mapping.decision, mapping.clinician_id = "ignored", None
    else:
        mapping.decision, mapping.clinician_id = (
            "mapped",
            _new_column(session, mapping.pms_practitioner_name, now),
        )
    _rules_changed(session, row.connection_id)
    return [], None


def _new_column(session: Session, name: str, now: datetime) -> int:
    last = (
        session.scalar(select(RunSheetClinician.sort_order).order_by(RunSheetClinician.sort_order.desc()))
        or 0
    )
    clinician = RunSheetClinician(name=name, sort_order=last + 1, active=True, created_at=now)
    session.add(clinician)
    session.flush()
    return clinician.id


def _answer_type(session: Session, row: Decision, choice: str, actor: Actor, now: datetime) -> Answer:
    """pms: appointments of this type are telehealth. keep: they are not."""
    session.execute(
        update(PMSAppointmentType)
        .where(
            PMSAppointmentType.connection_id == row.connection_id,
            PMSAppointmentType.pms_type_id == (row.theirs or {}).get("pms_type_id"),
        )
        .values(is_telehealth=choice == PMS)
    )
    _rules_changed(session, row.connection_id)
    return [], None


def _rules_changed(session: Session, connection_id: int | None) -> None:
    session.execute(
        update(PMSConnection)
        .where(PMSConnection.id == connection_id)
        .values(config_version=PMSConnection.config_version + 1)
    )


_ANSWERS: dict[str, Callable[[Session, Decision, str, Actor, datetime], Answer]] = {
    "field_conflict": _answer_field,
    "patient_changed": _answer_patient,
    "removals_held": _answer_removals,
    "merge_suggestion": _answer_twin,
    "practitioner_new": _answer_practitioner,
    "type_new": _answer_type,
}


def _put_back(session: Session, undo_data: dict[str, Any], now: datetime) -> list[int]:
    touched: list[int] = []
    if "override" in undo_data:
        override_id, state, base_value = undo_data["override"]
        override = session.get(RunSheetOverride, override_id)
        if override is not None:
            override.state, override.base_value = state, base_value
            touched.append(override.appointment_id)
    for card_id, presence, reason, kept in undo_data.get("cards", ()):
        card = session.get(RunSheetAppointment, card_id)
        if card is not None:
            card.presence, card.presence_reason, card.kept_digest, card.presence_at = (
                presence,
                reason,
                kept,
                now,
            )
            touched.append(card_id)
    if "merged" in undo_data:
        card_id, notes, state = undo_data["merged"]
        card = session.get(RunSheetAppointment, card_id)
        if card is not None:
            card.notes, card.state = notes, state
            touched.append(card_id)
    return touched


def _show_changes(session: Session, card_ids: list[int], actor: Actor, kind: str, now: datetime) -> None:
    """Touched cards get a line in their timeline and a new version, and stand on the day they show."""
    session.flush()
    changed_days: set[date] = set()
    for card in load_cards(session, key_ring(), [CARDS.c.id.in_(card_ids)]) if card_ids else []:
        sheet_id = sheets.ensure(session, [card.date], now)[card.date]
        changed_days.add(card.date)
        session.execute(
            update(CARDS)
            .where(CARDS.c.id == card.id)
            .values(run_sheet_id=sheet_id, row_version=CARDS.c.row_version + 1, updated_at=now)
        )
        session.execute(
            insert(EVENTS).values(appointment_id=card.id, at=now, source="staff", kind=kind, actor=actor.name)
        )
    session.expire_all()
    sheets.bump(session, changed_days or {days.today(session)}, now)


def _row(session: Session, decision_id: int, *, lock: bool = False) -> Decision:
    query = select(Decision).where(Decision.id == decision_id)
    row = session.scalar(query.with_for_update() if lock else query)
    if row is None:
        raise NotFound("decision")
    return row


def _alike(session: Session, row: Decision) -> list[Decision]:
    if row.kind != "field_conflict":
        return []
    return list(
        session.scalars(
            select(Decision).where(
                Decision.kind == row.kind,
                Decision.field == row.field,
                Decision.date == row.date,
                Decision.state == "open",
                Decision.id != row.id,
            )
        )
    )


def _is_today(session: Session, at: datetime | None) -> bool:
    return at is not None and day_of(at, days.clinic_zone(session)) == days.today(session)


def _can_undo(session: Session, row: Decision) -> bool:
    return row.state == "decided" and row.undo is not None and _is_today(session, row.decided_at)


def _view(session: Session, row: Decision) -> DecisionView:
    return DecisionView(
        id=row.id,
        kind=row.kind,
        date=row.date,
        connection_id=row.connection_id,
        clinician_id=row.clinician_id,
        appointment_ids=tuple(row.appointment_ids or ()),
        field=row.field,
        ours=row.ours,
        theirs=row.theirs,
        since=row.since,
        state=row.state,
        choice=row.choice,
        decided_by=row.decided_by,
        decided_at=row.decided_at,
        can_undo=_can_undo(session, row),
    )
