"""Practitioners and types the clinic shows who are not what they were at the vendor: no longer listed, archived, renamed.

Each change is asked about once, with the cards it touches. Whoever the vendor no longer lists is not read any more, so
that their list does not fail in every update; their cards stay as they are until somebody answers.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from pmsapp.domain.appointment import AppointmentType, Practitioner, Presence
from pmsapp.domain.sync.rules import MappingDecision
from pmsapp.models import PMSAppointmentType, PMSClinicianMapping, PMSConnection, RunSheetClinician
from pmsapp.services.clinic import clinic
from pmsapp.services.sheet import questions
from pmsapp.services.sheet.stored_cards import CARDS

VANISHED, ARCHIVED, RENAMED = "vanished", "archived", "renamed"


@dataclass(frozen=True, slots=True)
class Known:
    """A practitioner who has a column, as stored before the list was read."""

    external_id: str
    name: str
    active: bool
    column: str
    was_listed: bool


@dataclass(frozen=True, slots=True)
class KnownType:
    """A type that is shown, as stored before the list was read."""

    external_id: str
    name: str
    active: bool


def mapped_before(session: Session, connection_id: int) -> tuple[Known, ...]:
    """Whoever has a column, before a new list is stored."""
    mapping = PMSClinicianMapping
    rows = session.execute(
        select(
            mapping.pms_practitioner_id,
            mapping.pms_practitioner_name,
            mapping.active,
            RunSheetClinician.name,
            mapping.last_seen_at >= func.coalesce(PMSConnection.reference_read_at, mapping.last_seen_at),
        )
        .join(RunSheetClinician, RunSheetClinician.id == mapping.run_sheet_clinician_id)
        .join(PMSConnection, PMSConnection.id == mapping.pms_connection_id)
        .where(
            mapping.pms_connection_id == connection_id,
            mapping.decision == MappingDecision.MAPPED.value,
        )
    )
    return tuple(Known(*row[:4], was_listed=bool(row[4])) for row in rows)


def types_before(session: Session, connection_id: int) -> tuple[KnownType, ...]:
    """The types that are shown, before a new list is stored."""
    kind = PMSAppointmentType
    rows = session.execute(
        select(kind.pms_type_id, kind.pms_type_name, kind.active).where(
            kind.pms_connection_id == connection_id, kind.sync_enabled
        )
    )
    return tuple(KnownType(*row) for row in rows)


def ask_about_practitioners(
    session: Session,
    connection_id: int,
    before: Iterable[Known],
    listed: Sequence[Practitioner],
    now: datetime,
) -> None:
    """Ask about those with a column whom a whole list shows otherwise. Only a change is asked about.

    A list of nobody says nothing about anybody.
    """
    people = {person.external_id: person for person in listed}
    for known in before if people else ():
        person = people.get(known.external_id)
        if person is None:
            if known.was_listed:
                _ask_whether_gone(session, connection_id, known, VANISHED, now)
        elif known.active and not person.active:
            _ask_whether_gone(session, connection_id, known, ARCHIVED, now)
        elif _is_renamed(known, person):
            questions.open_question(
                session,
                kind="practitioner_changed",
                subject=f"practitioner-changed:{connection_id}:{known.external_id}",
                connection_id=connection_id,
                appointment_ids=_cards(
                    session, connection_id, CARDS.c.pms_practitioner_id, known.external_id
                ),
                ours=known.column,
                theirs={
                    "pms_practitioner_id": known.external_id,
                    "name": person.name,
                    "was_name": known.name,
                },
                now=now,
            )


def ask_about_types(
    session: Session,
    connection_id: int,
    before: Iterable[KnownType],
    listed: Sequence[AppointmentType],
    now: datetime,
) -> None:
    """Ask about types with cards on the sheet that were archived, or are no longer listed at all."""
    kinds = {kind.external_id: kind for kind in listed}
    for known in before if kinds else ():
        kind = kinds.get(known.external_id)
        if not known.active or (kind is not None and kind.active):
            continue
        cards = _cards(session, connection_id, CARDS.c.pms_type_id, known.external_id)
        if kind is None:
            _mark_archived(session, connection_id, known.external_id)
        if cards:
            how = VANISHED if kind is None else ARCHIVED
            questions.open_question(
                session,
                kind="type_gone",
                subject=f"type-gone:{connection_id}:{known.external_id}",
                connection_id=connection_id,
                appointment_ids=cards,
                theirs={"pms_type_id": known.external_id, "name": known.name, "how": how},
                now=now,
            )


def _ask_whether_gone(session: Session, connection_id: int, known: Known, how: str, now: datetime) -> None:
    questions.open_question(
        session,
        kind="practitioner_gone",
        subject=questions.gone_subject(connection_id, known.external_id),
        connection_id=connection_id,
        appointment_ids=_cards(session, connection_id, CARDS.c.pms_practitioner_id, known.external_id),
        ours=known.column,
        theirs={"pms_practitioner_id": known.external_id, "name": known.name, "how": how},
        now=now,
    )


def _is_renamed(known: Known, person: Practitioner) -> bool:
    """True where a column bears the practitioner's earlier name; a name the clinic chose itself stays its own."""
    was, now, column = (" ".join(name.split()).casefold() for name in (known.name, person.name, known.column))
    return was != now and column == was


def _mark_archived(session: Session, connection_id: int, type_id: str) -> None:
    """A type that is no longer listed counts as archived; should it be listed again, that says so."""
    row = session.scalar(
        select(PMSAppointmentType).where(
            PMSAppointmentType.pms_connection_id == connection_id, PMSAppointmentType.pms_type_id == type_id
        )
    )
    if row is not None:
        row.active = False


def _cards(session: Session, connection_id: int, column: ColumnElement[str | None], value: str) -> list[int]:
    """Cards on the sheet from today on."""
    return list(
        session.scalars(
            select(CARDS.c.id)
            .where(
                CARDS.c.pms_connection_id == connection_id,
                column == value,
                CARDS.c.presence == Presence.ON_SHEET.value,
                CARDS.c.pms_date >= clinic.today(session),
            )
            .order_by(CARDS.c.start_at, CARDS.c.id)
        )
    )
