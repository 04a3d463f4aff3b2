"""The periodic tasks: what is thrown away and what never is, receipts, keys that age, copies that can be trusted."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import func, select, update

from pmsapp import clock
from pmsapp.domain.errors import ConfigurationError
from pmsapp.domain.schedule import Rhythm
from pmsapp.models import (
    APIToken,
    AuditEvent,
    RunSheetAppointment,
    RunSheetEvent,
    ScheduledTask,
    SyncRun,
    SyncScope,
    UserSession,
)
from pmsapp.models.databases.sqlite import sqlite_module
from pmsapp.services.base.transaction import reading, writing
from pmsapp.services.maintenance import backup, retention
from pmsapp.services.monitoring import periodic_tasks, task_table
from pmsapp.services.monitoring.periodic_tasks import TASKS, PeriodicTask
from pmsapp.settings import Settings
from tests.support.actors import make_user
from tests.support.clock import FrozenClock
from tests.support.seeded_clinic import seed

DAY = timedelta(days=1)


def count(model: type) -> int:
    with reading() as session:
        return session.scalar(select(func.count()).select_from(model)) or 0


def task(name: str) -> task_table.TaskView:
    return next(task for task in task_table.list_tasks() if task.name == name)


def test_the_purge_throws_away_what_served_its_time_and_no_card(
    app: Flask, frozen_clock: FrozenClock
) -> None:
    seed()
    user = make_user("viewer")
    with writing() as session:
        session.execute(update(SyncRun).values(completed_at=clock.now() - timedelta(days=91)))
        session.add(
            UserSession(
                token_hash="x",
                user_id=user.id,
                created_at=clock.now() - timedelta(days=60),
                last_seen_at=clock.now() - timedelta(days=31),
            )
        )
    kept = [count(model) for model in (RunSheetAppointment, RunSheetEvent, AuditEvent)]
    gone = retention.purge()
    assert (count(SyncRun), count(SyncScope), count(UserSession)) == (0, 0, 0)
    assert gone["sessions"] == 1
    assert [count(model) for model in (RunSheetAppointment, RunSheetEvent, AuditEvent)] == kept


def test_a_purge_without_anything_to_do_says_so(app: Flask, frozen_clock: FrozenClock) -> None:
    assert retention.do_purge() == "0 rows removed"


def a_token(name: str, expires_at: datetime | None, revoked_at: datetime | None = None) -> None:
    with writing() as session:
        session.add(
            APIToken(
                name=name,
                prefix="pms_x",
                token_hash=name,
                role="viewer",
                created_at=clock.now(),
                created_by="test",
                expires_at=expires_at,
                revoked_at=revoked_at,
            )
        )


def test_tokens_that_stop_working_soon_are_named(app: Flask, frozen_clock: FrozenClock) -> None:
    now = clock.now()
    a_token("soon", now + timedelta(days=13))
    a_token("sooner", now + timedelta(days=2))
    a_token("later", now + timedelta(days=15))
    a_token("never", None)
    a_token("revoked", now + timedelta(days=2), revoked_at=now)
    a_token("over", now - timedelta(days=1))
    assert [token.name for token in retention.ageing_tokens()] == ["sooner", "soon"]
    assert retention.check_token_age() == "2 tokens will expire within two weeks"


def test_a_column_that_does_not_hold_what_was_read_fails_the_check(
    app: Flask, frozen_clock: FrozenClock
) -> None:
    seed()
    with writing() as session:
        session.execute(
            update(SyncScope).values(outcome="complete", checked_at=clock.now(), expected=5, matched=5)
        )
    assert retention.check_receipts() == "every column matches"
    with writing() as session:
        session.execute(update(SyncScope).values(matched=4))
    with pytest.raises(retention.ReceiptsDifferError):
        retention.check_receipts()


def test_every_declared_task_is_on_the_list_with_a_time_of_its_own(
    app: Flask, frozen_clock: FrozenClock
) -> None:
    periodic_tasks.declare()
    periodic_tasks.do_due()
    found = {task.name: task for task in task_table.list_tasks()}
    assert set(found) == {task.name for task in TASKS}
    assert {
        retention.PURGE,
        retention.KEYS,
        retention.BACKUP,
        retention.RECEIPTS,
        retention.SELF_TEST,
    } <= set(found)
    for task in TASKS:
        assert found[task.name].due_at == task.rhythm.next_after(clock.now(), "Australia/Melbourne")
        assert found[task.name].failures == 0


def test_a_task_of_the_night_that_was_slept_through_is_made_up_once(
    app: Flask, frozen_clock: FrozenClock
) -> None:
    done: list[datetime] = []
    nightly = [PeriodicTask("nightly", DAY, lambda: done.append(clock.now()), at=time(1, 30))]
    periodic_tasks.declare(nightly)
    periodic_tasks.do_due(nightly)
    frozen_clock.advance(days=5)
    for _ in range(3):
        periodic_tasks.do_due(nightly)
    assert len(done) == 2
    assert task("nightly").due_at - clock.now() < DAY


def test_a_task_that_failed_is_tried_again_in_half_an_hour_and_counted(
    app: Flask, frozen_clock: FrozenClock
) -> None:
    works = False

    def fail() -> str:
        if not works:
            raise ConfigurationError("the disk is full")
        return "42 kB"

    nightly = [PeriodicTask("nightly", DAY, fail)]
    periodic_tasks.declare(nightly)
    for expected in (1, 2):
        periodic_tasks.do_due(nightly)
        found = task("nightly")
        assert (found.failures, found.last_result) == (expected, "ConfigurationError")
        assert found.due_at == clock.now() + timedelta(minutes=30)
        frozen_clock.advance(minutes=30)
    works = True
    periodic_tasks.do_due(nightly)
    found = task("nightly")
    assert (found.failures, found.last_result, found.due_at) == (0, "42 kB", clock.now() + DAY)


def test_a_clock_put_back_stops_no_task(app: Flask, frozen_clock: FrozenClock) -> None:
    done: list[datetime] = []
    often = [PeriodicTask("often", timedelta(minutes=5), lambda: done.append(clock.now()))]
    periodic_tasks.declare(often)
    periodic_tasks.do_due(often)
    frozen_clock.advance(hours=-3)
    periodic_tasks.do_due(often)
    periodic_tasks.do_due(often)
    assert len(done) == 2


def test_of_many_takers_one_gets_it(app: Flask, frozen_clock: FrozenClock) -> None:
    periodic_tasks.declare([PeriodicTask("one", DAY, lambda: None)])
    assert [task_table.take("one", Rhythm(DAY)) for _ in range(3)] == [True, False, False]


def test_a_backup_is_whole_private_and_the_oldest_go(
    app: Flask, frozen_clock: FrozenClock, settings: Settings
) -> None:
    seed()
    made = []
    for _ in range(backup.KEEP + 2):
        made.append(backup.make())
        frozen_clock.advance(days=1)
    kept = sorted((settings.instance_dir / "backups").iterdir())
    newest_of_the_week_before = made[0]  # a Sunday
    expected = [newest_of_the_week_before, *made[-backup.KEEP :]]
    assert [path.name for path in kept] == [copy.path.name for copy in expected if copy]
    newest = backup.latest()
    assert newest is not None
    assert newest.path == kept[-1]
    assert (kept[-1].stat().st_mode & 0o777, kept[-1].parent.stat().st_mode & 0o777) == (0o600, 0o700)
    copy = sqlite_module().connect(str(kept[-1]))
    assert copy.execute("select count(*) from run_sheet_appointments").fetchone()[0] == count(
        RunSheetAppointment
    )
    copy.close()


def test_a_backup_that_cannot_be_written_says_so_and_leaves_no_half_file(
    app: Flask, frozen_clock: FrozenClock, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(target: Path) -> None:
        target.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(backup.database, "copy_live", full)
    with pytest.raises(ConfigurationError, match="could not be written"):
        backup.make()
    assert list((settings.instance_dir / "backups").iterdir()) == []
    assert backup.latest() is None


def test_a_failed_backup_is_noted_as_a_failed_task(
    app: Flask, frozen_clock: FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(target: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(backup.database, "copy_live", full)
    periodic_tasks.declare()
    periodic_tasks.do_due()
    assert task(retention.BACKUP).failures == 1
    with reading() as session:
        failed = session.scalars(select(ScheduledTask.name).where(ScheduledTask.failures > 0)).all()
    assert list(failed) == [retention.BACKUP]
