"""Which word, shape and colour each state has. The one place, so that a state looks the same everywhere."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from pmsapp.domain.appointment import AppointmentStatus, Presence, WorkflowState
from pmsapp.domain.runsheet import Card, FreshnessState
from pmsapp.domain.sync_state import ConnectionState, RunStatus
from pmsapp.services.connections.connections import ConnectionView
from pmsapp.web.ui import formatting as fmt
from pmsapp.web.ui.page_contexts import Badge

STATUS = {
    AppointmentStatus.BOOKED: Badge("Booked", "today"),
    AppointmentStatus.CONFIRMED: Badge("Confirmed", "tick", "good"),
    AppointmentStatus.ARRIVED: Badge("Arrived", "arrive", "accent"),
    AppointmentStatus.IN_PROGRESS: Badge("In progress", "busy", "accent"),
    AppointmentStatus.COMPLETED: Badge("Completed", "done"),
    AppointmentStatus.CANCELLED: Badge("Cancelled", "gone", "stop"),
    AppointmentStatus.NO_SHOW: Badge("No show", "absent", "warn"),
}
UNKNOWN_STATUS = Badge("Unknown", "help", "warn")

PRESENCE = {
    Presence.CANCELLED: Badge("Cancelled", "gone", "stop"),
    Presence.DELETED: Badge("Deleted", "bin", "stop"),
    Presence.HELD: Badge("Held", "held", "held"),
    Presence.FILTERED: Badge("No longer telehealth", "list"),
    Presence.UNMAPPED: Badge("Clinician not shown", "absent"),
    Presence.REMOVED_BY_STAFF: Badge("Removed by staff", "bin"),
}

DISCONNECTED = Badge("Disconnected", "plug", "warn")

IDENTIFIERS = {
    "name": "name",
    "birth_date": "birth date",
    "gender": "gender",
    "address": "address",
    "record_number": "record number",
    "ihi": "IHI",
}

WORKFLOW = {
    WorkflowState.BOOKED: Badge("Booked", "today"),
    WorkflowState.CONTACTED: Badge("Contacted", "callout", "accent"),
    WorkflowState.WAITING: Badge("Waiting", "waiting", "accent"),
    WorkflowState.READY: Badge("Ready", "tick", "good"),
    WorkflowState.WITH_CLINICIAN: Badge("With clinician", "busy", "accent"),
    WorkflowState.DONE: Badge("Done", "done"),
    WorkflowState.NO_ANSWER: Badge("No answer", "absent", "warn"),
    WorkflowState.DID_NOT_ATTEND: Badge("Did not attend", "absent", "warn"),
}

TELEHEALTH = {
    True: Badge("Telehealth", "video", "telehealth"),
    False: Badge("In person", "person"),
    None: Badge("Telehealth?", "help", "unsure"),
}

FIELDS = {
    "patient_name": "Name",
    "patient_phone": "Phone",
    "patient_email": "Email",
    "start_at": "Start time",
    "duration_minutes": "Length",
    "clinician_id": "Clinician",
    "is_telehealth": "Telehealth",
    "notes": "Notes",
    "state": "State",
}
PMS_FIELDS = FIELDS | {
    "status": "status",
    "appointment_status": "status",
    "patient_dob": "birth date",
    "patient_has_died": "recorded as deceased",
    "type_name": "type",
    "appointment_type_name": "type",
    "appointment_duration_minutes": "length",
    "duration_min": "length",
    "pms_notes": "notes",
}


def status_badge(status: str, presence: Presence) -> Badge:
    """What a card says first: what became of it, else what the practice software says."""
    if presence is not Presence.ON_SHEET:
        return PRESENCE[presence]
    try:
        return STATUS[AppointmentStatus(status)]
    except ValueError:
        return UNKNOWN_STATUS


def presence_badge(card: Card) -> Badge:
    """What became of a card that is not on the sheet."""
    return DISCONNECTED if card.is_disconnected else PRESENCE[card.presence]


def no_age_words(view: ConnectionView) -> str:
    """Why no time can be given for a connection's data."""
    if view.freshness.state is FreshnessState.NONE and view.state is not ConnectionState.SETUP:
        return "No clinician of it is on the run sheet."
    return "Not every list has been read yet." if view.last_sync_at else "Nothing has been read yet."


