"""What a dry run would change, line by line; made from the same plans a real run writes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pmsapp.domain.sync.reconcile import CardKey, Change, Incoming
from pmsapp.domain.sync.rules import SkipReason
from pmsapp.domain.sync.run_status import ScopeResult
from pmsapp.domain.window import utc_text
from pmsapp.services.scopes.plan import ScopePlan
from pmsapp.services.scopes.vanished import VanishedResult

NOT_SHOWN = "not_shown"


@dataclass(frozen=True, slots=True)
class Line:
    """One card that would change: how, which, and where it would stand.

    `NOT_SHOWN`: one who has no card and gets none, with the `reason`. `is_unsure`: nobody has said whether it is telehealth.
    """

    change: str
    key: CardKey
    card_id: int | None = None
    start_at: str | None = None
    clinician_id: int | None = None
    patient_name: str | None = None
    fields: tuple[str, ...] = ()
    practitioner_id: str | None = None
    type_name: str | None = None
    reason: str | None = None
    is_unsure: bool = False

    def __repr__(self) -> str:
        return f"Line({self.change}, {self.card_id})"


def lines_of(plan: ScopePlan) -> list[Line]:
    """What one scope would change."""
    lines = [_line("created", incoming) for incoming in plan.sorted.creates]
    lines += [_line(NOT_SHOWN, incoming) for incoming in plan.sorted.left_out]
    lines += [
        _line(change.change.value, change.incoming, change.card.id, change.fields)
        for change in plan.updates
        if not change.silent
    ]
    return lines + [Line(Change.HELD.value, swap.old.key, swap.old.id) for swap in plan.swaps]


def lines_of_vanished(result: VanishedResult) -> list[Line]:
    """What the look-ups of vanished cards would change."""
    lines = lines_of(result.found_plan) if result.found_plan else []
    lines += [Line(Change.LEFT.value, card.key, card.id) for card in result.left]
    lines += [Line(Change.DELETED.value, card.key, card.id) for card in result.gone]
    return lines + [Line(Change.HELD.value, card.key, card.id) for card in result.decisions.hold]


def claimed(lines: Sequence[Line]) -> set[CardKey]:
    """Cards another scope of the preview has claimed: they moved, they did not vanish."""
    vanished = (Change.DELETED, Change.LEFT)
    return {line.key for line in lines if line.card_id is not None and line.change not in vanished}


def as_json(
    lines: Sequence[Line], results: Sequence[ScopeResult], config_version: int | None = None
) -> dict[str, Any]:
    """The preview as the run keeps it: what would change, who would not be shown, and how each list was read.

    `config_version`: of the decisions it was made under.
    """
    changes = [line for line in lines if line.change != NOT_SHOWN]
    return {
        "config_version": config_version,
        "scopes": [
            {
                "pms_practitioner_id": result.place[0],
                "name": result.name,
                "date": result.place[1].isoformat(),
                "outcome": result.outcome,
                "counts": dict(result.counts),
                "error_code": result.error_code,
            }
            for result in results
            if result.place is not None
        ],
        "changes": dict(Counter(line.change for line in changes)),
        "cards": [
            {
                "change": line.change,
                "id": line.card_id,
                "pms_appointment_id": line.key[0],
                "pms_patient_id": line.key[1],
                "start_at": line.start_at,
                "clinician_id": line.clinician_id,
                "patient_name": line.patient_name,
                "fields": list(line.fields),
                "pms_practitioner_id": line.practitioner_id,
                "appointment_type": line.type_name,
                "is_unsure": line.is_unsure,
            }
            for line in changes
        ],
        "not_shown": [
            {
                "pms_appointment_id": line.key[0],
                "pms_patient_id": line.key[1],
                "start_at": line.start_at,
                "patient_name": line.patient_name,
                "pms_practitioner_id": line.practitioner_id,
                "appointment_type": line.type_name,
                "reason": line.reason,
            }
            for line in lines
            if line.change == NOT_SHOWN
        ],
    }


def _line(change: str, incoming: Incoming, card_id: int | None = None, fields: tuple[str, ...] = ()) -> Line:
    values = incoming.values
    reason = incoming.verdict.reason
    return Line(
        change,
        incoming.key,
        card_id,
        utc_text(values.start_at),
        values.clinician_id,
        values.patient_name,
        fields,
        practitioner_id=values.pms_practitioner_id,
        type_name=values.appointment_type_name,
        reason=str(reason or SkipReason.CANCELLED_UNSEEN) if change == NOT_SHOWN else None,
        is_unsure=values.is_telehealth is None,
    )
