"""Gentu: the contract every adapter keeps, then what is Gentu's alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from pmsapp import clock
from pmsapp.adapters.base import Adapter, AdapterConfig
from pmsapp.adapters.client.error_mapping import TransportFaultError
from pmsapp.adapters.client.hosts import HostPolicy
from pmsapp.adapters.client.http import HTTPClient
from pmsapp.adapters.gentu import appointments, auth
from pmsapp.adapters.gentu.adapter import GentuAdapter
from pmsapp.adapters.gentu.info import PRODUCTION_HOST, SANDBOX_HOST
from pmsapp.adapters.parsing import vocabulary
from pmsapp.adapters.parsing.text import names_missing
from pmsapp.domain.appointment import AppointmentStatus
from pmsapp.domain.errors import BadVendorDataError, PMSError, RetryLaterError
from pmsapp.sandbox.gentu import access
from pmsapp.sandbox.server import SandboxServer
from tests.adapters.client.scripted import Script, answer, client_for, serving
from tests.adapters.contract import MONDAY, WINDOW, AdapterContract
from tests.adapters.reading import read_day
from tests.adapters.test_gentu_wire import sample
from tests.support.clock import FrozenClock

CREDENTIALS = {
    "client_id": access.CLIENT_ID,
    "client_secret": access.CLIENT_SECRET,
    "app_id": access.APP_ID,
}


class Gentu(AdapterContract):
    """How Gentu's tests reach the sandbox."""

    slug = "gentu"

    def config(self, server: SandboxServer) -> AdapterConfig:
        return AdapterConfig(
            base_url=server.gentu_base,
            credentials=CREDENTIALS,
            time_zone="Australia/Melbourne",
            tenant_id=server.clinic.id_of("gentu", "practice", ""),
        )

    def lower_the_ceiling(self, monkeypatch: pytest.MonkeyPatch, pages: int) -> None:
        monkeypatch.setattr(appointments, "MAX_DAY_PAGES", pages)


class TestContract(Gentu):
    """Every behaviour of the contract."""


REACH = Gentu()


@pytest.fixture(autouse=True)
def _standing_clock(frozen_clock: FrozenClock) -> None:
    """Monday, nine in the morning."""


@pytest.fixture
def server() -> Iterator[SandboxServer]:
    """A sandbox nobody is paired in yet, its tokens on the tests' clock."""
    with SandboxServer(now=lambda: clock.now(), vendors=("gentu",)) as server:
        yield server


@pytest.fixture
def paired(server: SandboxServer) -> SandboxServer:
    """The sandbox with the front clinic paired."""
    server.sandbox.servers["gentu"].access.use_code("demo1234")  # type: ignore[attr-defined]
    server.requests.clear()
    return server


@pytest.fixture
def adapter(paired: SandboxServer) -> Iterator[Adapter]:
    with REACH.connected(paired) as adapter:
        yield adapter


@contextmanager
def unpaired(server: SandboxServer, **options: Any) -> Iterator[Adapter]:
    """An adapter that has a login and no practice yet."""
    with REACH.connected(server, replace(REACH.config(server), tenant_id=None), **options) as adapter:
        yield adapter


def code_of(call: Any, *args: Any) -> str:
    """The code of the error a call raises."""
    with pytest.raises(PMSError) as caught:
        call(*args)
    return caught.value.code


# The token


def scripted_adapter(script: Script, **changes: Any) -> GentuAdapter:
    config = AdapterConfig(script.url, {**CREDENTIALS, **changes}, tenant_id="t1")
    return GentuAdapter(config, client_for(script))


def mint(script: Script, **changes: Any) -> Any:
    adapter = scripted_adapter(script, **changes)
    return GentuAdapter.mint_token(adapter.config, adapter.client)


