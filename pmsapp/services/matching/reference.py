"""What a vendor lists: practitioners and appointment types, stored beside what the clinic decided about them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from pmsapp.domain.appointment import AppointmentType, Practitioner, Presence
from pmsapp.domain.sync.rules import MappingDecision
from pmsapp.domain.sync.type_meaning import has_turned, meaning_of
from pmsapp.models import Decision, PMSAppointmentType, PMSClinicianMapping, PMSConnection
from pmsapp.models.upsert import upsert
from pmsapp.services.clinic import clinic
from pmsapp.services.sheet import questions
from pmsapp.services.sheet.stored_cards import CARDS

# What the clinic may say about a type that appears later.
ASK, SIMILAR, IGNORE = "ask", "similar", "ignore"
LATER = (ASK, SIMILAR, IGNORE)


def store_practitioners(
    session: Session,
    connection_id: int,
    practitioners: Sequence[Practitioner],
    now: datetime,
    *,
    announce: bool = True,
) -> list[str]:
    """Keep the vendor's practitioner list; decisions stay untouched. Returns ids never seen before.

    `announce`: open a decision for each new one that is active and shown (not during set-up).
    """
    mapping = PMSClinicianMapping
    known = set(
        session.scalars(select(mapping.pms_practitioner_id).where(mapping.pms_connection_id == connection_id))
    )
    upsert(
        session,
        mapping,
        [_practitioner_row(connection_id, practitioner, now) for practitioner in practitioners],
        keys=["pms_connection_id", "pms_practitioner_id"],
        update=["pms_practitioner_name", "active", "shown_in_appointment_book", "last_seen_at", "updated_at"],
    )
    fresh = [person for person in practitioners if person.external_id not in known]
    for person in fresh if announce and known else ():
        if person.active and person.shown_in_appointment_book:
            _ask_about_practitioner(session, connection_id, person.external_id, person.name, now)
    _name_those_asked_about(
        session, connection_id, {person.external_id: person.name for person in practitioners}
    )
    return [person.external_id for person in fresh]


def ask_about_hidden(
    session: Session, connection_id: int, practitioner_ids: Collection[str], now: datetime
) -> None:
    """Ask about those of these undecided practitioners whom the list's own marks kept from being asked about.

    Somebody inactive, or not shown in the book, has patients after all. Each is asked about once.
    """
    mapping = PMSClinicianMapping
    rows = session.execute(
        select(mapping.pms_practitioner_id, mapping.pms_practitioner_name).where(
            mapping.pms_connection_id == connection_id,
            mapping.pms_practitioner_id.in_(sorted(practitioner_ids)),
            mapping.decision == MappingDecision.UNDECIDED.value,
            ~(mapping.active & mapping.shown_in_appointment_book),
        )
    ).all()
    for external_id, name in rows:
        subject = _subject("practitioner", connection_id, external_id)
        if session.scalar(select(Decision.id).where(Decision.subject == subject).limit(1)) is None:
            _ask_about_practitioner(session, connection_id, external_id, name, now)


def store_types(
    session: Session,
    connection_id: int,
    types: Sequence[AppointmentType],
    now: datetime,
    *,
    announce: bool = True,
) -> list[str]:
    """Keep the vendor's type list; decisions stay untouched. Returns ids never seen before.

    `announce`: open a decision for each new active type whose name suggests telehealth and that nothing marks, and for
    each that was decided about and has come to mean something else.
    """
    kind = PMSAppointmentType
    before = {row.pms_type_id: row for row in _stored_types(session, connection_id)}
    known = set(before)
    update = [
        "pms_type_name",
        "default_duration_minutes",
        "colour",
        "active",
        "pms_is_telehealth",
        "suggested",
    ]
    upsert(
        session,
        kind,
        [_type_row(connection_id, appointment_type, now) for appointment_type in types],
        keys=["pms_connection_id", "pms_type_id"],
        update=[*update, "evidence", "last_seen_at", "updated_at"],
    )
    fresh = [listed for listed in types if listed.external_id not in known]
    for listed in types if announce else ():
        if listed.external_id in before:
            _ask_whether_it_turned(session, connection_id, before[listed.external_id], listed, now)
    later = _settle_later(session, connection_id, fresh) if announce and known else ASK
    for listed in fresh if announce and known and later == ASK else ():
        if listed.active and listed.suggested and listed.is_telehealth is None:
            named = {"pms_type_id": listed.external_id, "name": listed.name}
            _ask(session, "type", connection_id, listed.external_id, named, now)
    return [listed.external_id for listed in fresh]


def _settle_later(session: Session, connection_id: int, fresh: Sequence[AppointmentType]) -> str:
    """Decide about types that appear later as the clinic said: by their names, or not at all. Returns what it said."""
    connection = session.get_one(PMSConnection, connection_id)
    unmarked = {listed.external_id: listed.suggested for listed in fresh if listed.is_telehealth is None}
    if connection.new_types == ASK or not unmarked:
        return connection.new_types
    for row in session.scalars(
        select(PMSAppointmentType).where(
            PMSAppointmentType.pms_connection_id == connection_id,
            PMSAppointmentType.pms_type_id.in_(unmarked),
        )
    ):
        row.is_telehealth = connection.new_types == SIMILAR and unmarked[row.pms_type_id]
    connection.config_version += 1
    session.flush()
    return connection.new_types


def _stored_types(session: Session, connection_id: int) -> Sequence[Row[Any]]:
    kind = PMSAppointmentType
    rows: Any = session.execute(
        select(
            kind.pms_type_id,
            kind.pms_type_name,
            kind.is_telehealth,
            kind.pms_is_telehealth,
            kind.suggested,
            kind.sync_enabled,
        ).where(kind.pms_connection_id == connection_id)
    ).all()
    return list(rows)


def _ask_whether_it_turned(
    session: Session, connection_id: int, before: Row[Any], kind: AppointmentType, now: datetime
) -> None:
    """A type somebody decided about means something else now: its cards are not sure until that is settled."""
    if before.is_telehealth is None or not before.sync_enabled:
        return
    was = meaning_of(
        before.pms_type_name, has_telehealth_words=before.suggested, flag=before.pms_is_telehealth
    )
    is_now = meaning_of(kind.name, has_telehealth_words=kind.suggested, flag=kind.is_telehealth)
    if not has_turned(before.is_telehealth, was, is_now):
        return
    cards = _cards_of_type(session, connection_id, kind.external_id)
    questions.open_question(
        session,
        kind="type_changed",
        subject=questions.type_subject(connection_id, kind.external_id),
        connection_id=connection_id,
        appointment_ids=cards,
        ours=before.is_telehealth,
        theirs={
            "pms_type_id": kind.external_id,
            "name": kind.name,
            "was_name": before.pms_type_name,
            "cards": len(cards),
            "before": list(was),
        },
        now=now,
    )


def _cards_of_type(session: Session, connection_id: int, type_id: str) -> list[int]:
    """Those on the sheet from today on."""
    return list(
        session.scalars(
            select(CARDS.c.id)
            .where(
                CARDS.c.pms_connection_id == connection_id,
                CARDS.c.pms_type_id == type_id,
                CARDS.c.presence == Presence.ON_SHEET.value,
                CARDS.c.pms_date >= clinic.today(session),
            )
            .order_by(CARDS.c.start_at, CARDS.c.id)
        )
    )


def _ask_about_practitioner(
    session: Session, connection_id: int, external_id: str, name: str, now: datetime
) -> None:
    named = {"pms_practitioner_id": external_id, "name": name}
    _ask(session, "practitioner", connection_id, external_id, named, now)


def _name_those_asked_about(session: Session, connection_id: int, names: Mapping[str, str]) -> None:
    """Somebody asked about by id has a name by now."""
    for row in session.scalars(
        select(Decision).where(
            Decision.connection_id == connection_id,
            Decision.kind == "practitioner_new",
            Decision.state == "open",
        )
    ):
        asked = row.theirs or {}
        name = names.get(asked.get("pms_practitioner_id", ""))
        if name is not None and name != asked.get("name"):
            row.theirs = {**asked, "name": name}
    session.flush()


def _subject(kind: str, connection_id: int, external_id: str) -> str:
    return f"{kind}:{connection_id}:{external_id}"


def _ask(
    session: Session, kind: str, connection_id: int, external_id: str, named: dict[str, str], now: datetime
) -> None:
    """Ask a person about something the vendor lists for the first time."""
    questions.open_question(
        session,
        kind=f"{kind}_new",
        subject=_subject(kind, connection_id, external_id),
        connection_id=connection_id,
        theirs=named,
        now=now,
    )


def _practitioner_row(connection_id: int, practitioner: Practitioner, now: datetime) -> dict[str, Any]:
    return {
        "pms_connection_id": connection_id,
        "pms_practitioner_id": practitioner.external_id,
        "pms_practitioner_name": practitioner.name,
        "active": practitioner.active,
        "shown_in_appointment_book": practitioner.shown_in_appointment_book,
        "decision": MappingDecision.UNDECIDED.value,
        "first_seen_at": now,
        "last_seen_at": now,
        "updated_at": now,
    }


def _type_row(connection_id: int, appointment_type: AppointmentType, now: datetime) -> dict[str, Any]:
    return {
        "pms_connection_id": connection_id,
        "pms_type_id": appointment_type.external_id,
        "pms_type_name": appointment_type.name,
        "default_duration_minutes": appointment_type.default_duration_min,
        "colour": appointment_type.colour,
        "active": appointment_type.active,
        "pms_is_telehealth": appointment_type.is_telehealth,
        "sync_enabled": True,
        "suggested": appointment_type.suggested,
        "evidence": appointment_type.evidence,
        "first_seen_at": now,
        "last_seen_at": now,
        "updated_at": now,
    }
