"""Taking a connection away and connecting the same practice again: the same cards, nothing twice, nothing lost."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from pmsapp.models import FormerCard, PMSClinicianMapping, RunSheetAppointment, SyncRun
from pmsapp.sandbox.server import SandboxServer
from pmsapp.services.base.transaction import reading
from tests.api.conftest import API, run_waiting
from tests.support.connecting import LOGIN, count, gentu_access


def cards(api: API) -> list[dict[str, Any]]:
    sheet = api.get("/api/run-sheet").json
    found = [card for column in sheet["clinicians"] for card in column["appointments"]] + sheet["unassigned"]
    return sorted(found, key=lambda card: card["id"])


def connect_again(api: API, sandbox: SandboxServer) -> int:
    """The same practice under a new connection, everybody mapped, read once."""
    made = api.post("/api/pms/connections", {"pms_type": "gentu", "credentials": LOGIN}).json
    base = f"/api/pms/connections/{made['id']}"
    api.post(f"{base}/pair", {"pairing_code": gentu_access(sandbox).make_code()})
    mappings = [
        {"pms_practitioner_id": person["pms_practitioner_id"], "decision": "create"}
        for person in api.get(f"{base}/practitioners").json["items"]
        if person["active"] and person["shown_in_appointment_book"]
    ]
    api.post(f"{base}/practitioners", {"mappings": mappings})
    api.patch(base, {"sync_enabled": True})
    run_waiting(api, made["id"])
    connection_id: int = made["id"]
    return connection_id


def test_striking_marks_what_was_in_view(api: API, synced: int) -> None:
    before = cards(api)
    assert api.delete(f"/api/pms/connections/{synced}").status_code == 204
    after = cards(api)
    assert [card["id"] for card in after] == [card["id"] for card in before]
    assert {card["presence"] for card in after} == {"cancelled"}
    assert {card["pms_connection_id"] for card in after} == {None}
    with reading() as session:
        reasons = session.scalars(
            select(RunSheetAppointment.presence_reason).where(
                RunSheetAppointment.id.in_([card["id"] for card in before if card["presence"] == "on_sheet"])
            )
        ).all()
    assert set(reasons) == {"disconnected"}
    assert count(SyncRun) == count(PMSClinicianMapping) == 0


def test_keeping_makes_them_manual(api: API, synced: int) -> None:
    before = [card for card in cards(api) if card["presence"] == "on_sheet"]
    api.delete(f"/api/pms/connections/{synced}?cards=keep")
    after = {card["id"]: card for card in cards(api)}
    for card in before:
        kept = after[card["id"]]
        assert (kept["source"], kept["presence"]) == ("manual", "on_sheet")
        assert (kept["pms_connection_id"], kept["pms_appointment_id"]) == (None, None)
        assert kept["patient_name"] == card["patient_name"]


def test_removing_clears_the_sheet(api: API, synced: int) -> None:
    assert cards(api)
    api.delete(f"/api/pms/connections/{synced}?cards=remove")
    assert cards(api) == []
    assert count(FormerCard) == 0


@pytest.mark.parametrize("choice", ["keep", "strike"])
def test_the_same_practice_gets_the_same_cards_back(
    api: API, synced: int, sandbox: SandboxServer, choice: str
) -> None:
    before = cards(api)
    first = next(card for card in before if card["presence"] == "on_sheet")
    path = f"/api/run-sheet/appointments/{first['id']}"
    api.patch(path, {"patient_phone": "0491 570 156", "notes": "Rings back at ten"})
    gone = next(card for card in before if card["presence"] == "on_sheet" and card["id"] != first["id"])
    api.delete(f"/api/run-sheet/appointments/{gone['id']}", json={"reason": "Entered twice"})
    with reading() as session:
        ids = set(session.scalars(select(RunSheetAppointment.id)))
    api.delete(f"/api/pms/connections/{synced}?cards={choice}")
    again = connect_again(api, sandbox)
    assert again != synced
    with reading() as session:
        assert set(session.scalars(select(RunSheetAppointment.id))) == ids
    after = {card["id"]: card for card in cards(api)}
    assert set(after) == {card["id"] for card in before} - {gone["id"]}
    for card in before:
        if card["id"] == gone["id"]:
            continue
        back = after[card["id"]]
        assert (back["presence"], back["source"]) == (card["presence"], "pms")
        assert back["pms_appointment_id"] == card["pms_appointment_id"]
        assert back["pms_connection_id"] == again
    kept = after[first["id"]]
    assert (kept["notes"], kept["edited"][0]["field"]) == ("Rings back at ten", "patient_phone")
    assert kept["edited"][0]["pms_value"] == first["patient_phone"]
    assert count(FormerCard) == 0


def test_what_was_typed_into_a_kept_card_is_an_edit_afterwards(
    api: API, synced: int, sandbox: SandboxServer
) -> None:
    first = next(card for card in cards(api) if card["presence"] == "on_sheet")
    path = f"/api/run-sheet/appointments/{first['id']}"
    api.delete(f"/api/pms/connections/{synced}?cards=keep")
    typed = api.patch(path, {"patient_phone": "0491 570 156", "start_at": "2026-11-23T17:45:00+11:00"})
    assert typed.json["edited"] == []
    connect_again(api, sandbox)
    back = api.get(path).json
    assert {edit["field"]: edit["pms_value"] for edit in back["edited"]} == {
        "patient_phone": first["patient_phone"],
        "start_at": first["start_at"],
    }
    assert back["patient_phone"] == typed.json["patient_phone"]
    assert back["start_at"] == "2026-11-23T17:45:00+11:00"


def test_another_practice_gets_nothing_back(api: API, synced: int, sandbox: SandboxServer) -> None:
    api.delete(f"/api/pms/connections/{synced}")
    noted = count(FormerCard)
    made = api.post("/api/pms/connections", {"pms_type": "gentu", "credentials": LOGIN}).json
    code = gentu_access(sandbox).make_code(sandbox.sandbox.clinics[1])
    api.post(f"/api/pms/connections/{made['id']}/pair", {"pairing_code": code})
    assert count(FormerCard) == noted > 0
    assert {card["pms_connection_id"] for card in cards(api)} == {None}


def test_disconnecting_twice_and_reconnecting_still_gives_the_same_cards(
    api: API, synced: int, sandbox: SandboxServer
) -> None:
    before = [card["id"] for card in cards(api)]
    api.delete(f"/api/pms/connections/{synced}")
    second = connect_again(api, sandbox)
    api.delete(f"/api/pms/connections/{second}?cards=keep")
    connect_again(api, sandbox)
    assert [card["id"] for card in cards(api)] == before
    assert len(api.get("/api/clinicians").json["items"]) == 5, "columns are found again by their names"
