"""What is wrong now, what was wrong, and what people were told about it."""

from __future__ import annotations

from datetime import timedelta

from flask import Blueprint, make_response, redirect, request
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
from pmsapp.web.ui import formatting as fmt
from pmsapp.web.ui import shell
from pmsapp.web.ui.page_contexts import Badge, Notice, Option

bp = Blueprint("alerts", __name__)
SNOOZES = {"1": "1 hour", "2": "2 hours", "8": "8 hours", "24": "a day", "72": "three days"}
_STATES = {
    "delivered": Badge("Delivered", "tick", "good"),
    "waiting": Badge("Waiting", "clock", "wait"),
    "failed": Badge("Not delivered", "cross", "stop"),
}


@bp.get("/settings/alerts")
def index() -> ResponseReturnValue:
    """Trouble now and before, and the messages about it."""
    return _page()


@bp.post("/settings/alerts/test")
def test() -> ResponseReturnValue:
    """Send a message to every channel, now."""
    sent = alerts.send_test(guard.current_actor())
    failed = [one for one in sent if one.state != "delivered"]
    if not sent:
        return _page(Notice("No channel is set up.", "Set PMSAPP_ALERT_URLS on the server.", "warn", "warn"))
    if failed:
        words = fmt.listed([one.channel for one in failed])
        return _page(Notice(f"Not delivered by {words}.", "See the log below.", "warn", "cross"))
    return _page(Notice("Every channel delivered the test message.", "", "good", "tick"))


@bp.post("/settings/alerts/<id:incident_id>/snooze")
def snooze(incident_id: int) -> ResponseReturnValue:
    """Silence one incident's messages for some hours, with a reason; without one, end the silence."""
    reason = request.form.get("reason")
    hours = request.form.get("hours", "")
    until = (
        clock.now() + timedelta(hours=int(hours) if hours in SNOOZES else 2) if reason is not None else None
    )
    try:
        incidents.snooze(incident_id, until, reason, guard.current_actor())
    except Invalid as error:
        sentence = next(iter(error.errors.values()))
        return _page(Notice(sentence, "Nothing was changed.", "warn", "warn"), 422)
    return redirect("/settings/alerts", 303)


def _page(notice: Notice | None = None, status: int = 200) -> ResponseReturnValue:
    now = shell.page_status()
    listed = incidents.list_open()
    now_open = {one.id for one in listed}
    page = AlertsPage(
        nav=settings_nav.nav(),
        open=tuple(_incident(one, now) for one in listed),
        recent=tuple(_incident(one, now) for one in incidents.list_recent(30) if one.id not in now_open),
        channels=tuple(alerts.channels()),
        deliveries=tuple(_delivery(one, now) for one in alerts.list_deliveries(30)),
        snoozes=tuple(Option(hours, word, hours == "2") for hours, word in SNOOZES.items()),
        notice=notice,
    )
    return make_response(shell.render("settings/alerts.html", "settings", now, page=page), status)


def _incident(one: IncidentView, now: shell.PageStatus) -> IncidentLine:
    quiet = one.snoozed_until and holds(one.snoozed_until, now.now, LONGEST_SNOOZE)
    return IncidentLine(
        id=one.id,
        headline=f"{one.name}: {one.message}",
        advice=one.advice,
        code=one.code,
        since=fmt.moment(one.started_at, now.now, now.zone),
        ended=fmt.moment(one.ended_at, now.now, now.zone) if one.ended_at else None,
        path=one.step.href,
        action=one.step.word,
        snoozed=f"Silent until {fmt.moment(one.snoozed_until, now.now, now.zone)} ({one.snoozed_by}: {one.snoozed_reason})"
        if quiet and one.snoozed_until
        else None,
    )


def _delivery(one: Delivery, now: shell.PageStatus) -> DeliveryLine:
    return DeliveryLine(
        at=fmt.moment(one.at, now.now, now.zone),
        what=one.title,
        channel=one.channel,
        badge=_STATES.get(one.state, _STATES["failed"]),
        note=one.note or "",
    )