def test_credentials_go_into_the_header_and_only_the_grant_into_the_form() -> None:
    with serving(answer(sample("token"))) as script:
        token = mint(script, client_id=" id ", client_secret="s:é")
        asked = script.seen[0]
    assert (asked.method, asked.path) == ("POST", "/v1/oauth2/token")
    assert asked.headers["Authorization"] == "Basic aWQ6czrDqQ=="
    assert asked.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert asked.body == b"grant_type=client_credentials"
    assert token.access_token == "sample-token-not-a-real-one"
    assert token.expires_at == clock.now() + timedelta(seconds=3599 - auth.SPARE_S)


def test_a_token_with_a_short_life_is_used_for_half_of_it() -> None:
    with serving(answer({"access_token": "x", "expires_in": 10})) as script:
        assert mint(script).expires_at == clock.now() + timedelta(seconds=5)


@pytest.mark.parametrize("data", [{}, [], {"access_token": None}, {"access_token": " "}, {"access_token": 7}])
def test_an_answer_without_a_token_makes_no_sense(data: Any) -> None:
    with serving(answer(data)) as script:
        assert code_of(mint, script) == "PMS-GARBLED"


@pytest.mark.parametrize("status", [400, 401, 403])
def test_refused_credentials_are_told_as_such(status: int) -> None:
    with serving(answer({"ErrorCode": "invalid_client"}, status=status)) as script:
        assert code_of(mint, script) == "AUTH-REFUSED"


@pytest.mark.parametrize("name", ["client_id", "client_secret"])
def test_a_missing_credential_is_named_before_anything_is_sent(name: str) -> None:
    with serving() as script:
        with pytest.raises(PMSError, match=f"{name} is missing") as caught:
            mint(script, **{name: " "})
        assert caught.value.code == "NO-LOGIN"
        assert script.seen == []


def test_one_token_serves_every_call(paired: SandboxServer, adapter: Adapter) -> None:
    adapter.check_connection()
    read_day(adapter, WINDOW)
    assert paired.requests.count("gentu", "token") == 1


# Pairing


def test_a_code_opens_the_practice(server: SandboxServer) -> None:
    with unpaired(server) as adapter:
        pairing = adapter.pair(" demo1234\n")
    assert pairing.tenant_id == server.clinic.id_of("gentu", "practice", "")
    assert (pairing.practice_name, pairing.time_zone) == (server.clinic.name, "Australia/Melbourne")
    assert server.requests.count("gentu", "pairing") == 1


def test_a_practice_that_names_nothing_pairs_too(server: SandboxServer) -> None:
    with unpaired(server) as adapter:
        pairing = adapter.pair("quiet123")
        assert pairing.tenant_id
        assert (pairing.practice_name, pairing.time_zone) == (None, None)
    with REACH.connected(server, replace(REACH.config(server), tenant_id=pairing.tenant_id)) as adapter:
        check = adapter.check_connection()
    assert (check.practice_name, check.time_zone) == (None, None)


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("used0000", "PAIR-USED"),
        ("late0000", "PAIR-USED"),
        ("nobody00", "PAIR-UNKNOWN"),
        ("../tenants", "PAIR-UNKNOWN"),
        ("ä ?#%2F", "PAIR-UNKNOWN"),
        ("", "PAIR-UNKNOWN"),
        ("  ", "PAIR-UNKNOWN"),
        ("..", "PAIR-UNKNOWN"),
    ],
)
def test_a_code_that_is_not_accepted_is_told_as_such(server: SandboxServer, code: str, expected: str) -> None:
    with unpaired(server) as adapter:
        assert code_of(adapter.pair, code) == expected
    assert server.requests.count("gentu", "pairing") <= 1


def test_the_same_code_works_once(server: SandboxServer) -> None:
    with unpaired(server) as adapter:
        adapter.pair("demo1234")
        assert code_of(adapter.pair, "demo1234") == "PAIR-USED"


def test_a_lost_answer_is_cleared_up_by_looking(server: SandboxServer) -> None:
    server.faults.set("cut", vendor="gentu", endpoint="pairing")
    with unpaired(server) as adapter:
        pairing = adapter.pair("demo1234")
    assert pairing.tenant_id == server.clinic.id_of("gentu", "practice", "")
    assert pairing.practice_name == server.clinic.name
    assert server.requests.count("gentu", "pairing") == 1


