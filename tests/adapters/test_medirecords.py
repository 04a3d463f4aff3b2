"""MediRecords: the contract every adapter keeps, then what is MediRecords' alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from pmsapp import clock
from pmsapp.adapters.base import Adapter, AdapterConfig
from pmsapp.adapters.client.messages import Refusal
from pmsapp.adapters.medirecords import auth, calls
from pmsapp.adapters.medirecords.adapter import MediRecordsAdapter
from pmsapp.adapters.medirecords.patients import MAX_TIMEOUTS
from pmsapp.domain.errors import BadVendorDataError, ReconnectRequiredError, RetryLaterError
from pmsapp.domain.window import SyncWindow
from pmsapp.sandbox.medirecords.server import API_TOKEN, FHIR_TOKEN
from pmsapp.sandbox.server import SandboxServer
from tests.adapters.connecting import connect
from tests.adapters.contract import MONDAY, WINDOW, ZONE, AdapterContract
from tests.adapters.damage import Rewriter
from tests.adapters.reading import differences, read_day
from tests.adapters.samples import load_sample
from tests.support.clock import FrozenClock


def config_for(server: SandboxServer) -> AdapterConfig:
    return AdapterConfig(
        base_url=server.medirecords_base,
        credentials={"api_token": API_TOKEN.format(1)},
        practice_id=server.clinic.id_of("medirecords", "practice", ""),
    )


class TestContract(AdapterContract):
    slug = "medirecords"

    def config(self, server: SandboxServer) -> AdapterConfig:
        return config_for(server)

    def lower_the_ceiling(self, monkeypatch: pytest.MonkeyPatch, pages: int) -> None:
        monkeypatch.setattr(calls, "MAX_PAGES", pages)


@pytest.fixture
def server(frozen_clock: FrozenClock) -> Iterator[SandboxServer]:
    with SandboxServer(now=lambda: clock.now(), zone=ZONE, vendors=("medirecords",)) as server:
        yield server


@pytest.fixture
def adapter(server: SandboxServer) -> Iterator[Adapter]:
    with connect("medirecords", config_for(server)) as adapter:
        yield adapter


def refusal_of(adapter: Adapter) -> ReconnectRequiredError:
    with pytest.raises(ReconnectRequiredError) as caught:
        adapter.check_connection()
    return caught.value


@pytest.mark.parametrize("seed", range(1, 11))
def test_every_made_up_clinic_is_read_as_a_perfect_reader_would(seed: int, frozen_clock: FrozenClock) -> None:
    with (
        SandboxServer(now=lambda: clock.now(), seed=seed, vendors=("medirecords",)) as server,
        connect("medirecords", config_for(server)) as adapter,
    ):
        for day in (MONDAY, MONDAY + timedelta(days=1 + seed % 6)):
            window = SyncWindow(day, ZONE)
            read = read_day(adapter, window)
            truth = server.clinic.truth("medirecords", day)
            assert differences(adapter, read, window, truth.rows) == []
            assert read.without_patient(window) == set(truth.skipped)


# The token and the practice


def test_a_token_pasted_with_its_bearer_works(server: SandboxServer) -> None:
    config = replace(config_for(server), credentials={"api_token": f" bearer {API_TOKEN.format(1)} "})
    with connect("medirecords", config) as adapter:
        assert adapter.check_connection().practice_name == server.clinic.name


def test_a_fixed_token_has_no_end() -> None:
    token = auth.fixed_token(AdapterConfig("https://x", {"api_token": "t"}))
    assert (token.access_token, token.expires_at) == ("t", None)


@pytest.mark.parametrize("text", ["", "   ", "Bearer ", "x" * 9000])
def test_a_login_without_a_token_is_refused_before_anything_is_asked(
    server: SandboxServer, text: str
) -> None:
    config = replace(config_for(server), credentials={"api_token": text})
    with connect("medirecords", config) as adapter:
        assert refusal_of(adapter).code == "NO-LOGIN"
    assert server.requests.count() == 0


@pytest.mark.parametrize(
    "body",
    [
        load_sample("medirecords", "error_wrong_api"),
        {"message": "Invalid Token does not Contain Resource ID"},
        {"errors": [{"parameter": "token", "message": "no resource id"}]},
        {"resourceType": "OperationOutcome", "issue": [{"diagnostics": "no resource id"}]},
    ],
)
def test_the_sentence_about_a_resource_id_is_found_wherever_it_stands(body: Any) -> None:
    error = auth.refine_list(Refusal(403, body, "providers"))
    assert error is not None
    assert auth.is_wrong_api(error)
    plain = auth.refine_list(Refusal(403, None, "providers"))
    assert plain is not None
    assert (plain.code, auth.is_wrong_api(plain)) == ("AUTH-SCOPE", False)


def test_a_token_of_the_other_api_is_told_as_such(server: SandboxServer) -> None:
    config = replace(config_for(server), credentials={"api_token": FHIR_TOKEN.format(1)})
    with connect("medirecords", config) as adapter:
        error = refusal_of(adapter)
        assert error.code == "AUTH-SCOPE"
        assert "another MediRecords API" in error.message
        with pytest.raises(ReconnectRequiredError) as caught:
            adapter.list_practitioners()
        assert caught.value.code == "AUTH-SCOPE"


@pytest.mark.parametrize("status", [403, 404])
def test_another_practices_id_is_an_unknown_practice(server: SandboxServer, status: int) -> None:
    server.faults.set("other_practice_status", status=status)
    config = replace(config_for(server), practice_id="0f2d3c4b-5a69-11ee-8c99-0242ac120002")
    with connect("medirecords", config) as adapter:
        assert refusal_of(adapter).code == "PRACTICE-UNKNOWN"


@pytest.mark.parametrize("practice_id", [None, "", " ", "..", "x" * 100])
def test_a_practice_id_that_cannot_be_one_is_told_before_anything_is_asked(
    server: SandboxServer, practice_id: str | None
) -> None:
    with connect("medirecords", replace(config_for(server), practice_id=practice_id)) as adapter:
        assert refusal_of(adapter).code == "PRACTICE-UNKNOWN"
    assert server.requests.count() == 0


def test_an_answer_about_another_practice_is_not_accepted(server: SandboxServer, adapter: Adapter) -> None:
    server.app.wsgi_app = rewriter = Rewriter(server.app.wsgi_app)  # type: ignore[method-assign]
    rewriter.change = lambda payload: (
        payload | {"id": "somebody-else"} if "practiceName" in payload else payload
    )
    assert refusal_of(adapter).code == "AUTH-WRONG-PRACTICE"


def test_a_revoked_token_asks_for_the_practice_and_does_not_loop(
    server: SandboxServer, adapter: Adapter
) -> None:
    server.faults.set("revoke_token")
    with pytest.raises(ReconnectRequiredError) as caught:
        read_day(adapter, WINDOW, [])
    assert caught.value.code == "AUTH-EXPIRED"
    assert "ask the practice" in caught.value.message
    assert server.requests.count("medirecords", status=401) == 2


def test_the_zone_is_the_one_set_then_the_one_of_the_state(server: SandboxServer, adapter: Adapter) -> None:
    assert adapter.check_connection().time_zone == ZONE
    with connect("medirecords", replace(config_for(server), time_zone="Australia/Darwin")) as other:
        check = other.check_connection()
        assert (check.time_zone, check.warnings) == ("Australia/Darwin", ())


def elsewhere(zone: str) -> SandboxServer:
    return SandboxServer(now=lambda: clock.now(), zone=zone, vendors=("medirecords",))


def test_a_place_with_its_own_clock_is_warned_about(frozen_clock: FrozenClock) -> None:
    with (
        elsewhere("Australia/Broken_Hill") as server,
        connect("medirecords", config_for(server)) as adapter,
    ):
        check = adapter.check_connection()
    assert check.time_zone == "Australia/Broken_Hill"
    assert "check the time zone" in check.warnings[0]


def test_an_unknown_state_leaves_the_zone_open_and_says_so(frozen_clock: FrozenClock) -> None:
    with elsewhere("Australia/Eucla") as server, connect("medirecords", config_for(server)) as adapter:
        check = adapter.check_connection()
        assert (check.time_zone, len(check.warnings)) == (None, 1)
        row = server.clinic.truth("medirecords", MONDAY).rows[0]
        with pytest.raises(ReconnectRequiredError):
            adapter.get_appointment(row.appointment_id)


# Providers


@pytest.mark.parametrize("status", [403, 404])
def test_a_closed_provider_list_leaves_those_of_the_book_to_be_named(
    server: SandboxServer, adapter: Adapter, status: int
) -> None:
    server.faults.set("providers_hidden", status=status)
    check = adapter.check_connection()
    assert check.practitioners is None
    assert check.can_read["practitioners"] is False
    assert "name them yourself" in check.warnings[0]
    people = adapter.list_practitioners()
    seen = {row.practitioner_id for row in server.clinic.truth("medirecords", MONDAY).rows} - {None}
    assert seen <= {person.external_id for person in people}
    assert all(person.name == f"Clinician {person.external_id[:8]}" for person in people)


def test_inactive_providers_are_listed_because_old_bookings_name_them(adapter: Adapter) -> None:
    assert {person.active for person in adapter.list_practitioners()} == {True, False}


def test_an_unfiltered_list_that_is_refused_is_asked_for_with_the_filter(
    server: SandboxServer, adapter: Adapter
) -> None:
    inner = server.app.wsgi_app

    def choosy(environ: dict[str, Any], start_response: Any) -> Any:
        if environ["PATH_INFO"].endswith("/providers") and "status=" not in environ["QUERY_STRING"]:
            start_response("400 Bad Request", [("Content-Type", "application/json")])
            return [b'{"errors":[{"parameter":"status","message":"required"}]}']
        return inner(environ, start_response)

    server.app.wsgi_app = choosy  # type: ignore[method-assign]
    people = adapter.list_practitioners()
    assert people
    assert all(person.active for person in people)


# Lengths


@pytest.mark.parametrize("shape", ["text", "minutes", "wrapped", "map"])
def test_lengths_are_right_in_every_shape_of_the_table(
    server: SandboxServer, adapter: Adapter, shape: str
) -> None:
    server.faults.set("interval_codes", shape=shape)
    read = read_day(adapter, WINDOW)
    assert differences(adapter, read, WINDOW, server.clinic.truth("medirecords", MONDAY).rows) == []


def test_the_other_spelling_of_the_table_is_tried(server: SandboxServer, adapter: Adapter) -> None:
    server.faults.set("interval_codes", mode="other_spelling")
    read = read_day(adapter, WINDOW)
    assert differences(adapter, read, WINDOW, server.clinic.truth("medirecords", MONDAY).rows) == []


@pytest.mark.parametrize("mode", ["missing", "broken"])
def test_without_the_table_known_codes_are_sure_and_the_rest_is_an_estimate(
    server: SandboxServer, adapter: Adapter, mode: str
) -> None:
    server.faults.set("interval_codes", mode=mode)
    rows = read_day(adapter, WINDOW).rows.values()
    truth = {row.appointment_id: row for row in server.clinic.truth("medirecords", MONDAY).rows}
    sure = [row for row in rows if not row.duration_estimated]
    assert {row.duration_min for row in sure} == {5, 10, 15, 20}
    assert all(truth[row.external_id].duration_minutes == row.duration_min for row in sure if row.patient)
    assert any(row.duration_estimated for row in rows)
    assert server.requests.count("medirecords", "other") == 2


def test_the_table_is_asked_for_once_a_day(server: SandboxServer, adapter: Adapter) -> None:
    read_day(adapter, WINDOW)
    read_day(adapter, SyncWindow(MONDAY + timedelta(days=1), ZONE))
    assert server.requests.count("medirecords", "other") == 1


# Patients


def test_each_patient_is_asked_for_once_and_two_at_a_time(server: SandboxServer, adapter: Adapter) -> None:
    rows = read_day(adapter, WINDOW).rows.values()
    patients = {row.patient.external_id for row in rows if row.patient}
    assert server.requests.count("medirecords", "patient") == len(patients)
    assert server.requests.peak("medirecords") <= 2
    read_day(adapter, WINDOW)
    assert server.requests.count("medirecords", "patient") == len(patients)


def test_who_is_known_is_not_asked_for_unless_they_are_wanted_besides(
    server: SandboxServer, adapter: Adapter
) -> None:
    rows = [row for row in read_day(adapter, WINDOW).rows.values() if row.patient]
    told = {row.external_id: row.patient._replace(phone="+61491570199") for row in rows if row.patient}
    again = MediRecordsAdapter(adapter.config, adapter.client)
    again.known_patient = lambda item: told.get(item.external_id)
    server.requests.clear()
    read = read_day(again, WINDOW).rows.values()
    assert server.requests.count("medirecords", "patient") == 0
    assert {row.patient.phone for row in read if row.patient} == {"+61491570199"}
    unknown = rows[0]
    del told[unknown.external_id]
    fresh = [row for row in read_day(again, WINDOW).rows.values() if row.patient]
    assert server.requests.count("medirecords", "patient") == 1
    assert next(row for row in fresh if row.external_id == unknown.external_id).patient == unknown.patient


def test_a_patient_who_is_gone_has_no_name_this_time_and_is_asked_for_again(
    server: SandboxServer, adapter: Adapter
) -> None:
    victim = server.clinic.truth("medirecords", MONDAY).rows[0]
    server.faults.set("not_found", endpoint="patient", patient=victim.patient_id)
    read = read_day(adapter, WINDOW)
    assert {
        row.patient.name
        for row in read.rows.values()
        if row.patient and row.patient.external_id == victim.patient_id
    } == {None}
    assert len(read.warnings) == 1
    assert victim.patient_id not in read.warnings[0]
    server.faults.clear()
    read = read_day(adapter, WINDOW)
    assert differences(adapter, read, WINDOW, server.clinic.truth("medirecords", MONDAY).rows) == []


def test_a_vendor_that_is_down_for_every_patient_ends_the_read(server: SandboxServer) -> None:
    server.faults.set("bad_gateway", endpoint="patient")
    with (
        connect("medirecords", config_for(server), retries=0) as adapter,
        pytest.raises(RetryLaterError) as caught,
    ):
        list(adapter.list_appointments(WINDOW, []))
    assert caught.value.code == "PMS-DOWN"
    assert server.requests.count("medirecords", "patient") > MAX_TIMEOUTS


def test_a_rate_limit_met_at_a_patient_is_told_with_its_time(server: SandboxServer, adapter: Adapter) -> None:
    server.faults.set("rate_limited", endpoint="patient", retry_after="900")
    with pytest.raises(RetryLaterError) as caught:
        list(adapter.list_appointments(WINDOW, []))
    assert caught.value.code == "RATE-WAIT"
    assert caught.value.retry_at == clock.now() + timedelta(seconds=900)


# The day


def test_the_day_is_asked_for_to_the_minute_and_without_a_zone(
    server: SandboxServer, adapter: Adapter
) -> None:
    asked: list[str] = []
    inner = server.app.wsgi_app

    def listen(environ: dict[str, Any], start_response: Any) -> Any:
        if environ["PATH_INFO"].endswith("/appointments"):
            asked.append(environ["QUERY_STRING"])
        return inner(environ, start_response)

    server.app.wsgi_app = listen  # type: ignore[method-assign]
    list(adapter.list_appointments(SyncWindow(date(2026, 10, 4), ZONE), []))
    assert asked == [
        "appointmentDateRangeStart=2026-10-04T00%3A00&appointmentDateRangeEnd=2026-10-04T23%3A59&page=0&size=100"
    ]


def test_a_type_made_since_is_learned_in_the_same_read(server: SandboxServer, adapter: Adapter) -> None:
    read_day(adapter, WINDOW)
    kind = server.clinic.add_type("Video, brand new", 25, telehealth=True)
    server.clinic.book("odwyer", kind.key, "2026-11-23T07:00", server.clinic.patients()[50].key)
    rows = read_day(adapter, WINDOW).rows.values()
    new = [row for row in rows if row.type_name == "Video, brand new"]
    assert [row.telehealth_evidence for row in new] == [True]


def test_a_list_under_another_name_is_not_taken_for_an_empty_day(
    server: SandboxServer, adapter: Adapter
) -> None:
    server.app.wsgi_app = rewriter = Rewriter(server.app.wsgi_app)  # type: ignore[method-assign]
    rewriter.change = lambda payload: (
        {"content": payload["data"], "number": 0} if "data" in payload else payload
    )
    with pytest.raises(BadVendorDataError):
        list(adapter.list_appointments(WINDOW, []))


@pytest.mark.parametrize("total", [0, None, "1", True])
def test_a_page_count_that_says_nothing_does_not_end_the_list(
    server: SandboxServer, adapter: Adapter, total: object
) -> None:
    server.clinic.fill_day(MONDAY, "odwyer", 110)
    server.app.wsgi_app = rewriter = Rewriter(server.app.wsgi_app)  # type: ignore[method-assign]
    rewriter.change = lambda payload: payload | {"totalPages": total} if "data" in payload else payload
    read = read_day(adapter, WINDOW)
    assert differences(adapter, read, WINDOW, server.clinic.truth("medirecords", MONDAY).rows) == []
