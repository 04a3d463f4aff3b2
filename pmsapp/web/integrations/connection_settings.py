"""One connection's own page: how it stands, its settings, pausing, testing, disconnecting."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta

from flask import Blueprint, Response, make_response, redirect, request
from flask.typing import ResponseReturnValue

from pmsapp import clock
from pmsapp.access import guard
from pmsapp.adapters.registry import get_info
from pmsapp.domain.errors import PMSError
from pmsapp.domain.window import day_of, local_to_utc
from pmsapp.services.base.errors import Invalid
from pmsapp.services.connections import connections, webhooks
from pmsapp.services.connections.connections import ConnectionView, Pause
from pmsapp.services.setup import counts, undo
from pmsapp.services.sync import recheck
from pmsapp.web.integrations.contexts import (
    AsideRecord,
    ConnectionPage,
    DisconnectPage,
    PauseFields,
    WebhookPanel,
)
from pmsapp.web.integrations.forms import PAUSES, ConnectionForm, DisconnectForm, PauseForm
from pmsapp.web.integrations.pages import card_of
from pmsapp.web.ui import fields, forms, shell
from pmsapp.web.ui import formatting as fmt
from pmsapp.web.ui.page_contexts import FormField, Notice, Option
from pmsapp.web.ui.said import lead_to

bp = Blueprint("connection", __name__)
_PAUSES = {"30min": timedelta(minutes=30), "2h": timedelta(hours=2)}
END_OF_DAY = time(23, 59)


@bp.get("/integrations/<id:connection_id>")
def show(connection_id: int) -> ResponseReturnValue:
    """Everything about one connection."""
    return _page(connections.get_connection(connection_id), saved=forms.says("saved"))


@bp.post("/integrations/<id:connection_id>")
def save(connection_id: int) -> ResponseReturnValue:
    """Change name, zone, rhythm and what is shown."""
    try:
        form = forms.read(ConnectionForm)
        connections.update_connection(
            connection_id,
            guard.current_actor(),
            display_name=form.display_name,
            sync_frequency_minutes=form.sync_frequency_minutes,
            sync_telehealth_only=form.sync_telehealth_only,
            time_zone=form.time_zone,
        )
    except Invalid as error:
        return _page(connections.get_connection(connection_id), errors=error.errors)
    return redirect(f"/integrations/{connection_id}?saved=1", 303)


@bp.post("/integrations/<id:connection_id>/test")
def test(connection_id: int) -> ResponseReturnValue:
    """Ask the vendor who answers, now."""
    result = connections.check(connection_id, guard.current_actor())
    tone, icon = ("good", "tick") if result.healthy else ("warn", "cloud")
    parts = [f"Answered in {result.latency_ms} ms."] if result.healthy else []
    if result.practitioners is not None:
        parts.append(f"{fmt.plural(result.practitioners, 'practitioner')} found.")
    notice = Notice(result.message, " ".join(parts), tone, icon, result.code)
    return _page(connections.get_connection(connection_id), test=notice)


@bp.post("/integrations/<id:connection_id>/webhook-secret")
def make_webhook_secret(connection_id: int) -> ResponseReturnValue:
    """Make the text that proves a webhook is the vendor's; shown this once."""
    secret = webhooks.make_secret(connection_id, guard.current_actor())
    return _page(connections.get_connection(connection_id), secret=secret)


@bp.post("/integrations/<id:connection_id>/records/<id:record_id>/retry")
def retry_record(connection_id: int, record_id: int) -> ResponseReturnValue:
    """Read a record that was kept aside once more."""
    try:
        recheck.retry_quarantined(record_id, guard.current_actor())
        notice = Notice("The record could be read this time.", "", "good", "tick")
    except PMSError as error:
        notice = Notice(error.message, error.advice, "warn", "cloud", error.code)
    return _page(connections.get_connection(connection_id), test=notice)