def test_an_answer_that_comes_too_late_is_cleared_up_by_looking(server: SandboxServer) -> None:
    server.faults.set("hang", vendor="gentu", endpoint="pairing", when="after")
    with unpaired(server, read_timeout_s=0.3) as adapter:
        assert adapter.pair("demo1234").tenant_id == server.clinic.id_of("gentu", "practice", "")
    assert server.requests.count("gentu", "pairing") == 1


@pytest.mark.parametrize("fault", ["truncated_json", "wrong_content_type", "duplicate_keys"])
def test_an_answer_that_makes_no_sense_is_cleared_up_by_looking(server: SandboxServer, fault: str) -> None:
    server.faults.set(fault, vendor="gentu", endpoint="pairing")
    with unpaired(server) as adapter:
        assert adapter.pair("demo1234").tenant_id == server.clinic.id_of("gentu", "practice", "")


def test_a_practice_that_had_switched_us_off_is_found_after_a_lost_answer(paired: SandboxServer) -> None:
    tenant_id = paired.clinic.id_of("gentu", "practice", "")
    paired.sandbox.servers["gentu"].command("tenant", {"tenant_id": tenant_id, "access": "disabled"})
    paired.faults.set("cut", vendor="gentu", endpoint="pairing")
    with unpaired(paired) as adapter:
        assert adapter.pair("demo2345").tenant_id == tenant_id


@pytest.mark.parametrize("fault", ["bad_gateway", "server_error", "html_ok"])
def test_when_nothing_new_is_listed_the_pairing_is_unsure(server: SandboxServer, fault: str) -> None:
    server.faults.set(fault, vendor="gentu", endpoint="pairing")
    with unpaired(server) as adapter:
        assert code_of(adapter.pair, "demo1234") == "PAIR-UNSURE"
        server.faults.clear()
        assert adapter.pair("demo1234").tenant_id


def test_when_looking_fails_as_well_the_pairing_is_unsure(server: SandboxServer) -> None:
    server.faults.set("cut", vendor="gentu", endpoint="pairing")
    server.faults.set("bad_gateway", vendor="gentu", endpoint="tenant", skip=1)
    with unpaired(server) as adapter:
        assert code_of(adapter.pair, "demo1234") == "PAIR-UNSURE"


def test_two_new_practices_at_once_are_not_guessed_between() -> None:
    both = [{"tenantId": "a", "tenantAccess": "enabled"}, {"tenantId": "b", "tenantAccess": "enabled"}]
    with serving(answer([]), answer({}), answer(both)) as script:
        assert code_of(scripted_adapter(script).pair, "demo1234") == "PAIR-UNSURE"


def test_a_code_is_not_spent_when_the_list_cannot_be_read_first(server: SandboxServer) -> None:
    server.faults.set("bad_gateway", vendor="gentu", endpoint="tenant")
    with unpaired(server) as adapter:
        assert code_of(adapter.pair, "demo1234") == "PMS-DOWN"
    assert server.requests.count("gentu", "pairing") == 0


def test_a_code_that_was_never_sent_is_not_unsure(
    server: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def put(*_: object, **__: object) -> None:
        raise RetryLaterError("PMS-DOWN", pms="Gentu") from TransportFaultError("refused", sent=False)

    monkeypatch.setattr(HTTPClient, "put", put)
    with unpaired(server) as adapter:
        assert code_of(adapter.pair, "demo1234") == "PMS-DOWN"
    assert server.requests.count("gentu", "tenant") == 1


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ("rate_limited", "RATE-WAIT"),
        ("unauthorized", "AUTH-EXPIRED"),
        ("unresolved_variable", "APP-NOT-ENABLED"),
    ],
)
def test_a_refusal_that_is_not_about_the_code_is_told_as_what_it_is(
    server: SandboxServer, fault: str, code: str
) -> None:
    server.faults.set(fault, vendor="gentu", endpoint="pairing")
    with unpaired(server) as adapter:
        assert code_of(adapter.pair, "demo1234") == code


