"""One update as a text for support: run, versions, codes, counts. No patient, no clinician, no token, no vendor text."""

from __future__ import annotations

from collections import Counter
from datetime import datetime

from pmsapp import __version__
from pmsapp.domain.window import utc_text
from pmsapp.services.connections.connections import ConnectionView
from pmsapp.services.runs.history import RunView


def of_run(run: RunView, view: ConnectionView, now: datetime) -> str:
    """The text, a fact a line; times in UTC."""
    lines = [
        f"pmsapp {__version__}",
        f"Update {run.id} of connection {view.id} ({view.pms_type})",
        f"Status: {run.status}" + (", preview only" if run.dry_run else ""),
        f"Code: {run.error[0] if run.error else 'none'}",
        f"Started by: {run.trigger}",
        f"Days: {', '.join(day.isoformat() for day in run.dates)} ({view.time_zone})",
        f"Asked for: {utc_text(run.requested_at)}",
        f"Started: {utc_text(run.started_at) if run.started_at else 'not yet'}",
        f"Ended: {utc_text(run.completed_at) if run.completed_at else 'not yet'}",
        f"Requests: {'not counted' if run.requests_made is None else run.requests_made}",
        "Counts: " + ", ".join(f"{name} {count}" for name, count in run.counts.items()),
    ]
    outcomes = Counter((scope.outcome, scope.error_code or "no code") for scope in run.scopes)
    lines += [f"Lists: {count} {outcome}, {code}" for (outcome, code), count in sorted(outcomes.items())]
    if run.skipped_reasons:
        lines.append(
            "Not for the sheet: "
            + ", ".join(f"{reason} {count}" for reason, count in sorted(run.skipped_reasons.items()))
        )
    if run.undone:
        lines.append(f"Undone: {run.undone['at']}")
    return "\n".join([*lines, f"Written: {utc_text(now)}"])
