"""What it means that a complete scope no longer lists a card, and the brake on many at once. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from pmsapp.domain.appointment import AppointmentStatus, UnifiedAppointment
from pmsapp.domain.sync.reconcile import StoredKey
from pmsapp.domain.window import day_of

BRAKE_FLOOR = 3
BRAKE_SHARE_PERCENT = 30


class LookupOutcome(StrEnum):
    """What a look-up by id found about a card that vanished from its scope."""

    GONE = "gone"
    ELSEWHERE = "elsewhere"
    STILL_HERE = "still_here"
    OTHER_PATIENT = "other_patient"
    UNKNOWN = "unknown"


GONE = (LookupOutcome.GONE, LookupOutcome.OTHER_PATIENT)


@dataclass(slots=True)
class VanishedPlan:
    """`delete` and `hold` name stored cards; `found` were read by id and are applied like any pair.

    `unknown`: nothing certain was learnt, so they stay. `distrust`: the vendor lists fewer than it holds, so the
    scope was not complete after all.
    """

    delete: list[StoredKey] = field(default_factory=list)
    hold: list[StoredKey] = field(default_factory=list)
    found: list[StoredKey] = field(default_factory=list)
    unknown: list[StoredKey] = field(default_factory=list)
    distrust: bool = False

    @property
    def is_doubtful(self) -> bool:
        """True when the scope cannot count as completely read."""
        return self.distrust or bool(self.unknown)


def brake_limit(on_sheet: int) -> int:
    """How many deletions of one clinician-day pass without asking: max(3, 30 %)."""
    return max(BRAKE_FLOOR, on_sheet * BRAKE_SHARE_PERCENT // 100)


def brake_holds(fates: Mapping[int, LookupOutcome], on_sheet: int, *, closed_day: bool = False) -> bool:
    """True when enough is known to be gone that nothing may be deleted unasked. Never on a closed day."""
    gone = sum(1 for fate in fates.values() if fate in GONE)
    return not closed_day and gone > brake_limit(on_sheet)


def lookup_outcome(card: StoredKey, pairs: Sequence[UnifiedAppointment], zone: str) -> LookupOutcome:
    """What the vendor's own answer about a vanished card's appointment says about that card.

    STILL_HERE: the vendor holds it in the very scope whose list did not show it. A cancelled one is ELSEWHERE,
    because some vendors leave those out of their lists.
    """
    mine = [pair for pair in pairs if pair.patient and pair.patient.external_id == card.patient_id]
    if not mine:
        return LookupOutcome.OTHER_PATIENT
    here = any(
        pair.status is not AppointmentStatus.CANCELLED
        and pair.practitioner_external_id == card.practitioner_id
        and day_of(pair.start_at, zone) == card.pms_date
        for pair in mine
    )
    return LookupOutcome.STILL_HERE if here else LookupOutcome.ELSEWHERE


def plan_vanished(
    vanished: Sequence[StoredKey],
    fates: Mapping[int, LookupOutcome],
    on_sheet: int,
    *,
    closed_day: bool = False,
) -> VanishedPlan:
    """Decide about cards a complete scope no longer lists.

    `on_sheet` is how many cards the clinician-day had. When the brake holds, cards nobody asked about are held with
    the rest. Nothing is deleted while there is any doubt about the scope: a vendor that answers now and then would
    otherwise empty the sheet a few cards at a time.
    """
    plan = VanishedPlan()
    known = {card.id: fates[card.id] for card in vanished if card.id in fates}
    gone = [card for card in vanished if known.get(card.id) in GONE]
    unasked = [card for card in vanished if card.id not in known]
    plan.unknown = [card for card in vanished if known.get(card.id) is LookupOutcome.UNKNOWN]
    plan.found = [
        card for card in vanished if known.get(card.id) in (LookupOutcome.ELSEWHERE, LookupOutcome.STILL_HERE)
    ]
    plan.distrust = LookupOutcome.STILL_HERE in known.values()
    if brake_holds(known, on_sheet, closed_day=closed_day):
        plan.hold = gone + unasked
        return plan
    plan.unknown += unasked
    if plan.is_doubtful:
        plan.unknown += gone
    else:
        plan.delete = gone
    return plan
