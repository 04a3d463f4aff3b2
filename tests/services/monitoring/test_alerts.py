"""Messages to people outside: written with the decision, sent once, tried again, logged; no address, no patient."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime

import pytest
from flask import Flask
from sqlalchemy import update

from pmsapp import clock
from pmsapp.domain.actor import COMMAND_LINE
from pmsapp.models import AlertDelivery, Incident
from pmsapp.services.base import audit
from pmsapp.services.base.transaction import reading, writing
from pmsapp.services.monitoring import alerts
from pmsapp.services.monitoring.alerts import AlertMessage
from pmsapp.settings import Settings
from tests.support.clock import FrozenClock
from tests.support.watching import Receiver

NOTICE = AlertMessage("Gentu: Gentu is not answering", "Since Mon 23 Nov 09:02.", "/integrations/1/history")

pytestmark = pytest.mark.usefixtures("app")


@pytest.fixture
def settings(make_settings: Callable[..., Settings], receiver: Receiver) -> Settings:
    return make_settings(alert_urls=(receiver.alert_url,), trusted_hosts=("sheet.clinic.example",))


def post(kind: str = "opening", incident_id: int | None = None) -> None:
    with writing() as session:
        alerts.post(session, kind, NOTICE, incident_id=incident_id)


def an_incident(now: datetime) -> int:
    with writing() as session:
        row = Incident(
            subject="x", code="BUG", severity="low", started_at=now, last_seen_at=now, opened_at=now
        )
        session.add(row)
        session.flush()
        return row.id


def states() -> list[tuple[str, str]]:
    return [(delivery.kind, delivery.state) for delivery in reversed(alerts.list_deliveries())]


def test_a_message_is_delivered_once_and_logged(receiver: Receiver, frozen_clock: FrozenClock) -> None:
    post()
    assert states() == [("opening", "waiting")]
    assert alerts.deliver_due() == 1
    assert alerts.deliver_due() == 0
    assert receiver.titles == ["[pmsapp] Gentu: Gentu is not answering"]
    (line,) = alerts.list_deliveries()
    assert (line.state, line.channel, line.tries, line.next_try_at) == ("delivered", "json 1", 1, None)


def test_it_links_to_the_page_that_helps(receiver: Receiver, frozen_clock: FrozenClock) -> None:
    post()
    alerts.deliver_due()
    assert receiver.got[0]["message"].endswith("https://sheet.clinic.example/integrations/1/history")


def test_a_channel_that_refuses_is_tried_again_ever_later_and_then_given_up(
    receiver: Receiver, frozen_clock: FrozenClock
) -> None:
    receiver.status = 500
    post()
    waits = []
    while True:
        alerts.deliver_due()
        (line,) = alerts.list_deliveries()
        if line.next_try_at is None:
            break
        waits.append(line.next_try_at - frozen_clock.at)
        frozen_clock.set(line.next_try_at)
    assert waits == list(alerts.TRY_AGAIN_AFTER)
    assert (line.state, line.tries, line.note) == ("failed", 5, "the channel did not take the message")
    assert len(receiver.paths) == 5
    with reading() as session:
        assert alerts.failed_channels(session) == ["json 1"]


def test_a_later_success_puts_the_channel_right(receiver: Receiver, frozen_clock: FrozenClock) -> None:
    with writing() as session:
        alerts.post(session, "opening", NOTICE)
        session.execute(update(AlertDelivery).values(next_try_at=None, note="refused"))
        assert alerts.failed_channels(session) == ["json 1"]
    alerts.send_test(COMMAND_LINE)
    with reading() as session:
        assert alerts.failed_channels(session) == []


def test_a_sender_that_dies_in_the_middle_leaves_the_message_to_others(
    receiver: Receiver, frozen_clock: FrozenClock
) -> None:
    post()
    (line,) = alerts.list_deliveries()
    assert alerts._take(line.id) is not None  # and then the process is gone
    assert alerts.deliver_due() == 0
    frozen_clock.advance(seconds=alerts.SENDING_TAKES.total_seconds())
    assert alerts.deliver_due() == 1
    assert len(receiver.got) == 1


def test_of_many_senders_one_sends(app: Flask, receiver: Receiver) -> None:
    """All find the message waiting; the database gives it to one."""
    post()
    at_once = threading.Barrier(4)

    def send() -> None:
        with app.app_context():
            at_once.wait(20)
            alerts.deliver_due()

    senders = [threading.Thread(target=send) for _ in range(4)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join(30)
    assert len(receiver.got) == 1


def test_the_end_is_told_to_those_who_heard_the_beginning(
    receiver: Receiver, frozen_clock: FrozenClock
) -> None:
    incident_id = an_incident(frozen_clock.at)
    post(incident_id=incident_id)
    alerts.deliver_due()
    with writing() as session:
        alerts.post_recovery(session, NOTICE, incident_id)
    alerts.deliver_due()
    assert states() == [("opening", "delivered"), ("recovery", "delivered")]


def test_what_could_not_be_told_in_time_is_not_told_afterwards(
    receiver: Receiver, frozen_clock: FrozenClock
) -> None:
    receiver.status = 503
    incident_id = an_incident(frozen_clock.at)
    post(incident_id=incident_id)
    alerts.deliver_due()
    with writing() as session:
        alerts.post_recovery(session, NOTICE, incident_id)
    receiver.status = 200
    frozen_clock.advance(hours=5)
    assert alerts.deliver_due() == 0
    assert receiver.got == []
    (line,) = alerts.list_deliveries()
    assert (line.state, line.note) == ("failed", alerts.NOT_NEEDED)
    with reading() as session:
        assert alerts.failed_channels(session) == []


def test_the_test_button_says_who_pressed_it_and_is_audited(
    receiver: Receiver, frozen_clock: FrozenClock
) -> None:
    (line,) = alerts.send_test(COMMAND_LINE)
    assert (line.kind, line.state) == ("test", "delivered")
    assert "command line asked for this test" in receiver.got[0]["message"]
    assert audit.list_events()[0].action == "alert.test"


def test_the_weekly_self_test_reaches_every_channel(receiver: Receiver, frozen_clock: FrozenClock) -> None:
    assert alerts.self_test() == "sent to 1 channel"
    alerts.deliver_due()
    assert states() == [("self-test", "delivered")]


def test_the_log_names_channels_and_never_their_addresses(
    make_settings: Callable[..., Settings], app: Flask, frozen_clock: FrozenClock
) -> None:
    secret = "mailto://mel:hunter2@example.org?to=boss@example.org"
    app.extensions["pmsapp_settings"] = make_settings(alert_urls=(secret, "carrierpigeon://loft"))
    assert alerts.channels() == ["mailto 1", "carrierpigeon 2"]
    post()
    with writing() as session:
        session.execute(
            update(AlertDelivery).where(AlertDelivery.channel == "mailto 1").values(delivered=True)
        )
    alerts.deliver_due()
    log = repr(alerts.list_deliveries())
    assert "hunter2" not in log
    assert "example.org" not in log
    assert "the address of this channel is not understood" in log


def test_a_channel_taken_out_of_the_settings_is_left_alone(
    make_settings: Callable[..., Settings], app: Flask, frozen_clock: FrozenClock
) -> None:
    post()
    app.extensions["pmsapp_settings"] = make_settings(alert_urls=())
    alerts.deliver_due()
    (line,) = alerts.list_deliveries()
    assert (line.state, line.note) == ("failed", "this channel is no longer set up")
    with reading() as session:
        assert alerts.failed_channels(session) == []


def test_a_channel_that_hangs_gives_up_by_itself(frozen_clock: FrozenClock) -> None:
    """Its library has time-outs of its own; nothing of ours waits for ever."""
    import apprise

    plugin = apprise.Apprise.instantiate("json://127.0.0.1:9/")
    assert plugin.socket_connect_timeout <= 10
    assert plugin.socket_read_timeout <= 10


def test_nothing_is_written_where_no_channel_is_set_up(
    make_settings: Callable[..., Settings], app: Flask, frozen_clock: FrozenClock
) -> None:
    app.extensions["pmsapp_settings"] = make_settings()
    post()
    assert alerts.list_deliveries() == []
    assert alerts.send_test(COMMAND_LINE) == []
    assert alerts.self_test() == "no channel is set up"


def test_the_log_is_read_in_pages(receiver: Receiver, frozen_clock: FrozenClock) -> None:
    for _ in range(5):
        post()
    first = alerts.list_deliveries(limit=3)
    rest = alerts.list_deliveries(limit=3, before_id=first[-1].id)
    assert [delivery.id for delivery in first + rest] == [5, 4, 3, 2, 1]
    assert all(delivery.at == clock.now() for delivery in first)
