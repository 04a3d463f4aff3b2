"""What the pages on schedule and alerts say is so."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

from flask import Flask

from pmsapp.domain import incidents as rules
from pmsapp.domain.incidents import Severity
from pmsapp.jobs import worker
from pmsapp.services.base import metrics
from pmsapp.services.monitoring import alerts, incidents
from pmsapp.services.monitoring.periodic_tasks import TASKS
from pmsapp.services.runs import lease
from pmsapp.services.runs import queue as run_queue
from pmsapp.services.sync import run_end
from tests.support.actors import program_for

DOCS = Path(__file__).resolve().parent.parent / "docs"
SCHEDULE = (DOCS / "schedule.md").read_text(encoding="utf-8")
ALERTS = (DOCS / "alerts.md").read_text(encoding="utf-8")
_DAYS = ("Mondays", "Tuesdays", "Wednesdays", "Thursdays", "Fridays", "Saturdays", "Sundays")


def test_the_table_of_regular_tasks_is_the_declared_list() -> None:
    table = SCHEDULE[SCHEDULE.index("| Task |") :]
    rows = dict(re.findall(r"^\| ([a-z ]+) \| (.+?) \|$", table, re.MULTILINE))
    assert list(rows) == [task.name for task in TASKS]
    for task in TASKS:
        if task.at is not None:
            assert f"{task.at:%H:%M}" in rows[task.name]
        if task.weekday is not None:
            assert _DAYS[task.weekday] in rows[task.name]


def test_the_numbers_of_the_schedule_are_those_of_the_code() -> None:
    assert run_end.RETRY_AFTER_FAILURES_MINUTES == (1, 2, 5, 10)
    assert "repeated after 1, 2, 5 and 10 minutes" in SCHEDULE
    assert (lease.RUN_CEILING_S, run_queue.JOB_TIMEOUT_S) == (600, 660)
    assert "| 10 min |" in SCHEDULE
    assert "| 11 min |" in SCHEDULE
    assert worker.STOP_RUN_AFTER_S == 8
    assert "eight seconds" in SCHEDULE
    assert timedelta(days=7) == run_queue.FAILURE_KEPT


def test_the_numbers_of_the_alerts_are_those_of_the_code() -> None:
    assert timedelta(seconds=20) == incidents.WATCH_EVERY
    assert (2, timedelta(minutes=10)) == (rules.TELL_AFTER_FAILURES, rules.TELL_AFTER)
    assert [
        rules.ESCALATE_AFTER[severity] for severity in (Severity.HIGH, Severity.MEDIUM, Severity.LOW)
    ] == [
        timedelta(minutes=30),
        timedelta(hours=1),
        timedelta(hours=4),
    ]
    assert timedelta(minutes=3) == rules.CALM_AFTER
    minutes = [int(wait.total_seconds() // 60) for wait in alerts.TRY_AGAIN_AFTER]
    assert minutes == [1, 5, 15, 60]
    assert "tried again after 1, 5, 15 and 60 minutes" in ALERTS


def test_every_metric_is_on_the_page_and_the_other_way_round(app: Flask) -> None:
    metrics.current().add("run_seconds_sum", 1.0, pms="gentu")
    metrics.flush()
    numbers = program_for(app, "status").get("/metrics").text
    served = {
        name.removesuffix("_bucket").removesuffix("_count").removesuffix("_sum").removesuffix("_created")
        for name in re.findall(r"^# TYPE (\w+)", numbers, re.MULTILINE)
    }
    table = ALERTS[ALERTS.index("| Metric |") :]
    listed = set(re.findall(r"`(pmsapp_\w+)`", table))
    assert listed - {"pmsapp_backup_age_seconds"} == {
        name for name in served if name != "pmsapp_backup_age_seconds"
    }
