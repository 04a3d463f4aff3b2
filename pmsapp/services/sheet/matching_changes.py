"""Keeping what a change of matches or types was before, for a day, so that it can be undone.

`capture` before the change and `note` after it, both inside the transaction that makes it. Undoing is matching/undo's.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from pmsapp.domain.actor import Actor
from pmsapp.domain.sync_state import ConnectionState
from pmsapp.domain.window import utc_text
from pmsapp.models import (
    MatchingChange,
    PMSAppointmentType,
    PMSClinicianMapping,
    PMSConnection,
    RunSheetClinician,
)
from pmsapp.services.clinic import clinic
from pmsapp.services.sheet.stored_cards import CARDS, IN_FORCE, OVERRIDES, SHEETS, chunks

PRACTITIONERS, TYPES = "practitioners", "types"
UNDOABLE_FOR = timedelta(hours=24)
# The two fields of a card that the clinic's own decisions decide, not the practice software alone.
DECIDED_FIELDS = ("clinician_id", "is_telehealth")
_SUBJECT = {PRACTITIONERS: CARDS.c.pms_practitioner_id, TYPES: CARDS.c.pms_type_id}
_PLACE = (
    "presence",
    "presence_reason",
    "presence_at",
    "acknowledged_at",
    "acknowledged_by",
    "clinician_id",
    "is_telehealth",
    "kept_digest",
)


@dataclass(frozen=True, slots=True)
class Before:
    """What was decided about some practitioners or types, and where their cards stood, before a change."""

    connection_id: int
    what: str
    decided: dict[str, dict[str, Any]]
    cards: list[dict[str, Any]] = field(default_factory=list)
    columns: frozenset[int] = frozenset()


def capture(session: Session, connection_id: int, what: str, ids: Collection[str]) -> Before:
    """Keep in mind what is decided about these practitioners or types."""
    return Before(
        connection_id,
        what,
        decided(session, connection_id, what, ids),
        _cards(session, connection_id, what, ids),
        frozenset(session.scalars(select(RunSheetClinician.id))),
    )


def note(
    session: Session, before: Before, actor: Actor, now: datetime, *, answered: Sequence[int] = ()
) -> int | None:
    """Keep the change for a day; None when there was none, or nothing was on a sheet yet. Returns its id.

    `answered`: ids of the questions that it answered.
    """
    session.flush()
    after = decided(session, before.connection_id, before.what, before.decided.keys())
    changed = {
        key: {"name": was["name"], "before": was["decided"], "after": after[key]["decided"]}
        for key, was in before.decided.items()
        if key in after and not same(was["decided"], after[key]["decided"])
    }
    state = session.scalar(select(PMSConnection.state).where(PMSConnection.id == before.connection_id))
    if not changed or state == ConnectionState.SETUP:
        return None
    taken = {subject["after"].get("run_sheet_clinician_id") for subject in changed.values()}
    row = MatchingChange(
        connection_id=before.connection_id,
        what=before.what,
        kept={
            "subjects": changed,
            "cards": [card for card in before.cards if card["subject"] in changed],
            "answered": list(answered),
            "made_columns": sorted(taken - before.columns - {None}),
        },
        by=actor.name,
        at=now,
        expires_at=now + UNDOABLE_FOR,
    )
    session.add(row)
    session.flush()
    return row.id


def decided(session: Session, connection_id: int, what: str, ids: Iterable[str]) -> dict[str, dict[str, Any]]:
    """What is decided now about these practitioners or types, with their names."""
    found: dict[str, dict[str, Any]] = {}
    for row in rows(session, connection_id, what, ids).values():
        if isinstance(row, PMSClinicianMapping):
            found[row.pms_practitioner_id] = {
                "name": row.pms_practitioner_name,
                "decided": {
                    "decision": row.decision,
                    "run_sheet_clinician_id": row.run_sheet_clinician_id,
                    "auto_created": row.auto_created,
                    "decided_by": row.decided_by,
                    "decided_at": _text(row.decided_at),
                },
            }
        else:
            found[row.pms_type_id] = {
                "name": row.pms_type_name,
                "decided": {"is_telehealth": row.is_telehealth, "sync_enabled": row.sync_enabled},
            }
    return found


def rows(
    session: Session, connection_id: int, what: str, ids: Iterable[str]
) -> dict[str, PMSClinicianMapping | PMSAppointmentType]:
    """The stored rows of these practitioners or types, by the vendor's id."""
    wanted = sorted(ids)
    if what == PRACTITIONERS:
        people = session.scalars(
            select(PMSClinicianMapping).where(
                PMSClinicianMapping.pms_connection_id == connection_id,
                PMSClinicianMapping.pms_practitioner_id.in_(wanted),
            )
        )
        return {row.pms_practitioner_id: row for row in people}
    kinds = session.scalars(
        select(PMSAppointmentType).where(
            PMSAppointmentType.pms_connection_id == connection_id,
            PMSAppointmentType.pms_type_id.in_(wanted),
        )
    )
    return {row.pms_type_id: row for row in kinds}


def same(was: dict[str, Any], now: dict[str, Any]) -> bool:
    """True when two decisions come to the same; who made them and when does not count."""
    told = ("decision", "run_sheet_clinician_id", "is_telehealth", "sync_enabled")
    return all(was.get(name) == now.get(name) for name in told)


def card_ids(session: Session, connection_id: int, what: str, ids: Collection[str]) -> list[int]:
    """The cards of these practitioners or types on the sheets from today on, wherever they stand."""
    return list(
        session.scalars(
            select(CARDS.c.id)
            .join(SHEETS, SHEETS.c.id == CARDS.c.run_sheet_id)
            .where(
                CARDS.c.pms_connection_id == connection_id,
                _SUBJECT[what].in_(sorted(ids)),
                SHEETS.c.date >= clinic.today(session),
            )
            .order_by(CARDS.c.start_at, CARDS.c.id)
        )
    )


def _cards(session: Session, connection_id: int, what: str, ids: Collection[str]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for part in chunks(card_ids(session, connection_id, what, ids)):
        typed: dict[int, list[list[Any]]] = {}
        edits = select(OVERRIDES).where(
            OVERRIDES.c.appointment_id.in_(part),
            OVERRIDES.c.state.in_(IN_FORCE),
            OVERRIDES.c.field.in_(DECIDED_FIELDS),
        )
        for edit in session.execute(edits):
            typed.setdefault(edit.appointment_id, []).append([edit.id, edit.state, edit.base_value])
        found += [
            {
                "id": card.id,
                "subject": card._mapping[_SUBJECT[what].name],
                "typed": typed.get(card.id, []),
                **{name: _text(card._mapping[name]) for name in _PLACE},
            }
            for card in session.execute(select(CARDS).where(CARDS.c.id.in_(part)))
        ]
    return found


def _text(value: Any) -> Any:
    return utc_text(value) if isinstance(value, datetime) else value


def forget_cards(session: Session, ids: Collection[int]) -> None:
    """Where these cards stood is not kept any longer: they are erased."""
    for row in session.scalars(select(MatchingChange)):
        kept = [card for card in row.kept["cards"] if card["id"] not in ids]
        if len(kept) < len(row.kept["cards"]):
            row.kept = {**row.kept, "cards": kept}
