"""Alerts as email, over real SMTP to a server of the test's own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from flask import Flask

from pmsapp.domain.actor import COMMAND_LINE
from pmsapp.domain.errors import RetryLaterError
from pmsapp.services.clinic import clinic
from pmsapp.services.monitoring import alerts, process_heartbeats
from pmsapp.services.runs import history as run_history
from pmsapp.services.runs import requests as run_requests
from pmsapp.services.runs import waiting
from pmsapp.services.sync import execute
from pmsapp.settings import Settings
from tests.support.clock import FrozenClock
from tests.support.fake_clinic import FakeClinic
from tests.support.fake_pms import FakePractice
from tests.support.watching import MailServer, live_on


@pytest.fixture
def mail() -> Iterator[MailServer]:
    with MailServer() as made:
        yield made


@pytest.fixture
def settings(make_settings: Callable[..., Settings], mail: MailServer) -> Settings:
    return make_settings(alert_urls=(mail.alert_url,), trusted_hosts=("sheet.clinic.example",))


def subjects(mail: MailServer) -> list[str]:
    return [str(message["Subject"]) for message in mail.got]


def test_the_test_button_sends_a_mail(app: Flask, mail: MailServer, frozen_clock: FrozenClock) -> None:
    (sent,) = alerts.send_test(COMMAND_LINE)
    assert (sent.state, sent.channel) == ("delivered", "mailto 1")
    (got,) = mail.got
    assert (got["Subject"], got["To"]) == ("[pmsapp] Test message", "mel@clinic.example")
    text = got.get_body(("plain", "html")).get_content()  # type: ignore[union-attr]
    assert "command line asked for this test. Nothing is wrong." in text
    assert "https://sheet.clinic.example/settings/alerts" in text


def test_a_mail_server_that_refuses_is_logged_and_tried_again(
    app: Flask, mail: MailServer, frozen_clock: FrozenClock
) -> None:
    mail.refuses = True
    (sent,) = alerts.send_test(COMMAND_LINE)
    assert (sent.state, sent.note) == ("waiting", "the channel did not take the message")
    mail.refuses = False
    frozen_clock.advance(minutes=1)
    assert alerts.deliver_due() == 1
    (line,) = alerts.list_deliveries()
    assert (line.state, line.tries) == ("delivered", 2)
    assert subjects(mail) == ["[pmsapp] Test message"]


def test_three_hours_of_outage_are_three_mails(
    app: Flask, mail: MailServer, practice: FakePractice, frozen_clock: FrozenClock
) -> None:
    clinic.ensure()
    fake = FakeClinic(practice)
    practice.book("anna", fake.at("10:40"), ["ada"])
    fake.sync()
    process_heartbeats.beat(process_heartbeats.SCHEDULER)

    def do_what_is_due() -> None:
        run_requests.request_due_runs()
        for run in waiting.waiting_runs(for_at_least_s=0.0):
            execute.execute_run(run.id)

    practice.faults.lists[None] = (0, RetryLaterError("PMS-DOWN", pms="Fake"))
    live_on(frozen_clock, frozen_clock.at + timedelta(hours=3), also=do_what_is_due)
    assert (
        len([run for run in run_history.list_runs(fake.connection_id).items if run.status == "failed"]) >= 12
    )
    practice.faults.lists.clear()
    fake.sync()
    live_on(frozen_clock, frozen_clock.at + timedelta(minutes=10))
    assert subjects(mail) == [
        "[pmsapp] practice: Fake is not answering",
        "[pmsapp] practice: Still: Fake is not answering",
        "[pmsapp] practice: Over: Fake is not answering",
    ]
    assert [(delivery.kind, delivery.state) for delivery in reversed(alerts.list_deliveries())] == [
        ("opening", "delivered"),
        ("escalation", "delivered"),
        ("recovery", "delivered"),
    ]
    assert not any(word in str(message) for message in mail.got for word in ("Ada", "Alder"))
