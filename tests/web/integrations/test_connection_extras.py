"""On a connection's page: records kept aside, and what the vendor's webhooks need."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask

from pmsapp.sandbox.server import SandboxServer
from pmsapp.services.sync import recheck
from pmsapp.settings import Settings
from tests.support import actors
from tests.support.clock import FrozenClock
from tests.support.sandboxes import Sandboxes
from tests.support.synced_clinic import SyncedClinic


@pytest.fixture
def sandbox(sandboxes: Sandboxes, frozen_clock: FrozenClock) -> SandboxServer:
    return sandboxes.lend(paired=True)


@pytest.fixture
def settings(make_settings: Callable[..., Settings], sandbox: SandboxServer) -> Settings:
    bases = {"GENTU": {"base_url": sandbox.gentu_base}, "HALAXY": {"base_url": sandbox.halaxy_base}}
    return make_settings(vendors=bases, lookahead_days=0)


def test_a_record_kept_aside_is_shown_with_its_reason_and_can_be_tried_again(
    app: Flask, sandbox: SandboxServer
) -> None:
    clinic = SyncedClinic(app, sandbox)
    clinic.map_everybody()
    fault = sandbox.faults.set("malformed_time", endpoint="appointments", times=1)
    clinic.sync()
    (kept,) = recheck.list_quarantined(clinic.connection_id)
    admin = actors.browser_for(app, "admin")
    page = admin.get(f"/integrations/{clinic.connection_id}").text
    assert "Kept aside" in page
    assert kept.reason in page
    sandbox.faults.clear(fault.id)
    answer = admin.post(f"/integrations/{clinic.connection_id}/records/{kept.id}/retry")
    assert "could be read this time" in answer.text
    assert "Kept aside" not in admin.get(f"/integrations/{clinic.connection_id}").text


def test_a_retry_that_the_vendor_does_not_answer_says_so_and_keeps_the_record(
    app: Flask, sandbox: SandboxServer
) -> None:
    clinic = SyncedClinic(app, sandbox)
    clinic.map_everybody()
    sandbox.faults.set("malformed_time", endpoint="appointments", times=1)
    clinic.sync()
    (kept,) = recheck.list_quarantined(clinic.connection_id)
    sandbox.faults.set("html_ok", endpoint="appointment")
    answer = actors.browser_for(app, "admin").post(
        f"/integrations/{clinic.connection_id}/records/{kept.id}/retry"
    )
    assert "PMS-GARBLED" in answer.text
    assert [record.id for record in recheck.list_quarantined(clinic.connection_id)] == [kept.id]


def test_the_webhook_header_is_shown_once_and_works(app: Flask, sandbox: SandboxServer) -> None:
    clinic = SyncedClinic(app, sandbox, "halaxy")
    admin = actors.browser_for(app, "admin")
    path = f"/integrations/{clinic.connection_id}"
    assert f"/webhooks/{clinic.connection_id}/appointment-update" in admin.get(path).text
    made = admin.post(f"{path}/webhook-secret").text
    secret = made.split("Bearer ", 1)[1].split("<", 1)[0]
    assert secret not in admin.get(path).text
    answer = app.test_client().post(
        f"/webhooks/{clinic.connection_id}/appointment-update",
        headers={"Authorization": f"Bearer {secret}"},
        json={"resourceType": "Bundle", "entry": []},
    )
    assert answer.status_code == 202


def test_a_vendor_without_webhooks_has_no_such_panel(app: Flask, sandbox: SandboxServer) -> None:
    clinic = SyncedClinic(app, sandbox)
    admin = actors.browser_for(app, "admin")
    assert "Webhooks" not in admin.get(f"/integrations/{clinic.connection_id}").text
    assert admin.post(f"/integrations/{clinic.connection_id}/webhook-secret").status_code in (400, 409, 422)
