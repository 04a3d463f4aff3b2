"""Practitioners, appointment types and clinicians over the JSON interface."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pmsapp.sandbox.server import SandboxServer
from tests.api.conftest import API
from tests.support.connecting import LOGIN, gentu_access

PRACTITIONER_KEYS = {
    "pms_practitioner_id",
    "name",
    "active",
    "shown_in_appointment_book",
    "decision",
    "clinician_id",
    "suggestions",
    "upcoming_appointments",
}
TYPE_KEYS = {
    "pms_type_id",
    "name",
    "default_duration_minutes",
    "colour",
    "active",
    "is_telehealth",
    "suggested",
    "evidence",
    "sync_enabled",
}


def practitioners(api: API, connection_id: int) -> list[dict[str, Any]]:
    answer = api.get(f"/api/pms/connections/{connection_id}/practitioners")
    assert answer.json["next"] is None
    found: list[dict[str, Any]] = answer.json["items"]
    return found


def test_practitioners_have_their_shape_before_any_run(api: API, paired: int) -> None:
    api.post("/api/clinicians", {"name": "Ms Hana Lee"})
    listed = practitioners(api, paired)
    assert all(person.keys() == PRACTITIONER_KEYS for person in listed)
    assert {person["decision"] for person in listed} == {"undecided"}
    hana = next(person for person in listed if "Hana" in person["name"])
    assert hana["suggestions"][0].keys() == {"clinician_id", "name", "score", "reason"}
    assert hana["suggestions"][0]["name"] == "Ms Hana Lee"
    assert isinstance(hana["upcoming_appointments"], int)


def test_decisions_are_answered_with_the_list_again(api: API, paired: int) -> None:
    first, second, third, *_ = practitioners(api, paired)
    column = api.post("/api/clinicians", {"name": "Dr A"}).json["id"]
    answer = api.post(
        f"/api/pms/connections/{paired}/practitioners",
        {
            "mappings": [
                {
                    "pms_practitioner_id": first["pms_practitioner_id"],
                    "decision": "map",
                    "clinician_id": column,
                },
                {"pms_practitioner_id": second["pms_practitioner_id"], "decision": "create", "name": "Dr B"},
                {"pms_practitioner_id": third["pms_practitioner_id"], "decision": "ignore"},
            ]
        },
    )
    assert answer.status_code == 200
    by_id = {person["pms_practitioner_id"]: person for person in answer.json["items"]}
    assert by_id[first["pms_practitioner_id"]]["decision"] == "mapped"
    assert by_id[first["pms_practitioner_id"]]["clinician_id"] == column
    assert by_id[third["pms_practitioner_id"]]["decision"] == "ignored"
    assert practitioners(api, paired) == answer.json["items"]
    names = [clinician["name"] for clinician in api.get("/api/clinicians").json["items"]]
    assert names == ["Dr A", "Dr B"]
    counts = api.get(f"/api/pms/connections/{paired}").json["counts"]
    assert (counts["mapped"], counts["ignored"]) == (2, 1)


@pytest.mark.parametrize(
    ("mapping", "field"),
    [
        ({"decision": "ignore"}, "mappings.0.pms_practitioner_id"),
        ({"pms_practitioner_id": "nobody", "decision": "ignore"}, "mappings.0.pms_practitioner_id"),
        ({"pms_practitioner_id": None, "decision": "hide"}, "mappings.0.decision"),
        ({"pms_practitioner_id": None, "decision": "map"}, "mappings.0.clinician_id"),
        ({"pms_practitioner_id": None, "decision": "map", "clinician_id": 77}, "mappings.0.clinician_id"),
        ({"pms_practitioner_id": None, "decision": "ignore", "active": False}, "mappings.0.active"),
    ],
)
def test_a_wrong_decision_is_named(api: API, paired: int, mapping: dict[str, Any], field: str) -> None:
    if "pms_practitioner_id" in mapping and mapping["pms_practitioner_id"] is None:
        known = practitioners(api, paired)[0]["pms_practitioner_id"]
        mapping = {**mapping, "pms_practitioner_id": known}
    refused = api.post(f"/api/pms/connections/{paired}/practitioners", {"mappings": [mapping]})
    assert refused.status_code == 422
    assert [error["field"] for error in refused.json["errors"]] == [field]


def test_types_follow_the_pms_until_somebody_decides(api: API, paired: int) -> None:
    path = f"/api/pms/connections/{paired}/appointment-types"
    listed = api.get(path).json["items"]
    assert all(kind.keys() == TYPE_KEYS for kind in listed)
    video = next(kind for kind in listed if kind["suggested"])
    assert (video["is_telehealth"], video["sync_enabled"]) == (None, True)
    choice = {"pms_type_id": video["pms_type_id"], "is_telehealth": True}
    answer = api.patch(path, {"types": [choice]})
    assert answer.status_code == 200
    decided = next(kind for kind in answer.json["items"] if kind["pms_type_id"] == video["pms_type_id"])
    assert decided == {**video, "is_telehealth": True}
    back = api.patch(path, {"types": [{**choice, "is_telehealth": None}]}).json["items"]
    assert back == listed
    for wrong in ({"pms_type_id": "x"}, {"pms_type_id": video["pms_type_id"], "sync_enabled": None}):
        assert api.patch(path, {"types": [wrong]}).status_code == 422


def test_lists_of_a_connection_that_is_not_paired_say_what_is_missing(api: API) -> None:
    made = api.post("/api/pms/connections", {"pms_type": "gentu", "credentials": LOGIN}).json
    for name in ("practitioners", "appointment-types"):
        refused = api.get(f"/api/pms/connections/{made['id']}/{name}")
        assert (refused.status_code, refused.json["code"]) == (409, "NOT-PAIRED")


def test_a_vendor_that_asks_us_to_wait_is_503_with_a_time(
    api: API, paired: int, sandbox: SandboxServer
) -> None:
    sandbox.faults.set("rate_limited", vendor="gentu", endpoint="practitioners", retry_after="300")
    refused = api.get(f"/api/pms/connections/{paired}/practitioners")
    assert (refused.status_code, refused.json["code"]) == (503, "RATE-WAIT")
    assert 1 <= int(refused.headers["Retry-After"]) <= 301


def test_a_practice_that_withdrew_access_is_409(api: API, paired: int, sandbox: SandboxServer) -> None:
    tenant_id = api.get(f"/api/pms/connections/{paired}").json["tenant_id"]
    gentu_access(sandbox).set_access(tenant_id, "disabled")
    refused = api.get(f"/api/pms/connections/{paired}/practitioners")
    assert (refused.status_code, refused.json["code"]) == (409, "ACCESS-WITHDRAWN")


def test_columns_are_added_and_changed(api: API) -> None:
    made = api.post("/api/clinicians", {"name": "Dr A"})
    assert made.status_code == 201
    on_time = {"id": made.json["id"], "running_late_minutes": 0}
    assert made.json == on_time | {"name": "Dr A", "sort_order": 1, "active": True}
    path = made.headers["Location"]
    changed = api.patch(path, {"name": "Dr Bee", "sort_order": 5, "active": False}).json
    assert changed == on_time | {"name": "Dr Bee", "sort_order": 5, "active": False}
    assert api.get(path).json == changed
    assert api.get("/api/clinicians").json == {"items": [changed], "next": None}
    for wrong in ({"name": ""}, {"name": None}, {"sort_order": -1}, {"id": 9}):
        assert api.patch(path, wrong).status_code == 422
    assert api.patch("/api/clinicians/99", {"name": "x"}).status_code == 404


def test_only_an_admin_may_decide(as_role: Callable[[str], API], paired: int) -> None:
    other = as_role("reception")
    base = f"/api/pms/connections/{paired}"
    assert other.get(f"{base}/practitioners").status_code == 200
    assert other.post(f"{base}/practitioners", {"mappings": []}).status_code == 403
    assert other.patch(f"{base}/appointment-types", {"types": []}).status_code == 403
    assert other.post("/api/clinicians", {"name": "x"}).status_code == 403
    assert as_role("status").get(f"{base}/practitioners").status_code == 403
