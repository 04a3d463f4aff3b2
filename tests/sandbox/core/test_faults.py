"""The fault dial over real HTTP: every switch, its scope, its count, and that nothing ever has to wait."""

from __future__ import annotations

import contextlib
import json
import threading
from datetime import timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
import requests

from pmsapp.sandbox.clinic.model import SandboxError
from pmsapp.sandbox.core.fault_kinds import FAULT_KINDS, HOSTILE_TEXT
from pmsapp.sandbox.core.faults import FaultDial
from pmsapp.sandbox.server import SandboxServer
from tests.sandbox.conftest import MONDAY, GentuClient, StandingClock


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("unauthorized", 401),
        ("forbidden", 403),
        ("not_found", 404),
        ("rate_limited", 429),
        ("server_error", 500),
        ("bad_gateway", 502),
    ],
)
def test_an_answer_is_replaced_until_the_switch_is_cleared(
    server: SandboxServer, gentu: GentuClient, name: str, status: int
) -> None:
    fault = server.faults.set(name)
    assert [gentu.day().status_code for _ in range(3)] == [status] * 3
    server.faults.clear(fault.id)
    assert gentu.day().status_code == 200


def test_a_fault_hits_the_next_n_requests_only(server: SandboxServer, gentu: GentuClient) -> None:
    server.faults.set("server_error", times=2, status=503)
    assert [gentu.day().status_code for _ in range(4)] == [503, 503, 200, 200]
    assert server.faults.active() == []


def test_a_fault_can_let_some_requests_pass_first(server: SandboxServer, gentu: GentuClient) -> None:
    server.faults.set("server_error", skip=1, times=1)
    assert [gentu.day().status_code for _ in range(3)] == [200, 500, 200]


def test_a_fault_is_limited_to_a_vendor_and_a_call(server: SandboxServer, gentu: GentuClient) -> None:
    server.faults.set("server_error", vendor="halaxy")
    server.faults.set("server_error", vendor="gentu", endpoint="types")
    assert gentu.tenant("/appointment-types").status_code == 500
    assert gentu.tenant("/practitioners").status_code == 200


@pytest.mark.parametrize("by_id", [False, True])
def test_one_practitioner_fails_and_the_others_do_not(
    server: SandboxServer, gentu: GentuClient, by_id: bool
) -> None:
    named = gentu.practitioner_id("wojcik") if by_id else "wojcik"
    server.faults.set("server_error", endpoint="appointments", practitioner=named)
    assert gentu.day("wojcik").status_code == 500
    assert gentu.day("odwyer").status_code == 200


def test_one_page_fails_and_the_others_do_not(server: SandboxServer, gentu: GentuClient) -> None:
    server.faults.set("server_error", endpoint="appointments", page=2)
    first = gentu.day(limit="5")
    cursor = first.json()["pagination"]["next"]
    assert first.status_code == 200
    assert gentu.day(limit="5", cursor=cursor).status_code == 500


def test_one_patient_fails_and_is_not_beside_the_list_either(
    server: SandboxServer, gentu: GentuClient
) -> None:
    patients = gentu.day(include="patients").json()["patients"]
    gone = patients[0]["id"]
    server.faults.set("not_found", endpoint="patient", patient=gone)
    assert gentu.tenant(f"/patients/{gone}").status_code == 404
    assert gentu.tenant(f"/patients/{patients[1]['id']}").status_code == 200
    assert gentu.day(include="patients").json()["patients"] == patients[1:]


def test_patients_can_be_left_out_of_the_list(server: SandboxServer, gentu: GentuClient) -> None:
    fault = server.faults.set("patient_left_out")
    assert gentu.day(include="patients").json()["patients"] == []
    server.faults.clear(fault.id)
    server.faults.set("patient_left_out", patient="canary")
    everyone = [p for key in ("odwyer", "wojcik", "lee-hana", "wulandari", "lee-kim")
                for p in gentu.day(key, include="patients").json()["patients"]]  # fmt: skip
    assert server.clinic.id_of("gentu", "patient", "canary") not in {p["id"] for p in everyone}
    assert len(everyone) > 60


def test_retry_after_can_be_a_number_a_date_absent_huge_or_anything(
    server: SandboxServer, gentu: GentuClient, now: StandingClock
) -> None:
    def header(**options: Any) -> str | None:
        server.faults.set("rate_limited", times=1, **options)
        answer = gentu.day()
        assert answer.status_code == 429
        return answer.headers.get("Retry-After")

    assert header(retry_after=90) == "90"
    assert parsedate_to_datetime(header(retry_after="date", seconds=120) or "") == now.at + timedelta(
        seconds=120
    )
    assert header(retry_after="absent") is None
    assert int(header(retry_after="huge") or "") > 1_000_000
    assert header(retry_after="soon") == "soon"


