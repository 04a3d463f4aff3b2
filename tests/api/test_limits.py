"""One token cannot take all the room."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask

from pmsapp.settings import Settings
from tests.api.conftest import API


@pytest.fixture
def settings(make_settings: Callable[..., Settings]) -> Settings:
    return make_settings(api_reads_per_minute=3, api_writes_per_minute=2)


def test_reads_beyond_the_limit_are_429_with_a_time(api: API) -> None:
    for _ in range(3):
        assert api.get("/api/clinicians").status_code == 200
    refused = api.get("/api/clinicians")
    assert (refused.status_code, refused.json["code"]) == (429, "TOO-MANY")
    assert 1 <= int(refused.headers["Retry-After"]) <= 60


def test_writes_have_a_limit_of_their_own(api: API) -> None:
    for number in range(2):
        assert api.post("/api/clinicians", {"name": f"Dr {number}"}).status_code == 201
    assert api.post("/api/clinicians", {"name": "Dr Late"}).status_code == 429
    assert api.get("/api/clinicians").status_code == 200


def test_another_token_is_not_affected(app: Flask, as_role: Callable[[str], API]) -> None:
    first, other = as_role("admin"), as_role("admin")
    for _ in range(4):
        last = first.get("/api/clinicians")
    assert last.status_code == 429
    assert other.get("/api/clinicians").status_code == 200


def test_refused_calls_do_not_prolong_the_wait(api: API) -> None:
    for _ in range(10):
        refused = api.get("/api/clinicians")
    assert int(refused.headers["Retry-After"]) <= 60
