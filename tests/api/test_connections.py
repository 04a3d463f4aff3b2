"""Connections over the JSON interface: shapes, refusals by code, nothing stored on a refusal, no secret out."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from pmsapp.models import PMSConnection
from pmsapp.sandbox.server import SandboxServer
from tests.api.conftest import API
from tests.support.clock import FrozenClock
from tests.support.connecting import LOGIN, count, gentu_access
from tests.support.synced_clinic import LOGINS, practice_id

KEYS = {
    "id",
    "pms_type",
    "display_name",
    "tenant_id",
    "practice_id",
    "organization_id",
    "time_zone",
    "state",
    "sync_enabled",
    "sync_frequency_minutes",
    "sync_telehealth_only",
    "last_sync_at",
    "last_sync_status",
    "last_sync_error",
    "next_sync_at",
    "paused",
    "freshness",
    "counts",
    "has_credentials",
}


def test_a_new_connection_is_in_setup(api: API) -> None:
    made = api.post("/api/pms/connections", {"pms_type": "gentu", "credentials": LOGIN})
    assert made.status_code == 201
    assert made.headers["Location"] == f"/api/pms/connections/{made.json['id']}"
    assert made.json.keys() == KEYS
    assert (made.json["state"], made.json["sync_enabled"]) == ("setup", False)
    assert made.json["freshness"] == {"as_of": None, "state": "never"}
    assert made.json["counts"] == {"mapped": 0, "ignored": 0, "undecided": 0, "telehealth_types": 0}
    assert api.get("/api/pms/connections").json == {"items": [made.json], "next": None}
    assert api.get(made.headers["Location"]).json == made.json


def test_secrets_never_come_out(api: API, paired: int) -> None:
    for path in ("/api/pms/connections", f"/api/pms/connections/{paired}"):
        text = api.get(path).get_data(as_text=True)
        assert LOGIN["client_secret"] not in text
        assert LOGIN["client_id"] not in text
        assert "sealed" not in text


def test_a_wrong_client_secret_is_refused_with_its_code(api: API) -> None:
    refused = api.post(
        "/api/pms/connections", {"pms_type": "gentu", "credentials": {**LOGIN, "client_secret": "CANARY-1"}}
    )
    assert (refused.status_code, refused.json["code"]) == (422, "AUTH-REFUSED")
    assert "CANARY-1" not in refused.get_data(as_text=True)
    assert count(PMSConnection) == 0


def test_a_vendor_that_answers_with_a_web_page_has_its_own_code(api: API, sandbox: SandboxServer) -> None:
    sandbox.faults.set("html_ok", vendor="gentu", endpoint="token")
    refused = api.post("/api/pms/connections", {"pms_type": "gentu", "credentials": LOGIN})
    assert (refused.status_code, refused.json["code"]) == (422, "PMS-GARBLED")
    assert count(PMSConnection) == 0


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, {"pms_type"}),
        ({"pms_type": "gentu", "is_admin": True}, {"is_admin"}),
        ({"pms_type": "gentu", "tenant_id": "x"}, {"tenant_id"}),
        ({"pms_type": 7}, {"pms_type"}),
        ({"pms_type": "genie"}, {"pms_type"}),
        ({"pms_type": "gentu", "credentials": {"client_id": 1}}, {"credentials.client_id"}),
        ({"pms_type": "gentu", "time_zone": "Mars/Base"}, {"time_zone"}),
        ({"pms_type": "gentu", "display_name": ""}, {"display_name"}),
    ],
)
def test_a_wrong_body_names_its_fields(api: API, body: dict[str, object], fields: set[str]) -> None:
    refused = api.post("/api/pms/connections", body)
    assert (refused.status_code, refused.json["code"]) == (422, "INVALID")
    assert {error["field"] for error in refused.json["errors"]} == fields
    assert all(error["message"].endswith(".") for error in refused.json["errors"])
    assert count(PMSConnection) == 0


def test_pairing_answers_with_the_practice(api: API, sandbox: SandboxServer) -> None:
    made = api.post("/api/pms/connections", {"pms_type": "gentu", "credentials": LOGIN}).json
    path = f"/api/pms/connections/{made['id']}/pair"
    used = api.post(path, {"pairing_code": "used0000"})
    assert (used.status_code, used.json["code"]) == (409, "PAIR-USED")
    unknown = api.post(path, {"pairing_code": "nosuch00"})
    assert (unknown.status_code, unknown.json["code"]) == (422, "PAIR-UNKNOWN")
    assert api.get(f"/api/pms/connections/{made['id']}").json["tenant_id"] is None
    good = api.post(path, {"pairing_code": gentu_access(sandbox).make_code()})
    assert good.status_code == 200
    assert good.json.keys() == {"tenant_id", "practice_name", "time_zone"}
    assert api.get(f"/api/pms/connections/{made['id']}").json["tenant_id"] == good.json["tenant_id"]


def test_a_code_of_another_practice_is_refused(api: API, sandbox: SandboxServer, paired: int) -> None:
    code = gentu_access(sandbox).make_code(sandbox.sandbox.clinics[1])
    refused = api.post(f"/api/pms/connections/{paired}/pair", {"pairing_code": code})
    assert (refused.status_code, refused.json["code"]) == (422, "AUTH-WRONG-PRACTICE")


def test_a_test_has_the_same_shape_healthy_or_not(api: API, sandbox: SandboxServer, paired: int) -> None:
    good = api.post(f"/api/pms/connections/{paired}/test")
    assert (good.status_code, good.json["healthy"], good.json["code"]) == (200, True, None)
    tenant_id = api.get(f"/api/pms/connections/{paired}").json["tenant_id"]
    gentu_access(sandbox).set_access(tenant_id, "withdrawn")
    bad = api.post(f"/api/pms/connections/{paired}/test")
    assert (bad.status_code, bad.json["healthy"]) == (200, False)
    assert bad.json["code"] in {"ACCESS-WITHDRAWN", "PRACTICE-UNKNOWN"}
    assert good.json.keys() == bad.json.keys()
    assert good.json.keys() == {
        "healthy",
        "code",
        "message",
        "latency_ms",
        "practice_name",
        "time_zone",
        "practitioners",
        "clock_skew_s",
    }


def test_switching_on_before_pairing_is_a_conflict(api: API) -> None:
    made = api.post("/api/pms/connections", {"pms_type": "gentu", "credentials": LOGIN}).json
    refused = api.patch(f"/api/pms/connections/{made['id']}", {"sync_enabled": True})
    assert (refused.status_code, refused.json["code"]) == (409, "NOT-PAIRED")


def test_a_change_touches_only_what_it_names(api: API, paired: int) -> None:
    path = f"/api/pms/connections/{paired}"
    before = api.get(path).json
    after = api.patch(path, {"display_name": "North", "sync_frequency_minutes": 30}).json
    assert after == {**before, "display_name": "North", "sync_frequency_minutes": 30}
    assert api.get(path).json == after


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"display_name": None}, "display_name"),
        ({"sync_enabled": "yes"}, "sync_enabled"),
        ({"sync_frequency_minutes": 3}, "sync_frequency_minutes"),
        ({"sync_frequency_minutes": 15.5}, "sync_frequency_minutes"),
        ({"state": "ok"}, "state"),
        ({"paused": {"reason": "x"}}, "paused.until"),
        ({"paused": {"until": "2026-11-23T17:00:00+11:00"}}, "paused.reason"),
        ({"paused": {"until": "2026-11-23T17:00:00", "reason": "x"}}, "paused.until"),
        ({"paused": {"until": "2026-11-20T17:00:00+11:00", "reason": "x"}}, "paused.until"),
    ],
)
def test_a_wrong_change_is_refused(api: API, paired: int, body: dict[str, object], field: str) -> None:
    before = api.get(f"/api/pms/connections/{paired}").json
    refused = api.patch(f"/api/pms/connections/{paired}", body)
    assert refused.status_code == 422
    assert [error["field"] for error in refused.json["errors"]] == [field]
    assert api.get(f"/api/pms/connections/{paired}").json == before


def test_a_pause_begins_and_ends(api: API, paired: int, frozen_clock: FrozenClock) -> None:
    path = f"/api/pms/connections/{paired}"
    api.patch(path, {"sync_enabled": True})
    until = "2026-11-23T12:00:00+11:00"
    paused = api.patch(path, {"paused": {"until": until, "reason": "Move"}}).json
    assert paused["state"] == "paused"
    assert paused["paused"] == {"until": until, "by": "test admin", "reason": "Move"}
    assert (
        api.patch(path, {"paused": paused["paused"] | {"by": "somebody else"}}).json["paused"]
        == paused["paused"]
    )
    assert api.patch(path, {"paused": None}).json["paused"] is None
    api.patch(path, {"paused": {"until": until, "reason": "Move"}})
    frozen_clock.advance(hours=3, minutes=1)
    assert api.get(path).json["paused"] is None


def test_a_new_login_that_is_refused_changes_nothing(api: API, paired: int) -> None:
    path = f"/api/pms/connections/{paired}"
    refused = api.patch(path, {"credentials": {"client_secret": "wrong"}, "display_name": "Other"})
    assert (refused.status_code, refused.json["code"]) == (422, "AUTH-REFUSED")
    assert api.get(path).json["display_name"] != "Other"
    assert api.post(f"{path}/test").json["healthy"]


def test_a_deleted_connection_is_gone(api: API, paired: int) -> None:
    path = f"/api/pms/connections/{paired}"
    assert api.delete(f"{path}?cards=shred").status_code == 422
    assert api.delete(f"{path}?cards=keep").status_code == 204
    assert api.get(path).status_code == 404
    assert api.delete(path).status_code == 404
    assert api.get(f"{path}/sync").status_code == 404
    assert api.post(f"{path}/sync").status_code == 404
    assert api.get(f"{path}/practitioners").status_code == 404


def test_instants_have_the_clinics_offset(api: API, paired: int, frozen_clock: FrozenClock) -> None:
    view = api.patch(f"/api/pms/connections/{paired}", {"sync_enabled": True}).json
    assert view["next_sync_at"].endswith("+11:00")
    frozen_clock.advance(days=150)
    until = (frozen_clock() + timedelta(hours=1)).isoformat()
    paused = api.patch(f"/api/pms/connections/{paired}", {"paused": {"until": until, "reason": "Move"}}).json
    assert paused["paused"]["until"].endswith("+10:00")


def test_only_an_admin_may_change_connections(as_role: Callable[[str], API], paired: int) -> None:
    for role in ("reception", "viewer", "status"):
        other = as_role(role)
        assert other.get("/api/pms/connections").status_code == 200
        assert other.patch(f"/api/pms/connections/{paired}", {"display_name": "x"}).status_code == 403
        assert other.delete(f"/api/pms/connections/{paired}").status_code == 403
        assert other.post("/api/pms/connections", {"pms_type": "gentu"}).status_code == 403
    assert as_role("").get("/api/pms/connections").status_code == 401


@pytest.mark.parametrize("vendor", ["gentu", "medirecords", "halaxy"])
def test_field_12_a_second_connection_to_a_practice_is_409_and_names_the_first(
    api: API, sandbox: SandboxServer, vendor: str
) -> None:
    body = {"pms_type": vendor, "credentials": LOGINS[vendor]["credentials"]}
    if asked := practice_id(vendor, sandbox):
        body["practice_id"] = asked
    first = api.post("/api/pms/connections", body).json
    second = api.post("/api/pms/connections", body)
    if vendor == "gentu":  # its practice is known by pairing
        for made in (first, second.json):
            second = api.post(
                f"/api/pms/connections/{made['id']}/pair", {"pairing_code": gentu_access(sandbox).make_code()}
            )
    assert (second.status_code, second.json["code"]) == (409, "PRACTICE-CONNECTED")
    assert second.json["connection_id"] == first["id"]
    assert second.json["link"] == f"/api/pms/connections/{first['id']}"
    assert api.get(second.json["link"]).json["display_name"] in second.json["detail"]
