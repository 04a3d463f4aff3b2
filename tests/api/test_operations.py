"""The clinic's hours, incidents and messages over the JSON interface; pausing and resuming too."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask

from pmsapp import clock
from pmsapp.domain.actor import COMMAND_LINE
from pmsapp.models import Incident
from pmsapp.sandbox.server import SandboxServer
from pmsapp.services.base.transaction import writing
from pmsapp.services.clinic import clinic
from pmsapp.services.connections import connections
from pmsapp.settings import Settings
from tests.api.conftest import API
from tests.support.clock import FrozenClock
from tests.support.connecting import vendor_settings
from tests.support.watching import Receiver

HOURS: dict[str, Any] = {
    **{day: ["08:30", "17:00"] for day in ("mon", "tue", "wed", "thu", "fri")},
    "sat": ["09:00", "12:00"],
    "sun": None,
}


@pytest.fixture
def settings(make_settings: Callable[..., Settings], sandbox: SandboxServer, receiver: Receiver) -> Settings:
    return make_settings(vendors=vendor_settings(sandbox), alert_urls=(receiver.alert_url,))


def an_incident(**values: Any) -> int:
    now = clock.now()
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


def test_the_clinic_is_shown_and_changed(api: API) -> None:
    clinic.ensure(name="Banksia")
    shown = api.get("/api/clinic")
    assert shown.json.keys() == {"name", "time_zone", "state", "hours", "closed_days"}
    assert (shown.json["name"], shown.json["hours"]["sun"]) == ("Banksia", None)
    changed = api.patch(
        "/api/clinic", {"hours": HOURS, "closed_days": ["2026-12-24"], "state": "NSW", "name": "Wattle"}
    )
    assert changed.status_code == 200
    assert changed.json["hours"] == HOURS
    assert (changed.json["closed_days"], changed.json["state"]) == (["2026-12-24"], "NSW")
    assert api.get("/api/clinic").json == changed.json
    assert api.patch("/api/clinic", {"state": None}).json["state"] is None
    assert api.patch("/api/clinic", {}).json["name"] == "Wattle"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"hours": {**HOURS, "mon": ["17:00", "08:00"]}}, "hours.mon"),
        ({"hours": {"mon": ["08:00", "17:00"]}}, "hours.tue"),
        ({"time_zone": "Mars/Olympus"}, "time_zone"),
        ({"closed_days": ["24.12.2026"]}, "closed_days.0"),
        ({"jitter_s": 3}, "jitter_s"),
    ],
)
def test_a_clinic_that_cannot_be_is_refused_by_field(api: API, body: dict[str, Any], field: str) -> None:
    answer = api.patch("/api/clinic", body)
    assert answer.status_code == 422
    assert field in {error["field"] for error in answer.json["errors"]}


def test_new_hours_are_kept_at_once(api: API, paired: int, frozen_clock: FrozenClock) -> None:
    """09:00 on Monday: the doors stay shut today, so the next run is an hour away at most, and not a quarter."""
    clinic.ensure()
    api.patch(f"/api/pms/connections/{paired}", {"sync_enabled": True, "sync_frequency_minutes": 5})
    near = datetime.fromisoformat(api.get(f"/api/pms/connections/{paired}").json["next_sync_at"])
    assert near - frozen_clock.at <= timedelta(minutes=6)
    frozen_clock.set(near)
    api.patch("/api/clinic", {"closed_days": ["2026-11-23"]})
    connections.update_connection(paired, COMMAND_LINE, sync_frequency_minutes=5)
    later = datetime.fromisoformat(api.get(f"/api/pms/connections/{paired}").json["next_sync_at"])
    assert later - frozen_clock.at > timedelta(minutes=20)


def test_a_pause_over_the_interface_has_a_person_a_reason_and_an_end(
    api: API, paired: int, frozen_clock: FrozenClock
) -> None:
    where = f"/api/pms/connections/{paired}"
    api.patch(where, {"sync_enabled": True})
    until = (frozen_clock.at + timedelta(hours=2)).isoformat()
    assert api.patch(where, {"paused": {"until": until}}).status_code == 422
    assert api.patch(where, {"paused": {"reason": "moving house"}}).status_code == 422
    paused = api.patch(where, {"paused": {"until": until, "reason": "moving house"}})
    assert paused.status_code == 200
    assert (paused.json["state"], paused.json["paused"]["by"]) == ("paused", "test admin")
    assert datetime.fromisoformat(paused.json["next_sync_at"]) == datetime.fromisoformat(until)
    resumed = api.patch(where, {"paused": None})
    assert resumed.json["paused"] is None
    assert datetime.fromisoformat(resumed.json["next_sync_at"]) == frozen_clock.at


def test_incidents_are_listed_now_and_before(api: API, frozen_clock: FrozenClock) -> None:
    first = an_incident(ended_at=frozen_clock.at)
    second = an_incident()
    now = api.get("/api/incidents").json
    assert [incident["id"] for incident in now["items"]] == [second]
    assert now["items"][0].keys() == {
        "id",
        "subject",
        "connection_id",
        "name",
        "code",
        "message",
        "advice",
        "severity",
        "started_at",
        "ended_at",
        "failures",
        "snoozed",
        "path",
    }
    assert now["items"][0]["message"] == "Automatic updates are not running"
    page = api.get("/api/incidents?state=all&limit=1").json
    rest = api.get(f"/api/incidents?state=all&limit=1&cursor={page['next']}").json
    assert [page["items"][0]["id"], rest["items"][0]["id"]] == [second, first]


def test_an_incident_is_snoozed_and_woken(api: API, frozen_clock: FrozenClock) -> None:
    where = f"/api/incidents/{an_incident()}/snooze"
    until = (frozen_clock.at + timedelta(hours=1)).isoformat()
    answer = api.post(where, {"until": until, "reason": "they are on it"})
    assert answer.status_code == 200
    assert (answer.json["snoozed"]["by"], answer.json["snoozed"]["reason"]) == (
        "test admin",
        "they are on it",
    )
    assert api.post(where, {"until": None}).json["snoozed"] is None
    assert api.post(where, {"until": until}).json["errors"][0]["field"] == "reason"
    assert api.post(where, {"reason": "no end"}).status_code == 422
    assert api.post("/api/incidents/999/snooze", {"until": until, "reason": "gone"}).status_code == 404
    over = an_incident(subject="queue", ended_at=frozen_clock.at)
    assert api.post(f"/api/incidents/{over}/snooze", {"until": until, "reason": "late"}).status_code == 409


def test_the_test_message_and_its_log(api: API, receiver: Receiver) -> None:
    sent = api.post("/api/alerts/test")
    assert sent.status_code == 200
    assert [(delivery["channel"], delivery["state"]) for delivery in sent.json["items"]] == [
        ("json 1", "delivered")
    ]
    assert receiver.titles == ["[pmsapp] Test message"]
    receiver.status = 500
    assert api.post("/api/alerts/test").json["items"][0]["state"] == "waiting"
    log = api.get("/api/alerts/deliveries?limit=1").json
    assert log["items"][0]["note"] == "the channel did not take the message"
    rest = api.get(f"/api/alerts/deliveries?limit=1&cursor={log['next']}").json
    assert rest["items"][0]["state"] == "delivered"
    assert receiver.alert_url not in repr([log, rest])


def test_reception_may_snooze_and_only_administrators_may_do_the_rest(
    app: Flask, frozen_clock: FrozenClock
) -> None:
    desk, board = API(app, "reception"), API(app, "status")
    incident = an_incident()
    until = (frozen_clock.at + timedelta(hours=1)).isoformat()
    body = {"until": until, "reason": "they are on it"}
    assert desk.post(f"/api/incidents/{incident}/snooze", body).status_code == 200
    assert board.post(f"/api/incidents/{incident}/snooze", body).status_code == 403
    for program in (desk, board):
        assert program.get("/api/clinic").status_code == 200
        assert program.get("/api/incidents").status_code == 200
        assert program.patch("/api/clinic", {}).status_code == 403
        assert program.post("/api/alerts/test").status_code == 403
        assert program.get("/api/alerts/deliveries").status_code == 403
