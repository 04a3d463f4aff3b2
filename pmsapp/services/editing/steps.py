"""Reception's steps with a patient: forward, no answer, did not attend, and taking the last one back until midnight.

Every step is a line of the card's timeline with what was before it, so that timers, story and undo agree.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from pmsapp import clock
from pmsapp.domain.actor import Actor
from pmsapp.domain.appointment import Presence, WorkflowState
from pmsapp.domain.runsheet import Card
from pmsapp.domain.window import day_of, utc_text
from pmsapp.domain.worklist import steps as rules
from pmsapp.domain.worklist.steps import Outcome
from pmsapp.models import RunSheetAppointment, RunSheetEvent
from pmsapp.services.base import audit
from pmsapp.services.base.errors import Conflict, Invalid, NotFound
from pmsapp.services.base.transaction import reading, writing
from pmsapp.services.clinic import clinic
from pmsapp.services.editing.card_rows import card_for_update, check_version, show_change, shown, trace
from pmsapp.services.sheet.stored_cards import as_instant

STEP, UNDONE = "step", "step_undone"
MOST_ATTEMPTS = 50


@dataclass(frozen=True, slots=True)
class Step:
    """A step as it was taken: the card after it, and the timeline line an undo names. `number`: of the attempt."""

    card: Card
    event_id: int
    came_from: str
    went_to: str
    by: str
    at: datetime
    number: int | None = None


def advance(
    card_id: int,
    actor: Actor,
    *,
    expected: str,
    to: str | None = None,
    row_version: int | None = None,
) -> Step:
    """Take the step after `expected`, or to the state `to`.

    `expected` is the state the person was looking at. Where the card has another by now, nothing is stored and
    Conflict STEP-TAKEN carries the card: nobody skips a step that a colleague has just taken. Raises NotFound,
    Invalid, Conflict.
    """
    now = clock.now()
    with writing() as session:
        card, seen = card_for_update(session, card_id, actor)
        check_version(seen, row_version)
        _check_expected(seen, expected)
        target = _target(card, to)
        event_id = enter_state(session, card, target, actor, now)
        if event_id is None:
            raise Conflict("STEP-TAKEN", "It is that already.", seen)
        card.claimed_key = card.claimed_by = card.claimed_at = None
        after = show_change(session, card, None, actor, now)
        audit.record(session, actor, "card.step", f"card:{card_id}", {"from": expected, "to": target})
    return Step(after.card, event_id, expected, target, actor.name, now)


def record_attempt(card_id: int, outcome: str, actor: Actor, *, expected: str | None = None) -> Step:
    """Count an attempt to reach the patient, with its time. Raises NotFound, Invalid, Conflict."""
    if outcome not in set(Outcome):
        raise Invalid({"outcome": f"Choose one of: {', '.join(Outcome)}."})
    now = clock.now()
    with writing() as session:
        card, seen = card_for_update(session, card_id, actor)
        if expected is not None:
            _check_expected(seen, expected)
        _check_on_sheet(seen)
        before = card.state
        tried = list(card.attempts or ())
        if len(tried) >= MOST_ATTEMPTS:
            raise Conflict("TOO-MANY-ATTEMPTS", f"{MOST_ATTEMPTS} attempts are noted already.")
        target = rules.after_attempt(before, outcome)
        event_id = _enter(session, card, target, actor, now, attempt=outcome)
        card.attempts = [*tried, {"outcome": outcome, "by": actor.name, "at": utc_text(now)}]
        card.claimed_key = card.claimed_by = card.claimed_at = None
        after = show_change(session, card, None, actor, now)
        audit.record(session, actor, "card.attempt", f"card:{card_id}", {"outcome": outcome})
    return Step(after.card, event_id, before, target, actor.name, now, len(tried) + 1)


def undo(card_id: int, event_id: int, actor: Actor) -> Card:
    """Take the last step back, on the clinic day it was taken. Raises NotFound, and Conflict CANNOT-UNDO."""
    now = clock.now()
    with writing() as session:
        card, seen = card_for_update(session, card_id, actor)
        last = last_step(session, card_id, now)
        if last is None or last.id != event_id:
            raise Conflict("CANNOT-UNDO", "This step cannot be taken back any more.", seen)
        data: dict[str, Any] = last.data or {}
        went_to, card.state = card.state, data["from"]
        card.state_since = _instant(data.get("since"))
        card.waiting_since = _instant(data.get("waiting"))
        if "attempt" in data:
            card.attempts = list(card.attempts or ())[:-1] or None
        after = show_change(session, card, None, actor, now)
        trace(session, card, actor, UNDONE, now, {"of": event_id, "from": went_to, "to": card.state})
        audit.record(session, actor, "card.undo", f"card:{card_id}", {"from": went_to, "to": data["from"]})
    return after.card


def get_step(card_id: int, event_id: int) -> Step:
    """A step that was taken, with the card as it is now. Raises NotFound."""
    with reading() as session:
        row = session.get(RunSheetEvent, event_id)
        if row is None or row.appointment_id != card_id or row.kind != STEP:
            raise NotFound("step")
        data: dict[str, Any] = row.data or {}
        card = shown(session, card_id)
        number = len(card.attempts) if "attempt" in data else None
        return Step(card, row.id, data["from"], data["to"], row.actor or "", row.at, number)


def last_step(session: Session, card_id: int, now: datetime) -> RunSheetEvent | None:
    """The last step of the clinic's today that was not taken back."""
    rows = session.scalars(
        select(RunSheetEvent)
        .where(RunSheetEvent.appointment_id == card_id, RunSheetEvent.kind.in_((STEP, UNDONE)))
        .order_by(RunSheetEvent.id)
    ).all()
    taken: list[RunSheetEvent] = []
    for row in rows:
        if row.kind == STEP:
            taken.append(row)
        elif taken:
            taken.pop()
    zone = clinic.time_zone(session)
    return taken[-1] if taken and day_of(taken[-1].at, zone) == day_of(now, zone) else None


