"""What people complain about in software like this, and that it does not happen here: the sync's share.

Each test is named after its promise. Real HTTP to the sandbox, real SQLite; killed runs die in a process of their own.
"""

from __future__ import annotations

import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from sqlalchemy import select

from pmsapp import clock
from pmsapp.domain.actor import Actor
from pmsapp.domain.runsheet import Card
from pmsapp.domain.window import AUSTRALIAN_ZONES, local_to_utc
from pmsapp.models import PMSConnection
from pmsapp.sandbox.clinic.truth import TruthRow
from pmsapp.sandbox.server import SandboxServer
from pmsapp.services.base.transaction import reading
from pmsapp.services.editing import decisions, overrides
from pmsapp.services.runs import history as run_history
from pmsapp.services.runs import lease
from pmsapp.services.runs import requests as run_requests
from pmsapp.services.runs import waiting as run_waiting
from pmsapp.services.runs.history import RunView
from pmsapp.services.sync import execute, recheck
from pmsapp.settings import Settings
from tests.support.clock import FrozenClock
from tests.support.elsewhere import Elsewhere
from tests.support.sandboxes import Sandboxes
from tests.support.synced_clinic import SyncedClinic, same

MEL = Actor(kind="user", name="Mel", id=1, role="reception")
PARTS = ("created", "updated", "unchanged", "skipped", "failed")


@pytest.fixture
def sandbox(sandboxes: Sandboxes, frozen_clock: FrozenClock) -> SandboxServer:
    return sandboxes.lend(paired=True)


@pytest.fixture
def settings(make_settings: Callable[..., Settings], sandbox: SandboxServer) -> Settings:
    return make_settings(vendors={"GENTU": {"base_url": sandbox.gentu_base}}, lookahead_days=0)


@pytest.fixture
def clinic(app: Flask, sandbox: SandboxServer) -> SyncedClinic:
    clinic = SyncedClinic(app, sandbox)
    clinic.map_everybody()
    return clinic


def booked(clinic: SyncedClinic, count: int = 1) -> list[TruthRow]:
    """Rows still to come, one patient each, of one practitioner with enough of them."""
    rows = [row for row in clinic.truth() if row.appointment_status == "booked"]
    single = [row for row in rows if sum(other.appointment_id == row.appointment_id for other in rows) == 1]
    by_practitioner: dict[str | None, list[TruthRow]] = {}
    for row in single:
        by_practitioner.setdefault(row.practitioner_id, []).append(row)
    return max(by_practitioner.values(), key=len)[:count]


def key_and_id(cards: list[Card]) -> dict[tuple[str | None, str | None], int]:
    return {(card.pms_appointment_id, card.pms_patient_id): card.id for card in cards}


def identity_holds(run: RunView) -> bool:
    return run.counts["fetched"] == sum(run.counts[name] for name in PARTS)


def killed_run(clinic: SyncedClinic, settings: Settings, elsewhere: Elsewhere, point: str) -> int:
    """A run in a process of its own that is killed with SIGKILL at a failpoint."""
    request = run_requests.request_run(clinic.connection_id, trigger="manual", actor=MEL)
    done = elsewhere.run(
        settings,
        request.sync_id,
        now=clock.now(),
        PMS_FAILPOINT=point,
        PMSAPP_GENTU_BASE_URL=clinic.sandbox.gentu_base,
    )
    assert done.returncode == -signal.SIGKILL, done.complaints
    return request.sync_id


def test_c1_five_syncs_and_two_killed_ones_make_no_second_copy(
    clinic: SyncedClinic, settings: Settings, elsewhere: Elsewhere, frozen_clock: FrozenClock
) -> None:
    clinic.sync()
    before = key_and_id(clinic.sheet().cards)
    for point in ("before_scope_commit:2", "after_scope_commit:2"):
        killed_run(clinic, settings, elsewhere, point)
        frozen_clock.advance(minutes=2)
        lease.sweep_interrupted()
    for _ in range(4):
        assert clinic.sync().status == "success"
    assert key_and_id(clinic.sheet().cards) == before
    assert len(before) == len(set(before.values())) > 20


