"""A visit that was cancelled and booked anew: the two cards of one patient and day are linked, both ways.

In many practices that is how a visit is moved; the practice software knows of no link between the two.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import date, datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from pmsapp.domain.appointment import Presence
from pmsapp.domain.runsheet import GONE
from pmsapp.models import RunSheetEvent
from pmsapp.models.bulk import among
from pmsapp.models.upsert import table_of
from pmsapp.services.sheet import versions
from pmsapp.services.sheet.stored_cards import CARDS

_EVENTS = table_of(RunSheetEvent)
_MADE_BY = (
    select(_EVENTS.c.run_id)
    .where(_EVENTS.c.appointment_id == CARDS.c.id, _EVENTS.c.kind == "created")
    .order_by(_EVENTS.c.id)
    .limit(1)
    .correlate(CARDS)
    .scalar_subquery()
)
_FOUND = select(
    CARDS.c.id,
    CARDS.c.pms_appointment_id,
    CARDS.c.pms_patient_id,
    CARDS.c.pms_date,
    CARDS.c.presence,
    CARDS.c.rebooked_from_id,
    CARDS.c.rebooked_to_id,
    _MADE_BY.label("made_by"),
).order_by(CARDS.c.id)


def find(session: Session, connection_id: int, whose: Collection[tuple[str, date]]) -> list[tuple[int, int]]:
    """(cancelled card, new card) of what was booked anew and is not linked yet, among those of these (patient, day)."""
    if not whose:
        return []
    theirs = (
        CARDS.c.pms_connection_id == connection_id,
        CARDS.c.pms_date.in_({day for _, day in whose}),
        among(session, CARDS.c.pms_patient_id, sorted({patient_id for patient_id, _ in whose})),
    )
    without_new = (
        CARDS.c.presence.in_([presence.value for presence in GONE]),
        CARDS.c.rebooked_to_id.is_(None),
    )
    if session.execute(select(CARDS.c.id).where(*theirs, *without_new).limit(1)).first() is None:
        return []
    by_patient: dict[tuple[str, date], list[Any]] = {}
    for row in session.execute(_FOUND.where(*theirs)):
        by_patient.setdefault((row.pms_patient_id, row.pms_date), []).append(row)
    return [pair for key, rows in by_patient.items() if key in whose for pair in _pairs(rows)]


def link(session: Session, pairs: Collection[tuple[int, int]], now: datetime) -> set[date]:
    """Link these cards, both ways. Returns the days whose sheet changed."""
    for old_id, new_id in pairs:
        _set(session, old_id, {"rebooked_to_id": new_id}, now)
        _set(session, new_id, {"rebooked_from_id": old_id}, now)
    return versions.days_of(session, [card_id for pair in pairs for card_id in pair])


def _pairs(rows: Iterable[Any]) -> list[tuple[int, int]]:
    """(cancelled card, new card): each cancelled one with the first that appeared in a later run."""
    listed = list(rows)
    taken: set[int] = set()
    found = []
    for old in listed:
        if Presence(old.presence) not in GONE or old.rebooked_to_id is not None:
            continue
        for new in listed:
            if new.id not in taken and _is_booked_anew(old, new):
                taken.add(new.id)
                found.append((old.id, new.id))
                break
    return found


def _is_booked_anew(old: Any, new: Any) -> bool:
    """Two visits that appeared together were booked as two; one is no replacement of the other."""
    same_run = new.made_by is not None and new.made_by == old.made_by
    return (
        new.presence == Presence.ON_SHEET
        and new.rebooked_from_id is None
        and new.pms_appointment_id != old.pms_appointment_id
        and new.id > old.id
        and not same_run
    )


def _set(session: Session, card_id: int, values: dict[str, int], now: datetime) -> None:
    session.execute(
        update(CARDS)
        .where(CARDS.c.id == card_id)
        .values(**values, row_version=CARDS.c.row_version + 1, updated_at=now)
    )
