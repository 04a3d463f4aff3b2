"""The hand-over page, every text ready to print. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from pmsapp.domain.appointment import WorkflowState
from pmsapp.domain.runsheet import Card
from pmsapp.domain.window import day_of
from pmsapp.domain.worklist import steps
from pmsapp.domain.worklist.patients import family_first, initials
from pmsapp.services.editing.hand_over import Closing, HandOverView
from pmsapp.services.sheet.timeline import EventView
from pmsapp.web.paper.contexts import ChangeLine, HandOverPage, LeftLine, LeftSection, OpenQuestion
from pmsapp.web.sheet.card_view import Names
from pmsapp.web.sheet.day_truth import age_words, is_old
from pmsapp.web.ui import formatting as fmt
from pmsapp.web.ui import labels
from pmsapp.web.ui.field_text import in_words

_CHANGES = {
    "created": "New in the practice software",
    "changed": "Changed",
    "moved_day": "Moved to another day",
    "moved_clinician": "Moved to another clinician",
    "moved_time": "Moved to another time",
    "cancelled": "Cancelled",
    "restored": "Booked again",
    "returned": "Returned, because its time changed",
    "deleted": "Deleted",
    "left": "Left this appointment",
    "held": "Held until somebody looks",
    "edited": "Edited",
    "added": "Added by hand",
    "removed": "Removed",
    "brought_back": "Brought back",
}
_QUESTIONS = {
    "field_conflict": "Two values for one field",
    "patient_changed": "An appointment belongs to another patient now",
    "removals_held": "Removals are held",
    "merge_suggestion": "One visit may be on the sheet twice",
    "practitioner_new": "A practitioner is not placed",
    "practitioner_gone": "A practitioner is gone from the practice software",
    "practitioner_changed": "A practitioner has another name",
    "type_new": "A new appointment type",
    "type_changed": "An appointment type changed",
    "type_gone": "An appointment type was archived",
}


@dataclass(frozen=True, slots=True)
class Typed:
    """What stands in the form of the page, and what is wrong with it."""

    name: str
    note: str = ""
    faults: Mapping[str, str] = field(default_factory=dict)


def build_hand_over(
    view: HandOverView,
    *,
    now: datetime,
    names: Names,
    clinic: str,
    made: str,
    can_close: bool,
    shows_questions: bool,
    is_training: bool,
    typed: Typed,
) -> HandOverPage:
    """Everything `paper/hand_over.html` prints."""
    sheet, left, zone = view.sheet, view.left, view.sheet.time_zone
    names = Names(names.connections, {column.id: column.name for column in sheet.columns})
    cards = {card.id: card for card in (*sheet.cards, *(sheet.not_shown_cards or ()), *sheet.acknowledged)}
    as_of = age_words(sheet.freshness, now, zone, never="never read")
    return HandOverPage(
        iso=sheet.date.isoformat(),
        clinic=clinic,
        day=fmt.long_day(sheet.date),
        made=made,
        age=f"Data as of {as_of}" if as_of else "",
        is_old=is_old(sheet.freshness),
        sections=(
            _section("not-done", "Not done", left.not_done, "Everybody else was seen to.", names, now),
            _section("no-answer", "No answer", left.no_answer, "Nobody is still to be reached.", names, now),
            _section("did-not-attend", "Did not attend", left.did_not_attend, "Everybody came.", names, now),
        ),
        questions=tuple(
            OpenQuestion(
                f"/decisions#decision-{decision.id}",
                _QUESTIONS[decision.kind],
                fmt.moment(decision.since, now, zone),
            )
            for decision in view.decisions
        ),
        changes=tuple(_change(event, cards[event.appointment_id], now, names) for event in view.changes),
        closed=_closed(view.closing, now, zone),
        since_closed=_since(view.since_closed),
        reopened=_reopened(view.closing, now, zone),
        note=view.closing.note,
        name=typed.name,
        typed_note=typed.note,
        faults=typed.faults,
        can_close=can_close,
        has_begun=sheet.date <= day_of(now, zone),
        is_training=is_training,
        shows_questions=shows_questions,
    )


def _section(
    key: str, title: str, cards: tuple[Card, ...], empty: str, names: Names, now: datetime
) -> LeftSection:
    return LeftSection(key, title, tuple(_line(card, names, now) for card in cards), empty)


def _line(card: Card, names: Names, now: datetime) -> LeftLine:
    state = labels.WORKFLOW[WorkflowState(card.state)].word
    if steps.pms_disagrees(card.state, card.appointment_status):
        said = labels.status_badge(card.appointment_status, card.presence).word.lower()
        state = f"{state} ({names.source(card)}: {said})"
    if card.state == WorkflowState.NO_ANSWER:
        state = f"{state} ×{len(card.attempts)}" if card.attempts else state
        if card.attempts:
            state = f"{state}, last {fmt.moment(card.attempts[-1].at, now, card.time_zone)}"
    return LeftLine(
        href=f"/cards/{card.id}",
        time=fmt.hhmm(card.start_at, card.time_zone),
        name=_name(card),
        initials=initials(card.patient_name) if card.patient_name else "",
        clinician=names.clinicians.get(card.clinician_id or 0, "No clinician"),
        phone=str(fmt.phone(card.patient_phone)) if card.patient_phone else "no phone",
        state=state,
        note=card.notes or "",
    )


def _name(card: Card) -> str:
    family, given = family_first(card.patient_name or "Name unavailable")
    return f"{family}, {given}" if given else family


def _change(event: EventView, card: Card, now: datetime, names: Names) -> ChangeLine:
    return ChangeLine(
        at=fmt.hhmm(event.at, card.time_zone),
        href=f"/cards/{card.id}",
        patient=f"{fmt.hhmm(card.start_at, card.time_zone)} {_name(card)}",
        initials=initials(card.patient_name) if card.patient_name else "",
        what=_what(event, card, names),
        who=event.actor or (names.source(card) if event.source == "pms" else "pmsapp"),
    )


def _what(event: EventView, card: Card, names: Names) -> str:
    """ "Moved to another time: start time 10:20 → 11:00"."""

    def words(name: str, value: object) -> str:
        return in_words(name, value, zone=card.time_zone, clinicians=names.clinicians, day=card.date)

    told = []
    for name in dict.fromkeys((*event.was, *event.now, *event.fields)):
        label = labels.PMS_FIELDS.get(name, "").lower()
        if not label:
            continue
        both = name in event.was and name in event.now
        change = f" {words(name, event.was[name])} → {words(name, event.now[name])}" if both else ""
        told.append(f"{label}{change}")
    return _CHANGES[event.kind] + (f": {', '.join(told)}" if told else "")


def _closed(closing: Closing, now: datetime, zone: str) -> str | None:
    if closing.closed_at is None:
        return None
    return f"Closed by {closing.closed_by} {fmt.moment(closing.closed_at, now, zone)}"


def _reopened(closing: Closing, now: datetime, zone: str) -> str | None:
    if closing.closed_at is not None or closing.reopened_at is None:
        return None
    return f"Opened again by {closing.reopened_by} {fmt.moment(closing.reopened_at, now, zone)}"


def _since(number: int) -> str | None:
    if not number:
        return None
    return f"{fmt.plural(number, 'change')} came after the day was closed."
