"""Which appointment types count as telehealth and which are shown: the vendor's list beside the clinic's decisions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from pmsapp import clock
from pmsapp.adapters.registry import get_info
from pmsapp.domain.actor import Actor
from pmsapp.domain.appointment import AppointmentType
from pmsapp.domain.errors import PMSError
from pmsapp.models import Decision as Question
from pmsapp.models import PMSAppointmentType, PMSConnection
from pmsapp.services.base import audit
from pmsapp.services.base.errors import Invalid
from pmsapp.services.base.transaction import reading, writing
from pmsapp.services.connections.rows import get_row
from pmsapp.services.connections.update import UNCHANGED, Unchanged
from pmsapp.services.matching import live_lists, reference
from pmsapp.services.matching.live_lists import Listing
from pmsapp.services.sheet import matching_changes, questions


@dataclass(frozen=True, slots=True)
class TypeView:
    """An appointment type. `is_telehealth` is the clinic's decision, None = follow the PMS.

    `pms_is_telehealth` is the vendor's own mark; `suggested` and `evidence` what its name suggests and why.
    """

    pms_type_id: str
    name: str
    default_duration_minutes: int | None
    colour: str | None
    active: bool
    is_telehealth: bool | None
    pms_is_telehealth: bool | None
    suggested: bool
    evidence: str | None
    sync_enabled: bool


@dataclass(frozen=True, slots=True)
class TypeChoice:
    """What to change about a type. `is_telehealth=None` follows the PMS again; `sync_enabled=None` leaves it."""

    pms_type_id: str
    is_telehealth: bool | None | Unchanged = UNCHANGED
    sync_enabled: bool | None = None


def list_types(connection_id: int) -> Listing[TypeView]:
    """Every type the vendor lists now, by name, with what was decided. Nothing is stored by asking.

    When the vendor does not answer, those known from before, marked as `stale`; raises what adapters raise when there are none.
    """
    listed = _listed(connection_id)
    with reading() as session:
        decided = {row.pms_type_id: row for row in _rows(session, connection_id)}
    return listed.of(_view(kind, decided.get(kind.external_id)) for kind in listed)


def set_types(connection_id: int, choices: Sequence[TypeChoice], actor: Actor) -> Listing[TypeView]:
    """Decide about types, all or none; the next run applies it. Returns the list again.

    Raises NotFound, Invalid (paths such as `types.0.pms_type_id`), and what adapters raise.
    """
    listing = _listing_for(connection_id, choices)
    listed = {kind.external_id: kind for kind in listing}
    now = clock.now()
    with writing() as session:
        connection = get_row(session, connection_id, lock=True)
        check(connection, choices, listed)
        if listing.stale is None:
            reference.store_types(session, connection_id, listing, now, announce=False)
        rows = {row.pms_type_id: row for row in _rows(session, connection_id)}
        before = matching_changes.capture(session, connection_id, matching_changes.TYPES, rows)
        changed = [choice for choice in choices if _decide(rows[choice.pms_type_id], choice)]
        answered = _answer_questions(session, connection_id, changed, actor, now)
        answered += _answer_turned(session, connection_id, choices, rows, actor, now)
        matching_changes.note(session, before, actor, now, answered=answered)
        if changed:
            connection.config_version += 1
            connection.updated_at = now
            audit.record(
                session,
                actor,
                "connection.types_decided",
                f"connection:{connection_id}",
                {"types": sorted(choice.pms_type_id for choice in changed)},
            )
    return list_types(connection_id)


def choose_later(connection_id: int, later: str, actor: Actor) -> None:
    """Say what becomes of a type that appears later: ask, similar, ignore. Raises NotFound and Invalid."""
    if later not in reference.LATER:
        raise Invalid({"new_types": f"Choose one of: {', '.join(reference.LATER)}."})
    with writing() as session:
        connection = get_row(session, connection_id, lock=True)
        if connection.new_types == later:
            return
        connection.new_types, connection.updated_at = later, clock.now()
        audit.record(
            session, actor, "connection.changed", f"connection:{connection_id}", {"fields": ["new_types"]}
        )


def listed_for(connection_id: int, choices: Sequence[TypeChoice]) -> dict[str, AppointmentType]:
    """The types these choices are about and all others, by id."""
    return {kind.external_id: kind for kind in _listing_for(connection_id, choices)}


def _listing_for(connection_id: int, choices: Sequence[TypeChoice]) -> Listing[AppointmentType]:
    listing = _listed(connection_id)
    if not {choice.pms_type_id for choice in choices} <= {kind.external_id for kind in listing}:
        live_lists.forget(connection_id)  # it may be a minute old
        listing = _listed(connection_id)
    return listing


def _listed(connection_id: int) -> Listing[AppointmentType]:
    try:
        return live_lists.fetch_types(connection_id)
    except PMSError as error:
        with reading() as session:
            known = _rows(session, connection_id)
        if not known:
            raise
        return Listing([_as_listed(row) for row in known], max(row.last_seen_at for row in known), error)


def _as_listed(row: PMSAppointmentType) -> AppointmentType:
    return AppointmentType(
        external_id=row.pms_type_id,
        name=row.pms_type_name,
        default_duration_min=row.default_duration_minutes,
        colour=row.colour,
        active=row.active,
        is_telehealth=row.pms_is_telehealth,
        suggested=row.suggested,
        evidence=row.evidence,
    )


def _rows(session: Session, connection_id: int) -> Sequence[PMSAppointmentType]:
    return session.scalars(
        select(PMSAppointmentType)
        .where(PMSAppointmentType.pms_connection_id == connection_id)
        .order_by(PMSAppointmentType.pms_type_name, PMSAppointmentType.id)
    ).all()


def _view(listed_type: AppointmentType, row: PMSAppointmentType | None) -> TypeView:
    return TypeView(
        pms_type_id=listed_type.external_id,
        name=listed_type.name,
        default_duration_minutes=listed_type.default_duration_min,
        colour=listed_type.colour,
        active=listed_type.active,
        is_telehealth=row.is_telehealth if row else None,
        pms_is_telehealth=listed_type.is_telehealth,
        suggested=listed_type.suggested,
        evidence=listed_type.evidence,
        sync_enabled=row.sync_enabled if row else True,
    )


def check(
    connection: PMSConnection, choices: Sequence[TypeChoice], listed: Mapping[str, AppointmentType]
) -> None:
    """Raises Invalid with what is wrong with the choices, if anything is."""
    errors: dict[str, str] = {}
    seen: set[str] = set()
    label = get_info(connection.pms_type).label
    for number, choice in enumerate(choices):
        if choice.pms_type_id not in listed:
            errors[f"types.{number}.pms_type_id"] = f"{label} lists no such appointment type."
        elif choice.pms_type_id in seen:
            errors[f"types.{number}.pms_type_id"] = "Each type may be named once."
        seen.add(choice.pms_type_id)
    if errors:
        raise Invalid(errors)


def _decide(row: PMSAppointmentType, choice: TypeChoice) -> bool:
    """Write one decision. True when it changed anything."""
    before = (row.is_telehealth, row.sync_enabled)
    if not isinstance(choice.is_telehealth, Unchanged):
        row.is_telehealth = choice.is_telehealth
    if choice.sync_enabled is not None:
        row.sync_enabled = choice.sync_enabled
    return (row.is_telehealth, row.sync_enabled) != before


def _answer_questions(
    session: Session, connection_id: int, changed: Sequence[TypeChoice], actor: Actor, now: datetime
) -> list[int]:
    """A type that was decided about here need not be asked about elsewhere. Returns the questions answered."""
    decided = {
        f"type:{connection_id}:{choice.pms_type_id}": choice.is_telehealth is True for choice in changed
    }
    rows = session.scalars(
        select(Question).where(Question.subject.in_(decided), Question.state == "open")
    ).all()
    for row in rows:
        row.state, row.decided_by, row.decided_at = "decided", actor.name, now
        row.choice = "pms" if decided[row.subject] else "keep"
    return [row.id for row in rows]


def _answer_turned(
    session: Session,
    connection_id: int,
    choices: Sequence[TypeChoice],
    rows: Mapping[str, PMSAppointmentType],
    actor: Actor,
    now: datetime,
) -> list[int]:
    """Whoever says here what a type is has answered whether it still is what it was, also with the same answer.

    Returns the questions answered.
    """
    answered: list[int] = []
    for choice in choices:
        if isinstance(choice.is_telehealth, Unchanged):
            continue
        question = session.scalar(
            select(Question).where(
                Question.subject == questions.type_subject(connection_id, choice.pms_type_id),
                Question.state == "open",
            )
        )
        if question is not None:
            question.state, question.decided_by, question.decided_at = "decided", actor.name, now
            question.choice = "keep" if rows[choice.pms_type_id].is_telehealth == question.ours else "pms"
            answered.append(question.id)
    return answered