@bp.post("/integrations/<id:connection_id>/pause")
def pause(connection_id: int) -> ResponseReturnValue:
    """Pause updates until a time, with a reason."""
    view = connections.get_connection(connection_id)
    try:
        form = forms.read(PauseForm)
        pause = Pause(_pause_end(form.until, view.time_zone, form.until_day), form.reason)
        connections.update_connection(connection_id, guard.current_actor(), paused=pause)
    except Invalid as error:
        faults = {name.removeprefix("paused."): text for name, text in error.errors.items()}
        return _page(view, pause_errors=faults)
    return lead_to(f"/integrations/{connection_id}", "paused")


@bp.post("/integrations/<id:connection_id>/resume")
def resume(connection_id: int) -> ResponseReturnValue:
    """End a pause."""
    connections.update_connection(connection_id, guard.current_actor(), paused=None, sync_enabled=True)
    return lead_to(f"/integrations/{connection_id}", "resumed")


@bp.get("/integrations/<id:connection_id>/disconnect")
def ask_disconnect(connection_id: int) -> ResponseReturnValue:
    """What would happen, and three choices."""
    return _disconnect_page(connection_id)


@bp.post("/integrations/<id:connection_id>/disconnect")
def disconnect(connection_id: int) -> ResponseReturnValue:
    """Take the connection away."""
    try:
        connections.delete_connection(connection_id, forms.read(DisconnectForm).cards, guard.current_actor())
    except Invalid as error:
        return _disconnect_page(connection_id, error.errors.get("cards"))
    return lead_to("/integrations", "disconnected")


@bp.post("/integrations/disconnected/<id:disconnected_id>/undo")
def undo_disconnect(disconnected_id: int) -> ResponseReturnValue:
    """Bring a connection back within a day."""
    connection_id = undo.undo(disconnected_id, guard.current_actor())
    return lead_to(f"/integrations/{connection_id}", "disconnect-undone")


def _pause_end(text: str, zone: str, chosen: date | None) -> datetime:
    """ "30min", "2h", "day" (the end of today), "week" (the end of the day in a week), "chosen" (the end of the `chosen`
    day), or a local "HH:MM" of today."""
    now = clock.now()
    if text == "chosen":
        if chosen is None:
            raise Invalid({"until": "Choose the last day of the pause, within the next 31 days."})
        return local_to_utc(datetime.combine(chosen, END_OF_DAY), zone)[0]
    if text in _PAUSES:
        return now + _PAUSES[text]
    wall = END_OF_DAY if text in ("day", "week") else time.fromisoformat(text)
    day = day_of(now, zone) + timedelta(days=7 if text == "week" else 0)
    return local_to_utc(datetime.combine(day, wall), zone)[0]


def _page(
    view: ConnectionView,
    *,
    test: Notice | None = None,
    errors: dict[str, str] | None = None,
    pause_errors: dict[str, str] | None = None,
    saved: bool = False,
    secret: str | None = None,
) -> Response:
    now, errors = shell.page_status(), errors or {}
    typed = forms.typed() if errors else {}
    values = {"display_name": view.display_name, "sync_frequency_minutes": str(view.sync_frequency_minutes)}
    labels = {"display_name": "Name on screens", "sync_frequency_minutes": "Minutes between updates"}
    page = ConnectionPage(
        card=card_of(view, now),
        id=view.id,
        pms=view.pms_label,
        defs=_defs(view, now),
        form={
            name: FormField(name, labels[name], typed.get(name, value), error=errors.get(name))
            for name, value in values.items()
        },
        zones=fields.zone_options(typed.get("time_zone") or view.time_zone),
        telehealth_only="sync_telehealth_only" in typed if typed else view.sync_telehealth_only,
        is_paused=view.state == "paused",
        paused_words=_paused_words(view, now),
        test=test,
        errors=forms.told(errors, labels | {"time_zone": "Time zone"}),
        pause=_pause_fields(pause_errors or {}),
        saved=saved,
        aside=_aside(view, now),
        webhook=_webhook(view, secret),
    )
    html = shell.render("integrations/detail.html", "integrations", now, page=page)
    return make_response(html, 422 if errors or pause_errors else 200)


