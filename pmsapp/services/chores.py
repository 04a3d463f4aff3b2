"""The one declared list of periodic tasks. Each has a due time of its own in the database."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from pmsapp.services import alerts, database, incidents, upkeep


@dataclass(frozen=True, slots=True)
class Chore:
    """A periodic task: its name in `scheduled_tasks`, how often, and what it calls. It raises when it failed."""

    name: str
    every: timedelta
    do: Callable[[], object]


CHORES: tuple[Chore, ...] = (
    Chore(incidents.WATCH, incidents.WATCH_EVERY, incidents.look),
    Chore("check the database", timedelta(days=1), database.quick_check),
    Chore("back up", timedelta(days=1), upkeep.nightly_backup),
    Chore("purge", timedelta(days=1), upkeep.do_purge),
    Chore("check receipts", timedelta(days=1), upkeep.check_receipts),
    Chore("test the alert channels", timedelta(days=7), alerts.self_test),
)
