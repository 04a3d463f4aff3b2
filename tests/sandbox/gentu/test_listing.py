"""Gentu's appointments and patients: parameters, bounds, cursors, shapes, side-loads."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from pmsapp.sandbox.server import SandboxServer
from tests.sandbox.conftest import MONDAY, GentuClient

APPOINTMENT_KEYS = {
    "id",
    "startAt",
    "endAt",
    "status",
    "minutesDuration",
    "comment",
    "description",
    "participant",
    "appointmentType",
    "extension",
}
PATIENT_KEYS = {
    "id",
    "name",
    "birthDate",
    "gender",
    "contact",
    "address",
    "identifier",
    "deceased",
    "occupation",
    "indigenousStatus",
    "chartNumber",
    "emailEnabled",
    "smsEnabled",
    "extension",
}


def problem(answer: requests.Response) -> dict[str, Any]:
    assert answer.status_code == 400, answer.text
    body = answer.json()
    assert body["message"] == "Validation error"
    detail: dict[str, Any] = body["details"][0]
    return detail


@pytest.mark.parametrize("name", ["fromDate", "toDate", "practitionerId", "limit"])
def test_a_missing_parameter_is_required(gentu: GentuClient, name: str) -> None:
    detail = problem(gentu.day(**{name: None}))
    assert (detail["code"], detail["message"], detail["path"]) == ("invalid_type", "Required", [name])


@pytest.mark.parametrize(
    ("limit", "code"),
    [("4", "too_small"), ("101", "too_big"), ("many", "invalid_type"), ("7.5", "invalid_type")],
)
def test_a_limit_out_of_range_or_no_number_is_refused(gentu: GentuClient, limit: str, code: str) -> None:
    assert problem(gentu.day(limit=limit))["code"] == code


@pytest.mark.parametrize("limit", ["5", "100"])
def test_a_limit_at_the_edge_is_taken(gentu: GentuClient, limit: str) -> None:
    assert gentu.day(limit=limit).json()["pagination"]["limit"] == int(limit)


def test_a_plus_that_was_not_encoded_is_refused(gentu: GentuClient) -> None:
    url = (
        f"{gentu.base}/tenants/{gentu.tenant_id}/appointments?fromDate=2026-11-23T00:00:00.000+11:00"
        f"&toDate=2026-11-24T00:00:00.000%2B11:00&practitionerId={gentu.practitioner_id('odwyer')}&limit=100"
    )
    assert problem(requests.get(url, headers=gentu.headers, timeout=5))["path"] == ["fromDate"]


@pytest.mark.parametrize(
    "when", ["2026-11-23T00:00:00.000", "2026-11-23", "yesterday", "2026-02-30T00:00:00+11:00"]
)
def test_a_date_without_offset_or_sense_is_refused(gentu: GentuClient, when: str) -> None:
    assert problem(gentu.day(toDate=when))["validation"] == "datetime"


def test_a_practitioner_that_is_no_uuid_is_refused(gentu: GentuClient) -> None:
    assert problem(gentu.day(practitionerId="PR-1"))["validation"] == "uuid"


def test_an_unknown_include_is_refused(gentu: GentuClient) -> None:
    assert problem(gentu.day(include="patients,invoices"))["path"] == ["include"]


def test_every_problem_is_listed_at_once(gentu: GentuClient) -> None:
    answer = gentu.tenant("/appointments", limit="4")
    assert {detail["path"][0] for detail in answer.json()["details"]} == {
        "fromDate",
        "toDate",
        "practitionerId",
        "limit",
    }


def test_the_page_has_the_documented_shape_and_nothing_beside_it(gentu: GentuClient) -> None:
    page = gentu.day().json()
    assert set(page) == {"appointments", "pagination"}
    assert page["pagination"] == {"next": None, "limit": 100}
    for row in page["appointments"]:
        assert set(row) == APPOINTMENT_KEYS
        assert row["startAt"].endswith(".000+00:00")
        assert set(row["appointmentType"]) == {"reference"}
        for person in row["participant"]:
            assert set(person) - {"arrivedAt"} == {"referenceType", "referenceId"}


def test_the_rows_hold_every_null_and_status_the_specification_allows(gentu: GentuClient) -> None:
    rows = [
        row
        for key in ("odwyer", "wojcik", "lee-hana", "wulandari", "lee-kim")
        for row in gentu.whole_day(key)
    ]
    for key in ("endAt", "minutesDuration", "status", "comment", "description"):
        assert any(row[key] is None for row in rows), key
    assert any(row["endAt"] is None and row["minutesDuration"] is None for row in rows)
    assert any(row["appointmentType"]["reference"] is None for row in rows)
    kinds = {kind["id"] for kind in gentu.tenant("/appointment-types").json()}
    assert any(row["appointmentType"]["reference"] not in {*kinds, None} for row in rows)
    assert {row["status"] for row in rows} == {
        None,
        "none",
        "confirmed",
        "in_waiting_room",
        "with_doctor",
        "completed",
        "invoiced",
        "cancelled",
        "did_not_arrive",
    }
    cancelled = next(row for row in rows if row["status"] == "cancelled")
    assert cancelled["extension"][0]["system"] == "cancelled-at"
    assert "valueDateTime" in cancelled["extension"][0]
    assert any(row["extension"] and row["status"] != "cancelled" for row in rows)
    people = [{person["referenceType"] for person in row["participant"]} for row in rows]
    assert any("patient" not in kinds_of for kinds_of in people)
    assert any("health_care_service" in kinds_of for kinds_of in people)
    assert any(
        row["status"] in ("none", "confirmed") and any("arrivedAt" in person for person in row["participant"])
        for row in rows
    )


def test_an_inactive_practitioner_still_has_an_old_booking(gentu: GentuClient) -> None:
    assert len(gentu.whole_day("raman")) == 1


def test_the_bounds_are_exclusive(gentu: GentuClient, server: SandboxServer) -> None:
    server.clinic.book_edges(MONDAY)

    def between(first: str, last: str) -> list[str]:
        rows = gentu.whole_day("lee-hana", fromDate=first, toDate=last)
        return sorted(row["startAt"] for row in rows)

    exact = between("2026-11-23T00:00:00.000+11:00", "2026-11-24T00:00:00.000+11:00")
    wider = between("2026-11-22T23:59:59.999+11:00", "2026-11-24T00:00:00.001+11:00")
    assert wider[1:-1] == exact
    assert wider[0] == "2026-11-22T13:00:00.000+00:00"
    assert wider[-1] == "2026-11-23T13:00:00.000+00:00"


def test_the_same_instants_in_another_offset_give_the_same_rows(gentu: GentuClient) -> None:
    here = gentu.whole_day()
    there = gentu.whole_day(fromDate="2026-11-22T12:59:00Z", toDate="2026-11-23T21:01:00+08:00")
    assert here == there


def test_a_day_of_more_than_a_hundred_is_read_page_by_page(gentu: GentuClient, server: SandboxServer) -> None:
    server.clinic.fill_day(MONDAY, "odwyer", 120)
    first = gentu.day().json()
    assert len(first["appointments"]) == 100
    assert first["pagination"]["next"]
    everything = gentu.whole_day()
    assert len(everything) == len({row["id"] for row in everything})
    assert len(everything) == len(
        [r for r in server.clinic.appointments_on(MONDAY) if r.practitioner_key == "odwyer"]
    )


def test_small_pages_give_the_same_rows(gentu: GentuClient) -> None:
    assert gentu.whole_day(limit="5") == gentu.whole_day()


@pytest.mark.parametrize(
    "change",
    [
        {"limit": "6"},
        {"toDate": "2026-11-24T00:02:00.000+11:00"},
        {"include": "patients"},
        {"practitionerId": "00000000-0000-4000-8000-000000000000"},
    ],
)
def test_a_cursor_belongs_to_its_question(gentu: GentuClient, change: dict[str, str]) -> None:
    cursor = gentu.day(limit="5").json()["pagination"]["next"]
    assert gentu.day(limit="5", cursor=cursor).status_code == 200
    assert problem(gentu.day(**{"limit": "5", "cursor": cursor, **change}))["path"] == ["cursor"]


@pytest.mark.parametrize("cursor", ["", "2", "bm9uc2Vuc2U=", "☃", "W10="])
def test_a_made_up_cursor_is_refused(gentu: GentuClient, cursor: str) -> None:
    assert problem(gentu.day(cursor=cursor))["path"] == ["cursor"]


def test_people_come_beside_the_list_only_when_asked_for(gentu: GentuClient) -> None:
    page = gentu.day(include="patients,practitioners,referrals").json()
    assert set(page) == {"appointments", "pagination", "patients", "practitioners", "referrals"}
    wanted = {
        person["referenceId"]
        for row in page["appointments"]
        for person in row["participant"]
        if person["referenceType"] == "patient"
    }
    assert {patient["id"] for patient in page["patients"]} == wanted
    assert [set(person) for person in page["practitioners"]] == [
        {"id", "address", "contact", "identifier", "name"}
    ]
    assert set(gentu.day(include="patients").json()) == {"appointments", "pagination", "patients"}


def test_patients_have_every_key_and_every_null(gentu: GentuClient) -> None:
    patients = [
        patient
        for key in ("odwyer", "wojcik", "lee-hana", "wulandari", "lee-kim")
        for patient in gentu.day(key, include="patients").json()["patients"]
    ]
    for patient in patients:
        assert set(patient) == PATIENT_KEYS
        assert patient["name"]["family"]
    for key in ("birthDate", "gender", "address", "deceased", "smsEnabled"):
        assert any(patient[key] is None for patient in patients), key
    assert any(patient["name"]["given"] is None for patient in patients)
    assert any(c["rank"] is None and c["value"] is None for p in patients for c in p["contact"])


def test_one_appointment_and_one_patient_can_be_asked_for(gentu: GentuClient, server: SandboxServer) -> None:
    row = gentu.whole_day()[0]
    assert gentu.tenant(f"/appointments/{row['id']}").json() == row
    patient = gentu.day(include="patients").json()["patients"][0]
    assert gentu.tenant(f"/patients/{patient['id']}").json() == patient
    for path in ("appointments", "patients"):
        missing = gentu.tenant(f"/{path}/00000000-0000-4000-8000-000000000000")
        assert missing.status_code == 404
        assert missing.json()["message"].startswith("Unable to find ")
        assert gentu.tenant(f"/{path}/12").status_code == 400


def test_there_is_no_list_of_patients(gentu: GentuClient) -> None:
    assert gentu.tenant("/patients").status_code == 404


def test_a_deleted_row_leaves_the_list_and_is_not_found(gentu: GentuClient, server: SandboxServer) -> None:
    row = gentu.whole_day()[0]
    server.clinic.delete(row["id"])
    assert row["id"] not in {found["id"] for found in gentu.whole_day()}
    assert gentu.tenant(f"/appointments/{row['id']}").status_code == 404


def test_a_moved_row_is_found_by_id_with_its_new_time(gentu: GentuClient, server: SandboxServer) -> None:
    row = gentu.whole_day()[0]
    server.clinic.move(row["id"], on="2026-11-25", at="09:00")
    assert gentu.tenant(f"/appointments/{row['id']}").json()["startAt"] == "2026-11-24T22:00:00.000+00:00"


def test_another_practices_records_are_not_found(gentu: GentuClient) -> None:
    row = gentu.whole_day()[0]
    west = gentu.pair("perth123").json()["tenantId"]
    assert gentu.get(f"/tenants/{west}/appointments/{row['id']}").status_code == 404
    assert gentu.get(f"/tenants/{west}/practitioners/{gentu.practitioner_id('odwyer')}").status_code == 404


def test_nothing_can_be_written(gentu: GentuClient) -> None:
    row = gentu.whole_day()[0]
    url = f"{gentu.base}/tenants/{gentu.tenant_id}/appointments/{row['id']}"
    for method in ("PATCH", "PUT", "DELETE", "POST"):
        assert requests.request(method, url, headers=gentu.headers, timeout=5).status_code == 405


def test_what_others_guessed_about_this_api_does_not_appear(gentu: GentuClient) -> None:
    page = gentu.day(include="patients").text
    for wrong in ('"name":"Telehealth', '"appointmentTypes"', '"url":', '"booked"', '"patient":{'):
        assert wrong not in page
    assert set(gentu.tenant("").json()) == {"tenantId", "tenantNumber", "timezone", "tenantName"}
