"""What every change of a card shares: its row under a lock, its version, its days, its timeline."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from pmsapp.domain.actor import Actor
from pmsapp.domain.runsheet import Card
from pmsapp.extensions import key_ring
from pmsapp.models import RunSheetAppointment
from pmsapp.services.base.errors import Conflict, NotFound
from pmsapp.services.sheet import looks, timeline, versions
from pmsapp.services.sheet.cards import load_cards, may_see
from pmsapp.services.sheet.stored_cards import CARDS


@dataclass(frozen=True, slots=True)
class Changed:
    """A card as it shows after a change, and whether anything did change."""

    card: Card
    changed: bool


def card_for_update(session: Session, card_id: int, actor: Actor) -> tuple[RunSheetAppointment, Card]:
    """The row, locked where the database locks rows, and the card as it shows. Raises NotFound."""
    card = session.scalar(
        select(RunSheetAppointment).where(RunSheetAppointment.id == card_id).with_for_update()
    )
    if card is None:
        raise NotFound("appointment")
    before = shown(session, card_id)
    if not may_see(actor, before):
        raise NotFound("appointment")
    return card, before


def check_version(card: Card, row_version: int | None) -> None:
    """Raise Conflict ROW-CHANGED, with the card as it is, when it has changed since `row_version`."""
    if row_version is not None and card.row_version != row_version:
        raise row_changed(card)


def row_changed(card: Card) -> Conflict:
    """The refusal of a change that was made from an older card."""
    return Conflict("ROW-CHANGED", "This card changed while you were typing; nothing was overwritten.", card)


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
    return timeline.record_one(
        session, {"appointment_id": card.id, "kind": kind, "data": data}, "staff", now, actor=actor.name
    )
