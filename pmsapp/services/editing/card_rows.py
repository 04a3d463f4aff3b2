"""What every change of a card shares: its row under a lock, its version, its days, its timeline."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from pmsapp.domain.actor import Actor
from pmsapp.domain.runsheet import Card
from pmsapp.extensions import key_ring
from pmsapp.models import RunSheetAppointment
from pmsapp.services.base.errors import Conflict, NotFound
from pmsapp.services.sheet import looks, versions
from pmsapp.services.sheet.cards import EVENTS, load_cards
from pmsapp.services.sheet.stored_cards import CARDS


@dataclass(frozen=True, slots=True)
class Changed:
    """A card as it shows after a change, and whether anything did change."""

    card: Card
    changed: bool


def card_for_update(session: Session, card_id: int, actor: Actor) -> RunSheetAppointment:
    """The card's row, locked. Raises NotFound, also for a clinician's request about another column."""
    card = session.scalar(
        select(RunSheetAppointment).where(RunSheetAppointment.id == card_id).with_for_update()
    )
    if card is None:
        raise NotFound("appointment")
    if actor.role == "clinician" and shown(session, card_id).clinician_id != actor.clinician_id:
        raise NotFound("appointment")
    return card


def check_version(session: Session, card: RunSheetAppointment, row_version: int | None) -> None:
    """Raise Conflict ROW-CHANGED, with the card as it is, when it has changed since `row_version`."""
    if row_version is not None and card.row_version != row_version:
        current = shown(session, card.id)
        raise Conflict(
            "ROW-CHANGED", "This card changed while you were typing; nothing was overwritten.", current
        )


def shown(session: Session, card_id: int) -> Card:
    """The card as the sheet shows it."""
    return load_cards(session, key_ring(), [CARDS.c.id == card_id])[0]


def show_change(
    session: Session, card: RunSheetAppointment, before: Card | None, actor: Actor, now: datetime
) -> Changed:
    """Let the card's and its days' versions grow when what is seen has changed, and put it on the day it shows.

    Whoever changed it has seen it.
    """
    session.flush()
    after = shown(session, card.id)
    if before is not None and after == before:
        return Changed(after, False)
    changed_days = {after.date} | versions.days_of(session, [card.id])
    sheet_id = versions.ensure(session, [after.date], now)[after.date]
    session.execute(
        update(CARDS)
        .where(CARDS.c.id == card.id)
        .values(run_sheet_id=sheet_id, row_version=CARDS.c.row_version + 1, updated_at=now)
    )
    session.expire(card)
    versions.bump(session, changed_days, now)
    looks.write_card_look(session, card.id, actor, now)
    return Changed(shown(session, card.id), True)


def trace(
    session: Session, card: RunSheetAppointment, actor: Actor, kind: str, now: datetime, data: Any = None
) -> int:
    """One line of the card's timeline. Returns its id."""
    event_id: int = session.execute(
        insert(EVENTS)
        .values(
            appointment_id=card.id,
            run_id=None,
            at=now,
            source="staff",
            kind=kind,
            actor=actor.name,
            data=data,
        )
        .returning(EVENTS.c.id)
    ).scalar_one()
    return event_id
