"""Asking for runs, watching them, stopping them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pmsapp.sandbox.server import SandboxServer
from pmsapp.services.sync import execute
from tests.api.conftest import API, run_waiting
from tests.support.connecting import LOGIN

RUN_KEYS = {
    "id",
    "sync_type",
    "dry_run",
    "trigger",
    "actor",
    "dates",
    "not_before",
    "started_at",
    "completed_at",
    "status",
    "counts",
    "scopes",
    "error",
}
COUNT_KEYS = {"fetched", "created", "updated", "unchanged", "skipped", "failed", "removed", "held"}


def test_a_run_is_accepted_joined_and_told_about(api: API, paired: int) -> None:
    path = f"/api/pms/connections/{paired}/sync"
    first = api.post(path)
    assert first.status_code == 202
    assert first.json == {"sync_id": first.json["sync_id"], "created": True, "not_before": None}
    assert first.headers["Location"] == f"{path}/{first.json['sync_id']}"
    second = api.post(path)
    assert second.json == {**first.json, "created": False}
    queued = api.get(first.headers["Location"]).json
    assert (queued["status"], queued["trigger"], queued["actor"]) == ("queued", "api", "test admin")
    assert queued.keys() == RUN_KEYS
    done = run_waiting(api, paired)
    assert done["status"] == "success"
    assert done["counts"].keys() == COUNT_KEYS
    assert done["completed_at"].endswith("+11:00")
    listed = api.get(path).json
    assert listed.keys() == {"current", "items", "next"}
    assert listed["current"] is None
    assert [run["id"] for run in listed["items"]] == [done["id"]]


def test_counts_add_up(api: API, synced: int) -> None:
    run = api.get(f"/api/pms/connections/{synced}/sync").json["items"][0]
    counts = run["counts"]
    assert counts["fetched"] > 0
    assert counts["fetched"] == sum(
        counts[name] for name in ("created", "updated", "unchanged", "skipped", "failed")
    )
    for name in COUNT_KEYS:
        assert counts[name] == sum(scope["counts"][name] for scope in run["scopes"])
    assert {scope["outcome"] for scope in run["scopes"]} == {"complete"}


def test_a_day_can_be_asked_for(api: API, paired: int) -> None:
    path = f"/api/pms/connections/{paired}/sync"
    accepted = api.post(path, {"date": "2026-11-25"}).json
    assert api.get(f"{path}/{accepted['sync_id']}").json["dates"] == ["2026-11-25"]
    assert api.post(path, {"date": "25.11.2026"}).status_code == 422
    assert api.post(path, {"date": "1926-11-25"}).status_code == 422
    assert api.post(path, {"day": "2026-11-25"}).status_code == 422


def test_a_body_is_not_needed(api: API, paired: int) -> None:
    assert api("POST", f"/api/pms/connections/{paired}/sync").status_code == 202


def test_nothing_runs_before_the_vendor_can_be_asked(api: API) -> None:
    made = api.post("/api/pms/connections", {"pms_type": "gentu", "credentials": LOGIN}).json
    refused = api.post(f"/api/pms/connections/{made['id']}/sync")
    assert (refused.status_code, refused.json["code"]) == (409, "NOT-PAIRED")
    made = api.post("/api/pms/connections", {"pms_type": "halaxy"}).json
    refused = api.post(f"/api/pms/connections/{made['id']}/sync")
    assert (refused.status_code, refused.json["code"]) == (409, "NO-LOGIN")
    assert refused.json["detail"] == "There is no Halaxy login yet; enter it first."


def test_empty_parameters_of_a_list_count_as_left_out(api: API, synced: int) -> None:
    path = f"/api/pms/connections/{synced}/sync"
    assert api.get(f"{path}?limit=&cursor=").json == api.get(path).json


def test_a_preview_has_the_offset_of_the_clinic(api: API, synced: int) -> None:
    path = f"/api/pms/connections/{synced}/sync"
    assert api.patch(f"/api/pms/connections/{synced}", {"sync_telehealth_only": False}).status_code == 200
    accepted = api.post(path, {"dry_run": True, "date": "2026-11-26"}).json
    execute.execute_run(accepted["sync_id"])
    cards = api.get(f"{path}/{accepted['sync_id']}").json["preview"]["cards"]
    assert cards
    assert all(card["start_at"].endswith("+11:00") for card in cards)


def test_a_dry_run_writes_nothing_and_carries_a_preview(
    api: API, synced: int, as_role: Callable[[str], API], sandbox: SandboxServer
) -> None:
    path = f"/api/pms/connections/{synced}/sync"
    before = api.get("/api/run-sheet").json
    sandbox.clinic.empty_day("2026-11-23", "lee-hana")
    accepted = api.post(path, {"dry_run": True}).json
    execute.execute_run(accepted["sync_id"])
    run = api.get(f"{path}/{accepted['sync_id']}").json
    assert run["preview"]
    assert api.get("/api/run-sheet").json["version"] == before["version"]
    blind = as_role("status").get(f"{path}/{accepted['sync_id']}").json
    assert "preview" not in blind


def test_a_queued_run_can_be_cancelled_once(api: API, paired: int) -> None:
    path = f"/api/pms/connections/{paired}/sync"
    accepted = api.post(path).json
    cancelled = api.delete(f"{path}/{accepted['sync_id']}")
    assert (cancelled.status_code, cancelled.json["status"]) == (200, "cancelled")
    again = api.delete(f"{path}/{accepted['sync_id']}")
    assert (again.status_code, again.json["code"]) == (409, "RUN-OVER")


def test_the_history_is_read_page_by_page(api: API, paired: int) -> None:
    path = f"/api/pms/connections/{paired}/sync"
    days = ("2026-11-24", "2026-11-25", "2026-11-26")
    wanted = [api.post(path, {"date": day}).json["sync_id"] for day in days]
    first = api.get(f"{path}?limit=2").json
    second = api.get(f"{path}?limit=2&cursor={first['next']}").json
    assert [run["id"] for run in first["items"] + second["items"]] == wanted[::-1]
    assert second["next"] is None
    for bad in ("limit=0", "limit=101", "limit=x", "cursor=x", "cursor=-1"):
        assert api.get(f"{path}?{bad}").status_code == 422


def test_a_run_of_another_connection_is_not_found(api: API, paired: int) -> None:
    other = api.post("/api/pms/connections", {"pms_type": "gentu", "credentials": LOGIN}).json["id"]
    accepted = api.post(f"/api/pms/connections/{paired}/sync").json
    assert api.get(f"/api/pms/connections/{other}/sync/{accepted['sync_id']}").status_code == 404
    assert api.delete(f"/api/pms/connections/{other}/sync/{accepted['sync_id']}").status_code == 404


def test_the_whole_in_one_look(api: API, synced: int) -> None:
    overall = api.get("/api/pms/sync").json
    assert overall.keys() == {"state", "connections"}
    (connection,) = overall["connections"]
    assert connection.keys() == {"id", "state", "as_of", "next_sync_at", "current"}
    assert (overall["state"], connection["state"], connection["current"]) == ("ok", "ok", None)
    assert connection["as_of"] is not None


def test_every_enabled_connection_runs(api: API, synced: int) -> None:
    api.post("/api/pms/connections", {"pms_type": "gentu", "credentials": LOGIN})
    accepted = api.post("/api/run-sheet/sync", {"date": "2026-11-24"})
    assert accepted.status_code == 202
    (asked,) = accepted.json["items"]
    assert asked.keys() == {"connection_id", "sync_id", "created", "not_before"}
    assert asked["connection_id"] == synced
    assert accepted.json["next"] is None


@pytest.mark.parametrize(
    ("role", "status"), [("admin", 202), ("reception", 202), ("viewer", 403), ("status", 403)]
)
def test_who_may_start_a_run(as_role: Callable[[str], API], paired: int, role: str, status: int) -> None:
    assert as_role(role).post(f"/api/pms/connections/{paired}/sync").status_code == status
