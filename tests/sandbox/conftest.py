"""A running sandbox with Gentu alone, a clock that stands still, and a small client for it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import requests

from pmsapp.sandbox.clinic.clinic import Clinic
from pmsapp.sandbox.server import SandboxServer

MONDAY = date(2026, 11, 23)
APP_ID = "5a9d1f0e-3c1b-4f6a-9d2e-7b8c6a5d4e3f"


class StandingClock:
    """Half past eleven on a Monday in Melbourne, until told otherwise."""

    def __init__(self) -> None:
        self.at = datetime(2026, 11, 23, 0, 30, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.at

    def advance(self, **by: float) -> None:
        self.at += timedelta(**by)


class GentuClient:
    """As much of a Gentu client as the tests need; it knows nothing of the product's own."""

    def __init__(self, server: SandboxServer) -> None:
        self.server = server
        self.base = server.gentu_base
        self.tenant_id = ""
        self.headers: dict[str, str] = {}

    def token(self) -> str:
        answer = requests.post(
            f"{self.base}/oauth2/token",
            auth=("training-client-id", "training-client-secret"),
            data={"grant_type": "client_credentials"},
            timeout=5,
        )
        assert answer.status_code == 200, answer.text
        token: str = answer.json()["access_token"]
        self.headers = {"Authorization": f"Bearer {token}"}
        return token

    def pair(self, code: str, app_id: str = APP_ID) -> requests.Response:
        url = f"{self.base}/apps/{app_id}/pairing/{code}"
        return requests.put(url, headers=self.headers, timeout=5)

    def connect(self, code: str = "demo1234") -> GentuClient:
        self.token()
        self.tenant_id = self.pair(code).json()["tenantId"]
        return self

    def get(self, path: str, **params: Any) -> requests.Response:
        return requests.get(
            f"{self.base}{path}", params=params, headers=self.headers, timeout=5, allow_redirects=False
        )

    def tenant(self, path: str, **params: Any) -> requests.Response:
        return self.get(f"/tenants/{self.tenant_id}{path}", **params)

    def practitioner_id(self, key: str) -> str:
        return self.server.clinic.id_of("gentu", "practitioner", key)

    def day(self, practitioner: str = "odwyer", **changes: Any) -> requests.Response:
        params: dict[str, Any] = {
            "fromDate": "2026-11-22T23:59:00.000+11:00",
            "toDate": "2026-11-24T00:01:00.000+11:00",
            "practitionerId": self.practitioner_id(practitioner),
            "limit": "100",
        }
        params.update(changes)
        return self.tenant("/appointments", **{k: v for k, v in params.items() if v is not None})

    def whole_day(self, practitioner: str = "odwyer", **changes: Any) -> list[dict[str, Any]]:
        """Every page of a day, read to the end mark."""
        rows: list[dict[str, Any]] = []
        cursor = None
        for _ in range(60):
            page = self.day(practitioner, cursor=cursor, **changes).json()
            rows += page["appointments"]
            cursor = page["pagination"]["next"]
            if cursor is None:
                return rows
        raise AssertionError("the list has no end")


@pytest.fixture
def now() -> StandingClock:
    return StandingClock()


@pytest.fixture
def clinic(now: StandingClock) -> Clinic:
    return Clinic(now=now)


@pytest.fixture
def server(now: StandingClock) -> Iterator[SandboxServer]:
    with SandboxServer(now=now, vendors=("gentu",)) as running:
        yield running


@pytest.fixture
def gentu(server: SandboxServer) -> GentuClient:
    """A client that holds a token and is paired with the front clinic."""
    return GentuClient(server).connect()
