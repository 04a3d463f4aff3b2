"""Halaxy's server, asked as a plain client would: nothing of the product's own takes part."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
import requests

from pmsapp.sandbox.halaxy.access import CLIENT_ID, CLIENT_SECRET
from pmsapp.sandbox.server import SandboxServer
from tests.sandbox.conftest import MONDAY, StandingClock

KEY = {"client_id": CLIENT_ID.format(1), "client_secret": CLIENT_SECRET.format(1)}
GRANT = {"grant_type": "client_credentials"}
DAY = {"date": ["ge2026-11-23", "le2026-11-23"], "_sort": "date", "_count": "100"}


class Client:
    """As much of a Halaxy client as the tests need."""

    def __init__(self, server: SandboxServer) -> None:
        self.server = server
        self.base = server.halaxy_base
        self.headers: dict[str, str] = {"User-Agent": "tests (tests@example.com)"}

    def connect(self) -> Client:
        answer = requests.post(f"{self.base}/oauth/token", json={**GRANT, **KEY}, timeout=5)
        assert answer.status_code == 200, answer.text
        self.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
        return self

    def get(self, path: str, **params: Any) -> requests.Response:
        return requests.get(
            f"{self.base}/{path}", params=params, headers=self.headers, timeout=5, allow_redirects=False
        )

    def all(self, resource: str, **params: Any) -> list[dict[str, Any]]:
        """Every match of a search, following `next`."""
        rows: list[dict[str, Any]] = []
        bundle = self.get(resource, **params).json()
        for _ in range(100):
            rows += of_kind(bundle, resource)
            link = links(bundle).get("next")
            if link is None:
                return rows
            bundle = requests.get(link, headers=self.headers, timeout=5).json()
        raise AssertionError("the search has no end")

    def day(self, **params: Any) -> list[dict[str, Any]]:
        return self.all("Appointment", **{**DAY, **params})


def of_kind(bundle: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    resources = (entry["resource"] for entry in bundle.get("entry", []))
    return [resource for resource in resources if resource["resourceType"] == kind]


def links(bundle: dict[str, Any]) -> dict[str, str]:
    return {link["relation"]: link["url"] for link in bundle["link"]}


def statuses(row: dict[str, Any]) -> list[str | None]:
    """The status of each patient of an appointment."""
    found: list[str | None] = []
    for each in row["participant"]:
        if each["actor"]["type"] == "Patient":
            marks = each.get("modifierExtension", [])
            found.append(next((mark["valueCoding"]["code"] for mark in marks if "valueCoding" in mark), None))
    return found


@pytest.fixture
def server(now: StandingClock) -> Iterator[SandboxServer]:
    with SandboxServer(now=now, vendors=("halaxy",)) as running:
        yield running


@pytest.fixture
def client(server: SandboxServer) -> Client:
    return Client(server).connect()


# The token


@pytest.mark.parametrize(
    "how",
    [
        {"json": {**GRANT, **KEY}},
        {"data": {**GRANT, **KEY}},
        {"data": GRANT, "auth": (KEY["client_id"], KEY["client_secret"])},
    ],
    ids=["json", "form", "basic"],
)
def test_a_token_is_given_for_each_way_to_ask(server: SandboxServer, how: dict[str, Any]) -> None:
    answer = requests.post(f"{server.halaxy_base}/oauth/token", timeout=5, **how)
    assert list(answer.json()) == ["token_type", "expires_in", "access_token"]
    assert answer.json()["expires_in"] == 3600


@pytest.mark.parametrize("wrong", [{"client_secret": "x"}, {"client_id": "x"}, {"grant_type": "password"}])
def test_a_wrong_key_is_refused_the_oauth_way(server: SandboxServer, wrong: dict[str, str]) -> None:
    answer = requests.post(f"{server.halaxy_base}/oauth/token", json={**GRANT, **KEY, **wrong}, timeout=5)
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


def test_a_token_says_an_hour_and_dies_after_fifteen_minutes(client: Client, now: StandingClock) -> None:
    now.advance(minutes=14)
    assert client.get("Practitioner").status_code == 200
    now.advance(minutes=1)
    answer = client.get("Practitioner")
    assert (answer.status_code, answer.json()["issue"][0]["code"]) == (401, "expired")
    assert client.get("Practitioner").json()["issue"][0]["code"] == "login"


def test_a_token_can_be_expired_and_revoked_by_the_dial(server: SandboxServer, client: Client) -> None:
    for fault, code in (("expire_token", "expired"), ("revoke_token", "login")):
        client.connect()
        server.faults.set(fault, endpoint="types", times=1)
        assert client.get("HealthcareService").json()["issue"][0]["code"] == code
        assert client.connect().get("HealthcareService").status_code == 200


def test_without_a_user_agent_the_gateway_answers_in_html(client: Client) -> None:
    client.headers["User-Agent"] = ""
    answer = client.get("Practitioner")
    assert answer.status_code == 403
    assert "html" in answer.headers["Content-Type"]


def test_the_credentials_on_the_page_work(server: SandboxServer) -> None:
    shown = {each.name: each.value for each in server.sandbox.servers["halaxy"].credentials("base")}
    assert (shown["Client id"], shown["Client secret"]) == (KEY["client_id"], KEY["client_secret"])


def test_each_practice_has_a_key_of_its_own(server: SandboxServer) -> None:
    other = {"client_id": CLIENT_ID.format(2), "client_secret": CLIENT_SECRET.format(2)}
    token = requests.post(f"{server.halaxy_base}/oauth/token", json={**GRANT, **other}, timeout=5).json()
    client = Client(server)
    client.headers["Authorization"] = f"Bearer {token['access_token']}"
    names = {row["name"] for row in client.all("Organization") if row["id"].startswith("PG-")}
    assert names == {"Quokka Lane Training Clinic"}


# Bundles


def test_a_bundle_has_its_shape_and_thirty_rows_unless_asked(client: Client) -> None:
    bundle = client.get("Appointment", date="eq2026-11-23").json()
    assert bundle["type"] == "searchset"
    assert len(bundle["entry"]) == 30 < bundle["total"]
    assert set(links(bundle)) == {"self", "next", "last"}
    assert (
        client.get("Appointment", date="eq2026-11-23")
        .headers["Content-Type"]
        .startswith("application/fhir+json")
    )
    assert len(client.get("Patient", _count="500").json()["entry"]) == 100


def test_next_leads_to_every_row_once(client: Client) -> None:
    rows = client.day(_count="10")
    assert len({row["id"] for row in rows}) == len(rows)
    assert len(rows) == client.get("Appointment", **DAY).json()["total"]


def test_nothing_found_leaves_the_entries_out(client: Client) -> None:
    bundle = client.get("Patient", _id="1").json()
    assert "entry" not in bundle
    assert bundle["total"] == 0


@pytest.mark.parametrize(
    ("mode", "relations"), [("next", {"self", "next"}), ("last", {"self", "last"}), ("none", {"self"})]
)
def test_links_can_be_left_out(server: SandboxServer, client: Client, mode: str, relations: set[str]) -> None:
    server.faults.set("paging_links", mode=mode)
    assert set(links(client.get("Appointment", date="eq2026-11-23").json())) == relations


def test_a_link_can_lead_away_and_a_total_can_be_missing(server: SandboxServer, client: Client) -> None:
    server.faults.set("foreign_link", to="https://example.org/x")
    server.faults.set("total_left_out")
    bundle = client.get("Appointment", date="eq2026-11-23").json()
    assert links(bundle)["next"] == "https://example.org/x"
    assert "total" not in bundle


@pytest.mark.parametrize("fault", ["short_pages", "drifting_pages"])
def test_odd_pages_still_hold_every_row(server: SandboxServer, client: Client, fault: str) -> None:
    plain = {row["id"] for row in client.day(_count="10")}
    server.faults.set(fault)
    rows = client.day(_count="10")
    assert {row["id"] for row in rows} == plain
    assert (len(rows) > len(plain)) == (fault == "drifting_pages")


def test_paging_can_go_in_circles_and_for_ever(server: SandboxServer, client: Client) -> None:
    server.faults.set("repeated_cursor", times=1)
    bundle = client.get("Appointment", **DAY, page="1").json()
    assert links(bundle)["next"] == links(bundle)["self"]
    server.faults.set("endless_next")
    bundle = client.get("Appointment", **DAY, page="900").json()
    assert bundle["entry"]
    assert "next" in links(bundle)


# Searching appointments


@pytest.mark.parametrize(
    ("date", "count"),
    [
        (["eq2026-11-23"], 1),
        (["2026-11-23"], 1),
        (["ge2026-11-23", "le2026-11-23"], 1),
        (["ge2026-11-22", "le2026-11-24"], 3),
        (["gt2026-11-22", "lt2026-11-24"], 1),
        (["ge2026-11-23T00:00:00+11:00", "lt2026-11-24T00:00:00+11:00"], 1),
    ],
)
def test_dates_are_the_clinics_days_and_bounds_add_up(
    server: SandboxServer, client: Client, date: list[str], count: int
) -> None:
    days = {server.clinic.day_of(datetime.fromisoformat(row["start"])) for row in client.day(date=date)}
    assert len(days) == count


@pytest.mark.parametrize(
    "date", ["soon", "gte2026-11-23", "2026-02-30", "ge2026-11-23T00:00:00", "ge2026-11-23T00:00:00 11:00"]
)
def test_a_date_that_is_none_is_refused(client: Client, date: str) -> None:
    assert client.get("Appointment", date=date).status_code == 422


def test_a_plus_that_was_not_encoded_is_found_out(client: Client) -> None:
    url = f"{client.base}/Appointment?date=ge2026-11-23T00:00:00+11:00"
    assert requests.get(url, headers=client.headers, timeout=5).status_code == 422


def test_a_bound_can_be_ignored_and_so_can_all(server: SandboxServer, client: Client) -> None:
    server.faults.set("second_bound_ignored", times=1)
    more = client.get("Appointment", **DAY).json()["total"]
    server.faults.set("dates_ignored", times=1)
    most = client.get("Appointment", **DAY).json()["total"]
    assert client.get("Appointment", **DAY).json()["total"] < more < most


def test_dates_can_be_days_in_utc(server: SandboxServer, client: Client) -> None:
    at_home = {row["id"] for row in client.day()}
    server.faults.set("utc_dates")
    assert {row["id"] for row in client.day()} != at_home


def test_known_parameters_filter_and_unknown_ones_are_ignored(server: SandboxServer, client: Client) -> None:
    everything = client.day()
    person = server.clinic.id_of("halaxy", "practitioner", "wojcik")
    role = server.clinic.role_id("wojcik", "main")
    mine = client.day(practitioner=person)
    assert 0 < len(mine) < len(everything)
    assert {row["id"] for row in client.day(**{"practitioner-role": role})} <= {row["id"] for row in mine}
    north = server.clinic.id_of("halaxy", "site", "north")
    assert 0 < len(client.day(organization=north)) < len(everything)
    patient = server.clinic.id_of(
        "halaxy", "patient", server.clinic.appointments_on(MONDAY)[0].patient_keys[0]
    )
    for spelling in (patient, f"Patient/{patient}", f"{client.base}/Patient/{patient}"):
        assert client.day(patient=spelling)
    assert client.day(**{"part-status": "cancelled"})
    assert client.day(status="cancelled", actor="x", location="y") == everything
    assert client.get("Appointment", _sort="status").status_code == 422


def test_patients_come_along_only_when_asked_for(client: Client) -> None:
    plain = client.get("Appointment", **DAY).json()
    assert of_kind(plain, "Patient") == []
    bundle = client.get("Appointment", **DAY, _include="Appointment:patient").json()
    named = {
        each["actor"]["reference"].rpartition("/")[2]
        for row in of_kind(bundle, "Appointment")
        for each in row["participant"]
        if each["actor"]["type"] == "Patient"
    }
    assert {row["id"] for row in of_kind(bundle, "Patient")} == named
    assert {entry["search"]["mode"] for entry in bundle["entry"]} == {"match", "include"}


def test_a_key_without_patients_drops_them_with_a_warning(server: SandboxServer, client: Client) -> None:
    server.faults.set("patients_hidden")
    bundle = client.get("Appointment", **DAY, _include="Appointment:patient").json()
    assert of_kind(bundle, "Patient") == []
    assert of_kind(bundle, "OperationOutcome")[0]["issue"][0]["severity"] == "warning"
    assert client.get("Patient").status_code == 403


# What an appointment looks like


def test_an_appointment_has_no_status_at_the_top_and_names_a_role(client: Client) -> None:
    rows = client.day()
    assert not any({"status", "serviceType", "appointmentType"} & set(row) for row in rows)
    kinds = {each["actor"]["type"] for row in rows for each in row["participant"]}
    assert kinds == {"PractitionerRole", "Patient"}
    assert all("extension" not in each or each["extension"] for row in rows for each in row["participant"])


def test_attended_comes_by_itself_at_the_start(client: Client, now: StandingClock) -> None:
    now.at = datetime.fromisoformat("2026-11-23T05:00:00+11:00")
    early = {word for row in client.day() for word in statuses(row)}
    now.at = datetime.fromisoformat("2026-11-23T23:00:00+11:00")
    client.connect()
    late = {word for row in client.day() for word in statuses(row)}
    assert "attended" not in early
    assert {"booked", "confirmed", "check response", None} <= early
    assert late == {"attended", "cancelled", "did not attend"}


def test_words_can_be_joined_by_hyphens(server: SandboxServer, client: Client, now: StandingClock) -> None:
    now.at = datetime.fromisoformat("2026-11-23T23:00:00+11:00")
    client.connect()
    server.faults.set("hyphenated_statuses")
    assert "did-not-attend" in {word for row in client.day() for word in statuses(row)}


def test_a_group_has_a_status_per_patient_and_a_break_has_none(client: Client) -> None:
    counts = {len(statuses(row)) for row in client.day()}
    assert counts == {0, 1, 3}


@pytest.mark.parametrize(
    ("mode", "marks"), [("utc", {"+00:00"}), ("local", {"+11:00"}), ("mixed", {"+00:00", "+11:00"})]
)
def test_offsets_are_a_switch(server: SandboxServer, client: Client, mode: str, marks: set[str]) -> None:
    server.faults.set("offsets", mode=mode)
    assert {row["start"][-6:] for row in client.day()} == marks


def test_times_may_lack_seconds(server: SandboxServer, client: Client) -> None:
    server.faults.set("offsets", mode="no_seconds")
    assert {len(row["start"]) for row in client.day()} == {len("2026-11-23T09:30+11:00")}


@pytest.mark.parametrize(
    ("where", "place"),
    [
        ("item", "supportingInformation"),
        ("appointment", "extension"),
        ("participant", "participant"),
        ("coding", "supportingInformation"),
        ("absent", None),
    ],
)
def test_the_location_type_stands_where_the_switch_says(
    server: SandboxServer, client: Client, where: str, place: str | None
) -> None:
    if where in ("item", "appointment", "absent"):
        server.clinic.halaxy_location_type = where
    else:
        server.faults.set("location_place", where=where)
    places = {key for row in client.day() for key, value in row.items() if "location-type" in str(value)}
    assert places == ({place} if place else set())


@pytest.mark.parametrize(("style", "start"), [("path", "/main/"), ("bare", "Pr")])
def test_references_can_be_short(server: SandboxServer, client: Client, style: str, start: str) -> None:
    server.faults.set("short_references", style=style)
    assert client.day()[0]["participant"][0]["actor"]["reference"].startswith(start)


# People, places, types


def test_roles_bring_their_people_and_clinics_and_externals_are_among_them(client: Client) -> None:
    bundle = client.get(
        "PractitionerRole",
        _count="100",
        _include=["PractitionerRole:practitioner", "PractitionerRole:organization"],
    ).json()
    roles = of_kind(bundle, "PractitionerRole")
    assert {row["id"][:3] for row in roles} == {"PR-", "EP-"}
    assert len(of_kind(bundle, "Practitioner")) >= 7
    assert {row["id"][:3] for row in of_kind(bundle, "Organization")} >= {"CL-"}
    people = {row["practitioner"]["reference"] for row in roles}
    assert len(people) < len(roles)  # somebody works at two clinics


def test_a_number_means_another_person_as_a_role(client: Client) -> None:
    roles = {
        row["id"]: row["practitioner"]["reference"].rpartition("/")[2]
        for row in client.all("PractitionerRole")
    }
    people = {row["id"] for row in client.all("Practitioner")}
    shared = set(roles) & people
    assert shared
    assert all(roles[number] != number for number in shared)


def test_a_bare_reference_where_a_type_is_needed_is_refused(server: SandboxServer, client: Client) -> None:
    person = server.clinic.id_of("halaxy", "practitioner", "odwyer")
    assert client.get("PractitionerRole", practitioner=person).status_code == 422
    assert client.all("PractitionerRole", practitioner=f"Practitioner/{person}")


def test_patients_and_types_have_halaxys_shapes(server: SandboxServer, client: Client) -> None:
    key = server.clinic.id_of("halaxy", "patient", "preferred")
    patient = client.get(f"Patient/{key}").json()
    usual = next(name for name in patient["name"] if name["use"] == "usual")
    assert "family" not in usual
    assert {point["system"] for point in patient["telecom"]} == {"sms", "email"}
    assert client.all("Patient", _id=f"{key},999") == [patient]
    types = client.all("HealthcareService")
    assert {row["active"] for row in types} == {True, False}
    assert any("valueQuantity" in mark for row in types for mark in row["extension"])
    assert {row["id"][:3] for row in client.all("Organization")} == {"PG-", "CL-", "SP-"}


@pytest.mark.parametrize(
    "resource", ["Location", "Subscription", "Slot", "Appointment/1", "Patient/1", "Organization/CL-1"]
)
def test_what_is_not_there_is_a_404_outcome(client: Client, resource: str) -> None:
    answer = client.get(resource)
    assert (answer.status_code, answer.json()["issue"][0]["code"]) == (404, "not-found")


def test_nothing_can_be_written_and_a_wrong_verb_has_no_body(client: Client) -> None:
    for verb in ("POST", "PUT", "PATCH", "DELETE"):
        answer = requests.request(verb, f"{client.base}/Appointment", headers=client.headers, timeout=5)
        assert (answer.status_code, answer.content) == (405, b"")


def test_a_deleted_appointment_is_gone_from_both_places(server: SandboxServer, client: Client) -> None:
    row = client.day()[0]
    assert client.get(f"Appointment/{row['id']}").json() == row
    server.clinic.delete(row["id"])
    assert client.get(f"Appointment/{row['id']}").status_code == 404
    assert row["id"] not in {each["id"] for each in client.day()}


# Limits and faults


def test_the_rate_is_told_and_can_be_enforced(server: SandboxServer, client: Client) -> None:
    answer = client.get("Practitioner")
    assert answer.headers["x-ratelimit-limit"] == "500"
    assert int(answer.headers["x-ratelimit-remaining"]) < 500
    server.faults.set("throttle", limit=3)
    statuses = [client.get("Practitioner") for _ in range(4)]
    assert statuses[-1].status_code == 429
    assert 0 < int(statuses[-1].headers["retry-after"]) <= 61


def test_an_error_can_hide_in_a_good_answer(server: SandboxServer, client: Client) -> None:
    server.faults.set("outcome_in_ok", code="forbidden")
    answer = client.get("Appointment", **DAY)
    assert (answer.status_code, answer.json()["resourceType"]) == (200, "OperationOutcome")


@pytest.mark.parametrize(
    ("fault", "status"),
    [("forbidden", 403), ("rate_limited", 429), ("server_error", 500), ("bad_gateway", 502)],
)
def test_the_dial_reaches_halaxy(server: SandboxServer, client: Client, fault: str, status: int) -> None:
    server.faults.set(fault, endpoint="appointments")
    assert client.get("Appointment", **DAY).status_code == status
    assert client.get("HealthcareService").status_code == 200


@pytest.mark.parametrize(
    "fault",
    ["unknown_status", "malformed_time", "missing_id", "null_patient", "hostile_text", "status_spelling"],
)
def test_single_records_can_be_spoilt(server: SandboxServer, client: Client, fault: str) -> None:
    def read() -> list[Any]:
        bundle = client.get("Appointment", **DAY, _include="Appointment:patient").json()
        return [entry["resource"] for entry in bundle["entry"]]

    plain = read()
    server.faults.set(fault, count=0) if fault != "status_spelling" else server.faults.set(fault)
    assert read() != plain


def test_a_fault_may_be_meant_for_one_practitioner(server: SandboxServer, client: Client) -> None:
    server.faults.set("malformed_time", practitioner="wulandari", count=0)
    broken = [row for row in client.day() if row["start"] == "soon"]
    roles = {row["participant"][0]["actor"]["reference"].rpartition("/")[2] for row in broken}
    assert {server.clinic.find_role(role)[0] for role in roles} == {"wulandari"}  # type: ignore[index]
