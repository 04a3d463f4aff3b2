"""Decide what a read means for the cards. Pure: what is stored and what was fetched go in, small named actions come out.

Four steps, in this order:
1. `sort_pairs` splits a scope's pairs into those that change nothing (the fast path), those that need the whole
   stored card, those that make a new card, and those that make none.
2. `plan_updates` decides the changed cards: a patient who could not be read keeps what is known of them; then, card
   by card (`plan_update`), what moved, cancelled, came back; and each field staff typed over (merge.py).
3. `swapped_patients` finds appointments whose patient is another one now: a hold, never a merge.
4. `plan_vanished` (vanished.py) decides about cards that a complete scope no longer lists.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import NamedTuple

from pmsapp.domain.appointment import AppointmentStatus, Presence, UnifiedAppointment
from pmsapp.domain.sync.compare import same_person
from pmsapp.domain.sync.merge import EDITABLE, Override, OverrideMove, merge
from pmsapp.domain.sync.rules import (
    Placement,
    Rules,
    SkipReason,
    placement_of,
    telehealth,
    values_of,
    with_owner,
)
from pmsapp.domain.sync.values import PMSValues, changed_fields, digest
from pmsapp.domain.window import utc_text

CardKey = tuple[str, str]

_STANDING = (Presence.ON_SHEET, Presence.HELD)
_IN_VIEW = (*_STANDING, Presence.CANCELLED, Presence.DELETED)
_PLACE = frozenset({"start_at", "pms_practitioner_id"})
_OF_PATIENT = ("patient_name", "patient_dob", "patient_phone", "patient_email", "patient_has_died")


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
    tombstone_start_at: datetime | None = None

    @property
    def key(self) -> CardKey:
        return self.appointment_id, self.patient_id


@dataclass(frozen=True, slots=True)
class StoredCard:
    """A whole stored card: what the PMS said last, where it stands, and what staff did.

    `marks` are the card's columns about its place (reason, times, moved from), carried over where nothing changes.
    `shown_on` is the day it stands on, which staff may have moved.
    """

    id: int
    values: PMSValues
    presence: Presence
    shown_on: date
    tombstone_start_at: datetime | None = None
    overrides: tuple[Override, ...] = ()
    marks: Mapping[str, object] = field(default_factory=dict)


class Incoming(NamedTuple):
    """A pair with everything that follows from it under the clinic's rules."""

    key: CardKey
    values: PMSValues
    verdict: Placement
    digest: str
    cancelled_at: datetime | None
    cancellation_reason: str | None


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
    LEFT = "left"
    HELD = "held"


@dataclass(frozen=True, slots=True)
class UpdateCard:
    """Write the PMS's side of a card. `silent`: it stays removed by staff, so its timeline says nothing."""

    card: StoredCard
    incoming: Incoming
    presence: Presence
    fields: tuple[str, ...]
    change: Change
    moves: tuple[OverrideMove, ...]
    silent: bool = False

    @property
    def has_moved(self) -> bool:
        """True when a card in view stands at another time or with another practitioner at the PMS."""
        return self.card.presence in _IN_VIEW and not _PLACE.isdisjoint(self.fields)

    @property
    def leaves(self) -> bool:
        """True when a card that stood on the sheet no longer does."""
        return self.card.presence in _STANDING and self.presence not in _STANDING


@dataclass(slots=True)
class SortedPairs:
    """A scope's pairs by what they need next. `skipped` counts reasons; `left_out`: who never had a card and gets none.

    `appointments`: every appointment read, with its patients and what the PMS says about each visit.
    """

    creates: list[Incoming] = field(default_factory=list)
    unchanged: list[StoredKey] = field(default_factory=list)
    changed: list[tuple[StoredKey, Incoming]] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)
    left_out: list[Incoming] = field(default_factory=list)
    appointments: dict[str, dict[str, UnifiedAppointment]] = field(default_factory=dict)

    @property
    def fetched(self) -> int:
        """Pairs and rows without a patient, each once."""
        return len(self.creates) + len(self.unchanged) + len(self.changed) + self.skipped.total()

    def marker_of(self, appointment_id: str) -> str:
        """What the PMS says about an appointment and its patients, as one text that changes when any of it does."""
        named = self.appointments.get(appointment_id, {})
        visits = sorted((patient_id, _in_short(pair)) for patient_id, pair in named.items())
        return "visit:" + hashlib.blake2b(repr(visits).encode(), digest_size=12).hexdigest()


