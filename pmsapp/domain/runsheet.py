"""What a run sheet shows: cards under columns, with the age of what they say. Pure.

The page, the print and the JSON API draw the same `Sheet`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from datetime import date as Day  # noqa: N812 - a field is called date
from enum import StrEnum
from typing import Any

from pmsapp.domain.ages import is_ahead
from pmsapp.domain.appointment import Presence, WorkflowState

GONE = frozenset({Presence.CANCELLED, Presence.DELETED})
DISCONNECTED = "disconnected"  # why a card was struck when its practice software was taken away
_OFF_SHEET = (Presence.FILTERED, Presence.UNMAPPED)
_MOMENT = timedelta.resolution
_LAST = datetime(9000, 1, 1, tzinfo=UTC)  # later instants cannot be counted on from
NOT_SHOWN = frozenset({Presence.FILTERED, Presence.UNMAPPED, Presence.REMOVED_BY_STAFF})


class Action(StrEnum):
    """What can be done to a card. Pages and the API offer and take only what `allowed_actions` names."""

    JOIN = "join"
    EDIT = "edit"
    ADVANCE = "advance"
    ACKNOWLEDGE = "acknowledge"
    RECHECK = "recheck"
    REMOVE = "remove"
    RESTORE = "restore"
    TAKE_OVER = "take_over"


_ON_EVERY_CARD_IN_USE = frozenset({Action.EDIT, Action.RECHECK, Action.REMOVE})
_BY_PRESENCE = {
    Presence.ON_SHEET: _ON_EVERY_CARD_IN_USE | {Action.JOIN, Action.ADVANCE, Action.TAKE_OVER},
    Presence.CANCELLED: _ON_EVERY_CARD_IN_USE | {Action.ACKNOWLEDGE},
    Presence.DELETED: _ON_EVERY_CARD_IN_USE | {Action.ACKNOWLEDGE},
    Presence.HELD: _ON_EVERY_CARD_IN_USE | {Action.ACKNOWLEDGE},
    Presence.FILTERED: _ON_EVERY_CARD_IN_USE | {Action.ACKNOWLEDGE},
    Presence.UNMAPPED: _ON_EVERY_CARD_IN_USE | {Action.ACKNOWLEDGE},
    Presence.REMOVED_BY_STAFF: frozenset({Action.RESTORE, Action.RECHECK}),
}
_OVER = frozenset({WorkflowState.DONE, WorkflowState.DID_NOT_ATTEND})


def allowed_actions(presence: Presence, state: str) -> frozenset[Action]:
    """What a card allows by where it stands and where reception stands with the patient.

    Only a visit that takes place is joined or moved on: never one that was cancelled, deleted or held, nor one that
    is shown elsewhere or not at all.
    """
    allowed = _BY_PRESENCE[presence]
    return allowed - {Action.ADVANCE} if state in _OVER else allowed


class FreshnessState(StrEnum):
    """How old the data is. Stale never looks like empty. NONE: no list of a PMS is shown here, so nothing has an age."""

    NONE = "none"
    NEVER = "never"
    FRESH = "fresh"
    LATE = "late"
    STALE = "stale"


@dataclass(frozen=True, slots=True)
class Freshness:
    """`as_of`: when the PMS was last read completely for what this covers; None with states NEVER and NONE."""

    as_of: datetime | None
    state: FreshnessState


def freshness(as_of: datetime | None, now: datetime, period: timedelta) -> Freshness:
    """Late after one period without fresh data, stale after two; a minute's grace for the run itself.

    A reading that lies in the future is as good as none.
    """
    if as_of is None or is_ahead(as_of, now):
        return Freshness(None, FreshnessState.NEVER)
    late, stale = ages_at(as_of, period)
    if now < late:
        return Freshness(as_of, FreshnessState.FRESH)
    return Freshness(as_of, FreshnessState.LATE if now < stale else FreshnessState.STALE)


def ages_at(as_of: datetime, period: timedelta) -> tuple[datetime, datetime]:
    """The first instants at which data read then is no longer fresh, and no longer just late."""
    as_of = min(as_of, _LAST)
    return as_of + period + timedelta(minutes=1) + _MOMENT, as_of + 2 * period + _MOMENT


def oldest(parts: Iterable[Freshness]) -> Freshness:
    """The freshness of a whole is that of its oldest part; a whole without a part that has an age is NONE."""
    order = {
        FreshnessState.NEVER: 0,
        FreshnessState.STALE: 1,
        FreshnessState.LATE: 2,
        FreshnessState.FRESH: 3,
    }
    listed = [part for part in parts if part.state is not FreshnessState.NONE]
    if not listed:
        return Freshness(None, FreshnessState.NONE)
    known = [part.as_of for part in listed if part.as_of is not None]
    worst = min(listed, key=lambda part: order[part.state]).state
    return Freshness(min(known) if known and worst is not FreshnessState.NEVER else None, worst)


@dataclass(frozen=True, slots=True)
class EditedField:
    """A value staff typed over the PMS value. `conflict`: the PMS has changed it too and nobody has chosen yet."""

    field: str
    value: Any
    pms_value: Any
    by: str
    at: datetime
    conflict: bool


@dataclass(frozen=True, slots=True)
class Rebooked:
    """The other half of a visit that was cancelled and booked anew the same day: its card and when that begins.

    `untaken`: the cancelled card holds notes, a state or edits that nobody has taken over yet.
    """

    card_id: int
    start_at: datetime
    untaken: bool = False


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt to reach the patient and what came of it."""

    outcome: str
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class IdentityCheck:
    """Who checked the patient's identity, when, and by which three identifiers."""

    identifiers: tuple[str, ...]
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class MovedFrom:
    """Where a card stood before the practice software moved it. `start_at`, `clinician_id`, `date`: None where the
    same as now."""

    start_at: datetime | None
    clinician_id: int | None
    date: Day | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Removal:
    """Who of the staff took a card off the sheet, when and why."""

    by: str | None
    at: datetime
    reason: str | None


