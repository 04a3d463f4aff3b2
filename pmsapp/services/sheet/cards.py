"""Stored cards as the sheet shows them: PMS values with what staff typed laid over them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, func, or_, select
from sqlalchemy.orm import Session

from pmsapp import clock
from pmsapp.crypto.cipher import KeyRing
from pmsapp.domain.actor import Actor
from pmsapp.domain.ages import is_within
from pmsapp.domain.appointment import Presence, WorkflowState
from pmsapp.domain.roles import CLINICIAN
from pmsapp.domain.runsheet import (
    GONE,
    Attempt,
    Card,
    Claim,
    EditedField,
    IdentityCheck,
    MovedFrom,
    Rebooked,
    Removal,
)
from pmsapp.domain.sync.merge import (
    EDITABLE,
    Override,
    OverrideState,
    as_stored,
    staff_value_shows,
)
from pmsapp.domain.window import day_of
from pmsapp.models import CardLook, PMSClinicianMapping, RunSheetClinician, SheetLook
from pmsapp.models.bulk import among
from pmsapp.models.upsert import table_of
from pmsapp.services.base import encrypted_columns
from pmsapp.services.base.transaction import reading
from pmsapp.services.sheet.stored_cards import CARDS, IN_FORCE, OVERRIDES, as_instant
from pmsapp.services.sheet.timeline import EVENTS

CLAIM_LASTS = timedelta(minutes=2)
CARD_LOOKS = table_of(CardLook)
SHEET_LOOKS = table_of(SheetLook)
# What staff do to a card that a colleague should look at; a step forward speaks for itself.
_STAFF_NEWS = (
    "edited",
    "added",
    "brought_back",
    "answered_keep",
    "answered_pms",
    "answered_same",
    "answer_taken_back",
    "took_over",
)

_MAPPINGS = table_of(PMSClinicianMapping)
_TYPED = [
    OVERRIDES.c[name].label(f"typed_{name}")
    for name in ("id", "field", "value", "base_value", "by", "at", "state")
]
_IN_FORCE = and_(OVERRIDES.c.appointment_id == CARDS.c.id, OVERRIDES.c.state.in_(IN_FORCE))
# The cancelled card a visit was booked anew from, and the card it was booked anew as.
_BEFORE, _AFTER = CARDS.alias("card_before"), CARDS.alias("card_after")
_TYPED_BEFORE = OVERRIDES.alias("typed_before")
_REBOOKED = [
    _BEFORE.c.start_at.label("before_start_at"),
    _BEFORE.c.presence.label("before_presence"),
    or_(
        _BEFORE.c.notes.is_not(None),
        _BEFORE.c.state != WorkflowState.BOOKED.value,
        select(_TYPED_BEFORE.c.id)
        .where(_TYPED_BEFORE.c.appointment_id == _BEFORE.c.id, _TYPED_BEFORE.c.state.in_(IN_FORCE))
        .exists(),
    ).label("before_has_work"),
    _AFTER.c.start_at.label("after_start_at"),
]
_CARDS = (
    CARDS.outerjoin(_BEFORE, _BEFORE.c.id == CARDS.c.rebooked_from_id)
    .outerjoin(_AFTER, _AFTER.c.id == CARDS.c.rebooked_to_id)
    .outerjoin(OVERRIDES, _IN_FORCE)
)
_LOADED = (
    select(CARDS, *_REBOOKED, *_TYPED).select_from(_CARDS).order_by(CARDS.c.id, OVERRIDES.c.id)
)  # some seventy columns, put together once


def load_cards(
    session: Session,
    ring: KeyRing,
    where: Sequence[ColumnElement[bool]],
    *,
    viewer: Actor | None = None,
) -> list[Card]:
    """Every card that matches, with what staff typed, in one statement whatever their number.

    `viewer`: for whom changes since their last look are marked; nobody but a signed-in person has looks.
    """
    looks = _looks_of(viewer) if viewer is not None and viewer.kind == "user" and viewer.id else []
    query = _LOADED.add_columns(*looks) if looks else _LOADED
    rows: Sequence[Row[Any]] = session.execute(query.where(*where)).all()
    others = _others(session, rows)
    now = clock.now()
    cards = []
    for _, of_one in groupby(rows, key=lambda row: row.id):
        first, *more = of_one
        typed = [] if first.typed_id is None else [first, *more]
        card = _card(first, typed, ring, now)
        also_with = _also_with(first, others)
        cards.append(replace(card, also_with=also_with) if also_with else card)
    return cards


def _others(session: Session, rows: Sequence[Row[Any]]) -> dict[tuple[int, str], str]:
    """What the other practitioners of joint consultations are called here; asked for only where there are any."""
    ids = {person_id for row in rows for person_id in _ids(row)}
    if not ids:
        return {}
    found = session.execute(
        select(
            PMSClinicianMapping.pms_connection_id,
            PMSClinicianMapping.pms_practitioner_id,
            func.coalesce(RunSheetClinician.name, PMSClinicianMapping.pms_practitioner_name),
        )
        .outerjoin(RunSheetClinician, RunSheetClinician.id == PMSClinicianMapping.run_sheet_clinician_id)
        .where(among(session, _MAPPINGS.c.pms_practitioner_id, ids))
    )
    return {(connection_id, practitioner_id): name for connection_id, practitioner_id, name in found}


def _ids(row: Row[Any]) -> list[str]:
    return row.also_practitioner_ids.split("\n") if row.also_practitioner_ids else []


def _also_with(row: Row[Any], names: Mapping[tuple[int, str], str]) -> tuple[str, ...]:
    """The others by name. Somebody without a name yet is not named; whoever is met first is asked about."""
    found = (names.get((row.pms_connection_id, person_id)) for person_id in _ids(row))
    return tuple(name for name in found if name is not None)


def may_see(actor: Actor, card: Card) -> bool:
    """Whether a card is the actor's to see: a clinician has their own column, everybody else the whole sheet."""
    return actor.role != CLINICIAN or (
        actor.clinician_id is not None and card.clinician_id == actor.clinician_id
    )


