"""Sync now for the whole sheet, its progress, and the sentence it ends with."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date

from flask import Blueprint, Response, make_response, render_template, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import BadRequest

from pmsapp.access import guard
from pmsapp.domain.window import day_of
from pmsapp.schemas.addresses import id_or_none
from pmsapp.schemas.fields import BlankDay
from pmsapp.services.base.errors import NotFound
from pmsapp.services.runs import history as run_history
from pmsapp.services.runs import requests as run_requests
from pmsapp.services.runs.history import RunView
from pmsapp.services.sheet import timeline
from pmsapp.web.runs import view as run_view
from pmsapp.web.ui import fields, forms, shell
from pmsapp.web.ui import formatting as fmt
from pmsapp.web.ui.page_contexts import SyncButton
from pmsapp.web.ui.said import lead_to

bp = Blueprint("updates", __name__)
MAX_FOLLOWED = 20
_REMOVED = "The update is gone: its connection was removed."


class FollowForm(forms.Form):
    """In the address of a poll: the day it is about."""

    day: BlankDay = None


@bp.post("/sync")
def start() -> ResponseReturnValue:
    """Ask every connection that is switched on for a run (of `date`, if given), and follow it."""
    wanted = fields.hidden_day()
    asked = [
        (connection_id, run.sync_id)
        for connection_id, run in run_requests.request_all_runs(guard.current_actor(), day=wanted)
    ]
    if not request.headers.get("HX-Request"):
        return lead_to(guard.path_to_return_to(), "sync")
    return _follow(asked, 202, wanted)


@bp.get("/sync/run")
def progress() -> ResponseReturnValue:
    """How the runs in `run=<connection>.<run>` are doing; with `day` what comes of that day."""
    day = forms.read_address(FollowForm).day
    pairs = [_pair(text) for text in forms.asked_again("run", MAX_FOLLOWED)]
    return _follow(pairs, 200, None if day is None else fields.within_bounds(day))


@bp.get("/sync/state")
def state() -> ResponseReturnValue:
    """The badge of the sidebar and the numbers beside its entries, for pages without a poll of their own."""
    active = request.headers.get("HX-Current-URL", "").rsplit("/", 1)[-1].partition("?")[0]
    frame = shell.page_shell(active)
    return make_response(render_template("components/_state_answer.html", shell=frame))


def _pair(text: str) -> tuple[int, int]:
    parts = [id_or_none(part) for part in text.split(".")]
    match parts:
        case [int(connection_id), int(run_id)]:
            return connection_id, run_id
    raise BadRequest


def _follow(asked: list[tuple[int, int]], status: int, day: date | None) -> Response:
    now = shell.page_status()
    found = [run for pair in asked if (run := _run_of(pair, now)) is not None]
    panel = _panel(found, now, day) if found or not asked else SyncButton(can_sync=True, said=_REMOVED)
    panel = replace(panel, day=day.isoformat() if day else None)
    frame = replace(shell.page_shell("", now), polls=day is None)
    html = render_template("components/_sync_answer.html", run=panel, shell=frame)
    response = make_response(html, status)
    if panel.said:
        response.headers["HX-Trigger"] = json.dumps(
            {"say": {"target": "body", "text": panel.said}, "sheet:changed": {"target": "body"}}
        )
    return response


def _run_of(pair: tuple[int, int], now: shell.PageStatus) -> RunView | None:
    """A followed run; None once its connection was removed."""
    if pair[0] not in {connection.id for connection in now.connections}:
        return None
    try:
        return run_history.get_run(*pair)
    except NotFound:
        return None


def _panel(found: list[RunView], now: shell.PageStatus, day: date | None) -> SyncButton:
    labels = {connection.id: connection for connection in now.connections}
    open_runs = [run for run in found if not run.is_over]
    if open_runs:
        following = "&".join(f"run={run.connection_id}.{run.id}" for run in found)
        following += f"&day={day.isoformat()}" if day else ""
        return SyncButton(
            can_sync=True,
            progress=tuple(
                run_view.progress_of(run, now=now.now, zone=now.zone, pms=labels[run.connection_id].pms_label)
                for run in open_runs
            ),
            poll_href=f"/sync/run?{following}",
        )
    if not found:
        return SyncButton(can_sync=True, said="Nothing to update: no connection is switched on.")
    named = [(labels[run.connection_id].display_name, run, timeline.of_run(run.id, day)) for run in found]
    said = run_view.results_sentence(named, of_day=day is not None)
    today = day_of(now.now, now.zone)
    return SyncButton(
        can_sync=True, said=said if day in (None, today) else f"{fmt.short_day(day, today)}: {said}"
    )
