"""The run sheet and its cards."""

from __future__ import annotations

from datetime import date as Day  # noqa: N812 - a field is called date
from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import ConfigDict, Field

from pmsapp.domain.appointment import AppointmentStatus, Presence, WorkflowState
from pmsapp.domain.runsheet import Action, Card, EditedField, Sheet, in_time_order
from pmsapp.domain.worklist.steps import Outcome
from pmsapp.schemas.base import (
    NOT_SENT,
    Answer,
    Asked,
    AskedInAddress,
    Change,
    field_value,
    is_none,
    local,
    local_or_none,
)
from pmsapp.schemas.connections import FreshnessOut
from pmsapp.schemas.fields import (
    BlankDay,
    Email,
    Id,
    Instant,
    Minutes,
    Notes,
    PatientName,
    Phone,
    Reason,
)
from pmsapp.schemas.fields import Day as AskedDay


class Edited(Answer):
    """A value staff typed over the PMS's. `conflict`: the PMS changed too and nobody has chosen yet."""

    field: str
    value: Any
    pms_value: Any
    by: str
    at: datetime
    conflict: bool

    @classmethod
    def of(cls, field: EditedField, card_zone: str, zone: str) -> Self:
        return cls(
            field=field.field,
            value=field_value(field.field, field.value, card_zone),
            pms_value=field_value(field.field, field.pms_value, card_zone),
            by=field.by,
            at=local(field.at, zone),
            conflict=field.conflict,
        )


class Links(Answer):
    """Join addresses of a telehealth visit: the clinician's and the patient's. Treat both as secrets."""

    host: str | None
    patient: str | None


class RebookedOut(Answer):
    """The other card of a visit that was cancelled and booked anew the same day: which it came from, which it became."""

    model_config = ConfigDict(serialize_by_alias=True)

    from_: Annotated[int | None, Field(alias="from", exclude_if=is_none)] = None
    to: Annotated[int | None, Field(exclude_if=is_none)] = None

    @classmethod
    def of(cls, card: Card) -> Self | None:
        before, after = card.rebooked_from, card.rebooked_to
        if before is None and after is None:
            return None
        return cls.model_validate({"from": before and before.card_id, "to": after and after.card_id})


class AttemptOut(Answer):
    """One attempt to reach the patient."""

    outcome: Outcome
    by: str
    at: datetime


class IdentityCheckOut(Answer):
    """Who checked the patient's identity, when, and by which three identifiers."""

    identifiers: list[str]
    by: str
    at: datetime


class CancelledOut(Answer):
    """Why a visit was cancelled. `at`: when the PMS says it was, null where it does not; `read_at`: when that was read."""

    at: datetime | None
    read_at: datetime | None
    reason: str | None


class RemovedOut(Answer):
    """Who of the staff took a card off the sheet, when and why."""

    by: str | None
    at: datetime
    reason: str | None


class MovedFromOut(Answer):
    """Where the practice software moved the visit from; null where it is the same as now. `at`: when that was read."""

    start_at: datetime | None
    clinician_id: int | None
    date: Day | None
    at: datetime


class ClaimOut(Answer):
    """Somebody is calling the patient just now."""

    by: str
    until: datetime


