"""A whole installation under kill -9 while staff work and the vendor misbehaves; real processes, real HTTP."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select, update

from pmsapp import clock
from pmsapp.domain.actor import COMMAND_LINE
from pmsapp.models import ProcessBeat, RunSheetAppointment, SyncRun, SyncScope
from pmsapp.sandbox.server import SandboxServer
from pmsapp.services.base.transaction import reading, writing
from pmsapp.services.maintenance import database
from pmsapp.services.monitoring import alerts, incidents, process_heartbeats
from pmsapp.services.people import api_tokens
from pmsapp.settings import Settings
from pmsapp.web.http.watchdog import FIRST_LOOK_AFTER_S
from tests.operations.desk import Desk
from tests.operations.pace import own_seconds_until
from tests.support.actors import PASSWORD, make_user
from tests.support.installation import Installation, eventually, is_running
from tests.support.synced_clinic import FOLLOWS_THE_CLOCK, SyncedClinic, same
from tests.support.watching import Receiver

pytestmark = pytest.mark.slow
BACK_WITHIN_S = 10.0
RUN_WITHIN_S = 60.0
J4_S = 120.0


@pytest.fixture
def installation(
    clinic: SyncedClinic, settings: Settings, environ: dict[str, str], receiver: Receiver
) -> Iterator[Installation]:
    """A running `pmsapp up` with today's cards."""
    assert clinic.sync().status == "success"
    running = Installation(settings.instance_dir, PMSAPP_ALERT_URLS=receiver.alert_url, **environ)
    running.wait_until_up()
    yield running
    running.stop()


@pytest.fixture
def desk(installation: Installation, clinic: SyncedClinic) -> Desk:
    user = make_user("reception")
    token = api_tokens.create("desk", "reception", COMMAND_LINE).token
    made = Desk(installation.address, user.email, PASSWORD, token, clinic.today)
    made.sign_in()
    return made


def misbehave(sandbox: SandboxServer) -> None:
    """A vendor as it is on a bad day: slow, now and then a 503, a 429 and a cut connection."""
    sandbox.faults.clear()
    sandbox.faults.set("slow", vendor="gentu", endpoint="appointments", seconds=0.3)
    sandbox.faults.set("server_error", vendor="gentu", endpoint="appointments", skip=3, times=1, status=503)
    sandbox.faults.set(
        "rate_limited", vendor="gentu", endpoint="appointments", skip=5, times=1, retry_after=1
    )
    sandbox.faults.set("cut", vendor="gentu", endpoint="appointments", skip=7, times=1)


def newest(status: str | None = None) -> SyncRun | None:
    with reading() as session:
        query = select(SyncRun).order_by(SyncRun.id.desc()).limit(1)
        return session.scalar(query if status is None else query.where(SyncRun.status == status))


def web_workers(installation: Installation) -> list[int]:
    listing = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(installation.children()["web"])],
        capture_output=True,
        text=True,
        check=False,
    )
    return [int(pid) for pid in listing.stdout.split()]


def is_back(installation: Installation, desk: Desk, name: str, before: int) -> Callable[[], bool]:
    """True once the killed part serves again."""

    def look() -> bool:
        pid = installation.children().get(name)
        if pid in (None, before):
            return False
        if name == "web":
            return desk.api("GET", "/pms/sync").status_code == 200
        if name == "redis":
            return True
        beat = process_heartbeats.get_beat(name)
        return beat is not None and beat.pid == pid

    def tried() -> bool:
        try:
            return look()
        except OSError:
            return False

    return tried


def sync_now(desk: Desk, family: int) -> int:
    """Press Sync now and wait until a good run has ended after that; its id."""
    asked = desk.api("POST", "/run-sheet/sync", json={})
    assert asked.status_code == 202
    wanted = asked.json()["items"][0]["sync_id"]

    def done() -> bool:
        good = newest("success")
        return good is not None and good.id >= wanted

    assert own_seconds_until(done, RUN_WITHIN_S, family) is not None, newest() and newest().status  # type: ignore[union-attr]
    return wanted


def test_each_part_killed_in_turn_is_back_in_ten_seconds_and_nobody_loses_anything(
    app: Flask, clinic: SyncedClinic, installation: Installation, desk: Desk, sandbox: SandboxServer
) -> None:
    with desk:
        for name in ("redis", "worker", "scheduler", "web"):
            misbehave(sandbox)
            desk.api("POST", "/run-sheet/sync", json={})
            before, killed_s = installation.children()[name], time.monotonic()
            os.kill(before, signal.SIGKILL)
            assert (
                own_seconds_until(
                    is_back(installation, desk, name, before), BACK_WITHIN_S, installation.process.pid
                )
                is not None
            ), name
            back_s = time.monotonic()
            if name == "web":  # announced by the page itself; over as soon as it is back
                errors = [error for error in desk.errors_since(killed_s) if error.at_s > back_s + 1]
            else:
                errors = desk.errors_since(killed_s)
            assert errors == [], (name, errors)
            sandbox.faults.clear()
            if name != "worker":  # its run is repeated when the lease has lapsed; see the next test
                sync_now(desk, installation.process.pid)
    _everything_is_as_it_should_be(clinic, desk)


