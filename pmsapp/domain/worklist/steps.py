"""Where reception stands with a patient, and the one step forward. Pure."""

from __future__ import annotations

from enum import StrEnum

from pmsapp.domain.appointment import AppointmentStatus, WorkflowState

FORWARD = {
    WorkflowState.BOOKED: WorkflowState.CONTACTED,
    WorkflowState.NO_ANSWER: WorkflowState.CONTACTED,
    WorkflowState.CONTACTED: WorkflowState.WAITING,
    WorkflowState.WAITING: WorkflowState.READY,
    WorkflowState.READY: WorkflowState.WITH_CLINICIAN,
    WorkflowState.WITH_CLINICIAN: WorkflowState.DONE,
}
TO_CALL = frozenset({WorkflowState.BOOKED, WorkflowState.NO_ANSWER})
WAITS = frozenset({WorkflowState.WAITING, WorkflowState.READY})
OVER = frozenset({WorkflowState.DONE, WorkflowState.DID_NOT_ATTEND})

# What the practice software says of a visit that is over, as a state of ours.
_SETTLED = {
    AppointmentStatus.COMPLETED: WorkflowState.DONE,
    AppointmentStatus.NO_SHOW: WorkflowState.DID_NOT_ATTEND,
}
# Our states that go together with what the practice software says; a status without a row says nothing about them.
_AGREES = {
    AppointmentStatus.ARRIVED: WAITS | {WorkflowState.WITH_CLINICIAN, WorkflowState.DONE},
    AppointmentStatus.IN_PROGRESS: {WorkflowState.WITH_CLINICIAN, WorkflowState.DONE},
    AppointmentStatus.COMPLETED: {WorkflowState.DONE},
    AppointmentStatus.NO_SHOW: {WorkflowState.DID_NOT_ATTEND},
}


class Outcome(StrEnum):
    """What came of an attempt to reach a patient."""

    NO_ANSWER = "no_answer"
    BUSY = "busy"
    LEFT_MESSAGE = "left_message"
    WRONG_NUMBER = "wrong_number"
    REACHED = "reached"


IDENTIFIERS = ("name", "birth_date", "gender", "address", "record_number", "ihi")
NEEDED = 3


def status_of(text: str) -> AppointmentStatus | None:
    """The practice software's status, None where it is a word of its own."""
    try:
        return AppointmentStatus(text)
    except ValueError:
        return None


def settled_as(appointment_status: str) -> WorkflowState | None:
    """The state of ours that a visit has come to, where the practice software says that it is over."""
    status = status_of(appointment_status)
    return _SETTLED.get(status) if status else None


def next_step(state: str, appointment_status: str = "booked") -> WorkflowState | None:
    """The one step forward; None where there is none. A visit that is over in the practice software is closed."""
    known = WorkflowState(state)
    if known in OVER:
        return None
    return settled_as(appointment_status) or FORWARD.get(known)


def pms_disagrees(state: str, appointment_status: str) -> bool:
    """True when the practice software says something about the visit that our state does not."""
    status = status_of(appointment_status)
    agrees = _AGREES.get(status) if status else None
    return agrees is not None and WorkflowState(state) not in agrees


def after_attempt(state: str, outcome: str) -> WorkflowState:
    """The state an attempt leaves behind: only who is not here yet can be out of reach."""
    known = WorkflowState(state)
    if outcome == Outcome.REACHED:
        return WorkflowState.CONTACTED if known in TO_CALL else known
    return WorkflowState.NO_ANSWER if known in TO_CALL | {WorkflowState.CONTACTED} else known
