"""Every error is application/problem+json with the status of the answer, whoever makes the mistake."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask

from tests.api.conftest import API


def test_a_body_that_is_no_json_is_400(api: API) -> None:
    refused = api("POST", "/api/pms/connections", data='{"pms_type": ', content_type="application/json")
    assert (refused.status_code, refused.json["code"]) == (400, "BAD-REQUEST")


def test_a_body_of_another_kind_is_415(api: API) -> None:
    refused = api("POST", "/api/pms/connections", data="pms_type=gentu", content_type="text/plain")
    assert (refused.status_code, refused.json["code"]) == (415, "NOT-JSON")


def test_a_body_that_is_no_object_is_422(api: API) -> None:
    for body in ("[]", "null", '"gentu"', "7"):
        refused = api("POST", "/api/pms/connections", data=body, content_type="application/json")
        assert refused.status_code == 422


def test_a_huge_body_is_413(api: API) -> None:
    refused = api.post("/api/pms/connections", {"pms_type": "x" * 1_100_000})
    assert (refused.status_code, refused.json["code"]) == (413, "TOO-LARGE")


def test_a_wrong_method_is_405_and_says_what_works(api: API) -> None:
    refused = api("PUT", "/api/pms/connections", json={})
    assert (refused.status_code, refused.json["code"]) == (405, "METHOD-NOT-ALLOWED")
    assert "POST" in refused.headers["Allow"]


@pytest.mark.parametrize(
    "path",
    [
        "/api/nothing",
        "/api/pms/connections/0",
        "/api/pms/connections/x",
        "/api/pms/connections/99999999999999999999",
        "/api/pms/connections/1/sync/9",
        "/webhooks/x",
    ],
)
@pytest.mark.parametrize("method", ["GET", "PATCH"])
def test_what_does_not_exist_is_404(api: API, path: str, method: str) -> None:
    if method == "PATCH" and path.endswith("/sync/9"):
        method = "DELETE"
    assert api(method, path).status_code == 404


def test_without_a_token_it_is_401_and_says_how(as_role: Callable[[str], API]) -> None:
    refused = as_role("").get("/api/run-sheet")
    assert refused.status_code == 401
    assert refused.headers["WWW-Authenticate"] == "Bearer"


def test_a_token_that_is_none_is_401(as_role: Callable[[str], API]) -> None:
    outsider = as_role("")
    refused = outsider.get("/api/pms/connections", headers={"Authorization": "Bearer pms_nobody_x"})
    assert refused.status_code == 401


def test_a_role_that_may_not_is_403(as_role: Callable[[str], API]) -> None:
    refused = as_role("status").get("/api/run-sheet")
    assert (refused.status_code, refused.json["code"]) == (403, "NOT-ALLOWED")


def test_a_bug_is_500_without_a_trace(app: Flask, api: API, monkeypatch: pytest.MonkeyPatch) -> None:
    from pmsapp.services.connections import connections

    def broken() -> None:
        raise RuntimeError("CANARY-2 /home/secret")

    monkeypatch.setattr(connections, "list_connections", broken)
    app.config["PROPAGATE_EXCEPTIONS"] = False
    failed = api.get("/api/pms/connections")
    assert (failed.status_code, failed.json["code"]) == (500, "BUG")
    assert "CANARY-2" not in failed.get_data(as_text=True)


def test_an_unknown_parameter_is_422(api: API) -> None:
    refused = api.get("/api/run-sheet?day=2026-11-23")
    assert refused.status_code == 422
    assert refused.json["errors"] == [{"field": "day", "message": "This field is not known."}]


def test_what_was_sent_is_never_repeated(api: API) -> None:
    refused = api.post("/api/run-sheet/appointments", {"patient_name": ["CANARY-3"], "date": "CANARY-3"})
    assert refused.status_code == 422
    assert "CANARY-3" not in refused.get_data(as_text=True)


def test_every_call_wants_somebody(app: Flask, as_role: Callable[[str], API]) -> None:
    outsider = as_role("")
    checked = 0
    for rule in app.url_map.iter_rules():
        if not rule.rule.startswith("/api/"):
            continue
        path = rule.rule
        for argument in rule.arguments:
            path = path.replace(f"<id:{argument}>", "1")
        for method in (rule.methods or set()) - {"OPTIONS", "HEAD"}:
            answer = outsider(method, path, json={} if method != "GET" else None)
            assert answer.status_code in {401, 403}, (method, path)
            checked += 1
    assert checked > 30
