"""Write what a plan decided: narrow, bulk, in the caller's one write transaction. No network, no decisions.

Sync writes the vendor's columns and the card's place; what staff typed stands in rows of its own and is never
written here. Every statement names its columns.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import insert, literal, select, update
from sqlalchemy.orm import Session

from pmsapp.crypto.cipher import KeyRing
from pmsapp.domain.appointment import Presence, WorkflowState
from pmsapp.domain.sync.compare import same_meaning
from pmsapp.domain.sync.merge import (
    Override,
    OverrideMove,
    OverrideState,
    as_stored,
    staff_value_shows,
)
from pmsapp.domain.sync.reconcile import Change, Incoming, UpdateCard
from pmsapp.domain.window import day_of, utc_text
from pmsapp.models import RunSheetAppointment
from pmsapp.models.bulk import among, insert_missing, update_by_id
from pmsapp.services.base.failpoints import failpoint
from pmsapp.services.scopes import rebooked
from pmsapp.services.scopes.plan import ScopePlan
from pmsapp.services.sheet import before_runs, placement, questions, timeline, versions
from pmsapp.services.sheet.placement import PlacedBy
from pmsapp.services.sheet.questions import field_subject, patient_subject
from pmsapp.services.sheet.stored_cards import (
    CARDS,
    OVERRIDES,
    as_instant,
    card_ids,
    sealed_columns,
)
from pmsapp.services.sheet.timeline import EVENTS

_NOT_IN_TIMELINE = {
    "host_link",
    "patient_link",
    "patient_has_died",
    "pms_notes",
    "pms_date",
    "time_zone",
    "pms_status_raw",
    "also_practitioner_ids",
}
CARD_KEY = ("pms_connection_id", "pms_appointment_id", "pms_patient_id")
_OFF_SHEET = (Presence.FILTERED, Presence.UNMAPPED)


@dataclass(frozen=True, slots=True)
class Writer:
    """The fixed facts of one write transaction of a run."""

    session: Session
    ring: KeyRing
    connection_id: int
    run_id: int | None
    now: datetime


def write_plan(writer: Writer, plan: ScopePlan) -> set[date]:
    """Write creates, updates and patient swaps. Returns the days whose sheet changed."""
    created = _write_creates(writer, plan.sorted.creates)
    failpoint("after_creates")
    updated = _write_updates(writer, plan.updates)
    failpoint("after_updates")
    swapped = _write_swaps(writer, plan)
    _note_markers(writer, plan)
    failpoint("after_swaps")
    linked = link_rebooked(writer, _of_whom(plan))
    if any(change.card.presence is Presence.HELD for change in plan.updates):
        questions.lapse_settled(writer.session, writer.connection_id, writer.now)
    return created | updated | swapped | linked


def link_rebooked(writer: Writer, whose: Collection[tuple[str, date]]) -> set[date]:
    """Link what was booked anew among the cards of these (patient, day). Returns the days whose sheet changed."""
    pairs = rebooked.find(writer.session, writer.connection_id, whose)
    with before_runs.keeping(
        writer.session, writer.run_id, [card_id for pair in pairs for card_id in pair], writer.now
    ):
        return rebooked.link(writer.session, pairs, writer.now)


def _of_whom(plan: ScopePlan) -> set[tuple[str, date]]:
    """Whose cards came or left, and on which day: they may have been booked anew."""
    came = [(incoming.key[1], incoming.values.pms_date) for incoming in plan.sorted.creates]
    gone = [
        (change.incoming.key[1], change.incoming.values.pms_date)
        for change in plan.updates
        if change.presence is Presence.CANCELLED and change.card.presence is not Presence.CANCELLED
    ]
    return {*came, *gone}


def _write_creates(writer: Writer, creates: Sequence[Incoming]) -> set[date]:
    """New cards, in bulk, and the first line of their timelines.

    Where somebody else has just made one of them, theirs stays and the next run compares it.
    """
    if not creates:
        return set()
    days = {incoming.values.pms_date for incoming in creates}
    sheet_ids = versions.ensure(writer.session, days, writer.now)
    columns = sealed_columns(creates, writer.ring, writer.connection_id) | {
        "run_sheet_id": [sheet_ids[incoming.values.pms_date] for incoming in creates],
        "pms_appointment_id": [incoming.key[0] for incoming in creates],
        "pms_patient_id": [incoming.key[1] for incoming in creates],
    }
    same = {
        "pms_connection_id": writer.connection_id,
        "pms_last_synced_at": writer.now,
        "presence": Presence.ON_SHEET.value,
        "state": WorkflowState.BOOKED.value,
        "row_version": 1,
        "created_at": writer.now,
        "updated_at": writer.now,
    }
    insert_missing(writer.session, RunSheetAppointment, columns, same=same, keys=CARD_KEY)
    _begin_timelines(writer, columns["pms_appointment_id"])
    return days


def _begin_timelines(writer: Writer, appointment_ids: Sequence[str]) -> None:
    made = select(
        CARDS.c.id,
        literal(writer.run_id),
        literal(writer.now, CARDS.c.created_at.type),
        literal("pms"),
        literal("created"),
    ).where(
        CARDS.c.pms_connection_id == writer.connection_id,
        among(writer.session, CARDS.c.pms_appointment_id, appointment_ids),
        CARDS.c.created_at == writer.now,
        ~select(EVENTS.c.id).where(EVENTS.c.appointment_id == CARDS.c.id).exists(),
    )
    names = ["appointment_id", "run_id", "at", "source", "kind"]
    writer.session.execute(insert(EVENTS).from_select(names, made))
    before_runs.keep_created(writer.session, writer.run_id, writer.now)


def _write_updates(writer: Writer, updates: Sequence[UpdateCard]) -> set[date]:
    """The PMS's side of known cards, in one statement for all, with their timeline and their conflicts."""
    if not updates:
        return set()
    shown_days = {change.card.id: _shown_day(change) for change in updates}
    sheet_ids = versions.ensure(writer.session, shown_days.values(), writer.now)
    days = {*shown_days.values(), *(change.card.shown_on for change in updates)}
    marks = [_marks(writer, change, shown_days[change.card.id]) for change in updates]
    for change, marked in zip(updates, marks, strict=True):
        moved_from = (change.card.marks["moved_from_date"], marked["moved_from_date"])
        days |= {day for day in moved_from if isinstance(day, date)}
    columns = sealed_columns([change.incoming for change in updates], writer.ring, writer.connection_id) | {
        "id": [change.card.id for change in updates],
        "presence": [change.presence.value for change in updates],
        "run_sheet_id": [sheet_ids[shown_days[change.card.id]] for change in updates],
        **{name: [marked[name] for marked in marks] for name in marks[0]},
    }
    same = {"pms_last_synced_at": writer.now, "kept_digest": None, "updated_at": writer.now}
    with before_runs.keeping(writer.session, writer.run_id, columns["id"], writer.now):
        update_by_id(writer.session, RunSheetAppointment, columns, same=same, grows="row_version")
        lines = [_event(change) for change in updates if not change.silent]
        timeline.record(writer.session, lines, "pms", writer.now, run_id=writer.run_id)
        _move_overrides(writer, updates)
    return days


