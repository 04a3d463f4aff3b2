"""The status of an appointment at one instant: what was set by hand, else what its plan and the clock make of it."""

from __future__ import annotations

from datetime import datetime, timedelta

from pmsapp.sandbox.clinic.model import Appointment, StatusNow

CALLED_IN_AFTER = timedelta(minutes=2)
CLOSED_AFTER = timedelta(minutes=5)
NO_SHOW_AFTER = timedelta(minutes=15)
# Statuses that mean the patient has come.
PRESENT = frozenset({"arrived", "in_progress", "completed", "billed"})


def status_at(appointment: Appointment, now: datetime) -> StatusNow:
    """What the appointment book shows for `appointment` at `now`."""
    if appointment.status is not None:
        return _by_hand(appointment, appointment.status)
    if appointment.plan == "blank":
        return StatusNow(None, appointment.created_at)
    if appointment.plan == "cancel" and appointment.cancelled_at and now >= appointment.cancelled_at:
        return StatusNow(
            "cancelled",
            appointment.cancelled_at,
            cancelled_at=appointment.cancelled_at,
            cancel_reason=appointment.cancel_reason,
        )
    if appointment.plan == "no_show" and now >= appointment.start_at + NO_SHOW_AFTER:
        return StatusNow("no_show", appointment.start_at + NO_SHOW_AFTER)
    if appointment.plan == "attend" and appointment.attendances:
        return _attending(appointment, now)
    return StatusNow(_baseline(appointment), appointment.created_at)


def patient_status_at(appointment: Appointment, patient_key: str, now: datetime) -> StatusNow:
    """The same for one patient of a group, whose own status wins where there is one."""
    for attendance in appointment.attendances:
        if attendance.patient_key == patient_key and attendance.status is not None:
            return StatusNow(attendance.status, appointment.changed_at or appointment.created_at)
    return status_at(appointment, now)


def _baseline(appointment: Appointment) -> str:
    return "confirmed" if appointment.confirmed else "booked"


def _arrival(appointment: Appointment) -> datetime:
    return appointment.start_at - timedelta(minutes=appointment.arrives_early_min)


def _by_hand(appointment: Appointment, word: str) -> StatusNow:
    since = appointment.changed_at or appointment.created_at
    return StatusNow(
        word,
        since,
        arrived_at=_arrival(appointment) if word in PRESENT else None,
        cancelled_at=appointment.cancelled_at if word == "cancelled" else None,
        cancel_reason=appointment.cancel_reason if word == "cancelled" else None,
    )


def _attending(appointment: Appointment, now: datetime) -> StatusNow:
    arrived_at = _arrival(appointment)
    end_at = appointment.start_at + timedelta(minutes=appointment.duration_min)
    if now < arrived_at:
        return StatusNow(_baseline(appointment), appointment.created_at)
    if now >= end_at + CLOSED_AFTER:
        word = "billed" if appointment.billed else "completed"
        return StatusNow(word, end_at + CLOSED_AFTER, arrived_at=arrived_at)
    if appointment.arrival_only:
        return StatusNow(_baseline(appointment), arrived_at, arrived_at=arrived_at)
    if now >= appointment.start_at + CALLED_IN_AFTER:
        return StatusNow("in_progress", appointment.start_at + CALLED_IN_AFTER, arrived_at=arrived_at)
    return StatusNow("arrived", arrived_at, arrived_at=arrived_at)