def connection_badge(view: ConnectionView, running: Mapping[str, Any] | None, now: datetime) -> Badge:
    """One of the nine states a connection can be in, and set-up, in words people act on.

    `running`: what its run under way says of itself; None when none runs.
    """
    if running is not None:
        return updating_badge([running])
    state, zone = view.state, view.time_zone
    if state is ConnectionState.SETUP:
        return Badge("Set-up not finished", "broken")
    if state is ConnectionState.PAUSED:
        return Badge(_paused_words(view, now), "bars")
    if state is ConnectionState.NEEDS_YOU:
        return Badge(view.next_step.word if view.next_step else "Needs you", "person", "stop")
    if state is ConnectionState.PMS_TROUBLE:
        return Badge(f"{view.pms_label} has a problem", "cloud", "warn")
    if state is ConnectionState.RETRYING:
        return Badge(_retry_words(view, now), "again", "wait")
    if state is ConnectionState.STALE and view.freshness.as_of is None:
        return Badge(no_age_words(view).rstrip("."), "clock", "warn")
    if state in (ConnectionState.LATE, ConnectionState.STALE) and view.freshness.as_of:
        age = fmt.moment(view.freshness.as_of, now, zone)
        if state is ConnectionState.LATE:
            return Badge(f"Late: data from {age}", "clock", "wait")
        return Badge(f"Out of date: data from {age}", "clock", "warn")
    if view.last_sync_status == RunStatus.PARTIAL:
        return partial_badge(view.last_sync_error.code if view.last_sync_error else None)
    if view.last_sync_status == RunStatus.INTERRUPTED:
        return Badge("Stopped half way, will repeat", "broken", "wait")
    if view.last_sync_at is None:
        return Badge("Not read yet", "broken")
    if view.freshness.state is FreshnessState.NEVER:
        return Badge("Not all read yet", "half", "wait")
    return Badge("Up to date", "tick", "good")


def partial_badge(code: str | None) -> Badge:
    """A run that was not wholly a success: every list was read and something waits for a person, or not all was read."""
    if code == "REMOVE-HELD":
        return Badge("Updated, cards held", "held", "held")
    return Badge("Partly updated", "half", "wait")


def updating_badge(running: Iterable[Mapping[str, Any]]) -> Badge:
    """ "Updating… 2 of 4" over everything that runs now; without numbers until they are known."""
    progress = [run for run in running if run.get("total")]
    if not progress:
        return Badge("Updating…", "ring", "accent spin")
    done, total = (sum(part[key] or 0 for part in progress) for key in ("done", "total"))
    return Badge(f"Updating… {done} of {total}", "ring", "accent spin")


def _paused_words(view: ConnectionView, now: datetime) -> str:
    if view.paused is None:
        return "Paused"
    by = f" by {view.paused.by}" if view.paused.by else ""
    return f"Paused{by} until {fmt.moment(view.paused.until, now, view.time_zone)}"


def _retry_words(view: ConnectionView, now: datetime) -> str:
    at = fmt.moment(view.next_sync_at, now, view.time_zone) if view.next_sync_at else None
    if view.last_sync_error and view.last_sync_error.code == "RATE-WAIT":
        return f"Waiting for {view.pms_label}" + (f", continues {at}" if at else "")
    return f"Trying again at {at}" if at else "Trying again"


ROLE_WORDS = {
    "admin": "Administrator",
    "reception": "Reception",
    "clinician": "Clinician",
    "viewer": "Viewer",
}
