"""The health page: the same numbers as monitoring reads, in words and small drawings."""

from __future__ import annotations

from datetime import datetime

from pmsapp.adapters.registry import ADAPTERS, get_info
from pmsapp.services.base import metrics
from pmsapp.services.base.metrics import Count
from pmsapp.services.maintenance import retention
from pmsapp.services.monitoring import alerts, heartbeat_ping, incidents, process_heartbeats, task_table
from pmsapp.services.monitoring.examination import doctor
from pmsapp.services.monitoring.examination.finding import State
from pmsapp.services.runs import last_24h
from pmsapp.services.runs import queue as run_queue
from pmsapp.web.settings import nav as settings_nav
from pmsapp.web.settings import plots
from pmsapp.web.settings.contexts import CheckLine, HealthPage, RhythmLine
from pmsapp.web.ui import formatting as fmt
from pmsapp.web.ui import labels, shell
from pmsapp.web.ui.page_contexts import Badge

_CHECKS = {
    State.OK: Badge("Good", "tick", "good"),
    State.WARN: Badge("Look", "warn", "warn"),
    State.FAIL: Badge("Wrong", "cross", "stop"),
}

# Shown as programs and regular tasks instead, or too slow for a page because they read every row.
_NOT_CHECKED_HERE = frozenset(
    {
        process_heartbeats.SCHEDULER,
        process_heartbeats.WORKER,
        "web",
        "processes",
        "queue",
        "jobs",
        "integrity",
        "keys",
    }
)


def build(now: shell.PageStatus) -> HealthPage:
    """How this installation is at this moment."""
    return HealthPage(
        nav=settings_nav.nav(),
        open_incidents=len(incidents.list_open()),
        checks=tuple(
            CheckLine(_CHECKS[check.state], _title(check.name), check.message, check.hint)
            for check in doctor.examine(without=_NOT_CHECKED_HERE)
        ),
        programs=(*(_beat_line(beat, now) for beat in process_heartbeats.list_beats()), _queue_line()),
        rhythms=_rhythms(now),
        requests=tuple(_request_lines(metrics.list_counts(("vendor_requests", "vendor_waits")))),
        tasks=tuple(_task_line(task, now) for task in task_table.list_tasks()),
        tokens=tuple(
            f"{token.name} stops working {_moment(token.expires_at, now)}."
            for token in retention.ageing_tokens()
        ),
        channels=tuple(alerts.channels()),
    )


def _beat_line(beat: process_heartbeats.Beat, now: shell.PageStatus) -> CheckLine:
    badge = _CHECKS[State.OK if beat.is_alive else State.WARN]
    since = _moment(beat.started_at, now)
    return CheckLine(
        badge, beat.name.capitalize(), f"Last sign of life {_moment(beat.at, now)}, started {since}.", None
    )


def _queue_line() -> CheckLine:
    state = run_queue.get_state()
    if not state.answers:
        text = "It does not answer; the scheduler performs the updates itself."
        return CheckLine(
            _CHECKS[State.WARN], "Queue", text, "Nothing is lost: the database knows what waits."
        )
    failed = (
        f"{fmt.plural(len(state.failed), 'job')} failed within a week." if state.failed else "No job failed."
    )
    text = f"It answers. {fmt.plural(state.waiting, 'update')} waiting in it. {failed}"
    return CheckLine(_CHECKS[State.WARN if state.failed else State.OK], "Queue", text, None)


def _rhythms(now: shell.PageStatus) -> tuple[RhythmLine, ...]:
    """A day of each connection that was ever switched on."""
    runs = last_24h.of_last_day()
    return tuple(
        RhythmLine(
            name=connection.display_name,
            href=f"/integrations/{connection.id}/history",
            badge=labels.connection_badge(connection, now.running.get(connection.id), now.now),
            next=f"Next update {_moment(connection.next_sync_at, now)}, {connection.next_sync_reason}."
            if connection.next_sync_at
            else "No update is planned.",
            plot=plots.day_plot(runs.get(connection.id, ()), now.now, now.zone),
        )
        for connection in now.connections
        if connection.last_sync_at is not None
    )


def _request_lines(counts: list[Count]) -> list[tuple[str, str]]:
    """Vendor -> how its answers were, since counting began."""
    lines = []
    for slug in sorted({counter.labels["pms"] for counter in counts}):
        by_status: dict[str, float] = {}
        for counter in counts:
            if counter.name == "vendor_requests" and counter.labels["pms"] == slug:
                kind = _answer(counter.labels["status"])
                by_status[kind] = by_status.get(kind, 0) + counter.value
        waits = sum(
            counter.value
            for counter in counts
            if counter.name == "vendor_waits" and counter.labels["pms"] == slug
        )
        parts = [f"{int(number)} {kind}" for kind, number in by_status.items()]
        if waits:
            parts.append(f"{int(waits)} that waited for their turn")
        label = get_info(slug).label if slug in ADAPTERS else slug
        lines.append((label, f"{fmt.listed(parts)}."))
    return lines


def _answer(status: str) -> str:
    if status == "0":
        return "without an answer"
    if status == "429":
        return "told to wait (429)"
    return "answered" if status < "400" else f"refused or failed ({status[0]}xx)"


def _task_line(task: task_table.TaskView, now: shell.PageStatus) -> CheckLine:
    badge = _CHECKS[State.WARN if task.failures else State.OK]
    at = max(filter(None, (task.last_ended_at, task.last_started_at)), default=None)
    result = f": {task.last_result}" if task.last_result else ""
    last = f"Last {_moment(at, now)}{result}." if at else "Not run yet."
    if task.name == heartbeat_ping.TASK_NAME:
        return CheckLine(badge, "Ping the watcher outside", last, None)
    return CheckLine(badge, _title(task.name), f"{last} Next {_moment(task.due_at, now)}.", None)


def _title(name: str) -> str:
    return name[:1].upper() + name[1:]


def _moment(instant: datetime, now: shell.PageStatus) -> str:
    return fmt.moment(instant, now.now, now.zone)
