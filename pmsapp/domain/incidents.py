"""Trouble that lasts, and when to tell people about it. Pure.

One opening, at most one escalation, one recovery. A fault that lasts one run is nobody's business.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

TELL_AFTER_FAILURES = 2
ESCALATE_AFTER = timedelta(minutes=60)
SOON = timedelta(minutes=30)
LATER = timedelta(hours=2)


class Severity(StrEnum):
    """How much is at stake: is a patient waiting for what we cannot see?"""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class Message(StrEnum):
    """What is sent about an incident; each at most once."""

    OPENING = "opening"
    ESCALATION = "escalation"
    RECOVERY = "recovery"


@dataclass(frozen=True, slots=True)
class Trouble:
    """What is wrong now with one subject ("connection:3", "scheduler").

    `failures`: runs in a row that failed. `overdue`: no fresh data for two periods in clinic hours, or a process is
    gone for minutes: worth telling even without a failed run.
    """

    subject: str
    code: str
    connection_id: int | None = None
    failures: int = 0
    overdue: bool = False
    severity: Severity = Severity.LOW


@dataclass(frozen=True, slots=True)
class IncidentFacts:
    """What the next message depends on. Instants are None for what has not happened."""

    failures: int
    overdue: bool
    severity: Severity
    opened_at: datetime | None
    escalated_at: datetime | None
    ended_at: datetime | None
    snoozed_until: datetime | None


def severity_of(next_at_risk: datetime | None, now: datetime) -> Severity:
    """Grows as the next affected appointment comes near; one that has just begun still counts."""
    if next_at_risk is None or next_at_risk - now > LATER:
        return Severity.LOW
    return Severity.HIGH if next_at_risk - now <= SOON else Severity.MEDIUM


def is_worth_telling(failures: int, overdue: bool) -> bool:
    """True when it is more than a blip."""
    return overdue or failures >= TELL_AFTER_FAILURES


def next_message(facts: IncidentFacts, now: datetime) -> Message | None:
    """What to send now, if anything. A snooze silences openings and escalations, never a recovery that is owed."""
    if facts.ended_at is not None:
        return Message.RECOVERY if facts.opened_at is not None else None
    if facts.snoozed_until is not None and now < facts.snoozed_until:
        return None
    if facts.opened_at is None:
        return Message.OPENING if is_worth_telling(facts.failures, facts.overdue) else None
    waited = now - facts.opened_at >= ESCALATE_AFTER
    if facts.escalated_at is None and waited and facts.severity is not Severity.LOW:
        return Message.ESCALATION
    return None
