"""Cards survive their connection: what is noted when one is taken away, and how the same practice gets it back.

Without it, disconnecting and connecting again would put every appointment on the sheet twice, or lose what staff
typed. See docs/adr/0002-disconnect-and-reconnect.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, delete, insert, literal, select, update
from sqlalchemy.orm import Session

from pmsapp.domain.sync.compare import same_meaning
from pmsapp.domain.sync.merge import EDITABLE, as_stored
from pmsapp.models import FormerCard, PMSConnection, RunSheetAppointment, RunSheetOverride
from pmsapp.models.upsert import insert_into, table_of
from pmsapp.services.sheet import versions
from pmsapp.services.sheet.stored_cards import chunks
from pmsapp.services.vendors.erased_patients import practice_key

_CARDS = table_of(RunSheetAppointment)
_FORMER = table_of(FormerCard)
_OVERRIDES = table_of(RunSheetOverride)


def note_cards(session: Session, row: PMSConnection, now: datetime) -> None:
    """Remember what every card of this connection was at the PMS, before the connection goes."""
    key = practice_key(row)
    if key is None:
        return
    cards = select(
        literal(row.pms_type),
        literal(key),
        _CARDS.c.pms_appointment_id,
        _CARDS.c.pms_patient_id,
        _CARDS.c.pms_practitioner_id,
        _CARDS.c.pms_type_id,
        _CARDS.c.pms_date,
        _CARDS.c.id,
        literal(now, _FORMER.c.left_at.type),
    ).where(_CARDS.c.pms_connection_id == row.id, _CARDS.c.pms_appointment_id.is_not(None))
    columns = [
        "pms_type",
        "practice_key",
        "pms_appointment_id",
        "pms_patient_id",
        "pms_practitioner_id",
        "pms_type_id",
        "pms_date",
        "appointment_id",
        "left_at",
    ]
    session.execute(insert_into(session, _FORMER).from_select(columns, cards).on_conflict_do_nothing())


def note_kept_values(session: Session, cards: Sequence[Row[Any]]) -> None:
    """For cards kept as manual ones: what the PMS had said, so that later edits can be told from it."""
    rows = [
        {
            "card": card.id,
            "values": {rule.field: as_stored(card._mapping[rule.column]) for rule in EDITABLE.values()},
        }
        for card in cards
    ]
    if rows:
        session.execute(
            update(_FORMER)
            .where(_FORMER.c.appointment_id == bindparam("card"))
            .values(kept_values=bindparam("values")),
            rows,
        )


def take_back(session: Session, row: PMSConnection, now: datetime) -> int:
    """Give the cards of the same practice's earlier connection to this one. Returns how many.

    They keep their ids, notes, edits and removals; the next run brings their PMS side up to date. What staff typed
    into a card that had been kept as a manual one becomes an edit over what the PMS said.
    """
    key = practice_key(row)
    if key is None:
        return 0
    noted = session.execute(
        select(*_FORMER.c).where(_FORMER.c.pms_type == row.pms_type, _FORMER.c.practice_key == key)
    ).all()
    days = set()
    for part in chunks(noted):
        days |= _take_back_some(session, row.id, part, now)
    session.execute(delete(_FORMER).where(_FORMER.c.pms_type == row.pms_type, _FORMER.c.practice_key == key))
    versions.bump(session, days, now)
    return len(noted)


def _take_back_some(
    session: Session, connection_id: int, noted: Sequence[Row[Any]], now: datetime
) -> set[Any]:
    typed = {former.appointment_id: former.kept_values for former in noted if former.kept_values is not None}
    if typed:
        _edits_from_typing(session, typed, now)
    session.execute(
        update(_CARDS)
        .where(_CARDS.c.id == bindparam("card"))
        .values(
            pms_connection_id=connection_id,
            pms_appointment_id=bindparam("appointment"),
            pms_patient_id=bindparam("patient"),
            pms_practitioner_id=bindparam("practitioner"),
            pms_type_id=bindparam("type"),
            pms_date=bindparam("day"),
            pms_digest=None,
            host_link_sealed=None,
            patient_link_sealed=None,
            row_version=_CARDS.c.row_version + 1,
            updated_at=now,
        ),
        [
            {
                "card": former.appointment_id,
                "appointment": former.pms_appointment_id,
                "patient": former.pms_patient_id,
                "practitioner": former.pms_practitioner_id,
                "type": former.pms_type_id,
                "day": former.pms_date,
            }
            for former in noted
        ],
    )
    return versions.days_of(session, [former.appointment_id for former in noted])


def _edits_from_typing(session: Session, typed: dict[int, dict[str, Any]], now: datetime) -> None:
    """Turn what was typed into a kept card into edits over the PMS's values, and put those values back."""
    overridden = {
        (row.appointment_id, row.field)
        for row in session.execute(
            select(_OVERRIDES.c.appointment_id, _OVERRIDES.c.field).where(
                _OVERRIDES.c.appointment_id.in_(typed), _OVERRIDES.c.state.in_(("active", "conflict"))
            )
        )
    }
    for card in session.execute(select(_CARDS).where(_CARDS.c.id.in_(typed))).all():
        back: dict[str, Any] = {}
        for rule in EDITABLE.values():
            was, typed_now = typed[card.id].get(rule.field), as_stored(card._mapping[rule.column])
            if same_meaning(rule.field, was, typed_now) or (card.id, rule.field) in overridden:
                continue
            session.execute(
                insert(_OVERRIDES).values(
                    appointment_id=card.id,
                    field=rule.field,
                    value=typed_now,
                    base_value=was,
                    by="staff, while disconnected",
                    at=now,
                    state="active",
                )
            )
            back[rule.column] = datetime.fromisoformat(str(was)) if rule.field == "start_at" else was
        if back:
            session.execute(update(_CARDS).where(_CARDS.c.id == card.id).values(**back))
