"""Practitioners, appointment types and clinicians."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import Field

from pmsapp.domain.sync.rules import MappingDecision
from pmsapp.schemas.base import NOT_SENT, Answer, Asked, Change, local_or_none
from pmsapp.schemas.fields import MAX_LIST, ColumnName, ExternalId, Id, LateMinutes, SortOrder
from pmsapp.services.matching.appointment_types import TypeView
from pmsapp.services.matching.live_lists import Listing
from pmsapp.services.matching.mappings import PractitionerView
from pmsapp.services.sheet.columns import ClinicianView


class SuggestionOut(Answer):
    """A clinician who may be this practitioner, and why. `score` 0 to 1."""

    clinician_id: int
    name: str
    score: float
    reason: str


class Practitioner(Answer):
    """A practitioner the vendor lists, with what the clinic decided. `upcoming_appointments`: next 14 days."""

    pms_practitioner_id: str
    name: str
    active: bool
    shown_in_appointment_book: bool
    decision: MappingDecision
    clinician_id: int | None
    suggestions: list[SuggestionOut]
    upcoming_appointments: int | None

    @classmethod
    def of(cls, view: PractitionerView) -> Self:
        return cls(
            pms_practitioner_id=view.pms_practitioner_id,
            name=view.name,
            active=view.active,
            shown_in_appointment_book=view.shown_in_appointment_book,
            decision=view.decision,
            clinician_id=view.clinician_id,
            suggestions=[
                SuggestionOut(
                    clinician_id=suggestion.clinician_id,
                    name=suggestion.name,
                    score=suggestion.score,
                    reason=suggestion.reason,
                )
                for suggestion in view.suggestions
            ],
            upcoming_appointments=view.upcoming_appointments,
        )


class NotLive(Answer):
    """Why a list could not be read live: it is the one known from before."""

    code: str
    message: str


class VendorList(Answer):
    """A list of the vendor's. `as_of`: when it was read; `stale`: null when that was just now, within a minute."""

    as_of: datetime | None
    stale: NotLive | None
    next: str | None = None

    @staticmethod
    def reading(listing: Listing[Any], zone: str) -> dict[str, Any]:
        """When and how the list was read."""
        error = listing.stale
        return {
            "as_of": local_or_none(listing.as_of, zone),
            "stale": NotLive(code=error.code, message=error.message) if error else None,
        }


class PractitionerList(VendorList):
    """Everybody the vendor lists, by name; there is never a further page."""

    items: list[Practitioner]

    @classmethod
    def of(cls, views: Listing[PractitionerView], zone: str) -> Self:
        return cls(items=[Practitioner.of(view) for view in views], **cls.reading(views, zone))


class MappingIn(Asked):
    """map: into the column `clinician_id`. create: into a column called `name`. ignore: never shown."""

    pms_practitioner_id: ExternalId
    decision: Literal["map", "create", "ignore", "undecided"]
    clinician_id: Id | None = None
    name: ColumnName | None = None


class MappingsIn(Asked):
    """Decisions about practitioners; all are stored or none."""

    mappings: Annotated[list[MappingIn], Field(max_length=MAX_LIST)]


class AppointmentTypeOut(Answer):
    """A type of the vendor. `is_telehealth`: the clinic's decision, null = follow the PMS."""

    pms_type_id: str
    name: str
    default_duration_minutes: int | None
    colour: str | None
    active: bool
    is_telehealth: bool | None
    suggested: bool
    evidence: str | None
    sync_enabled: bool

    @classmethod
    def of(cls, view: TypeView) -> Self:
        return cls(
            pms_type_id=view.pms_type_id,
            name=view.name,
            default_duration_minutes=view.default_duration_minutes,
            colour=view.colour,
            active=view.active,
            is_telehealth=view.is_telehealth,
            suggested=view.suggested,
            evidence=view.evidence,
            sync_enabled=view.sync_enabled,
        )


class AppointmentTypeList(VendorList):
    """Every type the vendor lists, by name; there is never a further page."""

    items: list[AppointmentTypeOut]

    @classmethod
    def of(cls, views: Listing[TypeView], zone: str) -> Self:
        return cls(items=[AppointmentTypeOut.of(view) for view in views], **cls.reading(views, zone))


class TypeIn(Change):
    """What to change about a type; `is_telehealth: null` follows the PMS again."""

    pms_type_id: ExternalId
    is_telehealth: bool | None = NOT_SENT
    sync_enabled: bool = NOT_SENT


class TypesIn(Asked):
    """Decisions about types; all are stored or none."""

    types: Annotated[list[TypeIn], Field(max_length=MAX_LIST)]


class Clinician(Answer):
    """A column of the run sheet. `running_late_minutes`: today, 0 when on time."""

    id: int
    name: str
    sort_order: int
    active: bool
    running_late_minutes: int

    @classmethod
    def of(cls, view: ClinicianView) -> Self:
        return cls(
            id=view.id,
            name=view.name,
            sort_order=view.sort_order,
            active=view.active,
            running_late_minutes=view.running_late_minutes,
        )


class ClinicianList(Answer):
    """Every column in the order of the sheet; there is never a further page."""

    items: list[Clinician]
    next: str | None = None


class ClinicianCreate(Asked):
    """A new column, last where no place is given."""

    name: ColumnName
    sort_order: SortOrder | None = None
    active: bool = True


class RunningLateIn(Asked):
    """By how many minutes the clinician runs late today; 0: on time again."""

    minutes: LateMinutes


class ClinicianChange(Change):
    """What to change about a column; what is not mentioned stays."""

    name: ColumnName = NOT_SENT
    sort_order: SortOrder = NOT_SENT
    active: bool = NOT_SENT
