"""Write what a plan decided: narrow, bulk, in the caller's one write transaction. No network, no decisions.

Sync writes the vendor's columns and the card's place; what staff typed stands in rows of its own and is never
written here. Every statement names its columns.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import bindparam, insert, literal, select, update
from sqlalchemy.orm import Session

from pmsapp.cipher import KeyRing
from pmsapp.domain.appointment import Presence
from pmsapp.domain.merge import Override, OverrideMove, OverrideState, as_stored, staff_value_shows
from pmsapp.domain.reconcile import Change, Incoming, UpdateCard
from pmsapp.domain.window import day_of
from pmsapp.models import RunSheetEvent
from pmsapp.models.upsert import table_of
from pmsapp.services import open_decisions, sheets
from pmsapp.services.failpoints import failpoint
from pmsapp.services.scope_plan import ScopePlan, kept_marker
from pmsapp.services.stored_cards import CARDS, OVERRIDES, as_instant, chunks, sealed_columns

EVENTS = table_of(RunSheetEvent)
_NOT_IN_TIMELINE = {"host_link", "patient_link", "pms_notes", "pms_date", "time_zone", "pms_status_raw"}
_MOVES = (Change.MOVED_DAY, Change.MOVED_TIME, Change.MOVED_CLINICIAN)


@dataclass(frozen=True, slots=True)
class Writer:
    """The fixed facts of one write transaction of a run."""

    session: Session
    ring: KeyRing
    connection_id: int
    run_id: int | None
    now: datetime


def write_plan(writer: Writer, plan: ScopePlan) -> set[date]:
    """Write creates, updates, patient swaps and patients who left a group. Returns the days whose sheet changed."""
    created = write_creates(writer, plan.sorted.creates)
    failpoint("after_creates")
    updated = write_updates(writer, plan.updates)
    failpoint("after_updates")
    swapped = _write_swaps(writer, plan)
    left = set_presence(
        writer,
        [card.id for card in plan.left],
        Presence.DELETED,
        "no longer in this appointment",
        Change.DELETED,
    )
    failpoint("after_presence")
    return created | updated | swapped | left


def write_creates(writer: Writer, creates: Sequence[Incoming]) -> set[date]:
    """New cards, in bulk; their timeline starts with one statement."""
    if not creates:
        return set()
    days = {incoming.values.pms_date for incoming in creates}
    sheet_ids = sheets.ensure(writer.session, days, writer.now)
    rows = [
        {
            **sealed_columns(incoming.values, writer.ring, writer.connection_id, incoming.key),
            "run_sheet_id": sheet_ids[incoming.values.pms_date],
            "pms_connection_id": writer.connection_id,
            "pms_appointment_id": incoming.key[0],
            "pms_patient_id": incoming.key[1],
            "pms_digest": incoming.digest,
            "pms_last_synced_at": writer.now,
            "presence": Presence.ON_SHEET.value,
            "state": "booked",
            "row_version": 1,
            "created_at": writer.now,
            "updated_at": writer.now,
        }
        for incoming in creates
    ]
    writer.session.execute(insert(CARDS), rows)
    for part in chunks({incoming.key[0] for incoming in creates}):
        new_cards = select(
            CARDS.c.id,
            literal(writer.run_id),
            literal(writer.now, CARDS.c.created_at.type),
            literal("pms"),
            literal("created"),
        ).where(
            CARDS.c.pms_connection_id == writer.connection_id,
            CARDS.c.pms_appointment_id.in_(part),
            CARDS.c.created_at == writer.now,
        )
        writer.session.execute(
            insert(EVENTS).from_select(["appointment_id", "run_id", "at", "source", "kind"], new_cards)
        )
    return days


def write_updates(writer: Writer, updates: Sequence[UpdateCard]) -> set[date]:
    """The PMS's side of known cards, in one statement for all, with their timeline and their conflicts."""
    if not updates:
        return set()
    days: set[date] = set()
    shown_days = {one.card.id: _shown_day(one) for one in updates}
    sheet_ids = sheets.ensure(writer.session, shown_days.values(), writer.now)
    rows = []
    for one in updates:
        rows.append(_update_row(writer, one, sheet_ids[shown_days[one.card.id]]))
        if not one.silent:
            days |= {shown_days[one.card.id], one.card.values.pms_date, one.incoming.values.pms_date}
    columns = [name for name in rows[0] if name != "b_id"]
    writer.session.execute(
        update(CARDS)
        .where(CARDS.c.id == bindparam("b_id"))
        .values({**{name: bindparam(name) for name in columns}, "row_version": CARDS.c.row_version + 1}),
        rows,
    )
    _write_events(writer, [_event(one) for one in updates if not one.silent])
    _move_overrides(writer, updates)
    _lapse_answered(writer, updates)
    return days


