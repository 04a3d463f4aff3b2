"""Stored cards under decisions of the clinic that have just changed, without asking the PMS."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Row, select, update
from sqlalchemy.orm import Session

from pmsapp.domain.appointment import AppointmentStatus, Presence
from pmsapp.domain.rules import REASONS, Rules, Verdict, place
from pmsapp.models import RunSheetAppointment
from pmsapp.services import days
from pmsapp.services.run_context import load_rules
from pmsapp.services.stored_cards import CARDS, SHEETS

_OFF_SHEET = (Presence.FILTERED.value, Presence.UNMAPPED.value)


def place_of(session: Session, card: RunSheetAppointment) -> Verdict:
    """Where a stored card belongs as things stand. A card without a connection is judged by its status alone."""
    if card.pms_connection_id is None:
        cancelled = card.appointment_status == AppointmentStatus.CANCELLED
        return Verdict(Presence.CANCELLED if cancelled else Presence.ON_SHEET)
    return _verdict(load_rules(session, card.pms_connection_id), card)


def rejudge_type(session: Session, connection_id: int, type_id: str, now: datetime) -> list[int]:
    """Put the cards of one type, from today on, where the clinic's decision about it says. Returns those that moved.

    The next run compares them with the PMS again.
    """
    rules = load_rules(session, connection_id)
    rows = session.execute(
        select(CARDS)
        .join(SHEETS, SHEETS.c.id == CARDS.c.run_sheet_id)
        .where(
            CARDS.c.pms_connection_id == connection_id,
            CARDS.c.pms_type_id == type_id,
            CARDS.c.presence.in_((Presence.ON_SHEET.value, *_OFF_SHEET)),
            SHEETS.c.date >= days.today(session),
        )
    ).all()
    moved: list[int] = []
    for row in rows:
        verdict = _verdict(rules, row)
        if verdict.presence == row.presence:
            continue
        reason = REASONS.get(verdict.reason) if verdict.reason else None
        columns: dict[str, Any] = {
            "presence": verdict.presence.value,
            "presence_reason": reason,
            "presence_at": now if reason else None,
            "acknowledged_at": None,
            "pms_digest": None,
        }
        session.execute(update(CARDS).where(CARDS.c.id == row.id).values(**columns))
        moved.append(row.id)
    return moved


def _verdict(rules: Rules, card: RunSheetAppointment | Row[Any]) -> Verdict:
    rule = rules.types.get(card.pms_type_id) if card.pms_type_id else None
    decided = rule.decision if rule else None
    return place(
        rules,
        practitioner_id=card.pms_practitioner_id,
        type_id=card.pms_type_id,
        is_telehealth=card.is_telehealth if decided is None else decided,
        is_cancelled=card.appointment_status == AppointmentStatus.CANCELLED,
    )
