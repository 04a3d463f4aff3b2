"""Who is told what, and when: once at the beginning, once more if it lasts, once at the end."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pmsapp.domain import incidents
from pmsapp.domain.incidents import Condition, IncidentFacts, Message, Severity, next_message, severity_of

T0 = datetime(2026, 11, 23, 0, 0, tzinfo=UTC)
LOOK = timedelta(seconds=20)


def minutes(number: float) -> timedelta:
    return timedelta(minutes=number)


def facts(
    condition: Condition | None,
    *,
    severity: Severity = Severity.LOW,
    last_seen: timedelta = timedelta(),
    opened: timedelta | None = None,
    escalated: timedelta | None = None,
    snoozed: timedelta | None = None,
) -> IncidentFacts:
    """What an incident that began at T0 stands at; times are counted from there."""
    since = [None if part is None else T0 + part for part in (opened, escalated, snoozed)]
    return IncidentFacts(condition, severity, T0, T0 + last_seen, *since)


FAILING = Condition("connection:1", "PMS-DOWN", 1, failures=2)
STALE = Condition("connection:1", "DATA-STALE", 1, overdue=True)


@pytest.mark.parametrize(
    ("condition", "lasted", "told"),
    [
        (Condition("c", "PMS-DOWN", failures=1), minutes(600), False),  # one failed run is nobody's business
        (FAILING, minutes(9), False),  # the quick repeats may still work
        (FAILING, minutes(10), True),
        (Condition("c", "AUTH-REFUSED", failures=1, needs_person=True), timedelta(), True),  # no use waiting
        (Condition("c", "AUTH-REFUSED", needs_person=True, can_wait=True), minutes(60), False),
        (STALE, timedelta(), False),  # a machine that has just woken up
        (STALE, timedelta(seconds=20), True),  # seen twice
        (Condition("c", "DATA-STALE", overdue=True, can_wait=True), minutes(60), False),  # nobody is there
    ],
)
def test_people_are_told_of_what_lasts_and_when_they_are_there(
    condition: Condition, lasted: timedelta, told: bool
) -> None:
    message = next_message(facts(condition), T0 + lasted)
    assert (message is Message.OPENING) is told


@pytest.mark.parametrize(
    ("severity", "after"),
    [(Severity.HIGH, minutes(30)), (Severity.MEDIUM, minutes(60)), (Severity.LOW, minutes(240))],
)
def test_the_nearer_the_next_patient_the_sooner_they_are_told_again(
    severity: Severity, after: timedelta
) -> None:
    lasting = facts(STALE, severity=severity, opened=timedelta())
    assert next_message(lasting, T0 + after - timedelta(seconds=1)) is None
    assert next_message(lasting, T0 + after) is Message.ESCALATION
    again = facts(STALE, severity=severity, opened=timedelta(), escalated=after)
    assert next_message(again, T0 + timedelta(days=3)) is None


def test_what_people_were_told_of_is_over_after_a_calm() -> None:
    told = facts(None, opened=timedelta(), last_seen=minutes(30))
    assert not incidents.is_over(told, T0 + minutes(32))
    assert next_message(told, T0 + minutes(32)) is None
    assert incidents.is_over(told, T0 + minutes(33))
    assert next_message(told, T0 + minutes(33)) is Message.RECOVERY


def test_what_nobody_was_told_of_ends_without_a_word() -> None:
    blip = facts(None)
    assert incidents.is_over(blip, T0 + LOOK)
    assert next_message(blip, T0 + LOOK) is None


def test_a_snooze_silences_all_but_the_end() -> None:
    snoozed = facts(STALE, severity=Severity.HIGH, opened=timedelta(), snoozed=minutes(90))
    assert next_message(snoozed, T0 + minutes(89)) is None
    assert next_message(snoozed, T0 + minutes(90)) is Message.ESCALATION
    never_told = facts(STALE, snoozed=minutes(90))
    assert next_message(never_told, T0 + minutes(50)) is None
    over = facts(None, opened=timedelta(), snoozed=minutes(90), last_seen=minutes(10))
    assert next_message(over, T0 + minutes(20)) is Message.RECOVERY


@pytest.mark.parametrize(
    ("in_minutes", "severity"),
    [(None, "low"), (121, "low"), (120, "medium"), (31, "medium"), (30, "high"), (-10, "high")],
)
def test_severity_grows_as_the_next_appointment_comes_near(in_minutes: int | None, severity: str) -> None:
    start = None if in_minutes is None else T0 + minutes(in_minutes)
    assert severity_of(start, T0) == severity


seen = st.lists(
    st.tuples(st.sampled_from(["ok", "failing", "stale", "night"]), st.integers(1, 400)), max_size=12
)


@settings(max_examples=200, deadline=None)
@given(story=seen, severity=st.sampled_from(Severity))
def test_whatever_happens_each_message_goes_out_once_and_in_order(
    story: list[tuple[str, int]], severity: Severity
) -> None:
    """Looks every 20 s at a story of states, each lasting some looks; then a long calm."""
    now, sent, incident = T0, [], None
    for state, looks in [*story, ("ok", 20)]:
        for _ in range(looks):
            now += LOOK
            condition = {
                "ok": None,
                "failing": Condition("c", "PMS-DOWN", failures=5),
                "stale": STALE,
                "night": Condition("c", "PMS-DOWN", failures=5, can_wait=True),
            }[state]
            incident, message, over = step(incident, condition, severity, now)
            if message:
                sent.append(message)
            if over:
                counts = Counter(sent)
                assert all(count == 1 for count in counts.values())
                assert sent in (
                    [],
                    [Message.OPENING, Message.RECOVERY],
                    [Message.OPENING, Message.ESCALATION, Message.RECOVERY],
                )
                sent = []
    assert (incident, sent) == (None, [])


def step(
    incident: IncidentFacts | None, condition: Condition | None, severity: Severity, now: datetime
) -> tuple[IncidentFacts | None, Message | None, bool]:
    """One look, as the service does it: returns the incident, what is sent, and whether it has just ended."""
    if incident is None and condition is None:
        return None, None, False
    if incident is None:
        incident = IncidentFacts(condition, severity, now, now)
    last_seen = now if condition is not None else incident.last_seen_at
    incident = IncidentFacts(
        condition, severity, incident.started_at, last_seen, incident.opened_at, incident.escalated_at
    )
    message = next_message(incident, now)
    opened = now if message is Message.OPENING else incident.opened_at
    escalated = now if message is Message.ESCALATION else incident.escalated_at
    over = incidents.is_over(incident, now)
    kept = IncidentFacts(condition, severity, incident.started_at, last_seen, opened, escalated)
    return (None if over else kept), message, over
