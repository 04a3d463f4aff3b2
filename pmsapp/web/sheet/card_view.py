"""One card of the sheet, every text ready to print. Pure: it is handed its now and its names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from pmsapp.domain.appointment import Presence
from pmsapp.domain.runsheet import Card, EditedField
from pmsapp.domain.sync.merge import EDITABLE
from pmsapp.domain.worklist import steps
from pmsapp.domain.worklist.patients import initials
from pmsapp.web.sheet.sheet_contexts import CardView
from pmsapp.web.ui import formatting as fmt
from pmsapp.web.ui import labels
from pmsapp.web.ui.field_text import in_words
from pmsapp.web.ui.page_contexts import Badge

GRACE = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Names:
    """What ids are called: connections ("Gentu") and columns ("Dr Hart")."""

    connections: Mapping[int, str]
    clinicians: Mapping[int, str] = field(default_factory=dict)

    def source(self, card: Card) -> str:
        """The chip that says where a card came from."""
        if card.source == "manual":
            return "Manual"
        return self.connections.get(card.pms_connection_id or 0, "PMS, disconnected")


def build_card(card: Card, *, now: datetime, names: Names, sheet_zone: str) -> CardView:
    """One card, ready to print."""
    presence = card.presence
    name_of_source = names.source(card)
    return CardView(
        id=card.id,
        row_version=card.row_version,
        css=_css(card, now),
        time=fmt.time_range(card.start_at, card.end_at, card.time_zone),
        zone_note=zone_note(card, sheet_zone),
        badge=labels.presence_badge(card)
        if presence is not Presence.ON_SHEET
        else labels.status_badge(card.appointment_status, presence),
        name=card.patient_name,
        initials=initials(card.patient_name) if card.patient_name else "",
        birth=fmt.birth_date(card.patient_dob) if card.patient_dob else None,
        age=(fmt.age(card.patient_dob, card.date) or None) if card.patient_dob else None,
        telehealth=labels.TELEHEALTH[card.is_telehealth],
        type_name=card.appointment_type,
        phone=fmt.phone(card.patient_phone) if card.patient_phone else None,
        reason=reason_words(card, now),
        marks=_marks(card, now, names),
        chips=(name_of_source,),
        notes=card.notes,
        is_gone=card.is_gone,
        raw_state=card.state,
        presence=card.presence.value,
    )


def _css(card: Card, now: datetime) -> str:
    names = []
    if card.is_gone:
        names.append("gone")
    elif card.presence is Presence.HELD or any(edit.conflict for edit in card.edited) or card.time_odd:
        names.append("hand")
    elif card.moved_from or card.returned_at:
        names.append("moved")
    over = (card.end_at or card.start_at + GRACE) <= now
    if over and _is_dealt_with(card):
        names.append("past")
    return "".join(f" {name}" for name in names)


def _is_dealt_with(card: Card) -> bool:
    """Nobody waits for anything: whoever was not contacted or waits is never greyed, however late it is."""
    return card.is_gone or card.state in steps.OVER or steps.settled_as(card.appointment_status) is not None


def zone_note(card: Card, sheet_zone: str) -> str | None:
    """Where the card's own zone differs from the clinic's, its city: "Perth time"."""
    if card.time_zone == sheet_zone:
        return None
    same = (
        card.start_at.astimezone(ZoneInfo(card.time_zone)).utcoffset()
        == card.start_at.astimezone(ZoneInfo(sheet_zone)).utcoffset()
    )
    return None if same else f"{card.time_zone.rsplit('/', 1)[-1].replace('_', ' ')} time"


def reason_words(card: Card, now: datetime) -> str | None:
    """Why and when a card left, or why it is held."""
    if card.presence is Presence.ON_SHEET:
        return None
    if card.is_disconnected:
        return "Its practice software was disconnected; whether the visit stands is not known here"
    when = fmt.moment(card.presence_at, now, card.time_zone) if card.presence_at else ""
    if when and card.source == "pms" and card.presence is not Presence.REMOVED_BY_STAFF:
        when = f"read {when}"
    if card.presence is Presence.CANCELLED and card.cancelled_there_at is not None:
        when = f"cancelled there {fmt.moment(card.cancelled_there_at, now, card.time_zone)}, {when}"
    why = (card.presence_reason or "")[:1].upper() + (card.presence_reason or "")[1:]
    return " · ".join(part for part in (why, when) if part) or None


def _marks(card: Card, now: datetime, names: Names) -> tuple[Badge, ...]:
    marks: list[Badge] = []
    if card.also_with:
        marks.append(Badge(f"Also with {fmt.listed(card.also_with)}", "person"))
    if card.moved_from:
        marks.append(Badge(moved_words(card, names), "moved", "wait"))
    marks += rebooked_marks(card)
    if card.returned_at:
        marks.append(Badge("Returned: time changed in PMS", "undo", "wait"))
    if card.time_odd:
        marks.append(Badge("Check the time", "clock", "warn"))
    if card.patient_has_died:
        marks.append(Badge("Recorded as deceased", "warn", "stop"))
    if card.unknown_status:
        marks.append(Badge(f"Status there: {card.unknown_status}", "help"))
    if card.duration_estimated:
        marks.append(Badge("Length estimated", "clock"))
    marks += [conflict_mark(edit, card, names) for edit in card.edited if edit.conflict]
    edited = edited_mark(card, now)
    return (*marks, edited) if edited else tuple(marks)


def edited_mark(card: Card, now: datetime) -> Badge | None:
    """Which fields staff typed over, who did so last, and when."""
    edits = [edit for edit in card.edited if not edit.conflict]
    if not edits:
        return None
    fields = fmt.listed([labels.FIELDS.get(edit.field, edit.field).lower() for edit in edits])
    last = max(edits, key=lambda edit: edit.at)
    return Badge(f"Edited: {fields} ({last.by}, {fmt.moment(last.at, now, card.time_zone)})", "edit")


def rebooked_marks(card: Card) -> list[Badge]:
    """The other half of a visit that was cancelled and booked anew."""
    marks = []
    if card.rebooked_to:
        at = fmt.moment(card.rebooked_to.start_at, card.start_at, card.time_zone)
        marks.append(Badge(f"Booked anew at {at}", "moved", "wait"))
    if card.rebooked_from:
        at = fmt.moment(card.rebooked_from.start_at, card.start_at, card.time_zone)
        marks.append(Badge(f"Booked anew, was at {at}", "moved", "wait"))
    return marks


def moved_words(card: Card, names: Names) -> str:
    """ "Moved from 10:20", "Moved from Dr Hart", "Moved from 10:20, Dr Hart"."""
    moved = card.moved_from
    if moved is None:
        return ""
    parts = []
    if moved.start_at is not None:
        parts.append(fmt.moment(moved.start_at, card.start_at, card.time_zone))
    if moved.clinician_id is not None:
        parts.append(names.clinicians.get(moved.clinician_id, "another clinician"))
    return f"Moved from {', '.join(parts)}"


def conflict_mark(edit: EditedField, card: Card, names: Names) -> Badge:
    """The side that does not show, so that both are seen: what the PMS says, or what staff typed."""
    label = labels.FIELDS.get(edit.field, edit.field)
    staff_shows = edit.field in EDITABLE and EDITABLE[edit.field].staff_shows_in_conflict
    value = in_words(
        edit.field,
        edit.pms_value if staff_shows else edit.value,
        zone=card.time_zone,
        clinicians=names.clinicians,
        day=card.date,
    )
    who = f"{names.source(card)} says" if staff_shows else f"{edit.by} typed"
    return Badge(f"{label}: {who} {value}", "decide", "warn")
