"""Taking a connection away, and what becomes of its cards."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Row, delete, select, update
from sqlalchemy.orm import Session

from pmsapp import clock
from pmsapp.crypto.cipher import KeyRing
from pmsapp.domain.actor import SYSTEM, Actor
from pmsapp.domain.appointment import Presence
from pmsapp.domain.runsheet import DISCONNECTED
from pmsapp.domain.sync_state import ConnectionState
from pmsapp.extensions import key_ring
from pmsapp.models import (
    Disconnected,
    PMSAppointmentType,
    PMSClinicianMapping,
    PMSConnection,
    RunSheet,
    RunSheetAppointment,
)
from pmsapp.models.upsert import table_of
from pmsapp.services.base import audit, encrypted_columns
from pmsapp.services.base.encrypted_columns import LinkKind
from pmsapp.services.base.errors import Invalid
from pmsapp.services.base.transaction import writing
from pmsapp.services.clinic import clinic
from pmsapp.services.connections import reconnect
from pmsapp.services.connections.rows import get_row
from pmsapp.services.sheet import placement, versions
from pmsapp.services.sheet.placement import PlacedBy
from pmsapp.services.sheet.stored_cards import chunks

CARDS_CHOICES = ("keep", "strike", "remove")
UNDO_LASTS = timedelta(hours=24)

_CARDS = table_of(RunSheetAppointment)
_SHEETS = table_of(RunSheet)
_SEEN = (Presence.ON_SHEET.value, Presence.HELD.value)


def delete_connection(connection_id: int, cards: str = "strike", actor: Actor = SYSTEM) -> None:
    """Take a connection away with its runs, matches and types; earlier sheets stay as they were.

    `cards` says what happens to its cards on sheets from today: `keep` makes those in view manual cards, `strike`
    strikes them through ("disconnected": nobody has cancelled), `remove` deletes them all. A run in progress stops at its next step.
    For a day it can be undone (services.setup.undo). Raises NotFound and Invalid.
    """
    if cards not in CARDS_CHOICES:
        raise Invalid({"cards": f"Choose one of: {', '.join(CARDS_CHOICES)}."})
    now = clock.now()
    with writing() as session:
        row = get_row(session, connection_id, lock=True)
        reconnect.note_cards(session, row, now)
        found = _cards_from(session, connection_id, clinic.today(session))
        changed_days = versions.days_of(session, [card.id for card in found])
        in_view = [card for card in found if card.presence in _SEEN]
        if cards == "keep":
            _keep(session, in_view, actor, now)
        elif cards == "strike":
            _strike(session, in_view, actor, now)
        else:
            _remove(session, found)
        versions.bump(session, changed_days, now)
        if row.state != ConnectionState.SETUP:
            _keep_for_undo(session, row, cards, actor, now)
        session.execute(delete(PMSConnection).where(PMSConnection.id == connection_id))
        audit.record(
            session,
            actor,
            "connection.deleted",
            f"connection:{connection_id}",
            {"pms_type": row.pms_type, "cards": cards, "count": len(found)},
        )


def _keep_for_undo(session: Session, row: PMSConnection, cards: str, actor: Actor, now: datetime) -> None:
    """Keep the connection, its matches and types for a day, the login sealed as it is."""
    kept = {
        name: [
            _as_kept(found)
            for found in session.execute(
                select(*_stored(model)).where(table_of(model).c.pms_connection_id == row.id)
            )
        ]
        for name, model in (("mappings", PMSClinicianMapping), ("types", PMSAppointmentType))
    }
    own = session.execute(select(*_stored(PMSConnection)).where(PMSConnection.id == row.id)).one()
    session.add(
        Disconnected(
            pms_type=row.pms_type,
            display_name=row.display_name,
            cards=cards,
            kept={"connection": _as_kept(own), **kept},
            by=actor.name,
            at=now,
            expires_at=now + UNDO_LASTS,
        )
    )


def _stored(model: Any) -> list[Any]:
    """The columns of a table that are not worked out by the database."""
    return [column for column in table_of(model).c if column.computed is None]


def _as_kept(found: Row[Any]) -> dict[str, Any]:
    return {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in found._mapping.items()
    }


def _cards_from(session: Session, connection_id: int, today: date) -> Sequence[Any]:
    found: Sequence[Any] = session.execute(
        select(*_CARDS.c)
        .join(_SHEETS, _SHEETS.c.id == _CARDS.c.run_sheet_id)
        .where(_CARDS.c.pms_connection_id == connection_id, _SHEETS.c.date >= today)
    ).all()
    return found


def _keep(session: Session, cards: Sequence[Row[Any]], actor: Actor, now: datetime) -> None:
    """The cards in view become manual ones; their links are sealed to the card itself."""
    ring = key_ring()
    reconnect.note_kept_values(session, cards)
    for card in cards:
        session.execute(
            update(_CARDS)
            .where(_CARDS.c.id == card.id)
            .values(
                host_link_sealed=_resealed(ring, card, "host"),
                patient_link_sealed=_resealed(ring, card, "patient"),
            )
        )
    manual = {"pms_connection_id": None, "pms_appointment_id": None, "pms_patient_id": "", "pms_digest": None}
    _place(session, cards, Presence.ON_SHEET, None, "kept", actor, now, also=manual)


def _strike(session: Session, cards: Sequence[Row[Any]], actor: Actor, now: datetime) -> None:
    """The cards in view are struck through until somebody has acknowledged them."""
    no_links = {"host_link_sealed": None, "patient_link_sealed": None, "pms_digest": None}
    _place(session, cards, Presence.CANCELLED, DISCONNECTED, "disconnected", actor, now, also=no_links)


def _place(
    session: Session,
    cards: Sequence[Row[Any]],
    presence: Presence,
    reason: str | None,
    kind: str,
    actor: Actor,
    now: datetime,
    *,
    also: dict[str, Any],
) -> None:
    """Put cards in their place; the sheets' versions grow once for all that becomes of the connection's cards."""
    placement.place(
        session,
        [card.id for card in cards],
        presence,
        reason,
        kind=kind,
        by=PlacedBy.staff(actor),
        now=now,
        also=also,
        data={"reason": DISCONNECTED},
        bump=False,
    )


def _remove(session: Session, cards: Sequence[Row[Any]]) -> None:
    for part in chunks([card.id for card in cards]):
        session.execute(delete(_CARDS).where(_CARDS.c.id.in_(part)))


def _resealed(ring: KeyRing, card: Row[Any], kind: LinkKind) -> str | None:
    sealed = card.host_link_sealed if kind == "host" else card.patient_link_sealed
    url = encrypted_columns.open_link(
        ring, sealed, card.pms_connection_id, card.pms_appointment_id, card.pms_patient_id, kind
    )
    return ring.seal(url, encrypted_columns.kept_link_context(card.id, kind)) if url else None
