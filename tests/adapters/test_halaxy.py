"""Halaxy: the contract every adapter keeps, then what is Halaxy's alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from pmsapp import clock
from pmsapp.adapters.base import Adapter, AdapterConfig
from pmsapp.adapters.halaxy import auth, search
from pmsapp.adapters.halaxy.adapter import HalaxyAdapter
from pmsapp.domain.errors import BadVendorDataError, NotFoundError, ReconnectRequiredError, RetryLaterError
from pmsapp.domain.window import SyncWindow
from pmsapp.sandbox.halaxy.access import CLIENT_ID, CLIENT_SECRET
from pmsapp.sandbox.server import SandboxServer
from tests.adapters.connecting import connect
from tests.adapters.contract import MONDAY, SUNDAY, WINDOW, ZONE, AdapterContract
from tests.adapters.damage import Rewriter
from tests.adapters.reading import DayRead, differences, read_day
from tests.adapters.samples import load_sample
from tests.support.clock import FrozenClock


def config_for(server: SandboxServer, **more: Any) -> AdapterConfig:
    return AdapterConfig(
        base_url=server.halaxy_base,
        credentials={"client_id": CLIENT_ID.format(1), "client_secret": CLIENT_SECRET.format(1)},
        **more,
    )


class TestContract(AdapterContract):
    slug = "halaxy"

    def config(self, server: SandboxServer) -> AdapterConfig:
        return config_for(server)

    def lower_the_ceiling(self, monkeypatch: pytest.MonkeyPatch, pages: int) -> None:
        monkeypatch.setattr(search, "MAX_PAGES", pages)

    def _read_small(self, server: SandboxServer, adapter: Adapter) -> DayRead:
        # Halaxy is asked for a day more on either side; without rows there, the list is the small day alone.
        for near in (SUNDAY - timedelta(days=1), SUNDAY + timedelta(days=1)):
            server.clinic.empty_day(near)
        return super()._read_small(server, adapter)


@pytest.fixture
def server(frozen_clock: FrozenClock) -> Iterator[SandboxServer]:
    with SandboxServer(now=lambda: clock.now(), zone=ZONE, vendors=("halaxy",)) as server:
        yield server


@pytest.fixture
def adapter(server: SandboxServer) -> Iterator[Adapter]:
    with connect("halaxy", config_for(server)) as adapter:
        yield adapter


def expect_truth(server: SandboxServer, adapter: Adapter, window: SyncWindow = WINDOW) -> DayRead:
    """Read the window and compare every field with what a perfect reader would see."""
    read = read_day(adapter, window)
    truth = server.clinic.truth("halaxy", window.day)
    assert differences(adapter, read, window, truth.rows) == []
    assert read.without_patient(window) == set(truth.skipped)
    assert read.repeated == []
    return read


@pytest.mark.parametrize("seed", range(1, 11))
def test_every_made_up_clinic_is_read_as_a_perfect_reader_would(seed: int, frozen_clock: FrozenClock) -> None:
    with (
        SandboxServer(now=lambda: clock.now(), seed=seed, vendors=("halaxy",)) as server,
        connect("halaxy", config_for(server)) as adapter,
    ):
        server.clinic.halaxy_location_type = ("item", "appointment", "absent")[seed % 3]
        for day in (MONDAY, MONDAY + timedelta(days=1 + seed % 6)):
            expect_truth(server, adapter, SyncWindow(day, ZONE))


@pytest.mark.parametrize(
    "switch",
    [
        "paging_links:mode=next",
        "paging_links:mode=last",
        "paging_links:mode=none",
        "paging_links:mode=none,endpoint=appointments",
        "total_left_out",
        "utc_dates",
        "offsets:mode=utc",
        "offsets:mode=local",
        "offsets:mode=no_seconds",
        "hyphenated_statuses",
        "outcome_entry",
        "short_references:style=path",
        "short_references:style=bare",
        "second_bound_ignored",
        "patient_left_out",
        "location_place:where=participant",
        "location_place:where=modifier",
        "location_place:where=coding",
        "location_place:where=type",
        "location_place:where=reference",
        "location_place:where=display",
    ],
)
def test_each_way_halaxy_might_answer_is_read_alike(
    server: SandboxServer, adapter: Adapter, switch: str
) -> None:
    server.faults.set_text(switch)
    read = expect_truth(server, adapter)
    assert read.warnings == []


@pytest.mark.parametrize("mode", ["next", "last", "none"])
def test_without_a_total_and_with_few_links_no_page_is_missed(
    server: SandboxServer, adapter: Adapter, mode: str
) -> None:
    server.clinic.fill_day(MONDAY, "odwyer", 110)
    server.faults.set("paging_links", mode=mode)
    server.faults.set("total_left_out")
    expect_truth(server, adapter)


# The token


@pytest.mark.parametrize(
    ("said", "used_s"),
    [
        (3600, 840),
        (900, 840),
        (600, 540),
        ("3600", 840),
        (100, 50),
        (1, 0.5),
        (None, 840),
        ("soon", 840),
        (-5, 840),
        (True, 840),
    ],
)
def test_a_token_is_used_for_the_shorter_life_less_a_minute(said: object, used_s: float) -> None:
    assert auth.life_s(said) == used_s


def test_the_documented_answer_lives_fourteen_minutes() -> None:
    assert auth.life_s(load_sample("halaxy", "token")["expires_in"]) == 840


@pytest.mark.parametrize("status", [200, 400, 401, 403])
def test_an_ended_token_is_known_by_the_body_whatever_the_status(status: int) -> None:
    assert auth.is_expired(status, load_sample("halaxy", "outcome_expired"))
    assert not auth.is_expired(status, load_sample("halaxy", "outcome_forbidden"))
    assert not auth.is_expired(status, None)


def test_a_token_ends_by_our_book_before_halaxys(server: SandboxServer) -> None:
    with connect("halaxy", config_for(server)) as adapter:
        token = HalaxyAdapter.mint_token(adapter.config, adapter.client.with_tokens(None))
        assert token.expires_at == clock.now() + timedelta(seconds=840)
        assert token.access_token not in repr(token)


def test_a_token_is_asked_for_again_after_a_quarter_of_an_hour(
    server: SandboxServer, adapter: Adapter, frozen_clock: FrozenClock
) -> None:
    adapter.list_practitioners()
    frozen_clock.advance(minutes=13)
    adapter.list_practitioners()
    assert server.requests.count("halaxy", "token") == 1
    frozen_clock.advance(minutes=2)
    adapter.list_practitioners()
    assert server.requests.count("halaxy", "token") == 2
    assert server.requests.count("halaxy", status=401) == 0


@pytest.mark.parametrize("name", ["client_id", "client_secret"])
def test_a_missing_credential_is_told_before_anything_is_asked(server: SandboxServer, name: str) -> None:
    config = config_for(server)
    config = replace(config, credentials={**config.credentials, name: " "})
    with connect("halaxy", config) as adapter, pytest.raises(ReconnectRequiredError) as caught:
        adapter.check_connection()
    assert caught.value.code == "NO-LOGIN"
    assert name.replace("_", " ") in caught.value.message
    assert server.requests.count() == 0


def test_wrong_credentials_are_refused_at_the_token(server: SandboxServer) -> None:
    config = replace(config_for(server), credentials={"client_id": "x", "client_secret": "y"})
    with connect("halaxy", config) as adapter, pytest.raises(ReconnectRequiredError) as caught:
        adapter.check_connection()
    assert caught.value.code == "AUTH-REFUSED"
    assert server.requests.count("halaxy", "token") == 1


def test_an_expired_token_told_in_the_body_of_a_good_answer_is_renewed_once(
    server: SandboxServer, adapter: Adapter
) -> None:
    server.faults.set("outcome_in_ok", endpoint="appointments", code="expired", times=1)
    assert read_day(adapter, WINDOW).rows
    assert server.requests.count("halaxy", "token") == 2
    server.faults.set("outcome_in_ok", code="expired")
    with pytest.raises(ReconnectRequiredError) as caught:
        adapter.list_practitioners()
    assert caught.value.code == "AUTH-EXPIRED"
    assert server.requests.count("halaxy", "token") == 3


def test_a_call_without_a_user_agent_is_told_as_the_gateways_refusal(server: SandboxServer) -> None:
    with (
        connect("halaxy", config_for(server), user_agent="") as adapter,
        pytest.raises(BadVendorDataError) as caught,
    ):
        adapter.check_connection()
    assert caught.value.code == "PMS-REFUSED"
    assert "gateway" in caught.value.message


# Errors inside good answers


@pytest.mark.parametrize(
    ("code", "kind", "ours"),
    [
        ("forbidden", ReconnectRequiredError, "AUTH-SCOPE"),
        ("throttled", RetryLaterError, "RATE-WAIT"),
        ("transient", RetryLaterError, "PMS-DOWN"),
        ("not-found", NotFoundError, "RECORD-GONE"),
        ("business-rule", BadVendorDataError, "PMS-REFUSED"),
    ],
)
def test_an_error_in_a_good_answer_is_no_empty_day(
    server: SandboxServer, adapter: Adapter, code: str, kind: type[Exception], ours: str
) -> None:
    server.faults.set("outcome_in_ok", endpoint="appointments", code=code)
    with pytest.raises(kind) as caught:
        list(adapter.list_appointments(WINDOW, []))
    assert caught.value.code == ours  # type: ignore[attr-defined]


def test_a_count_without_rows_is_no_empty_day(server: SandboxServer, adapter: Adapter) -> None:
    server.app.wsgi_app = rewriter = Rewriter(server.app.wsgi_app)  # type: ignore[method-assign]

    def empty(payload: Any) -> Any:
        if any(entry["resource"]["resourceType"] == "Appointment" for entry in payload.get("entry", [])):
            payload.pop("entry")
        return payload

    rewriter.change = empty
    with pytest.raises(BadVendorDataError):
        list(adapter.list_appointments(WINDOW, []))


def test_a_link_to_another_host_is_refused_and_no_token_leaves(
    server: SandboxServer, adapter: Adapter
) -> None:
    server.faults.set("foreign_link", to=server.url.replace("127.0.0.1", "localhost") + "/_elsewhere")
    with pytest.raises(BadVendorDataError) as caught:
        list(adapter.list_appointments(WINDOW, []))
    assert "another address" in caught.value.message
    assert server.requests.count("elsewhere") == 0


def test_too_many_calls_are_told_with_the_time_to_come_back(server: SandboxServer, adapter: Adapter) -> None:
    server.faults.set("throttle", limit=2)
    with pytest.raises(RetryLaterError) as caught:
        read_day(adapter, WINDOW)
    assert caught.value.code == "RATE-WAIT"
    assert caught.value.retry_at is not None
    assert clock.now() < caught.value.retry_at <= clock.now() + timedelta(seconds=61)


def test_a_book_that_ignores_every_date_is_read_to_the_end_all_the_same(
    server: SandboxServer, adapter: Adapter
) -> None:
    for days in range(-30, 61):
        if abs(days) > 2:
            server.clinic.empty_day(MONDAY + timedelta(days=days))
    server.clinic.book("odwyer", "phone", "2026-12-20T09:00", server.clinic.patients()[40].key)
    server.faults.set("dates_ignored")
    expect_truth(server, adapter)


# Permissions


@pytest.mark.parametrize(
    ("endpoint", "box"),
    [("appointments", "Appointments > Retrieve"), ("practitioners", "Practitioners > Retrieve")],
)
@pytest.mark.parametrize("fault", ["forbidden", "unauthorized"])
def test_a_tick_box_that_is_missing_is_named_by_the_check(
    server: SandboxServer, adapter: Adapter, endpoint: str, box: str, fault: str
) -> None:
    server.faults.set(fault, endpoint=endpoint)
    with pytest.raises(ReconnectRequiredError) as caught:
        adapter.check_connection()
    assert caught.value.code == "AUTH-SCOPE"
    assert box in caught.value.message


def test_a_key_that_may_read_nothing_is_an_ended_sign_in(server: SandboxServer, adapter: Adapter) -> None:
    for endpoint in ("tenant", "practitioners", "types", "appointments", "patient"):
        server.faults.set("unauthorized", endpoint=endpoint)
    with pytest.raises(ReconnectRequiredError) as caught:
        adapter.check_connection()
    assert caught.value.code == "AUTH-EXPIRED"


def test_a_key_that_may_not_read_patients_gives_rows_without_names_and_one_warning(
    server: SandboxServer, adapter: Adapter
) -> None:
    server.faults.set("patients_hidden")
    check = adapter.check_connection()
    assert check.can_read["patients"] is False
    assert "Patients > Retrieve" in check.warnings[0]
    read = read_day(adapter, WINDOW)
    truth = server.clinic.truth("halaxy", MONDAY)
    assert len(read.inside(WINDOW)) == len(truth.rows)
    assert {row.patient.name for row in read.rows.values() if row.patient} == {None}
    assert len(read.warnings) == 1
    assert "Patients > Retrieve" in read.warnings[0]
    assert server.requests.count("halaxy", "patient") == 2  # the check, and one look-up


def test_a_key_that_may_not_read_organisations_still_connects(
    server: SandboxServer, adapter: Adapter
) -> None:
    server.faults.set("forbidden", endpoint="tenant")
    check = adapter.check_connection()
    assert check.can_read["organizations"] is False
    assert check.time_zone is None
    assert check.organizations == ()


@pytest.mark.parametrize("fault", ["forbidden", "unauthorized"])
def test_appointment_types_that_may_not_be_read_cost_their_names_only(
    server: SandboxServer, adapter: Adapter, fault: str
) -> None:
    server.faults.set(fault, endpoint="types")
    check = adapter.check_connection()
    assert check.can_read["appointment types"] is False
    assert "Appointment types > Retrieve" in check.warnings[0]
    pages = list(adapter.list_appointments(WINDOW, []))
    rows = [row for page in pages for row in page.items]
    assert len([row for row in rows if row.patient]) == len(server.clinic.truth("halaxy", MONDAY).rows)
    assert {row.type_name for row in rows} == {None}
    assert any(row.type_external_id for row in rows)
    assert "Appointment types > Retrieve" in [text for page in pages for text in page.warnings][0]
    assert adapter.list_appointment_types() == []


# Clinics and people


def test_one_clinic_of_the_group_is_read_alone(server: SandboxServer) -> None:
    north = server.clinic.id_of("halaxy", "site", "north")
    with connect("halaxy", config_for(server, organization_id=north)) as adapter:
        check = adapter.check_connection()
        people = {person.external_id for person in adapter.list_practitioners()}
        read = read_day(adapter, WINDOW)
    keys = {
        row.key
        for row in server.clinic.appointments_on(MONDAY)
        if row.site_key == "north" and row.practitioner_key
    }
    wanted = {server.clinic.appointment_id("halaxy", server.clinic.appointment(key)) for key in keys}
    assert check.practice_name == "Banksia North Rooms"
    assert people == {server.clinic.id_of("halaxy", "practitioner", key) for key in ("wojcik", "lee-kim")}
    assert read.appointment_ids == wanted


def test_a_filter_that_is_ignored_does_not_let_another_clinic_in(server: SandboxServer) -> None:
    inner = server.app.wsgi_app

    def deaf(environ: dict[str, Any], start_response: Any) -> Any:
        environ["QUERY_STRING"] = environ["QUERY_STRING"].replace("organization=", "ignored=")
        return inner(environ, start_response)

    server.app.wsgi_app = deaf  # type: ignore[method-assign]
    north = server.clinic.id_of("halaxy", "site", "north")
    with connect("halaxy", config_for(server, organization_id=north)) as adapter:
        read = read_day(adapter, WINDOW)
    sites = {server.clinic.find_appointment("halaxy", key)[0].site_key for key in read.appointment_ids}  # type: ignore[index]
    assert sites == {"north"}


def test_a_clinic_of_somebody_else_is_refused(server: SandboxServer) -> None:
    with (
        connect("halaxy", config_for(server, organization_id="CL-1")) as adapter,
        pytest.raises(ReconnectRequiredError) as caught,
    ):
        adapter.check_connection()
    assert caught.value.code == "PRACTICE-UNKNOWN"


def test_the_check_lists_the_clinics_and_guesses_the_zone(server: SandboxServer, adapter: Adapter) -> None:
    check = adapter.check_connection()
    assert [name for _, name in check.organizations] == ["Banksia North Rooms", "Banksia Street Rooms"]
    assert check.time_zone == ZONE
    assert check.practitioners == 7
    assert check.practice_fingerprint == server.clinic.id_of("halaxy", "practice", "")
    with connect("halaxy", config_for(server, time_zone="Australia/Perth")) as other:
        assert other.check_connection().time_zone == "Australia/Perth"


def test_a_practitioner_and_a_type_made_since_are_learned_in_the_same_read(
    server: SandboxServer, adapter: Adapter
) -> None:
    read_day(adapter, WINDOW)
    person = server.clinic.add_practitioner("Brandnew", "Nia")
    kind = server.clinic.add_type("Video, brand new", 25, telehealth=True)
    server.clinic.book(person.key, kind.key, "2026-11-23T07:00", server.clinic.patients()[50].key)
    rows = [row for page in adapter.list_appointments(WINDOW, []) for row in page.items]
    new = [row for row in rows if row.type_name == "Video, brand new"]
    assert [row.practitioner_external_id for row in new] == [person.ids["halaxy"]]


def test_practitioners_left_out_of_the_roles_are_looked_up(server: SandboxServer, adapter: Adapter) -> None:
    server.app.wsgi_app = rewriter = Rewriter(server.app.wsgi_app)  # type: ignore[method-assign]

    def alone(payload: Any) -> Any:
        payload["entry"] = (
            [entry for entry in payload["entry"] if entry["search"]["mode"] != "include"]
            if "entry" in payload
            else []
        )
        return payload

    plain = adapter.list_practitioners()
    rewriter.change = alone
    assert adapter.list_practitioners() == plain


def test_reference_data_is_read_once_for_many_days(server: SandboxServer, adapter: Adapter) -> None:
    for day in (MONDAY, MONDAY + timedelta(days=1)):
        list(adapter.list_appointments(SyncWindow(day, ZONE), []))
    assert server.requests.count("halaxy", "practitioners") == 1
    assert server.requests.count("halaxy", "types") == 1


def test_a_missing_patient_is_looked_up_with_others_in_one_call(
    server: SandboxServer, adapter: Adapter
) -> None:
    server.faults.set("patient_left_out")
    read = expect_truth(server, adapter)
    patients = {row.patient.external_id for row in read.rows.values() if row.patient}
    assert server.requests.count("halaxy", "patient") <= 2 + len(patients) // 50 + len(read.pages)


def test_the_appointment_a_webhook_names_is_read_like_the_one_in_the_list(
    server: SandboxServer, adapter: Adapter
) -> None:
    group = next(row for row in server.clinic.appointments_on(MONDAY) if len(row.patient_keys) == 3)
    items = adapter.get_appointment(server.clinic.appointment_id("halaxy", group))
    assert len(items) == 3
    assert all(item.patient and item.patient.name for item in items)