class CardOut(Answer):
    """One appointment of one patient: what the PMS says with what staff typed laid over it.

    `start_at` has the offset of the card's own `time_zone`; other instants have the clinic's. `links` is null unless
    the card is on the sheet. `state_since`: since when the card is in its `state`, null while nobody has pressed
    anything. `changed_since_seen` is about the person asking; a program has seen everything. `similar_names`: ids of
    cards of the day that are easily taken for this one.
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
    appointment_status: AppointmentStatus
    is_telehealth: bool | None
    presence: Presence
    state: WorkflowState
    notes: str | None
    pms_notes: str | None
    source: Literal["pms", "manual"]
    pms_connection_id: int | None
    pms_appointment_id: str | None
    pms_patient_id: str | None
    pms_practitioner_id: str | None
    pms_last_synced_at: datetime | None
    edited: list[Edited]
    links: Links | None
    rebooked: RebookedOut | None
    state_since: datetime | None
    attempts: list[AttemptOut]
    identity_check: IdentityCheckOut | None
    cancelled: CancelledOut | None
    removed: RemovedOut | None
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    moved_from: MovedFromOut | None
    claimed: ClaimOut | None
    changed_since_seen: bool
    similar_names: list[int]
    also_with: list[str]

    @classmethod
    def of(cls, card: Card, zone: str) -> Self:
        return cls(
            id=card.id,
            row_version=card.row_version,
            date=card.date,
            start_at=local(card.start_at, card.time_zone),
            time_zone=card.time_zone,
            duration_minutes=card.duration_minutes,
            clinician_id=card.clinician_id,
            patient_name=card.patient_name,
            patient_dob=card.patient_dob,
            patient_phone=card.patient_phone,
            patient_email=card.patient_email,
            appointment_type=card.appointment_type,
            appointment_status=AppointmentStatus(card.appointment_status),
            is_telehealth=card.is_telehealth,
            presence=card.presence,
            state=WorkflowState(card.state),
            notes=card.notes,
            pms_notes=card.pms_notes,
            source="pms" if card.source == "pms" else "manual",
            pms_connection_id=card.pms_connection_id,
            pms_appointment_id=card.pms_appointment_id,
            pms_patient_id=card.pms_patient_id,
            pms_practitioner_id=card.pms_practitioner_id,
            pms_last_synced_at=local_or_none(card.pms_last_synced_at, zone),
            edited=[Edited.of(edited, card.time_zone, zone) for edited in card.edited],
            links=Links(host=card.host_link, patient=card.patient_link)
            if Action.JOIN in card.actions
            else None,
            rebooked=RebookedOut.of(card),
            **_work(card, zone),
            also_with=list(card.also_with),
        )


def _work(card: Card, zone: str) -> dict[str, Any]:
    """What reception did with a card, and what it should look at."""
    check, moved, claim = card.identity_check, card.moved_from, card.claim
    is_cancelled = card.presence is Presence.CANCELLED and not card.is_disconnected
    return {
        "state_since": local_or_none(card.state_since, zone),
        "attempts": [
            AttemptOut(outcome=Outcome(attempt.outcome), by=attempt.by, at=local(attempt.at, zone))
            for attempt in card.attempts
        ],
        "identity_check": IdentityCheckOut(
            identifiers=list(check.identifiers), by=check.by, at=local(check.at, zone)
        )
        if check
        else None,
        "cancelled": CancelledOut(
            at=local_or_none(card.cancelled_there_at, zone),
            read_at=local_or_none(card.presence_at, zone),
            reason=card.presence_reason,
        )
        if is_cancelled
        else None,
        "removed": RemovedOut(by=card.removal.by, at=local(card.removal.at, zone), reason=card.removal.reason)
        if card.removal
        else None,
        "acknowledged_at": local_or_none(card.acknowledged_at, zone),
        "acknowledged_by": card.acknowledged_by,
        "moved_from": MovedFromOut(
            start_at=local_or_none(moved.start_at, card.time_zone),
            clinician_id=moved.clinician_id,
            date=moved.date,
            at=local(moved.at, zone),
        )
        if moved
        else None,
        "claimed": ClaimOut(by=claim.by, until=local(claim.until, zone)) if claim else None,
        "changed_since_seen": card.changed_since_seen,
        "similar_names": list(card.similar_names),
    }


class ColumnOut(Answer):
    """One clinician's cards in time order."""

    id: int
    name: str
    freshness: FreshnessOut
    appointments: list[CardOut]


class NotShown(Answer):
    """How many cards of the day are elsewhere, by reason."""

    moved: int
    filtered: int
    unmapped: int
    removed_by_staff: int


