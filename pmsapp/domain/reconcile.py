"""Decide what a read means for the cards. Pure: what is stored and what was fetched go in, small named actions come out.

Four steps, in this order:
1. `sort_pairs` splits a scope's pairs into those that change nothing (the fast path), those that need the whole
   stored card, those that make a new card, and those that make none.
2. `plan_update` decides one changed card: what moved, cancelled, came back; and each field staff typed over (merge.py).
3. `swapped_patients` finds appointments whose patient is another one now: a hold, never a merge.
4. `plan_leavings` (leaving.py) decides about cards that a complete scope no longer lists.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import NamedTuple

from pmsapp.domain.appointment import Presence, UnifiedAppointment
from pmsapp.domain.merge import EDITABLE, Override, OverrideMove, merge
from pmsapp.domain.rules import Rules, SkipReason, Verdict, judge, telehealth, values_of
from pmsapp.domain.values import PMSValues, changed_fields, digest

Key = tuple[str, str]


class StoredKey(NamedTuple):
    """The little of a stored card that tells whether anything changed."""

    id: int
    appointment_id: str
    patient_id: str
    digest: str | None
    presence: str
    practitioner_id: str | None
    pms_date: date
    kept_digest: str | None

    @property
    def key(self) -> Key:
        return self.appointment_id, self.patient_id


@dataclass(frozen=True, slots=True)
class StoredCard:
    """A whole stored card: what the PMS said last, where it stands, and what staff did.

    `marks` are the card's columns about its place (reason, times, moved from), carried over where nothing changes.
    """

    id: int
    row_version: int
    values: PMSValues
    presence: Presence
    tombstone_start_at: datetime | None = None
    acknowledged: bool = False
    has_staff_work: bool = False
    overrides: tuple[Override, ...] = ()
    marks: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Incoming:
    """A pair with everything that follows from it under the clinic's rules."""

    key: Key
    values: PMSValues
    verdict: Verdict
    digest: str
    cancelled_at: datetime | None = None
    cancellation_reason: str | None = None


class Change(StrEnum):
    """What happened to a card, in one word for its timeline and the run's sentence."""

    CHANGED = "changed"
    MOVED_DAY = "moved_day"
    MOVED_CLINICIAN = "moved_clinician"
    MOVED_TIME = "moved_time"
    CANCELLED = "cancelled"
    RESTORED = "restored"
    RETURNED = "returned"
    FILTERED = "filtered"
    UNMAPPED = "unmapped"
    DELETED = "deleted"
    HELD = "held"


@dataclass(frozen=True, slots=True)
class UpdateCard:
    """Write the PMS's side of a card. `silent`: nothing anybody sees has changed (a card staff removed)."""

    card: StoredCard
    incoming: Incoming
    presence: Presence
    fields: tuple[str, ...]
    change: Change
    moves: tuple[OverrideMove, ...] = ()
    silent: bool = False


@dataclass(slots=True)
class SortedPairs:
    """A scope's pairs by what they need next. `skipped` counts reasons; `duplicates` are pairs listed twice."""

    creates: list[Incoming] = field(default_factory=list)
    unchanged: list[StoredKey] = field(default_factory=list)
    changed: list[tuple[StoredKey, Incoming]] = field(default_factory=list)
    unchanged_skipped: list[StoredKey] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)
    appointments: dict[str, set[str]] = field(default_factory=dict)

    @property
    def fetched(self) -> int:
        """Pairs and rows without a patient, each once."""
        return len(self.creates) + len(self.unchanged) + len(self.changed) + self.skipped.total()


def incoming_of(pair: UnifiedAppointment, rules: Rules) -> Incoming:
    """Lay the clinic's rules over a pair that has a patient."""
    if pair.patient is None:
        raise ValueError("A row without a patient has no card.")
    is_telehealth = telehealth(pair, rules)
    values = values_of(pair, is_telehealth, rules)
    return Incoming(
        key=(pair.external_id, pair.patient.external_id),
        values=values,
        verdict=judge(pair, is_telehealth, rules),
        digest=digest(values),
        cancelled_at=pair.cancelled_at,
        cancellation_reason=pair.cancellation_reason,
    )


def sort_pairs(
    pairs: Iterable[UnifiedAppointment], stored: Mapping[Key, StoredKey], rules: Rules
) -> SortedPairs:
    """Split a scope's pairs. A pair listed twice counts once, the later reading wins."""
    out = SortedPairs()
    latest: dict[Key, UnifiedAppointment] = {}
    without_patient: set[str] = set()
    for pair in pairs:
        if pair.patient is None:
            without_patient.add(pair.external_id)
        else:
            latest[pair.external_id, pair.patient.external_id] = pair
    for appointment_id in without_patient:
        out.appointments.setdefault(appointment_id, set())
        out.skipped[SkipReason.NO_PATIENT] += 1
    for key, pair in latest.items():
        out.appointments.setdefault(key[0], set()).add(key[1])
        _sort_one(out, incoming_of(pair, rules), stored.get(key))
    return out


