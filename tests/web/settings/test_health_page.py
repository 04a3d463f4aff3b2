"""The health page in words and small drawings, and what the settings pages let an administrator do about alerts."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from flask import Flask

from pmsapp import clock
from pmsapp.domain.actor import COMMAND_LINE
from pmsapp.domain.errors import RetryLaterError
from pmsapp.models import Incident
from pmsapp.services.base import metrics
from pmsapp.services.base.transaction import writing
from pmsapp.services.clinic import clinic
from pmsapp.services.monitoring import alerts, incidents, periodic_tasks, process_heartbeats
from pmsapp.services.runs import queue as run_queue
from pmsapp.services.runs.last_24h import EndedRun
from pmsapp.settings import Settings
from pmsapp.web.settings import plots
from tests.support.actors import Browser
from tests.support.clock import MONDAY_9AM, FrozenClock
from tests.support.fake_clinic import FakeClinic
from tests.support.fake_pms import FakePractice
from tests.support.watching import Receiver

ZONE = "Australia/Melbourne"


@pytest.fixture
def settings(make_settings: Callable[..., Settings], receiver: Receiver) -> Settings:
    return make_settings(alert_urls=(receiver.alert_url,))


@pytest.fixture
def fake(app: Flask, frozen_clock: FrozenClock, practice: FakePractice) -> FakeClinic:
    clinic.ensure()
    return FakeClinic(practice)


def an_incident(now: datetime, **values: object) -> int:
    with writing() as session:
        row = Incident(
            **{
                "subject": "scheduler",
                "code": "SCHED-DEAD",
                "severity": "high",
                "started_at": now,
                "last_seen_at": now,
                "opened_at": now,
                **values,
            }
        )
        session.add(row)
        session.flush()
        return row.id


def test_the_page_says_how_everything_is_and_draws_the_last_day(
    fake: FakeClinic,
    practice: FakePractice,
    frozen_clock: FrozenClock,
    login: Callable[..., Browser],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fake.sync()
    practice.faults.lists[None] = (0, RetryLaterError("PMS-DOWN", pms="Fake"))
    frozen_clock.advance(minutes=15)
    fake.sync()
    process_heartbeats.beat(process_heartbeats.SCHEDULER)
    periodic_tasks.declare()
    periodic_tasks.do_due()
    metrics.current().vendor_request("gentu", "appointments", 429, 0.1)
    metrics.flush()
    an_incident(clock.now())
    failed = run_queue.FailedJob(7, clock.now())
    monkeypatch.setattr(
        run_queue, "get_state", lambda: run_queue.QueueState(answers=True, waiting=2, failed=(failed,))
    )
    page = login("admin").get("/settings/health").text
    assert "Something is wrong now." in page
    assert "2 updates in the last 24 hours: 1 good and 1 failed." in page
    assert re.search(r"Next update 09:1[56], (trying again|every 15 minutes in clinic hours)\.", page)
    assert page.count("<rect") == 2
    assert 'class="stop"' in page
    assert re.search(r'<svg class="plot"[^>]* role="img" aria-label="practice: 2 updates', page)
    assert "It answers. 2 updates waiting in it. 1 job failed within a week." in page
    assert "Check token age" in page
    assert "1 told to wait (429)." in page
    assert "style=" not in page


def test_the_page_works_before_anything_has_happened(app: Flask, login: Callable[..., Browser]) -> None:
    page = login("admin").get("/settings/health")
    assert page.status_code == 200
    assert "It does not answer; the scheduler performs the updates itself." in page.text


def test_a_day_without_updates_says_so() -> None:
    plot = plots.day_plot([], MONDAY_9AM, ZONE)
    assert plot.words == "No update has ended in the last 24 hours."
    assert (plot.bars, plot.age_points) == ((), "")


def test_bars_stand_where_runs_ended_and_are_as_tall_as_they_took() -> None:
    runs = [
        EndedRun(1, "success", MONDAY_9AM - timedelta(hours=12), 1.0),
        EndedRun(1, "failed", MONDAY_9AM - timedelta(hours=6), 4.0),
    ]
    plot = plots.day_plot(runs, MONDAY_9AM, ZONE)
    assert [bar.x for bar in plot.bars] == [plots.WIDTH / 2, plots.WIDTH * 0.75]
    assert [bar.tone for bar in plot.bars] == ["good", "stop"]
    assert plot.bars[1].height == plots.HEIGHT
    assert plot.bars[0].title == "21:00 good, 1.0 s"
    assert plot.words.endswith("Half of them took at most 4.0 s, the longest 4.0 s.")


def test_the_age_of_the_data_rises_until_everything_was_read() -> None:
    runs = [
        EndedRun(1, "success", MONDAY_9AM - timedelta(hours=2), 1.0),
        EndedRun(1, "partial", MONDAY_9AM - timedelta(hours=1), 1.0),
    ]
    points = [
        tuple(map(float, pair.split(",")))
        for pair in plots.day_plot(runs, MONDAY_9AM, ZONE).age_points.split()
    ]
    assert points == [(660.0, 64.0), (720.0, 0.0)]


def test_a_silence_is_as_long_as_chosen_and_ends_on_demand(
    app: Flask, frozen_clock: FrozenClock, admin: Browser
) -> None:
    found = an_incident(clock.now())
    where = f"/settings/alerts/{found}/snooze"
    assert admin.post(where, data={"reason": "they are on it", "hours": "8"}).status_code == 303
    (view,) = incidents.list_open()
    assert view.snoozed_until == clock.now() + timedelta(hours=8)
    assert "Silent until 17:00" in admin.get("/settings/alerts").text
    admin.post(where)
    assert incidents.list_open()[0].snoozed_until is None
    refused = admin.post(where, data={"reason": " ", "hours": "8"})
    assert refused.status_code == 422
    assert "Say in a few words why" in refused.text


def test_the_test_button_shows_what_came_of_it(app: Flask, admin: Browser, receiver: Receiver) -> None:
    assert "Every channel delivered the test message." in admin.post("/settings/alerts/test").text
    assert receiver.titles == ["[pmsapp] Test message"]
    receiver.status = 500
    assert "Not delivered by json 1." in admin.post("/settings/alerts/test").text
    assert len(alerts.list_deliveries()) == 2
    assert receiver.alert_url not in admin.get("/settings/alerts").text


def test_the_clinics_page_names_the_next_public_holidays(
    app: Flask, frozen_clock: FrozenClock, admin: Browser
) -> None:
    clinic.ensure()
    assert "Closed next: Christmas Day, Fri 25 Dec" in admin.get("/settings/clinic").text
    clinic.update_clinic(COMMAND_LINE, state="")
    assert "Closed next" not in admin.get("/settings/clinic").text