def _marks(writer: Writer, change: UpdateCard, shown_on: date) -> dict[str, Any]:
    """The card's marks: as they were, but for what this change says."""
    marks = dict(change.card.marks) | _presence_marks(writer, change)
    if change.has_moved:
        marks |= {"moved_at": writer.now, **_came_from(change)}
        if change.card.shown_on != shown_on:
            marks["moved_from_date"] = change.card.shown_on
    if change.change is Change.RETURNED:
        marks |= {"returned_at": writer.now, "tombstone_start_at": None}
    return marks


def _came_from(change: UpdateCard) -> dict[str, Any]:
    """The other start and the other column it came from, each only where the PMS changed it."""
    came: dict[str, Any] = {}
    if "start_at" in change.fields:
        came["moved_from_at"] = change.card.values.start_at
    if "pms_practitioner_id" in change.fields and "clinician_id" in change.fields:
        came["moved_from_clinician_id"] = change.card.values.clinician_id
    return came


def _presence_marks(writer: Writer, change: UpdateCard) -> dict[str, Any]:
    """Why and since when a card stands elsewhere now. Whoever had seen that it left need not see it again."""
    if change.presence is change.card.presence:
        return {}
    reason = placement.words_of(change.incoming.verdict)
    if change.presence is Presence.CANCELLED:
        reason = change.incoming.cancellation_reason or "cancelled in the practice software"
    columns = placement.reason_columns(reason, writer.now)
    is_cancelled = change.presence is Presence.CANCELLED
    columns["pms_cancelled_at"] = change.incoming.cancelled_at if is_cancelled else None
    if change.leaves or change.presence not in _OFF_SHEET:
        columns["acknowledged_at"] = None
    return columns


