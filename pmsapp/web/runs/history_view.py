"""The lines of a connection's history in words. Pure."""

from __future__ import annotations

from datetime import datetime

from pmsapp.services.runs.history import RunView
from pmsapp.services.runs.history_lines import FoldedLine, GapLine, Line, RunLine, SetupLine
from pmsapp.web.runs import view as run_view
from pmsapp.web.runs.contexts import HistoryRow
from pmsapp.web.ui import formatting as fmt
from pmsapp.web.ui.page_contexts import Badge

OUTCOME_WORDS = {
    "": "Everything",
    "changed": "Something changed",
    "unchanged": "Nothing changed",
    "partly": "Partly updated",
    "held": "Cards held",
    "failed": "Not updated",
    "stopped": "Stopped or cancelled",
    "preview": "Previews",
    "gaps": "Gaps",
    "setup": "Set-up",
}
TRIGGER_WORDS = {
    "": "Anybody",
    "schedule": "Schedule",
    "manual": "Somebody by hand",
    "webhook": "A nudge from the PMS",
    "api": "A program",
    "cli": "The command line",
    "setup": "Set-up",
}
PERIOD_WORDS = {"": "As far back as kept", "1": "24 hours", "7": "7 days", "30": "30 days"}
_SETUP_WORDS = {
    "connection.created": "Connected",
    "connection.paired": "Paired",
    "connection.switched_on": "Updates switched on again",
    "connection.practitioners_decided": "Practitioners matched",
    "connection.types_decided": "Appointment types decided",
    "connection.disconnect_undone": "Disconnected, and brought back",
    "connection.login_unreadable": "The stored login could not be opened with this server's key",
}
_FIELD_WORDS = {
    "display_name": "name",
    "time_zone": "time zone",
    "sync_frequency_minutes": "how often it is read",
    "sync_telehealth_only": "telehealth only",
}
UNCHANGED = Badge("Nothing changed", "tick")
_GAP = Badge("No update", "clock", "warn")
_SET_UP = Badge("Set-up", "settings")


def line_row(line: Line, now: datetime, zone: str, connection_id: int) -> HistoryRow:
    """One line of the list."""
    if isinstance(line, RunLine):
        return run_row(line.run, now, zone)
    if isinstance(line, FoldedLine):
        return _folded(line, now, zone, connection_id)
    if isinstance(line, GapLine):
        return HistoryRow("gap", fmt.moment(line.at, now, zone), gap_words(line, now, zone), _GAP)
    return HistoryRow(
        "set-up", fmt.moment(line.at, now, zone), setup_words(line, now, zone), _SET_UP, by=line.by
    )


def run_row(run: RunView, now: datetime, zone: str) -> HistoryRow:
    """One run."""
    begun = run.started_at or run.requested_at
    took = fmt.span((run.completed_at - begun).total_seconds()) if run.completed_at and run.started_at else ""
    said = run_view.result_words(run)
    if run.undone:
        said = f"{said}; undone by {run.undone['by']}"
    return HistoryRow(
        "run",
        fmt.moment(begun, now, zone),
        said,
        run_view.status_badge(run),
        href=f"/integrations/{run.connection_id}/history/{run.id}",
        took=took,
        by=run_view.started_by(run) + (", preview only" if run.dry_run else ""),
        days=fmt.listed([fmt.short_day(day, now.date()) for day in run.dates]),
        code=run.error[0] if run.error else None,
    )


def _folded(line: FoldedLine, now: datetime, zone: str, connection_id: int) -> HistoryRow:
    first, last = (run.started_at or run.requested_at for run in (line.runs[-1], line.runs[0]))
    return HistoryRow(
        "folded",
        fmt.moment(last, now, zone),
        f"{fmt.plural(len(line.runs), 'run')}, nothing changed, {fmt.hhmm(first, zone)}–{fmt.hhmm(last, zone)}",
        UNCHANGED,
        by=fmt.listed(list(dict.fromkeys(run_view.started_by(run) for run in line.runs))),
        runs=tuple(
            (
                f"/integrations/{connection_id}/history/{run.id}",
                fmt.hhmm(run.started_at or run.requested_at, zone),
            )
            for run in line.runs
        ),
    )


def gap_words(line: GapLine, now: datetime, zone: str) -> str:
    """ "No update for 2 h 10 min, until 11:20: the computer was off, or updates were not running." """
    lasted = fmt.span((line.to - line.at).total_seconds())
    ends = "and none since" if line.is_open else f"until {fmt.moment(line.to, now, zone)}"
    if line.until is not None:
        by = f" by {line.by}" if line.by else ""
        why = f"paused{by} until {fmt.moment(line.until, now, zone)}"
    else:
        why = "this computer was off, or updates were not running"
    return f"No update for {lasted}, {ends}: {why}."


def setup_words(line: SetupLine, now: datetime, zone: str) -> str:
    """What was done to the connection: "Paused until 13:00", "Login replaced"."""
    if line.action in _SETUP_WORDS:
        return _SETUP_WORDS[line.action]
    parts = []
    if line.is_on is False:
        parts.append("updates switched off" + _until(line, now, zone))
    elif line.is_on:
        parts.append("updates switched on")
    elif line.until is not None:
        parts.append("paused" + _until(line, now, zone))
    elif line.ends_pause:
        parts.append("pause ended")
    if "login" in line.fields:
        parts.append("login replaced")
    changed = [word for name, word in _FIELD_WORDS.items() if name in line.fields]
    if changed:
        parts.append(f"changed: {fmt.listed(changed)}")
    if not parts:
        parts.append("pause or switch changed" if line.fields else "changed")
    text = "; ".join(parts)
    return text[:1].upper() + text[1:]


def _until(line: SetupLine, now: datetime, zone: str) -> str:
    return f" until {fmt.moment(line.until, now, zone)}" if line.until is not None else ""