def _sort_one(out: SortedPairs, incoming: Incoming, known: StoredKey | None) -> None:
    verdict = incoming.verdict
    if known is None:
        if verdict.presence is Presence.ON_SHEET:
            out.creates.append(incoming)
        else:
            out.skipped[verdict.reason or SkipReason.CANCELLED_UNSEEN] += 1
        return
    removed = known.presence == Presence.REMOVED_BY_STAFF
    same = known.digest == incoming.digest and known.kept_digest is None
    if same and (removed or known.presence == verdict.presence):
        if removed:
            out.skipped[SkipReason.REMOVED_BY_STAFF] += 1
        elif verdict.reason:
            out.skipped[verdict.reason] += 1
        else:
            out.unchanged.append(known)
        return
    out.changed.append((known, incoming))


def plan_update(card: StoredCard, incoming: Incoming) -> UpdateCard:
    """Decide one card whose PMS side, or whose place, differs from what is stored."""
    fields = changed_fields(card.values, incoming.values)
    moves = tuple(
        move for o in card.overrides if (move := merge(o, _column(incoming.values, o.field))) is not None
    )
    if card.presence is Presence.REMOVED_BY_STAFF:
        return _plan_tombstone(card, incoming, fields, moves)
    presence = incoming.verdict.presence
    return UpdateCard(card, incoming, presence, fields, _change(card, incoming, fields), moves)


def _plan_tombstone(
    card: StoredCard, incoming: Incoming, fields: tuple[str, ...], moves: tuple[OverrideMove, ...]
) -> UpdateCard:
    """Removed by staff stays removed; it returns once, marked, if its PMS start changes and it would be shown."""
    moved = card.tombstone_start_at is not None and incoming.values.start_at != card.tombstone_start_at
    if moved and incoming.verdict.presence is Presence.ON_SHEET:
        return UpdateCard(card, incoming, Presence.ON_SHEET, fields, Change.RETURNED, moves)
    return UpdateCard(card, incoming, Presence.REMOVED_BY_STAFF, fields, Change.CHANGED, moves, silent=True)


def _column(values: PMSValues, field_name: str) -> object:
    return getattr(values, EDITABLE[field_name].column)


def _change(card: StoredCard, incoming: Incoming, fields: Sequence[str]) -> Change:
    """The one word that matters most about this change."""
    presence = incoming.verdict.presence
    if presence is not card.presence:
        by_presence = {
            Presence.CANCELLED: Change.CANCELLED,
            Presence.FILTERED: Change.FILTERED,
            Presence.UNMAPPED: Change.UNMAPPED,
            Presence.ON_SHEET: Change.RESTORED,
        }
        return by_presence[presence]
    if "pms_date" in fields:
        return Change.MOVED_DAY
    if "clinician_id" in fields or "pms_practitioner_id" in fields:
        return Change.MOVED_CLINICIAN
    if "start_at" in fields:
        return Change.MOVED_TIME
    return Change.CHANGED


@dataclass(frozen=True, slots=True)
class PatientSwap:
    """An appointment whose card belongs to a patient the PMS no longer names there, while it names new ones."""

    old: StoredKey
    new_keys: tuple[Key, ...]


def swapped_patients(
    sorted_pairs: SortedPairs, stored: Iterable[StoredKey], new_keys: Iterable[Key]
) -> tuple[list[PatientSwap], list[StoredKey]]:
    """Cards whose appointment was read but no longer names their patient.

    Returns (swaps, left): a swap when the appointment names a patient that has no card yet or whose card was made
    by this same change; `left` are patients who simply no longer belong to a group.
    """
    fresh: dict[str, list[Key]] = {}
    for key in new_keys:
        fresh.setdefault(key[0], []).append(key)
    swaps: list[PatientSwap] = []
    left: list[StoredKey] = []
    for known in stored:
        patients = sorted_pairs.appointments.get(known.appointment_id)
        if patients is None or known.patient_id in patients:
            continue
        if known.presence not in (Presence.ON_SHEET, Presence.CANCELLED):
            continue
        newcomers = fresh.get(known.appointment_id)
        if newcomers and known.presence == Presence.ON_SHEET:
            swaps.append(PatientSwap(known, tuple(newcomers)))
        elif known.presence == Presence.ON_SHEET:
            left.append(known)
    return swaps, left
