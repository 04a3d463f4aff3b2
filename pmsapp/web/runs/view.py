"""What a run is doing or came to, in words. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, datetime

from pmsapp.domain.ages import age, holds
from pmsapp.domain.schedule import LONGEST_VENDOR_WAIT
from pmsapp.domain.sync_state import RunStatus
from pmsapp.services.runs.history import RunView, ScopeView
from pmsapp.services.sheet import timeline
from pmsapp.services.sheet.timeline import EventView, RunChange
from pmsapp.web.runs.contexts import ChangeRow
from pmsapp.web.ui import formatting as fmt
from pmsapp.web.ui import labels
from pmsapp.web.ui.page_contexts import Badge, RunProgress

TOTALS = {
    "fetched": "read",
    "created": "new",
    "updated": "changed",
    "unchanged": "unchanged",
    "skipped": "not for the sheet",
    "failed": "not understood",
    "removed": "cancelled or gone",
    "held": "held",
}
_STAGES = {
    "connect": "Connecting",
    "practitioners": "Reading practitioners",
    "appointments": "Reading appointments",
    "compare": "Comparing",
    "apply": "Writing cards",
}
_STATUS = {
    RunStatus.QUEUED: Badge("Waiting to start", "clock"),
    RunStatus.RUNNING: Badge("Updating…", "ring", "accent spin"),
    RunStatus.SUCCESS: Badge("Updated", "tick", "good"),
    RunStatus.FAILED: Badge("Not updated", "cross", "stop"),
    RunStatus.INTERRUPTED: Badge("Stopped half way, repeats", "broken", "wait"),
    RunStatus.CANCELLED: Badge("Cancelled", "gone"),
}
_OUTCOMES = {
    "complete": Badge("Read", "tick", "good"),
    "incomplete": Badge("Read in part", "half", "wait"),
    "failed": Badge("Not read", "cross", "stop"),
}
_KINDS = {
    "created": "new",
    "returned": "returned",
    "restored": "booked again",
    "moved_time": "moved",
    "moved_day": "moved",
    "moved_clinician": "moved",
    "cancelled": "cancelled",
    "deleted": "deleted",
    "left": "left an appointment",
    "changed": "changed",
    "filtered": "no longer telehealth",
    "unmapped": "no longer shown",
    "held": "held",
}
_TRIGGERS = {
    "schedule": "Schedule",
    "webhook": "A nudge from the PMS",
    "api": "Program",
    "cli": "Command line",
    "setup": "Set-up",
}


def status_badge(run: RunView) -> Badge:
    """How a run stands or ended. A preview changed nothing, whatever it found."""
    if run.dry_run and run.status in (RunStatus.SUCCESS, RunStatus.PARTIAL):
        return Badge("Preview only", "info")
    if run.status == RunStatus.PARTIAL:
        return labels.partial_badge(run.error[0] if run.error else None)
    return _STATUS[RunStatus(run.status)]


def outcome_badge(scope: ScopeView) -> Badge:
    """How one list of a run was read."""
    return _OUTCOMES.get(scope.outcome, _OUTCOMES["failed"])


def started_by(run: RunView) -> str:
    """Who or what started it: "Mel", "Schedule"."""
    if run.trigger == "manual":
        return run.actor or "Somebody"
    return _TRIGGERS.get(run.trigger, run.trigger)


def count_words(counts: Mapping[str, int]) -> str:
    """What changed, e.g. "3 new, 1 changed, 1 cancelled or gone"; "" when nothing did."""
    wordings = {
        "created": "new",
        "updated": "changed",
        "removed": "cancelled or gone",
        "held": "held",
        "failed": "not understood",
    }
    return ", ".join(f"{counts[key]} {text}" for key, text in wordings.items() if counts.get(key))


def change_words(run: RunView, events: Sequence[EventView], *, of_day: bool = False) -> str:
    """What a run changed, card by card: "3 new, 1 moved, 1 cancelled". `events` are the run's own, from its timeline.

    Without events, or when there are more than a timeline gives, the run's numbers have to do; they are about every
    day it read, so not where the events are those of one day (`of_day`).
    """
    if of_day and not events:
        return ""
    if not events or len(events) >= timeline.LIMIT:
        return count_words(run.counts)
    found = Counter(_KINDS.get(event.kind, "changed") for event in events)
    parts = [f"{found[word]} {word}" for word in dict.fromkeys(_KINDS.values()) if found[word]]
    if run.counts.get("failed"):
        parts.append(f"{run.counts['failed']} not understood")
    return ", ".join(parts)


def result_sentence(run: RunView, events: Sequence[EventView] = (), *, of_day: bool = False) -> str:
    """What a finished run came to, in one sentence a person can use; what worked comes first."""
    changed = change_words(run, events, of_day=of_day)
    reason = f" {run.error[1]}." if run.error and run.error[1] else ""
    if run.dry_run and run.status in (RunStatus.SUCCESS, RunStatus.PARTIAL):
        return f"Preview only, nothing was written. It would be: {changed or 'nothing changed'}.{reason}"
    if run.status == RunStatus.SUCCESS:
        return f"Updated: {changed}." if changed else "Nothing changed."
    if run.status == RunStatus.PARTIAL:
        return f"{status_badge(run).word}: {changed or 'nothing changed'}.{reason}"
    if run.status == RunStatus.CANCELLED:
        by = f" by {run.cancelled_by}" if run.cancelled_by else ""
        return f"Cancelled{by}. {'Done before that: ' + changed + '.' if changed else 'Nothing changed.'}"
    if run.status == RunStatus.INTERRUPTED:
        return "Stopped half way. It repeats by itself."
    return f"Not updated.{reason} Cards stay as they were."


_DIFFERENCES = {
    "not_as_read": "not as read",
    "held": "held",
    "kept_by_staff": "kept by staff",
    "removed_by_staff": "removed by staff",
    "not_understood": "not understood",
}


def receipt_words(scope: ScopeView, zone: str) -> str:
    """Whether the sheet matches the PMS: "12 of 12, checked 09:02", and where it does not; "" where nobody can say."""
    if scope.expected is None or scope.matched is None:
        return ""
    found = scope.differences or {}
    differs = [f"{found[name]} {word}" for name, word in _DIFFERENCES.items() if found.get(name)]
    checked = fmt.hhmm(scope.checked_at, zone)
    return "; ".join([f"{scope.matched} of {scope.expected}, checked {checked}", *differs])


def change_row(change: RunChange, today: date) -> ChangeRow:
    """One card a run changed: "Mon 23 Nov 09:30, Dr Hart" and "moved: start time"."""
    start = change.start_at.astimezone(fmt.zone_of(change.time_zone))
    when = f"{fmt.short_day(start.date(), today)} {fmt.hhmm(change.start_at, change.time_zone)}"
    fields = dict.fromkeys(
        labels.PMS_FIELDS[name].lower() for name in change.fields if name in labels.PMS_FIELDS
    )
    how = _KINDS.get(change.kind, "changed")
    return ChangeRow(
        href=f"/cards/{change.card_id}",
        which=f"{when}, {change.clinician or 'no clinician'}",
        how=f"{how}: {', '.join(fields)}" if fields else how,
    )


def result_words(run: RunView) -> str:
    """The same beside a badge that already says how it ended: "3 new, 1 changed"."""
    return count_words(run.counts) or "nothing changed"


def results_sentence(
    runs: Sequence[tuple[str, RunView, Sequence[EventView]]], *, of_day: bool = False
) -> str:
    """The sentence of one run, or of several with the connection's name in front of each; `of_day`: about one day."""
    if len(runs) == 1:
        return result_sentence(*runs[0][1:], of_day=of_day)
    if all(
        run.status == RunStatus.SUCCESS and not change_words(run, events, of_day=of_day)
        for _, run, events in runs
    ):
        return "Nothing changed."
    return " ".join(f"{name}: {result_sentence(run, events, of_day=of_day)}" for name, run, events in runs)


