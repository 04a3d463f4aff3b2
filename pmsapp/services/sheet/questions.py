"""Opening and closing what only a person can settle. Each open decision is unique by its subject."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from pmsapp.domain.appointment import Presence
from pmsapp.domain.sync.merge import OverrideState
from pmsapp.domain.sync.type_meaning import Meaning, has_turned, meaning_of
from pmsapp.models import (
    Decision,
    PMSAppointmentType,
    PMSClinicianMapping,
    PMSConnection,
    RunSheetAppointment,
    RunSheetClinician,
    RunSheetOverride,
)

# The code of the catalogue that a kind of question stands for.
CODES = {"practitioner_new": "MAP-NEW", "type_new": "TYPE-NEW", "removals_held": "REMOVE-HELD"}


def open_question(
    session: Session,
    *,
    kind: str,
    subject: str,
    now: datetime,
    connection_id: int | None = None,
    run_id: int | None = None,
    day: date | None = None,
    clinician_id: int | None = None,
    appointment_ids: Sequence[int] = (),
    field: str | None = None,
    ours: Any = None,
    theirs: Any = None,
    marker: str | None = None,
) -> None:
    """Ask a person; when the same question is open already, bring what it shows up to date."""
    known = session.scalar(select(Decision.id).where(Decision.subject == subject, Decision.state == "open"))
    shown = {
        "date": day,
        "clinician_id": clinician_id,
        "appointment_ids": list(appointment_ids),
        "field": field,
        "ours": ours,
        "theirs": theirs,
        "marker": marker,
    }
    if known is not None:
        session.execute(update(Decision).where(Decision.id == known).values(**shown))
        return
    session.add(
        Decision(
            kind=kind,
            subject=subject,
            connection_id=connection_id,
            run_id=run_id,
            since=now,
            state="open",
            **shown,
        )
    )
    session.flush()


def ask_about_undecided(session: Session, connection_id: int, now: datetime) -> None:
    """Whoever was left undecided in set-up is asked about like somebody new: their patients are on no sheet."""
    rows = session.execute(
        select(PMSClinicianMapping.pms_practitioner_id, PMSClinicianMapping.pms_practitioner_name).where(
            PMSClinicianMapping.pms_connection_id == connection_id,
            PMSClinicianMapping.decision == "undecided",
            PMSClinicianMapping.active,
            PMSClinicianMapping.shown_in_appointment_book,
        )
    )
    for row in rows.all():
        open_question(
            session,
            kind="practitioner_new",
            subject=practitioner_subject(connection_id, row.pms_practitioner_id),
            connection_id=connection_id,
            theirs={"pms_practitioner_id": row.pms_practitioner_id, "name": row.pms_practitioner_name},
            now=now,
        )


def lapse(session: Session, subjects: Sequence[str], now: datetime) -> None:
    """Close questions that settled themselves."""
    if subjects:
        session.execute(
            update(Decision)
            .where(Decision.subject.in_(list(subjects)), Decision.state == "open")
            .values(state="lapsed", decided_at=now)
            .execution_options(synchronize_session=False)
        )


def note_marker(session: Session, subject: str, marker: str) -> None:
    """Bring an open question's marker up to date; nothing is written when it is."""
    session.execute(
        update(Decision)
        .where(
            Decision.subject == subject, Decision.state == "open", Decision.marker.is_distinct_from(marker)
        )
        .values(marker=marker)
        .execution_options(synchronize_session=False)
    )


def count_cards_of_new_types(session: Session, connection_id: int, today: date) -> None:
    """Bring the cards up to date that open questions about new types are about: shown and marked, from today on."""
    for row in session.scalars(
        select(Decision).where(
            Decision.connection_id == connection_id, Decision.kind == "type_new", Decision.state == "open"
        )
    ).all():
        card = RunSheetAppointment
        row.appointment_ids = list(
            session.scalars(
                select(card.id)
                .where(
                    card.pms_connection_id == connection_id,
                    card.pms_type_id == (row.theirs or {}).get("pms_type_id"),
                    card.presence == Presence.ON_SHEET.value,
                    card.pms_date >= today,
                )
                .order_by(card.id)
            )
        )


