"""The JSON interface as a program sees it: a bearer token, the sandbox behind it, Monday morning."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from pmsapp.sandbox.server import SandboxServer
from pmsapp.services.matching import live_lists
from pmsapp.services.people import api_tokens
from pmsapp.services.sync import execute
from pmsapp.settings import Settings
from tests.support import prepared
from tests.support.clock import FrozenClock
from tests.support.connecting import ADMIN, LOGIN, connected_once, gentu_access, vendor_settings
from tests.support.sandboxes import Sandboxes


class API:
    """Calls with one token. Every answer is checked for what holds everywhere."""

    def __init__(self, app: Flask, role: str = "admin") -> None:
        self._client = app.test_client()
        self.token = api_tokens.create(f"test {role}", role, ADMIN).token if role else ""

    def __call__(self, method: str, path: str, **more: Any) -> TestResponse:
        headers = more.pop("headers", {})
        if self.token:
            headers = {"Authorization": f"Bearer {self.token}", **headers}
        response = self._client.open(path, method=method, headers=headers, **more)
        if response.status_code >= 400:
            assert response.content_type == "application/problem+json"
            assert response.json["status"] == response.status_code
            assert {"type", "title", "status", "detail", "code"} <= response.json.keys()
        assert response.headers["Cache-Control"] == "no-store"
        return response

    def get(self, path: str, **more: Any) -> TestResponse:
        return self("GET", path, **more)

    def post(self, path: str, json: Any = None, **more: Any) -> TestResponse:
        return self("POST", path, json={} if json is None else json, **more)

    def patch(self, path: str, json: Any, **more: Any) -> TestResponse:
        return self("PATCH", path, json=json, **more)

    def put(self, path: str, json: Any, **more: Any) -> TestResponse:
        return self("PUT", path, json=json, **more)

    def delete(self, path: str, **more: Any) -> TestResponse:
        return self("DELETE", path, **more)


@pytest.fixture
def sandbox(
    sandboxes: Sandboxes, frozen_clock: FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> SandboxServer:
    """The vendors on a Monday morning; counting appointments ahead may take its time on a busy machine."""
    monkeypatch.setattr(live_lists, "UPCOMING_S", 60.0)
    return sandboxes.lend()


@pytest.fixture
def settings(make_settings: Callable[..., Settings], sandbox: SandboxServer) -> Settings:
    return make_settings(vendors=vendor_settings(sandbox))


@pytest.fixture
def api(app: Flask) -> API:
    """A program with an admin's token."""
    made = API(app, "")
    made.token = prepared.once("a program", lambda: API(app).token)
    return made


@pytest.fixture
def as_role(app: Flask) -> Callable[[str], API]:
    """A program with a token of another role; "" sends none."""
    return lambda role: API(app, role)


@pytest.fixture
def paired(api: API, sandbox: SandboxServer) -> int:
    """A Gentu connection paired with the sandbox's first clinic, still in set-up."""

    def pair() -> int:
        made = api.post("/api/pms/connections", {"pms_type": "gentu", "credentials": LOGIN})
        connection_id: int = made.json["id"]
        code = gentu_access(sandbox).make_code()
        answer = api.post(f"/api/pms/connections/{connection_id}/pair", {"pairing_code": code})
        assert answer.status_code == 200
        return connection_id

    return connected_once(sandbox, "paired over the interface", pair)


@pytest.fixture
def synced(api: API, sandbox: SandboxServer, paired: int) -> int:
    """That connection with everybody in the book mapped, switched on, and read once."""

    connected_once(sandbox, "read over the interface", lambda: _read(api, paired))
    return paired


def _read(api: API, paired: int) -> None:
    base = f"/api/pms/connections/{paired}"
    listed = api.get(f"{base}/practitioners").json["items"]
    mappings = [
        {"pms_practitioner_id": person["pms_practitioner_id"], "decision": "create"}
        for person in listed
        if person["active"] and person["shown_in_appointment_book"]
    ]
    assert api.post(f"{base}/practitioners", {"mappings": mappings}).status_code == 200
    assert api.patch(base, {"sync_enabled": True}).json["state"] == "ok"
    run_waiting(api, paired)


def run_waiting(api: API, connection_id: int) -> dict[str, Any]:
    """Do what a worker would: the run that waits. Returns it when it is over."""
    current = api.get(f"/api/pms/connections/{connection_id}/sync").json["current"]
    execute.execute_run(current["id"])
    found: dict[str, Any] = api.get(f"/api/pms/connections/{connection_id}/sync/{current['id']}").json
    return found