def test_a_token_that_ran_out_does_not_cost_the_code(server: SandboxServer) -> None:
    server.faults.set("expire_token", vendor="gentu", endpoint="pairing", times=1)
    with unpaired(server) as adapter:
        assert adapter.pair("demo1234").tenant_id


def test_a_pairing_whose_practice_cannot_be_described_still_counts(server: SandboxServer) -> None:
    server.faults.set("forbidden", vendor="gentu", endpoint="tenant", skip=1)
    with unpaired(server) as adapter:
        pairing = adapter.pair("demo1234")
    assert pairing.tenant_id
    assert pairing.practice_name is None


def test_pairing_needs_the_app_id(server: SandboxServer) -> None:
    config = replace(REACH.config(server), credentials={**CREDENTIALS, "app_id": ""})
    with REACH.connected(server, config) as adapter:
        assert code_of(adapter.pair, "demo1234") == "NO-LOGIN"
    assert server.requests.count("gentu") == 0


# The practice


def test_without_a_practice_the_login_is_proved_first(server: SandboxServer) -> None:
    with unpaired(server) as adapter:
        assert code_of(adapter.check_connection) == "NOT-PAIRED"
        assert code_of(adapter.list_practitioners) == "NOT-PAIRED"
    wrong = replace(REACH.wrong_config(server), tenant_id=None)
    with REACH.connected(server, wrong) as adapter:
        assert code_of(adapter.check_connection) == "AUTH-REFUSED"


@pytest.mark.parametrize("how", ["disabled", "withdrawn"])
def test_a_practice_that_switched_us_off_is_told_from_a_lost_record(
    paired: SandboxServer, adapter: Adapter, how: str
) -> None:
    row = next(iter(read_day(adapter, WINDOW).rows.values()))
    tenant_id = paired.clinic.id_of("gentu", "practice", "")
    paired.sandbox.servers["gentu"].command("tenant", {"tenant_id": tenant_id, "access": how})
    with REACH.connected(paired) as adapter:
        for call in (
            adapter.check_connection,
            adapter.list_practitioners,
            adapter.list_appointment_types,
            lambda: list(adapter.list_appointments(WINDOW, [row.practitioner_external_id or ""])),
            lambda: adapter.get_appointment(row.external_id),
        ):
            assert code_of(call) == "ACCESS-WITHDRAWN"


def test_a_practice_marked_disabled_is_told_even_while_it_still_answers(
    paired: SandboxServer, adapter: Adapter
) -> None:
    paired.faults.set("tenant_disabled", vendor="gentu", endpoint="tenant", skip=1)
    assert code_of(adapter.check_connection) == "ACCESS-WITHDRAWN"


def test_a_practice_id_that_is_none_is_unknown(paired: SandboxServer) -> None:
    with REACH.connected(paired, replace(REACH.config(paired), tenant_id="not-an-id")) as adapter:
        assert code_of(adapter.check_connection) == "PRACTICE-UNKNOWN"


def test_another_practice_in_the_answer_is_the_wrong_practice() -> None:
    with serving(answer({"tenantId": "t2"})) as script:
        assert code_of(scripted_adapter(script).check_connection) == "AUTH-WRONG-PRACTICE"


def test_a_zone_that_is_not_known_here_is_a_warning() -> None:
    steps = [
        answer({"tenantId": "t1", "timezone": "Mars/Base", "tenantName": None, "tenantNumber": None}),
        answer([{"tenantId": "t1", "tenantAccess": "enabled"}]),
        answer([]),
    ]
    with serving(*steps) as script:
        check = scripted_adapter(script).check_connection()
    assert check.time_zone is None
    assert len(check.warnings) == 1