def _pause_fields(errors: Mapping[str, str]) -> PauseFields:
    """The form of a pause: empty, or what was chosen where it was refused."""
    typed = forms.typed() if errors else {}
    return PauseFields(
        until=tuple(Option(key, word, key == typed.get("until")) for key, word in PAUSES.items()),
        until_error=errors.get("until"),
        reason=FormField("pause-reason", "Why", typed.get("reason", ""), error=errors.get("reason")),
        errors=tuple(("pause-reason" if name == "reason" else name, text) for name, text in errors.items()),
    )


def _paused_words(view: ConnectionView, now: shell.PageStatus) -> str:
    """ "Paused by Mel until 13:00: moving house." """
    if view.paused is None:
        return "Updates are paused."
    by = f" by {view.paused.by}" if view.paused.by else ""
    why = f": {view.paused.reason.rstrip('.')}" if view.paused.reason else ""
    return f"Paused{by} until {fmt.moment(view.paused.until, now.now, view.time_zone)}{why}."


def _aside(view: ConnectionView, now: shell.PageStatus) -> tuple[AsideRecord, ...]:
    return tuple(
        AsideRecord(
            record.id,
            record.reason,
            fmt.moment(record.first_seen_at, now.now, now.zone),
            record.shape,
            can_retry=record.pms_appointment_id is not None,
        )
        for record in recheck.list_quarantined(view.id)
    )


def _webhook(view: ConnectionView, secret: str | None) -> WebhookPanel | None:
    info = get_info(view.pms_type)
    if not info.capabilities.webhooks:
        return None
    base = request.host_url.rstrip("/")
    addresses = tuple(f"{base}/webhooks/{view.id}/{event}" for event in info.webhook_events)
    return WebhookPanel(info.menu_paths.get("webhook", ""), addresses, secret)


def _defs(view: ConnectionView, now: shell.PageStatus) -> tuple[tuple[str, str], ...]:
    found = (
        ("Practice", view.practice_name),
        ("Practice id", view.practice_id or view.tenant_id),
        ("Clinic id", view.organization_id),
        ("Connected", fmt.moment(view.created_at, now.now, now.zone)),
    )
    return tuple((label, text) for label, text in found if text)


def _disconnect_choices(leaving: counts.Leaving) -> tuple[tuple[str, str, str], ...]:
    """Each choice as (value, words, what it would do, in numbers)."""
    cards = fmt.plural(leaving.in_view, "card")
    edited = f", {fmt.plural(leaving.edited, 'hand-edited one')} among them" if leaving.edited else ""
    gone = fmt.plural(leaving.in_view + leaving.not_shown, "card")
    is_alone = leaving.in_view == 1
    return (
        ("keep", "Keep them", f"{cards} {'becomes a card' if is_alone else 'become cards'} by hand{edited}."),
        (
            "strike",
            "Strike them through",
            f"{cards} {'stays' if is_alone else 'stay'} in view, struck through as disconnected until acknowledged{edited}.",
        ),
        (
            "remove",
            "Take them off now",
            f"{gone} deleted for good{edited}; {leaving.not_shown} of them not shown now.",
        ),
    )


def _disconnect_page(connection_id: int, error: str | None = None) -> Response:
    view = connections.get_connection(connection_id)
    page = DisconnectPage(
        id=view.id,
        name=view.display_name,
        pms=view.pms_label,
        choices=_disconnect_choices(counts.leaving(view.id)),
        revoke=get_info(view.pms_type).menu_paths.get("revoke"),
        error=error,
    )
    html = shell.render("integrations/disconnect.html", "integrations", page=page)
    return make_response(html, 422 if error else 200)
