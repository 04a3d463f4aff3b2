"""What comes in is bounded at every door, alike in JSON, addresses and forms; a call under a key is answered once."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select, update

from pmsapp import clock
from pmsapp.domain.actor import COMMAND_LINE
from pmsapp.models import AuditEvent, PMSConnection, RunSheetAppointment, StoredAnswer, SyncRun
from pmsapp.services.base import audit, idempotency
from pmsapp.services.base.errors import Conflict, Invalid
from pmsapp.services.base.transaction import reading, writing
from pmsapp.services.maintenance import key_rotation, retention
from pmsapp.services.monitoring.examination.doctor import examine
from pmsapp.services.runs import requests as run_requests
from tests.api.conftest import API
from tests.support.actors import Browser
from tests.support.clock import FrozenClock
from tests.support.connecting import LOGIN
from tests.support.seeded_clinic import seed

CARDS = "/api/run-sheet/appointments"
GOOD = {"date": "2026-11-23", "start_at": "2026-11-23T15:00:00+11:00", "patient_name": "M Quoll"}
TWENTY_DIGITS = "9" * 20
ABOVE_THE_DATABASE = str(2**63)


@pytest.fixture
def seeded(app: Flask, frozen_clock: FrozenClock) -> None:
    seed()


def count(model: Any) -> int:
    with reading() as session:
        return session.scalar(select(func.count()).select_from(model)) or 0


# -- 14: a change carries the base it was made on -------------------------------------------------------------------


def test_field_14_a_save_after_a_412_never_puts_a_colleagues_field_back(api: API, seeded: None) -> None:
    seen = api.get(f"{CARDS}/1").json
    api.patch(f"{CARDS}/1", {"patient_phone": "+61491570157"})
    everything = {"patient_phone": seen["patient_phone"], "notes": "Rang twice"}
    base = {"patient_phone": seen["patient_phone"], "notes": seen["notes"]}
    stale = {"If-Match": str(seen["row_version"])}
    assert api.patch(f"{CARDS}/1", everything, headers=stale).status_code == 412
    saved = api.patch(f"{CARDS}/1", {**everything, "base": base}, headers=stale)
    assert (saved.status_code, saved.json["notes"]) == (200, "Rang twice")
    assert saved.json["patient_phone"] == "+61491570157", "what was sent as it was is no change"


def test_field_14_the_very_field_that_moved_on_is_412_with_the_card(api: API, seeded: None) -> None:
    seen = api.get(f"{CARDS}/1").json
    api.patch(f"{CARDS}/1", {"notes": "Mine first"})
    late = api.patch(f"{CARDS}/1", {"notes": "Mine too", "base": {"notes": seen["notes"]}})
    assert (late.status_code, late.json["current"]["notes"]) == (412, "Mine first")
    start = {"start_at": seen["start_at"], "duration_minutes": seen["duration_minutes"]}
    moved = api.patch(f"{CARDS}/1", {"start_at": "2026-11-23T11:00:00+11:00", "base": start})
    assert moved.status_code == 200


def test_field_14_a_form_carries_what_it_was_made_with(
    app: Flask, seeded: None, login: Callable[..., Browser]
) -> None:
    mine, theirs = login("reception"), login("reception")
    form = dict(re.findall(r'name="(base_\w+|row_version)" value="([^"]*)"', mine.get("/cards/1").text))
    assert {"base_notes", "base_patient_phone", "row_version"} <= form.keys()
    theirs.post("/cards/1", data={**form, "patient_phone": "0491 570 157"})
    typed = {name.removeprefix("base_"): value for name, value in form.items()}
    answer = mine.post("/cards/1", data={**form, **typed, "notes": "Rang twice"})
    assert answer.status_code == 303
    card = theirs.get(f"{CARDS}/1").get_json()
    assert (card["notes"], card["patient_phone"]) == ("Rang twice", "+61491570157")
    late = theirs.post("/cards/1", data={**form, **typed, "notes": "Never reached"})
    assert late.status_code == 412
    again = dict(re.findall(r'name="(base_\w+|row_version)" value="([^"]*)"', late.text))
    assert (again["base_notes"], again["base_patient_phone"]) == ("Rang twice", "0491 570 157")


# -- 15: change documents promise no defaults -----------------------------------------------------------------------


def test_field_15_no_change_model_promises_a_default(api: API) -> None:
    schemas = api.get("/api/openapi.json").json["components"]["schemas"]
    changes = [name for name in schemas if name.endswith("Change")] + ["TypeIn", "CardBase"]
    assert {"ConnectionChange", "CardChange", "ClinicianChange", "ClinicChange"} <= set(changes)
    for name in changes:
        for field, schema in schemas[name]["properties"].items():
            assert "default" not in schema, f"{name}.{field}"


LIMITS = [
    ("CardChange", "patient_phone", "maxLength", 60),
    ("CardChange", "patient_name", "maxLength", 200),
    ("CardChange", "notes", "maxLength", 4000),
    ("CardChange", "duration_minutes", "maximum", 1440),
    ("CardChange", "clinician_id", "maximum", 2**63 - 1),
    ("CardRemoval", "reason", "maxLength", 200),
    ("ConnectionChange", "sync_frequency_minutes", "minimum", 5),
    ("ConnectionChange", "display_name", "maxLength", 120),
    ("ClinicianChange", "sort_order", "maximum", 10_000),
    ("ClinicianChange", "name", "maxLength", 80),
]


@pytest.mark.parametrize(("shape", "field", "word", "limit"), LIMITS)
def test_field_15_limits_stand_in_the_document(
    api: API, shape: str, field: str, word: str, limit: int
) -> None:
    schema = api.get("/api/openapi.json").json["components"]["schemas"][shape]["properties"][field]
    said = [option.get(word) for option in [schema, *schema.get("anyOf", [])]]
    assert limit in said


# -- 16: off and paused for a time, with who and why ----------------------------------------------------------------


def test_field_16_switching_off_needs_a_reason_and_ends_by_itself(
    api: API, synced: int, frozen_clock: FrozenClock
) -> None:
    path = f"/api/pms/connections/{synced}"
    refused = api.patch(path, {"sync_enabled": False})
    assert (refused.status_code, [error["field"] for error in refused.json["errors"]]) == (422, ["reason"])
    off = api.patch(path, {"sync_enabled": False, "reason": "Moving house"}).json
    assert (off["sync_enabled"], off["paused"]["reason"], off["paused"]["by"]) == (
        False,
        "Moving house",
        "test admin",
    )
    assert datetime.fromisoformat(off["paused"]["until"]) == frozen_clock.at + timedelta(days=31)
    frozen_clock.advance(days=31, minutes=1)
    run_requests.request_due_runs()
    on = api.get(path).json
    assert (on["sync_enabled"], on["paused"]) == (True, None)


@pytest.mark.parametrize("days", [32, 400])
def test_field_16_a_pause_lasts_31_days_at_most(
    api: API, synced: int, frozen_clock: FrozenClock, days: int
) -> None:
    until = (frozen_clock.at + timedelta(days=days)).isoformat()
    path = f"/api/pms/connections/{synced}"
    assert api.patch(path, {"paused": {"until": until, "reason": "Long"}}).status_code == 422
    for never in ("9999-12-31T23:59:59+00:00", "0001-01-01T00:00:00+00:00"):
        assert api.patch(path, {"paused": {"until": never, "reason": "Long"}}).status_code == 422
    assert api.get(path).json["paused"] is None


LAST_MOMENT = datetime.max.replace(tzinfo=UTC)


@pytest.mark.parametrize("column", ["paused_until", "next_sync_at", "last_sync_at"])
@pytest.mark.parametrize("zone", ["Australia/Melbourne", "Nowhere/Atall"])
def test_field_16_no_page_breaks_on_what_a_row_holds(
    app: Flask, seeded: None, admin: Browser, column: str, zone: str
) -> None:
    with writing() as session:
        values = {column: LAST_MOMENT, "time_zone": zone, "sync_enabled": True}
        session.execute(update(PMSConnection).values(**values))
    for page in ("/", "/integrations", "/integrations/1", "/settings/health", "/api/pms/connections"):
        assert admin.get(page).status_code == 200, page
    assert examine()


# -- 26: days, instants, ids, numbers and texts ---------------------------------------------------------------------

NO_SUCH_PAGE = [
    "/sheet/0001-01-01",
    "/sheet/9999-12-31",
    "/sheet/20261123",
    "/sheet/2026-02-30",
    "/sheet/2040-01-01",
    "/cards/new?date=0",
    "/cards/new?date=9999-12-31",
    f"/cards/{TWENTY_DIGITS}",
    f"/cards/{ABOVE_THE_DATABASE}",
    "/cards/0",
    f"/integrations/1/history?before={TWENTY_DIGITS}",
    f"/integrations/{TWENTY_DIGITS}",
    f"/integrations/1/history/{ABOVE_THE_DATABASE}",
]


@pytest.mark.parametrize("address", NO_SUCH_PAGE)
def test_field_26_a_page_of_no_possible_day_or_id_is_404(seeded: None, admin: Browser, address: str) -> None:
    assert admin.get(address).status_code == 404


REFUSED_ADDRESSES = [
    ("/api/run-sheet?date=9999-12-31", 422),
    ("/api/run-sheet?date=0001-01-01", 422),
    ("/api/run-sheet?date=0", 422),
    ("/api/run-sheet?date=1796054249", 422),
    ("/api/run-sheet?date=2040-01-01", 422),
    ("/api/pms/conflicts?date=0", 422),
    (f"{CARDS}/99999999999999999999", 404),
    (f"{CARDS}/{ABOVE_THE_DATABASE}", 404),
    (f"/api/pms/connections/1/sync?cursor={TWENTY_DIGITS}", 422),
    (f"/api/incidents?state=all&cursor={TWENTY_DIGITS}", 422),
]


@pytest.mark.parametrize(("address", "status"), REFUSED_ADDRESSES)
def test_field_26_an_address_of_the_interface_is_bounded_alike(
    api: API, seeded: None, address: str, status: int
) -> None:
    assert api.get(address).status_code == status


WRONG_VALUES = [
    ("start_at", "1796054249"),
    ("start_at", 1796054249),
    ("start_at", "2026-11-23"),
    ("start_at", "2026-11-23T15:00:00"),
    ("start_at", "9999-12-31T23:59:59-11:00"),
    ("start_at", "0001-01-01T00:00:00+11:00"),
    ("start_at", "2040-11-23T15:00:00+11:00"),
    ("date", "1796054249"),
    ("date", 0),
    ("date", "2026-11-23T00:00:00"),
    ("clinician_id", 2**63),
    ("duration_minutes", 10**30),
    ("patient_phone", "4" * 500),
    ("patient_phone", "0491\n570 156"),
    ("patient_name", "Q" * 201),
    ("patient_email", "q" * 300 + "@example.com"),
    ("notes", "n" * 4001),
]


@pytest.mark.parametrize(("field", "value"), WRONG_VALUES)
def test_field_26_a_card_takes_no_value_out_of_bounds(api: API, seeded: None, field: str, value: Any) -> None:
    before = count(RunSheetAppointment)
    refused = api.post(CARDS, {**GOOD, field: value})
    assert refused.status_code == 422
    assert field in {error["field"] for error in refused.json["errors"]}
    assert count(RunSheetAppointment) == before


FORM = {
    "patient_phone": "4" * 500,
    "patient_name": "Q" * 201,
    "duration_minutes": "9" * 5000,
    "start_date": "9999-12-31",
}


@pytest.mark.parametrize("field", FORM)
def test_field_26_a_form_is_bounded_like_the_interface(seeded: None, reception: Browser, field: str) -> None:
    sent = {"row_version": "1", "start_date": "2026-11-23", "start_time": "09:30", field: FORM[field]}
    answer = reception.post("/cards/1", data=sent)
    assert answer.status_code == 422
    assert api_card(reception)["patient_name"] == "Quillon Ownpatient"


def api_card(browser: Browser) -> dict[str, Any]:
    found: dict[str, Any] = browser.get(f"{CARDS}/1").get_json()
    return found


@pytest.mark.parametrize("day", ["2040-01-01", "2001-01-01"])
def test_field_26_no_run_reads_a_day_out_of_bounds_whoever_asks(
    api: API, synced: int, reception: Browser, day: str
) -> None:
    before = count(SyncRun)
    wanted = datetime.fromisoformat(day).date()
    with pytest.raises(Invalid):
        run_requests.request_run(synced, actor=COMMAND_LINE, day=wanted)
    assert api.post(f"/api/pms/connections/{synced}/sync", {"date": day}).status_code == 422
    assert api.post("/api/run-sheet/sync", {"date": day}).status_code == 422
    assert reception.post("/sync", data={"date": day}).status_code == 404
    assert count(SyncRun) == before


def test_field_26_no_run_is_queued_where_there_is_nothing_to_read_with(api: API, reception: Browser) -> None:
    made = api.post("/api/pms/connections", {"pms_type": "gentu", "credentials": LOGIN}).json["id"]
    with pytest.raises(Conflict) as refused:
        run_requests.request_run(made, actor=COMMAND_LINE)
    assert refused.value.code == "NOT-PAIRED"
    assert reception.post(f"/integrations/{made}/sync").status_code == 409
    assert count(SyncRun) == 0


# -- 27: a POST under a key is answered once ------------------------------------------------------------------------


def test_field_27_the_same_key_gives_the_same_answer_and_does_nothing_twice(
    api: API, seeded: None, frozen_clock: FrozenClock
) -> None:
    key = {"Idempotency-Key": "order-1"}
    first = api.post(CARDS, GOOD, headers=key)
    before = count(RunSheetAppointment)
    again = api.post(CARDS, dict(reversed(GOOD.items())), headers=key)
    assert (again.status_code, again.json) == (first.status_code, first.json) == (201, first.json)
    assert (again.headers["Location"], again.headers["ETag"]) == (
        first.headers["Location"],
        first.headers["ETag"],
    )
    assert again.headers["Idempotency-Replayed"] == "true"
    assert count(RunSheetAppointment) == before
    other = api.post(CARDS, {**GOOD, "patient_name": "Another"}, headers=key)
    assert (other.status_code, other.json["errors"][0]["field"]) == (422, "Idempotency-Key")
    frozen_clock.advance(hours=24, seconds=1)
    assert api.post(CARDS, GOOD, headers=key).json["id"] != first.json["id"]


def test_field_27_a_key_belongs_to_one_caller_and_one_call(
    api: API, seeded: None, as_role: Callable[[str], API]
) -> None:
    key = {"Idempotency-Key": "k"}
    first = api.post(CARDS, GOOD, headers=key)
    assert as_role("reception").post(CARDS, GOOD, headers=key).json["id"] != first.json["id"]
    assert api.post("/api/clinicians", {"name": "Dr Hart"}, headers=key).status_code == 422


def test_field_27_what_was_refused_may_be_put_right_under_its_key(api: API, seeded: None) -> None:
    key = {"Idempotency-Key": "k"}
    assert api.post(CARDS, {**GOOD, "clinician_id": 99}, headers=key).status_code == 422
    assert api.post(CARDS, GOOD, headers=key).status_code == 201


@pytest.mark.parametrize("key", ["", " ", "k" * 256, "schlüssel", "a b"])
def test_field_27_a_key_is_short_plain_text(api: API, seeded: None, key: str) -> None:
    encoded = key.encode().decode("latin-1")
    assert api.post(CARDS, GOOD, headers={"Idempotency-Key": encoded}).status_code == 422


def test_field_27_a_call_that_never_ended_is_not_repeated(
    api: API, app: Flask, seeded: None, frozen_clock: FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    app.config["PROPAGATE_EXCEPTIONS"] = False
    key = {"Idempotency-Key": "k"}
    with monkeypatch.context() as patch:
        patch.setattr("pmsapp.api.run_sheet.overrides.add_card", lambda *_: 1 / 0)
        assert api.post(CARDS, GOOD, headers=key).status_code == 500
    before = count(RunSheetAppointment)
    busy = api.post(CARDS, GOOD, headers=key)
    assert (busy.status_code, busy.json["code"]) == (409, "IDEMPOTENCY-BUSY")
    frozen_clock.advance(minutes=3)
    assert "not known how" in api.post(CARDS, GOOD, headers=key).json["detail"]
    assert count(RunSheetAppointment) == before


def test_field_27_kept_answers_are_sealed_bounded_and_purged(
    api: API, seeded: None, frozen_clock: FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    api.post(CARDS, GOOD, headers={"Idempotency-Key": "order-1"})
    with reading() as session:
        row = session.scalars(select(StoredAnswer)).one()
    stored = repr([getattr(row, column.key) for column in StoredAnswer.__table__.columns])
    assert "Quoll" not in stored
    assert "order-1" not in stored
    assert key_rotation.unreadable() == 0
    monkeypatch.setattr(idempotency, "MOST_KEPT", 1)
    full = api.post(CARDS, GOOD, headers={"Idempotency-Key": "order-2"})
    assert (full.status_code, full.json["code"]) == (429, "IDEMPOTENCY-FULL")
    assert int(full.headers["Retry-After"]) > 0
    frozen_clock.advance(hours=25)
    assert retention.purge()["answers"] == 1


def test_field_27_every_post_of_the_interface_takes_a_key(api: API) -> None:
    for path, calls in api.get("/api/openapi.json").json["paths"].items():
        for method, call in calls.items():
            named = {parameter["name"] for parameter in call.get("parameters", [])}
            assert ("Idempotency-Key" in named) == (method == "post"), f"{method} {path}"


# -- 28: nothing unknown is passed over -----------------------------------------------------------------------------


def test_field_28_a_call_that_takes_nothing_refuses_what_it_is_given(api: API, seeded: None) -> None:
    assert api.get("/api/pms/connections?colour=red").status_code == 422
    assert api.get("/api/clinicians", json={"name": "x"}).status_code == 422
    assert api.get(f"{CARDS}/1?x=").status_code == 422
    assert api.post(f"{CARDS}/1/acknowledge", {"why": "seen"}).status_code == 422
    assert api.post(f"{CARDS}/1/acknowledge?why=seen").status_code == 422
    assert api.post(f"{CARDS}/1/acknowledge").status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        '{"patient_name": "A", "patient_name": "B"}',
        '{"notes": "a", "base": {"notes": "x", "notes": "y"}}',
        '{"n\\u006ftes": "a", "notes": "b"}',
    ],
)
def test_field_28_a_key_that_stands_there_twice_is_refused(api: API, seeded: None, body: str) -> None:
    answer = api("PATCH", f"{CARDS}/1", data=body, content_type="application/json")
    assert (answer.status_code, answer.json["code"]) == (422, "INVALID")


def test_field_28_a_parameter_that_stands_there_twice_is_refused(api: API, seeded: None) -> None:
    assert api.get("/api/run-sheet?date=2026-11-23&date=2026-11-24").status_code == 422


def test_field_28_a_length_is_refused_and_not_cut(api: API, seeded: None, reception: Browser) -> None:
    assert api.delete(f"{CARDS}/1", json={"reason": "r" * 201}).status_code == 422
    sent = {"row_version": "1", "reason": "r" * 201}
    assert reception.post("/cards/1/remove", data=sent).status_code == 422
    assert api.get(f"{CARDS}/1").json["presence"] == "on_sheet"


# -- 29: small promises ---------------------------------------------------------------------------------------------


def test_field_29_a_connection_that_could_never_be_read_is_not_made(api: API) -> None:
    refused = api.post("/api/pms/connections", {"pms_type": "medirecords"})
    assert (refused.status_code, [error["field"] for error in refused.json["errors"]]) == (
        422,
        ["practice_id"],
    )
    assert api.get("/api/pms/connections").json["items"] == []


def test_field_29_every_accepted_run_says_whether_it_waits(api: API, synced: int) -> None:
    later = clock.now() + timedelta(minutes=30)
    with writing() as session:
        session.execute(update(PMSConnection).values(not_before=later))
    (item,) = api.post("/api/run-sheet/sync", {"date": "2026-11-26"}).json["items"]
    assert datetime.fromisoformat(item["not_before"]) == later


@pytest.mark.parametrize("coding", ["identity", "gzip"])
def test_field_29_an_etag_is_the_same_in_200_and_304(api: API, seeded: None, coding: str) -> None:
    accepts = {"Accept-Encoding": coding}
    first = api.get("/api/run-sheet", headers=accepts)
    tag = first.headers["ETag"]
    again = api.get("/api/run-sheet", headers={**accepts, "If-None-Match": tag})
    assert (again.status_code, again.headers["ETag"]) == (304, tag)


def test_field_29_the_document_names_the_cookie_and_every_answer(app: Flask, api: API) -> None:
    spec = api.get("/api/openapi.json").json
    assert spec["components"]["securitySchemes"]["session"]["name"] == app.config["SESSION_COOKIE_NAME"]
    for calls in spec["paths"].values():
        for call in calls.values():
            assert {"400", "401", "403", "404", "405", "413", "415", "422", "429", "500", "503"} <= set(
                call["responses"]
            )
            assert "Retry-After" in call["responses"]["429"]["headers"]
            assert "Allow" in call["responses"]["405"]["headers"]
            assert all("X-Request-Id" in answer["headers"] for answer in call["responses"].values())


def test_field_29_a_change_of_nothing_leaves_no_row_in_the_log(api: API, synced: int) -> None:
    base = f"/api/pms/connections/{synced}"
    seen = api.get(base).json
    kinds = api.get(f"{base}/appointment-types").json["items"]
    clinician = api.get("/api/clinicians").json["items"][0]
    clinic = api.get("/api/clinic").json
    calls: list[tuple[str, dict[str, Any]]] = [
        (base, {"display_name": seen["display_name"], "sync_enabled": True, "paused": None}),
        (base, {"sync_frequency_minutes": seen["sync_frequency_minutes"], "time_zone": seen["time_zone"]}),
        (
            f"/api/clinicians/{clinician['id']}",
            {name: clinician[name] for name in ("name", "sort_order", "active")},
        ),
        ("/api/clinic", clinic),
        (f"{base}/appointment-types", {"types": [{"pms_type_id": kinds[0]["pms_type_id"]}]}),
    ]
    logged = audit.count()
    for path, body in calls:
        assert api.patch(path, body).status_code == 200, path
    with reading() as session:
        newest = session.scalars(select(AuditEvent.action).order_by(AuditEvent.id.desc()).limit(3)).all()
    assert audit.count() == logged, newest


def test_field_29_a_clinician_is_told_before_a_card_leaves_their_column(
    seeded: None, login: Callable[..., Browser]
) -> None:
    own = login("clinician", clinician_id=1)
    refused = own.patch(f"{CARDS}/1", json={"clinician_id": 2})
    assert refused.status_code == 422
    assert "leave your column" in refused.get_json()["errors"][0]["message"]
    assert own.get(f"{CARDS}/1").get_json()["clinician_id"] == 1
