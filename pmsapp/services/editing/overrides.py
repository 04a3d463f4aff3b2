"""What staff do to cards: type over, take back, add, remove, bring back, acknowledge.

The PMS's columns are never touched here (but for a card that has no PMS): what staff type is a row of its own
with what the PMS said at that moment. Each use-case is one write transaction with its audit row.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from pmsapp import clock
from pmsapp.domain.actor import Actor
from pmsapp.domain.appointment import AppointmentStatus, Presence, WorkflowState
from pmsapp.domain.runsheet import DISCONNECTED, Action, Card
from pmsapp.domain.sync.compare import same_meaning
from pmsapp.domain.sync.merge import EDITABLE, OverrideState, as_stored
from pmsapp.domain.window import day_of
from pmsapp.models import RunSheet, RunSheetAppointment, RunSheetOverride
from pmsapp.services.base import audit
from pmsapp.services.base.errors import Conflict, Invalid
from pmsapp.services.base.transaction import writing
from pmsapp.services.clinic import clinic, day_bounds
from pmsapp.services.editing import steps
from pmsapp.services.editing.card_input import check_fields, check_reason
from pmsapp.services.editing.card_rows import (
    card_for_update,
    check_version,
    row_changed,
    show_change,
    shown,
    trace,
)
from pmsapp.services.editing.carry_over import OF_THE_PATIENT, carry_over
from pmsapp.services.sheet import looks, placement, questions, versions
from pmsapp.services.sheet.cards import may_see
from pmsapp.services.sheet.placement import PlacedBy
from pmsapp.services.sheet.questions import field_subject
from pmsapp.services.sheet.stored_cards import IN_FORCE, as_instant

_OUT_OF_COLUMN = (
    "The card would leave your column, and you would not see it any more. Ask reception to move it."
)


def edit_card(
    card_id: int,
    changes: Mapping[str, Any],
    actor: Actor,
    *,
    row_version: int | None = None,
    base: Mapping[str, Any] | None = None,
) -> Card:
    """Type over fields of a card; None drops what was typed. Returns the card as it now shows.

    `row_version` is the version the person was looking at, `base` what its fields showed. A field given as it was is no
    change. When a changed field no longer shows its base, or the card has changed and a changed field has no base,
    nothing is stored and Conflict ROW-CHANGED carries the card as it is. Raises NotFound, Invalid, Conflict.
    """
    now = clock.now()
    base = base or {}
    changes = {
        name: value for name, value in changes.items() if name not in base or not _same(value, base[name])
    }
    with writing() as session:
        card, before = card_for_update(session, card_id, actor)
        _check_base(before, changes, base, row_version)
        values = check_fields(session, changes)
        if Action.EDIT not in before.actions:
            raise Conflict("CARD-REMOVED", "This card was removed; bring it back to change it.")
        if "notes" in values:
            card.notes = values["notes"]
        if "state" in values:
            steps.enter_state(session, card, values["state"], actor, now)
        typed = {name: value for name, value in values.items() if name in EDITABLE}
        if card.pms_appointment_id is None:
            _write_manual(card, typed)
        else:
            for name, value in typed.items():
                _type_over(session, card, name, value, actor, now)
        after = show_change(session, card, before, actor, now)
        if not may_see(actor, after.card):
            raise Invalid({"clinician_id": _OUT_OF_COLUMN})
        if after.changed:
            # A step has a line of its own.
            edits = {name: value for name, value in changes.items() if name != "state"}
            if edits:
                trace(session, card, actor, "edited", now, _told(edits, before, after.card))
            audit.record(session, actor, "card.edit", f"card:{card_id}", {"fields": sorted(changes)})
    return after.card


def add_card(day: date, values: Mapping[str, Any], actor: Actor) -> Card:
    """Add a card by hand. `values` needs start_at and patient_name; clinician_id None is unassigned.

    Raises Invalid.
    """
    now = clock.now()
    with writing() as session:
        zone = clinic.time_zone(session)
        checked = check_fields(session, values)
        missing = {name: "This is needed." for name in ("start_at", "patient_name") if not checked.get(name)}
        if missing:
            raise Invalid(missing)
        start_at = as_instant(checked["start_at"])
        day_bounds.check(day)
        if day_of(start_at, zone) != day:
            raise Invalid({"start_at": "The time is not on that day."})
        card = RunSheetAppointment(
            run_sheet_id=versions.ensure(session, [day], now)[day],
            start_at=start_at,
            time_zone=zone,
            clinician_id=checked.get("clinician_id"),
            appointment_duration_minutes=checked.get("duration_minutes"),
            patient_name=checked["patient_name"],
            patient_phone=checked.get("patient_phone"),
            patient_email=checked.get("patient_email"),
            is_telehealth=checked.get("is_telehealth", True),
            appointment_status=AppointmentStatus.BOOKED.value,
            notes=checked.get("notes"),
            state=checked.get("state") or WorkflowState.BOOKED.value,
            pms_patient_id="",
            presence=Presence.ON_SHEET.value,
            created_at=now,
            updated_at=now,
        )
        session.add(card)
        session.flush()
        versions.bump(session, [day], now)
        trace(session, card, actor, "added", now)
        audit.record(session, actor, "card.add", f"card:{card.id}", {"date": day.isoformat()})
        return shown(session, card.id)


def remove_card(card_id: int, reason: str | None, actor: Actor, *, row_version: int | None = None) -> None:
    """Take a card off the sheet with a reason; no later run shows it again unless its PMS start changes.

    Raises NotFound, Invalid, Conflict.
    """
    text = check_reason(reason)
    now = clock.now()
    with writing() as session:
        card, before = card_for_update(session, card_id, actor)
        check_version(before, row_version)
        if card.presence == Presence.REMOVED_BY_STAFF:
            return
        placement.place(
            session,
            [card_id],
            Presence.REMOVED_BY_STAFF,
            text,
            kind="removed",
            by=PlacedBy.staff(actor),
            now=now,
            also={
                **placement.removal_columns(actor, text, now),
                "tombstone_start_at": card.start_at,
                "returned_at": None,
            },
        )
        looks.write_card_look(session, card_id, actor, now)
        questions.lapse_settled(session, None, now)
        audit.record(session, actor, "card.remove", f"card:{card_id}")  # the reason stays with the card


def restore_card(card_id: int, actor: Actor) -> Card:
    """Bring back a card that staff removed or moved to another day, or that has left and was acknowledged.

    Raises NotFound, and Conflict NOT-REMOVED when there is nothing to bring back.
    """
    now = clock.now()
    with writing() as session:
        card, before = card_for_update(session, card_id, actor)
        if Action.RESTORE not in before.actions:
            raise Conflict(
                "NOT-REMOVED", "This card was neither removed nor moved by staff, nor acknowledged."
            )
        if before.presence is Presence.REMOVED_BY_STAFF:
            _put_back(session, card, actor, now)
        elif before.presence is Presence.ON_SHEET:
            _type_over(session, card, "start_at", None, actor, now)
            after = show_change(session, card, before, actor, now).card
            trace(session, card, actor, "brought_back", now, _told({"start_at": None}, before, after))
        else:
            card.acknowledged_at = card.acknowledged_by = None
            show_change(session, card, None, actor, now)
            trace(session, card, actor, "brought_back", now)
        audit.record(session, actor, "card.restore", f"card:{card_id}")
        return shown(session, card_id)


def _put_back(session: Session, card: RunSheetAppointment, actor: Actor, now: datetime) -> None:
    """Put a removed card where the clinic's decisions say it belongs."""
    verdict = placement.place_of(session, card)
    placement.place(
        session,
        [card.id],
        verdict.presence,
        placement.words_of(verdict),
        kind="brought_back",
        by=PlacedBy.staff(actor),
        now=now,
        # Without its digest the next run compares it with the PMS anew.
        also={**placement.NOT_REMOVED, "tombstone_start_at": None, "pms_digest": None},
    )
    looks.write_card_look(session, card.id, actor, now)


