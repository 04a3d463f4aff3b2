"""Errors reported to a Sentry server carry what a log line carries and nothing of the patient or the request."""

from __future__ import annotations

import gzip
import json
import logging
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import sentry_sdk
from flask import Flask

from pmsapp.domain.errors import ConfigurationError
from pmsapp.observability import logs, sentry
from pmsapp.services.sheet import days
from pmsapp.settings import Settings
from tests.support.actors import Browser

PATIENT = "Zzyzx Quux"
TYPED = "typedwords"


class Receiver(ThreadingHTTPServer):
    """Takes what a Sentry server takes."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.bodies: list[str] = []

    @property
    def dsn(self) -> str:
        return f"http://publickey@127.0.0.1:{self.server_address[1]}/7"

    @property
    def events(self) -> list[dict[str, Any]]:
        """The event of each envelope: its headers, the item's headers, the item."""
        return [json.loads(body.split("\n")[2]) for body in self.bodies]


class _Answer(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        self.server.bodies.append(body.decode())
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args: Any) -> None:
        """Say nothing."""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture(autouse=True)
def _nothing_left_behind() -> Iterator[None]:
    root = logging.getLogger()
    handlers = root.handlers[:]
    yield
    sentry_sdk.get_client().close(timeout=0.1)
    # No client at all: one without an address still records every statement and every request of the tests to come.
    sentry_sdk.get_global_scope().set_client(None)
    root.handlers[:] = handlers


def reporting_to(settings: Settings, dsn: str) -> None:
    sentry.start(settings.model_copy(update={"sentry_dsn": dsn}))


def fail(*args: Any, **more: Any) -> Any:
    patient = PATIENT
    raise ValueError(f"could not show {patient}")


def test_a_failing_page_is_reported_without_patient_or_request(
    app: Flask, settings: Settings, reception: Browser, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    reporting_to(settings, receiver.dsn)
    monkeypatch.setattr(days, "read_day", fail)
    answer = reception.get(f"/sheet/2026-11-23?q={TYPED}", headers={"X-Note": TYPED})
    assert answer.status_code == 500
    reception.post("/cards/new", data={"date": "2026-11-23", "patient_name": TYPED})
    sentry.flush()

    event = receiver.events[0]
    last = event["exception"]["values"][-1]
    assert (last["type"], last["value"]) == ("ValueError", "")
    frame = last["stacktrace"]["frames"][-1]
    assert frame["filename"].endswith("tests/observability/test_sentry.py")
    assert frame["function"] == "fail"
    assert frame["lineno"] > 0
    assert not {"request", "user", "breadcrumbs", "contexts", "modules", "server_name"} & set(event)
    cookie = reception.client.get_cookie(app.config["SESSION_COOKIE_NAME"])
    assert cookie is not None
    sent = "\n".join(receiver.bodies)
    for secret in (PATIENT, TYPED, reception.user.email, reception.csrf, cookie.value):
        assert secret not in sent


def test_only_errors_are_reported_and_causes_come_first(settings: Settings, receiver: Receiver) -> None:
    reporting_to(settings, receiver.dsn)
    log = logs.get("pmsapp.services.anything")
    log.warning("just so", connection_id=3)
    try:
        try:
            fail()
        except ValueError as cause:
            raise ConfigurationError("The folder is not ours.") from cause
    except ConfigurationError:
        log.error("a thing failed", connection_id=3, patient_name=PATIENT, exc_info=True)
    sentry.flush()

    [event] = receiver.events
    assert event["logentry"]["message"] == "a thing failed"
    assert event["extra"] == {"connection_id": 3, "patient_name": "[removed]"}
    assert [value["type"] for value in event["exception"]["values"]] == ["ValueError", "ConfigurationError"]
    assert event["exception"]["values"][1]["value"] == "The folder is not ours."
    assert PATIENT not in receiver.bodies[0]


def test_a_server_that_is_gone_costs_the_page_nothing(settings: Settings) -> None:
    reporting_to(settings, "http://publickey@127.0.0.1:9/7")
    logs.get("pmsapp.anything").error("a thing failed")


def test_without_the_library_the_start_stops_with_one_sentence(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "sentry_sdk", None)
    with pytest.raises(ConfigurationError, match="install it: pip install"):
        reporting_to(settings, "https://key@sentry.example/7")


def test_without_a_dsn_nothing_is_reported(settings: Settings) -> None:
    before = logging.getLogger().handlers[:]
    sentry.start(settings)
    assert logging.getLogger().handlers == before