def cards_of(session: Session, subject: str) -> list[int]:
    """The cards an open question is about; none when it is not open."""
    found = session.scalar(
        select(Decision.appointment_ids).where(Decision.subject == subject, Decision.state == "open")
    )
    return list(found or ())


def lapse_settled(session: Session, connection_id: int | None, now: datetime) -> None:
    """Close open questions that have settled themselves, whoever settled them: a connection's, or (None) all."""
    query = select(Decision).where(Decision.state == "open")
    if connection_id is not None:
        query = query.where(Decision.connection_id == connection_id)
    for row in session.scalars(query).all():
        if row.kind == "removals_held":
            still = _standing(session, row.appointment_ids, Presence.HELD)
            if still != set(row.appointment_ids):
                row.appointment_ids = sorted(still)
        if not _still_asked(session, row):
            row.state, row.decided_at = "lapsed", now
    session.flush()


def _still_asked(session: Session, row: Decision) -> bool:
    cards: list[int] = row.appointment_ids or []
    theirs: dict[str, Any] = row.theirs if isinstance(row.theirs, dict) else {}
    if row.kind == "field_conflict":
        return _has_conflict(session, cards[0], row.field)
    if row.kind == "patient_changed":
        return bool(_standing(session, cards[:1], Presence.HELD))
    if row.kind == "removals_held":
        return bool(cards)
    if row.kind == "merge_suggestion":
        return _standing(session, cards, Presence.ON_SHEET) == set(cards)
    if row.kind == "practitioner_new":
        return _is_undecided(session, row.connection_id, theirs.get("pms_practitioner_id"))
    if row.kind == "practitioner_gone":
        return _is_gone(session, row.connection_id, theirs.get("pms_practitioner_id"))
    if row.kind == "practitioner_changed":
        return _is_renamed(session, row.connection_id, theirs)
    if row.kind == "type_changed":
        return _is_turned(session, row.connection_id, theirs)
    if row.kind == "type_gone":
        is_shown = _is_archived(session, row.connection_id, theirs.get("pms_type_id"))
        return is_shown and bool(_standing(session, cards, Presence.ON_SHEET))
    return _is_unclassified(session, row.connection_id, theirs.get("pms_type_id"))


def _standing(session: Session, card_ids: Sequence[int], presence: Presence) -> set[int]:
    return set(
        session.scalars(
            select(RunSheetAppointment.id).where(
                RunSheetAppointment.id.in_(card_ids), RunSheetAppointment.presence == presence.value
            )
        )
    )


def _has_conflict(session: Session, card_id: int, field: str | None) -> bool:
    found = session.scalar(
        select(RunSheetOverride.id).where(
            RunSheetOverride.appointment_id == card_id,
            RunSheetOverride.field == field,
            RunSheetOverride.state == OverrideState.CONFLICT.value,
        )
    )
    return found is not None


def _is_undecided(session: Session, connection_id: int | None, practitioner_id: str | None) -> bool:
    decision = session.scalar(
        select(PMSClinicianMapping.decision).where(
            PMSClinicianMapping.pms_connection_id == connection_id,
            PMSClinicianMapping.pms_practitioner_id == practitioner_id,
        )
    )
    return decision == "undecided"


def _is_gone(session: Session, connection_id: int | None, practitioner_id: str | None) -> bool:
    """Somebody with a column is archived, or is no longer listed."""
    mapping = PMSClinicianMapping
    found = session.scalar(
        select(mapping.id)
        .join(PMSConnection, PMSConnection.id == mapping.pms_connection_id)
        .where(
            mapping.pms_connection_id == connection_id,
            mapping.pms_practitioner_id == practitioner_id,
            mapping.decision == "mapped",
            or_(~mapping.active, mapping.last_seen_at < PMSConnection.reference_read_at),
        )
    )
    return found is not None