def acknowledge_card(card_id: int, actor: Actor) -> Card:
    """Say that somebody has seen that a card left the sheet or is held. Once is enough. Raises NotFound."""
    now = clock.now()
    with writing() as session:
        card, _ = card_for_update(session, card_id, actor)
        if card.acknowledged_at is None and card.presence != Presence.ON_SHEET:
            card.acknowledged_at, card.acknowledged_by = now, actor.name
            show_change(session, card, None, actor, now)
            trace(session, card, actor, "acknowledged", now)
            audit.record(session, actor, "card.acknowledge", f"card:{card_id}")
        return shown(session, card_id)


def take_over(card_id: int, actor: Actor) -> Card:
    """Take the notes, the state and the patient's edits of the cancelled card this visit was booked anew from. Once.

    Raises NotFound, and Conflict NOTHING-TO-TAKE-OVER.
    """
    now = clock.now()
    with writing() as session:
        card, before = card_for_update(session, card_id, actor)
        source = session.get(RunSheetAppointment, card.rebooked_from_id) if card.rebooked_from_id else None
        if source is None or Action.TAKE_OVER not in before.actions:
            raise Conflict("NOTHING-TO-TAKE-OVER", "There is nothing to take over to this card.")
        carry_over(session, source, card, now, fields=OF_THE_PATIENT, checks=False)
        card.taken_over_at = now
        after = show_change(session, card, before, actor, now)
        told = _told(dict.fromkeys(OF_THE_PATIENT), before, after.card)
        trace(session, card, actor, "took_over", now, told)
        audit.record(session, actor, "card.take_over", f"card:{card_id}")
    return after.card


