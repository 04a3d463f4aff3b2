"""Promises about processes, kept by real ones: a queue server, two workers, the real clock."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select, update

from pmsapp import clock
from pmsapp.domain.actor import Actor
from pmsapp.models import AuditEvent, PMSConnection
from pmsapp.sandbox.server import SandboxServer
from pmsapp.services.base.transaction import reading, writing
from pmsapp.services.clinic import clinic as clinic_service
from pmsapp.services.editing import overrides
from pmsapp.services.runs import history as run_history
from pmsapp.services.runs import requests as run_requests
from pmsapp.services.runs.history import RunView
from pmsapp.settings import Settings
from pmsapp.supervisor.redis import EmbeddedRedis, find_program
from tests.support import postgres
from tests.support.installation import Installation, eventually
from tests.support.synced_clinic import FOLLOWS_THE_CLOCK, SyncedClinic, same

MEL = Actor(kind="user", name="Mel", id=1, role="reception")


@pytest.fixture
def sandbox() -> Iterator[SandboxServer]:
    with SandboxServer(now=clock.now, paired=True, vendors=("gentu",)) as server:
        yield server


@pytest.fixture
def settings(make_settings: Callable[..., Settings], sandbox: SandboxServer) -> Settings:
    return make_settings(
        vendors={"GENTU": {"base_url": sandbox.gentu_base, "requests_per_minute": 6000}}, lookahead_days=0
    )


@pytest.fixture
def clinic(app: Flask, sandbox: SandboxServer) -> SyncedClinic:
    clinic_service.ensure(hours=clinic_service.ALWAYS_OPEN)
    made = SyncedClinic(app, sandbox)
    made.map_everybody()
    return made


@pytest.fixture
def workers(clinic: SyncedClinic, settings: Settings, sandbox: SandboxServer) -> Iterator[list[Installation]]:
    """A queue server and two workers on this test's database."""
    server = EmbeddedRedis(settings, find_program())
    server.start(os.environ)
    told = {
        "PMSAPP_GENTU_BASE_URL": sandbox.gentu_base,
        "PMSAPP_GENTU_REQUESTS_PER_MINUTE": "6000",
        "PMSAPP_ALLOWED_PMS_HOSTS": "127.0.0.1",
        "PMSAPP_LOOKAHEAD_DAYS": "0",
        **postgres.address_of(settings),
    }
    installations = [Installation(settings.instance_dir, "worker", **told) for _ in range(2)]
    for installation in installations:
        installation.wait_for("worker started")
    yield installations
    for installation in installations:
        if installation.process.poll() is None:
            installation.kill()
    server.stop()


def run_of(clinic: SyncedClinic, run_id: int) -> RunView:
    return run_history.get_run(clinic.connection_id, run_id)


def click(clinic: SyncedClinic) -> tuple[int, bool]:
    request = run_requests.request_run(clinic.connection_id, trigger="manual", actor=MEL)
    return request.sync_id, request.created


@pytest.mark.slow
def test_c17_a_cancellation_takes_effect_within_five_seconds_and_names_who_asked(
    clinic: SyncedClinic, workers: list[Installation]
) -> None:
    clinic.sandbox.faults.set("hang", vendor="gentu", endpoint="appointments")
    run_id, _ = click(clinic)
    assert eventually(lambda: clinic.sandbox.requests.count(endpoint="appointments") > 0)
    assert run_of(clinic, run_id).status == "running"
    asked_at = time.monotonic()
    run_history.cancel_run(clinic.connection_id, run_id, MEL)
    assert eventually(lambda: run_of(clinic, run_id).is_over)
    assert time.monotonic() - asked_at < 5
    assert run_of(clinic, run_id).status == "cancelled"
    clinic.sandbox.faults.clear()
    again, created = click(clinic)
    assert created
    assert eventually(lambda: run_of(clinic, again).status == "success")
    assert run_of(clinic, run_id).status == "cancelled"
    with reading() as session:
        event = session.scalars(select(AuditEvent).where(AuditEvent.action == "run.cancel")).one()
    assert (event.subject, "Mel" in event.actor) == (f"run:{run_id}", True)


@pytest.mark.slow
def test_c19_a_due_schedule_and_ten_clicks_in_one_second_are_one_run(
    clinic: SyncedClinic, workers: list[Installation]
) -> None:
    clinic.sandbox.requests.clear()
    clinic.sandbox.faults.set("hang", vendor="gentu", endpoint="appointments")  # until all have clicked
    with writing() as session:
        session.execute(update(PMSConnection).values(next_sync_at=clock.now() - timedelta(seconds=1)))
    start = threading.Barrier(12)

    def at_once(act: Callable[[], object]) -> object:
        start.wait()
        return act()

    with ThreadPoolExecutor(12) as pool:
        clicks = [pool.submit(copy_context().run, at_once, lambda: click(clinic)) for _ in range(10)]
        due = [pool.submit(copy_context().run, at_once, run_requests.request_due_runs) for _ in range(2)]
        asked = {click.result()[0] for click in clicks}  # type: ignore[index]
        asked |= {request.sync_id for answer in due for request in answer.result()}  # type: ignore[attr-defined]
    clinic.sandbox.faults.clear()
    clinic.sandbox.faults.release()
    assert len(asked) == 1
    (run_id,) = asked
    assert eventually(lambda: run_of(clinic, run_id).is_over)
    run = run_of(clinic, run_id)
    assert run.status == "success"
    assert clinic.sandbox.requests.count(endpoint="appointments", status=200) == len(run.scopes)
    assert [run.id for run in run_history.list_runs(clinic.connection_id).items] == [run_id]
    wanted = [row for row in clinic.truth() if row.appointment_status != "cancelled"]
    assert len(clinic.sheet().cards) == len(wanted) > 0
    cards = clinic.all_cards()
    assert all(set(same(clinic.card_of(row, cards), row)) <= FOLLOWS_THE_CLOCK for row in wanted)


@pytest.mark.slow
def test_several_connections_are_synced_by_several_workers_at_once(
    app: Flask, clinic: SyncedClinic, workers: list[Installation], sandbox: SandboxServer
) -> None:
    """Processes on one database file: every run succeeds while staff go on typing."""
    clinics = [clinic] + [SyncedClinic(app, sandbox) for _ in range(3)]
    for follower in clinics[1:]:
        follower.map_everybody()
    ids = [click(each_clinic)[0] for each_clinic in clinics]
    edits = 0
    while not all(run_of(of_clinic, run_id).is_over for of_clinic, run_id in zip(clinics, ids, strict=True)):
        cards = clinic.sheet().cards
        if cards:
            overrides.edit_card(cards[edits % len(cards)].id, {"notes": f"note {edits}"}, MEL)
            edits += 1
    assert {run_of(of_clinic, run_id).status for of_clinic, run_id in zip(clinics, ids, strict=True)} == {
        "success"
    }
    assert edits > 0
