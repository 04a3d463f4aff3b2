"""The webhooks that Halaxy's server sends out when something changes in the clinic."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import requests

from pmsapp.sandbox.clinic.model import SandboxError
from pmsapp.sandbox.halaxy.server import HalaxyServer
from pmsapp.sandbox.halaxy.webhooks import SETUP_PATH, WebhookSender
from pmsapp.sandbox.server import SandboxServer
from tests.sandbox.conftest import MONDAY, StandingClock


class Receiver:
    """Keeps what is posted to it; answers 202."""

    def __init__(self) -> None:
        self.got: list[tuple[str, str, Any]] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.got.append((self.path, self.headers.get("Authorization", ""), json.loads(body)))
                self.send_response(202)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                return

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hooks"
        threading.Thread(
            target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        ).start()

    def resources(self) -> list[str]:
        """What each delivery is about, in the order they came."""
        return [
            body["entry"][0]["resource"]["notificationEvent"][0]["focus"]["reference"].rpartition("/")[2]
            for _, _, body in self.got
        ]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    yield receiver
    receiver.server.shutdown()
    receiver.server.server_close()


@pytest.fixture
def server(now: StandingClock) -> Iterator[SandboxServer]:
    with SandboxServer(now=now, vendors=("halaxy",)) as running:
        yield running


@pytest.fixture
def hooks(server: SandboxServer) -> WebhookSender:
    halaxy = server.sandbox.servers["halaxy"]
    assert isinstance(halaxy, HalaxyServer)
    return halaxy.webhooks


def row_keys(server: SandboxServer, count: int) -> list[str]:
    rows = [row for row in server.clinic.appointments_on(MONDAY) if row.patient_keys and row.practitioner_key]
    return [row.key for row in rows[:count]]


def halaxy_id(server: SandboxServer, key: str) -> str:
    return server.clinic.appointment_id("halaxy", server.clinic.appointment(key))


def test_each_change_rings_at_the_address_of_its_event(
    server: SandboxServer, hooks: WebhookSender, receiver: Receiver
) -> None:
    for event in ("create", "update", "delete"):
        hooks.add(f"appointment-{event}", f"{receiver.url}/{event}", "Bearer s3cret")
    hooks.add("patient-update", f"{receiver.url}/patient")
    moved, gone = row_keys(server, 2)
    gone_id = halaxy_id(server, gone)
    booked = server.clinic.book("odwyer", "phone", "2026-11-23T07:00", server.clinic.patients()[40].key)
    server.clinic.move(moved, at="07:10")
    server.clinic.delete(gone)
    patient = server.clinic.edit_patient("bare", phone="0491 570 006")
    server.clinic.add_type("Rings nobody")
    assert {each.status for each in hooks.flush()} == {202}
    assert [(path, header) for path, header, _ in receiver.got] == [
        ("/hooks/create", "Bearer s3cret"),
        ("/hooks/update", "Bearer s3cret"),
        ("/hooks/delete", "Bearer s3cret"),
        ("/hooks/patient", ""),
    ]
    assert receiver.resources() == [
        booked.ids["halaxy"],
        halaxy_id(server, moved),
        gone_id,
        patient.ids["halaxy"],
    ]


def test_a_notification_is_thin_and_does_not_say_what_happened(
    server: SandboxServer, hooks: WebhookSender, receiver: Receiver
) -> None:
    hooks.add("appointment-delete", receiver.url)
    server.clinic.delete(row_keys(server, 1)[0])
    hooks.flush()
    body = receiver.got[0][2]
    assert (body["resourceType"], body["type"]) == ("Bundle", "history")
    status = body["entry"][0]["resource"]
    assert status["resourceType"] == "SubscriptionStatus"
    assert status["eventsSinceSubscriptionStart"] == "0"
    assert status["notificationEvent"][0]["focus"]["type"] == "Appointment"
    assert "delete" not in json.dumps(body)


def test_nothing_is_sent_to_nobody_and_a_removed_webhook_is_silent(
    server: SandboxServer, hooks: WebhookSender, receiver: Receiver
) -> None:
    hook = hooks.add("appointment-update", receiver.url)
    hooks.remove(hook.id)
    server.clinic.cancel(row_keys(server, 1)[0])
    assert hooks.flush() == []
    assert receiver.got == []


def test_webhooks_can_come_twice(server: SandboxServer, hooks: WebhookSender, receiver: Receiver) -> None:
    hooks.add("appointment-update", receiver.url)
    server.faults.set("webhook_twice")
    server.clinic.cancel(row_keys(server, 1)[0])
    hooks.flush()
    first, second = (body for _, _, body in receiver.got)
    assert first == second


def test_webhooks_can_come_in_the_opposite_order(
    server: SandboxServer, hooks: WebhookSender, receiver: Receiver
) -> None:
    hooks.add("appointment-update", receiver.url)
    server.faults.set("webhook_reorder", count=2)
    keys = row_keys(server, 3)
    for key in keys:
        server.clinic.cancel(key)
    hooks.flush()
    first, second, third = (halaxy_id(server, key) for key in keys)
    assert receiver.resources() == [second, first, third]


def test_a_receiver_that_is_not_there_is_noted_and_not_tried_again(
    server: SandboxServer, hooks: WebhookSender
) -> None:
    hooks.add("appointment-update", "http://127.0.0.1:9/hooks")
    server.clinic.cancel(row_keys(server, 1)[0])
    assert [each.status for each in hooks.flush()] == [0]


@pytest.mark.parametrize(
    ("event", "url"),
    [
        ("appointment.created", "http://127.0.0.1/x"),
        ("appointment-update", "https://example.org/x"),
        ("appointment-update", "http://example.org/x"),
        ("appointment-update", "file:///etc/passwd"),
    ],
)
def test_a_webhook_needs_a_known_event_and_stays_on_this_machine(
    hooks: WebhookSender, event: str, url: str
) -> None:
    with pytest.raises(SandboxError):
        hooks.add(event, url)


def test_webhooks_are_set_up_by_json_outside_the_api(server: SandboxServer, receiver: Receiver) -> None:
    url = server.url + SETUP_PATH
    made = requests.post(url, json={"event": "appointment-update", "url": receiver.url}, timeout=5)
    assert made.json()["webhooks"] == [{"id": 1, "event": "appointment-update", "url": receiver.url}]
    assert requests.post(url, json={"event": "x", "url": receiver.url}, timeout=5).status_code == 422
    assert requests.post(url, data={"event": "appointment-update"}, timeout=5).status_code == 422
    assert requests.delete(url, params={"id": 1}, timeout=5).json()["webhooks"] == []


def test_a_reset_forgets_the_webhooks(
    server: SandboxServer, hooks: WebhookSender, receiver: Receiver
) -> None:
    hooks.add("appointment-update", receiver.url, "secret")
    assert "secret" not in repr(hooks.hooks())
    server.sandbox.reset()
    assert hooks.hooks() == []
