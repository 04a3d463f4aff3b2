"""How the installation looks after itself: the clinic's hours, incidents, messages."""

from __future__ import annotations

from typing import Any

from flask import Blueprint

from pmsapp.access.guard import current_actor
from pmsapp.api.contract import Answered, call
from pmsapp.schemas.base import given
from pmsapp.schemas.operations import (
    ClinicChange,
    ClinicOut,
    DeliveriesAsked,
    DeliveryList,
    IncidentList,
    IncidentOut,
    IncidentsAsked,
    SnoozeIn,
)
from pmsapp.services.clinic import clinic
from pmsapp.services.monitoring import alerts, incidents

bp = Blueprint("api_operations", __name__, url_prefix="/api")
CLINIC, ALERTS = "Clinic", "Alerts"


@bp.get("/clinic")
@call(answers={200: ClinicOut}, tag=CLINIC)
def get_clinic() -> Answered:
    """Show the clinic: its zone, opening hours and days it is closed."""
    return ClinicOut.of(clinic.get_clinic())


@bp.patch("/clinic")
@call(answers={200: ClinicOut}, refusals=(400, 415, 422), tag=CLINIC)
def change_clinic(json: ClinicChange) -> Answered:
    """Change the clinic; automatic updates keep to the new hours at once."""
    return ClinicOut.of(clinic.update_clinic(current_actor(), **_changes(json)))


def _changes(json: ClinicChange) -> dict[str, Any]:
    changes = given(json)
    if "state" in changes:
        changes["state"] = json.state or ""
    if json.hours is not None:
        changes["hours"] = json.hours.model_dump()
    if "closed_days" in changes:
        changes["closed_days"] = tuple(json.closed_days)
    return changes


@bp.get("/incidents")
@call(answers={200: IncidentList}, refusals=(422,), tag=ALERTS)
def list_incidents(query: IncidentsAsked) -> Answered:
    """List what is wrong now, or what was."""
    zone = clinic.time_zone()
    if query.state == "open":
        return IncidentList.of(incidents.list_open(), zone)
    before_id = int(query.cursor) if query.cursor else None
    return IncidentList.of(incidents.list_recent(query.limit, before_id), zone, full_at=query.limit)


@bp.post("/incidents/<id:incident_id>/snooze")
@call(answers={200: IncidentOut}, refusals=(400, 404, 409, 415, 422), tag=ALERTS)
def snooze_incident(incident_id: int, json: SnoozeIn) -> Answered:
    """Hold back messages about an incident until a time, with a reason."""
    view = incidents.snooze(incident_id, json.until, json.reason, current_actor())
    return IncidentOut.of(view, clinic.time_zone())


@bp.post("/alerts/test")
@call(answers={200: DeliveryList}, tag=ALERTS)
def test_alerts() -> Answered:
    """Send a test message to every channel now and show what came of it."""
    return DeliveryList.of(alerts.send_test(current_actor()), clinic.time_zone())


@bp.get("/alerts/deliveries")
@call(answers={200: DeliveryList}, refusals=(422,), tag=ALERTS)
def list_deliveries(query: DeliveriesAsked) -> Answered:
    """List the messages that were sent, newest first."""
    before_id = int(query.cursor) if query.cursor else None
    listed = alerts.list_deliveries(query.limit, before_id)
    return DeliveryList.of(listed, clinic.time_zone(), full_at=query.limit)
