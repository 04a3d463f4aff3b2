"""Conditions that last, and when to tell people about them. Pure.

One opening, at most one escalation, one recovery. Nobody is told of a fault that lasts one run, and a
condition that comes and goes within minutes is one incident. What only a person can put right is told at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from pmsapp.domain.ages import age, holds, is_older

# Runs that fail are repeated after 1, 2 and 5 minutes; what is over by then was a blip.
TELL_AFTER_FAILURES = 2
TELL_AFTER = timedelta(minutes=10)
# What is already late (no data for two periods, a process gone for minutes) has to be seen twice in a row, because a
# machine that has just woken up puts itself right within seconds.
CONFIRM_AFTER = timedelta(seconds=15)
# A condition that people were told of is over when it has not been seen for so long; it opens no second time meanwhile.
CALM_AFTER = timedelta(minutes=3)
# Looks at one condition come every 20 seconds; sightings further apart than this are not in a row.
IN_A_ROW_WITHIN = timedelta(minutes=6)
LONGEST_SNOOZE = timedelta(days=7)
SOON = timedelta(minutes=30)
LATER = timedelta(hours=2)


class Severity(StrEnum):
    """How much is at stake: is a patient waiting for what we cannot see?"""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


# How long after the opening people are told once more, by what is at stake.
ESCALATE_AFTER = {
    Severity.HIGH: timedelta(minutes=30),
    Severity.MEDIUM: timedelta(minutes=60),
    Severity.LOW: timedelta(hours=4),
}
_GRAVITY = {Severity.LOW: 0, Severity.MEDIUM: 1, Severity.HIGH: 2}


class Message(StrEnum):
    """What is sent about an incident; each at most once."""

    OPENING = "opening"
    ESCALATION = "escalation"
    RECOVERY = "recovery"


@dataclass(frozen=True, slots=True)
class Condition:
    """What is wrong now with one subject ("connection:3", "scheduler").

    `failures`: runs in a row that failed. `overdue`: late already, worth telling even without a failed run.
    `needs_person`: it cannot pass by itself (a login refused, access withdrawn), so waiting tells nothing more.
    `can_wait`: nobody works now, so people are told when they come in. `at_risk_at`: the start of the next
    appointment that depends on it.
    """

    subject: str
    code: str
    connection_id: int | None = None
    failures: int = 0
    overdue: bool = False
    needs_person: bool = False
    can_wait: bool = False
    severity: Severity = Severity.LOW
    at_risk_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class IncidentFacts:
    """What the next message depends on. `condition` is None when nothing is wrong now; instants are None for what has
    not happened."""

    condition: Condition | None
    severity: Severity
    started_at: datetime
    last_seen_at: datetime
    opened_at: datetime | None = None
    escalated_at: datetime | None = None
    snoozed_until: datetime | None = None


def severity_of(next_at_risk: datetime | None, now: datetime) -> Severity:
    """Grows as the next affected appointment comes near; one that has just begun still counts."""
    if next_at_risk is None or next_at_risk - now > LATER:
        return Severity.LOW
    return Severity.HIGH if next_at_risk - now <= SOON else Severity.MEDIUM


def graver(first: Severity, other: Severity) -> Severity:
    """The graver of two."""
    return max(first, other, key=_GRAVITY.__getitem__)


def gravity(severity: Severity) -> int:
    """For sorting: the graver, the larger."""
    return _GRAVITY[severity]


def begins_anew(opened_at: datetime | None, last_seen_at: datetime, now: datetime) -> bool:
    """True when a condition nobody was told of was last seen too long ago to have lasted since: the machine slept."""
    return opened_at is None and is_older(last_seen_at, now, IN_A_ROW_WITHIN)


def is_worth_telling(condition: Condition, lasted: timedelta) -> bool:
    """True when it is more than a blip and somebody could use the news now."""
    if condition.can_wait:
        return False
    if condition.needs_person:
        return True
    if condition.overdue:
        return lasted >= CONFIRM_AFTER
    return condition.failures >= TELL_AFTER_FAILURES and lasted >= TELL_AFTER


def is_over(facts: IncidentFacts, now: datetime) -> bool:
    """True when the incident ends now: at once if nobody was told, after a calm while otherwise."""
    if facts.condition is not None:
        return False
    return facts.opened_at is None or is_older(facts.last_seen_at, now, CALM_AFTER)


def next_message(facts: IncidentFacts, now: datetime) -> Message | None:
    """What to send now, if anything. A snooze silences openings and escalations, never a recovery that is owed."""
    if facts.condition is None:
        return Message.RECOVERY if facts.opened_at is not None and is_over(facts, now) else None
    if holds(facts.snoozed_until, now, LONGEST_SNOOZE):
        return None
    if facts.opened_at is None:
        lasted = _lasted(facts.started_at, now)
        return Message.OPENING if is_worth_telling(facts.condition, lasted) else None
    due = _lasted(facts.opened_at, now) >= ESCALATE_AFTER[facts.severity]
    if facts.escalated_at is None and due and not facts.condition.can_wait:
        return Message.ESCALATION
    return None


def _lasted(since: datetime, now: datetime) -> timedelta:
    """How long; what began in the future (the clock was put back) has lasted for longer than anything waits."""
    passed = age(since, now)
    return timedelta.max if passed is None else passed
