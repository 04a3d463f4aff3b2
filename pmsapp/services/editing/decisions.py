"""Questions only a person can settle: listing them, answering them, and taking an answer back until midnight.

Each kind has two answers, `keep` (ours) and `pms` (theirs); where one person seems to have a new file there is a third,
`same`. An answer is in force when the call returns.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from pmsapp import clock
from pmsapp.domain.actor import Actor
from pmsapp.domain.window import day_of
from pmsapp.extensions import key_ring
from pmsapp.models import (
    Decision,
)
from pmsapp.services.base import audit
from pmsapp.services.base.errors import Conflict, Invalid, NotFound
from pmsapp.services.base.transaction import reading, writing
from pmsapp.services.clinic import clinic
from pmsapp.services.editing.decision_effects import (
    ANSWERS,
    SAME,
    TAKEN_BACK,
    choices_of,
    is_as_answered,
    put_back,
)
from pmsapp.services.editing.list_effects import KEEP, PMS, answered
from pmsapp.services.sheet import timeline, versions
from pmsapp.services.sheet.cards import load_cards
from pmsapp.services.sheet.stored_cards import CARDS


@dataclass(frozen=True, slots=True, repr=False)
class DecisionView:
    """One question. `ours` and `theirs` are what each side says, in the field's own form; `choices` its answers."""

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
    subject: str = ""
    choices: tuple[str, ...] = (PMS, KEEP)

    def __repr__(self) -> str:
        return f"DecisionView({self.id}, {self.kind})"


def list_open(day: date | None = None) -> list[DecisionView]:
    """Open questions, oldest first; with a day only that day's and those without one."""
    query = select(Decision).where(Decision.state == "open")
    if day is not None:
        query = query.where((Decision.date == day) | Decision.date.is_(None))
    with reading() as session:
        return [_view(session, row) for row in session.scalars(query.order_by(Decision.since, Decision.id))]


def list_open_of_card(card_id: int) -> list[DecisionView]:
    """The open questions that one card is part of, oldest first."""
    with reading() as session:
        rows = session.scalars(
            select(Decision).where(Decision.state == "open").order_by(Decision.since, Decision.id)
        )
        return [_view(session, row) for row in rows if card_id in (row.appointment_ids or ())]


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

    Raises NotFound; Invalid for an answer the question does not take; Conflict DECIDED (with the answer given) when
    somebody was faster.
    """
    if choice not in (KEEP, PMS, SAME):
        raise Invalid({"choice": "Choose keep or pms."})
    now = clock.now()
    with writing() as session:
        row = _row(session, decision_id, lock=True)
        if row.state != "open":
            said = "This has settled itself."
            if row.state == "decided":
                said = f"{row.decided_by or 'Somebody'} has already answered this."
            raise Conflict("DECIDED", said, _view(session, row))
        if choice not in choices_of(session, row):
            raise Invalid({"choice": "These are not known to be one person. Choose keep or pms."})
        others = _alike(session, row) if same_for_others else []
        for asked in [row, *others]:
            _settle(session, asked, choice, actor, now)
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
        touched = put_back(session, row.undo or {}, actor, now)
        row.state, row.choice, row.undo, row.decided_by, row.decided_at = "open", None, None, None, None
        _show_changes(session, touched, actor, TAKEN_BACK, now)
        audit.record(session, actor, "decision.undo", f"decision:{row.id}", {"kind": row.kind})
        session.flush()
        return _view(session, row)


def _settle(session: Session, row: Decision, choice: str, actor: Actor, now: datetime) -> None:
    answer = ANSWERS[row.kind]
    touched, row.undo = answer(session, row, choice, actor, now)
    row.state, row.choice, row.decided_by, row.decided_at = "decided", choice, actor.name, now
    _show_changes(session, touched, actor, answered(choice), now, _told(row, choice))
    audit.record(
        session, actor, "decision.answer", f"decision:{row.id}", {"kind": row.kind, "choice": choice}
    )


def _told(row: Decision, choice: str) -> dict[str, Any] | None:
    """From which value to which an answer about a field leads."""
    if row.kind != "field_conflict" or row.field is None:
        return None
    was, now = (row.ours, row.theirs) if choice == PMS else (row.theirs, row.ours)
    return {"fields": [row.field], "was": {row.field: was}, "now": {row.field: now}}


def _show_changes(
    session: Session,
    card_ids: list[int],
    actor: Actor,
    kind: str,
    now: datetime,
    data: dict[str, Any] | None = None,
) -> None:
    """Touched cards get a line in their timeline and a new version, and stand on the day they show."""
    session.flush()
    changed_days = versions.days_of(session, card_ids)
    for card in load_cards(session, key_ring(), [CARDS.c.id.in_(card_ids)]) if card_ids else []:
        sheet_id = versions.ensure(session, [card.date], now)[card.date]
        changed_days.add(card.date)
        session.execute(
            update(CARDS)
            .where(CARDS.c.id == card.id)
            .values(run_sheet_id=sheet_id, row_version=CARDS.c.row_version + 1, updated_at=now)
        )
    lines = [{"appointment_id": card_id, "kind": kind, "data": data} for card_id in card_ids]
    timeline.record(session, lines, "staff", now, actor=actor.name)
    session.expire_all()
    versions.bump(session, changed_days or {clinic.today(session)}, now)


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
    return at is not None and day_of(at, clinic.time_zone(session)) == clinic.today(session)


def _can_undo(session: Session, row: Decision) -> bool:
    if row.state != "decided" or row.undo is None or not _is_today(session, row.decided_at):
        return False
    return is_as_answered(session, row.undo)


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
        subject=row.subject,
        choices=choices_of(session, row),
    )
