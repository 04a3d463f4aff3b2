"""The end of a day."""

from __future__ import annotations

from datetime import date as Day  # noqa: N812 - a field is called date
from datetime import datetime
from typing import Annotated, Self

from pydantic import Field

from pmsapp.schemas.base import Answer, Asked, AskedInAddress, local, local_or_none
from pmsapp.schemas.fields import SEVERAL_LINES, SOME_TEXT, BlankDay
from pmsapp.services.editing.hand_over import MOST_NAME_CHARS, MOST_NOTE_CHARS, HandOverView


class HandOverAsked(AskedInAddress):
    """Which day; today when none is named."""

    date: BlankDay = None


class HandOverIn(Asked):
    """Who closes the day, and what they say to whoever comes next."""

    name: Annotated[str, Field(max_length=MOST_NAME_CHARS, pattern=SOME_TEXT)]
    note: Annotated[str, Field(max_length=MOST_NOTE_CHARS, pattern=SEVERAL_LINES)] | None = None


class ChangeOut(Answer):
    """One change of the day's plan after noon: which card, how, when, by whom (null: the practice software)."""

    appointment_id: int
    kind: str
    fields: list[str]
    at: datetime
    by: str | None


class ClosedOut(Answer):
    """Who closed the day, and when."""

    at: datetime
    by: str
    note: str | None


class HandOverOut(Answer):
    """A day as it is handed over. Lists of patients hold card ids in time order; `closed` is null while it is open."""

    date: Day
    time_zone: str
    not_done: list[int]
    no_answer: list[int]
    did_not_attend: list[int]
    open_decisions: list[int]
    changes_after_noon: list[ChangeOut]
    closed: ClosedOut | None
    reopened_at: datetime | None

    @classmethod
    def of(cls, view: HandOverView, zone: str) -> Self:
        closing = view.closing
        return cls(
            date=view.sheet.date,
            time_zone=zone,
            not_done=[card.id for card in view.left.not_done],
            no_answer=[card.id for card in view.left.no_answer],
            did_not_attend=[card.id for card in view.left.did_not_attend],
            open_decisions=[decision.id for decision in view.decisions],
            changes_after_noon=[
                ChangeOut(
                    appointment_id=event.appointment_id,
                    kind=event.kind,
                    fields=list(event.fields),
                    at=local(event.at, zone),
                    by=event.actor,
                )
                for event in view.changes
            ],
            closed=ClosedOut(at=local(closing.closed_at, zone), by=closing.closed_by or "", note=closing.note)
            if closing.closed_at
            else None,
            reopened_at=local_or_none(closing.reopened_at, zone),
        )
