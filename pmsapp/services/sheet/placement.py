"""Where stored cards stand: `place` puts them somewhere, the rest says where they belong by the clinic's decisions.

Nothing here asks the PMS.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Row, select, update
from sqlalchemy.orm import Session
from sqlalchemy.orm.util import identity_key

from pmsapp import __version__
from pmsapp.domain.actor import Actor
from pmsapp.domain.appointment import AppointmentStatus, AppointmentType, Presence
from pmsapp.domain.sync import rules as sync_rules
from pmsapp.domain.sync.rules import REASONS, MappingDecision, Placement, Rules, TypeRule
from pmsapp.domain.window import instant_of
from pmsapp.models import PMSAppointmentType, PMSClinicianMapping, PMSConnection, RunSheetAppointment
from pmsapp.services.clinic import clinic
from pmsapp.services.sheet import questions, timeline, versions
from pmsapp.services.sheet.stored_cards import CARDS, SHEETS, chunks

_OFF_SHEET = (Presence.FILTERED.value, Presence.UNMAPPED.value)
# What somebody who looks at a sheet sees there.
IN_VIEW = (
    Presence.ON_SHEET.value,
    Presence.HELD.value,
    Presence.CANCELLED.value,
    Presence.DELETED.value,
)


@dataclass(frozen=True, slots=True)
class PlacedBy:
    """Whose doing it is, as the cards' timelines say it. `source`: pms or staff."""

    source: str
    actor: str | None = None
    run_id: int | None = None

    @classmethod
    def staff(cls, actor: Actor) -> PlacedBy:
        """A person did it."""
        return cls("staff", actor.name)


def place(
    session: Session,
    card_ids: Iterable[int],
    presence: Presence,
    reason: str | None,
    *,
    kind: str,
    by: PlacedBy,
    now: datetime,
    only: Collection[Presence] = (),
    also: Mapping[str, Any] | None = None,
    data: Mapping[str, Any] | None = None,
    bump: bool = True,
) -> set[date]:
    """Put cards somewhere: presence, why and since when, their versions, a line in each timeline, their sheets' versions.

    Whoever had acknowledged the place before has not seen this one. `only`: cards that stand elsewhere by now are left
    alone. `also`: further columns that change with it. `kind` and `data` make the line in the timeline. Returns the
    days whose sheet changed; with `bump` False the caller lets their versions grow, once for many calls.
    """
    session.flush()
    values = {
        "presence": presence.value,
        **reason_columns(reason, now),
        "acknowledged_at": None,
        "acknowledged_by": None,
        "row_version": CARDS.c.row_version + 1,
        "updated_at": now,
        **(also or {}),
    }
    days: set[date] = set()
    for part in chunks(card_ids):
        wanted = [CARDS.c.id.in_(part)]
        if only:
            wanted.append(CARDS.c.presence.in_([presence.value for presence in only]))
        placed = session.scalars(update(CARDS).where(*wanted).values(**values).returning(CARDS.c.id)).all()
        _forget_loaded(session, placed)
        days |= versions.days_of(session, placed)
        timeline.record(
            session,
            [{"appointment_id": card_id, "kind": kind, "data": data} for card_id in placed],
            by.source,
            now,
            actor=by.actor,
            run_id=by.run_id,
        )
    if bump:
        versions.bump(session, days, now)
    return days


def reason_columns(reason: str | None, at: datetime) -> dict[str, Any]:
    """Why a card stands where it does, and since when; a card with no reason has no such instant."""
    return {"presence_reason": reason, "presence_at": at if reason else None}


def columns_as_kept(kept: Mapping[str, Any]) -> dict[str, Any]:
    """The place of a card as it was written down before (its columns, instants as UTC text), to put it back there."""
    return {
        "presence": kept["presence"],
        "presence_reason": kept["presence_reason"],
        "presence_at": instant_of(kept["presence_at"]),
        "acknowledged_at": instant_of(kept["acknowledged_at"]),
        "acknowledged_by": kept["acknowledged_by"],
    }


