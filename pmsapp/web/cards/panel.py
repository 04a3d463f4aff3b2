"""Everything the panel of one card prints. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date as Day  # noqa: N812
from datetime import datetime

from pmsapp.domain.appointment import WorkflowState
from pmsapp.domain.runsheet import Action, Card
from pmsapp.domain.worklist.steps import next_step
from pmsapp.services.sheet.timeline import EventView
from pmsapp.web.cards import form as card_form
from pmsapp.web.cards.contexts import CardPanel, NewCardPanel, TimelineLine
from pmsapp.web.sheet.card_view import Names, build_card
from pmsapp.web.ui import formatting as fmt
from pmsapp.web.ui import labels
from pmsapp.web.ui.field_text import in_words
from pmsapp.web.ui.page_contexts import Option

_KINDS = {
    "created": "Appeared",
    "changed": "Changed",
    "moved_day": "Moved to another day",
    "moved_clinician": "Moved to another clinician",
    "moved_time": "Moved to another time",
    "cancelled": "Cancelled",
    "restored": "Booked again",
    "returned": "Returned, because its time changed",
    "filtered": "No longer telehealth",
    "unmapped": "Its clinician is no longer shown",
    "deleted": "Deleted",
    "left": "Left this appointment",
    "held": "Held until somebody looks",
    "edited": "Edited",
    "added": "Added by hand",
    "removed": "Removed",
    "brought_back": "Brought back",
    "acknowledged": "Acknowledged",
    "answered_keep": "Decided: kept ours",
    "answered_pms": "Decided: took the practice software's",
    "answered_same": "Decided: the same person under another file",
    "took_over": "Notes, state and edits taken over from the cancelled visit",
    "answer_taken_back": "Decision taken back",
    "disconnected": "Practice software disconnected",
    "kept": "Kept, practice software disconnected",
    "identity_checked": "Identity checked",
    "step_undone": "Taken back",
    "step": "Step",
}


def build_panel(
    card: Card,
    events: Sequence[EventView],
    *,
    now: datetime,
    sources: Mapping[int, str],
    clinicians: Mapping[int, str],
    can_edit: bool,
    can_recheck: bool,
    typed: Mapping[str, str] | None = None,
    base: Mapping[str, str] | None = None,
    faults: Mapping[str, str] | None = None,
    conflict: str | None = None,
) -> CardPanel:
    """The panel of one card; `typed` is what a refused form held, shown again as it was typed, and `base` what it was
    made with."""
    names = Names(sources, clinicians)
    source, shown = names.source(card), card_form.shown_values(card)
    is_manual = card.source == "manual"
    form = None
    if can_edit and Action.EDIT in card.actions:
        form = card_form.build_form(
            typed or shown,
            clinicians=clinicians,
            faults=faults,
            card=card,
            source=source,
            theirs=shown if conflict else None,
            base=base or shown,
        )
    return CardPanel(
        card=build_card(card, now=now, names=names, can_edit=can_edit, sheet_zone=card.time_zone),
        row_version=card.row_version,
        day=fmt.long_day(card.date),
        back=f"/sheet/{card.date.isoformat()}",
        source=source,
        is_manual=is_manual,
        pms_notes=card.pms_notes,
        host_link=_web_address(card.host_link),
        patient_link=_web_address(card.patient_link),
        email=card.patient_email,
        last_read=fmt.moment(card.pms_last_synced_at, now, card.time_zone)
        if card.pms_last_synced_at
        else None,
        form=form,
        timeline=tuple(_line(event, card, now, source, clinicians) for event in events),
        conflict=conflict,
        can_recheck=can_recheck and Action.RECHECK in card.actions,
        can_remove=can_edit and Action.REMOVE in card.actions,
        can_restore=can_edit and Action.RESTORE in card.actions,
        next_state=_next_state(card) if can_edit else None,
        take_over=_take_over(card) if can_edit else None,
    )


def build_new_panel(
    day: Day,
    typed: Mapping[str, str],
    clinicians: Mapping[int, str],
    *,
    faults: Mapping[str, str] | None = None,
) -> NewCardPanel:
    """The panel for a card by hand."""
    return NewCardPanel(
        iso=day.isoformat(),
        day=fmt.long_day(day),
        back=f"/sheet/{day.isoformat()}",
        form=card_form.build_form(typed, clinicians=clinicians, faults=faults),
    )


def _web_address(link: str | None) -> str | None:
    """A link only when it is an https address: what a vendor sends never becomes another scheme."""
    return link if link and link.startswith("https://") else None


def _next_state(card: Card) -> Option | None:
    if Action.ADVANCE not in card.actions:
        return None
    following = next_step(card.state, card.appointment_status)
    return Option(following.value, labels.WORKFLOW[following].word) if following else None


def _take_over(card: Card) -> str | None:
    if Action.TAKE_OVER not in card.actions or card.rebooked_from is None:
        return None
    return fmt.moment(card.rebooked_from.start_at, card.start_at, card.time_zone)


def _line(
    event: EventView, card: Card, now: datetime, source: str, clinicians: Mapping[int, str]
) -> TimelineLine:
    if event.step is not None:
        return _step_line(event, card, now)
    what = _KINDS.get(event.kind, event.kind.replace("_", " ").capitalize())
    told = [
        _changed(name, event, card, clinicians)
        for name in dict.fromkeys((*event.was, *event.now))
        if name in labels.PMS_FIELDS
    ]
    if event.source == "staff" or not (told or event.now):
        unsaid = [name for name in event.fields if name in labels.PMS_FIELDS and name not in event.was]
        told += [labels.PMS_FIELDS[name].lower() for name in unsaid]
    if event.there_at is not None:
        what += f" there {fmt.moment(event.there_at, now, card.time_zone)}"
    at = fmt.moment(event.at, now, card.time_zone)
    return TimelineLine(
        at=f"read {at}" if event.source == "pms" else at,
        who=event.actor or (source if event.source == "pms" else "pmsapp"),
        what=what + (f": {', '.join(told)}" if told else ""),
    )


def _step_line(event: EventView, card: Card, now: datetime) -> TimelineLine:
    """ "Booked → contacted"."""
    before, after = (labels.WORKFLOW[WorkflowState(state)].word for state in event.step or ())
    again = "Taken back: " if event.kind == "step_undone" else ""
    return TimelineLine(
        at=fmt.moment(event.at, now, card.time_zone),
        who=event.actor or "pmsapp",
        what=f"{again}{before} → {after.lower()}",
        undo=f"undo:{card.id}:{event.id}" if event.can_undo else None,
    )


def _changed(name: str, event: EventView, card: Card, clinicians: Mapping[int, str]) -> str:
    """ "start time 10:20 → 11:00"; of an older line only what was."""
    label = labels.PMS_FIELDS[name].lower()
    was = _value(name, event.was.get(name), card, clinicians)
    if name not in event.now:
        return f"{label} was {was}"
    return f"{label} {was} → {_value(name, event.now[name], card, clinicians)}"


def _value(name: str, value: object, card: Card, clinicians: Mapping[int, str]) -> str:
    return in_words(name, value, zone=card.time_zone, clinicians=clinicians, day=card.date)
