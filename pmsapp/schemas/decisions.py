"""Questions only a person can settle."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date as Day  # noqa: N812 - a field is called date
from datetime import datetime
from typing import Any, Literal, Self

from pmsapp.schemas.base import Answer, Asked, field_value, local
from pmsapp.services.editing.decisions import DecisionView
from pmsapp.services.sheet import questions

Kind = Literal[
    "field_conflict",
    "patient_changed",
    "removals_held",
    "merge_suggestion",
    "practitioner_new",
    "practitioner_gone",
    "practitioner_changed",
    "type_new",
    "type_changed",
    "type_gone",
]


class DecidedOut(Answer):
    """The answer somebody gave, who and when."""

    choice: str | None
    by: str | None
    at: datetime


class DecisionOut(Answer):
    """One question: what we have (`ours`) and what the PMS says (`theirs`); `decided` once somebody has answered.
    `code`: the code of the catalogue it stands for."""

    id: int
    kind: Kind
    code: str | None
    date: Day | None
    clinician_id: int | None
    appointment_ids: list[int]
    field: str | None
    ours: Any
    theirs: Any
    since: datetime
    decided: DecidedOut | None

    @classmethod
    def of(cls, view: DecisionView, zone: str) -> Self:
        return cls.model_validate(
            {
                "id": view.id,
                "kind": view.kind,
                "code": questions.CODES.get(view.kind),
                "date": view.date,
                "clinician_id": view.clinician_id,
                "appointment_ids": list(view.appointment_ids),
                "field": view.field,
                "ours": field_value(view.field, view.ours, zone),
                "theirs": field_value(view.field, view.theirs, zone),
                "since": local(view.since, zone),
                "decided": DecidedOut(choice=view.choice, by=view.decided_by, at=local(view.decided_at, zone))
                if view.decided_at is not None
                else None,
            }
        )


class DecisionList(Answer):
    """Open questions, oldest first; there is never a further page."""

    items: list[DecisionOut]
    next: str | None = None

    @classmethod
    def of(cls, views: Sequence[DecisionView], zone: str) -> Self:
        return cls(items=[DecisionOut.of(view, zone) for view in views])


class ChoiceIn(Asked):
    """keep: what we have stands. pms: what the PMS says now.

    same: of a `patient_changed` whose name and birth date are equal, one person under another file: what was done on
    the earlier card goes over to the new one.
    """

    choice: Literal["keep", "pms", "same"]
