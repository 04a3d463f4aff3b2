"""Doctor: a sound installation passes, and each thing that is wrong is named with what to do."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import pytest
from flask import Flask
from sqlalchemy import text, update

from pmsapp import clock
from pmsapp.crypto.cipher import KeyRing, make_key
from pmsapp.domain.actor import COMMAND_LINE
from pmsapp.extensions import db
from pmsapp.models import AlertDelivery, PMSConnection, ScheduledTask
from pmsapp.services.base import audit
from pmsapp.services.base.transaction import writing
from pmsapp.services.maintenance import backup
from pmsapp.services.monitoring import alerts, disk, process_heartbeats
from pmsapp.services.monitoring.examination import doctor
from pmsapp.services.monitoring.examination.finding import Check, State
from pmsapp.services.runs import queue as run_queue
from pmsapp.settings import Settings
from tests.support.actors import make_user
from tests.support.clock import FrozenClock


@pytest.fixture
def settings(make_settings: Callable[..., Settings]) -> Settings:
    return make_settings(allowed_pms_hosts=())


def _found(name: str) -> Check:
    return next(check for check in doctor.examine() if check.name == name)


def test_a_sound_installation_has_nothing_failed(app: Flask) -> None:
    make_user("admin")
    process_heartbeats.beat(process_heartbeats.SCHEDULER)
    process_heartbeats.beat(process_heartbeats.WORKER)
    checks = doctor.examine(without=("web", "processes"))
    assert doctor.is_sound(checks)
    assert {check.name for check in checks if check.state is State.WARN} <= {
        "queue",
        "user",
        "backup",
        "off site",
    }


def test_every_complaint_says_what_to_do(app: Flask) -> None:
    assert all(check.hint for check in doctor.examine() if check.state is not State.OK)


def test_a_folder_open_to_others_fails(app: Flask, settings: Settings) -> None:
    settings.instance_dir.chmod(0o755)
    check = _found("folder")
    assert (check.state, "chmod 700" in str(check.hint)) == (State.FAIL, True)


def test_a_database_file_open_to_others_fails(app: Flask, settings: Settings) -> None:
    (settings.instance_dir / "pmsapp.sqlite3").chmod(0o640)
    assert _found("folder").state is State.FAIL


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_file_of_another_user_fails(app: Flask, settings: Settings) -> None:
    file = settings.instance_dir / "backups" / "pmsapp-20261123-013000.sqlite3"
    file.parent.mkdir(mode=0o700)
    file.touch(mode=0o600)
    os.chown(file, 65534, 65534)
    check = _found("folder")
    assert (check.state, check.message) == (
        State.FAIL,
        "backups/pmsapp-20261123-013000.sqlite3 belongs to nobody, not to root",
    )
    assert check.hint == f"Run as root: chown -R root: {settings.instance_dir}"


def test_an_older_database_fails_and_the_rest_waits(app: Flask) -> None:
    with writing() as session:
        session.execute(text("update alembic_version set version_num = '0003'"))
    checks = doctor.examine()
    assert (checks[-1].name, checks[-1].state, checks[-1].hint) == (
        "tables",
        State.FAIL,
        "Stop pmsapp, then run: pmsapp db upgrade",
    )


def test_a_newer_database_is_not_told_to_upgrade(app: Flask) -> None:
    with writing() as session:
        session.execute(text("update alembic_version set version_num = '9999'"))
    check = doctor.examine()[-1]
    assert (check.name, check.state) == ("tables", State.FAIL)
    assert "of a newer pmsapp" in check.message
    assert str(check.hint).startswith("Install the pmsapp that made them")


def test_a_damaged_file_fails(app: Flask, settings: Settings) -> None:
    if settings.database_url is not None:
        return
    with writing() as session:
        session.execute(text("create table ballast (x text) strict"))
        session.execute(
            text(
                "insert into ballast select hex(randomblob(400)) from (with recursive n(i) as (select 1 union all select i + 1 from n where i < 400) select i from n)"
            )
        )
    db.engine.dispose()
    path = settings.instance_dir / "pmsapp.sqlite3"
    damaged = bytearray(path.read_bytes())
    damaged[-60 * 4096 : -20 * 4096] = b"\x7f" * (40 * 4096)
    path.write_bytes(damaged)
    check = _found("integrity")
    assert check.state is State.FAIL


def test_a_lost_key_fails(app: Flask) -> None:
    with writing() as session:
        session.add(
            PMSConnection(
                pms_type="gentu",
                display_name="Gentu",
                time_zone="Australia/Melbourne",
                secret_uid="x",
                credentials_sealed=KeyRing([make_key()]).seal("x", "y"),
                created_at=clock.now(),
                updated_at=clock.now(),
            )
        )
    check = _found("keys")
    assert (check.state, check.message) == (State.FAIL, "1 sealed texts do not open with any key")


def test_a_clock_behind_the_log_fails(app: Flask, frozen_clock: FrozenClock) -> None:
    with writing() as session:
        audit.record(session, COMMAND_LINE, "test.happened")
    frozen_clock.advance(hours=-1)
    assert _found("clock").state is State.FAIL


def test_times_are_those_of_the_clinic(app: Flask, frozen_clock: FrozenClock) -> None:
    assert _found("clock").message == "the clock says 2026-11-23 09:00"


def test_a_clock_before_our_time_fails(app: Flask, frozen_clock: FrozenClock) -> None:
    frozen_clock.set(datetime(2020, 1, 1, tzinfo=UTC))
    assert _found("clock").state is State.FAIL


def test_a_process_that_went_silent_is_named(app: Flask, frozen_clock: FrozenClock) -> None:
    process_heartbeats.beat(process_heartbeats.SCHEDULER)
    frozen_clock.advance(minutes=5)
    check = _found("scheduler")
    assert (check.state, "last seen" in check.message) == (State.FAIL, True)


class Usage(NamedTuple):
    total: int
    used: int
    free: int


@pytest.mark.parametrize(
    ("free", "state"), [(10**10, State.OK), (5 * 10**8, State.WARN), (10**8, State.FAIL)]
)
def test_a_full_disk_is_noticed(app: Flask, monkeypatch: pytest.MonkeyPatch, free: int, state: State) -> None:
    monkeypatch.setattr(disk.shutil, "disk_usage", lambda path: Usage(10**11, 0, free))
    assert _found("disk").state is state


def test_an_old_backup_is_noticed(app: Flask, settings: Settings) -> None:
    if settings.database_url is not None:
        return
    assert _found("backup").message == "there is no backup yet"
    made = backup.make()
    assert made is not None
    assert _found("backup").state is State.OK
    days_ago = clock.now() - timedelta(days=3)  # a copy is as old as its name says
    made.path.rename(made.path.with_name(f"pmsapp-{days_ago:%Y%m%d-%H%M%S}{made.path.suffix}"))
    assert _found("backup").state is State.WARN


def test_two_zones_are_noticed(app: Flask) -> None:
    from pmsapp.services.clinic import clinic

    clinic.update_clinic(COMMAND_LINE, time_zone="Australia/Perth")
    assert _found("zone").state is State.WARN


@pytest.mark.parametrize(
    ("given", "name", "state"),
    [
        ({"host": "0.0.0.0"}, "way in", State.FAIL),
        ({"host": "0.0.0.0", "trusted_proxies": 1}, "way in", State.FAIL),
        ({"host": "0.0.0.0", "trusted_proxies": 1, "trusted_hosts": ("clinic.example",)}, "way in", State.OK),
        ({"allowed_pms_hosts": ("127.0.0.1:9000",)}, "way out", State.WARN),
        ({"allowed_pms_hosts": ("vendor.example",)}, "way out", State.OK),
        ({"redis_url": "redis://127.0.0.1:1"}, "queue", State.FAIL),
    ],
)
def test_settings_that_expose_something_are_named(
    app: Flask, make_settings: Callable[..., Settings], given: dict[str, object], name: str, state: State
) -> None:
    app.extensions["pmsapp_settings"] = make_settings(**{"allowed_pms_hosts": (), **given})
    assert _found(name).state is state


def test_a_check_that_breaks_is_itself_a_finding(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> bool:
        raise RuntimeError("Jane Citizen")

    monkeypatch.setattr(doctor.users, "any_users", broken)
    check = _found("people")
    assert (check.state, check.message) == (State.FAIL, "could not be checked (RuntimeError)")


def test_signs_of_life_say_since_when(app: Flask, frozen_clock: FrozenClock) -> None:
    process_heartbeats.beat(process_heartbeats.WORKER)
    begun = frozen_clock.at
    frozen_clock.advance(minutes=1)
    process_heartbeats.beat(process_heartbeats.WORKER)
    (beat,) = process_heartbeats.list_beats()
    assert (beat.started_at, beat.at) == (begun, begun + timedelta(minutes=1))


def test_failed_jobs_failing_tasks_and_dead_channels_are_named(
    app: Flask, make_settings: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert [_found(name).state for name in ("jobs", "tasks", "alerts")] == [State.OK] * 3
    failed = run_queue.FailedJob(7, clock.now())
    monkeypatch.setattr(run_queue, "get_state", lambda: run_queue.QueueState(answers=True, failed=(failed,)))
    app.extensions["pmsapp_settings"] = make_settings(alert_urls=("json://127.0.0.1:9/",))
    with writing() as session:
        session.add(ScheduledTask(name="back up", due_at=clock.now(), failures=2))
        alerts.post(session, "test", alerts.AlertMessage("x", "y", "/"))
        session.execute(update(AlertDelivery).values(next_try_at=None, note="refused"))
    assert "(runs 7)" in _found("jobs").message
    assert _found("tasks").message == "regular tasks fail: back up"
    assert _found("alerts").message == "alerts do not get through to json 1"
    assert {_found(name).state for name in ("jobs", "tasks", "alerts")} == {State.WARN}