def test_the_token_in_use_can_expire_and_a_new_one_works(server: SandboxServer, gentu: GentuClient) -> None:
    server.faults.set("expire_token", times=1)
    answer = gentu.day()
    assert answer.status_code == 401
    assert answer.json()["fault"]["detail"]["errorcode"].endswith("expired")
    assert gentu.day().status_code == 401
    gentu.token()
    assert gentu.day().status_code == 200


def test_the_token_in_use_can_be_revoked(server: SandboxServer, gentu: GentuClient) -> None:
    server.faults.set("revoke_token", endpoint="practitioners", times=1)
    assert gentu.day().status_code == 200
    assert gentu.tenant("/practitioners").status_code == 401
    assert gentu.day().status_code == 401


def test_refused_credentials_look_like_the_vendors(server: SandboxServer, gentu: GentuClient) -> None:
    server.faults.set("unauthorized", endpoint="token")
    answer = requests.post(f"{gentu.base}/oauth2/token", auth=("training-client-id", "training-client-secret"),
                           data={"grant_type": "client_credentials"}, timeout=5)  # fmt: skip
    assert answer.status_code == 401
    assert answer.json()["ErrorCode"] == "invalid_client"


def test_an_app_that_is_not_enabled_answers_500_on_every_tenant_call(
    server: SandboxServer, gentu: GentuClient
) -> None:
    server.faults.set("unresolved_variable", endpoint="tenant")
    for path in ("/tenants", f"/tenants/{gentu.tenant_id}"):
        answer = gentu.get(path)
        assert answer.status_code == 500
        assert answer.json()["fault"]["faultstring"] == "Unresolved variable : app.partnerId"
        assert answer.json()["fault"]["detail"]["errorcode"] == "entities.UnresolvedVariable"


def test_a_permission_can_be_missing(server: SandboxServer, gentu: GentuClient) -> None:
    server.faults.set("forbidden", permission="patients")
    assert "patients" in gentu.tenant("/practitioners").json()["message"]


def test_a_tenant_can_be_disabled_or_withdrawn_by_the_dial(server: SandboxServer, gentu: GentuClient) -> None:
    disabled = server.faults.set("tenant_disabled")
    assert gentu.day().status_code == 403
    assert gentu.get("/tenants").json()[0]["tenantAccess"] == "disabled"
    server.faults.clear(disabled.id)
    server.faults.set("tenant_withdrawn")
    assert gentu.day().status_code == 404
    assert gentu.get("/tenants").json() == []


def test_html_and_nothing_can_come_with_a_200(server: SandboxServer, gentu: GentuClient) -> None:
    server.faults.set("html_ok", times=1)
    answer = gentu.day()
    assert (answer.status_code, answer.headers["Content-Type"].split(";")[0]) == (200, "text/html")
    server.faults.set("empty_body", times=1)
    answer = gentu.day()
    assert (answer.status_code, answer.content) == (200, b"")


def test_a_connection_can_end_in_the_middle_of_the_body(server: SandboxServer, gentu: GentuClient) -> None:
    server.faults.set("cut")
    with pytest.raises((requests.exceptions.ChunkedEncodingError, requests.exceptions.ConnectionError)):
        gentu.day()


def test_json_can_be_truncated_doubled_not_a_number_deep_or_mislabelled(
    server: SandboxServer, gentu: GentuClient
) -> None:
    def spoilt(name: str, **options: Any) -> requests.Response:
        server.faults.set(name, times=1, **options)
        return gentu.day()

    with pytest.raises(json.JSONDecodeError):
        json.loads(spoilt("truncated_json").text)
    assert spoilt("duplicate_keys").text.count('"appointments":') == 2
    assert "NaN" in spoilt("nan").text
    assert "[" * 300 in spoilt("deep_nesting", depth=300).text
    assert spoilt("wrong_content_type").headers["Content-Type"] == "text/plain"
    assert len(spoilt("oversized", megabytes=2).content) > 2_000_000


def test_bare_lists_can_be_spoilt_too(server: SandboxServer, gentu: GentuClient) -> None:
    server.faults.set("nan", times=1)
    assert gentu.tenant("/practitioners").text.startswith('[{"sandbox":NaN,')
    server.faults.set("duplicate_keys", times=1)
    assert gentu.tenant("/practitioners").text.startswith('[{"id":null,"id":')