def acknowledge_disconnected(day: date, actor: Actor, *, undo: bool = False) -> int:
    """Acknowledge every card of a day that was struck because its practice software was taken away, or (`undo`) take
    that back. Returns how many."""
    now = clock.now()
    seen = RunSheetAppointment.acknowledged_at
    with writing() as session:
        rows = session.scalars(
            select(RunSheetAppointment)
            .join(RunSheet, RunSheet.id == RunSheetAppointment.run_sheet_id)
            .where(
                RunSheet.date == day,
                RunSheetAppointment.presence == Presence.CANCELLED.value,
                RunSheetAppointment.presence_reason == DISCONNECTED,
                seen.is_not(None) if undo else seen.is_(None),
            )
            .with_for_update(of=RunSheetAppointment)
        ).all()
        for card in rows:
            card.acknowledged_at, card.acknowledged_by = (None, None) if undo else (now, actor.name)
            show_change(session, card, None, actor, now)
            trace(session, card, actor, "brought_back" if undo else "acknowledged", now)
        if rows:
            action = "card.restore" if undo else "card.acknowledge"
            audit.record(session, actor, action, f"day:{day.isoformat()}", {"count": len(rows)})
    return len(rows)


# Long, and on the card itself.
_NOT_IN_TIMELINE = frozenset({"notes"})


def _told(changes: Mapping[str, Any], before: Card, after: Card) -> dict[str, Any]:
    """What the timeline keeps of an edit: the fields, and what each showed before and shows now."""
    told = sorted(name for name in changes if name not in _NOT_IN_TIMELINE)
    was = {name: as_stored(getattr(before, name)) for name in told}
    now = {name: as_stored(getattr(after, name)) for name in told}
    differ = [name for name in told if was[name] != now[name]]
    return {
        "fields": sorted(changes),
        "was": {name: was[name] for name in differ},
        "now": {name: now[name] for name in differ},
    }


def _check_base(
    card: Card, changes: Mapping[str, Any], base: Mapping[str, Any], row_version: int | None
) -> None:
    is_outdated = row_version is not None and card.row_version != row_version
    for name in changes or (() if base else ("",)):
        moved_on = name in base and not _same(getattr(card, name), base[name])
        if moved_on or (is_outdated and name not in base):
            raise row_changed(card)


def _same(first: Any, other: Any) -> bool:
    """Equal, where an empty text is none."""
    return (first or None if isinstance(first, str) else first) == (
        other or None if isinstance(other, str) else other
    )


def _write_manual(card: RunSheetAppointment, typed: Mapping[str, Any]) -> None:
    """A card without a PMS has only one side: what staff type is the card."""
    missing = {
        name: "This is needed." for name in ("patient_name", "start_at") if name in typed and not typed[name]
    }
    if missing:
        raise Invalid(missing)
    for name, value in typed.items():
        setattr(card, EDITABLE[name].column, as_instant(value) if name == "start_at" else value)


def _type_over(
    session: Session, card: RunSheetAppointment, name: str, value: Any, actor: Actor, now: datetime
) -> None:
    """One field of a PMS card: what was typed before goes, what is typed now stands, with the PMS's word beside it."""
    pms_value = as_stored(getattr(card, EDITABLE[name].column))
    standing = session.scalar(
        select(RunSheetOverride).where(
            RunSheetOverride.appointment_id == card.id,
            RunSheetOverride.field == name,
            RunSheetOverride.state.in_(IN_FORCE),
        )
    )
    if standing is not None:
        if standing.value == value and standing.state == OverrideState.ACTIVE:
            return
        standing.state = OverrideState.DROPPED.value
        standing.decided_by, standing.decided_at = actor.name, now
        questions.lapse(session, [field_subject(card.id, name)], now)
        session.flush()
    if value is not None and not same_meaning(name, value, pms_value):
        session.add(
            RunSheetOverride(
                appointment_id=card.id,
                field=name,
                value=value,
                base_value=pms_value,
                by=actor.name,
                at=now,
                state=OverrideState.ACTIVE.value,
            )
        )
    session.flush()