@dataclass(frozen=True, slots=True)
class Claim:
    """Somebody is calling this patient; it ends by itself."""

    by: str
    until: datetime


@dataclass(frozen=True, slots=True, repr=False)
class Card:
    """One appointment of one patient as the sheet shows it: PMS values with what staff typed laid over them.

    `changed_since_seen`, `is_new`, `was_seen_at`, `is_first_look` are about the person it was read for; `similar_names`
    are ids of cards of the day easily taken for this one; `presence_at` is when we learned it, `staff_moved_from` its PMS day.
    """

    id: int
    row_version: int
    date: Day
    start_at: datetime
    time_zone: str
    duration_minutes: int | None
    clinician_id: int | None
    patient_name: str | None
    patient_dob: Day | None
    patient_phone: str | None
    patient_email: str | None
    appointment_type: str | None
    appointment_status: str
    is_telehealth: bool | None
    presence: Presence
    state: str
    notes: str | None
    pms_notes: str | None
    source: str
    pms_connection_id: int | None
    pms_appointment_id: str | None
    pms_patient_id: str | None
    pms_practitioner_id: str | None
    pms_last_synced_at: datetime | None
    edited: tuple[EditedField, ...] = ()
    host_link: str | None = None
    patient_link: str | None = None
    presence_reason: str | None = None
    presence_at: datetime | None = None
    cancelled_there_at: datetime | None = None
    acknowledged_at: datetime | None = None
    acknowledged_by: str | None = None
    removal: Removal | None = None
    staff_moved_from: Day | None = None
    rebooked_from: Rebooked | None = None
    rebooked_to: Rebooked | None = None
    returned_at: datetime | None = None
    duration_estimated: bool = False
    time_odd: bool = False
    unknown_status: str | None = None
    patient_has_died: bool = False
    created_at: datetime | None = None
    state_since: datetime | None = None
    waiting_since: datetime | None = None
    attempts: tuple[Attempt, ...] = ()
    identity_check: IdentityCheck | None = None
    moved_from: MovedFrom | None = None
    claim: Claim | None = None
    changed_since_seen: bool = False
    is_new: bool = False
    was_seen_at: datetime | None = None
    is_first_look: bool = False
    similar_names: tuple[int, ...] = ()
    also_with: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"Card({self.id})"

    @property
    def actions(self) -> frozenset[Action]:
        """What can be done to it; what was acknowledged away can be looked at again."""
        allowed = allowed_actions(self.presence, self.state)
        if self.rebooked_from is None or not self.rebooked_from.untaken:
            allowed -= {Action.TAKE_OVER}
        if self.source == "manual":
            allowed -= {Action.RECHECK}
        if self.presence is Presence.ON_SHEET and self.staff_moved_from is not None:
            allowed |= {Action.RESTORE}
        if self.acknowledged_at is None:
            return allowed
        back = {Action.RESTORE} if self.presence is not Presence.ON_SHEET else set()
        return (allowed - {Action.ACKNOWLEDGE}) | back

    @property
    def is_gone(self) -> bool:
        """Cancelled or deleted at the PMS: struck through, never next to call."""
        return self.presence in GONE

    @property
    def is_disconnected(self) -> bool:
        """Struck because its practice software was taken away: nobody has cancelled."""
        return self.presence is Presence.CANCELLED and self.presence_reason == DISCONNECTED

    @property
    def has_staff_work(self) -> bool:
        """True when staff typed something, wrote a note, or moved its state on."""
        return bool(self.edited or self.notes or self.state != WorkflowState.BOOKED)

    @property
    def waits_to_be_seen(self) -> bool:
        """True for a card that has left and stays in view until somebody has acknowledged that.

        Cancelled and deleted ones do; so does one that is filtered or unmapped now although staff worked on it.
        """
        if self.acknowledged_at is not None:
            return False
        return self.is_gone or (self.presence in _OFF_SHEET and self.has_staff_work)

    @property
    def end_at(self) -> datetime | None:
        return (
            None
            if self.duration_minutes is None
            else self.start_at + timedelta(minutes=self.duration_minutes)
        )


