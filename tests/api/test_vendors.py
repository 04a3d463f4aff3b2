"""The vendors that need no pairing: the login is proved, and the practice learned, when the connection is made."""

from __future__ import annotations

from typing import Any

import pytest

from pmsapp.models import PMSConnection
from pmsapp.sandbox.halaxy import access as halaxy_keys
from pmsapp.sandbox.medirecords.server import API_TOKEN
from pmsapp.sandbox.server import SandboxServer
from tests.api.conftest import API
from tests.support.connecting import count


@pytest.fixture
def bodies(sandbox: SandboxServer) -> dict[str, dict[str, Any]]:
    return {
        "medirecords": {
            "pms_type": "medirecords",
            "credentials": {"api_token": API_TOKEN.format(1)},
            "practice_id": sandbox.clinic.id_of("medirecords", "practice", ""),
        },
        "halaxy": {
            "pms_type": "halaxy",
            "credentials": {
                "client_id": halaxy_keys.CLIENT_ID.format(1),
                "client_secret": halaxy_keys.CLIENT_SECRET.format(1),
            },
        },
    }


@pytest.mark.parametrize("vendor", ["medirecords", "halaxy"])
def test_a_proved_login_is_ready_at_once(api: API, bodies: dict[str, Any], vendor: str) -> None:
    made = api.post("/api/pms/connections", bodies[vendor])
    assert made.status_code == 201
    assert (made.json["state"], made.json["time_zone"]) == ("setup", "Australia/Melbourne")
    path = f"/api/pms/connections/{made.json['id']}"
    assert api.post(f"{path}/test").json["healthy"]
    assert api.get(f"{path}/practitioners").json["items"]
    assert api.get(f"{path}/appointment-types").json["items"]
    assert api.post(f"{path}/sync").status_code == 202


@pytest.mark.parametrize(("vendor", "field"), [("medirecords", "api_token"), ("halaxy", "client_secret")])
def test_a_wrong_login_is_refused_and_not_stored(
    api: API, bodies: dict[str, Any], vendor: str, field: str
) -> None:
    body = bodies[vendor]
    refused = api.post("/api/pms/connections", {**body, "credentials": {**body["credentials"], field: "no"}})
    assert (refused.status_code, refused.json["code"]) == (422, "AUTH-REFUSED")
    assert count(PMSConnection) == 0


def test_a_practice_the_token_does_not_open_is_refused(api: API, bodies: dict[str, Any]) -> None:
    body = {**bodies["medirecords"], "practice_id": "11111111-2222-4333-8444-555555555555"}
    refused = api.post("/api/pms/connections", body)
    assert (refused.status_code, refused.json["code"]) == (422, "PRACTICE-UNKNOWN")


def test_a_vendor_that_is_down_is_said_to_be_down(
    api: API, bodies: dict[str, Any], sandbox: SandboxServer
) -> None:
    sandbox.faults.set("server_error", vendor="halaxy", endpoint="token", status=503)
    refused = api.post("/api/pms/connections", bodies["halaxy"])
    assert (refused.status_code, refused.json["code"]) == (422, "PMS-DOWN")
    assert count(PMSConnection) == 0


def test_a_replaced_api_token_works_without_a_restart(
    api: API, bodies: dict[str, Any], sandbox: SandboxServer
) -> None:
    body = bodies["medirecords"]
    made = api.post("/api/pms/connections", body).json
    path = f"/api/pms/connections/{made['id']}"
    refused = api.patch(path, {"credentials": {"api_token": "no"}})
    assert (refused.status_code, refused.json["code"]) == (422, "AUTH-REFUSED")
    assert api.patch(path, {"credentials": body["credentials"]}).status_code == 200
    assert api.post(f"{path}/test").json["healthy"]