def _shown_day(change: UpdateCard) -> date:
    """The day a card is shown on: that of its start as shown, staff's where theirs stands."""
    moved = {move.override.id: move.to for move in change.moves}
    for override in change.card.overrides:
        if override.field == "start_at":
            now = Override(
                override.id,
                "start_at",
                override.value,
                override.base_value,
                moved.get(override.id, override.state),
            )
            if staff_value_shows(now):
                return day_of(as_instant(override.value), change.incoming.values.time_zone)
    return change.incoming.values.pms_date


def _event(change: UpdateCard) -> dict[str, Any]:
    """What changed, with each value before and now; another spelling of the same is not worth a line."""
    told = [name for name in change.fields if name not in _NOT_IN_TIMELINE]
    was = {name: as_stored(_plain(getattr(change.card.values, name))) for name in told}
    now = {name: as_stored(_plain(getattr(change.incoming.values, name))) for name in told}
    same = {name for name in told if same_meaning(name, was[name], now[name])}
    data: dict[str, Any] = {
        "fields": list(change.fields),
        "was": {name: value for name, value in was.items() if name not in same},
        "now": {name: value for name, value in now.items() if name not in same},
    }
    if change.change is Change.CANCELLED and change.incoming.cancelled_at is not None:
        data["changed_at"] = utc_text(change.incoming.cancelled_at)
    return {"appointment_id": change.card.id, "kind": change.change.value, "data": data}


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) and not isinstance(value, datetime) else value


def _move_overrides(writer: Writer, updates: Sequence[UpdateCard]) -> None:
    """What staff typed stays as typed; only whether it stands, conflicts or came to agree is written.

    A conflict on a card nobody sees is asked about when the card is back.
    """
    for change in updates:
        in_view = change.presence in (Presence.ON_SHEET, Presence.CANCELLED)
        for move in change.moves:
            writer.session.execute(
                update(OVERRIDES).where(OVERRIDES.c.id == move.override.id).values(state=move.to.value)
            )
            subject = field_subject(change.card.id, move.override.field)
            if move.to is not OverrideState.CONFLICT:
                questions.lapse(writer.session, [subject], writer.now)
            elif in_view:
                _open_conflict(writer, change, move, subject)


def _open_conflict(writer: Writer, change: UpdateCard, move: OverrideMove, subject: str) -> None:
    questions.open_question(
        writer.session,
        kind="field_conflict",
        subject=subject,
        connection_id=writer.connection_id,
        run_id=writer.run_id,
        day=_shown_day(change),
        clinician_id=change.incoming.values.clinician_id,
        appointment_ids=[change.card.id],
        field=move.override.field,
        ours=move.override.value,
        theirs=move.theirs,
        now=writer.now,
    )


def _write_swaps(writer: Writer, plan: ScopePlan) -> set[date]:
    """Another patient on the same appointment id: the old card is held with its notes, and a person is asked."""
    days: set[date] = set()
    for swap in plan.swaps:
        card = plan.swapped_cards[swap.old.id]
        reason = "another patient is booked there now"
        days |= take_off(writer, [card.id], Presence.HELD, reason, Change.HELD)
        new_ids = card_ids(writer.session, writer.connection_id, swap.new_keys)
        questions.open_question(
            writer.session,
            kind="patient_changed",
            subject=patient_subject(card.id),
            connection_id=writer.connection_id,
            run_id=writer.run_id,
            day=card.shown_on,
            clinician_id=card.values.clinician_id,
            appointment_ids=[card.id, *new_ids],
            field="patient",
            ours=card.values.patient_name,
            theirs=_names(writer, new_ids),
            marker=swap.marker,
            now=writer.now,
        )
    return days


def _note_markers(writer: Writer, plan: ScopePlan) -> None:
    """An answer given later is about what the PMS says now."""
    for card, marker in plan.waiting:
        questions.note_marker(writer.session, patient_subject(card.id), marker)


def _names(writer: Writer, ids: Sequence[int]) -> str | None:
    names = writer.session.scalars(select(CARDS.c.patient_name).where(CARDS.c.id.in_(ids)))
    return ", ".join(name for name in names if name) or None


def take_off(
    writer: Writer, ids: Sequence[int], presence: Presence, reason: str, change: Change
) -> set[date]:
    """Take cards off that still stand on the sheet, without touching what the PMS said last.

    Returns the days whose sheet changed; the caller lets their versions grow.
    """
    with before_runs.keeping(writer.session, writer.run_id, ids, writer.now):
        return placement.place(
            writer.session,
            ids,
            presence,
            reason,
            kind=change.value,
            by=PlacedBy("pms", run_id=writer.run_id),
            now=writer.now,
            only=(Presence.ON_SHEET,),
            also={"kept_digest": None},
            bump=False,
        )
