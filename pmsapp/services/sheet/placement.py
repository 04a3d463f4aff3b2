"""Stored cards under decisions of the clinic that have just changed, without asking the PMS."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, select, update
from sqlalchemy.orm import Session

from pmsapp import __version__
from pmsapp.domain.appointment import AppointmentStatus, AppointmentType, Presence
from pmsapp.domain.sync.rules import (
    REASONS,
    MappingDecision,
    Placement,
    Rules,
    TypeRule,
    place,
)
from pmsapp.models import PMSAppointmentType, PMSClinicianMapping, PMSConnection, RunSheetAppointment
from pmsapp.services.clinic import clinic
from pmsapp.services.sheet import questions
from pmsapp.services.sheet.stored_cards import CARDS, SHEETS

_OFF_SHEET = (Presence.FILTERED.value, Presence.UNMAPPED.value)


def place_of(session: Session, card: RunSheetAppointment) -> Placement:
    """Where a stored card belongs as things stand. A card without a connection is judged by its status alone."""
    if card.pms_connection_id is None:
        cancelled = card.appointment_status == AppointmentStatus.CANCELLED
        return Placement(Presence.CANCELLED if cancelled else Presence.ON_SHEET)
    return _placement(load_rules(session, card.pms_connection_id), card)


def reapply_type(session: Session, connection_id: int, type_id: str, now: datetime) -> list[int]:
    """Put the cards of one type, from today on, where the clinic's decision about it says, and mark them by it.

    Returns those that changed.

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
            SHEETS.c.date >= clinic.today(session),
        )
    ).all()
    rule = rules.types.get(type_id)
    decided = rule.decision if rule else None
    moved: list[int] = []
    for row in rows:
        verdict = _placement(rules, row)
        is_telehealth = row.is_telehealth if decided is None else decided
        if verdict.presence == row.presence and is_telehealth == row.is_telehealth:
            continue
        reason = REASONS.get(verdict.reason) if verdict.reason else None
        columns: dict[str, Any] = {
            "presence": verdict.presence.value,
            "presence_reason": reason,
            "presence_at": now if reason else None,
            "acknowledged_at": None,
            "is_telehealth": is_telehealth,
            "pms_digest": None,
        }
        session.execute(update(CARDS).where(CARDS.c.id == row.id).values(**columns))
        moved.append(row.id)
    return moved


def _placement(rules: Rules, card: RunSheetAppointment | Row[Any]) -> Placement:
    rule = rules.types.get(card.pms_type_id) if card.pms_type_id else None
    decided = rule.decision if rule else None
    is_telehealth = card.is_telehealth if decided is None else decided
    return place(
        rules,
        practitioner_id=card.pms_practitioner_id,
        type_id=card.pms_type_id,
        is_telehealth=None if rule and rule.in_doubt else is_telehealth,
        is_cancelled=card.appointment_status == AppointmentStatus.CANCELLED,
    )


def load_rules(session: Session, connection_id: int, listed: Sequence[AppointmentType] = ()) -> Rules:
    """The clinic's decisions about one connection. `listed`: types just read that are not to be stored (a preview)."""
    connection = session.execute(
        select(PMSConnection.time_zone, PMSConnection.sync_telehealth_only).where(
            PMSConnection.id == connection_id
        )
    ).one()
    practitioners = session.execute(
        select(
            PMSClinicianMapping.pms_practitioner_id,
            PMSClinicianMapping.decision,
            PMSClinicianMapping.run_sheet_clinician_id,
        ).where(PMSClinicianMapping.pms_connection_id == connection_id)
    )
    types = _stored_types(session, connection_id)
    for one in listed:
        known = types.get(one.external_id)
        types[one.external_id] = TypeRule(
            one.name,
            known.decision if known else None,
            one.is_telehealth,
            known.sync_enabled if known else True,
            one.default_duration_min,
            known.in_doubt if known else False,
        )
    return Rules(
        zone=connection.time_zone,
        telehealth_only=connection.sync_telehealth_only,
        practitioners={
            row.pms_practitioner_id: (MappingDecision(row.decision), row.run_sheet_clinician_id)
            for row in practitioners
        },
        types=types,
    )


def digest_of(rules: Rules) -> str:
    """The `rules_digest` of these decisions."""
    parts = (
        rules.zone,
        rules.telehealth_only,
        sorted(rules.practitioners.items()),
        sorted(rules.types.items()),
    )
    return hashlib.sha256(f"{__version__}|{parts!r}".encode()).hexdigest()[:24]


def _stored_types(session: Session, connection_id: int) -> dict[str, TypeRule]:
    rows = session.execute(
        select(
            PMSAppointmentType.pms_type_id,
            PMSAppointmentType.pms_type_name,
            PMSAppointmentType.is_telehealth,
            PMSAppointmentType.pms_is_telehealth,
            PMSAppointmentType.sync_enabled,
            PMSAppointmentType.default_duration_minutes,
        ).where(PMSAppointmentType.pms_connection_id == connection_id)
    )
    doubted = questions.types_in_doubt(session, connection_id)
    return {
        row.pms_type_id: TypeRule(
            row.pms_type_name,
            row.is_telehealth,
            row.pms_is_telehealth,
            row.sync_enabled,
            row.default_duration_minutes,
            row.pms_type_id in doubted,
        )
        for row in rows
    }