@pytest.mark.parametrize("call", ["check_connection", "list_practitioners", "list_appointment_types"])
def test_an_app_that_is_not_enabled_is_told_once_and_not_tried_again(
    paired: SandboxServer, adapter: Adapter, call: str
) -> None:
    paired.faults.set("unresolved_variable", vendor="gentu")
    with REACH.connected(paired) as fresh:
        assert code_of(getattr(fresh, call)) == "APP-NOT-ENABLED"
    assert paired.requests.count("gentu") == 1


def test_many_gone_appointments_cost_one_look_at_the_practices(
    paired: SandboxServer, adapter: Adapter
) -> None:
    ids = sorted(read_day(adapter, WINDOW).appointment_ids)[:4]
    for external_id in ids:
        paired.clinic.delete(external_id)
        assert code_of(adapter.get_appointment, external_id) == "RECORD-GONE"
    assert paired.requests.count("gentu", "tenant") == 1


# Appointments


def test_a_day_costs_one_call_per_practitioner(paired: SandboxServer, adapter: Adapter) -> None:
    paired.requests.clear()
    list(adapter.list_appointments(WINDOW, [REACH.practitioner_id(paired, "lee-kim")]))
    asked = paired.requests.entries("gentu", "appointments")
    assert len(asked) == 1
    assert set(asked[0].query) == {"practitionerId", "fromDate", "toDate", "limit", "include"}


def test_bounds_are_a_minute_wider_and_carry_a_numeric_offset() -> None:
    page = {"appointments": [], "pagination": {"next": None, "limit": 100}, "patients": []}
    with serving(answer(page)) as script:
        list(scripted_adapter(script).list_appointments(WINDOW, ["d1"]))
        path = script.seen[0].path
    assert "fromDate=2026-11-22T23%3A59%3A00.000%2B11%3A00" in path
    assert "toDate=2026-11-24T00%3A01%3A00.000%2B11%3A00" in path
    assert "limit=100" in path
    assert "include=patients" in path


def page(*records: Any, following: Any = None, **more: Any) -> dict[str, Any]:
    return {
        "appointments": list(records),
        "pagination": {"next": following, "limit": 100},
        "patients": [],
        **more,
    }


def record(number: int, patient_id: str | None = None) -> dict[str, Any]:
    people = [{"referenceType": "provider", "referenceId": "d1"}]
    if patient_id:
        people.append({"referenceType": "patient", "referenceId": patient_id})
    return {
        "id": f"v{number}",
        "startAt": "2026-11-22T22:30:00Z",
        "minutesDuration": 15,
        "status": "none",
        "participant": people,
        "appointmentType": {"reference": None},
    }


def day_of(script: Script) -> list[Any]:
    return list(scripted_adapter(script).list_appointments(WINDOW, ["d1"]))


def test_a_refused_cursor_starts_the_practitioner_again_once() -> None:
    steps = [
        answer(page(record(1), {"id": "odd"}, following="c1")),
        answer({"message": "Validation error"}, status=400),
        answer(page(record(1), {"id": "odd"}, following="c2")),
        answer(page(record(2))),
    ]
    with serving(*steps) as script:
        pages = day_of(script)
        cursors = ["cursor=c" in seen.path for seen in script.seen]
    # A list of several pages is read once more: the same answers prove that it stood still.
    assert cursors == [False, True, False, True, False]
    assert [row.external_id for page in pages for row in page.items] == ["v1", "v2"]
    assert [bad.external_id for page in pages for bad in page.bad] == ["odd"]
    assert [page.is_last for page in pages] == [False, False, False, True]


@pytest.mark.parametrize("status", [403, 404, 410])
def test_a_cursor_refused_while_the_practice_lets_us_in_starts_again_too(status: int) -> None:
    steps = [
        answer(page(record(1), following="c1")),
        answer({}, status=status),
        answer([{"tenantId": "t1", "tenantAccess": "enabled"}]),
        answer(page(record(1), following="c2")),
        answer(page(record(2))),
    ]
    with serving(*steps) as script:
        pages = day_of(script)
    assert [row.external_id for page in pages for row in page.items] == ["v1", "v2"]
    assert pages[-1].is_last