def waits_sentence(until: datetime, pms: str, now: datetime, zone: str) -> str:
    """Why a press on "Sync now" does nothing yet."""
    return f"Waits until {fmt.moment(until, now, zone)}, because {pms} asked us to. It continues by itself."


def progress_of(run: RunView, *, now: datetime, zone: str, pms: str) -> RunProgress:
    """What a run that is not over is doing."""
    shown = run.progress or {}
    total = shown.get("total") or None
    return RunProgress(
        stage=_stage(run, pms, now, zone),
        done=int(shown.get("done") or 0),
        total=int(total) if total else None,
        lists=tuple(
            f"{scope['name'] or 'No clinician'} {scope['count']}" for scope in shown.get("scopes", [])[-8:]
        ),
        started=_started(run, now),
    )


def _stage(run: RunView, pms: str, now: datetime, zone: str) -> str:
    if run.status == RunStatus.QUEUED:
        if run.not_before and holds(run.not_before, now, LONGEST_VENDOR_WAIT):
            return waits_sentence(run.not_before, pms, now, zone)
        return "Waiting to start"
    if run.cancel_requested:
        return "Stopping"
    return _STAGES.get((run.progress or {}).get("stage", ""), "Working")


def _started(run: RunView, now: datetime) -> str:
    since = age(run.started_at or run.requested_at, now)
    ago = f" {fmt.span(since.total_seconds())} ago" if since is not None else ""
    return f"Started by {started_by(run)}{ago}"