def incoming_of(pair: UnifiedAppointment, rules: Rules) -> Incoming:
    """Lay the clinic's rules over a pair that has a patient."""
    if pair.patient is None:
        raise ValueError("A row without a patient has no card.")
    is_telehealth = telehealth(pair, rules)
    values = values_of(pair, is_telehealth, rules)
    return Incoming(
        key=(pair.external_id, pair.patient.external_id),
        values=values,
        verdict=placement_of(pair, is_telehealth, rules),
        digest=digest(values),
        cancelled_at=pair.cancelled_at,
        cancellation_reason=pair.cancellation_reason,
    )


def sort_pairs(
    pairs: Iterable[UnifiedAppointment], stored: Mapping[CardKey, StoredKey], rules: Rules
) -> SortedPairs:
    """Split a scope's pairs. A pair listed twice counts once, the later reading wins."""
    out = SortedPairs()
    latest: dict[CardKey, UnifiedAppointment] = {}
    without_patient: set[str] = set()
    for pair in (with_owner(listed, rules) for listed in pairs):
        if pair.patient is None:
            without_patient.add(pair.external_id)
        else:
            latest[pair.external_id, pair.patient.external_id] = pair
    for appointment_id in without_patient:
        out.appointments[appointment_id] = {}
        out.skipped[SkipReason.NO_PATIENT] += 1
    for key, pair in latest.items():
        if rules.is_erased(key[1]):
            out.appointments.setdefault(key[0], {})
            out.skipped[SkipReason.ERASED] += 1
            continue
        out.appointments.setdefault(key[0], {})[key[1]] = pair
        _sort_one(out, incoming_of(pair, rules), stored.get(key))
    return out


def _in_short(pair: UnifiedAppointment) -> str:
    cancelled = pair.status is AppointmentStatus.CANCELLED
    return f"{utc_text(pair.start_at)} {pair.practitioner_external_id} {cancelled}"


def _sort_one(out: SortedPairs, incoming: Incoming, known: StoredKey | None) -> None:
    verdict = incoming.verdict
    if known is None:
        if verdict.presence is Presence.ON_SHEET:
            out.creates.append(incoming)
        else:
            out.skipped[verdict.reason or SkipReason.CANCELLED_UNSEEN] += 1
            out.left_out.append(incoming)
        return
    if known.digest != incoming.digest or known.kept_digest is not None:
        out.changed.append((known, incoming))
    elif known.presence == Presence.REMOVED_BY_STAFF and not _returns(known.tombstone_start_at, incoming):
        out.skipped[SkipReason.REMOVED_BY_STAFF] += 1
    elif known.presence != verdict.presence:
        out.changed.append((known, incoming))
    elif verdict.reason:
        out.skipped[verdict.reason] += 1
    else:
        out.unchanged.append(known)


def _returns(tombstone_start_at: datetime | None, incoming: Incoming) -> bool:
    """A card removed by staff comes back when its PMS start is another one and it would be shown."""
    moved = tombstone_start_at is not None and incoming.values.start_at != tombstone_start_at
    return moved and incoming.verdict.presence is Presence.ON_SHEET


def plan_updates(pairs: SortedPairs, whole: Mapping[int, StoredCard]) -> list[UpdateCard]:
    """Decide the changed cards. `whole` holds each by id.

    A pair that differs only because its patient could not be read is sorted anew and changes nothing.
    """
    changed, pairs.changed = pairs.changed, []
    for known, incoming in changed:
        if incoming.values.patient_name is None:
            _sort_one(pairs, keep_patient(whole[known.id].values, incoming), known)
        else:
            pairs.changed.append((known, incoming))
    return [plan_update(whole[known.id], incoming) for known, incoming in pairs.changed]


def keep_patient(stored: PMSValues, incoming: Incoming) -> Incoming:
    """A patient without a name could not be read: what the vendor left out stays as it was known.

    So such a read never wipes a name, a birth date, a phone or an email, and never argues with what staff typed.
    """
    values = incoming.values
    if values.patient_name is not None:
        return incoming
    kept = {name: getattr(stored, name) for name in _OF_PATIENT if getattr(values, name) is None}
    values = values._replace(**kept)
    return incoming._replace(values=values, digest=digest(values))


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
    if _returns(card.tombstone_start_at, incoming):
        return UpdateCard(card, incoming, Presence.ON_SHEET, fields, Change.RETURNED, moves)
    return UpdateCard(card, incoming, Presence.REMOVED_BY_STAFF, fields, Change.CHANGED, moves, silent=True)