def enter_state(
    session: Session, card: RunSheetAppointment, state: str, actor: Actor, now: datetime
) -> int | None:
    """Put a card into a state, inside the caller's transaction. Returns the timeline line, None when it was there."""
    return None if card.state == state else _enter(session, card, state, actor, now)


def _enter(
    session: Session,
    card: RunSheetAppointment,
    state: str,
    actor: Actor,
    now: datetime,
    *,
    attempt: str | None = None,
) -> int:
    data = {
        "from": card.state,
        "to": str(state),
        "since": utc_text(card.state_since) if card.state_since else None,
        "waiting": utc_text(card.waiting_since) if card.waiting_since else None,
    }
    if attempt is not None:
        data["attempt"] = str(attempt)
    known = WorkflowState(state)
    if card.state != known or attempt is not None:
        card.state_since = now
    if known in rules.WAITS:
        card.waiting_since = card.waiting_since or now
    elif known in rules.TO_CALL | {WorkflowState.CONTACTED}:
        card.waiting_since = None
    card.state = known.value
    return trace(session, card, actor, STEP, now, data)


def _target(card: RunSheetAppointment, to: str | None) -> str:
    if to is None:
        following = rules.next_step(card.state, card.appointment_status)
        if following is None:
            raise Conflict("NO-STEP", "There is no step after this one.")
        return following.value
    if to not in set(WorkflowState):
        raise Invalid({"state": "This is not a state of the run sheet."})
    return str(WorkflowState(to))


def _check_expected(card: Card, expected: str) -> None:
    _check_on_sheet(card)
    if card.state != expected:
        raise Conflict("STEP-TAKEN", "Somebody has just taken a step with this patient.", card)


def _check_on_sheet(card: Card) -> None:
    if card.presence is not Presence.ON_SHEET:
        raise Conflict("NOT-ON-SHEET", "This card is not on the sheet any more.", card)


def _instant(text: str | None) -> datetime | None:
    return as_instant(text) if text else None