def _update_row(writer: Writer, one: UpdateCard, sheet_id: int) -> dict[str, Any]:
    incoming = one.incoming
    row = {
        **sealed_columns(incoming.values, writer.ring, writer.connection_id, incoming.key),
        "b_id": one.card.id,
        "run_sheet_id": sheet_id,
        "pms_digest": incoming.digest,
        "pms_last_synced_at": writer.now,
        "presence": one.presence.value,
        "kept_digest": None,
        "updated_at": writer.now,
    }
    return row | _place_columns(writer, one)


def _place_columns(writer: Writer, one: UpdateCard) -> dict[str, Any]:
    """Where the card stands and its marks: as they were, but for what this change says."""
    marks = dict(one.card.marks)
    if one.presence is not one.card.presence:
        marks |= {"acknowledged_at": None, "presence_reason": None, "presence_at": None}
        if one.presence is Presence.CANCELLED:
            marks |= {"presence_reason": _reason(one), "presence_at": one.incoming.cancelled_at or writer.now}
    if one.change in _MOVES:
        before = one.card.values
        marks |= {
            "moved_from_at": before.start_at,
            "moved_from_date": before.pms_date,
            "moved_at": writer.now,
        }
    if one.change is Change.RETURNED:
        marks |= {"returned_at": writer.now, "tombstone_start_at": None}
    return marks


def _reason(one: UpdateCard) -> str:
    return one.incoming.cancellation_reason or "cancelled in the practice software"


def _shown_day(one: UpdateCard) -> date:
    """The day a card is shown on: that of its start as shown, staff's where theirs stands."""
    moved = {move.override.id: move.to for move in one.moves}
    for override in one.card.overrides:
        if override.field == "start_at":
            now = Override(
                override.id,
                "start_at",
                override.value,
                override.base_value,
                moved.get(override.id, override.state),
            )
            if staff_value_shows(now):
                return day_of(as_instant(override.value), one.incoming.values.time_zone)
    return one.incoming.values.pms_date


def _event(one: UpdateCard) -> dict[str, Any]:
    was = {
        name: as_stored(_plain(getattr(one.card.values, name)))
        for name in one.fields
        if name not in _NOT_IN_TIMELINE
    }
    return {
        "appointment_id": one.card.id,
        "kind": one.change.value,
        "data": {"fields": list(one.fields), "was": was},
    }


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) and not isinstance(value, datetime) else value


def _write_events(writer: Writer, events: list[dict[str, Any]]) -> None:
    if events:
        writer.session.execute(
            insert(EVENTS),
            [{"run_id": writer.run_id, "at": writer.now, "source": "pms", **event} for event in events],
        )


def _move_overrides(writer: Writer, updates: Sequence[UpdateCard]) -> None:
    """What staff typed stays as typed; only whether it stands, conflicts or came to agree is written."""
    for one in updates:
        for move in one.moves:
            writer.session.execute(
                update(OVERRIDES).where(OVERRIDES.c.id == move.override.id).values(state=move.to.value)
            )
            subject = field_subject(one.card.id, move.override.field)
            if move.to is OverrideState.CONFLICT:
                _open_conflict(writer, one, move, subject)
            else:
                open_decisions.lapse(writer.session, [subject], writer.now)