def test_one_web_process_killed_costs_nobody_more_than_the_page_on_its_way(
    app: Flask, installation: Installation, desk: Desk
) -> None:
    with desk:
        assert eventually(lambda: len(web_workers(installation)) == 2)
        os.kill(web_workers(installation)[0], signal.SIGKILL)
        killed_s = time.monotonic()
        assert (
            own_seconds_until(
                lambda: len(web_workers(installation)) == 2, BACK_WITHIN_S, installation.process.pid
            )
            is not None
        )
        seen = len(desk.moments)
        assert eventually(lambda: len(desk.moments) > seen + 5)  # staff go on for a moment
        assert len(desk.errors_since(killed_s + 0.5)) == 0
        assert len(desk.errors_since(killed_s - 2)) <= 2


def test_j4_a_run_whose_worker_was_killed_is_interrupted_and_repeated_within_two_minutes(
    app: Flask, clinic: SyncedClinic, installation: Installation, desk: Desk, sandbox: SandboxServer
) -> None:
    sandbox.faults.set("hang", vendor="gentu", endpoint="appointments")
    lost = desk.api("POST", "/run-sheet/sync", json={}).json()["items"][0]["sync_id"]
    assert eventually(lambda: _status(lost) == "running")
    os.kill(installation.children()["worker"], signal.SIGKILL)
    sandbox.faults.clear()
    sandbox.faults.release()
    closed_s = own_seconds_until(lambda: _status(lost) == "interrupted", J4_S, installation.process.pid)

    def repeated() -> bool:
        good = newest("success")
        return good is not None and good.id > lost

    repeated_s = own_seconds_until(repeated, J4_S, installation.process.pid)
    assert closed_s is not None
    assert repeated_s is not None
    assert closed_s + repeated_s <= J4_S
    _everything_is_as_it_should_be(clinic, desk)


def test_a_scheduler_that_is_dead_is_told_on_the_sheet_and_once_outside(
    app: Flask, installation: Installation, desk: Desk, receiver: Receiver
) -> None:
    """It is dead and nobody starts it again, for the supervisor is stopped; everything else lives."""

    def told() -> list[str]:
        return [title for title in receiver.titles if "Automatic updates are not running" in title]

    assert eventually(lambda: process_heartbeats.get_beat(process_heartbeats.SCHEDULER) is not None)
    scheduler = installation.children()["scheduler"]
    os.kill(installation.process.pid, signal.SIGSTOP)
    try:
        os.kill(scheduler, signal.SIGKILL)
        assert eventually(lambda: not is_running(scheduler))
        with writing() as session:  # as if that were two minutes ago
            session.execute(
                update(ProcessBeat)
                .where(ProcessBeat.name == process_heartbeats.SCHEDULER)
                .values(at=clock.now() - timedelta(minutes=2, seconds=1))
            )
        assert eventually(lambda: told() != [], J4_S + FIRST_LOOK_AFTER_S)
        assert "Automatic updates are not running" in desk.look()
        assert [incident.code for incident in incidents.list_open()] == ["SCHED-DEAD"]
        incidents.look()  # another look writes nothing more
        assert [delivery.kind for delivery in alerts.list_deliveries() if delivery.incident_id] == ["opening"]
        assert len(told()) == 1
    finally:
        os.kill(installation.process.pid, signal.SIGCONT)
    assert eventually(lambda: installation.children().get("scheduler", scheduler) != scheduler)


def _status(run_id: int) -> str:
    with reading() as session:
        return session.scalar(select(SyncRun.status).where(SyncRun.id == run_id)) or ""


def _everything_is_as_it_should_be(clinic: SyncedClinic, desk: Desk) -> None:
    """Every note that was acknowledged is there, every card is the practice's, no run is lost and none was doubled."""
    with reading() as session:
        notes = dict(
            session.execute(select(RunSheetAppointment.id, RunSheetAppointment.notes)).all()  # type: ignore[arg-type]
        )
        statuses = Counter(session.scalars(select(SyncRun.status)))
        doubled = session.execute(
            select(SyncScope.run_id, SyncScope.pms_practitioner_id, SyncScope.date)
            .group_by(SyncScope.run_id, SyncScope.pms_practitioner_id, SyncScope.date)
            .having(func.count() > 1)
        ).all()
    assert {card: notes[card] for card in desk.acknowledged} == desk.acknowledged
    assert doubled == []
    assert statuses["running"] == 0
    assert statuses["queued"] == 0
    database.quick_check()
    rows = [row for row in clinic.truth() if row.appointment_status != "cancelled"]
    cards = [card for card in clinic.sheet().cards if card.presence == "on_sheet"]
    assert len(cards) == len(rows)
    assert all(set(same(clinic.card_of(row, cards), row)) <= FOLLOWS_THE_CLOCK for row in rows)