def test_paging_can_repeat_never_end_or_come_short(server: SandboxServer, gentu: GentuClient) -> None:
    everything = gentu.whole_day()
    repeat = server.faults.set("repeated_cursor")
    first = gentu.day(limit="5").json()
    second = gentu.day(limit="5", cursor=first["pagination"]["next"]).json()
    assert first == second
    server.faults.clear(repeat.id)
    endless = server.faults.set("endless_next")
    with pytest.raises(AssertionError, match="no end"):
        gentu.whole_day(limit="5")
    server.faults.clear(endless.id)
    server.faults.set("short_pages")
    assert len(gentu.day(limit="10").json()["appointments"]) == 5
    assert gentu.whole_day(limit="10") == everything


def test_rows_can_drift_between_pages(server: SandboxServer, gentu: GentuClient) -> None:
    everything = [row["id"] for row in gentu.whole_day()]
    twice = server.faults.set("drifting_pages")
    drifted = [row["id"] for row in gentu.whole_day(limit="5")]
    assert len(drifted) > len(everything)
    assert set(drifted) == set(everything)
    server.faults.clear(twice.id)
    server.faults.set("drifting_pages", by=1)
    assert {row["id"] for row in gentu.whole_day(limit="5")} < set(everything)


def test_a_day_can_come_empty_for_everyone_or_for_one(server: SandboxServer, gentu: GentuClient) -> None:
    fault = server.faults.set("empty_day", practitioner="odwyer")
    assert gentu.day("odwyer").json() == {"appointments": [], "pagination": {"next": None, "limit": 100}}
    assert gentu.day("wojcik").json()["appointments"]
    server.faults.clear(fault.id)
    server.faults.set("empty_day")
    assert gentu.day("wojcik").json()["appointments"] == []


def test_single_records_can_be_broken_and_the_rest_stays_good(
    server: SandboxServer, gentu: GentuClient
) -> None:
    good = gentu.whole_day()
    server.faults.set("malformed_time", first=0)
    server.faults.set("unknown_status", first=1, word="teleported")
    server.faults.set("null_patient", first=2)
    server.faults.set("missing_id", first=3)
    rows = gentu.whole_day()
    assert rows[0]["startAt"] == "soon"
    assert rows[1]["status"] == "teleported"
    assert [p["referenceId"] for p in rows[2]["participant"] if p["referenceType"] == "patient"] == [None]
    assert "id" not in rows[3]
    assert rows[4:] == good[4:]


def test_a_broken_record_can_be_one_practitioners(server: SandboxServer, gentu: GentuClient) -> None:
    server.faults.set("malformed_time", practitioner="wojcik", count=0)
    assert all(row["startAt"] == "soon" for row in gentu.whole_day("wojcik"))
    assert all(row["startAt"] != "soon" for row in gentu.whole_day("odwyer"))


@pytest.mark.parametrize(
    ("style", "word"),
    [("upper", "IN_WAITING_ROOM"), ("title", "In Waiting Room"), ("spaces", "in waiting room"),
     ("hyphens", "in-waiting-room")],
)  # fmt: skip
def test_statuses_can_be_spelt_another_way(
    server: SandboxServer, gentu: GentuClient, style: str, word: str
) -> None:
    row = gentu.whole_day()[-1]
    server.clinic.set_status(row["id"], "arrived")
    server.faults.set("status_spelling", style=style)
    assert gentu.tenant(f"/appointments/{row['id']}").json()["status"] == word
    assert any(found["status"] == word for found in gentu.whole_day())


def test_texts_can_be_hostile(server: SandboxServer, gentu: GentuClient) -> None:
    server.faults.set("hostile_text")
    page = gentu.day(include="patients").json()
    assert all(row["comment"] == HOSTILE_TEXT for row in page["appointments"])
    assert all(person["name"]["given"] == HOSTILE_TEXT for person in page["patients"])


def test_the_servers_clock_can_be_wrong(
    server: SandboxServer, gentu: GentuClient, now: StandingClock
) -> None:
    assert parsedate_to_datetime(gentu.day().headers["Date"]) == now.at
    server.faults.set("clock_skew", seconds=-900)
    assert parsedate_to_datetime(gentu.day().headers["Date"]) == now.at - timedelta(seconds=900)


