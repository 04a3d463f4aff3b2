"""Appointments, cards and rules for tests of the pure decisions: short to make, complete when made."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from pmsapp.domain.appointment import AppointmentStatus, Patient, Presence, UnifiedAppointment
from pmsapp.domain.sync.merge import Override, OverrideState, as_stored
from pmsapp.domain.sync.reconcile import Incoming, StoredCard, StoredKey, incoming_of
from pmsapp.domain.sync.rules import MappingDecision, Rules, TypeRule

ZONE = "Australia/Melbourne"
RULES = Rules(
    zone=ZONE,
    telehealth_only=True,
    practitioners={
        "anna": (MappingDecision.MAPPED, 1),
        "ben": (MappingDecision.MAPPED, 2),
        "ida": (MappingDecision.IGNORED, None),
        "uma": (MappingDecision.UNDECIDED, None),
    },
    types={
        "video": TypeRule("Video call", pms_is_telehealth=True),
        "rooms": TypeRule("In the rooms", pms_is_telehealth=False),
        "plain": TypeRule("Review"),
        "off": TypeRule("Hidden", sync_enabled=False),
    },
)


def at(text: str, day: int = 23) -> datetime:
    """ "09:00" on a day of November 2026, Melbourne time."""
    hour, minute = text.split(":")
    return datetime(2026, 11, day, int(hour), int(minute), tzinfo=ZoneInfo(ZONE))


def pair(patient: str | None = "ada", phone: str = "+61491570006", **values: Any) -> UnifiedAppointment:
    """Appointment v1 of one patient with Dr Anna on Monday 23 November at 09:00, but for `values`."""
    known: dict[str, Any] = {
        "external_id": "v1",
        "practitioner_external_id": "anna",
        "patient": Patient(patient, patient.title(), phone=phone) if patient else None,
        "start_at": at("09:00"),
        "duration_min": 15,
        "status": AppointmentStatus.BOOKED,
        "type_external_id": "video",
    }
    return UnifiedAppointment(**{**known, **values})


def incoming(rules: Rules = RULES, patient: str = "ada", **values: Any) -> Incoming:
    """What the PMS says now."""
    return incoming_of(pair(patient, **values), rules)


def card(
    said: Incoming | None = None, presence: Presence = Presence.ON_SHEET, number: int = 1, **values: Any
) -> StoredCard:
    """A stored card that says what the PMS said then."""
    said = said or incoming()
    known: dict[str, Any] = {"shown_on": said.values.pms_date}
    return StoredCard(id=number, values=said.values, presence=presence, **{**known, **values})


def key(
    said: Incoming | None = None, presence: Presence = Presence.ON_SHEET, number: int = 1, **values: Any
) -> StoredKey:
    """The light key of a stored card."""
    said = said or incoming()
    made = StoredKey(
        id=number,
        appointment_id=said.key[0],
        patient_id=said.key[1],
        digest=said.digest,
        presence=presence.value,
        practitioner_id=said.values.pms_practitioner_id,
        pms_date=said.values.pms_date,
        kept_digest=None,
    )
    return made._replace(**values)


def typed(field: str, value: Any, base: Any, state: OverrideState = OverrideState.ACTIVE) -> Override:
    """Something staff typed over a field."""
    return Override(1, field, as_stored(value), as_stored(base), state)


def with_rules(**changes: Any) -> Rules:
    """The clinic's decisions, but for some."""
    return replace(RULES, **changes)
