"""What the clinic decided, and what follows for one appointment: shown, filtered, unmapped, or no card at all."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from pmsapp.domain.appointment import AppointmentStatus, Presence, UnifiedAppointment
from pmsapp.domain.sync.values import PMSValues
from pmsapp.domain.window import day_of


class MappingDecision(StrEnum):
    """What the clinic decided about a practitioner."""

    MAPPED = "mapped"
    IGNORED = "ignored"
    UNDECIDED = "undecided"


class SkipReason(StrEnum):
    """Why an appointment that was read makes no card."""

    NO_PATIENT = "no_patient"
    NOT_TELEHEALTH = "not_telehealth"
    TYPE_OFF = "type_off"
    PRACTITIONER_IGNORED = "practitioner_ignored"
    PRACTITIONER_UNDECIDED = "practitioner_undecided"
    CANCELLED_UNSEEN = "cancelled_before_seen"
    REMOVED_BY_STAFF = "removed_by_staff"
    ERASED = "erased"


@dataclass(frozen=True, slots=True)
class TypeRule:
    """An appointment type and what the clinic decided: `decision` null follows the PMS.

    `in_doubt`: it has changed its meaning since the decision, and a person is asked.
    """

    name: str
    decision: bool | None = None
    pms_is_telehealth: bool | None = None
    sync_enabled: bool = True
    default_duration_min: int | None = None
    in_doubt: bool = False


def nobody_is_erased(patient_id: str) -> bool:
    """Where no patient's data were ever erased."""
    return False


@dataclass(frozen=True, slots=True)
class Rules:
    """Everything of one connection that decides what a card looks like. `is_erased`: by the patient's id."""

    zone: str
    telehealth_only: bool
    practitioners: Mapping[str, tuple[MappingDecision, int | None]]
    types: Mapping[str, TypeRule]
    is_erased: Callable[[str], bool] = nobody_is_erased

    def decision_on(self, practitioner_id: str | None) -> MappingDecision:
        """A practitioner nobody has decided on is undecided; no practitioner at all is shown as unassigned."""
        if practitioner_id is None:
            return MappingDecision.MAPPED
        return self.practitioners.get(practitioner_id, (MappingDecision.UNDECIDED, None))[0]

    def type_of(self, type_id: str | None) -> TypeRule | None:
        """What is decided about a type; None for an unknown one, and for no type."""
        return None if type_id is None else self.types.get(type_id)


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a pair belongs: its presence, and the reason when it is not shown."""

    presence: Presence
    reason: SkipReason | None = None


_FIRST_CHOICE = {MappingDecision.MAPPED: 0, MappingDecision.UNDECIDED: 1, MappingDecision.IGNORED: 2}
_SHOWN = Placement(Presence.ON_SHEET)
_CANCELLED = Placement(Presence.CANCELLED)
_TYPE_OFF = Placement(Presence.FILTERED, SkipReason.TYPE_OFF)
_NOT_TELEHEALTH = Placement(Presence.FILTERED, SkipReason.NOT_TELEHEALTH)
_IGNORED = Placement(Presence.UNMAPPED, SkipReason.PRACTITIONER_IGNORED)
_UNDECIDED = Placement(Presence.UNMAPPED, SkipReason.PRACTITIONER_UNDECIDED)


def with_owner(pair: UnifiedAppointment, rules: Rules) -> UnifiedAppointment:
    """The pair under the first of its own practitioners that is mapped, else undecided, else the first of all.

    Whom we asked decides nothing, so a joint consultation stands in one column whichever list it was read from.
    """
    own = pair.practitioner_ids
    if len(own) < 2:
        return pair
    owner = min(own, key=lambda pair: _FIRST_CHOICE[rules.decision_on(pair)])
    return pair if owner == pair.practitioner_external_id else pair._replace(practitioner_external_id=owner)


def telehealth(pair: UnifiedAppointment, rules: Rules) -> bool | None:
    """Staff's yes or no per type wins over any evidence; the appointment's evidence over its type's; else unknown.

    Unknown too while the type's own meaning is in doubt.
    """
    rule = rules.type_of(pair.type_external_id)
    if rule and rule.in_doubt:
        return None
    if rule and rule.decision is not None:
        return rule.decision
    if pair.telehealth_evidence is not None:
        return pair.telehealth_evidence
    return rule.pms_is_telehealth if rule else None


REASONS = {
    SkipReason.NOT_TELEHEALTH: "no longer telehealth",
    SkipReason.TYPE_OFF: "its type is not shown",
    SkipReason.PRACTITIONER_IGNORED: "the practitioner is not shown",
    SkipReason.PRACTITIONER_UNDECIDED: "the practitioner has no column yet",
}


def placement_of(pair: UnifiedAppointment, is_telehealth: bool | None, rules: Rules) -> Placement:
    """Where a pair with a patient belongs. Unknown telehealth is shown, never dropped."""
    return place(
        rules,
        practitioner_id=pair.practitioner_external_id,
        type_id=pair.type_external_id,
        is_telehealth=is_telehealth,
        is_cancelled=pair.status is AppointmentStatus.CANCELLED,
    )


def would_show(pair: UnifiedAppointment, rules: Rules) -> bool:
    """True when a pair never seen before would make a card on the sheet."""
    return placement_of(pair, telehealth(pair, rules), rules).presence is Presence.ON_SHEET


def place(
    rules: Rules,
    *,
    practitioner_id: str | None,
    type_id: str | None,
    is_telehealth: bool | None,
    is_cancelled: bool,
) -> Placement:
    """Where a card with these facts belongs under the clinic's decisions as they stand."""
    decision = rules.decision_on(practitioner_id)
    if decision is not MappingDecision.MAPPED:
        return _IGNORED if decision is MappingDecision.IGNORED else _UNDECIDED
    rule = rules.type_of(type_id)
    if rule and not rule.sync_enabled:
        return _TYPE_OFF
    if rules.telehealth_only and is_telehealth is False:
        return _NOT_TELEHEALTH
    return _CANCELLED if is_cancelled else _SHOWN


def values_of(pair: UnifiedAppointment, is_telehealth: bool | None, rules: Rules) -> PMSValues:
    """The card columns of a pair that has a patient."""
    patient = pair.patient
    if patient is None:
        raise ValueError("A row without a patient has no card.")
    rule = rules.type_of(pair.type_external_id)
    duration, estimated = pair.duration_min, pair.duration_estimated
    if duration is None and rule and rule.default_duration_min:
        duration, estimated = rule.default_duration_min, True
    practitioner_id = pair.practitioner_external_id
    clinician_id = rules.practitioners.get(practitioner_id, (None, None))[1] if practitioner_id else None
    return PMSValues(
        start_at=pair.start_at,
        time_zone=rules.zone,
        appointment_duration_minutes=duration,
        duration_estimated=estimated,
        patient_name=patient.name,
        patient_dob=patient.birth_date,
        patient_phone=patient.phone,
        patient_email=patient.email,
        patient_has_died=patient.has_died,
        appointment_type_name=pair.type_name or (rule.name if rule else None),
        appointment_status=pair.status.value,
        is_telehealth=is_telehealth,
        pms_notes=pair.notes,
        time_odd=pair.time_odd,
        clinician_id=clinician_id,
        pms_practitioner_id=practitioner_id,
        pms_type_id=pair.type_external_id,
        pms_status_raw=None if pair.status_is_known else pair.status_raw,
        pms_date=day_of(pair.start_at, rules.zone),
        host_link=pair.links.host,
        patient_link=pair.links.patient,
        also_practitioner_ids="\n".join(other for other in pair.practitioner_ids if other != practitioner_id)
        or None,
    )