def test_c2_who_is_cancelled_deleted_or_absent_is_shown_so_until_acknowledged(clinic: SyncedClinic) -> None:
    cancelled, deleted, absent = booked(clinic, 3)
    clinic.sync()
    clinic.sandbox.clinic.cancel(cancelled.appointment_id, reason="Patient cancelled")
    clinic.sandbox.clinic.delete(deleted.appointment_id)
    clinic.sandbox.clinic.no_show(absent.appointment_id)
    clinic.sync()
    shown = [clinic.card_of(row, clinic.sheet().cards) for row in (cancelled, deleted, absent)]
    assert [card.presence for card in shown] == ["cancelled", "deleted", "on_sheet"]
    assert [card.is_gone for card in shown] == [True, True, False]
    assert shown[0].presence_reason
    assert shown[0].presence_at is not None
    assert shown[2].appointment_status == "no_show"
    overrides.acknowledge_card(shown[0].id, MEL)
    assert shown[0].id not in {card.id for card in clinic.sheet().cards}


def test_c3_what_staff_removed_returns_once_and_only_when_its_time_changes(clinic: SyncedClinic) -> None:
    (row,) = booked(clinic)
    clinic.sync()
    card = clinic.card_of(row)
    overrides.remove_card(card.id, "seen elsewhere", MEL)
    for _ in range(2):
        clinic.sync()
        assert clinic.card_of(row).presence == "removed_by_staff"
    clinic.sandbox.clinic.move(row.appointment_id, at="16:55")
    clinic.sync()
    returned = clinic.card_of(row)
    assert (returned.id, returned.presence, returned.returned_at is not None) == (card.id, "on_sheet", True)
    overrides.remove_card(card.id, "once more", MEL)
    clinic.sync()
    assert clinic.card_of(row).presence == "removed_by_staff"


@pytest.mark.parametrize("fault", ["server_error", "truncated_json", "html_ok", "cut", "repeated_cursor"])
def test_c4_a_read_that_did_not_finish_removes_nothing(clinic: SyncedClinic, fault: str) -> None:
    clinic.sync()
    before = {card.id: card.presence for card in clinic.sheet().cards}
    for row in booked(clinic, 2):
        clinic.sandbox.clinic.delete(row.appointment_id)
    clinic.sandbox.faults.set(fault, vendor="gentu", endpoint="appointments")
    run = clinic.sync()
    assert run.status in ("failed", "partial")
    assert {card.id: card.presence for card in clinic.sheet().cards} == before


def test_c4_many_at_once_are_held_and_one_prompt_explains(clinic: SyncedClinic) -> None:
    rows = booked(clinic, 9)
    clinic.sync()
    for row in rows[:-1]:
        clinic.sandbox.clinic.delete(row.appointment_id)
    clinic.sandbox.clinic.cancel(rows[-1].appointment_id)
    run = clinic.sync()
    assert len(rows) > 6
    assert run.counts["held"] == len(rows) - 1
    cards = clinic.all_cards()
    assert {clinic.card_of(row, cards).presence for row in rows[:-1]} == {"held"}
    assert clinic.card_of(rows[-1], cards).presence == "cancelled"
    assert [decision.kind for decision in decisions.list_open(clinic.today)] == ["removals_held"]


def test_c5_the_brake_rests_on_a_first_run_and_an_empty_day_and_can_be_answered(clinic: SyncedClinic) -> None:
    clinic.sandbox.clinic.empty_day(clinic.today)
    assert clinic.sync().status == "success"
    assert clinic.sync().status == "success"
    assert decisions.list_open() == []


def test_c5_the_prompt_names_counts_and_keep_or_apply_settle_it(clinic: SyncedClinic) -> None:
    rows = booked(clinic, 8)
    clinic.sync()
    for row in rows:
        clinic.sandbox.clinic.delete(row.appointment_id)
    clinic.sync()
    (question,) = decisions.list_open()
    assert question.clinician_id == clinic.card_of(rows[0]).clinician_id
    assert question.ours - question.theirs == len(rows)
    decisions.decide(question.id, "pms", MEL)
    cards = clinic.all_cards()
    assert {clinic.card_of(row, cards).presence for row in rows} == {"deleted"}
    assert clinic.sync().status == "success"


