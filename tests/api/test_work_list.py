"""The work list over the JSON interface: steps, attempts, claims, identity, bringing back, running late."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.api.conftest import API
from tests.api.test_run_sheet import cards_of, path_of
from tests.support.clock import FrozenClock


@pytest.fixture
def card(api: API, synced: int) -> dict[str, Any]:
    """A card of today that is on the sheet and that nobody has worked on."""
    found = [card for card in cards_of(api.get("/api/run-sheet").json) if card["presence"] == "on_sheet"]
    return found[0]


def test_a_card_nobody_worked_on_says_so(card: dict[str, Any]) -> None:
    assert (card["state"], card["state_since"], card["attempts"], card["identity_check"]) == (
        "booked",
        None,
        [],
        None,
    )
    assert (card["cancelled"], card["acknowledged_at"], card["claimed"]) == (None, None, None)
    assert card["changed_since_seen"] is False


def test_a_state_says_since_when(api: API, card: dict[str, Any], frozen_clock: FrozenClock) -> None:
    frozen_clock.advance(minutes=5)
    changed = api.patch(path_of(card), {"state": "contacted"}).json
    assert (changed["state"], changed["state_since"]) == ("contacted", "2026-11-23T09:05:00+11:00")


def test_attempts_are_counted_with_their_times(api: API, card: dict[str, Any]) -> None:
    first = api.post(f"{path_of(card)}/attempts", {"outcome": "no_answer"})
    assert (first.status_code, first.json["state"]) == (200, "no_answer")
    second = api.post(f"{path_of(card)}/attempts").json
    assert [attempt["outcome"] for attempt in second["attempts"]] == ["no_answer", "no_answer"]
    assert second["attempts"][0]["at"] == "2026-11-23T09:00:00+11:00"
    assert api.post(f"{path_of(card)}/attempts", {"outcome": "reached"}).json["state"] == "contacted"
    refused = api.post(f"{path_of(card)}/attempts", {"outcome": "shrugged"})
    assert (refused.status_code, [error["field"] for error in refused.json["errors"]]) == (422, ["outcome"])


def test_a_claim_is_shown_and_refused_to_others(
    api: API, as_role: Callable[[str], API], card: dict[str, Any], frozen_clock: FrozenClock
) -> None:
    claimed = api.post(f"{path_of(card)}/claim").json["claimed"]
    assert claimed == {"by": "test admin", "until": "2026-11-23T09:02:00+11:00"}
    desk = as_role("reception")
    refused = desk.post(f"{path_of(card)}/claim")
    assert (refused.status_code, refused.json["code"]) == (409, "CLAIMED")
    frozen_clock.advance(minutes=2)
    assert api.get(path_of(card)).json["claimed"] is None
    assert desk.post(f"{path_of(card)}/claim").status_code == 200


def test_an_identity_check_takes_three_approved_identifiers(api: API, card: dict[str, Any]) -> None:
    path = f"{path_of(card)}/identity-check"
    refused = api.post(path, {"identifiers": ["name", "birth_date", "medicare_number"]})
    assert (refused.status_code, [error["field"] for error in refused.json["errors"]]) == (
        422,
        ["identifiers"],
    )
    assert api.post(path, {}).status_code == 422
    checked = api.post(path, {"identifiers": ["name", "birth_date", "ihi"]}).json["identity_check"]
    assert checked == {
        "identifiers": ["name", "birth_date", "ihi"],
        "by": "test admin",
        "at": "2026-11-23T09:00:00+11:00",
    }


def test_a_removed_card_is_restored_and_only_once(api: API, card: dict[str, Any]) -> None:
    assert api.delete(path_of(card), json={"reason": "double"}).status_code == 204
    back = api.post(f"{path_of(card)}/restore")
    assert (back.status_code, back.json["presence"]) == (200, "on_sheet")
    again = api.post(f"{path_of(card)}/restore")
    assert (again.status_code, again.json["code"]) == (409, "NOT-REMOVED")


def test_a_clinician_runs_late_for_today(api: API, synced: int) -> None:
    clinician = api.get("/api/clinicians").json["items"][0]
    assert clinician["running_late_minutes"] == 0
    path = f"/api/clinicians/{clinician['id']}/running-late"
    assert api.put(path, {"minutes": 15}).json["running_late_minutes"] == 15
    assert api.get("/api/clinicians").json["items"][0]["running_late_minutes"] == 15
    assert api.put(path, {"minutes": -1}).status_code == 422
    assert api.put("/api/clinicians/999/running-late", {"minutes": 5}).status_code == 404


def test_looking_is_not_enough_to_work(as_role: Callable[[str], API], card: dict[str, Any]) -> None:
    viewer = as_role("viewer")
    for action in ("attempts", "claim", "restore", "identity-check", "acknowledge"):
        assert viewer.post(f"{path_of(card)}/{action}").status_code == 403, action
    assert (
        viewer.put(f"/api/clinicians/{card['clinician_id']}/running-late", {"minutes": 5}).status_code == 403
    )


def test_a_day_is_handed_over_with_a_name_and_opened_again(api: API, synced: int) -> None:
    path = "/api/run-sheet/hand-over?date=2026-11-23"
    open_day = api.get(path).json
    assert (open_day["closed"], open_day["no_answer"], open_day["reopened_at"]) == (None, [], None)
    late = open_day["not_done"][0]
    api.post(f"/api/run-sheet/appointments/{late}/attempts", {"outcome": "no_answer"})
    closed = api("PUT", path, json={"name": "Mel"})
    assert (closed.status_code, closed.json["no_answer"]) == (200, [late])
    assert closed.json["closed"] == {"at": "2026-11-23T09:00:00+11:00", "by": "Mel", "note": None}
    refused = api("PUT", path, json={"name": "Sam"})
    assert (refused.status_code, refused.json["code"]) == (409, "DAY-CLOSED")
    assert api("PUT", path, json={"name": " "}).status_code == 422
    assert api("DELETE", path).json["closed"] is None
