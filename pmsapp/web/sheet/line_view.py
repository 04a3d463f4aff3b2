"""One line of the work list, every text ready to print. Pure: it is handed its now and its names."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from pmsapp.domain.appointment import Presence, WorkflowState
from pmsapp.domain.runsheet import Action, Card
from pmsapp.domain.worklist import steps
from pmsapp.domain.worklist.lines import Filter, Line, LinkState
from pmsapp.domain.worklist.patients import family_first, initials
from pmsapp.web.sheet.card_view import (
    Names,
    conflict_mark,
    edited_mark,
    moved_words,
    reason_words,
    rebooked_marks,
    zone_note,
)
from pmsapp.web.sheet.list_contexts import LineView, Press
from pmsapp.web.ui import formatting as fmt
from pmsapp.web.ui import labels
from pmsapp.web.ui.page_contexts import Badge

_STEP_WORDS = {
    WorkflowState.CONTACTED: "Contacted",
    WorkflowState.WAITING: "Waiting",
    WorkflowState.READY: "Ready",
    WorkflowState.WITH_CLINICIAN: "With clinician",
    WorkflowState.DONE: "Done",
    WorkflowState.DID_NOT_ATTEND: "Did not attend",
}
_LINK_NOTES = {
    LinkState.MISSING: "No video link",
    LinkState.DOUBLED: "Video link is on two patients",
    LinkState.IS_HOSTS: "The patient's link is the clinician's",
}
_LATE_LINK = "Time has passed: the link may have expired"


@dataclass(frozen=True, slots=True)
class Setting:
    """What every line of a page shares. `is_all_telehealth`: nobody on it is seen in person."""

    now: datetime
    names: Names
    zone: str
    can_edit: bool
    viewer: str
    is_all_telehealth: bool = True


def build_line(line: Line, around: Setting) -> LineView:
    """One line, ready to print."""
    card = line.card
    name = card.patient_name
    family, given = family_first(name) if name else ("Name unavailable", "")
    stands = card.presence is Presence.ON_SHEET
    can_copy = stands and line.link in (LinkState.OK, LinkState.DOUBLED)
    return LineView(
        id=card.id,
        row_version=card.row_version,
        css=_css(line),
        raw_state=card.state,
        presence=card.presence.value,
        clinician=around.names.clinicians.get(card.clinician_id or 0, "No clinician"),
        time=fmt.hhmm(card.start_at, card.time_zone),
        expected=fmt.hhmm(line.expected_at, card.time_zone) if line.expected_at != card.start_at else None,
        zone_note=zone_note(card, around.zone),
        family=family,
        given=given,
        initials=initials(name) if name else "",
        has_name=bool(name),
        birth=fmt.birth_date(card.patient_dob) if card.patient_dob else "not given",
        age=(fmt.age(card.patient_dob, card.date) or None) if card.patient_dob else None,
        identity=f"{len(card.identity_check.identifiers) if card.identity_check else 0}/{steps.NEEDED}",
        identity_title=_identity_words(card, around),
        phone=fmt.phone(card.patient_phone) if card.patient_phone else None,
        type_name=card.appointment_type,
        telehealth=_telehealth(card, around),
        state=state_badge(line, around.now),
        pms_note=pms_note(card, around.names),
        claim=f"{card.claim.by} is calling" if card.claim else None,
        step=_step(line) if around.can_edit else None,
        second=_second(line) if around.can_edit else None,
        menu=_menu(line, around) if around.can_edit else (),
        host_link=_web_address(card.host_link) if stands else None,
        patient_link=_web_address(card.patient_link) if can_copy else None,
        link_note=_LINK_NOTES.get(line.link)
        or (_LATE_LINK if can_copy and (line.over_min or 0) > 60 else None),
        marks=tuple(marks_of(line, around)),
        reason=reason_words(card, around.now),
    )


def presses_of(line: Line) -> tuple[Press, ...]:
    """The buttons that stand on a line and on a card: the step forward, and that nobody answered."""
    return tuple(press for press in (_second(line), _step(line)) if press)


def state_badge(line: Line, now: datetime) -> Badge:
    """Our one state with its age; for what has left, how."""
    card = line.card
    if card.presence is not Presence.ON_SHEET:
        return labels.presence_badge(card)
    badge = labels.WORKFLOW[WorkflowState(card.state)]
    word, tone = badge.word, badge.tone
    if line.waited_min is not None:
        waits = f"waits {minutes(line.waited_min)}"
        word = (
            f"Ready, {waits}" if card.state == WorkflowState.READY else f"Waiting {minutes(line.waited_min)}"
        )
        tone = line.urgency or badge.tone
    elif card.state == WorkflowState.NO_ANSWER and card.attempts:
        last = (
            "" if line.over_min is not None else f", {fmt.moment(card.attempts[-1].at, now, card.time_zone)}"
        )
        word = f"No answer ×{len(card.attempts)}{last}"
    elif card.state == WorkflowState.WITH_CLINICIAN and line.age_min is not None:
        word = f"With clinician {minutes(line.age_min)}"
    elif card.state in steps.OVER and card.state_since:
        word = f"{word} {fmt.moment(card.state_since, now, card.time_zone)}"
    if line.waited_min is None and line.over_min is not None:
        word, tone = f"{word}, over by {minutes(line.over_min)}", line.urgency or tone
    return Badge(word, badge.icon, tone)


def minutes(number: int) -> str:
    """ "6 min", "1 h 35 min"."""
    return f"{number} min" if number < 90 else fmt.span(number * 60)


def marks_of(line: Line, around: Setting) -> list[Badge]:
    """What is worth knowing before one calls, most important first."""
    card = line.card
    marks: list[Badge] = []
    if card.patient_has_died:
        marks.append(Badge("Recorded as deceased", "warn", "stop"))
    if card.similar_names:
        marks.append(Badge("Similar name", "warn", "warn"))
    if card.also_with:
        marks.append(Badge(f"Also with {fmt.listed(card.also_with)}", "person"))
    if line.link in _LINK_NOTES:
        marks.append(Badge(_LINK_NOTES[line.link], "video", "warn"))
    moved = card.moved_from
    if moved and not (card.was_seen_at and card.was_seen_at >= moved.at):
        marks.append(Badge(moved_words(card, around.names), "moved", "wait"))
    marks += rebooked_marks(card)
    if card.is_new:
        marks.append(Badge("New", "plus", "accent"))
    elif card.changed_since_seen:
        marks.append(Badge("Changed", "dot", "accent"))
    if card.returned_at:
        marks.append(Badge("Returned: time changed in PMS", "undo", "wait"))
    if card.time_odd:
        marks.append(Badge("Check the time", "clock", "warn"))
    if "interpreter" in f"{card.pms_notes or ''} {card.notes or ''}".casefold():
        marks.append(Badge("Interpreter", "callout", "wait"))
    if card.unknown_status:
        marks.append(Badge(f"Status there: {card.unknown_status}", "help"))
    marks += [conflict_mark(edit, card, around.names) for edit in card.edited if edit.conflict]
    edited = edited_mark(card, around.now)
    if edited:
        marks.append(edited)
    if card.source == "manual":
        marks.append(Badge("Manual", "edit"))
    if card.notes:
        marks.append(Badge("Note", "list"))
    return marks


def _css(line: Line) -> str:
    names = []
    if line.card.is_gone:
        names.append("gone")
    if line.sinks:
        names.append("over")
    if line.reasons:
        names.append(line.urgency or "hand")
    if line.card.changed_since_seen or line.card.is_new:
        names.append("news")
    return "".join(f" {name}" for name in names)


def _identity_words(card: Card, around: Setting) -> str:
    check = card.identity_check
    if check is None:
        return "Identity not checked yet"
    which = fmt.listed([labels.IDENTIFIERS.get(name, name) for name in check.identifiers])
    return f"Identity checked by {check.by} {fmt.moment(check.at, around.now, card.time_zone)}: {which}"


def _telehealth(card: Card, around: Setting) -> Badge | None:
    if card.is_telehealth is None:
        return labels.TELEHEALTH[None]
    if card.is_telehealth is False:
        return Badge("In person?", "person", "unsure")
    return None if around.is_all_telehealth else labels.TELEHEALTH[True]


def pms_note(card: Card, names: Names) -> str | None:
    """What the practice software says about the state, only where it disagrees."""
    if card.presence is not Presence.ON_SHEET or not steps.pms_disagrees(card.state, card.appointment_status):
        return None
    word = labels.status_badge(card.appointment_status, card.presence).word.lower()
    return f"{names.source(card)}: {word}"


def _step(line: Line) -> Press | None:
    card = line.card
    if line.next_step is not None:
        word = _STEP_WORDS[line.next_step]
        return Press("advance", f"advance:{card.id}:{card.state}", word)
    if Action.RESTORE in card.actions and Filter.NOT_SHOWN in line.filters:
        return Press("bring-back", f"bring-back:{card.id}", "Bring back")
    if card.waits_to_be_seen:
        return Press("acknowledge", f"acknowledge:{card.id}", "Acknowledge")
    if card.presence is Presence.ON_SHEET and card.state in steps.OVER:
        return Press("bring-back", f"set:{card.id}:{card.state}:booked", "Bring back")
    return None


def _second(line: Line) -> Press | None:
    """Beside the step forward: nobody answered."""
    if Filter.TO_CALL in line.filters:
        return Press("no-answer", f"no-answer:{line.card.id}:{line.card.state}", "No answer")
    return None


def _menu(line: Line, around: Setting) -> tuple[Press, ...]:
    card = line.card
    if card.presence is not Presence.ON_SHEET:
        return ()
    menu = []
    if card.claim is None:
        menu.append(Press("claim", f"claim:{card.id}", "I am calling"))
    elif card.claim.by == around.viewer:
        menu.append(Press("claim", f"release:{card.id}", "I am not calling"))
    if card.state == WorkflowState.CONTACTED:
        menu.append(Press("no-answer", f"no-answer:{card.id}:{card.state}", "No answer"))
    menu += [
        Press("set", f"set:{card.id}:{card.state}:{state.value}", labels.WORKFLOW[state].word)
        for state in WorkflowState
        if state.value != card.state and state not in (line.next_step, WorkflowState.NO_ANSWER)
    ]
    return tuple(menu)


def _web_address(link: str | None) -> str | None:
    """A link only when it is an https address: what a vendor sends never becomes another scheme."""
    return link if link and link.startswith("https://") else None
