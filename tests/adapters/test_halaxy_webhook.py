"""Halaxy's webhooks: who may ring, and what the ring says."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pmsapp.adapters.halaxy.adapter import HalaxyAdapter
from pmsapp.adapters.halaxy.webhook import MAX_BODY_BYTES, MAX_EVENTS, check
from pmsapp.domain.errors import ReconnectRequiredError
from pmsapp.sandbox.clinic.model import Change
from pmsapp.sandbox.halaxy.webhooks import notification
from tests.adapters.samples import load_sample

SECRET = "a long secret that reception typed"
EVENT_ID = "00000000-0000-4000-8000-00000000000d"


def body(payload: Any = None) -> bytes:
    return json.dumps(load_sample("halaxy", "webhook") if payload is None else payload).encode()


@pytest.mark.parametrize(
    ("header", "secret"),
    [
        (SECRET, SECRET),
        (f"Bearer {SECRET}", SECRET),
        (f"bearer  {SECRET} ", SECRET),
        (f"Bearer {SECRET}", f"Bearer {SECRET}"),
        (SECRET, f"Bearer {SECRET}"),
    ],
)
@pytest.mark.parametrize("name", ["Authorization", "authorization", "AUTHORIZATION"])
def test_the_header_typed_into_halaxy_opens_raw_or_as_bearer(name: str, header: str, secret: str) -> None:
    assert check({name: header, "Content-Type": "application/json"}, body(), secret) == (EVENT_ID,)


@pytest.mark.parametrize(
    ("headers", "secret"),
    [
        ({}, SECRET),
        ({"Authorization": ""}, SECRET),
        ({"Authorization": "Bearer"}, SECRET),
        ({"Authorization": SECRET[:-1]}, SECRET),
        ({"Authorization": f"Basic {SECRET}"}, SECRET),
        ({"X-Halaxy-Signature": SECRET}, SECRET),
        ({"Authorization": "ключ"}, SECRET),
        ({"Authorization": ""}, ""),
        ({"Authorization": "Bearer "}, "Bearer "),
    ],
)
def test_anybody_else_is_refused(headers: dict[str, str], secret: str) -> None:
    with pytest.raises(ReconnectRequiredError) as caught:
        check(headers, body(), secret)
    assert caught.value.code == "AUTH-REFUSED"
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"not json",
        b"[]",
        b"null",
        b'{"entry": 7}',
        b'{"entry": [{"resource": {"resourceType": "SubscriptionStatus", "notificationEvent": [null, {}]}}]}',
        b" " * (MAX_BODY_BYTES + 1),
        b"[" * 50_000,
    ],
)
def test_a_body_that_makes_no_sense_is_still_a_nudge(raw: bytes) -> None:
    assert check({"Authorization": SECRET}, raw, SECRET) == ()


def test_events_are_named_once_and_within_bounds() -> None:
    payload = load_sample("halaxy", "webhook")
    status = payload["entry"][0]["resource"]
    status["notificationEvent"] *= 3
    assert check({"Authorization": SECRET}, body(payload), SECRET) == (EVENT_ID,)
    status["notificationEvent"] = [{"id": str(n)} for n in range(500)]
    assert len(check({"Authorization": SECRET}, body(payload), SECRET)) == MAX_EVENTS


def test_the_adapter_names_its_events() -> None:
    assert HalaxyAdapter.info.capabilities.webhooks
    assert "appointment-update" in HalaxyAdapter.info.webhook_events


def test_a_notification_of_the_sandbox_is_understood() -> None:
    change = Change("cancel", "appointment", "x", {"halaxy": "300000001"}, {}, {})
    sent = notification(change, "2026-11-23T00:00:00+00:00")
    event = sent["entry"][0]["resource"]["notificationEvent"][0]
    assert check({"Authorization": SECRET}, body(sent), SECRET) == (event["id"],)
