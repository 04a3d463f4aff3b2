"""A webhook is authenticated, remembered, and never more than a nudge to read again."""

from __future__ import annotations

import json
from io import BytesIO
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update

from pmsapp.models import AuditEvent, PMSConnection, SyncRun, WebhookEvent
from pmsapp.services.base.errors import Refused
from pmsapp.services.base.transaction import reading, writing
from pmsapp.services.connections import webhooks
from tests.api.conftest import API
from tests.support.connecting import ADMIN, LOGIN, count


@pytest.fixture
def halaxy(api: API) -> int:
    """A Halaxy connection that is switched on."""
    made = api.post("/api/pms/connections", {"pms_type": "halaxy"}).json
    with writing() as session:
        session.execute(
            update(PMSConnection).values(state="ok", sync_enabled=True, credentials_sealed="v1.x.y")
        )
    connection_id: int = made["id"]
    return connection_id


def delivery(*event_ids: str) -> bytes:
    events = [{"id": event_id, "eventNumber": "1"} for event_id in event_ids]
    status = {"resourceType": "SubscriptionStatus", "notificationEvent": events}
    return json.dumps({"resourceType": "Bundle", "entry": [{"resource": status}]}).encode()


def deliver(
    api: API, connection_id: int, body: bytes, secret: str | None, event: str = "appointment-update"
) -> Any:
    headers = {"Authorization": f"Bearer {secret}"} if secret is not None else {"Authorization": ""}
    path = f"/webhooks/{connection_id}/{event}"
    return api("POST", path, data=body, content_type="application/json", headers=headers)


def runs() -> list[str]:
    with reading() as session:
        return list(session.scalars(select(SyncRun.trigger).order_by(SyncRun.id)))


def test_an_authentic_webhook_asks_for_a_run(api: API, halaxy: int) -> None:
    secret = webhooks.make_secret(halaxy, ADMIN)
    answer = deliver(api, halaxy, delivery("e1"), secret)
    assert (answer.status_code, answer.data) == (202, b"")
    assert runs() == ["webhook"]


def test_the_same_delivery_again_has_no_second_effect(api: API, halaxy: int) -> None:
    secret = webhooks.make_secret(halaxy, ADMIN)
    deliver(api, halaxy, delivery("e1"), secret)
    with writing() as session:
        session.execute(update(SyncRun).values(status="success"))
    assert deliver(api, halaxy, delivery("e1"), secret).status_code == 202
    assert runs() == ["webhook"]
    assert deliver(api, halaxy, delivery("e1", "e2"), secret).status_code == 202
    assert runs() == ["webhook", "webhook"]
    assert count(WebhookEvent) == 2


def test_a_delivery_without_ids_is_still_a_nudge(api: API, halaxy: int) -> None:
    secret = webhooks.make_secret(halaxy, ADMIN)
    assert deliver(api, halaxy, b"not json", secret).status_code == 202
    assert runs() == ["webhook"]


def test_whoever_is_not_the_vendor_learns_nothing(api: API, halaxy: int) -> None:
    gentu = api.post("/api/pms/connections", {"pms_type": "gentu", "credentials": LOGIN}).json["id"]
    secret = webhooks.make_secret(halaxy, ADMIN)
    refusals = [
        deliver(api, halaxy, delivery("e1"), "wrong"),
        deliver(api, halaxy, delivery("e1"), ""),
        deliver(api, halaxy, delivery("e1"), None),
        deliver(api, halaxy, delivery("e1"), secret, event="invoice-create"),
        deliver(api, gentu, delivery("e1"), secret),
        deliver(api, 999, delivery("e1"), secret),
    ]
    assert {answer.status_code for answer in refusals} == {401}
    assert len({answer.get_data() for answer in refusals}) == 1
    assert runs() == []
    assert count(WebhookEvent) == 0


def test_a_connection_without_a_secret_takes_no_webhooks(api: API, halaxy: int) -> None:
    assert deliver(api, halaxy, delivery("e1"), "").status_code == 401


def test_a_huge_body_is_not_even_looked_at(api: API, halaxy: int) -> None:
    secret = webhooks.make_secret(halaxy, ADMIN)
    assert deliver(api, halaxy, b"x" * 70_000, secret).status_code == 413


@pytest.mark.parametrize(("size", "status"), [(500, 202), (70_000, 413)])
def test_a_body_that_comes_in_pieces_is_taken_within_the_same_bounds(
    app: Flask, halaxy: int, size: int, status: int
) -> None:
    secret = webhooks.make_secret(halaxy, ADMIN)
    answer = app.test_client().post(
        f"/webhooks/{halaxy}/appointment-update",
        input_stream=BytesIO(delivery("e1") + b" " * size),
        headers={"Authorization": f"Bearer {secret}", "Transfer-Encoding": "chunked"},
        environ_overrides={"wsgi.input_terminated": True},
    )
    assert answer.status_code == status
    assert runs() == (["webhook"] if status == 202 else [])


def test_a_paused_connection_takes_the_webhook_and_stays_quiet(api: API, halaxy: int) -> None:
    secret = webhooks.make_secret(halaxy, ADMIN)
    api.patch(
        f"/api/pms/connections/{halaxy}", {"paused": {"until": "2026-11-23T12:00:00+11:00", "reason": "Move"}}
    )
    assert deliver(api, halaxy, delivery("e1"), secret).status_code == 202
    assert runs() == []


def test_a_new_secret_replaces_the_old_one_and_is_audited(api: API, halaxy: int) -> None:
    old = webhooks.make_secret(halaxy, ADMIN)
    new = webhooks.make_secret(halaxy, ADMIN)
    assert deliver(api, halaxy, delivery("e1"), old).status_code == 401
    assert deliver(api, halaxy, delivery("e1"), new).status_code == 202
    with reading() as session:
        actions = session.scalars(select(AuditEvent.action)).all()
    assert actions.count("connection.webhook_secret_made") == 2


def test_a_vendor_without_webhooks_has_no_secret(api: API) -> None:
    made = api.post("/api/pms/connections", {"pms_type": "gentu", "credentials": LOGIN}).json
    with pytest.raises(Refused):
        webhooks.make_secret(made["id"], ADMIN)
