"""Reading stored cards for a sync: the light key of many, the whole of few."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from functools import cache
from itertools import islice
from typing import Any, TypeVar

from sqlalchemy import Row, Select, bindparam, select
from sqlalchemy.orm import Session

from pmsapp.crypto.cipher import KeyRing
from pmsapp.domain.appointment import Presence
from pmsapp.domain.sync.merge import Override, OverrideState
from pmsapp.domain.sync.reconcile import CardKey, Incoming, StoredCard, StoredKey
from pmsapp.domain.sync.values import PMSValues
from pmsapp.models import RunSheet, RunSheetAppointment, RunSheetOverride
from pmsapp.models.bulk import among, among_listed, listed
from pmsapp.models.upsert import table_of
from pmsapp.services.base import encrypted_columns

CARDS = table_of(RunSheetAppointment)
OVERRIDES = table_of(RunSheetOverride)
SHEETS = table_of(RunSheet)
IN_FORCE = (OverrideState.ACTIVE.value, OverrideState.CONFLICT.value)
_CHUNK = 500
_SEALED = {"host_link": "host_link_sealed", "patient_link": "patient_link_sealed"}
_KEY_COLUMNS = (
    CARDS.c.id,
    CARDS.c.pms_appointment_id,
    CARDS.c.pms_patient_id,
    CARDS.c.pms_digest,
    CARDS.c.presence,
    CARDS.c.pms_practitioner_id,
    CARDS.c.pms_date,
    CARDS.c.kept_digest,
    CARDS.c.tombstone_start_at,
)
_KEYS = select(*_KEY_COLUMNS).where(CARDS.c.pms_appointment_id.is_not(None))
OF_SCOPE = (
    CARDS.c.pms_connection_id == bindparam("connection_id"),
    CARDS.c.pms_date == bindparam("day"),
    CARDS.c.pms_practitioner_id.is_not_distinct_from(bindparam("practitioner_id")),
)
_KEYS_OF_SCOPE = _KEYS.where(*OF_SCOPE)
_MARKS = (
    "presence_reason",
    "presence_at",
    "pms_cancelled_at",
    "acknowledged_at",
    "moved_from_at",
    "moved_from_clinician_id",
    "moved_from_date",
    "moved_at",
    "returned_at",
    "tombstone_start_at",
)
_WHOLE = select(CARDS, SHEETS.c.date.label("shown_on")).join(SHEETS, SHEETS.c.id == CARDS.c.run_sheet_id)
_T = TypeVar("_T")


def chunks(items: Iterable[_T], size: int = _CHUNK) -> Iterator[list[_T]]:
    """`items` in lists of at most `size`."""
    iterator = iter(items)
    while part := list(islice(iterator, size)):
        yield part


def keys_of_scope(
    session: Session, connection_id: int, day: date, practitioner_id: str | None
) -> list[StoredKey]:
    """The cards of one practitioner-day."""
    scope = {"connection_id": connection_id, "day": day, "practitioner_id": practitioner_id}
    return [StoredKey._make(row) for row in session.execute(_KEYS_OF_SCOPE, scope)]


def keys_of_appointments(
    session: Session, connection_id: int, appointment_ids: Iterable[str]
) -> list[StoredKey]:
    """The cards of these PMS appointments, wherever they stand."""
    asked = _keys_of_appointments(session.get_bind().dialect.name)
    theirs = {"connection_id": connection_id, "listed": listed(session, appointment_ids)}
    return [StoredKey._make(row) for row in session.execute(asked, theirs)]


@cache
def _keys_of_appointments(dialect: str) -> Select[Any]:
    """Asked for every scope of a run: put together once."""
    return _KEYS.where(
        CARDS.c.pms_connection_id == bindparam("connection_id"),
        among_listed(dialect, CARDS.c.pms_appointment_id),
    )


def keys_of_days(session: Session, connection_id: int, on: Iterable[date]) -> set[CardKey]:
    """Which (appointment, patient) pairs have a card whose PMS day is one of these."""
    rows = session.execute(
        select(CARDS.c.pms_appointment_id, CARDS.c.pms_patient_id).where(
            CARDS.c.pms_connection_id == connection_id,
            CARDS.c.pms_date.in_(list(on)),
            CARDS.c.pms_appointment_id.is_not(None),
        )
    )
    return {(row[0], row[1]) for row in rows}


def card_ids(session: Session, connection_id: int, keys: Iterable[CardKey]) -> list[int]:
    """The ids of the cards with these keys, in the order of the keys; a key without a card is left out."""
    wanted = list(keys)
    found = {
        card.key: card.id
        for card in keys_of_appointments(session, connection_id, sorted({key[0] for key in wanted}))
    }
    return [found[key] for key in wanted if key in found]


def keys_by_id(session: Session, card_ids: Sequence[int]) -> list[StoredKey]:
    """These cards as they are now."""
    rows = session.execute(_KEYS.where(among(session, CARDS.c.id, card_ids)))
    return [StoredKey._make(row) for row in rows]


def whole_cards(session: Session, ring: KeyRing, card_ids: Sequence[int]) -> dict[int, StoredCard]:
    """These cards with their PMS values, and what staff typed over them.

    Where the database locks rows, the cards are locked before anything is read, so that no edit slips in between.
    """
    if not card_ids:
        return {}
    query = _WHOLE.where(among(session, CARDS.c.id, card_ids)).with_for_update(of=CARDS)
    rows = session.execute(query).all()
    overrides = overrides_in_force(session, card_ids)
    return {row.id: _whole(row, ring, overrides.get(row.id, ())) for row in rows}


def overrides_in_force(session: Session, card_ids: Sequence[int]) -> dict[int, tuple[Override, ...]]:
    """What staff typed that still stands, by card."""
    found: dict[int, tuple[Override, ...]] = {}
    query = select(
        OVERRIDES.c.appointment_id,
        OVERRIDES.c.id,
        OVERRIDES.c.field,
        OVERRIDES.c.value,
        OVERRIDES.c.base_value,
        OVERRIDES.c.state,
    ).where(among(session, OVERRIDES.c.appointment_id, card_ids), OVERRIDES.c.state.in_(IN_FORCE))
    for row in session.execute(query.order_by(OVERRIDES.c.id)):
        override = Override(row.id, row.field, row.value, row.base_value, OverrideState(row.state))
        found[row.appointment_id] = (*found.get(row.appointment_id, ()), override)
    return found


def _whole(row: Row[Any], ring: KeyRing, overrides: tuple[Override, ...]) -> StoredCard:
    return StoredCard(
        id=row.id,
        values=pms_values(row, ring),
        presence=Presence(row.presence),
        shown_on=row.shown_on,
        tombstone_start_at=row.tombstone_start_at,
        overrides=overrides,
        marks={name: row._mapping[name] for name in _MARKS},
    )


def pms_values(row: Row[Any], ring: KeyRing) -> PMSValues:
    """The PMS's side of a stored PMS card, its links opened."""
    place = (row.pms_connection_id, row.pms_appointment_id, row.pms_patient_id)
    columns = row._mapping
    plain = {name: columns[name] for name in PMSValues._fields if name not in _SEALED}
    return PMSValues(
        **plain,
        host_link=encrypted_columns.open_link(ring, row.host_link_sealed, *place, "host"),
        patient_link=encrypted_columns.open_link(ring, row.patient_link_sealed, *place, "patient"),
    )


def sealed_columns(
    incoming: Sequence[Incoming], ring: KeyRing, connection_id: int
) -> dict[str, Sequence[Any]]:
    """The card columns of PMS values, a list of values per column, links sealed to their place."""
    by_field = zip(*(pair.values for pair in incoming), strict=True)
    columns: dict[str, Sequence[Any]] = dict(zip(PMSValues._fields, by_field, strict=True))
    for name, column in _SEALED.items():
        kind: encrypted_columns.LinkKind = "host" if name == "host_link" else "patient"
        columns[column] = [
            encrypted_columns.seal_link(ring, url, connection_id, *pair.key, kind) if url else None
            for url, pair in zip(columns.pop(name), incoming, strict=True)
        ]
    columns["pms_digest"] = [pair.digest for pair in incoming]
    return columns


def as_instant(value: Any) -> datetime:
    """An override's stored instant."""
    return datetime.fromisoformat(value)