def test_c6_every_page_is_read_and_a_loop_is_not_taken_for_the_end(clinic: SyncedClinic) -> None:
    practitioner = booked(clinic)[0].practitioner_id
    clinic.sandbox.clinic.fill_day(clinic.today, practitioner or "", count=110)
    run = clinic.sync()
    wanted = [row for row in clinic.truth() if row.practitioner_id == practitioner]
    scope = next(scope for scope in run.scopes if scope.pms_practitioner_id == practitioner)
    assert scope.counts["fetched"] >= len(wanted) > 100
    clinic.sandbox.faults.set("repeated_cursor", endpoint="appointments", practitioner=practitioner)
    looped = clinic.sync()
    assert looped.status == "partial"
    assert [scope.outcome for scope in looped.scopes if scope.pms_practitioner_id == practitioner] == [
        "incomplete"
    ]


def test_c7_one_odd_record_stops_nobody_else_and_can_be_tried_again(clinic: SyncedClinic) -> None:
    practitioner = booked(clinic)[0].practitioner_id
    fault = clinic.sandbox.faults.set("malformed_time", endpoint="appointments", practitioner=practitioner)
    run = clinic.sync()
    assert run.status == "partial"
    assert run.counts["failed"] == 1
    assert identity_holds(run)
    (kept,) = recheck.list_quarantined(clinic.connection_id)
    assert kept.reason
    clinic.sandbox.faults.clear(fault.id)
    assert recheck.retry_quarantined(kept.id, MEL)
    assert recheck.list_quarantined(clinic.connection_id) == []
    shown = [row for row in clinic.truth() if row.appointment_status != "cancelled"]
    assert len(clinic.sheet().cards) == len(shown)


def test_c8_the_numbers_add_up_and_an_empty_list_is_called_unusual(
    clinic: SyncedClinic, frozen_clock: FrozenClock
) -> None:
    clinic.sandbox.faults.set("null_patient", endpoint="appointments")
    assert identity_holds(clinic.sync())
    clinic.sandbox.faults.clear()
    assert identity_holds(clinic.sync())
    frozen_clock.advance(days=1)
    clinic.sandbox.clinic.empty_day(clinic.today)
    run = clinic.sync()
    assert (run.status, run.counts["fetched"]) == ("success", 0)
    assert "unusual" in (run.note or "").lower()


def test_c9_what_could_be_read_is_told_beside_what_could_not(clinic: SyncedClinic) -> None:
    practitioner = booked(clinic)[0].practitioner_id
    clinic.sandbox.faults.set("server_error", endpoint="appointments", practitioner=practitioner)
    run = clinic.sync()
    assert run.status == "partial"
    outcomes = {scope.name: (scope.outcome, scope.error_code) for scope in run.scopes}
    unread = [name for name, (outcome, _) in outcomes.items() if outcome != "complete"]
    assert len(unread) == 1
    assert outcomes[unread[0]][1] == "PMS-DOWN"
    assert run.error is not None
    assert unread[0] in run.error[1]
    assert run.counts["created"] > 0


def test_c11_a_refused_login_never_looks_like_an_empty_day(
    clinic: SyncedClinic, frozen_clock: FrozenClock
) -> None:
    clinic.sync()
    before = key_and_id(clinic.sheet().cards)
    frozen_clock.advance(hours=1)
    clinic.sandbox.faults.set("unauthorized", vendor="gentu")
    run = clinic.sync()
    sheet = clinic.sheet()
    assert run.status == "failed"
    assert sheet.freshness.state == "stale"
    assert key_and_id(sheet.cards) == before
    with reading() as session:
        assert session.scalar(select(PMSConnection.state)) == "needs_you"


def test_c17_a_killed_run_is_interrupted_within_two_minutes_and_the_next_one_is_right(
    clinic: SyncedClinic, settings: Settings, elsewhere: Elsewhere, frozen_clock: FrozenClock
) -> None:
    run_id = killed_run(clinic, settings, elsewhere, "before_scope_commit:3")
    assert run_history.get_run(clinic.connection_id, run_id).status == "running"
    frozen_clock.advance(minutes=2)
    assert lease.sweep_interrupted() == 1
    assert run_history.get_run(clinic.connection_id, run_id).status == "interrupted"
    assert clinic.sync().status == "success"
    cards = clinic.all_cards()
    for row in clinic.truth():
        if row.appointment_status != "cancelled":
            assert same(clinic.card_of(row, cards), row) == {}


