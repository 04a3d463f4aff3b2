"""The end of a day: what is left of it, and closing it with a name. A closed day can be opened again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from pmsapp import clock
from pmsapp.domain.actor import Actor
from pmsapp.domain.runsheet import Sheet
from pmsapp.domain.worklist.hand_over import CHANGES, LeftOver, is_of_the_plan, left_over, noon
from pmsapp.models import HandOver
from pmsapp.services.base import audit
from pmsapp.services.base.errors import Conflict, Invalid
from pmsapp.services.base.transaction import reading, writing
from pmsapp.services.clinic import clinic
from pmsapp.services.editing import decisions
from pmsapp.services.editing.decisions import DecisionView
from pmsapp.services.sheet import days, timeline
from pmsapp.services.sheet.timeline import EventView

MOST_NAME_CHARS = 80
MOST_NOTE_CHARS = 1_000


@dataclass(frozen=True, slots=True)
class Closing:
    """Who closed a day (`closed_at` None: it is open), and who opened it again last."""

    closed_at: datetime | None = None
    closed_by: str | None = None
    note: str | None = None
    reopened_at: datetime | None = None
    reopened_by: str | None = None


@dataclass(frozen=True, slots=True, repr=False)
class HandOverView:
    """A day as it is handed over. `changes`: the day's plan after noon, newest last; `since_closed`: how many of them
    came after it was closed."""

    sheet: Sheet
    left: LeftOver
    decisions: tuple[DecisionView, ...]
    changes: tuple[EventView, ...]
    closing: Closing
    since_closed: int

    @property
    def card_ids(self) -> frozenset[int]:
        """Every card it is about."""
        asked = (card_id for question in self.decisions for card_id in question.appointment_ids)
        return self.sheet.card_ids | frozenset(asked)

    def __repr__(self) -> str:
        return f"HandOverView({self.sheet.date})"


def get(day: date, *, clinician_id: int | None = None) -> HandOverView:
    """What is left of a day; with a clinician only of their column, and without the questions of the desk."""
    sheet = days.get_sheet(day, include_not_shown=True, clinician_id=clinician_id)
    known = sheet.card_ids
    events = [
        event
        for event in timeline.of_day(sorted(known), noon(day, sheet.time_zone), kinds=CHANGES)
        if is_of_the_plan(event.kind, {*event.fields, *event.was, *event.now})
    ]
    closing = closing_of(day)
    closed_at = closing.closed_at
    return HandOverView(
        sheet=sheet,
        left=left_over(sheet),
        decisions=tuple(decisions.list_open(day)) if clinician_id is None else (),
        changes=tuple(events),
        closing=closing,
        since_closed=sum(event.at > closed_at for event in events) if closed_at else 0,
    )


def closing_of(day: date) -> Closing:
    """Whether a day is closed, and by whom."""
    with reading() as session:
        row = _row(session, day)
        if row is None:
            return Closing()
        return Closing(row.closed_at, row.closed_by, row.note, row.reopened_at, row.reopened_by)


def close(day: date, name: str, note: str | None, actor: Actor) -> Closing:
    """Close a day in somebody's name. Raises Invalid, Conflict when it is closed already."""
    name, note = " ".join(name.split()), (note or "").strip() or None
    now = clock.now()
    faults = {}
    if not name or len(name) > MOST_NAME_CHARS:
        faults["name"] = f"Enter your name, at most {MOST_NAME_CHARS} characters."
    if note is not None and len(note) > MOST_NOTE_CHARS:
        faults["note"] = f"Use at most {MOST_NOTE_CHARS} characters."
    with writing() as session:
        if day > clinic.today(session):
            faults["date"] = "This day has not begun."
        if faults:
            raise Invalid(faults)
        row = _row(session, day)
        if row is None:
            row = HandOver(date=day)
            session.add(row)
        elif row.closed_at is not None:
            raise Conflict("DAY-CLOSED", f"This day was closed by {row.closed_by}.")
        row.closed_at, row.closed_by, row.note = now, name, note
        audit.record(session, actor, "day.closed", f"day:{day.isoformat()}")
    return closing_of(day)


def reopen(day: date, actor: Actor) -> Closing:
    """Open a closed day again; one that is open stays so."""
    now = clock.now()
    with writing() as session:
        row = _row(session, day)
        if row is not None and row.closed_at is not None:
            row.closed_at, row.reopened_at, row.reopened_by = None, now, actor.name
            audit.record(session, actor, "day.reopened", f"day:{day.isoformat()}")
    return closing_of(day)


def _row(session: Session, day: date) -> HandOver | None:
    return session.scalar(select(HandOver).where(HandOver.date == day))
