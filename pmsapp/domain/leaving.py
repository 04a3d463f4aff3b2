"""What it means that a complete scope no longer lists a card, and the brake on many at once. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from pmsapp.domain.reconcile import StoredKey

BRAKE_FLOOR = 3
BRAKE_SHARE_PERCENT = 30
LOOKUPS_PER_SCOPE = 25


class Fate(StrEnum):
    """What a look-up by id found about a card that vanished from its scope."""

    GONE = "gone"
    ELSEWHERE = "elsewhere"
    STILL_HERE = "still_here"
    OTHER_PATIENT = "other_patient"
    UNKNOWN = "unknown"


@dataclass(slots=True)
class LeavingPlan:
    """`delete` and `hold` name stored cards; `found` were read by id and are applied like any pair.

    `distrust`: the vendor lists fewer than it holds, so the scope was not complete after all.
    """

    delete: list[StoredKey] = field(default_factory=list)
    hold: list[StoredKey] = field(default_factory=list)
    found: list[StoredKey] = field(default_factory=list)
    unknown: list[StoredKey] = field(default_factory=list)
    distrust: bool = False


def brake_limit(on_sheet: int) -> int:
    """How many deletions of one clinician-day pass without asking: max(3, 30 %)."""
    return max(BRAKE_FLOOR, on_sheet * BRAKE_SHARE_PERCENT // 100)


def to_look_up(vanished: Sequence[StoredKey], on_sheet: int) -> list[StoredKey]:
    """Which vanished cards to ask for by id: all of them when few, else enough to know that the brake holds."""
    return list(vanished[: max(LOOKUPS_PER_SCOPE, brake_limit(on_sheet) + 1)])


def plan_leavings(
    vanished: Sequence[StoredKey], fates: Mapping[int, Fate], on_sheet: int, *, closed_day: bool = False
) -> LeavingPlan:
    """Decide about cards a complete scope no longer lists.

    `on_sheet` is how many cards the clinician-day had. A card not looked up (there were too many) counts as
    gone for the brake and is never deleted unasked. On a closed day the brake does not fire.
    """
    plan = LeavingPlan()
    gone: list[StoredKey] = []
    for card in vanished:
        fate = fates.get(card.id)
        if fate in (Fate.GONE, Fate.OTHER_PATIENT):
            gone.append(card)
        elif fate is Fate.ELSEWHERE:
            plan.found.append(card)
        elif fate is Fate.STILL_HERE:
            plan.found.append(card)
            plan.distrust = True
        elif fate is Fate.UNKNOWN:
            plan.unknown.append(card)
        else:
            gone.append(card)
    asked_all = all(card.id in fates for card in gone)
    if len(gone) > brake_limit(on_sheet) and not closed_day:
        plan.hold = gone
    elif asked_all:
        plan.delete = gone
    else:
        plan.delete = [card for card in gone if card.id in fates]
        plan.unknown += [card for card in gone if card.id not in fates]
    return plan