def test_a_cursor_that_is_always_refused_ends_the_reading() -> None:
    steps = [
        answer(page(record(1), following="c1")),
        answer({}, status=400),
        answer(page(record(1), following="c2")),
        answer({}, status=404),
    ]
    with serving(*steps, answer([{"tenantId": "t1", "tenantAccess": "enabled"}])) as script:
        assert code_of(day_of, script) == "PMS-REFUSED"


@pytest.mark.parametrize(
    "pagination",
    [None, {}, [], "x", {"limit": 100}, {"next": ""}, {"next": 7}, {"next": {}}, {"next": False}],
)
def test_without_a_clear_end_mark_nothing_counts_as_read(pagination: Any) -> None:
    with serving(answer(page(record(1)) | {"pagination": pagination})) as script:
        assert code_of(day_of, script) == "PMS-GARBLED"


@pytest.mark.parametrize("rows", [None, {}, "x"])
def test_a_list_that_is_none_makes_no_sense(rows: Any) -> None:
    with serving(answer(page() | {"appointments": rows})) as script:
        assert code_of(day_of, script) == "PMS-GARBLED"


def test_a_row_that_comes_on_two_pages_is_handed_out_once() -> None:
    steps = [answer(page(record(1), record(2), following="c1")), answer(page(record(2), record(3)))]
    with serving(*steps) as script:
        assert [row.external_id for page in day_of(script) for row in page.items] == ["v1", "v2", "v3"]


def test_patients_of_earlier_pages_are_remembered_and_missing_ones_asked_for_once() -> None:
    quoll = {"id": "p1", "name": {"family": "Quoll", "given": None}}
    numbat = {"id": "p2", "name": {"family": "Numbat", "given": None}}
    listed = [
        answer(page(record(1, "p1"), following="c1", patients=[quoll])),
        answer(page(record(2, "p1"), record(3, "p2"), record(4, "p2"), patients=None)),
    ]
    # Nobody counts the rows, so a list of two pages is read twice.
    steps = [*listed, answer(numbat), *listed]
    with serving(*steps) as script:
        rows = [row for page in day_of(script) for row in page.items]
        assert [seen.path for seen in script.seen][2:3] == ["/v1/tenants/t1/patients/p2"]
        assert len(script.seen) == 5
    assert [row.patient.name for row in rows] == ["Quoll", "Quoll", "Numbat", "Numbat"]


def test_another_patient_in_the_answer_is_not_taken_for_the_one_asked_for() -> None:
    other = {"id": "p9", "name": {"family": "Quoll"}}
    with serving(answer(page(record(1, "p1"))), answer(other)) as script:
        pages = day_of(script)
    assert pages[0].items[0].patient.name is None
    assert pages[0].warnings


def test_patients_that_are_gone_cost_names_however_many() -> None:
    rows = [record(n, f"p{n}") for n in range(6)]
    tenants = answer([{"tenantId": "t1", "tenantAccess": "enabled"}])
    steps = [answer(page(*rows)), answer({}, status=404), tenants, *[answer({}, status=404)] * 5]
    with serving(*steps) as script:
        pages = day_of(script)
    assert [row.patient.name for row in pages[0].items] == [None] * 6
    assert pages[0].warnings == (names_missing("Testsoft"),)
    assert pages[0].digest is None


def test_when_every_look_up_fails_it_is_gentus_trouble() -> None:
    rows = [record(n, f"p{n}") for n in range(6)]
    with serving(answer(page(*rows)), answer({}, status=503)) as script:
        assert code_of(day_of, script) == "PMS-DOWN"
        assert len(script.seen) == 1 + appointments.MAX_FAILED_PATIENTS * 4


def test_equal_pages_have_equal_digests_until_something_was_looked_up_besides() -> None:
    quoll = {"id": "p1", "name": {"family": "Quoll"}}
    with serving(answer(page(record(1, "p1"), patients=[quoll]))) as script:
        first, second = day_of(script)[0], day_of(script)[0]
    assert first.digest is not None
    assert first.digest == second.digest