NOT_REMOVED: Mapping[str, Any] = {"removed_at": None, "removed_by": None, "removed_reason": None}


def removal_columns(actor: Actor, reason: str, at: datetime) -> dict[str, Any]:
    """Who of the staff removed a card, when and why."""
    return {"removed_at": at, "removed_by": actor.name, "removed_reason": reason}


def _forget_loaded(session: Session, card_ids: Iterable[int]) -> None:
    """Cards that the caller holds as objects are read anew when next looked at."""
    for card_id in card_ids:
        loaded = session.identity_map.get(identity_key(RunSheetAppointment, card_id))
        if loaded is not None:
            session.expire(loaded)


def place_of(session: Session, card: RunSheetAppointment) -> Placement:
    """Where a stored card belongs as things stand. A card without a connection is placed by its status alone."""
    if card.pms_connection_id is None:
        cancelled = card.appointment_status == AppointmentStatus.CANCELLED
        return Placement(Presence.CANCELLED if cancelled else Presence.ON_SHEET)
    return _placement(load_rules(session, card.pms_connection_id), card)


def reapply_type(
    session: Session, connection_id: int, type_id: str, *, kind: str, by: PlacedBy, now: datetime
) -> None:
    """Put the cards of one type, from today on, where the clinic's decision about it says, and mark them by it.

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
    moved: dict[tuple[Placement, bool | None], list[int]] = defaultdict(list)
    for row in rows:
        verdict = _placement(rules, row)
        is_telehealth = row.is_telehealth if decided is None else decided
        if (verdict.presence, is_telehealth) != (row.presence, row.is_telehealth):
            moved[verdict, is_telehealth].append(row.id)
    for (verdict, is_telehealth), card_ids in moved.items():
        place(
            session,
            card_ids,
            verdict.presence,
            words_of(verdict),
            kind=kind,
            by=by,
            now=now,
            also={"pms_digest": None, "is_telehealth": is_telehealth},
        )


def take_off(
    session: Session, connection_id: int, practitioner_id: str, reason: str, actor: Actor, now: datetime
) -> None:
    """The practitioner's cards leave the sheets from today, in the caller's transaction. `reason`: in words."""
    cards = session.scalars(
        select(CARDS.c.id)
        .join(SHEETS, SHEETS.c.id == CARDS.c.run_sheet_id)
        .where(
            CARDS.c.pms_connection_id == connection_id,
            CARDS.c.pms_practitioner_id == practitioner_id,
            CARDS.c.presence.in_(IN_VIEW),
            SHEETS.c.date >= clinic.today(session),
        )
    ).all()
    place(
        session,
        cards,
        Presence.UNMAPPED,
        reason,
        kind="unmapped",
        by=PlacedBy.staff(actor),
        now=now,
        also={"kept_digest": None},
    )


def words_of(verdict: Placement) -> str | None:
    """Why the clinic's decisions put a card there, in words; None when nothing keeps it off the sheet."""
    return REASONS.get(verdict.reason) if verdict.reason else None


def _placement(rules: Rules, card: RunSheetAppointment | Row[Any]) -> Placement:
    return placement_of_row(rules, card, card.is_telehealth)


def placement_of_row(
    rules: Rules, card: RunSheetAppointment | Row[Any], is_telehealth: bool | None
) -> Placement:
    """Where a stored card of a connection belongs. `is_telehealth`: what the practice software says of the visit."""
    rule = rules.types.get(card.pms_type_id) if card.pms_type_id else None
    if rule and rule.decision is not None:
        is_telehealth = rule.decision
    return sync_rules.place(
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
    for kind in listed:
        known = types.get(kind.external_id)
        types[kind.external_id] = TypeRule(
            kind.name,
            known.decision if known else None,
            kind.is_telehealth,
            known.sync_enabled if known else True,
            kind.default_duration_min,
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
