"""Halaxy's webhooks end to end: something changes in the book, Halaxy delivers it, the next read shows it."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from html import unescape
from typing import Any

import pytest
import requests
from flask import Flask
from werkzeug.serving import make_server

from pmsapp.models import AuditEvent, SyncRun, WebhookEvent
from pmsapp.sandbox.halaxy.webhooks import Delivery, WebhookSender
from pmsapp.sandbox.server import SandboxServer
from pmsapp.services.runs import history as run_history
from pmsapp.services.sync import execute
from tests.support.actors import browser_for
from tests.support.connecting import count
from tests.vendors.clinics import ConnectedClinic

EVENTS = ("appointment-create", "appointment-update", "appointment-delete")


@pytest.fixture
def address(app: Flask) -> Iterator[str]:
    """The app on a port of its own."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()
    thread.join(5)
    server.server_close()


@pytest.fixture
def clinic(app: Flask, sandbox: SandboxServer) -> ConnectedClinic:
    """Halaxy, connected and read once."""
    clinic = ConnectedClinic(app, sandbox, "halaxy")
    clinic.match_everybody()
    assert clinic.start().status == "success"
    return clinic


@pytest.fixture
def halaxy(sandbox: SandboxServer) -> WebhookSender:
    server: Any = sandbox.sandbox.servers["halaxy"]
    sender: WebhookSender = server.webhooks
    return sender


class Office:
    """What somebody types into Halaxy's form: the addresses and the header from our page."""

    def __init__(self, app: Flask, clinic: ConnectedClinic, address: str) -> None:
        path = f"/integrations/{clinic.connection_id}"
        page = unescape(browser_for(app, "admin").post(f"{path}/webhook-secret").text)
        found = re.findall(r"<code>[^<]*(/webhooks/\d+/([a-z-]+))</code>", page)
        self.urls = {event: address + where for where, event in found}
        header = re.search(r"<code>(Bearer \S+)</code>", page)
        assert header is not None
        self.header = header.group(1)

    def set_up(self, halaxy: WebhookSender, header: str | None = None) -> None:
        for event in EVENTS:
            halaxy.add(event, self.urls[event], self.header if header is None else header)


@pytest.fixture
def office(app: Flask, clinic: ConnectedClinic, address: str) -> Office:
    return Office(app, clinic, address)


def a_booking(clinic: ConnectedClinic, number: int = 0) -> str:
    """One of today's cards that lies ahead, by the appointment's id."""
    cards = [card for card in clinic.sheet().cards if card.appointment_status == "booked"]
    return str(cards[number].pms_appointment_id)


def do_queued(clinic: ConnectedClinic) -> str:
    """Do the run a webhook asked for. Returns who started it."""
    current = run_history.list_runs(clinic.connection_id).current
    assert current is not None
    execute.execute_run(current.id)
    done = run_history.get_run(clinic.connection_id, current.id)
    assert done.status == "success"
    return done.trigger


def presence_of(clinic: ConnectedClinic, appointment_id: str) -> set[str]:
    sheet = clinic.sheet()
    every = [*sheet.cards, *(sheet.not_shown_cards or ())]
    return {str(card.presence) for card in every if card.pms_appointment_id == appointment_id}


def statuses(deliveries: list[Delivery]) -> list[int]:
    return [delivery.status for delivery in deliveries]


def test_a_change_in_halaxy_is_on_the_sheet_after_the_run_it_asked_for(
    clinic: ConnectedClinic, halaxy: WebhookSender, office: Office, sandbox: SandboxServer
) -> None:
    office.set_up(halaxy)
    off, gone = a_booking(clinic, 0), a_booking(clinic, 1)
    asked = sandbox.requests.count()
    sandbox.clinic.cancel(off)
    sandbox.clinic.delete(gone)
    assert statuses(halaxy.flush()) == [202, 202]
    assert sandbox.requests.count() == asked, "the answer does not wait for a read"
    assert presence_of(clinic, off) == {"on_sheet"}
    assert do_queued(clinic) == "webhook"
    assert presence_of(clinic, off) == {"cancelled"}
    assert presence_of(clinic, gone) == {"deleted"}


def test_a_burst_of_changes_is_one_run(
    clinic: ConnectedClinic, halaxy: WebhookSender, office: Office, sandbox: SandboxServer
) -> None:
    office.set_up(halaxy)
    before = count(SyncRun)
    for number in range(8):
        sandbox.clinic.cancel(a_booking(clinic, number))
    assert statuses(halaxy.flush()) == [202] * 8
    assert count(SyncRun) == before + 1
    assert count(WebhookEvent) == 8


def test_a_delivery_that_comes_twice_counts_once(
    clinic: ConnectedClinic, halaxy: WebhookSender, office: Office, sandbox: SandboxServer
) -> None:
    office.set_up(halaxy)
    sandbox.faults.set("webhook_twice")
    sandbox.clinic.cancel(a_booking(clinic))
    first, second = halaxy.flush()
    assert (first.event_id, first.status) == (second.event_id, second.status)
    assert first.status == 202
    assert count(WebhookEvent) == 1
    do_queued(clinic)
    assert run_history.list_runs(clinic.connection_id).current is None


def test_deliveries_out_of_order_end_the_same(
    clinic: ConnectedClinic, halaxy: WebhookSender, office: Office, sandbox: SandboxServer
) -> None:
    office.set_up(halaxy)
    sandbox.faults.set("webhook_reorder")
    booking = a_booking(clinic)
    sandbox.clinic.cancel(booking)
    sandbox.clinic.set_status(booking, "confirmed")
    assert statuses(halaxy.flush()) == [202, 202]
    do_queued(clinic)
    (card,) = [card for card in clinic.sheet().cards if card.pms_appointment_id == booking]
    assert card.appointment_status == "confirmed"


def traces() -> tuple[int, int, int]:
    return count(SyncRun), count(WebhookEvent), count(AuditEvent)


@pytest.mark.parametrize("header", ["", "Bearer wrong", "wrong"])
def test_a_knock_with_another_header_is_refused_and_leaves_no_trace(
    header: str, clinic: ConnectedClinic, halaxy: WebhookSender, office: Office, sandbox: SandboxServer
) -> None:
    office.set_up(halaxy, header)
    before = traces()
    sandbox.clinic.cancel(a_booking(clinic))
    assert statuses(halaxy.flush()) == [401]
    assert traces() == before


def test_nobody_can_tell_a_wrong_header_from_a_connection_that_is_not_there(
    clinic: ConnectedClinic, office: Office
) -> None:
    url = office.urls["appointment-update"]
    number = str(clinic.connection_id)
    before = traces()
    answers = [
        requests.post(where, data=b"{}", headers={"Authorization": header}, timeout=10)
        for where, header in (
            (url, "Bearer wrong"),
            (url.replace(f"/webhooks/{number}/", "/webhooks/4711/"), office.header),
            (url.replace("appointment-update", "invoice-create"), office.header),
        )
    ]
    assert {answer.status_code for answer in answers} == {401}
    assert len({answer.content for answer in answers}) == 1
    assert traces() == before
