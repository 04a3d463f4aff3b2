"""What support is given: how this installation is, in one file. No patient, no name, no secret, no address of a channel.

It holds codes, counts and times alone. Texts people typed (names of the clinic, of columns, of people, reasons, notes)
are left out, and so are the settings' values: only which are set.
"""

from __future__ import annotations

import json
import platform
from datetime import datetime
from typing import Any

from pmsapp import __version__, clock
from pmsapp.extensions import current_settings, db
from pmsapp.services.connections import connections
from pmsapp.services.maintenance import database
from pmsapp.services.monitoring import health, incidents, outbound, process_heartbeats, task_table
from pmsapp.services.monitoring.examination import doctor
from pmsapp.services.runs import history

RUNS = 30
# Reads every row, so that a page would wait for it.
_TOO_SLOW = frozenset({"integrity"})


def bundle() -> str:
    """The file, as JSON that people can read before they send it."""
    return json.dumps(_collect(), indent=2, sort_keys=True, default=_plain)


def _plain(value: object) -> str:
    return value.isoformat(timespec="seconds") if isinstance(value, datetime) else str(value)


def _collect() -> dict[str, Any]:
    views = connections.list_connections()
    return {
        "made_at": clock.now(),
        "pmsapp": __version__,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "database": {"kind": db.engine.dialect.name, "versions": str(database.versions())},
        "settings_set": _set_names(),
        "checks": [
            {"name": check.name, "state": check.state.value} for check in doctor.examine(without=_TOO_SLOW)
        ],
        "programs": [
            {"name": beat.name, "alive": beat.is_alive, "at": beat.at, "started_at": beat.started_at}
            for beat in process_heartbeats.list_beats()
        ],
        "tasks": [
            {"name": task.name, "due_at": task.due_at, "last_ended_at": task.last_ended_at}
            | {"failures": task.failures}
            for task in task_table.list_tasks()
        ],
        "connections": [_connection(view) for view in views],
        "incidents": [
            {"code": incident.code, "severity": incident.severity, "connection": incident.connection_id}
            | {"started_at": incident.started_at, "ended_at": incident.ended_at}
            for incident in incidents.list_recent(RUNS)
        ],
        "numbers": _numbers(),
        "hosts": [host.host for host in outbound.list_hosts()],
    }


def _set_names() -> list[str]:
    """Names of the settings somebody set; their values stay here."""
    settings = current_settings()
    fields = type(settings).model_fields
    return sorted(name for name in settings.model_fields_set if name in fields)


def _connection(view: connections.ConnectionView) -> dict[str, Any]:
    counts = view.counts
    return {
        "id": view.id,
        "kind": view.pms_type,
        "state": view.state.value,
        "code": view.trouble_code,
        "data_as_of": view.freshness.as_of,
        "next_update_at": view.next_sync_at,
        "every_minutes": view.sync_frequency_minutes,
        "clock_off_s": view.clock_skew_s,
        "practitioners": {
            "mapped": counts.mapped,
            "ignored": counts.ignored,
            "undecided": counts.undecided,
        },
        "runs": [_run(run) for run in history.list_runs(view.id, limit=RUNS).items],
    }


def _run(run: history.RunView) -> dict[str, Any]:
    return {
        "id": run.id,
        "trigger": run.trigger,
        "status": run.status,
        "code": run.error[0] if run.error else None,
        "started_at": run.started_at,
        "completed_at": run.completed_at,
        "counts": run.counts,
        "lists": sorted(f"{scope.outcome} {scope.error_code or ''}".strip() for scope in run.scopes),
    }


def _numbers() -> dict[str, Any]:
    measured = health.measure()
    return {
        "runs_by_status": measured.runs_by_status,
        "runs_waiting": measured.runs_waiting,
        "open_decisions": measured.open_decisions,
        "queue_answers": measured.queue.answers,
        "backup_age_s": measured.backup_age_s,
        "disk_free_bytes": measured.disk_free_bytes,
    }