def test_a_redirect_leads_to_another_host_and_the_log_knows_who_followed(
    server: SandboxServer, gentu: GentuClient
) -> None:
    server.faults.set("redirect")
    answer = gentu.day()
    assert answer.status_code == 302
    assert answer.headers["Location"] == f"http://localhost:{server.port}/_elsewhere"
    assert server.requests.count(vendor="elsewhere") == 0
    requests.get(f"{server.url}/_elsewhere", headers=gentu.headers, timeout=5)
    followed = server.requests.entries(vendor="elsewhere")
    assert [entry.authorized for entry in followed] == [True]


def test_a_hanging_request_is_freed_by_release(server: SandboxServer, gentu: GentuClient) -> None:
    server.faults.set("hang", times=1)
    answers: list[int] = []
    thread = threading.Thread(target=lambda: answers.append(gentu.day().status_code))
    thread.start()
    while not server.requests.count(endpoint="appointments"):
        thread.join(0.01)
    assert answers == []
    server.faults.release()
    thread.join(5)
    assert answers == [200]


def test_a_slow_answer_ends_a_clients_patience(server: SandboxServer, gentu: GentuClient) -> None:
    server.faults.set("slow", seconds=600)
    with pytest.raises(requests.exceptions.ReadTimeout):
        requests.get(f"{gentu.base}/tenants", headers=gentu.headers, timeout=0.1)


def test_a_lost_pairing_answer_has_spent_the_code(server: SandboxServer, gentu: GentuClient) -> None:
    server.faults.set("hang", endpoint="pairing", times=1, when="after")
    with pytest.raises(requests.exceptions.ReadTimeout):
        requests.put(
            f"{gentu.base}/apps/5a9d1f0e-3c1b-4f6a-9d2e-7b8c6a5d4e3f/pairing/perth123",
            headers=gentu.headers,
            timeout=0.3,
        )
    assert gentu.pair("perth123").status_code == 409
    assert len(gentu.get("/tenants").json()) == 2


def test_stopping_frees_whatever_hangs(now: StandingClock) -> None:
    server = SandboxServer(now=now, vendors=("gentu",)).start()
    server.faults.set("hang")
    failed = threading.Event()

    def ask() -> None:
        with contextlib.suppress(requests.exceptions.ConnectionError):
            requests.get(f"{server.gentu_base}/tenants", timeout=30)
        failed.set()

    thread = threading.Thread(target=ask)
    thread.start()
    while not server.requests.count():
        thread.join(0.01)
    server.stop()
    thread.join(5)
    assert failed.is_set()


def test_two_faults_can_be_on_at_once(server: SandboxServer, gentu: GentuClient) -> None:
    server.faults.set("clock_skew", seconds=60)
    server.faults.set("rate_limited", retry_after=5)
    answer = gentu.day()
    assert answer.status_code == 429
    assert answer.headers["Date"].endswith("00:31:00 GMT")


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "earthquake"},
        {"name": "slow", "vendor": "nobody"},
        {"name": "slow", "endpoint": "everything"},
        {"name": "slow", "options": {"minutes": 1}},
        {"name": "slow", "times": "often"},
        {"name": "slow", "colour": "red"},
        {"name": "slow", "options": ["seconds"]},
    ],
)
def test_a_switch_that_makes_no_sense_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(SandboxError):
        FaultDial().set_from(wrong)


def test_a_switch_can_be_written_as_one_word_of_a_command_line() -> None:
    dial = FaultDial()
    fault = dial.set_text("rate_limited:vendor=gentu,endpoint=appointments,times=2,retry_after=90")
    assert (fault.vendor, fault.endpoint, fault.times, fault.options["retry_after"]) == (
        "gentu",
        "appointments",
        2,
        "90",
    )
    assert dial.set_text("hang").name == "hang"


def test_every_fault_has_a_sentence_of_help() -> None:
    for kind in FAULT_KINDS.values():
        assert kind.help.endswith(".")


def test_faults_leave_the_truth_alone(server: SandboxServer, gentu: GentuClient) -> None:
    before = server.clinic.truth("gentu", MONDAY)
    for name in FAULT_KINDS:
        if name not in ("hang", "slow", "oversized"):
            fault = server.faults.set(name, times=1)
            with contextlib.suppress(requests.exceptions.RequestException):
                gentu.day(include="patients")
            server.faults.clear(fault.id)
            gentu.token()
    assert server.clinic.truth("gentu", MONDAY) == before


def test_a_fault_may_be_named_with_hyphens_as_on_a_command_line() -> None:
    dial = FaultDial()
    assert dial.set_text("expire-token:vendor=halaxy").name == "expire_token"
    assert [fault.name for fault in dial.active()] == ["expire_token"]
