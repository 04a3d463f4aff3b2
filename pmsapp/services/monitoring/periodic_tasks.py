"""The one declared list of periodic tasks. Each has a due time of its own in the database."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import time, timedelta

from pmsapp.domain.schedule import Rhythm
from pmsapp.observability import logs
from pmsapp.services.maintenance import audit_watch, database, retention
from pmsapp.services.maintenance.off_site import away
from pmsapp.services.monitoring import alerts, heartbeat_ping, incidents, task_table
from pmsapp.services.sync import receipts

DAILY = timedelta(days=1)
WEEKLY = timedelta(days=7)
OK = "ok"
_log = logs.get(__name__)


@dataclass(frozen=True, slots=True)
class PeriodicTask:
    """A periodic task: its name in `scheduled_tasks`, how often, and what it calls.

    `at` (and `weekday`, 0 for Monday) is a wall-clock time of the clinic. `do` may return a few words for the health
    page; it raises when it failed.
    """

    name: str
    every: timedelta
    do: Callable[[], object]
    at: time | None = None
    weekday: int | None = None

    @property
    def rhythm(self) -> Rhythm:
        """When it is due."""
        return Rhythm(self.every, self.at, self.weekday)


# At night, a while apart, and none between two and three: that hour exists twice or not at all once a year.
TASKS: tuple[PeriodicTask, ...] = (
    PeriodicTask(incidents.WATCH, incidents.WATCH_EVERY, incidents.look),
    PeriodicTask(retention.DATABASE, DAILY, database.quick_check, at=time(1, 10)),
    PeriodicTask(retention.AUDIT, DAILY, audit_watch.check, at=time(1, 20)),
    PeriodicTask(retention.BACKUP, DAILY, retention.nightly_backup, at=time(1, 30)),
    PeriodicTask(retention.AWAY, DAILY, away.take_newest, at=time(1, 40)),
    PeriodicTask(retention.PURGE, DAILY, retention.do_purge, at=time(1, 50)),
    PeriodicTask(retention.RECEIPTS, timedelta(hours=1), retention.check_receipts),
    PeriodicTask(receipts.NIGHTLY, DAILY, receipts.ask_nightly, at=time(5, 30)),
    PeriodicTask(retention.KEYS, DAILY, retention.check_token_age, at=time(7, 0)),
    PeriodicTask(retention.VERIFY, WEEKLY, away.verify_newest, at=time(4, 0), weekday=6),
    PeriodicTask(retention.SELF_TEST, WEEKLY, alerts.self_test, at=time(9, 0), weekday=0),
)


def declare(tasks: Sequence[PeriodicTask] = TASKS) -> None:
    """Make the stored list agree with the declared one."""
    task_table.declare([task.name for task in tasks], keep=[heartbeat_ping.TASK_NAME])


def do_due(tasks: Sequence[PeriodicTask] = TASKS, *, stop: Callable[[], bool] = lambda: False) -> None:
    """Do what is due, each once whoever else asks, until `stop` says so. An error ends its own task and no other."""
    waiting = set(task_table.list_due({task.name: task.rhythm for task in tasks}))
    for task in tasks:
        if task.name in waiting and not stop() and task_table.take(task.name, task.rhythm):
            perform(task)


def perform(task: PeriodicTask) -> bool:
    """Do a task now and note how it ended. False when it failed; its error is logged, never raised."""
    try:
        found = task.do()
    except Exception as error:
        _log.error("a periodic task failed", entry=task.name, exc_info=True)
        task_table.ended(task.name, type(error).__name__, failed=True)
        return False
    task_table.ended(task.name, found if isinstance(found, str) else OK)
    return True
