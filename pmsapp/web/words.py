"""Which word, shape and colour each state has. The one place, so that a state looks the same everywhere."""

from __future__ import annotations

from pmsapp.domain.appointment import AppointmentStatus, Presence, WorkflowState
from pmsapp.web.contexts import Badge

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
    Presence.DELETED: Badge("Deleted in the PMS", "bin", "stop"),
    Presence.HELD: Badge("Held", "held", "warn"),
    Presence.FILTERED: Badge("No longer telehealth", "list"),
    Presence.UNMAPPED: Badge("Clinician not shown", "absent"),
    Presence.REMOVED_BY_STAFF: Badge("Removed by staff", "bin"),
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
    None: Badge("Telehealth?", "help", "warn"),
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


def status_badge(status: str, presence: Presence) -> Badge:
    """What a card says first: what became of it, else what the practice software says."""
    if presence is not Presence.ON_SHEET:
        return PRESENCE[presence]
    try:
        return STATUS[AppointmentStatus(status)]
    except ValueError:
        return UNKNOWN_STATUS


def workflow_badge(state: str) -> Badge | None:
    """Where reception stands with the patient, when they have begun."""
    try:
        known = WorkflowState(state)
    except ValueError:
        return None
    return None if known is WorkflowState.BOOKED else WORKFLOW[known]