def field_subject(card_id: int, field: str) -> str:
    """The subject of a field's conflict."""
    return f"field:{card_id}:{field}"


def patient_subject(card_id: int) -> str:
    """The subject of a card whose appointment now names another patient."""
    return f"patient:{card_id}"


def _open_conflict(writer: Writer, one: UpdateCard, move: OverrideMove, subject: str) -> None:
    open_decisions.open_one(
        writer.session,
        kind="field_conflict",
        subject=subject,
        connection_id=writer.connection_id,
        run_id=writer.run_id,
        day=one.incoming.values.pms_date,
        clinician_id=one.incoming.values.clinician_id,
        appointment_ids=[one.card.id],
        field=move.override.field,
        ours=move.override.value,
        theirs=move.theirs,
        now=writer.now,
    )


def _lapse_answered(writer: Writer, updates: Sequence[UpdateCard]) -> None:
    """A held card whose patient is named again needs no answer any more."""
    back = [one.card.id for one in updates if one.card.presence is Presence.HELD]
    open_decisions.lapse(writer.session, [patient_subject(card_id) for card_id in back], writer.now)


def _write_swaps(writer: Writer, plan: ScopePlan) -> set[date]:
    """Another patient on the same appointment id: the old card is held with its notes, and a person is asked."""
    days: set[date] = set()
    for swap in plan.swaps:
        card = plan.held_cards[swap.old.id]
        days |= set_presence(
            writer, [card.id], Presence.HELD, "another patient is booked there now", Change.HELD
        )
        patients = plan.sorted.appointments[swap.old.appointment_id]
        new_ids = _card_ids(writer, swap.new_keys)
        open_decisions.open_one(
            writer.session,
            kind="patient_changed",
            subject=patient_subject(card.id),
            connection_id=writer.connection_id,
            run_id=writer.run_id,
            day=card.values.pms_date,
            clinician_id=card.values.clinician_id,
            appointment_ids=[card.id, *new_ids],
            field="patient",
            ours=card.values.patient_name,
            theirs=_names(writer, new_ids),
            marker=kept_marker(patients),
            now=writer.now,
        )
    return days


def _card_ids(writer: Writer, keys: Sequence[tuple[str, str]]) -> list[int]:
    return [
        card_id
        for key in keys
        if (
            card_id := writer.session.scalar(
                select(CARDS.c.id).where(
                    CARDS.c.pms_connection_id == writer.connection_id,
                    CARDS.c.pms_appointment_id == key[0],
                    CARDS.c.pms_patient_id == key[1],
                )
            )
        )
    ]


def _names(writer: Writer, card_ids: Sequence[int]) -> str | None:
    names = writer.session.scalars(select(CARDS.c.patient_name).where(CARDS.c.id.in_(card_ids)))
    return ", ".join(name for name in names if name) or None


def set_presence(
    writer: Writer, card_ids: Sequence[int], presence: Presence, reason: str, change: Change
) -> set[date]:
    """Move cards to another place without touching what the PMS said last. Returns the days whose sheet changed."""
    days: set[date] = set()
    for part in chunks(card_ids):
        days |= set(writer.session.scalars(select(CARDS.c.pms_date).where(CARDS.c.id.in_(part))))
        writer.session.execute(
            update(CARDS)
            .where(CARDS.c.id.in_(part))
            .values(
                presence=presence.value,
                presence_reason=reason,
                presence_at=writer.now,
                acknowledged_at=None,
                kept_digest=None,
                row_version=CARDS.c.row_version + 1,
                updated_at=writer.now,
            )
        )
        _write_events(
            writer, [{"appointment_id": card_id, "kind": change.value, "data": None} for card_id in part]
        )
    return days