def _looks_of(viewer: Actor) -> list[ColumnElement[Any]]:
    """When this person looked at the card and at its day, and the last thing of others that is news to them."""
    card_look = select(CARD_LOOKS.c.looked_at).where(
        CARD_LOOKS.c.user_id == viewer.id, CARD_LOOKS.c.appointment_id == CARDS.c.id
    )
    sheet_look = select(SHEET_LOOKS.c.looked_at).where(
        SHEET_LOOKS.c.user_id == viewer.id, SHEET_LOOKS.c.run_sheet_id == CARDS.c.run_sheet_id
    )
    news = select(func.max(EVENTS.c.at)).where(
        EVENTS.c.appointment_id == CARDS.c.id,
        or_(
            EVENTS.c.source == "pms",
            and_(EVENTS.c.kind.in_(_STAFF_NEWS), EVENTS.c.actor.is_distinct_from(viewer.name)),
        ),
    )
    return [
        card_look.scalar_subquery().label("card_look"),
        sheet_look.scalar_subquery().label("sheet_look"),
        news.scalar_subquery().label("news_at"),
    ]


def _card(row: Row[Any], typed: Sequence[Row[Any]], ring: KeyRing, now: datetime) -> Card:
    columns, edited = _typed_over(row, typed)
    is_pms = columns["pms_appointment_id"] is not None
    presence = Presence(row.presence)
    there_on = day_of(row.start_at, row.time_zone)
    host_link, patient_link = _links(row, ring) if is_pms and presence is Presence.ON_SHEET else (None, None)
    return Card(
        id=row.id,
        row_version=row.row_version,
        date=day_of(columns["start_at"], row.time_zone),
        start_at=columns["start_at"],
        time_zone=row.time_zone,
        duration_minutes=columns["appointment_duration_minutes"],
        clinician_id=columns["clinician_id"],
        patient_name=columns["patient_name"],
        patient_dob=row.patient_dob,
        patient_phone=columns["patient_phone"],
        patient_email=columns["patient_email"],
        appointment_type=row.appointment_type_name,
        appointment_status=row.appointment_status,
        is_telehealth=columns["is_telehealth"],
        presence=presence,
        state=row.state,
        notes=row.notes,
        pms_notes=row.pms_notes,
        source="pms" if is_pms else "manual",
        pms_connection_id=row.pms_connection_id,
        pms_appointment_id=row.pms_appointment_id,
        pms_patient_id=row.pms_patient_id or None,
        pms_practitioner_id=row.pms_practitioner_id,
        pms_last_synced_at=row.pms_last_synced_at,
        edited=tuple(edited),
        host_link=host_link,
        patient_link=patient_link,
        presence_reason=row.presence_reason,
        presence_at=row.presence_at,
        cancelled_there_at=row.pms_cancelled_at,
        acknowledged_at=row.acknowledged_at,
        acknowledged_by=row.acknowledged_by,
        removal=Removal(row.removed_by, row.removed_at, row.removed_reason) if row.removed_at else None,
        staff_moved_from=there_on
        if is_pms and there_on != day_of(columns["start_at"], row.time_zone)
        else None,
        rebooked_from=_rebooked_from(row),
        rebooked_to=Rebooked(row.rebooked_to_id, row.after_start_at)
        if presence in GONE and row.after_start_at
        else None,
        returned_at=row.returned_at,
        duration_estimated=row.duration_estimated,
        time_odd=row.time_odd,
        unknown_status=row.pms_status_raw,
        patient_has_died=bool(row.patient_has_died),
        created_at=row.created_at,
        **_work(row, now),
    )


