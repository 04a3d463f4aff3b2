"""It runs by itself, and says so when it does not: nobody is left to find out by luck, nobody is told twice."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import select, update

from pmsapp import clock
from pmsapp.domain.actor import COMMAND_LINE, Actor
from pmsapp.domain.errors import RetryLaterError
from pmsapp.domain.schedule import longest_wait
from pmsapp.models import PMSConnection, SyncRun
from pmsapp.services.base.transaction import reading, writing
from pmsapp.services.clinic import clinic, opening_hours
from pmsapp.services.connections import connections
from pmsapp.services.connections.input import Pause
from pmsapp.services.maintenance import retention
from pmsapp.services.monitoring import (
    alerts,
    incidents,
    periodic_tasks,
    process_heartbeats,
    task_table,
)
from pmsapp.services.runs import history as run_history
from pmsapp.services.runs import requests as run_requests
from pmsapp.services.runs import waiting
from pmsapp.services.sync import execute
from pmsapp.settings import Settings
from tests.support.actors import Browser
from tests.support.clock import FrozenClock
from tests.support.fake_clinic import FakeClinic
from tests.support.fake_pms import FakePractice
from tests.support.watching import Receiver, live_on

MEL = Actor(kind="user", name="Mel", id=1, role="admin")
PMS_DOWN = RetryLaterError("PMS-DOWN", pms="Fake")
PERIOD = timedelta(minutes=15)
SignIn = Callable[..., Browser]


@pytest.fixture
def settings(make_settings: Callable[..., Settings], receiver: Receiver) -> Settings:
    return make_settings(alert_urls=(receiver.alert_url,))


@pytest.fixture
def fake(app: Flask, frozen_clock: FrozenClock, practice: FakePractice) -> FakeClinic:
    """A connection with a patient at 10:40, read at 09:00 on a Monday, in clinic hours."""
    clinic.ensure()
    made = FakeClinic(practice)
    practice.book("anna", made.at("10:40"), ["ada"])
    made.sync()
    process_heartbeats.beat(process_heartbeats.SCHEDULER)
    return made


def do_what_is_due() -> None:
    """What scheduler and worker do together."""
    run_requests.request_due_runs()
    for run in waiting.waiting_runs(for_at_least_s=0.0):
        execute.execute_run(run.id)


def kinds() -> list[str]:
    return [delivery.kind for delivery in reversed(alerts.list_deliveries())]


def until(frozen_clock: FrozenClock, **by: float) -> datetime:
    return frozen_clock.at + timedelta(**by)


def test_c10_a_dead_scheduler_is_told_on_every_sheet_by_one_badge_and_one_alert(
    fake: FakeClinic, frozen_clock: FrozenClock, receiver: Receiver, login: SignIn
) -> None:
    """The scheduler dies at 09:00 and takes everything with it but the web process."""
    frozen_clock.set(frozen_clock.at + 2 * PERIOD + timedelta(seconds=1))  # no fresh data for two periods
    live_on(frozen_clock, until(frozen_clock, minutes=1), each=incidents.WATCH_EVERY, scheduler=False)
    page = login("reception").get("/").text
    assert "Data as of" in page
    assert "09:00" in page
    assert "Automatic updates are not running" in page
    assert "Out of date: data from 09:00" in page  # the one badge
    assert receiver.titles == ["[pmsapp] pmsapp: Automatic updates are not running"]
    live_on(frozen_clock, until(frozen_clock, hours=5), each=timedelta(minutes=2), scheduler=False)
    assert kinds() == ["opening", "escalation"]


def test_c10_a_vendor_that_does_not_answer_is_told_with_the_reason(
    fake: FakeClinic,
    practice: FakePractice,
    frozen_clock: FrozenClock,
    receiver: Receiver,
    login: SignIn,
) -> None:
    practice.faults.lists[None] = (0, PMS_DOWN)
    stale_at = frozen_clock.at + 2 * PERIOD
    live_on(frozen_clock, stale_at + timedelta(minutes=1), also=do_what_is_due)
    page = login("reception").get("/").text
    assert "Fake is not answering" in page
    assert "09:00" in page
    assert receiver.titles == ["[pmsapp] practice: Fake is not answering"]
    message = receiver.got[0]["message"]
    assert f"/integrations/{fake.connection_id}/history" in message
    assert "Next appointment that depends on it: Mon 23 Nov 10:40" in message
    assert "Ada" not in repr(receiver.got)


def test_c18_every_connection_always_has_a_next_run_or_a_reason_with_author_and_end(
    fake: FakeClinic, practice: FakePractice, frozen_clock: FrozenClock
) -> None:
    """A day and a night in steps, with a failing vendor, a pause, a wait the vendor asked for, and a lost plan."""

    def holds() -> bool:
        view = connections.get_connection(fake.connection_id)
        if view.paused is not None:
            return bool(view.paused.by and view.paused.reason and view.paused.until > clock.now())
        if view.next_sync_at is None or not view.next_sync_reason:
            return False
        now = clock.now()
        with reading() as session:
            hours = opening_hours.clinic_hours(session, now)
            jitter = timedelta(seconds=clinic.get_clinic(session).jitter_s)
        return view.next_sync_at - now <= longest_wait(now, PERIOD, hours) + jitter

    def live(**by: float) -> None:
        end = until(frozen_clock, **by)
        while frozen_clock.at < end:
            frozen_clock.advance(minutes=3)
            do_what_is_due()
            assert holds(), frozen_clock.at

    live(hours=1)
    practice.faults.lists[None] = (0, PMS_DOWN)
    live(hours=1)
    practice.faults.lists[None] = (
        0,
        RetryLaterError("RATE-WAIT", pms="Fake", retry_at=until(frozen_clock, minutes=10)),
    )
    live(minutes=9)
    practice.faults.lists.clear()
    connections.update_connection(
        fake.connection_id, MEL, paused=Pause(until(frozen_clock, hours=2), "moving house")
    )
    live(hours=3)
    with writing() as session:
        session.execute(update(PMSConnection).values(next_sync_at=until(frozen_clock, days=30)))
    live(hours=11)


def test_c18_a_schedule_that_stopped_is_told_by_a_watch_outside_the_scheduler(
    fake: FakeClinic, frozen_clock: FrozenClock, receiver: Receiver
) -> None:
    """The scheduler lives and beats, but something keeps it from planning."""
    frozen_clock.advance(minutes=5)
    with writing() as session:
        session.execute(update(PMSConnection).values(next_sync_at=None))
    live_on(frozen_clock, until(frozen_clock, minutes=1), each=incidents.WATCH_EVERY)
    assert [incident.code for incident in incidents.list_open()] == ["NO-NEXT-RUN"]
    assert receiver.titles == ["[pmsapp] practice: Fake has no next update planned"]


def test_c25_three_hours_of_outage_are_one_opening_one_escalation_and_one_recovery(
    fake: FakeClinic, practice: FakePractice, frozen_clock: FrozenClock, receiver: Receiver
) -> None:
    """Twelve failed runs and more; the log of deliveries and a real receiver agree."""
    practice.faults.lists[None] = (0, PMS_DOWN)
    live_on(frozen_clock, until(frozen_clock, hours=3), also=do_what_is_due)
    failed = [run for run in run_history.list_runs(fake.connection_id).items if run.status == "failed"]
    assert len(failed) >= 12
    practice.faults.lists.clear()
    fake.sync()
    live_on(frozen_clock, until(frozen_clock, minutes=10))
    assert kinds() == ["opening", "escalation", "recovery"]
    assert receiver.titles == [
        "[pmsapp] practice: Fake is not answering",
        "[pmsapp] practice: Still: Fake is not answering",
        "[pmsapp] practice: Over: Fake is not answering",
    ]
    assert [delivery.state for delivery in alerts.list_deliveries()] == ["delivered"] * 3
    assert incidents.list_open() == []


def test_c25_an_outage_that_comes_and_goes_within_minutes_is_one_outage(
    fake: FakeClinic, practice: FakePractice, frozen_clock: FrozenClock, receiver: Receiver
) -> None:
    for _ in range(4):
        practice.faults.lists[None] = (0, PMS_DOWN)
        fake.sync()
        fake.sync()
        live_on(frozen_clock, until(frozen_clock, minutes=12))
        practice.faults.lists.clear()
        fake.sync()
        live_on(frozen_clock, until(frozen_clock, minutes=2))
    assert kinds() == ["opening"]
    live_on(frozen_clock, until(frozen_clock, minutes=3))
    assert kinds() == ["opening", "recovery"]


def test_c25_a_fault_that_lasts_one_run_is_no_alert(
    fake: FakeClinic, practice: FakePractice, frozen_clock: FrozenClock, receiver: Receiver
) -> None:
    def blip() -> None:
        if practice.faults.lists and fake.run(newest()).status == "failed":
            practice.faults.lists.clear()
        do_what_is_due()

    def newest() -> int:
        with reading() as session:
            return session.scalar(select(SyncRun.id).order_by(SyncRun.id.desc()).limit(1)) or 0

    practice.faults.lists[None] = (0, PMS_DOWN)
    live_on(frozen_clock, until(frozen_clock, hours=1), also=blip)
    statuses = [run.status for run in run_history.list_runs(fake.connection_id).items]
    assert statuses.count("failed") == 1
    assert receiver.got == []


def test_c25_a_weekly_self_test_proves_that_the_channel_still_delivers(
    fake: FakeClinic, frozen_clock: FrozenClock, receiver: Receiver
) -> None:
    periodic_tasks.declare()
    for _ in range(15):
        periodic_tasks.do_due()
        alerts.deliver_due()
        frozen_clock.advance(days=1)
    tests = [delivery for delivery in alerts.list_deliveries() if delivery.kind == alerts.SELF_TEST]
    assert len(tests) == 3  # at the first start, and each Monday after
    assert {test.state for test in tests} == {"delivered"}
    task = next(task for task in task_table.list_tasks() if task.name == retention.SELF_TEST)
    assert task.last_result == "sent to 1 channel"


def test_c25_a_channel_that_is_dead_is_told_in_the_app_itself_and_once_by_the_others(
    app: Flask,
    fake: FakeClinic,
    frozen_clock: FrozenClock,
    receiver: Receiver,
    make_settings: Callable[..., Settings],
) -> None:
    with Receiver() as dead:
        dead.status = 500
        app.extensions["pmsapp_settings"] = make_settings(alert_urls=(receiver.alert_url, dead.alert_url))
        alerts.send_test(COMMAND_LINE)
        live_on(frozen_clock, until(frozen_clock, hours=3), each=timedelta(minutes=2), also=do_what_is_due)
        assert [incident.code for incident in incidents.list_open()] == ["ALERT-FAILED"]
        assert [title for title in receiver.titles if "takes no alerts" in title] == [
            "[pmsapp] pmsapp: A channel takes no alerts any more"
        ]
        dead.status = 200
        alerts.send_test(COMMAND_LINE)
        live_on(frozen_clock, until(frozen_clock, minutes=6), also=do_what_is_due)
        assert incidents.list_open() == []