class RunSheetOut(Answer):
    """One clinic day. `version` grows with every visible change."""

    date: Day
    time_zone: str
    version: int
    freshness: FreshnessOut
    clinicians: list[ColumnOut]
    unassigned: list[CardOut]
    not_shown: NotShown
    not_shown_cards: Annotated[list[CardOut] | None, Field(exclude_if=is_none)] = None

    @classmethod
    def of(cls, sheet: Sheet, zone: str) -> Self:
        hidden = sheet.not_shown_cards
        if hidden is not None:  # what has left and was seen to have is shown on no column either
            hidden = in_time_order([*hidden, *sheet.acknowledged])
        return cls(
            date=sheet.date,
            time_zone=sheet.time_zone,
            version=sheet.version,
            freshness=FreshnessOut.of(sheet.freshness, zone),
            clinicians=[
                ColumnOut(
                    id=column.id,
                    name=column.name,
                    freshness=FreshnessOut.of(column.freshness, zone),
                    appointments=[CardOut.of(card, zone) for card in column.cards],
                )
                for column in sheet.columns
            ],
            unassigned=[CardOut.of(card, zone) for card in sheet.unassigned],
            not_shown=NotShown(**{name: sheet.not_shown.get(name, 0) for name in NotShown.model_fields}),
            not_shown_cards=[CardOut.of(card, zone) for card in hidden] if hidden is not None else None,
        )


class SheetAsked(AskedInAddress):
    """Which day (today when none is named), and whether cards that are not shown come along."""

    date: BlankDay = None
    include: Literal["", "not_shown"] = ""


class DateAsked(AskedInAddress):
    """Which day; every open question when none is named."""

    date: BlankDay = None


class IfMatch(Answer):
    """The row_version the change is based on, quoted or bare."""

    if_match: Annotated[str | None, Field(alias="If-Match")] = None


class CardCreate(Asked):
    """A card added by hand."""

    date: AskedDay
    start_at: Instant
    patient_name: PatientName
    clinician_id: Id | None = None
    duration_minutes: Minutes | None = None
    patient_phone: Phone | None = None
    patient_email: Email | None = None
    is_telehealth: bool | None = True
    notes: Notes | None = None
    state: WorkflowState = WorkflowState.BOOKED


Shown = Annotated[str, Field(max_length=4000)]


class CardBase(Change):
    """What the fields showed when they were changed, as the card's answer had them."""

    patient_name: Shown | None = NOT_SENT
    patient_phone: Shown | None = NOT_SENT
    patient_email: Shown | None = NOT_SENT
    start_at: Instant = NOT_SENT
    duration_minutes: int | None = NOT_SENT
    clinician_id: Id | None = NOT_SENT
    is_telehealth: bool | None = NOT_SENT
    notes: Shown | None = NOT_SENT
    state: WorkflowState = NOT_SENT


class CardChange(Change):
    """What to type over a card; null drops what was typed; what is not sent stays.

    `base` says what the fields showed before. A field that is sent as it was is no change; and where every field that
    is changed still shows its base, the change is made, whatever else of the card somebody changed meanwhile.
    """

    patient_name: PatientName | None = NOT_SENT
    patient_phone: Phone | None = NOT_SENT
    patient_email: Email | None = NOT_SENT
    start_at: Instant | None = NOT_SENT
    duration_minutes: Minutes | None = NOT_SENT
    clinician_id: Id | None = NOT_SENT
    is_telehealth: bool | None = NOT_SENT
    notes: Notes | None = NOT_SENT
    state: WorkflowState = NOT_SENT
    base: CardBase = NOT_SENT


class AttemptIn(Asked):
    """What came of trying to reach the patient."""

    outcome: Outcome = Outcome.NO_ANSWER


class IdentityCheckIn(Asked):
    """The three identifiers the patient was asked for. A Medicare number does not count."""

    identifiers: Annotated[list[Annotated[str, Field(max_length=40)]], Field(max_length=12)]


class CardRemoval(Asked):
    """Why a card is taken off the sheet."""

    reason: Reason