def _links(row: Row[Any], ring: KeyRing) -> tuple[str | None, str | None]:
    """The join addresses (clinician's, patient's) of a visit that takes place; (None, None) for any other.

    A card that staff keep although the PMS no longer lists it has none: its visit is another patient's now, or gone.
    """
    if row.kept_digest is not None:
        return None, None
    place = (row.pms_connection_id, row.pms_appointment_id, row.pms_patient_id)
    return (
        encrypted_columns.open_link(ring, row.host_link_sealed, *place, "host"),
        encrypted_columns.open_link(ring, row.patient_link_sealed, *place, "patient"),
    )


def _rebooked_from(row: Row[Any]) -> Rebooked | None:
    """The cancelled card this visit was booked anew from, while that stays cancelled."""
    if row.before_presence is None or Presence(row.before_presence) not in GONE:
        return None
    untaken = bool(row.before_has_work) and row.taken_over_at is None
    return Rebooked(row.rebooked_from_id, row.before_start_at, untaken)


def _work(row: Row[Any], now: datetime) -> dict[str, Any]:
    """What reception did and sees of a card beside its fields."""
    looked = [at for name in ("card_look", "sheet_look") if (at := row._mapping.get(name)) is not None]
    seen_at = max(looked) if looked else None
    news_at = row._mapping.get("news_at")
    check = row.identity_check
    return {
        "state_since": row.state_since,
        "waiting_since": row.waiting_since,
        "attempts": tuple(
            Attempt(attempt["outcome"], attempt["by"], as_instant(attempt["at"]))
            for attempt in row.attempts or ()
        ),
        "identity_check": IdentityCheck(tuple(check["identifiers"]), check["by"], as_instant(check["at"]))
        if check
        else None,
        "moved_from": _moved_from(row),
        "claim": Claim(row.claimed_by, row.claimed_at + CLAIM_LASTS)
        if is_within(row.claimed_at, now, CLAIM_LASTS)
        else None,
        "changed_since_seen": seen_at is not None and news_at is not None and news_at > seen_at,
        "is_new": seen_at is not None and row.created_at > seen_at,
        "was_seen_at": row._mapping.get("card_look"),
        "is_first_look": "sheet_look" in row._mapping and row._mapping["sheet_look"] is None,
    }


def _moved_from(row: Row[Any]) -> MovedFrom | None:
    """Where the practice software moved it from: only what differs from where it stands there now."""
    if row.moved_at is None:
        return None
    start = row.moved_from_at if row.moved_from_at != row.start_at else None
    before = row.moved_from_clinician_id if row.moved_from_clinician_id != row.clinician_id else None
    if start is None and before is None:
        return None
    return MovedFrom(start, before, row.moved_from_date, row.moved_at)


def _typed_over(row: Row[Any], typed: Sequence[Row[Any]]) -> tuple[dict[str, Any], list[EditedField]]:
    """The card's columns with what staff typed laid over them, and each field they typed."""
    columns = dict(row._mapping)
    edited = []
    overrides = [
        Override(
            held.typed_id,
            held.typed_field,
            held.typed_value,
            held.typed_base_value,
            OverrideState(held.typed_state),
        )
        for held in typed
    ]
    for held, override in zip(typed, overrides, strict=True):
        pms_value = as_stored(columns[EDITABLE[override.field].column])
        is_conflict = override.state is OverrideState.CONFLICT
        edited.append(
            EditedField(override.field, override.value, pms_value, held.typed_by, held.typed_at, is_conflict)
        )
    for override in overrides:
        if staff_value_shows(override):
            columns[EDITABLE[override.field].column] = (
                as_instant(override.value) if override.field == "start_at" else override.value
            )
    return columns, edited


def names_of(card_ids: Collection[int]) -> dict[int, str | None]:
    """What the patients of these cards are called by the practice software."""
    with reading() as session:
        rows = session.execute(
            select(CARDS.c.id, CARDS.c.patient_name).where(among(session, CARDS.c.id, card_ids))
        ).all()
    return {row[0]: row[1] for row in rows}
