"""The rules stand in sentences that follow the code, and what is given to support holds nobody."""

from __future__ import annotations

import json

import pytest
from flask import Flask

from pmsapp.domain.sync.merge import EDITABLE
from pmsapp.services.base import audit
from pmsapp.services.monitoring import outbound
from pmsapp.services.monitoring.examination import diagnostics
from pmsapp.services.records import access_log
from pmsapp.web.settings.rules import field_sentences
from pmsapp.web.ui import labels
from tests.support.actors import Browser
from tests.support.clock import FrozenClock
from tests.support.seeded_clinic import seed


def test_every_field_that_can_be_edited_is_named_on_its_side() -> None:
    (sentence,) = [sentence for sentence in field_sentences() if sentence.startswith("If both changed")]
    here, there = sentence.split(" show what was typed here")
    for rule in EDITABLE.values():
        side = here if rule.staff_shows_in_conflict else there
        assert labels.FIELDS[rule.field].lower() in side, rule.field


def test_the_rules_name_each_column_and_when_removals_are_held(admin: Browser) -> None:
    seed()
    page = admin.get("/settings/rules").text
    assert "more than 3 cards" in page
    assert "30 %" in page
    assert "urgent after 30 minutes" in page


def test_the_hosts_are_those_the_vendors_document_and_no_secret(app: Flask, admin: Browser) -> None:
    hosts = {host.host for host in outbound.list_hosts()}
    assert {"api.pm.magentus.com", "api.medirecords.com", "au-api.halaxy.com"} <= hosts
    page = admin.get("/settings/diagnostics").text
    assert f"This server may talk to {len(hosts)} hosts" in page


def test_a_watcher_outside_is_listed_by_its_host_alone(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = outbound.current_settings().model_copy(
        update={
            "heartbeat_url": "https://ping.example/secret-path",
            "alert_urls": ("slack://hidden-token/hidden-too/hidden-again",),
            "sentry_dsn": "https://hidden-key@errors.example/1",
        }
    )
    monkeypatch.setattr(outbound, "current_settings", lambda: settings)
    listed = repr(outbound.list_hosts())
    assert "ping.example" in listed
    assert "errors.example" in listed
    assert "secret-path" not in listed
    assert "hidden" not in listed


def test_the_file_for_support_holds_no_patient_no_name_and_no_login(
    app: Flask, frozen_clock: FrozenClock, admin: Browser
) -> None:
    texts = seed()
    told = diagnostics.bundle()
    for secret in texts.patient_texts:
        assert secret not in told
    assert json.loads(told)["connections"][0]["runs"]
    settings = outbound.current_settings()
    for value in (settings.secret_key, settings.encryption_keys):
        assert not value or value not in told


def test_what_is_shown_is_what_is_downloaded_and_that_is_noted(
    app: Flask, frozen_clock: FrozenClock, admin: Browser
) -> None:
    seed()
    given = admin.get("/settings/diagnostics.json")
    assert given.mimetype == "application/json"
    assert json.loads(given.text).keys() == json.loads(diagnostics.bundle()).keys()
    access_log.write_waiting()
    assert audit.count() > 0


def test_only_administrators_read_them(app: Flask, reception: Browser) -> None:
    for path in ("/settings/rules", "/settings/diagnostics", "/settings/diagnostics.json"):
        assert reception.get(path).status_code == 403
