"""Lay one read scope over what is stored and say what would be written. Reads only; writing is apply.py's.

A real run and a preview use this same plan.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from sqlalchemy.orm import Session

from pmsapp.cipher import KeyRing
from pmsapp.domain.appointment import Presence
from pmsapp.domain.reconcile import (
    PatientSwap,
    SortedPairs,
    StoredCard,
    StoredKey,
    UpdateCard,
    plan_update,
    sort_pairs,
    swapped_patients,
)
from pmsapp.services import stored_cards
from pmsapp.services.reading import COMPLETE, ScopeRead
from pmsapp.services.run_context import RunContext

KEPT_MISSING = "missing"


def kept_marker(patients: set[str]) -> str:
    """What the PMS said about an appointment's patients when staff chose to keep the old card."""
    return "patients:" + ",".join(sorted(patients))


@dataclass(slots=True)
class ScopePlan:
    """Everything that follows from one scope. `vanished` waits for look-ups; `swaps` and `left` are certain."""

    read: ScopeRead
    sorted: SortedPairs
    updates: list[UpdateCard] = field(default_factory=list)
    swaps: list[PatientSwap] = field(default_factory=list)
    left: list[StoredKey] = field(default_factory=list)
    vanished: list[StoredKey] = field(default_factory=list)
    held_before: list[StoredKey] = field(default_factory=list)
    on_sheet: int = 0
    held_cards: dict[int, StoredCard] = field(default_factory=dict)

    def counts(self) -> Counter[str]:
        """The run's numbers for this scope; fetched = created + updated + unchanged + skipped + failed."""
        out: Counter[str] = Counter()
        out["failed"] = len(self.read.bad)
        out["created"] = len(self.sorted.creates)
        out["unchanged"] = len(self.sorted.unchanged)
        out["skipped"] = self.sorted.skipped.total()
        for update in self.updates:
            out["updated" if update_counts_as_updated(update) else "skipped"] += 1
            if left_the_sheet(update):
                out["removed"] += 1
        out["fetched"] = sum(out[name] for name in ("created", "updated", "unchanged", "skipped", "failed"))
        out["removed"] += len(self.left)
        out["held"] = len(self.swaps) + len(self.held_before)
        return out

    def skipped_reasons(self) -> Counter[str]:
        """Why pairs made no card."""
        reasons = Counter(self.sorted.skipped)
        for update in self.updates:
            if not update_counts_as_updated(update):
                reasons[update.incoming.verdict.reason or Presence.REMOVED_BY_STAFF.value] += 1
        return reasons


def update_counts_as_updated(update: UpdateCard) -> bool:
    """A pair whose card is on the sheet counts as updated; one kept off it counts as skipped."""
    return update.presence in (Presence.ON_SHEET, Presence.CANCELLED)


def left_the_sheet(update: UpdateCard) -> bool:
    """True when a card that was on the sheet is filtered or unmapped now."""
    return update.card.presence in (Presence.ON_SHEET, Presence.HELD) and update.presence in (
        Presence.FILTERED,
        Presence.UNMAPPED,
    )


def plan_scope(session: Session, ring: KeyRing, context: RunContext, read: ScopeRead) -> ScopePlan:
    """Decide a whole scope against the database as it is now."""
    in_scope = stored_cards.keys_of_scope(session, context.connection_id, read.day, read.target.id)
    known = {card.key: card for card in in_scope}
    appointment_ids = {pair.external_id for pair in read.pairs}
    elsewhere = appointment_ids - {card.appointment_id for card in in_scope}
    group_ids = appointment_ids if _has_newcomers(read, known) else elsewhere
    for card in stored_cards.keys_of_appointments(session, context.connection_id, sorted(group_ids)):
        known.setdefault(card.key, card)
    plan = ScopePlan(read, sort_pairs(read.pairs, known, context.rules))
    _add_updates(session, ring, plan)
    _add_swaps(session, ring, plan, list(known.values()))
    _add_vanished(plan, in_scope)
    return plan


def _has_newcomers(read: ScopeRead, known: dict[tuple[str, str], StoredKey]) -> bool:
    return any(
        pair.patient and (pair.external_id, pair.patient.external_id) not in known for pair in read.pairs
    )


def _add_updates(session: Session, ring: KeyRing, plan: ScopePlan) -> None:
    whole = stored_cards.whole_cards(session, ring, [known.id for known, _ in plan.sorted.changed])
    plan.updates = [plan_update(whole[known.id], incoming) for known, incoming in plan.sorted.changed]


def _add_swaps(session: Session, ring: KeyRing, plan: ScopePlan, known: list[StoredKey]) -> None:
    new_keys = [incoming.key for incoming in plan.sorted.creates]
    candidates = [card for card in known if not _kept(card, plan.sorted.appointments)]
    plan.swaps, left = swapped_patients(plan.sorted, candidates, new_keys)
    plan.left = left if plan.read.outcome == COMPLETE else []
    plan.held_cards = stored_cards.whole_cards(session, ring, [swap.old.id for swap in plan.swaps])


def _kept(card: StoredKey, appointments: dict[str, set[str]]) -> bool:
    patients = appointments.get(card.appointment_id)
    return patients is not None and card.kept_digest == kept_marker(patients)


def _add_vanished(plan: ScopePlan, in_scope: list[StoredKey]) -> None:
    """Cards of a complete scope that the vendor no longer lists; a record that was unreadable is not missing."""
    listed = set(plan.sorted.appointments) | {record.external_id for record in plan.read.bad}
    plan.on_sheet = sum(1 for card in in_scope if card.presence == Presence.ON_SHEET)
    absent = [card for card in in_scope if card.appointment_id not in listed]
    plan.held_before = [
        card for card in in_scope if card.presence == Presence.HELD and card.key not in _fetched_keys(plan)
    ]
    if plan.read.outcome == COMPLETE:
        plan.vanished = [
            card for card in absent if card.presence == Presence.ON_SHEET and card.kept_digest != KEPT_MISSING
        ]


def _fetched_keys(plan: ScopePlan) -> set[tuple[str, str]]:
    return {incoming.key for _, incoming in plan.sorted.changed}
