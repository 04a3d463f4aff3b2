"""Whose appointments go into which column: the vendor's practitioners beside what the clinic decided about them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from pmsapp import clock
from pmsapp.adapters.registry import get_info
from pmsapp.domain.actor import Actor
from pmsapp.domain.appointment import Practitioner
from pmsapp.domain.errors import PMSError
from pmsapp.domain.names import Suggestion, clear_choice, suggest
from pmsapp.domain.sync.rules import REASONS, MappingDecision, SkipReason
from pmsapp.models import Decision as Question
from pmsapp.models import (
    PMSClinicianMapping,
    PMSConnection,
    RunSheetClinician,
)
from pmsapp.services.base import audit
from pmsapp.services.base.errors import Invalid
from pmsapp.services.base.transaction import reading, writing
from pmsapp.services.connections.rows import get_row
from pmsapp.services.matching import live_lists, reference
from pmsapp.services.matching.live_lists import Listing
from pmsapp.services.sheet import columns as sheet_columns
from pmsapp.services.sheet import matching_changes, placement

MAP, CREATE, IGNORE, UNDECIDED = "map", "create", "ignore", "undecided"
CHOICES = (MAP, CREATE, IGNORE, UNDECIDED)

_REASONS = {
    MappingDecision.IGNORED: REASONS[SkipReason.PRACTITIONER_IGNORED],
    MappingDecision.UNDECIDED: REASONS[SkipReason.PRACTITIONER_UNDECIDED],
}


@dataclass(frozen=True, slots=True)
class PractitionerView:
    """A practitioner of the PMS. `suggestions` come best first; `prechosen_id` only when one is clearly ahead.

    `upcoming_appointments`: in the next 14 days; None when it could not be read.
    """

    pms_practitioner_id: str
    name: str
    active: bool
    shown_in_appointment_book: bool
    decision: MappingDecision
    clinician_id: int | None
    suggestions: tuple[Suggestion, ...]
    prechosen_id: int | None
    upcoming_appointments: int | None
    provider_number: str | None = None


@dataclass(frozen=True, slots=True)
class MappingChoice:
    """What somebody decided: map (to `clinician_id`), create (a column called `name`), ignore, or undecided."""

    pms_practitioner_id: str
    decision: str
    clinician_id: int | None = None
    name: str | None = None


def list_practitioners(connection_id: int) -> Listing[PractitionerView]:
    """Everybody the vendor lists now, by name, with what was decided. Nothing is stored by asking.

    When the vendor does not answer, those known from before, marked as `stale`; raises what adapters raise when there
    are none.
    """
    listed = _listed(connection_id)
    upcoming = {} if listed.stale else _upcoming(connection_id, listed)
    with reading() as session:
        decided = {row.pms_practitioner_id: row for row in _rows(session, connection_id)}
        columns = [(row.id, row.name) for row in sheet_columns.active_rows(session)]
    return listed.of(_view(person, decided.get(person.external_id), columns, upcoming) for person in listed)


def set_mappings(
    connection_id: int, choices: Sequence[MappingChoice], actor: Actor
) -> Listing[PractitionerView]:
    """Decide about practitioners, all or none. Returns the list again.

    Whoever is ignored or undecided leaves the sheets from today at once; whoever is mapped comes back with the next
    run. Raises NotFound, Invalid (paths such as `mappings.0.clinician_id`), and what adapters raise.
    """
    listing = _listing_for(connection_id, choices)
    listed = {person.external_id: person for person in listing}
    now = clock.now()
    with writing() as session:
        connection = get_row(session, connection_id, lock=True)
        check(session, connection, choices, listed)
        if listing.stale is None:
            reference.store_practitioners(session, connection_id, listing, now, announce=False)
        rows = {row.pms_practitioner_id: row for row in _rows(session, connection_id)}
        before = matching_changes.capture(session, connection_id, matching_changes.PRACTITIONERS, rows)
        changed = [
            choice
            for choice in choices
            if _decide(session, rows[choice.pms_practitioner_id], choice, actor, now)
        ]
        answered = _answer_questions(session, connection_id, choices, actor, now)
        matching_changes.note(session, before, actor, now, answered=answered)
        if changed:
            connection.config_version += 1
        if changed or answered:
            connection.updated_at = now
            audit.record(
                session,
                actor,
                "connection.practitioners_decided",
                f"connection:{connection_id}",
                {"decided": {choice.pms_practitioner_id: choice.decision for choice in changed}},
            )
    return list_practitioners(connection_id)


def known_names(connection_id: int) -> dict[str, str]:
    """The names of everybody known of a connection, by the vendor's id; nobody is asked."""
    with reading() as session:
        return {row.pms_practitioner_id: row.pms_practitioner_name for row in _rows(session, connection_id)}


def listed_for(connection_id: int, choices: Sequence[MappingChoice]) -> dict[str, Practitioner]:
    """The practitioners these choices are about and everybody else, by id."""
    return {person.external_id: person for person in _listing_for(connection_id, choices)}


def _listing_for(connection_id: int, choices: Sequence[MappingChoice]) -> Listing[Practitioner]:
    listing = _listed(connection_id)
    if not {choice.pms_practitioner_id for choice in choices} <= {person.external_id for person in listing}:
        live_lists.forget(connection_id)  # somebody may have joined within the last minute
        listing = _listed(connection_id)
    return listing


