"""What is wrong now, what was wrong, and what people were told about it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from flask import Blueprint, make_response
from flask.typing import ResponseReturnValue

from pmsapp import clock
from pmsapp.access import guard
from pmsapp.domain.ages import holds
from pmsapp.domain.incidents import LONGEST_SNOOZE
from pmsapp.services.base.errors import Invalid
from pmsapp.services.monitoring import alerts, incidents
from pmsapp.services.monitoring.alerts import Delivery
from pmsapp.services.monitoring.incidents import IncidentView
from pmsapp.web.settings import nav as settings_nav
from pmsapp.web.settings.contexts import AlertsPage, DeliveryLine, IncidentLine
from pmsapp.web.settings.forms import SNOOZES, SnoozeForm
from pmsapp.web.ui import formatting as fmt
from pmsapp.web.ui import forms, shell
from pmsapp.web.ui.page_contexts import Badge, FormField, Notice, Option
from pmsapp.web.ui.said import lead_to

bp = Blueprint("alerts", __name__)
_STATES = {
    "delivered": Badge("Delivered", "tick", "good"),
    "waiting": Badge("Waiting", "clock", "wait"),
    "failed": Badge("Not delivered", "cross", "stop"),
}


@bp.get("/settings/alerts")
def index() -> ResponseReturnValue:
    """What is and was wrong, and the messages about it."""
    return _page()


@bp.post("/settings/alerts/test")
def test() -> ResponseReturnValue:
    """Send a message to every channel, now."""
    sent = alerts.send_test(guard.current_actor())
    failed = [delivery for delivery in sent if delivery.state != "delivered"]
    if not sent:
        return _page(Notice("No channel is set up.", "Set PMSAPP_ALERT_URLS on the server.", "warn", "warn"))
    if failed:
        words = fmt.listed([delivery.channel for delivery in failed])
        return _page(Notice(f"Not delivered by {words}.", "See the log below.", "warn", "cross"))
    return _page(Notice("Every channel delivered the test message.", "", "good", "tick"))


@bp.post("/settings/alerts/<id:incident_id>/snooze")
def snooze(incident_id: int) -> ResponseReturnValue:
    """Silence one incident's messages for some hours, with a reason; without one, end the silence."""
    try:
        form = forms.read(SnoozeForm)
        until = None if form.reason is None else clock.now() + timedelta(hours=int(form.hours))
        incidents.snooze(incident_id, until, form.reason, guard.current_actor())
    except Invalid as error:
        return _page(of=incident_id, errors=error.errors, status=422)
    return lead_to("/settings/alerts", "alert-silent" if until else "alert-told-again")


def _page(
    notice: Notice | None = None,
    *,
    of: int | None = None,
    errors: Mapping[str, str] | None = None,
    status: int = 200,
) -> ResponseReturnValue:
    """The page; `errors` are those of the silence asked for about the incident `of`."""
    now = shell.page_status()
    listed = incidents.list_open()
    now_open = {incident.id for incident in listed}
    page = AlertsPage(
        nav=settings_nav.nav(),
        open=tuple(_incident(incident, now, errors if incident.id == of else None) for incident in listed),
        recent=tuple(
            _incident(incident, now) for incident in incidents.list_recent(30) if incident.id not in now_open
        ),
        channels=tuple(alerts.channels()),
        deliveries=tuple(_delivery(delivery, now) for delivery in alerts.list_deliveries(30)),
        notice=notice,
    )
    return make_response(shell.render("settings/alerts.html", "settings", now, page=page), status)


def _incident(
    incident: IncidentView, now: shell.PageStatus, errors: Mapping[str, str] | None = None
) -> IncidentLine:
    typed = forms.typed() if errors else {}
    fault = " ".join(errors.values()) if errors else None
    quiet = incident.snoozed_until and holds(incident.snoozed_until, now.now, LONGEST_SNOOZE)
    return IncidentLine(
        id=incident.id,
        headline=f"{incident.name}: {incident.message}",
        advice=incident.advice,
        code=incident.code,
        since=fmt.moment(incident.started_at, now.now, now.zone),
        ended=fmt.moment(incident.ended_at, now.now, now.zone) if incident.ended_at else None,
        path=incident.step.href,
        action=incident.step.word,
        snoozed=f"Silent until {fmt.moment(incident.snoozed_until, now.now, now.zone)} ({incident.snoozed_by}: {incident.snoozed_reason})"
        if quiet and incident.snoozed_until
        else None,
        reason=FormField(f"reason-{incident.id}", "Why", typed.get("reason", ""), error=fault),
        snoozes=tuple(
            Option(hours, word, hours == typed.get("hours", "2")) for hours, word in SNOOZES.items()
        ),
    )


def _delivery(delivery: Delivery, now: shell.PageStatus) -> DeliveryLine:
    return DeliveryLine(
        at=fmt.moment(delivery.at, now.now, now.zone),
        what=delivery.title,
        channel=delivery.channel,
        badge=_STATES.get(delivery.state, _STATES["failed"]),
        note=delivery.note or "",
    )