def test_a_length_only_the_type_knows_is_an_estimate_and_asked_for_once(
    paired: SandboxServer, adapter: Adapter
) -> None:
    rows = read_day(adapter, WINDOW).inside(WINDOW).values()
    estimated = [row for row in rows if row.duration_estimated]
    truth = {row.appointment_id: row.duration_minutes for row in paired.clinic.truth("gentu", MONDAY).rows}
    assert estimated
    assert all(row.duration_min == truth[row.external_id] for row in estimated)
    assert paired.requests.count("gentu", "types") == 1


def test_a_list_of_types_that_fails_costs_lengths_and_no_appointment(
    paired: SandboxServer, adapter: Adapter
) -> None:
    good = read_day(adapter, WINDOW).rows
    paired.faults.set("bad_gateway", vendor="gentu", endpoint="types")
    paired.requests.clear()
    with REACH.connected(paired) as fresh:
        rows = read_day(fresh, WINDOW).rows
    assert rows.keys() == good.keys()
    assert any(row.duration_min is None for row in rows.values())
    assert paired.requests.count("gentu", "types") == 4


def test_a_single_look_up_names_its_practitioner_and_every_patient(
    paired: SandboxServer, adapter: Adapter
) -> None:
    rows = read_day(adapter, WINDOW).rows
    groups = [key for key in rows if sum(other[0] == key[0] for other in rows) > 1]
    external_id = groups[0][0]
    single = adapter.get_appointment(external_id)
    assert len(single) == 3
    assert {row.practitioner_external_id for row in single} == {REACH.practitioner_id(paired, "lee-hana")}
    assert all(row.patient is not None and row.patient.name for row in single)


def test_a_single_look_up_that_brings_another_appointment_makes_no_sense() -> None:
    with serving(answer(record(2))) as script:
        assert code_of(scripted_adapter(script).get_appointment, "v1") == "PMS-GARBLED"


def test_a_single_look_up_of_a_broken_record_makes_no_sense() -> None:
    with serving(answer({"id": "v1"})) as script:
        assert code_of(scripted_adapter(script).get_appointment, "v1") == "PMS-GARBLED"


def test_an_unknown_status_word_is_logged_once(
    capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vocabulary, "_told", set())
    rows = [record(n) | {"status": "Tele Ported"} for n in range(3)]
    with serving(answer(page(*rows))) as script:
        items = day_of(script)[0].items
    assert {(row.status, row.status_raw) for row in items} == {(AppointmentStatus.BOOKED, "Tele Ported")}
    assert ("".join(capfd.readouterr()) + caplog.text).count("Tele Ported") == 1


def test_broken_people_are_left_out_and_the_rest_are_listed() -> None:
    people = [{"id": "d1", "name": {"family": "Quoll"}}, {"name": {"family": "Nobody"}}, None, {"id": "d1"}]
    with serving(answer(people)) as script:
        assert [person.external_id for person in scripted_adapter(script).list_practitioners()] == ["d1"]


@pytest.mark.parametrize("call", ["list_practitioners", "list_appointment_types"])
def test_a_list_wrapped_in_an_object_is_not_gentus(call: str) -> None:
    with serving(answer({"practitioners": [], "appointmentTypes": []})) as script:
        assert code_of(getattr(scripted_adapter(script), call)) == "PMS-GARBLED"


def test_a_practitioner_that_is_gone_is_not_a_withdrawn_practice(
    paired: SandboxServer, adapter: Adapter
) -> None:
    paired.faults.set("not_found", vendor="gentu", endpoint="appointments")
    with pytest.raises(BadVendorDataError) as caught:
        list(adapter.list_appointments(WINDOW, ["11111111-2222-4333-8444-555555555555"]))
    assert caught.value.code == "PMS-REFUSED"


def test_both_environments_are_documented_hosts() -> None:
    policy = HostPolicy(GentuAdapter.info.hosts)
    for host in (PRODUCTION_HOST, SANDBOX_HOST):
        policy.check_url(f"https://{host}/v1", "Gentu")
