"""Trouble that lasts becomes one incident: found by level, told once, snoozed with a reason, ended by itself."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import delete, select, update

from pmsapp import clock
from pmsapp.domain.actor import Actor
from pmsapp.domain.errors import ReconnectRequiredError, RetryLaterError
from pmsapp.models import (
    Incident,
    PMSConnection,
    ScheduledTask,
    ScopeFreshness,
    SyncRun,
)
from pmsapp.services.base import audit
from pmsapp.services.base.errors import Conflict, Invalid, NotFound
from pmsapp.services.base.transaction import reading, writing
from pmsapp.services.clinic import clinic
from pmsapp.services.maintenance import retention
from pmsapp.services.monitoring import alerts, incidents, process_heartbeats
from pmsapp.services.monitoring.incidents import IncidentView
from pmsapp.services.runs import requests as run_requests
from pmsapp.services.sync import execute
from tests.support.clock import FrozenClock
from tests.support.fake_clinic import FakeClinic
from tests.support.fake_pms import FakePractice
from tests.support.watching import live_on

MEL = Actor(kind="user", name="Mel", id=1, role="reception")


@pytest.fixture
def fake(app: Flask, frozen_clock: FrozenClock, practice: FakePractice) -> FakeClinic:
    """A connection that was read at 09:00 on a Monday, in clinic hours; the scheduler lives."""
    clinic.ensure()
    made = FakeClinic(practice)
    made.sync()
    process_heartbeats.beat(process_heartbeats.SCHEDULER)
    return made


def change(**values: Any) -> None:
    """Put the one connection into a state."""
    with writing() as session:
        session.execute(update(PMSConnection).values(**values))


def codes() -> list[str]:
    return [incident.code for incident in incidents.list_open()]


def rows() -> list[Incident]:
    with reading() as session:
        return list(session.scalars(select(Incident).order_by(Incident.id)))


def soon(frozen_clock: FrozenClock, **by: float) -> datetime:
    return frozen_clock.at + timedelta(**by)


def test_nothing_wrong_is_no_incident(fake: FakeClinic, frozen_clock: FrozenClock) -> None:
    live_on(frozen_clock, soon(frozen_clock, minutes=10))
    assert rows() == []


def test_a_fault_that_lasts_one_run_is_told_to_nobody(
    fake: FakeClinic, practice: FakePractice, frozen_clock: FrozenClock
) -> None:
    practice.faults.lists[None] = (0, RetryLaterError("PMS-DOWN", pms="Fake"))
    fake.sync()
    live_on(frozen_clock, soon(frozen_clock, minutes=2))
    practice.faults.lists.clear()
    fake.sync()
    live_on(frozen_clock, soon(frozen_clock, minutes=5))
    assert codes() == []
    assert [(row.opened_at, row.ended_at is not None) for row in rows()] == [(None, True)]


def test_runs_that_keep_failing_are_told_after_ten_minutes_with_their_reason(
    fake: FakeClinic, practice: FakePractice, frozen_clock: FrozenClock
) -> None:
    practice.faults.lists[None] = (0, RetryLaterError("PMS-DOWN", pms="Fake"))
    fake.sync()
    fake.sync()
    incidents.look()
    live_on(frozen_clock, soon(frozen_clock, minutes=9, seconds=40))
    assert codes() == []
    live_on(frozen_clock, soon(frozen_clock, seconds=40), each=incidents.WATCH_EVERY)
    (view,) = incidents.list_open()
    assert (view.code, view.message) == ("PMS-DOWN", "Fake is not answering")
    assert (view.name, view.path) == ("practice", f"/integrations/{fake.connection_id}/history")


def test_a_login_that_is_refused_leads_to_the_page_that_mends_it(
    fake: FakeClinic, practice: FakePractice, frozen_clock: FrozenClock
) -> None:
    practice.faults.lists[None] = (0, ReconnectRequiredError("AUTH-EXPIRED", pms="Fake"))
    fake.sync()
    live_on(frozen_clock, soon(frozen_clock, minutes=11))
    (view,) = incidents.list_open()
    assert (view.code, view.path) == ("AUTH-EXPIRED", f"/integrations/{fake.connection_id}/login")


def test_field_22_a_login_that_is_refused_is_told_at_the_next_look(
    fake: FakeClinic, practice: FakePractice, frozen_clock: FrozenClock
) -> None:
    practice.faults.lists[None] = (0, ReconnectRequiredError("AUTH-REFUSED", pms="Fake"))
    fake.sync()
    live_on(frozen_clock, soon(frozen_clock, seconds=40), each=incidents.WATCH_EVERY)
    (view,) = incidents.list_open()
    assert (view.code, view.told) == ("AUTH-REFUSED", True)


def test_data_that_is_stale_for_no_known_reason_is_told_within_a_minute(
    fake: FakeClinic, frozen_clock: FrozenClock
) -> None:
    def plan() -> None:  # somebody plans, nobody reads
        change(next_sync_at=clock.now() + timedelta(minutes=10))

    stale_at = soon(frozen_clock, minutes=30)
    live_on(frozen_clock, stale_at, also=plan)
    assert codes() == []
    live_on(frozen_clock, stale_at + timedelta(minutes=1), each=incidents.WATCH_EVERY, also=plan)
    assert codes() == ["DATA-STALE"]


def test_a_practitioner_who_was_never_read_makes_the_data_stale(
    fake: FakeClinic, frozen_clock: FrozenClock
) -> None:
    def read_but_one() -> None:
        change(next_sync_at=clock.now() + timedelta(minutes=10))
        with writing() as session:
            session.execute(update(ScopeFreshness).values(as_of=clock.now()))
            session.execute(delete(ScopeFreshness).where(ScopeFreshness.pms_practitioner_id == "ben"))

    live_on(frozen_clock, soon(frozen_clock, minutes=32), also=read_but_one)
    assert codes() == ["DATA-STALE"]


def test_a_machine_that_wakes_up_puts_itself_right_without_an_alarm(
    fake: FakeClinic, frozen_clock: FrozenClock
) -> None:
    frozen_clock.advance(hours=3)
    incidents.look()  # the web process is a moment faster than the scheduler
    process_heartbeats.beat(process_heartbeats.SCHEDULER)
    (request,) = run_requests.request_due_runs()
    frozen_clock.advance(seconds=20)
    incidents.look()
    execute.execute_run(request.sync_id)
    live_on(frozen_clock, soon(frozen_clock, minutes=5))
    assert [row for row in rows() if row.opened_at is not None] == []


def test_a_dead_scheduler_explains_what_follows_from_it(fake: FakeClinic, frozen_clock: FrozenClock) -> None:
    live_on(frozen_clock, soon(frozen_clock, hours=1), each=timedelta(minutes=4), scheduler=False)
    assert codes() == ["SCHED-DEAD"]
    assert incidents.list_open()[0].path == "/settings/health"


def test_a_scheduler_is_missed_by_nobody_while_nothing_is_connected(
    app: Flask, frozen_clock: FrozenClock
) -> None:
    live_on(frozen_clock, soon(frozen_clock, hours=1), each=timedelta(minutes=5), scheduler=False)
    assert rows() == []


def test_a_run_that_nobody_does_is_told(fake: FakeClinic, frozen_clock: FrozenClock) -> None:
    fake.request()
    live_on(frozen_clock, soon(frozen_clock, minutes=4, seconds=40))
    assert codes() == []
    live_on(frozen_clock, soon(frozen_clock, minutes=1, seconds=20))
    assert codes() == ["QUEUE-STUCK"]


def test_a_run_that_waits_for_the_vendor_is_not_stuck(fake: FakeClinic, frozen_clock: FrozenClock) -> None:
    change(not_before=soon(frozen_clock, minutes=20), next_sync_at=soon(frozen_clock, minutes=20))
    fake.request()
    live_on(frozen_clock, soon(frozen_clock, minutes=19))
    assert codes() == []


def test_a_paused_connection_is_nobodys_trouble(fake: FakeClinic, frozen_clock: FrozenClock) -> None:
    change(paused_until=soon(frozen_clock, hours=5), paused_by="Mel", paused_reason="server moves")
    live_on(frozen_clock, soon(frozen_clock, hours=2), each=timedelta(minutes=5))
    assert rows() == []


def test_at_night_people_are_left_alone_and_told_before_they_open(
    fake: FakeClinic, practice: FakePractice, frozen_clock: FrozenClock
) -> None:
    practice.faults.lists[None] = (0, RetryLaterError("PMS-DOWN", pms="Fake"))
    frozen_clock.advance(hours=12)  # 21:00
    fake.sync()
    fake.sync()
    live_on(frozen_clock, soon(frozen_clock, hours=9, minutes=29), each=timedelta(minutes=5))
    assert codes() == []
    live_on(frozen_clock, soon(frozen_clock, minutes=2))  # 06:31
    assert codes() == ["PMS-DOWN"]


@pytest.mark.parametrize(
    ("task", "code", "runs_until_told"),
    [
        (retention.BACKUP, "BACKUP-FAILED", 2),
        (retention.RECEIPTS, "RECEIPT-DIFFERS", 1),
        (retention.DATABASE, "DATABASE-DAMAGED", 1),
        (retention.PURGE, "TASK-FAILED", 2),
    ],
)
def test_a_task_that_fails_is_told(
    fake: FakeClinic, frozen_clock: FrozenClock, task: str, code: str, runs_until_told: int
) -> None:
    def failed(times: int) -> None:
        with writing() as session:
            session.execute(delete(ScheduledTask).where(ScheduledTask.name == task))
            session.add(ScheduledTask(name=task, due_at=soon(frozen_clock, days=1), failures=times))

    failed(runs_until_told - 1)
    live_on(frozen_clock, soon(frozen_clock, minutes=16), each=timedelta(minutes=4), also=fake.sync)
    assert codes() == []
    failed(runs_until_told)
    live_on(frozen_clock, soon(frozen_clock, minutes=1), each=timedelta(seconds=30), also=fake.sync)
    assert codes() == [code]


def test_the_graver_trouble_comes_first(fake: FakeClinic, frozen_clock: FrozenClock) -> None:
    now = clock.now()
    with writing() as session:
        for subject, severity in (("task:a", "low"), ("scheduler", "high"), ("task:b", "medium")):
            session.add(
                Incident(
                    subject=subject,
                    code="TASK-FAILED",
                    severity=severity,
                    started_at=now,
                    last_seen_at=now,
                    opened_at=now,
                )
            )
    assert [incident.severity for incident in incidents.list_open()] == ["high", "medium", "low"]


def test_severity_follows_the_next_appointment_and_never_falls(
    fake: FakeClinic, practice: FakePractice, frozen_clock: FrozenClock
) -> None:
    practice.book("anna", fake.at("10:40"), ["ada"])
    fake.sync()
    practice.faults.lists[None] = (0, RetryLaterError("PMS-DOWN", pms="Fake"))
    fake.sync()
    fake.sync()
    seen = []
    for minute in range(0, 130, 10):
        live_on(frozen_clock, soon(frozen_clock, minutes=10), each=timedelta(minutes=5))
        severity = [incident.severity for incident in incidents.list_open()]
        seen.append((minute + 10, *severity))
    assert (10, "medium") in seen or (20, "medium") in seen
    assert (80, "high") in seen
    assert seen[-1] == (130, "high")


def an_incident(fake: FakeClinic, practice: FakePractice, frozen_clock: FrozenClock) -> IncidentView:
    practice.faults.lists[None] = (0, RetryLaterError("PMS-DOWN", pms="Fake"))
    fake.sync()
    fake.sync()
    live_on(frozen_clock, soon(frozen_clock, minutes=11))
    return incidents.list_open()[0]


def test_a_snooze_has_a_person_a_reason_and_an_end(
    fake: FakeClinic, practice: FakePractice, frozen_clock: FrozenClock
) -> None:
    found = an_incident(fake, practice, frozen_clock)
    until = soon(frozen_clock, hours=2)
    view = incidents.snooze(found.id, until, " they are on it ", MEL)
    assert (view.snoozed_until, view.snoozed_by, view.snoozed_reason) == (until, "Mel", "they are on it")
    assert audit.list_events()[0].action == "incident.snooze"
    assert incidents.list_open() == [view]  # still shown
    assert incidents.snooze(found.id, None, None, MEL).snoozed_until is None


@pytest.mark.parametrize(
    ("hours", "reason", "field"),
    [
        (-1, "fine words", "until"),
        (24 * 8, "fine words", "until"),
        (1, "  x ", "reason"),
        (1, None, "reason"),
    ],
)
def test_a_snooze_without_end_or_reason_is_refused(
    fake: FakeClinic,
    practice: FakePractice,
    frozen_clock: FrozenClock,
    hours: float,
    reason: str | None,
    field: str,
) -> None:
    found = an_incident(fake, practice, frozen_clock)
    with pytest.raises(Invalid) as refused:
        incidents.snooze(found.id, soon(frozen_clock, hours=hours), reason, MEL)
    assert set(refused.value.errors) == {field}


def test_what_is_over_or_unknown_cannot_be_snoozed(
    fake: FakeClinic, practice: FakePractice, frozen_clock: FrozenClock
) -> None:
    found = an_incident(fake, practice, frozen_clock)
    practice.faults.lists.clear()
    fake.sync()
    live_on(frozen_clock, soon(frozen_clock, minutes=5))
    with pytest.raises(Conflict):
        incidents.snooze(found.id, soon(frozen_clock, hours=1), "fine words", MEL)
    with pytest.raises(NotFound):
        incidents.snooze(999, soon(frozen_clock, hours=1), "fine words", MEL)


def test_it_is_gone_from_the_screen_at_once_and_kept_in_the_history(
    fake: FakeClinic, practice: FakePractice, frozen_clock: FrozenClock
) -> None:
    found = an_incident(fake, practice, frozen_clock)
    practice.faults.lists.clear()
    fake.sync()
    live_on(frozen_clock, soon(frozen_clock, seconds=80))
    assert incidents.list_open() == []
    live_on(frozen_clock, soon(frozen_clock, minutes=5))
    (kept,) = incidents.list_recent()
    assert (kept.id, kept.ended_at is not None) == (found.id, True)


def test_two_lookers_write_one_message(fake: FakeClinic, frozen_clock: FrozenClock) -> None:
    live_on(frozen_clock, soon(frozen_clock, minutes=3), each=incidents.WATCH_EVERY, scheduler=False)
    for _ in range(3):
        incidents.look()
        incidents.watch()
    assert len(rows()) == 1
    assert alerts.list_deliveries() == []  # nowhere to send to; the app itself shows it
    assert codes() == ["SCHED-DEAD"]


def test_a_plan_that_was_lost_is_told_when_nobody_mends_it(
    fake: FakeClinic, frozen_clock: FrozenClock
) -> None:
    def read_but_never_plan() -> None:
        with writing() as session:
            session.execute(update(ScopeFreshness).values(as_of=clock.now()))
        change(next_sync_at=None)

    live_on(frozen_clock, soon(frozen_clock, minutes=2), also=read_but_never_plan)
    assert codes() == ["NO-NEXT-RUN"]


def test_a_lost_plan_is_mended_by_the_scheduler(fake: FakeClinic, frozen_clock: FrozenClock) -> None:
    change(next_sync_at=None)
    run_requests.request_due_runs()
    with reading() as session:
        planned = session.scalar(select(PMSConnection.next_sync_at))
        asked = session.scalars(select(SyncRun).where(SyncRun.trigger == "schedule")).all()
    assert planned is not None
    assert frozen_clock.at < planned <= soon(frozen_clock, minutes=15)
    assert list(asked) == []
