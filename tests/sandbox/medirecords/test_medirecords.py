"""MediRecords' server, asked as a plain client would: nothing of the product's own takes part."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import requests

from pmsapp.sandbox.medirecords.server import API_TOKEN, FHIR_TOKEN
from pmsapp.sandbox.server import SandboxServer
from tests.sandbox.conftest import MONDAY, StandingClock

ZONE = ZoneInfo("Australia/Melbourne")
DAY = {"appointmentDateRangeStart": "2026-11-23T00:00", "appointmentDateRangeEnd": "2026-11-23T23:59"}
PAGE_KEYS = ["data", "first", "last", "totalPages", "totalElements", "numberOfElements", "size", "page"]


class Client:
    """As much of a MediRecords client as the tests need."""

    def __init__(self, server: SandboxServer, token: str = API_TOKEN.format(1)) -> None:
        self.server = server
        self.practice_id = server.clinic.id_of("medirecords", "practice", "")
        self.headers = {"Authorization": f"Bearer {token}"} if token else {}

    def get(self, path: str, **params: Any) -> requests.Response:
        url = self.server.medirecords_base + path
        return requests.get(url, params=params, headers=self.headers, timeout=5, allow_redirects=False)

    def practice(self, path: str = "", **params: Any) -> requests.Response:
        return self.get(f"/practices/{self.practice_id}{path}", **params)

    def all(self, path: str, **params: Any) -> list[dict[str, Any]]:
        """Every row of a list, read to `last`."""
        rows: list[dict[str, Any]] = []
        for number in range(100):
            page = self.practice(path, page=number, **params).json()
            rows += page["data"]
            if page["last"]:
                return rows
        raise AssertionError("the list has no end")

    def day(self, **params: Any) -> list[dict[str, Any]]:
        return self.all("/appointments", **{**DAY, "size": 100, **params})


@pytest.fixture
def server(now: StandingClock) -> Iterator[SandboxServer]:
    with SandboxServer(now=now, vendors=("medirecords",)) as running:
        yield running


@pytest.fixture
def client(server: SandboxServer) -> Client:
    return Client(server)


# Who may ask


def test_no_token_a_wrong_one_and_one_for_the_other_api_are_told_apart(server: SandboxServer) -> None:
    nobody = Client(server, "").practice()
    assert (nobody.status_code, nobody.json()["error"]) == (401, "unauthorized")
    wrong = Client(server, "guess").practice()
    assert (wrong.status_code, wrong.json()["error"]) == (401, "invalid_token")
    fhir = Client(server, FHIR_TOKEN.format(1)).practice()
    assert fhir.status_code == 403
    assert "resource id" in fhir.json()["error_description"]


@pytest.mark.parametrize("status", [403, 404])
def test_a_token_reads_its_own_practice_only(server: SandboxServer, client: Client, status: int) -> None:
    client.practice_id = server.sandbox.clinics[1].id_of("medirecords", "practice", "")
    assert client.practice().status_code == 403
    server.faults.set("other_practice_status", status=status)
    assert client.practice("/providers").status_code == status
    other = Client(server, API_TOKEN.format(2))
    other.practice_id = client.practice_id
    assert other.practice().json()["stateCode"] == "WA"


def test_the_credentials_on_the_page_work(server: SandboxServer) -> None:
    shown = {each.name: each.value for each in server.sandbox.servers["medirecords"].credentials("base")}
    client = Client(server, shown["API token"])
    assert client.practice_id == shown["Practice id"]
    assert client.practice().json()["practiceName"] == server.clinic.name


@pytest.mark.parametrize(
    ("fault", "status"),
    [("revoke_token", 401), ("expire_token", 401), ("tenant_disabled", 403), ("tenant_withdrawn", 404)],
)
def test_access_can_be_taken_away(server: SandboxServer, client: Client, fault: str, status: int) -> None:
    server.faults.set(fault, times=1)
    assert client.practice().status_code == status
    assert client.practice().status_code == 200


def test_nothing_can_be_written(server: SandboxServer, client: Client) -> None:
    url = f"{server.medirecords_base}/practices/{client.practice_id}/appointments"
    assert requests.post(url, json={}, headers=client.headers, timeout=5).status_code == 405


# Pages


def test_the_page_object_is_medirecords_own_and_twenty_rows_long(client: Client) -> None:
    page = client.practice("/appointment-types").json()
    assert list(page) == PAGE_KEYS
    assert (len(page["data"]), page["size"], page["page"], page["last"]) == (20, 20, 0, False)
    assert page["totalElements"] > 20
    rest = client.practice("/appointment-types", page=1).json()
    assert rest["last"] is True
    assert page["totalElements"] == len(page["data"]) + len(rest["data"])


def test_a_page_past_the_end_is_empty_and_last(client: Client) -> None:
    page = client.practice("/providers", page=99).json()
    assert (page["data"], page["last"]) == ([], True)


def test_a_full_day_needs_several_pages(server: SandboxServer, client: Client) -> None:
    server.clinic.fill_day(MONDAY, "odwyer", 110)
    assert client.practice("/appointments", **DAY, size=100).json()["totalPages"] == 2
    rows = client.day()
    assert len({row["id"] for row in rows}) == len(rows) > 110


@pytest.mark.parametrize("fault", ["short_pages", "drifting_pages"])
def test_odd_pages_still_hold_every_row(server: SandboxServer, client: Client, fault: str) -> None:
    plain = {row["id"] for row in client.day(size=10)}
    server.faults.set(fault)
    rows = client.day(size=10)
    assert {row["id"] for row in rows} == plain
    assert (len(rows) > len(plain)) == (fault == "drifting_pages")


def test_an_endless_list_is_never_last(server: SandboxServer, client: Client) -> None:
    server.faults.set("endless_next")
    pages = [client.practice("/appointments", **DAY, size=50, page=n).json() for n in (0, 5, 50)]
    assert {page["last"] for page in pages} == {False}
    assert all(page["data"] for page in pages)


# The day


@pytest.mark.parametrize(
    "start",
    [
        "2026-11-23",
        "2026-11-23T00:00:00",
        "2026-11-23T00:00Z",
        "2026-11-23T00:00+11:00",
        "2026-13-01T00:00",
        "",
        "soon",
    ],
)
def test_a_date_in_another_form_is_refused_with_its_name(client: Client, start: str) -> None:
    answer = client.practice("/appointments", **{**DAY, "appointmentDateRangeStart": start})
    assert answer.status_code == 400
    assert [error["parameter"] for error in answer.json()["errors"]] == ["appointmentDateRangeStart"]


def test_a_day_holds_every_case_a_reader_must_survive(client: Client) -> None:
    rows = client.day()
    kinds = {row["id"]: row for row in client.all("/appointment-types", size=100)}
    people = {row["id"]: row for row in client.all("/providers", size=100)}
    assert any(row["providerId"] is None for row in rows)
    assert any("patientId" not in row for row in rows)
    assert any(row.get("patientId", 1) is None for row in rows)
    assert any(row["appointmentTypeId"] is None for row in rows)
    assert any(row["appointmentIntervalCode"] == 99 for row in rows)
    assert {row["telehealthLinkForProvider"] for row in rows} >= {None, ""}
    assert any((row["telehealthLinkForPatient"] or "").startswith("https://") for row in rows)
    assert any(
        row["appointmentTypeId"]
        and kinds[row["appointmentTypeId"]]["telehealth"]
        and not row["telehealthLinkForProvider"]
        for row in rows
    )
    assert any(
        row["appointmentTypeId"] and kinds[row["appointmentTypeId"]]["activeStatus"] == 2 for row in rows
    )
    assert any(row["providerId"] and people[row["providerId"]]["status"] == "Inactive" for row in rows)
    assert any(row["createdDateTime"].endswith("+0000") for row in rows)
    assert any(row["createdDateTime"].endswith("Z") for row in rows)
    assert any(row["cancellationReason"] for row in rows if row["appointmentStatus"] == 8)
    assert "4 hrs" in {kind["duration"] for kind in kinds.values()}


def test_every_status_code_occurs_in_the_course_of_a_day(client: Client, now: StandingClock) -> None:
    seen: set[int | None] = set()
    for minute in range(0, 15 * 60, 7):
        now.at = datetime(2026, 11, 23, 7, 0, tzinfo=ZONE) if minute == 0 else now.at
        seen |= {
            row["appointmentStatus"]
            for row in client.practice("/appointments", **DAY, size=200).json()["data"]
        }
        now.advance(minutes=7)
    assert seen == {2, 3, 4, 5, 6, 7, 8, None}


def test_times_are_the_practices_wall_clock(server: SandboxServer, client: Client) -> None:
    rows = client.day()
    assert all(re.fullmatch(r"2026-11-23T\d\d:\d\d(:00)?", row["scheduleTime"]) for row in rows)
    truth = {row.appointment_id: row.start_at for row in server.clinic.truth("medirecords", MONDAY).rows}
    for row in rows:
        if row["id"] in truth:
            assert row["scheduleTime"][:16] == truth[row["id"]].astimezone(ZONE).strftime("%Y-%m-%dT%H:%M")


def test_known_filters_count_and_unknown_ones_do_not(server: SandboxServer, client: Client) -> None:
    everything = client.day()
    person = server.clinic.id_of("medirecords", "practitioner", "odwyer")
    mine = client.day(providerId=person)
    assert {row["providerId"] for row in mine} == {person}
    assert client.day(modifiedSince="2026-01-01") == everything
    assert {row["appointmentStatus"] for row in client.day(appointmentStatus=8)} == {8}


def test_the_edges_of_a_range_are_inside_it(server: SandboxServer, client: Client) -> None:
    server.clinic.book_edges(MONDAY)
    times = [row["scheduleTime"][11:16] for row in client.day()]
    assert {"00:00", "00:01", "23:59"} <= set(times)


def test_a_group_is_a_row_per_patient_each_with_its_own_id(server: SandboxServer, client: Client) -> None:
    group = next(row for row in server.clinic.appointments_on(MONDAY) if len(row.patient_keys) == 3)
    ids = {server.clinic.appointment_id("medirecords", group, key) for key in group.patient_keys}
    assert len(ids) == 3
    assert ids <= {row["id"] for row in client.day()}


# One by one


def test_one_appointment_is_the_same_as_in_the_list_until_it_is_deleted(
    server: SandboxServer, client: Client
) -> None:
    row = client.day()[5]
    assert client.practice(f"/appointments/{row['id']}").json() == row
    server.clinic.delete(row["id"])
    gone = client.practice(f"/appointments/{row['id']}")
    assert (gone.status_code, list(gone.json())) == (404, ["errors"])


def test_patients_are_flat_and_some_are_awkward(server: SandboxServer, client: Client) -> None:
    def patient(key: str) -> dict[str, Any]:
        answer: dict[str, Any] = client.get(
            f"/patients/{server.clinic.id_of('medirecords', 'patient', key)}"
        ).json()
        return answer

    assert patient("null-given")["firstName"] is None
    assert patient("one-name")["oneNameOnly"] is True
    assert patient("preferred")["preferredName"] == "Lexi"
    bare = patient("bare")
    assert not any(bare[key] for key in ("mobilePhone", "homePhone", "workPhone", "email", "dob"))
    assert patient("died")["dateOfDeath"]
    assert client.get("/patients/00000000-0000-1000-8000-000000000000").status_code == 404


def test_one_patient_can_be_broken_or_missing(server: SandboxServer, client: Client) -> None:
    path = f"/patients/{server.clinic.id_of('medirecords', 'patient', 'bare')}"
    server.faults.set("server_error", endpoint="patient", patient="bare", times=1)
    server.faults.set("not_found", endpoint="patient", patient="bare", times=1, skip=1)
    assert [client.get(path).status_code for _ in range(3)] == [500, 404, 200]


def test_inactive_providers_and_types_are_listed_and_can_be_filtered(client: Client) -> None:
    assert {row["status"] for row in client.all("/providers")} == {"Active", "Inactive"}
    assert {row["status"] for row in client.all("/providers", status="Active")} == {"Active"}
    assert {row["activeStatus"] for row in client.all("/appointment-types", activeStatus=2)} == {2}
    kind = client.all("/appointment-types")[0]
    assert client.practice(f"/appointment-types/{kind['id']}").json() == kind


# The interval table


def test_the_interval_table_has_the_four_known_pairs_and_no_formula(client: Client) -> None:
    table = {row["name"]: row["code"] for row in client.get("/code-system/appointment-interval-code").json()}
    assert (table["5 mins"], table["10 mins"], table["15 mins"], table["20 mins"]) == (2, 4, 6, 7)
    assert len(set(table.values())) == len(table)
    assert client.get("/code-system/appointment-Interval-Code").status_code == 404


@pytest.mark.parametrize(
    ("options", "lower", "other"),
    [
        ({"mode": "missing"}, 404, 404),
        ({"mode": "broken"}, 500, 500),
        ({"mode": "other_spelling"}, 404, 200),
        ({"shape": "map"}, 200, 404),
    ],
)
def test_the_interval_table_can_misbehave(
    server: SandboxServer, client: Client, options: dict[str, str], lower: int, other: int
) -> None:
    server.faults.set("interval_codes", **options)
    assert client.get("/code-system/appointment-interval-code").status_code == lower
    assert client.get("/code-system/appointment-Interval-Code").status_code == other


# Faults every vendor has


@pytest.mark.parametrize(
    ("fault", "status", "mark"),
    [
        ("rate_limited", 429, "json"),
        ("server_error", 500, "json"),
        ("bad_gateway", 502, "html"),
        ("html_ok", 200, "html"),
    ],
)
def test_the_dial_reaches_medirecords(
    server: SandboxServer, client: Client, fault: str, status: int, mark: str
) -> None:
    server.faults.set(fault, endpoint="appointments")
    answer = client.practice("/appointments", **DAY)
    assert answer.status_code == status
    assert mark in answer.headers["Content-Type"]
    assert client.practice("/providers").status_code == 200


@pytest.mark.parametrize(
    "fault",
    ["unknown_status", "malformed_time", "missing_id", "null_patient", "hostile_text", "status_spelling"],
)
def test_single_records_can_be_spoilt(server: SandboxServer, client: Client, fault: str) -> None:
    plain = client.day()
    server.faults.set(fault)
    assert client.day() != plain


def test_a_day_can_be_emptied(server: SandboxServer, client: Client) -> None:
    server.faults.set("empty_day")
    page = client.practice("/appointments", **DAY).json()
    assert (page["data"], page["last"], page["totalPages"]) == ([], True, 0)
