"""Asking for runs and doing them: joined, queued, cancelled, fenced out, interrupted, previewed, side by side."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from datetime import timedelta
from functools import partial

import pytest
from flask import Flask
from sqlalchemy import event, select

from pmsapp import clock
from pmsapp.domain.actor import COMMAND_LINE
from pmsapp.extensions import db
from pmsapp.models import PMSConnection, ScopeFreshness, SyncScope
from pmsapp.services.base.errors import Conflict, NotFound
from pmsapp.services.base.transaction import reading, writing
from pmsapp.services.editing import overrides
from pmsapp.services.runs import history as run_history
from pmsapp.services.runs import lease
from pmsapp.services.runs import requests as run_requests
from pmsapp.services.runs.history import RunView
from pmsapp.services.runs.lease import (
    CancelledError,
    FencedOutError,
    Lease,
    beat_once,
    claim,
)
from pmsapp.services.sync import execute
from tests.support import snapshot
from tests.support.clock import FrozenClock
from tests.support.fake_clinic import MEL, FakeClinic, stock
from tests.support.fake_pms import WHOLE_PRACTICE, FakePractice, registered


@pytest.fixture
def clinic(app: Flask, frozen_clock: FrozenClock, practice: FakePractice) -> FakeClinic:
    clinic = FakeClinic(practice)
    for slot in ("09:00", "10:00"):
        practice.book("anna", clinic.at(slot), ["ada"])
        practice.book("ben", clinic.at(slot), ["bo"])
    return clinic


def meanwhile(clinic: FakeClinic, act: object) -> None:
    """Do something once, while the next run is reading."""
    done = threading.Event()

    def once(_: str | None) -> None:
        if not done.is_set():
            done.set()
            act()  # type: ignore[operator]

    clinic.practice.before_list = once


# -- asking ---------------------------------------------------------------------------------------------------------


def test_a_request_for_days_that_wait_already_joins(clinic: FakeClinic) -> None:
    full = clinic.request()
    assert clinic.request() == full
    assert clinic.request(clinic.today) == full
    assert clinic.request(clinic.today + timedelta(days=1)) == full
    later = clinic.request(clinic.today + timedelta(days=3))
    assert later != full
    assert clinic.request(clinic.today + timedelta(days=3)) == later


def test_a_queued_run_takes_in_the_days_asked_for_next(clinic: FakeClinic) -> None:
    day = clinic.request(clinic.today + timedelta(days=1))
    assert clinic.request() == day
    run = clinic.run(day)
    assert run.dates == (clinic.today, clinic.today + timedelta(days=1)), "today first"
    assert run.sync_type == "full"


def test_a_running_run_is_joined_for_its_days_and_queued_behind_for_others(clinic: FakeClinic) -> None:
    asked: list[int] = []

    def ask() -> None:
        asked.append(clinic.request())
        asked.append(clinic.request(clinic.today + timedelta(days=5)))
        asked.append(clinic.request(clinic.today + timedelta(days=5)))

    meanwhile(clinic, ask)
    run = clinic.sync()
    assert asked[0] == run.id
    assert asked[1] == asked[2] != run.id
    assert clinic.run(asked[1]).status == "queued"


def test_a_nudge_during_a_run_is_read_after_it_once(clinic: FakeClinic) -> None:
    """The run may have read the list before the change that the nudge tells of."""
    nudges: list[run_requests.RunRequest] = []

    def nudge() -> None:
        ask = partial(run_requests.request_run, clinic.connection_id, trigger="webhook", actor=COMMAND_LINE)
        nudges.extend(ask() for _ in range(3))

    meanwhile(clinic, nudge)
    run = clinic.sync()
    assert len({nudge.sync_id for nudge in nudges}) == 1
    assert nudges[0].sync_id != run.id
    assert [nudge.created for nudge in nudges] == [True, False, False]
    assert clinic.run(nudges[0].sync_id).status == "queued"


def test_a_preview_joins_only_a_preview(clinic: FakeClinic) -> None:
    preview = clinic.request(dry_run=True)
    assert clinic.request(dry_run=True) == preview
    assert clinic.request() != preview


def test_a_connection_that_is_gone_cannot_be_asked(clinic: FakeClinic) -> None:
    with pytest.raises(NotFound):
        run_requests.request_run(999, trigger="manual", actor=COMMAND_LINE)


# -- doing ----------------------------------------------------------------------------------------------------------


def test_a_run_is_done_once_however_often_the_bell_rings(clinic: FakeClinic) -> None:
    run_id = clinic.request()
    meanwhile(clinic, lambda: execute.execute_run(run_id))
    execute.execute_run(run_id)
    execute.execute_run(run_id)
    assert clinic.run(run_id).counts["created"] == 4
    assert len(clinic.outcomes(clinic.run(run_id))) == 6


def test_only_one_run_of_a_connection_is_under_way(clinic: FakeClinic) -> None:
    first = clinic.request()
    second = clinic.request(clinic.today + timedelta(days=5))
    met: list[str] = []

    def try_the_second() -> None:
        execute.execute_run(second)
        met.append(clinic.run(second).status)

    meanwhile(clinic, try_the_second)
    execute.execute_run(first)
    assert met == ["queued"]
    execute.execute_run(second)
    assert clinic.run(second).status == "success"


def test_a_second_run_without_changes_writes_no_card(clinic: FakeClinic) -> None:
    clinic.sync()
    before = snapshot.take()
    written: list[str] = []

    def note(*args: object) -> None:
        text = str(args[2]).lower()
        if text.startswith(("insert", "update", "delete")):
            written.append(text.split("(")[0])

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        run = clinic.sync()
    finally:
        event.remove(db.engine, "before_cursor_execute", note)
    assert run.counts["unchanged"] == 4
    after = snapshot.take()
    assert (after.cards, after.sheets, after.events) == (before.cards, before.sheets, before.events)
    assert not [text for text in written if "run_sheet" in text]


def test_an_edit_saved_while_a_run_is_reading_is_planned_with(clinic: FakeClinic) -> None:
    clinic.sync()
    card = clinic.card("v1")
    clinic.practice.edit_patient("ada", phone="+61491570999")
    meanwhile(clinic, lambda: overrides.edit_card(card.id, {"patient_phone": "+61491570156"}, MEL))
    clinic.sync()
    (edit,) = clinic.card("v1").edited
    assert (edit.value, edit.pms_value, edit.conflict) == ("+61491570156", "+61491570999", True)


def test_a_removal_saved_while_a_run_is_reading_stands(clinic: FakeClinic) -> None:
    clinic.sync()
    card = clinic.card("v1")
    clinic.practice.edit_patient("ada", name="Ada Acorn")
    meanwhile(clinic, lambda: overrides.remove_card(card.id, "Not ours", MEL))
    clinic.sync()
    assert clinic.presence("v1") == "removed_by_staff"


def test_a_bug_in_reading_one_list_costs_that_list_alone(clinic: FakeClinic) -> None:
    def fail(practitioner: str | None) -> None:
        if practitioner == "ben":
            raise ZeroDivisionError

    clinic.practice.before_list = fail
    run = clinic.sync()
    assert (run.status, run.counts["created"]) == ("partial", 2)
    assert {scope.error_code for scope in run.scopes if scope.outcome == "failed"} == {"BUG"}


def test_a_bug_in_a_run_is_recorded_and_raised(clinic: FakeClinic, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("pmsapp.services.sync.run_work.plan_scope", fail)
    run_id = clinic.request()
    with pytest.raises(ZeroDivisionError):
        execute.execute_run(run_id)
    run = clinic.run(run_id)
    assert (run.status, run.error[0] if run.error else None) == ("failed", "BUG")


# -- the lease ------------------------------------------------------------------------------------------------------


def test_a_stalled_run_that_wakes_up_is_fenced_out_and_writes_nothing(
    clinic: FakeClinic, frozen_clock: FrozenClock
) -> None:
    clinic.sync()
    clinic.practice.book("anna", clinic.at("15:00"), ["cy"])
    first, results = clinic.request(), {}

    def stall() -> None:
        frozen_clock.advance(seconds=61)
        assert lease.sweep_interrupted() == 1
        clinic.practice.before_list = None
        clinic.practice.change("v1", start_at=clinic.at("16:00"))
        results["second"] = clinic.sync()
        results["after the second"] = snapshot.everything()

    meanwhile(clinic, stall)
    execute.execute_run(first)
    assert results["second"].status == "success"
    assert snapshot.everything() == results["after the second"], "the first run wrote after it was fenced out"
    run = clinic.run(first)
    assert (run.status, run.error[0] if run.error else None) == ("interrupted", "RUN-INTERRUPTED")


def test_fences_only_grow_and_each_lease_has_its_own(clinic: FakeClinic) -> None:
    fences = []
    for _ in range(3):
        clinic.sync()
        with reading() as session:
            fences.append(session.get_one(PMSConnection, clinic.connection_id).fence)
    assert fences == sorted(set(fences))


def test_a_lapsed_lease_is_taken_over_by_the_next_claim(
    clinic: FakeClinic, frozen_clock: FrozenClock
) -> None:
    first, second = clinic.request(), clinic.request(clinic.today + timedelta(days=5))
    held = claim(first, clock.now())
    assert held is not None
    assert claim(second, clock.now()) is None
    frozen_clock.advance(seconds=59)
    assert beat_once(held) is None
    frozen_clock.advance(seconds=59)
    assert claim(second, clock.now()) is None, "the heartbeat keeps the lease"
    frozen_clock.advance(seconds=61)
    taken = claim(second, clock.now())
    assert taken is not None
    assert taken.fence > held.fence
    assert clinic.run(first).status == "interrupted"
    assert beat_once(held) == "fenced"
    with pytest.raises(FencedOutError), writing() as session:
        held.check(session)


def test_a_clock_that_went_back_does_not_keep_a_dead_lease(
    clinic: FakeClinic, frozen_clock: FrozenClock
) -> None:
    assert claim(clinic.request(), clock.now()) is not None
    frozen_clock.advance(hours=-1)
    assert lease.sweep_interrupted() == 1


def test_an_interrupted_run_is_repeated_at_once(clinic: FakeClinic, frozen_clock: FrozenClock) -> None:
    assert claim(clinic.request(), clock.now()) is not None
    frozen_clock.advance(seconds=61)
    lease.sweep_interrupted()
    with reading() as session:
        assert session.get_one(PMSConnection, clinic.connection_id).next_sync_at == clock.now()
    assert clinic.sync().status == "success"


# -- cancelling -----------------------------------------------------------------------------------------------------


def test_a_queued_run_is_cancelled_at_once_and_never_done(clinic: FakeClinic) -> None:
    run_id = clinic.request()
    assert run_history.cancel_run(clinic.connection_id, run_id, MEL).status == "cancelled"
    execute.execute_run(run_id)
    assert clinic.cards() == {}
    with pytest.raises(Conflict, match="already ended"):
        run_history.cancel_run(clinic.connection_id, run_id, MEL)


def test_a_running_run_stops_at_its_next_step_and_keeps_what_it_has(clinic: FakeClinic) -> None:
    run_id = clinic.request()

    def cancel(practitioner: str | None) -> None:
        if practitioner == "cleo":
            run_history.cancel_run(clinic.connection_id, run_id, MEL)

    clinic.practice.before_list = cancel
    execute.execute_run(run_id)
    run = clinic.run(run_id)
    assert (run.status, run.error[0] if run.error else None) == ("cancelled", "RUN-CANCELLED")
    assert run.counts["created"] > 0
    assert run.completed_at is not None


def test_a_hanging_vendor_does_not_hold_up_a_cancellation(
    clinic: FakeClinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lease, "HEARTBEAT_EVERY_S", 0.05)
    monkeypatch.setattr(lease, "GRACE_S", 0.05)
    hanging, released = threading.Event(), threading.Event()

    def hang(_: str | None) -> None:
        hanging.set()
        assert released.wait(30)

    clinic.practice.before_list = hang
    run_id = clinic.request()
    worker = threading.Thread(target=copy_context().run, args=(execute.execute_run, run_id))
    worker.start()
    try:
        assert hanging.wait(10)
        run_history.cancel_run(clinic.connection_id, run_id, MEL)
        for _ in range(200):
            if clinic.run(run_id).is_over:
                break
            threading.Event().wait(0.05)
        assert clinic.run(run_id).status == "cancelled"
        clinic.practice.before_list = None
        assert clinic.sync().status == "success", "the next one can start while the old worker still hangs"
        after = snapshot.everything()
    finally:
        released.set()
        worker.join()
    assert snapshot.everything() == after
    assert clinic.run(run_id).status == "cancelled"


def test_a_check_tells_why_to_stop(clinic: FakeClinic) -> None:
    run_id = clinic.request()
    held = claim(run_id, clock.now())
    assert held is not None
    run_history.cancel_run(clinic.connection_id, run_id, MEL)
    assert beat_once(held) == "cancelled"
    with pytest.raises(CancelledError), writing() as session:
        held.check(session)
    with pytest.raises(FencedOutError), writing() as session:
        Lease(run_id, clinic.connection_id, held.fence - 1).check(session)


# -- previews -------------------------------------------------------------------------------------------------------


def lists_of(run: RunView) -> list[tuple[object, ...]]:
    return [
        (scope.pms_practitioner_id, scope.name, scope.date, scope.outcome, scope.counts, scope.error_code)
        for scope in run.scopes
    ]


@pytest.mark.parametrize("slug", ["fake", WHOLE_PRACTICE])
def test_a_preview_says_what_the_next_run_does_and_writes_nothing(
    app: Flask, frozen_clock: FrozenClock, practice: FakePractice, slug: str
) -> None:
    clinic = FakeClinic(practice, slug)
    visits = [practice.book("anna", clinic.at(f"{hour:02}:00"), ["ada"]) for hour in range(8, 16)]
    crowd = [practice.book("ben", clinic.at(f"{hour:02}:30"), ["bo"]) for hour in range(8, 16)]
    clinic.sync()
    practice.change(visits[0], start_at=clinic.at("17:00"))
    practice.change(visits[1], practitioner="ben")
    practice.change(visits[2], start_at=clinic.at("09:00", 1))
    practice.change(visits[3], status="cancelled")
    practice.delete(visits[4])
    practice.change(visits[5], patients=("cy",))
    practice.change(visits[6], start_at=clinic.at("09:00", 30))
    practice.book("cleo", clinic.at("09:00"), ["di"])
    for visit in crowd[:6]:
        practice.delete(visit)
    before = snapshot.everything()
    preview = clinic.sync(dry_run=True)
    assert snapshot.everything() == before
    assert preview.preview is not None
    run = clinic.sync()
    assert preview.counts == run.counts
    assert preview.status == run.status == "partial"
    assert preview.error == run.error
    assert lists_of(preview) == lists_of(run)
    assert preview.preview["changes"] == {
        "created": 2,
        "moved_time": 1,
        "moved_clinician": 1,
        "moved_day": 2,
        "cancelled": 1,
        "deleted": 1,
        "held": 7,
    }


def test_a_preview_sees_what_the_vendor_lists_now_and_stores_none_of_it(
    clinic: FakeClinic, frozen_clock: FrozenClock
) -> None:
    from pmsapp.domain.appointment import AppointmentType, Practitioner

    clinic.sync()
    frozen_clock.advance(hours=2)
    clinic.practice.practitioners["nia"] = Practitioner("nia", "Dr Nia New")
    clinic.practice.types["late"] = AppointmentType("late", "In-person review", is_telehealth=False)
    clinic.practice.book("nia", clinic.at("15:00"), ["cy"])
    clinic.practice.book("anna", clinic.at("16:00"), ["cy"], type_id="late")
    before = snapshot.everything()
    preview = clinic.sync(dry_run=True)
    assert snapshot.everything() == before
    run = clinic.sync()
    assert preview.counts == run.counts
    assert (
        preview.skipped_reasons == run.skipped_reasons == {"not_telehealth": 1, "practitioner_undecided": 1}
    )


# -- side by side ---------------------------------------------------------------------------------------------------


def test_several_connections_sync_side_by_side_while_staff_type(
    app: Flask, frozen_clock: FrozenClock, practice: FakePractice
) -> None:
    """Threads on one SQLite file: nobody ever meets a locked database. Each types a hundred edits a second at most."""
    clinics = [FakeClinic(practice)]
    others = [stock(FakePractice(seed)) for seed in range(1, 4)]
    with registered("p1", others[0]), registered("p2", others[1]), registered("p3", others[2]):
        clinics += [FakeClinic(practice, name=f"p{number}") for number, practice in enumerate(others, 1)]
        for clinic in clinics:
            for number in range(40):
                at = clinic.at(f"{8 + number // 4:02}:{number % 4 * 15:02}")
                clinic.practice.book(("anna", "ben", "cleo")[number % 3], at, ["ada", "bo"])
        clinics[0].sync()
        ids = [card.id for card in clinics[0].cards().values()]
        stop = threading.Event()

        def type_on() -> int:
            saved = 0
            while not stop.wait(0.01):
                card_id = ids[saved % len(ids)]
                overrides.edit_card(card_id, {"notes": f"note {saved}"}, MEL)
                saved += 1
            return saved

        with ThreadPoolExecutor(8) as pool:
            typing = [pool.submit(copy_context().run, type_on) for _ in range(3)]
            syncing = [pool.submit(copy_context().run, clinic.sync) for clinic in clinics]
            try:
                results = [future.result() for future in syncing]
            finally:
                stop.set()
            assert sum(future.result() for future in typing) > 0
        assert {run.status for run in results} == {"success"}
        assert sum(len(clinic.cards()) for clinic in clinics) == 4 * 80


def test_a_deleted_connections_run_leaves_no_trace(clinic: FakeClinic) -> None:
    from pmsapp.services.connections.connections import delete_connection

    meanwhile(clinic, lambda: delete_connection(clinic.connection_id, "remove", MEL))
    execute.execute_run(clinic.request())
    with reading() as session:
        assert session.scalars(select(SyncScope)).all() == []
        assert session.scalars(select(ScopeFreshness)).all() == []
    assert clinic.cards() == {}
