"""The list of connections, each one's card, and syncing one of them."""

from __future__ import annotations

import json

from flask import Blueprint, Response, make_response, redirect, render_template, request
from flask.typing import ResponseReturnValue

from pmsapp.access import guard
from pmsapp.domain.sync_state import ConnectionState
from pmsapp.services.connections import connections
from pmsapp.services.connections.connections import ConnectionView
from pmsapp.services.editing import decisions
from pmsapp.services.matching import undo as matching_undo
from pmsapp.services.runs import history as run_history
from pmsapp.services.runs import requests as run_requests
from pmsapp.services.setup import drafts, undo
from pmsapp.services.setup.undo import Undoable
from pmsapp.services.sheet import timeline
from pmsapp.services.sync import receipts
from pmsapp.web.integrations import receipt_view
from pmsapp.web.integrations.change_view import undo_lines
from pmsapp.web.integrations.connection_view import build_card
from pmsapp.web.integrations.contexts import Begun, ConnectionCard, IntegrationsPage, ReceiptLine
from pmsapp.web.integrations.forms import FollowedForm
from pmsapp.web.runs import view as run_view
from pmsapp.web.ui import fields, forms, shell
from pmsapp.web.ui import formatting as fmt
from pmsapp.web.ui.page_contexts import Notice
from pmsapp.web.ui.said import lead_to

bp = Blueprint("integrations", __name__)

_UNDONE = {
    "keep": "its cards are its own again, with what was typed since as edits",
    "strike": "its cards come back with the update that follows",
    "remove": "its cards come back with the update that follows, without what staff had typed",
}
_GRAVITY = {ConnectionState.NEEDS_YOU: 0, ConnectionState.SETUP: 1}


@bp.get("/integrations")
def index() -> ResponseReturnValue:
    """Every connection; what needs somebody comes first."""
    now = shell.page_status()
    listed = sorted(now.connections, key=lambda item: (_GRAVITY.get(item.state, 2), item.id))
    may = guard.may("connecting.choose")
    begun = drafts.unfinished(now.connections) if may else []
    page = IntegrationsPage(
        cards=tuple(card_of(item, now) for item in listed),
        can_connect=may,
        unfinished=tuple(
            Begun(shell.unfinished_notice(item, now), item.draft_id)
            for item in begun
            if item.connection_id is None
        ),
        straight=fields.straight_to(),
        undoable=tuple((gone.id, _undo_notice(gone, now)) for gone in undo.list_undoable()) if may else (),
    )
    return shell.render("integrations/index.html", "integrations", now, page=page)


def _undo_notice(gone: Undoable, now: shell.PageStatus) -> Notice:
    """A connection that was taken away and can be brought back."""
    what = _UNDONE[gone.cards]
    return Notice(
        f"{gone.name} was disconnected",
        f"By {gone.by}, {fmt.moment(gone.at, now.now, now.zone)}. "
        f"It can be brought back until {fmt.moment(gone.until, now.now, now.zone)}, with its login, matches and types; {what}.",
        "wait",
        "undo",
    )


@bp.get("/integrations/<id:connection_id>/card")
def card(connection_id: int) -> ResponseReturnValue:
    """One card again; 204 when it would look the same. A run it was following ends with a spoken sentence."""
    view = connections.get_connection(connection_id)
    if not request.headers.get("HX-Request"):
        return redirect("/integrations", 303)
    now = shell.page_status()
    shown = card_of(view, now)
    asked = forms.read_address(FollowedForm)
    if f"v={asked.v}&" in f"{shown.poll_href.partition('?')[2]}&":
        return Response(status=204)
    return _card_answer(shown, followed=asked.run)


@bp.post("/integrations/<id:connection_id>/sync")
def sync_now(connection_id: int) -> ResponseReturnValue:
    """Ask for a run, or join the one under way."""
    run_requests.request_run(connection_id, actor=guard.current_actor())
    if not request.headers.get("HX-Request"):
        return lead_to("/integrations", "sync")
    return _card_answer(card_of(connections.get_connection(connection_id), shell.page_status()), 202)


@bp.post("/integrations/<id:connection_id>/runs/<id:run_id>/cancel")
def cancel(connection_id: int, run_id: int) -> ResponseReturnValue:
    """Ask a run to stop."""
    run_history.cancel_run(connection_id, run_id, guard.current_actor())
    if not request.headers.get("HX-Request"):
        return lead_to("/integrations", "run-cancelled")
    return _card_answer(card_of(connections.get_connection(connection_id), shell.page_status()))


def card_of(view: ConnectionView, now: shell.PageStatus) -> ConnectionCard:
    """The card as the one asking may use it."""
    found = run_history.list_runs(view.id, limit=2)
    begun = drafts.unfinished((view,)) if view.state is ConnectionState.SETUP else []
    goes_on = next((item for item in begun if item.connection_id == view.id), None)
    may = guard.may("connecting.choose")
    changes = matching_undo.list_undoable(view.id) if may else []
    return build_card(
        view,
        goes_on=goes_on,
        undo=undo_lines([change for change in changes if change.why_not is None], now.now, view.time_zone),
        receipt=None if view.state is ConnectionState.SETUP else _receipt(view, now),
        current=found.current,
        last=next((run for run in found.items if run.is_over), None),
        now=now.now,
        can_sync=guard.may("integrations.sync_now", "POST"),
        can_configure=may,
        is_asked=view.trouble_code is None or bool(decisions.list_open()),
    )


def _receipt(view: ConnectionView, now: shell.PageStatus) -> ReceiptLine:
    return receipt_view.line(
        receipts.latest(view.id),
        is_waiting=receipts.is_waiting(view.id),
        pms=view.pms_label,
        now=now.now,
        zone=view.time_zone,
    )


def _card_answer(shown: ConnectionCard, status: int = 200, *, followed: int | None = None) -> Response:
    response = make_response(render_template("integrations/_card.html", c=shown), status)
    if followed is not None and shown.run_id != followed:
        said = run_view.result_sentence(run_history.get_run(shown.id, followed), timeline.of_run(followed))
        response.headers["HX-Trigger"] = json.dumps(
            {"say": {"target": "body", "text": f"{shown.name}: {said}"}}
        )
    return response