def gone_practitioners(session: Session, connection_id: int) -> set[str]:
    """Those a person was asked about because the vendor no longer lists them, and who are not listed again yet."""
    mapping = PMSClinicianMapping
    rows = session.scalars(
        select(mapping.pms_practitioner_id)
        .join(PMSConnection, PMSConnection.id == mapping.pms_connection_id)
        .where(
            mapping.pms_connection_id == connection_id,
            mapping.decision == "mapped",
            mapping.last_seen_at < PMSConnection.reference_read_at,
        )
    ).all()
    subjects = {gone_subject(connection_id, practitioner_id): practitioner_id for practitioner_id in rows}
    asked = session.scalars(
        select(Decision.subject).where(Decision.subject.in_(subjects), Decision.state != "lapsed")
    )
    return {subjects[subject] for subject in asked}


def _is_renamed(session: Session, connection_id: int | None, theirs: dict[str, Any]) -> bool:
    """The column still bears the earlier name of somebody who is called otherwise now."""
    row = session.execute(
        select(PMSClinicianMapping.pms_practitioner_name, RunSheetClinician.name)
        .join(RunSheetClinician, RunSheetClinician.id == PMSClinicianMapping.run_sheet_clinician_id)
        .where(
            PMSClinicianMapping.pms_connection_id == connection_id,
            PMSClinicianMapping.pms_practitioner_id == theirs.get("pms_practitioner_id"),
            PMSClinicianMapping.decision == "mapped",
        )
    ).one_or_none()
    return row is not None and row[0] == theirs.get("name") and row[1] != row[0]


def _is_archived(session: Session, connection_id: int | None, type_id: str | None) -> bool:
    found = session.scalar(
        select(PMSAppointmentType.id).where(
            PMSAppointmentType.pms_connection_id == connection_id,
            PMSAppointmentType.pms_type_id == type_id,
            PMSAppointmentType.sync_enabled,
            ~PMSAppointmentType.active,
        )
    )
    return found is not None


def _is_unclassified(session: Session, connection_id: int | None, type_id: str | None) -> bool:
    row = session.execute(
        select(PMSAppointmentType.is_telehealth, PMSAppointmentType.sync_enabled).where(
            PMSAppointmentType.pms_connection_id == connection_id, PMSAppointmentType.pms_type_id == type_id
        )
    ).one_or_none()
    return row is not None and row.is_telehealth is None and row.sync_enabled


def _is_turned(session: Session, connection_id: int | None, theirs: dict[str, Any]) -> bool:
    """The type still means something else than what was decided about."""
    row = session.scalar(
        select(PMSAppointmentType).where(
            PMSAppointmentType.pms_connection_id == connection_id,
            PMSAppointmentType.pms_type_id == theirs.get("pms_type_id"),
        )
    )
    if row is None or row.is_telehealth is None or not row.sync_enabled:
        return False
    now = meaning_of(row.pms_type_name, has_telehealth_words=row.suggested, flag=row.pms_is_telehealth)
    return has_turned(row.is_telehealth, Meaning(*theirs["before"]), now)


def types_in_doubt(session: Session, connection_id: int) -> set[str]:
    """The types whose changed meaning a person is asked about."""
    rows = session.scalars(
        select(Decision.theirs).where(
            Decision.connection_id == connection_id,
            Decision.kind == "type_changed",
            Decision.state == "open",
        )
    )
    return {theirs["pms_type_id"] for theirs in rows}


def type_subject(connection_id: int, type_id: str) -> str:
    """The subject of a type that has changed its meaning."""
    return f"type-changed:{connection_id}:{type_id}"


def field_subject(card_id: int, field: str) -> str:
    """The subject of a field's conflict."""
    return f"field:{card_id}:{field}"


def patient_subject(card_id: int) -> str:
    """The subject of a card whose appointment now names another patient."""
    return f"patient:{card_id}"


def gone_subject(connection_id: int, practitioner_id: str) -> str:
    """The subject of somebody with a column who was archived or is no longer listed."""
    return f"practitioner-gone:{connection_id}:{practitioner_id}"


def practitioner_subject(connection_id: int, practitioner_id: str) -> str:
    """The subject of a practitioner nobody has decided about."""
    return f"practitioner:{connection_id}:{practitioner_id}"
