"""The run sheet and its cards over the JSON interface."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import update

from pmsapp.models import RunSheetAppointment
from pmsapp.sandbox.server import SandboxServer
from pmsapp.services.base.transaction import writing
from tests.api.conftest import API, run_waiting
from tests.support.clock import FrozenClock

SHEET_KEYS = {
    "date",
    "time_zone",
    "version",
    "freshness",
    "clinicians",
    "unassigned",
    "not_shown",
}
CARD_KEYS = {
    "id",
    "row_version",
    "date",
    "start_at",
    "time_zone",
    "duration_minutes",
    "clinician_id",
    "patient_name",
    "patient_dob",
    "patient_phone",
    "patient_email",
    "appointment_type",
    "appointment_status",
    "is_telehealth",
    "presence",
    "state",
    "notes",
    "pms_notes",
    "source",
    "pms_connection_id",
    "pms_appointment_id",
    "pms_patient_id",
    "pms_practitioner_id",
    "pms_last_synced_at",
    "edited",
    "links",
    "rebooked",
    "state_since",
    "attempts",
    "identity_check",
    "cancelled",
    "acknowledged_at",
    "acknowledged_by",
    "removed",
    "moved_from",
    "claimed",
    "changed_since_seen",
    "similar_names",
    "also_with",
}


def cards_of(sheet: dict[str, Any]) -> list[dict[str, Any]]:
    return [card for column in sheet["clinicians"] for card in column["appointments"]] + sheet["unassigned"]


@pytest.fixture
def card(api: API, synced: int) -> dict[str, Any]:
    """A card of today that the PMS has and that is on the sheet."""
    found = [row for row in cards_of(api.get("/api/run-sheet").json) if row["presence"] == "on_sheet"]
    return found[0]


def path_of(card: dict[str, Any]) -> str:
    return f"/api/run-sheet/appointments/{card['id']}"


def test_an_empty_sheet_has_the_whole_shape(api: API) -> None:
    sheet = api.get("/api/run-sheet").json
    assert sheet.keys() == SHEET_KEYS
    assert sheet["date"] == "2026-11-23"
    assert sheet["freshness"] == {"as_of": None, "state": "never"}
    assert sheet["not_shown"] == {"moved": 0, "filtered": 0, "unmapped": 0, "removed_by_staff": 0}


def test_a_read_sheet_shows_cards_under_their_clinicians(api: API, synced: int) -> None:
    sheet = api.get("/api/run-sheet").json
    assert sheet["freshness"]["state"] == "fresh"
    cards = cards_of(sheet)
    assert cards
    assert all(card.keys() == CARD_KEYS for card in cards)
    assert all(card["links"].keys() == {"host", "patient"} for card in cards)
    for column in sheet["clinicians"]:
        assert column.keys() == {"id", "name", "freshness", "appointments"}
        starts = [datetime.fromisoformat(card["start_at"]) for card in column["appointments"]]
        assert starts == sorted(starts)
        assert {card["clinician_id"] for card in column["appointments"]} <= {column["id"]}
    assert {card["date"] for card in cards} == {"2026-11-23"}
    assert not [value for card in cards for value in card.values() if value == ""]


def test_a_cards_start_has_the_offset_of_its_own_zone(api: API, synced: int, card: dict[str, Any]) -> None:
    assert card["start_at"].endswith("+11:00")
    with writing() as session:
        session.execute(
            update(RunSheetAppointment)
            .where(RunSheetAppointment.id == card["id"])
            .values(time_zone="Australia/Perth")
        )
    there = api.get(path_of(card)).json
    assert there["start_at"].endswith("+08:00")
    assert datetime.fromisoformat(there["start_at"]) == datetime.fromisoformat(card["start_at"])
    assert there["pms_last_synced_at"].endswith("+11:00")


def test_an_unchanged_sheet_is_304(api: API, synced: int, frozen_clock: FrozenClock) -> None:
    first = api.get("/api/run-sheet")
    tag = first.headers["ETag"]
    again = api.get("/api/run-sheet", headers={"If-None-Match": tag})
    assert (again.status_code, again.data, again.headers["ETag"]) == (304, b"", tag)
    assert api.get("/api/run-sheet?include=not_shown", headers={"If-None-Match": tag}).status_code == 200
    frozen_clock.advance(minutes=40)
    stale = api.get("/api/run-sheet", headers={"If-None-Match": tag})
    assert stale.status_code == 200, "data that has aged is another answer"
    assert stale.json["freshness"]["state"] == "stale"
    assert len(cards_of(stale.json)) == len(cards_of(first.json))


def test_a_change_gives_another_tag(api: API, card: dict[str, Any]) -> None:
    tag = api.get("/api/run-sheet").headers["ETag"]
    api.patch(path_of(card), {"notes": "Rings back at ten"})
    changed = api.get("/api/run-sheet", headers={"If-None-Match": tag})
    assert changed.status_code == 200


def test_cards_that_are_not_shown_come_when_asked(api: API, synced: int, card: dict[str, Any]) -> None:
    assert api.delete(path_of(card), json={"reason": "Entered twice"}).status_code == 204
    sheet = api.get("/api/run-sheet").json
    assert card["id"] not in [row["id"] for row in cards_of(sheet)]
    assert sheet["not_shown"]["removed_by_staff"] == 1
    assert "not_shown_cards" not in sheet
    hidden = api.get("/api/run-sheet?include=not_shown").json["not_shown_cards"]
    assert card["id"] in [row["id"] for row in hidden]
    assert api.get(path_of(card)).json["presence"] == "removed_by_staff"


def test_what_staff_typed_survives_the_next_run(api: API, synced: int, card: dict[str, Any]) -> None:
    typed = api.patch(path_of(card), {"patient_phone": "0491 570 156"}, headers={"If-Match": '"1"'})
    assert typed.status_code == 200
    assert typed.headers["ETag"] == f'"{typed.json["row_version"]}"'
    (edit,) = typed.json["edited"]
    assert edit.keys() == {"field", "value", "pms_value", "by", "at", "conflict"}
    assert (edit["field"], edit["by"], edit["conflict"]) == ("patient_phone", "test admin", False)
    assert edit["pms_value"] == card["patient_phone"]
    api.post(f"/api/pms/connections/{synced}/sync")
    run_waiting(api, synced)
    assert api.get(path_of(card)).json["patient_phone"] == typed.json["patient_phone"]
    back = api.patch(path_of(card), {"patient_phone": None}).json
    assert (back["patient_phone"], back["edited"]) == (card["patient_phone"], [])


def test_a_typed_start_has_an_offset_on_both_sides(api: API, card: dict[str, Any]) -> None:
    typed = api.patch(path_of(card), {"start_at": "2026-11-23T17:45:00+11:00"}).json
    assert typed["start_at"] == "2026-11-23T17:45:00+11:00"
    (edit,) = typed["edited"]
    assert edit["value"] == "2026-11-23T17:45:00+11:00"
    assert edit["pms_value"] == card["start_at"]


def test_an_outdated_change_is_412_with_the_card_as_it_is(api: API, card: dict[str, Any]) -> None:
    first = api.patch(path_of(card), {"notes": "one"}, headers={"If-Match": str(card["row_version"])})
    assert first.status_code == 200
    for tag in (str(card["row_version"]), f'"{card["row_version"]}"', 'W/"1"', "nonsense"):
        late = api.patch(path_of(card), {"notes": "two"}, headers={"If-Match": tag})
        assert (late.status_code, late.json["code"]) == (412, "ROW-CHANGED")
        assert late.json["current"] == first.json
    assert api.get(path_of(card)).json["notes"] == "one"
    assert api.patch(path_of(card), {"notes": "three"}, headers={"If-Match": "*"}).status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        {"presence": "on_sheet"},
        {"pms_patient_id": "x"},
        {"row_version": 9},
        {"state": "gone"},
        {"duration_minutes": 0},
        {"duration_minutes": "15"},
        {"clinician_id": 999},
        {"patient_email": "nobody"},
        {"start_at": "2026-11-23T10:00:00"},
        {"is_telehealth": "yes"},
    ],
)
def test_a_wrong_change_is_refused(api: API, card: dict[str, Any], body: dict[str, object]) -> None:
    refused = api.patch(path_of(card), body)
    assert refused.status_code == 422
    assert [error["field"] for error in refused.json["errors"]] == list(body)
    assert api.get(path_of(card)).json == card


def test_a_card_can_be_added_by_hand(api: API) -> None:
    column = api.post("/api/clinicians", {"name": "Dr A"}).json
    made = api.post(
        "/api/run-sheet/appointments",
        {
            "date": "2026-11-23",
            "start_at": "2026-11-23T10:15:00+11:00",
            "clinician_id": column["id"],
            "patient_name": "Marigold Quoll",
            "duration_minutes": 20,
        },
    )
    assert made.status_code == 201
    assert made.headers["Location"] == path_of(made.json)
    assert made.json.keys() == CARD_KEYS
    assert (made.json["source"], made.json["pms_connection_id"]) == ("manual", None)
    assert cards_of(api.get("/api/run-sheet").json) == [made.json]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"date": "2026-11-23", "start_at": "2026-11-23T10:15:00+11:00"}, "patient_name"),
        ({"date": "2026-11-24"}, "start_at"),
        ({"clinician_id": 99}, "clinician_id"),
        ({"pms_connection_id": 1}, "pms_connection_id"),
    ],
)
def test_a_wrong_card_is_refused(api: API, body: dict[str, object], field: str) -> None:
    good = {"date": "2026-11-23", "start_at": "2026-11-23T10:15:00+11:00", "patient_name": "M Quoll"}
    whole = body if field == "patient_name" else {**good, **body}
    refused = api.post("/api/run-sheet/appointments", whole)
    assert refused.status_code == 422
    assert [error["field"] for error in refused.json["errors"]] == [field]


def test_a_removal_needs_a_reason(api: API, card: dict[str, Any]) -> None:
    assert api.delete(path_of(card)).status_code == 422
    assert api.delete(path_of(card), json={"reason": " "}).status_code == 422
    late = api.delete(path_of(card), json={"reason": "x"}, headers={"If-Match": "999"})
    assert late.status_code == 412


def test_a_cancelled_card_stays_until_acknowledged(
    api: API, synced: int, card: dict[str, Any], sandbox: SandboxServer
) -> None:
    found = sandbox.clinic.find_appointment("gentu", card["pms_appointment_id"])
    assert found is not None
    sandbox.clinic.cancel(found[0].key)
    checked = api.post(f"{path_of(card)}/recheck")
    assert (checked.status_code, checked.json["presence"]) == (200, "cancelled")
    assert card["id"] in [row["id"] for row in cards_of(api.get("/api/run-sheet").json)]
    seen = api.post(f"{path_of(card)}/acknowledge")
    assert (seen.status_code, seen.json["presence"]) == (200, "cancelled")
    assert card["id"] not in [row["id"] for row in cards_of(api.get("/api/run-sheet").json)]


def test_a_card_added_by_hand_cannot_be_rechecked(api: API) -> None:
    made = api.post(
        "/api/run-sheet/appointments",
        {"date": "2026-11-23", "start_at": "2026-11-23T10:15:00+11:00", "patient_name": "M Quoll"},
    ).json
    refused = api.post(f"{path_of(made)}/recheck")
    assert (refused.status_code, refused.json["code"]) == (409, "MANUAL-CARD")


def test_a_conflict_is_listed_and_settled(
    api: API, synced: int, card: dict[str, Any], sandbox: SandboxServer
) -> None:
    api.patch(path_of(card), {"patient_phone": "0491 570 156"})
    found = sandbox.clinic.find_appointment("gentu", card["pms_appointment_id"])
    assert found is not None
    sandbox.clinic.edit_patient(found[0].patient_keys[0], phone="0491 570 157")
    api.post(f"/api/pms/connections/{synced}/sync")
    run_waiting(api, synced)
    listed = api.get("/api/pms/conflicts?date=2026-11-23").json
    mine = [question for question in listed["items"] if card["id"] in question["appointment_ids"]]
    assert mine[0].keys() == {
        "id",
        "kind",
        "code",
        "decided",
        "date",
        "clinician_id",
        "appointment_ids",
        "field",
        "ours",
        "theirs",
        "since",
    }
    assert (mine[0]["kind"], mine[0]["field"]) == ("field_conflict", "patient_phone")
    path = f"/api/pms/conflicts/{mine[0]['id']}"
    assert api.post(path, {"choice": "both"}).status_code == 422
    settled = api.post(path, {"choice": "pms"})
    assert settled.status_code == 200
    assert api.get(path_of(card)).json["patient_phone"] == mine[0]["theirs"]
    again = api.post(path, {"choice": "keep"})
    assert again.status_code == 409
    assert api.post("/api/pms/conflicts/999", {"choice": "keep"}).status_code == 404


@pytest.mark.parametrize(
    ("role", "read", "write"), [("reception", 200, 200), ("viewer", 200, 403), ("status", 403, 403)]
)
def test_who_may_read_and_change_cards(
    as_role: Callable[[str], API], card: dict[str, Any], role: str, read: int, write: int
) -> None:
    other = as_role(role)
    assert other.get(path_of(card)).status_code == read
    assert other.get("/api/run-sheet").status_code == read
    assert other.get("/api/pms/conflicts").status_code == read
    assert other.patch(path_of(card), {"notes": "x"}).status_code == write


def test_an_unknown_card_is_404_everywhere(api: API) -> None:
    path = "/api/run-sheet/appointments/99"
    for answer in (
        api.get(path),
        api.patch(path, {"notes": "x"}),
        api.delete(path, json={"reason": "x"}),
        api.post(f"{path}/acknowledge"),
        api.post(f"{path}/recheck"),
    ):
        assert answer.status_code == 404
