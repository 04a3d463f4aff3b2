"""What every vendor's data becomes: practitioners, appointment types, and appointments.

One `UnifiedAppointment` is one (appointment, patient) pair: a group appointment of three patients is three of
them, and a row without a patient is one with `patient=None`. Unknown values are None, never "". The two kinds of
which a day has thousands are named tuples: they are made several times faster than frozen dataclasses.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import NamedTuple


class AppointmentStatus(StrEnum):
    """What the practice software says about the visit, in our seven words."""

    BOOKED = "booked"
    CONFIRMED = "confirmed"
    ARRIVED = "arrived"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    NO_SHOW = "no_show"


class Presence(StrEnum):
    """Where a card stands. A moved card is ON_SHEET on its new day."""

    ON_SHEET = "on_sheet"
    CANCELLED = "cancelled"
    DELETED = "deleted"
    FILTERED = "filtered"
    UNMAPPED = "unmapped"
    HELD = "held"
    REMOVED_BY_STAFF = "removed_by_staff"


class WorkflowState(StrEnum):
    """Where reception stands with the patient; ours alone, no sync touches it."""

    BOOKED = "booked"
    CONTACTED = "contacted"
    WAITING = "waiting"
    READY = "ready"
    WITH_CLINICIAN = "with_clinician"
    DONE = "done"
    NO_ANSWER = "no_answer"
    DID_NOT_ATTEND = "did_not_attend"


@dataclass(frozen=True, slots=True)
class Practitioner:
    """A person patients are booked with. `shown_in_appointment_book` is True where the vendor has no such mark."""

    external_id: str
    name: str
    active: bool = True
    shown_in_appointment_book: bool = True
    given: str | None = None
    family: str | None = None
    prefix: str | None = None
    provider_number: str | None = None


@dataclass(frozen=True, slots=True)
class AppointmentType:
    """A style of visit under the vendor's own label.

    `is_telehealth`: the vendor's own mark (True, False) or None where it has none.
    `suggested`/`evidence`: what the words of the name suggest, and why.
    """

    external_id: str
    name: str
    default_duration_min: int | None = None
    colour: str | None = None
    active: bool = True
    is_telehealth: bool | None = None
    suggested: bool = False
    evidence: str | None = None


class Patient(NamedTuple):
    """The little of a patient that a run sheet shows. `name` None means the vendor would not say.

    `has_died`: True where the vendor says so, else None.
    """

    external_id: str
    name: str | None
    birth_date: date | None = None
    phone: str | None = None
    email: str | None = None
    has_died: bool | None = None


@dataclass(frozen=True, slots=True, repr=False)
class TelehealthLinks:
    """Join addresses. Each is a bearer secret: never logged, the patient's never mixed with the host's."""

    host: str | None = None
    patient: str | None = None

    def __repr__(self) -> str:
        return (
            f"TelehealthLinks(host={'set' if self.host else None}, patient={'set' if self.patient else None})"
        )


NO_LINKS = TelehealthLinks()


class UnifiedAppointment(NamedTuple):
    """One (appointment, patient) pair as the vendor has it now.

    Units: `start_at` UTC-aware, `duration_min` minutes or None when unknown, `arrived_at` UTC-aware.
    `status_raw`: the vendor's own word; where `status_is_known` is False, `status` is only the safe guess.
    `telehealth_evidence`: True or False by the vendor's own evidence, None when it has none.
    `practitioner_ids`: its own practitioners in the vendor's order, where it names several; `practitioner_external_id`
    is then one of them, and the clinic's rules choose (`rules.with_owner`).
    `type_name` None: the vendor's type list has to be asked (`type_external_id`), or there is no type.
    """

    external_id: str
    practitioner_external_id: str | None
    patient: Patient | None
    start_at: datetime
    duration_min: int | None
    status: AppointmentStatus
    status_raw: str | None = None
    status_is_known: bool = True
    duration_estimated: bool = False
    type_external_id: str | None = None
    type_name: str | None = None
    telehealth_evidence: bool | None = None
    links: TelehealthLinks = NO_LINKS
    notes: str | None = None
    arrived_at: datetime | None = None
    cancelled_at: datetime | None = None
    cancellation_reason: str | None = None
    time_odd: bool = False
    practitioner_ids: tuple[str, ...] = ()

    @property
    def every_practitioner(self) -> tuple[str, ...]:
        """All whom it names, one or several; empty where it names nobody."""
        if self.practitioner_ids:
            return self.practitioner_ids
        return () if self.practitioner_external_id is None else (self.practitioner_external_id,)

    def __repr__(self) -> str:
        return f"UnifiedAppointment({self.external_id!r}, practitioner={self.practitioner_external_id!r})"


@dataclass(frozen=True, slots=True)
class BadRecord:
    """A record that could not be understood.

    `external_id` None when even that was missing; `practitioner_external_id` where it could be read;
    `reason` a short sentence without data; `shape` the record with every value replaced by its kind.
    """

    reason: str
    external_id: str | None = None
    practitioner_external_id: str | None = None
    shape: str = ""