def _listed(connection_id: int) -> Listing[Practitioner]:
    try:
        return live_lists.fetch_practitioners(connection_id)
    except PMSError as error:
        with reading() as session:
            known = _rows(session, connection_id)
        if not known:
            raise
        people = [
            Practitioner(
                row.pms_practitioner_id, row.pms_practitioner_name, row.active, row.shown_in_appointment_book
            )
            for row in known
        ]
        return Listing(people, max(row.last_seen_at for row in known), error)


def _upcoming(connection_id: int, listed: Sequence[Practitioner]) -> dict[str, int]:
    try:
        return live_lists.count_upcoming(connection_id, listed)
    except PMSError:
        return {}


def _rows(session: Session, connection_id: int) -> Sequence[PMSClinicianMapping]:
    return session.scalars(
        select(PMSClinicianMapping)
        .where(PMSClinicianMapping.pms_connection_id == connection_id)
        .order_by(PMSClinicianMapping.pms_practitioner_name, PMSClinicianMapping.id)
    ).all()


def _view(
    practitioner: Practitioner,
    row: PMSClinicianMapping | None,
    columns: Sequence[tuple[int, str]],
    upcoming: dict[str, int],
) -> PractitionerView:
    suggestions = suggest(practitioner, columns)
    choice = clear_choice(suggestions)
    return PractitionerView(
        pms_practitioner_id=practitioner.external_id,
        name=practitioner.name,
        active=practitioner.active,
        shown_in_appointment_book=practitioner.shown_in_appointment_book,
        decision=MappingDecision(row.decision) if row else MappingDecision.UNDECIDED,
        clinician_id=row.run_sheet_clinician_id if row else None,
        suggestions=suggestions,
        prechosen_id=choice.clinician_id if choice else None,
        upcoming_appointments=upcoming.get(practitioner.external_id),
        provider_number=practitioner.provider_number,
    )


def check(
    session: Session,
    connection: PMSConnection,
    choices: Sequence[MappingChoice],
    listed: Mapping[str, Practitioner],
) -> None:
    """Raises Invalid with what is wrong with the choices, if anything is."""
    errors: dict[str, str] = {}
    known = set(session.scalars(select(RunSheetClinician.id)))
    seen: set[str] = set()
    label = get_info(connection.pms_type).label
    for number, choice in enumerate(choices):
        at = f"mappings.{number}"
        if choice.pms_practitioner_id not in listed:
            errors[f"{at}.pms_practitioner_id"] = f"{label} lists no such practitioner."
        if choice.pms_practitioner_id in seen:
            errors[f"{at}.pms_practitioner_id"] = "Each practitioner may be named once."
        seen.add(choice.pms_practitioner_id)
        if choice.decision not in CHOICES:
            errors[f"{at}.decision"] = f"Choose one of: {', '.join(CHOICES)}."
        elif choice.decision == MAP and choice.clinician_id not in known:
            errors[f"{at}.clinician_id"] = "Choose a clinician of the run sheet."
        elif choice.decision == CREATE and choice.name is not None:
            sentence = sheet_columns.name_fault(choice.name)
            if sentence:
                errors[f"{at}.name"] = sentence
    if errors:
        raise Invalid(errors)


def _decide(
    session: Session, row: PMSClinicianMapping, choice: MappingChoice, actor: Actor, now: datetime
) -> bool:
    """Write one decision. True when it changed anything."""
    before, made = (row.decision, row.run_sheet_clinician_id), False
    if choice.decision == MAP:
        row.decision, row.run_sheet_clinician_id = MappingDecision.MAPPED.value, choice.clinician_id
    elif choice.decision == CREATE:
        row.decision = MappingDecision.MAPPED.value
        row.run_sheet_clinician_id, made = _column_for(session, row, choice, now)
    else:
        decision = MappingDecision.IGNORED if choice.decision == IGNORE else MappingDecision.UNDECIDED
        row.decision, row.run_sheet_clinician_id = decision.value, None
        placement.take_off(
            session, row.pms_connection_id, row.pms_practitioner_id, _REASONS[decision], actor, now
        )
    if (row.decision, row.run_sheet_clinician_id) == before:
        return False
    row.auto_created, row.decided_by, row.decided_at = made, actor.name, now
    session.flush()
    return True


def _column_for(
    session: Session, row: PMSClinicianMapping, choice: MappingChoice, now: datetime
) -> tuple[int, bool]:
    """A column of that name which is nobody else's, made when there is none: asking twice makes one column.

    True beside it when it was made here.
    """
    name = (choice.name or row.pms_practitioner_name).strip()
    taken = set(
        session.scalars(
            select(PMSClinicianMapping.run_sheet_clinician_id).where(
                PMSClinicianMapping.run_sheet_clinician_id.is_not(None), PMSClinicianMapping.id != row.id
            )
        )
    )
    for column in sheet_columns.active_rows(session):
        if column.name.casefold() == name.casefold() and column.id not in taken:
            return column.id, False
    return sheet_columns.add_row(session, name, now).id, True


def _answer_questions(
    session: Session, connection_id: int, choices: Sequence[MappingChoice], actor: Actor, now: datetime
) -> list[int]:
    """Whoever was decided about here need not be asked about elsewhere. Returns the ids of the questions answered."""
    decided = {
        choice.pms_practitioner_id: choice.decision for choice in choices if choice.decision != UNDECIDED
    }
    subjects = {f"practitioner:{connection_id}:{external_id}": external_id for external_id in decided}
    rows = session.scalars(
        select(Question).where(Question.subject.in_(subjects), Question.state == "open")
    ).all()
    for row in rows:
        row.state, row.decided_by, row.decided_at = "decided", actor.name, now
        row.choice = "keep" if decided[subjects[row.subject]] == IGNORE else "pms"
    return [row.id for row in rows]