def test_c21_a_typed_phone_survives_and_where_both_changed_both_are_kept(clinic: SyncedClinic) -> None:
    (row,) = booked(clinic)
    clinic.sync()
    card = clinic.card_of(row)
    overrides.edit_card(card.id, {"patient_phone": "0491 570 110"}, MEL)
    for _ in range(2):
        clinic.sync()
        assert clinic.card_of(row).patient_phone == "+61491570110"
    clinic.sandbox.clinic.edit_patient(row.patient_id, phone="0491 570 006")
    clinic.sync()
    both = clinic.card_of(row)
    (edited,) = both.edited
    assert (edited.value, edited.pms_value, edited.conflict) == ("+61491570110", "+61491570006", True)
    assert both.patient_phone == "+61491570110"
    (question,) = decisions.list_open()
    assert (question.kind, question.field) == ("field_conflict", "patient_phone")


def test_c22_a_cancellation_shows_at_once_and_the_notes_stay(clinic: SyncedClinic) -> None:
    (row,) = booked(clinic)
    clinic.sync()
    card = clinic.card_of(row)
    overrides.edit_card(card.id, {"notes": "interpreter is booked"}, MEL)
    clinic.sandbox.clinic.cancel(row.appointment_id)
    clinic.sync()
    after = clinic.card_of(row)
    assert (after.presence, after.notes) == ("cancelled", "interpreter is booked")
    assert after.id in {card.id for card in clinic.sheet().cards}


@pytest.mark.parametrize("zone", AUSTRALIAN_ZONES)
def test_c23_the_wall_clock_is_the_same_everywhere_on_both_change_over_days(zone: str) -> None:
    for day in (datetime(2027, 4, 4), datetime(2027, 10, 3)):  # noqa: DTZ001 - wall-clock times on purpose
        for minute in range(24 * 60):
            wall = day + timedelta(minutes=minute)
            instant, odd = local_to_utc(wall, zone)
            shown = instant.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
            twice = {wall.replace(tzinfo=ZoneInfo(zone), fold=fold).utcoffset() for fold in (0, 1)}
            assert odd == (len(twice) == 2)
            assert odd or shown == wall


def test_c16_who_is_asked_to_wait_waits_and_goes_on_by_itself(
    clinic: SyncedClinic, frozen_clock: FrozenClock
) -> None:
    fault = clinic.sandbox.faults.set("rate_limited", endpoint="appointments", retry_after="90")
    run = clinic.sync()
    assert run.error is not None
    assert run.error[0] == "RATE-WAIT"
    clinic.sandbox.faults.clear(fault.id)
    clinic.sandbox.requests.clear()
    waiting = run_requests.request_run(clinic.connection_id, trigger="manual", actor=MEL)
    assert waiting.not_before is not None
    assert waiting.not_before >= clock.now() + timedelta(seconds=85)
    execute.execute_run(waiting.sync_id)
    assert clinic.sandbox.requests.count() == 0
    assert run_history.get_run(clinic.connection_id, waiting.sync_id).status == "queued"
    frozen_clock.set(waiting.not_before + timedelta(seconds=1))
    (due_run,) = [run.id for run in run_waiting.waiting_runs(for_at_least_s=0.0)]
    execute.execute_run(due_run)
    assert run_history.get_run(clinic.connection_id, waiting.sync_id).status == "success"


def test_c19_ten_clicks_at_once_are_one_run_that_all_can_watch(clinic: SyncedClinic) -> None:
    def click(_number: int) -> tuple[int, bool]:
        request = run_requests.request_run(clinic.connection_id, trigger="manual", actor=MEL)
        return request.sync_id, request.created

    with ThreadPoolExecutor(10) as pool:
        answers = [
            answer.result() for answer in [pool.submit(copy_context().run, click, n) for n in range(10)]
        ]
        run_ids = {run_id for run_id, _ in answers}
        assert len(run_ids) == 1
        assert sum(created for _, created in answers) == 1
        (run_id,) = run_ids
        list(
            pool.map(
                lambda context: context.run(execute.execute_run, run_id),
                [copy_context() for _ in range(4)],
            )
        )
    lists = {scope.pms_practitioner_id for scope in run_history.get_run(clinic.connection_id, run_id).scopes}
    assert clinic.sandbox.requests.count(endpoint="appointments", status=200) == len(lists)
    assert [run.id for run in run_history.list_runs(clinic.connection_id).items] == [run_id]
    assert run_history.get_run(clinic.connection_id, run_id).status == "success"
