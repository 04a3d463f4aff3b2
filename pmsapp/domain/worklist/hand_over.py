"""What is left at the end of a day, for whoever takes over. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from pmsapp.domain.appointment import Presence, WorkflowState
from pmsapp.domain.runsheet import Card, Sheet, in_time_order
from pmsapp.domain.worklist import steps

# Lines of a card's story that say where the day's plan changed; steps, calls and checks are the day's ordinary work.
CHANGES = frozenset(
    {
        "created",
        "changed",
        "moved_day",
        "moved_clinician",
        "moved_time",
        "cancelled",
        "restored",
        "returned",
        "deleted",
        "left",
        "held",
        "edited",
        "added",
        "removed",
        "brought_back",
    }
)


_COURSE_OF_A_VISIT = frozenset({"status", "appointment_status"})


def is_of_the_plan(kind: str, fields: Collection[str]) -> bool:
    """False where only the course of a visit went on (arrived, in progress, completed)."""
    return kind in CHANGES and not (kind == "changed" and fields and _COURSE_OF_A_VISIT.issuperset(fields))


@dataclass(frozen=True, slots=True, repr=False)
class LeftOver:
    """Patients by what is left to do about them, each list in time order."""

    not_done: tuple[Card, ...]
    did_not_attend: tuple[Card, ...]
    no_answer: tuple[Card, ...]

    def __repr__(self) -> str:
        return f"LeftOver({len(self.not_done)}, {len(self.did_not_attend)}, {len(self.no_answer)})"


def left_over(sheet: Sheet) -> LeftOver:
    """Sort who stands on the sheet; who has left it is among the changes."""
    not_done, did_not_attend, no_answer = [], [], []
    for card in sheet.cards:
        if card.presence not in (Presence.ON_SHEET, Presence.HELD):
            continue
        settled = steps.settled_as(card.appointment_status)
        if card.state == WorkflowState.DID_NOT_ATTEND or (
            settled is WorkflowState.DID_NOT_ATTEND and card.state != WorkflowState.DONE
        ):
            did_not_attend.append(card)
        elif card.state == WorkflowState.DONE or settled is WorkflowState.DONE:
            continue
        elif card.state == WorkflowState.NO_ANSWER:
            no_answer.append(card)
        else:
            not_done.append(card)
    return LeftOver(_ordered(not_done), _ordered(did_not_attend), _ordered(no_answer))


def _ordered(cards: Iterable[Card]) -> tuple[Card, ...]:
    return tuple(in_time_order(cards))


def noon(day: date, zone: str) -> datetime:
    """Twelve o'clock of a clinic-local day."""
    return datetime.combine(day, time(12), ZoneInfo(zone))
