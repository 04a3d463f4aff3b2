"""Lay what was read over what is stored and say what would be written. Reads only; writing is apply.py's.

A real run and a preview use this same plan.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace

from sqlalchemy.orm import Session

from pmsapp.crypto.cipher import KeyRing
from pmsapp.domain.appointment import Presence
from pmsapp.domain.sync.reconcile import (
    CardKey,
    PatientSwap,
    SortedPairs,
    StoredCard,
    StoredKey,
    UpdateCard,
    newcomers,
    plan_updates,
    refiled,
    sort_pairs,
    swapped_patients,
)
from pmsapp.domain.sync.rules import Rules, SkipReason
from pmsapp.services.scopes.context import RunContext
from pmsapp.services.scopes.reading import COMPLETE, ScopeRead
from pmsapp.services.sheet import stored_cards
from pmsapp.services.vendors.erased_patients import is_erased_at

KEPT_MISSING = "missing"


@dataclass(slots=True)
class ScopePlan:
    """Everything that follows from one read. `vanished` waits for look-ups, the rest is certain.

    `waiting`: held cards whose appointment was read without their patient, with what the PMS says there now.
    `on_sheet`: how many cards the clinician-day had. `kept`: how many of them staff keep although they are not listed.
    """

    read: ScopeRead
    sorted: SortedPairs
    updates: list[UpdateCard] = field(default_factory=list)
    swaps: list[PatientSwap] = field(default_factory=list)
    swapped_cards: dict[int, StoredCard] = field(default_factory=dict)
    waiting: list[tuple[StoredKey, str]] = field(default_factory=list)
    vanished: list[StoredKey] = field(default_factory=list)
    held_before: list[StoredKey] = field(default_factory=list)
    on_sheet: int = 0
    kept: int = 0

    def counts(self) -> Counter[str]:
        """The run's numbers for this read; fetched = created + updated + unchanged + skipped + failed.

        `removed` counts cards that stood on the sheet and do not any more, `held` those that wait for a person.
        """
        out: Counter[str] = Counter()
        out["failed"] = len(self.read.bad)
        out["created"] = len(self.sorted.creates)
        out["unchanged"] = len(self.sorted.unchanged)
        out["skipped"] = self.sorted.skipped.total()
        for update in self.updates:
            out["updated" if counts_as_updated(update) else "skipped"] += 1
            out["removed"] += update.leaves
        out["fetched"] = sum(out[name] for name in ("created", "updated", "unchanged", "skipped", "failed"))
        out["held"] = len(self.swaps) + len(self.held_before)
        return out

    def skipped_reasons(self) -> Counter[str]:
        """Why pairs made no card on the sheet."""
        reasons: Counter[str] = Counter()
        for reason, count in self.sorted.skipped.items():
            reasons[str(reason)] += count
        for update in self.updates:
            if not counts_as_updated(update):
                removed = (
                    update.presence is Presence.REMOVED_BY_STAFF or update.incoming.verdict.reason is None
                )
                reasons[SkipReason.REMOVED_BY_STAFF if removed else str(update.incoming.verdict.reason)] += 1
        return reasons


def counts_as_updated(update: UpdateCard) -> bool:
    """A pair whose card is on the sheet counts as updated; one kept off it counts as skipped."""
    return update.presence in (Presence.ON_SHEET, Presence.CANCELLED)


def plan_scope(
    session: Session,
    ring: KeyRing,
    context: RunContext,
    read: ScopeRead,
    claimed: AbstractSet[CardKey] = frozenset(),
) -> ScopePlan:
    """Decide a whole practitioner-day against the database as it is now.

    `claimed`: cards other scopes of a preview would have taken with them by now.
    """
    in_scope = [
        card
        for card in stored_cards.keys_of_scope(session, context.connection_id, read.day, read.target.id)
        if card.key not in claimed
    ]
    known = {card.key: card for card in in_scope}
    appointment_ids = {pair.external_id for pair in read.pairs}
    elsewhere = appointment_ids - {card.appointment_id for card in in_scope}
    group_ids = appointment_ids if _has_newcomers(read, known) else elsewhere
    for card in stored_cards.keys_of_appointments(session, context.connection_id, sorted(group_ids)):
        known.setdefault(card.key, card)
    plan = ScopePlan(read, sort_pairs(read.pairs, known, _rules_now(session, context)))
    left = _add_changes(session, ring, plan, known)
    _add_vanished(plan, in_scope, left)
    return plan


def plan_pairs(session: Session, ring: KeyRing, context: RunContext, read: ScopeRead) -> ScopePlan:
    """Decide appointments that were asked for by id: nothing follows from what is not among them."""
    ids = sorted({pair.external_id for pair in read.pairs})
    known = {
        card.key: card for card in stored_cards.keys_of_appointments(session, context.connection_id, ids)
    }
    plan = ScopePlan(read, sort_pairs(read.pairs, known, _rules_now(session, context)))
    _add_changes(session, ring, plan, known)
    return plan


def _rules_now(session: Session, context: RunContext) -> Rules:
    """The run's rules, with who was erased by now: also while the run was reading."""
    return replace(context.rules, is_erased=is_erased_at(session, context.connection_id))


def _has_newcomers(read: ScopeRead, known: dict[CardKey, StoredKey]) -> bool:
    return any(
        pair.patient and (pair.external_id, pair.patient.external_id) not in known for pair in read.pairs
    )


def _add_changes(
    session: Session, ring: KeyRing, plan: ScopePlan, known: dict[CardKey, StoredKey]
) -> list[StoredKey]:
    """Updates and patient swaps. Returns the cards of patients who no longer belong to their appointment."""
    whole = stored_cards.whole_cards(session, ring, [card.id for card, _ in plan.sorted.changed])
    plan.updates = plan_updates(plan.sorted, whole)
    fresh = newcomers(plan.sorted.creates, plan.updates)
    plan.swaps, left = swapped_patients(plan.sorted, known.values(), fresh)
    joined = {appointment_id for appointment_id, _ in fresh}
    in_groups = [card.id for card in left if card.appointment_id in joined]
    compared = stored_cards.whole_cards(session, ring, in_groups)
    plan.swaps += refiled(plan.sorted, left, fresh, compared)
    swapped = [swap.old.id for swap in plan.swaps]
    left = [card for card in left if card.id not in swapped]
    plan.swapped_cards = stored_cards.whole_cards(session, ring, swapped)
    plan.waiting = [
        (card, plan.sorted.marker_of(card.appointment_id))
        for card in known.values()
        if card.presence == Presence.HELD
        and card.appointment_id in plan.sorted.appointments
        and card.patient_id not in plan.sorted.appointments[card.appointment_id]
    ]
    return left


def _add_vanished(plan: ScopePlan, in_scope: list[StoredKey], left: list[StoredKey]) -> None:
    """Cards a complete scope no longer lists; a record that was unreadable is not missing."""
    fetched = {incoming.key for _, incoming in plan.sorted.changed}
    plan.on_sheet = sum(1 for card in in_scope if card.presence == Presence.ON_SHEET)
    plan.held_before = [
        card for card in in_scope if card.presence == Presence.HELD and card.key not in fetched
    ]
    if plan.read.outcome != COMPLETE:
        return
    listed = plan.sorted.appointments.keys() | plan.read.unreadable
    unlisted = [
        card for card in in_scope if card.appointment_id not in listed and card.presence == Presence.ON_SHEET
    ]
    plan.vanished = left + [card for card in unlisted if card.kept_digest != KEPT_MISSING]
    plan.kept = sum(card.kept_digest == KEPT_MISSING for card in unlisted)
