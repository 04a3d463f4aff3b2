"""A signed-in browser may use the JSON interface too, with the page's token on everything that changes."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask

from pmsapp.services.editing import overrides
from pmsapp.services.sheet import columns
from pmsapp.settings import Settings
from tests.support.actors import browser, browser_for, make_user
from tests.support.clock import MONDAY_9AM, FrozenClock
from tests.support.connecting import ADMIN

pytestmark = pytest.mark.usefixtures("frozen_clock")


@pytest.fixture
def settings(make_settings: Callable[..., Settings]) -> Settings:
    return make_settings()


def test_a_browser_reads_and_writes(app: Flask) -> None:
    mine = browser_for(app, "admin")
    assert mine.get("/api/pms/connections").json == {"items": [], "next": None}
    assert mine.post("/api/clinicians", json={"name": "Dr A"}).status_code == 201


def test_a_change_without_the_pages_token_is_refused(app: Flask) -> None:
    mine = browser_for(app, "admin")
    refused = mine.client.post("/api/clinicians", json={"name": "Dr A"})
    assert refused.status_code == 403
    assert refused.content_type == "application/problem+json"
    assert refused.json["code"] == "FORM-EXPIRED"


def test_a_change_from_another_site_is_refused(app: Flask) -> None:
    mine = browser_for(app, "admin")
    refused = mine.post("/api/clinicians", json={"name": "x"}, headers={"Sec-Fetch-Site": "cross-site"})
    assert refused.status_code == 403


def test_connections_want_a_fresh_password(app: Flask, frozen_clock: FrozenClock) -> None:
    mine = browser_for(app, "admin")
    assert mine.post("/api/pms/connections", json={"pms_type": "halaxy"}).status_code == 201
    for _ in range(4):
        frozen_clock.advance(minutes=10)
        mine.get("/api/pms/connections")
    late = mine.post("/api/pms/connections", json={"pms_type": "halaxy"})
    assert late.status_code == 401
    assert late.content_type == "application/problem+json"


def test_a_clinician_sees_their_own_column_only(app: Flask) -> None:
    own = columns.create_clinician(ADMIN, name="Dr A")
    other = columns.create_clinician(ADMIN, name="Dr B")
    day = MONDAY_9AM.date().replace(day=23)
    made = [
        overrides.add_card(
            day,
            {"start_at": MONDAY_9AM, "patient_name": "M Quoll", "clinician_id": column.id},
            ADMIN,
        )
        for column in (own, other)
    ]
    mine = browser(app, make_user("clinician", clinician_id=own.id))
    sheet = mine.get("/api/run-sheet").json
    assert [column["id"] for column in sheet["clinicians"]] == [own.id]
    assert mine.get(f"/api/run-sheet/appointments/{made[0].id}").status_code == 200
    for answer in (
        mine.get(f"/api/run-sheet/appointments/{made[1].id}"),
        mine.patch(f"/api/run-sheet/appointments/{made[1].id}", json={"notes": "x"}),
        mine.post(f"/api/run-sheet/appointments/{made[1].id}/acknowledge"),
        mine.post(f"/api/run-sheet/appointments/{made[1].id}/recheck"),
    ):
        assert answer.status_code == 404
    assert mine.get("/api/pms/conflicts").status_code == 403