def _column(values: PMSValues, field_name: str) -> object:
    return getattr(values, EDITABLE[field_name].column)


_PRESENCE_CHANGES = {
    Presence.CANCELLED: Change.CANCELLED,
    Presence.FILTERED: Change.FILTERED,
    Presence.UNMAPPED: Change.UNMAPPED,
    Presence.ON_SHEET: Change.RESTORED,
}


def _change(card: StoredCard, incoming: Incoming, fields: Sequence[str]) -> Change:
    """The one word that matters most about this change."""
    presence = incoming.verdict.presence
    if presence is not card.presence:
        return _PRESENCE_CHANGES[presence]
    if "pms_date" in fields:
        return Change.MOVED_DAY
    if "pms_practitioner_id" in fields:
        return Change.MOVED_CLINICIAN
    if "start_at" in fields:
        return Change.MOVED_TIME
    return Change.CHANGED


@dataclass(frozen=True, slots=True)
class PatientSwap:
    """An appointment whose card belongs to a patient the PMS no longer names there, while it names others.

    `marker`: what the PMS says about the appointment now; an answer to keep the card holds while that stays so.
    """

    old: StoredKey
    new_keys: tuple[CardKey, ...]
    marker: str


def newcomers(creates: Iterable[Incoming], updates: Iterable[UpdateCard]) -> set[CardKey]:
    """Patients who were not on the sheet for their appointment before this change."""
    back = {
        update.incoming.key
        for update in updates
        if update.presence is Presence.ON_SHEET and update.card.presence is not Presence.ON_SHEET
    }
    return {incoming.key for incoming in creates} | back


def swapped_patients(
    pairs: SortedPairs, stored: Iterable[StoredKey], fresh: set[CardKey]
) -> tuple[list[PatientSwap], list[StoredKey]]:
    """Cards on the sheet whose appointment was read but no longer names their patient.

    Returns (swaps, left). A swap when the appointment names only people in `fresh`, or when the PMS has changed again
    since staff chose to keep the card. `left`: the patient simply no longer belongs to it. In a group of whom others
    stay, who leaves and who joins have nothing to do with each other (but see `refiled`).
    """
    swaps: list[PatientSwap] = []
    left: list[StoredKey] = []
    for known in stored:
        named = pairs.appointments.get(known.appointment_id)
        if named is None or known.patient_id in named or known.presence != Presence.ON_SHEET:
            continue
        marker = pairs.marker_of(known.appointment_id)
        if known.kept_digest == marker:
            continue
        keys = [(known.appointment_id, patient_id) for patient_id in sorted(named)]
        others_stay = known.kept_digest is None and not fresh.issuperset(keys)
        if keys and not others_stay:
            new_keys = tuple(keys)
            swaps.append(PatientSwap(known, new_keys, marker))
        else:
            left.append(known)
    return swaps, left


def refiled(
    pairs: SortedPairs, left: Iterable[StoredKey], fresh: set[CardKey], whole: Mapping[int, StoredCard]
) -> list[PatientSwap]:
    """Of those who left: whose name and birth date somebody new on the same appointment has.

    That is most likely one person under another file, in a group too. `whole` holds the cards that are compared.
    """
    swaps = []
    for known in left:
        values = whole[known.id].values if known.id in whole else None
        named = pairs.appointments.get(known.appointment_id, {})
        alike = tuple(
            (known.appointment_id, patient_id)
            for patient_id, pair in sorted(named.items())
            if (known.appointment_id, patient_id) in fresh and values is not None and _is_person(values, pair)
        )
        if alike:
            swaps.append(PatientSwap(known, alike, pairs.marker_of(known.appointment_id)))
    return swaps


def _is_person(values: PMSValues, pair: UnifiedAppointment) -> bool:
    patient = pair.patient
    return patient is not None and same_person(
        values.patient_name, values.patient_dob, patient.name, patient.birth_date
    )
