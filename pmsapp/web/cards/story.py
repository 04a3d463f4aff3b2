"""A card's timeline in words: who did what, from what to what, and what others did since the panel was opened. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from pmsapp.domain.appointment import WorkflowState
from pmsapp.domain.runsheet import Card
from pmsapp.domain.sync.merge import EDITABLE
from pmsapp.services.sheet.timeline import EventView
from pmsapp.web.cards.contexts import FieldClash, PanelNews, TimelineLine
from pmsapp.web.ui import formatting as fmt
from pmsapp.web.ui import labels
from pmsapp.web.ui.field_text import in_words

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
    "matching_undone": "Back where it stood: a change of columns or types was undone",
    "disconnected": "Practice software disconnected",
    "kept": "Kept, practice software disconnected",
    "identity_checked": "Identity checked",
    "run_undone": "Put back as it was before an update",
    "step_undone": "Taken back",
    "step": "Step",
}
_ATTEMPTS = {
    "no_answer": "no answer",
    "busy": "busy",
    "left_message": "left a message",
    "wrong_number": "wrong number",
    "reached": "reached",
}


@dataclass(frozen=True, slots=True)
class Teller:
    """What the words of a card's timeline need: the card, the reader's now, and what ids are called."""

    card: Card
    now: datetime
    source: str
    clinicians: Mapping[int, str]

    def line(self, event: EventView) -> TimelineLine:
        """One line of the story."""
        return TimelineLine(
            at=self.at(event),
            who=self.who(event),
            what=self.what(event),
            undo=f"undo:{self.card.id}:{event.id}" if event.can_undo else None,
            was_read=event.source == "pms",
        )

    def who(self, event: EventView) -> str:
        """Who did it: a person, the practice software, or this program by itself."""
        return event.actor or (self.source if event.source == "pms" else "pmsapp")

    def at(self, event: EventView) -> str:
        """When it was stored here: of the practice software's changes only the reading is known."""
        return fmt.moment(event.at, self.now, self.card.time_zone)

    def what(self, event: EventView) -> str:
        """ "Booked → contacted", "Edited: phone 0491 570 156 → 0491 570 157"."""
        if event.step is not None:
            return self._step(event)
        what = _KINDS.get(event.kind, event.kind.replace("_", " ").capitalize())
        told = [
            self._changed(name, event)
            for name in dict.fromkeys((*event.was, *event.now))
            if name in labels.PMS_FIELDS
        ]
        if event.source == "staff" or not (told or event.now):
            unsaid = [name for name in event.fields if name in labels.PMS_FIELDS and name not in event.was]
            told += [labels.PMS_FIELDS[name].lower() for name in unsaid]
        told += [labels.IDENTIFIERS.get(name, name) for name in event.identifiers]
        there = ""
        if event.changed_at is not None:
            there = f" there {fmt.moment(event.changed_at, self.now, self.card.time_zone)}"
        return what + there + (f": {', '.join(told)}" if told else "")

    def _step(self, event: EventView) -> str:
        before, after = (labels.WORKFLOW[WorkflowState(state)].word for state in event.step or ())
        again = "Taken back: " if event.kind == "step_undone" else ""
        if event.attempt is not None:
            outcome = _ATTEMPTS.get(event.attempt, "tried")
            moved = f" ({before.lower()} → {after.lower()})" if before != after else ""
            return f"Called, {outcome}{moved}"
        return f"{again}{before} → {after.lower()}"

    def _changed(self, name: str, event: EventView) -> str:
        """ "start time 10:20 → 11:00"; of an older line only what was."""
        label = labels.PMS_FIELDS[name].lower()
        was = self.value(name, event.was.get(name))
        if name not in event.now:
            return f"{label} was {was}"
        return f"{label} {was} → {self.value(name, event.now[name])}"

    def value(self, name: str, value: object) -> str:
        """A field's value in words."""
        return in_words(name, value, zone=self.card.time_zone, clinicians=self.clinicians, day=self.card.date)


def news_of(events: Sequence[EventView], since: int, viewer: str, teller: Teller) -> PanelNews:
    """What others did to the card after the timeline line `since`, newest last to be told. `events`: newest first."""
    others = [event for event in events if event.id > since and event.actor != viewer]
    told = max((event.id for event in others), default=since)
    words = None
    if others:
        last = others[0]
        read = "read " if last.source == "pms" else ""
        more = f" and {fmt.plural(len(others) - 1, 'change')} more" if len(others) > 1 else ""
        words = f"{teller.who(last)}, {read}{teller.at(last)}: {teller.what(last)}{more}."
    return PanelNews(teller.card.id, since, told, words)


def clash_of(
    name: str, label: str, mine: str, theirs: str, events: Iterable[EventView], teller: Teller
) -> FieldClash:
    """Who changed a field last, when, and both values. `events`: newest first, those after the form was made."""
    field = {"start_date": "start_at", "start_time": "start_at"}.get(name, name)
    names = {field, EDITABLE[field].column if field in EDITABLE else field}
    by = next((event for event in events if names & _fields_of(event)), None)
    return FieldClash(
        name=name,
        label=label,
        who=teller.who(by) if by else "Somebody",
        at=teller.at(by) if by else "",
        theirs=theirs or "nothing",
        mine=mine or "nothing",
    )


def _fields_of(event: EventView) -> set[str]:
    return {*event.fields, *event.was, *event.now, *(("state",) if event.step else ())}