@dataclass(frozen=True, slots=True)
class Thresholds:
    """After how many minutes of waiting a line is worth a look, worth a hand, and urgent."""

    notice_min: int = 10
    warn_min: int = 15
    urgent_min: int = 30


@dataclass(frozen=True, slots=True)
class Column:
    """One clinician's cards in time order. `running_late_minutes` counts on the day it was said, else 0."""

    id: int
    name: str
    freshness: Freshness
    cards: tuple[Card, ...]
    running_late_minutes: int = 0
    thresholds: Thresholds = Thresholds()


@dataclass(frozen=True, slots=True)
class DayQuestion:
    """An open decision that touches a day. `number`: of the cards it is about."""

    id: int
    kind: str
    clinician_id: int | None
    number: int
    subject: str = ""


@dataclass(frozen=True, slots=True)
class Undecided:
    """A practitioner nobody has decided about, with their appointments of the day, which no sheet shows."""

    name: str
    number: int
    subject: str = ""


@dataclass(frozen=True, slots=True)
class Sheet:
    """One clinic day. `version` grows with every visible change.

    `etag` changes with everything stored that a reader could see, and holds until `ages_next`, when data may have
    grown old by itself (None: never). `acknowledged`: cards that have left and were seen to have.
    """

    date: Day
    time_zone: str
    version: int
    freshness: Freshness
    columns: tuple[Column, ...]
    unassigned: tuple[Card, ...]
    not_shown: dict[str, int]
    not_shown_cards: tuple[Card, ...] | None = None
    etag: str = ""
    ages_next: datetime | None = None
    in_person_not_shown: int = 0
    undecided: tuple[Undecided, ...] = ()
    open_decisions: int = 0
    questions: tuple[DayQuestion, ...] = ()
    acknowledged: tuple[Card, ...] = ()
    connections: tuple[str, ...] = field(default=())

    @property
    def cards(self) -> list[Card]:
        """Every card on the sheet, column by column, unassigned last."""
        return [card for column in self.columns for card in column.cards] + list(self.unassigned)

    @property
    def card_ids(self) -> frozenset[int]:
        """Every card that is read with the day: on it, not shown, or gone and seen to be."""
        read = (*self.cards, *(self.not_shown_cards or ()), *self.acknowledged)
        return frozenset(card.id for card in read)


def in_time_order(cards: Iterable[Card]) -> tuple[Card, ...]:
    """By start, then name, then id, so that two renderings never differ."""
    return tuple(sorted(cards, key=lambda card: (card.start_at, card.patient_name or "", card.id)))


def stays_in_view(card: Card) -> bool:
    """Held cards stay until they are decided about, those that have left until somebody has acknowledged it."""
    return card.presence in (Presence.ON_SHEET, Presence.HELD) or card.waits_to_be_seen


def arrange(
    cards: Sequence[Card], clinicians: Sequence[tuple[int, str, Freshness]]
) -> tuple[tuple[Column, ...], tuple[Card, ...]]:
    """Lay cards out in the given clinician order; a card whose clinician is not listed is unassigned."""
    listed = {clinician_id for clinician_id, _, _ in clinicians}
    by_clinician: dict[int | None, list[Card]] = {}
    for card in cards:
        by_clinician.setdefault(card.clinician_id if card.clinician_id in listed else None, []).append(card)
    columns = tuple(
        Column(clinician_id, name, fresh, in_time_order(by_clinician.get(clinician_id, ())))
        for clinician_id, name, fresh in clinicians
    )
    return columns, in_time_order(by_clinician.get(None, ()))
