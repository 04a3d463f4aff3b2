"""Runs: ask for one, watch it, stop it; and how updating stands altogether."""

from __future__ import annotations

from flask import Blueprint

from pmsapp.access import looking
from pmsapp.access.guard import current_actor
from pmsapp.api.contract import Answered, call
from pmsapp.schemas.runs import (
    DayAsked,
    OverallStanding,
    Run,
    RunAccepted,
    RunAsked,
    RunList,
    RunsAccepted,
    RunsAsked,
)
from pmsapp.services.clinic import clinic
from pmsapp.services.connections import status_summary
from pmsapp.services.runs import history as run_history
from pmsapp.services.runs import requests as run_requests
from pmsapp.services.runs.history import RunView

bp = Blueprint("api_runs", __name__, url_prefix="/api")
TAG = "Runs"


@bp.post("/pms/connections/<id:connection_id>/sync")
@call(answers={202: RunAccepted}, refusals=(400, 404, 409, 415, 422), tag=TAG)
def start_run(connection_id: int, json: RunAsked) -> Answered:
    """Ask for a run of a connection.

    Joins the run in progress when that reads the day (`created: false`). A dry run writes nothing; its run carries
    `preview`.
    """
    request = run_requests.request_run(
        connection_id, actor=current_actor(), day=json.date, dry_run=json.dry_run
    )
    location = f"/api/pms/connections/{connection_id}/sync/{request.sync_id}"
    return RunAccepted.of(request, clinic.time_zone()), 202, {"Location": location}


@bp.get("/pms/connections/<id:connection_id>/sync")
@call(answers={200: RunList}, refusals=(404, 422), tag=TAG)
def list_runs(connection_id: int, query: RunsAsked) -> Answered:
    """List a connection's runs, newest first, and the one in progress."""
    before_id = int(query.cursor) if query.cursor else None
    page = run_history.list_runs(connection_id, query.limit, before_id)
    for view in page.items:
        _note_preview(view)
    return RunList.of(page, clinic.time_zone(), with_patients=_may_see_patients())


@bp.get("/pms/connections/<id:connection_id>/sync/<id:sync_id>")
@call(answers={200: Run}, refusals=(404,), tag=TAG)
def get_run(connection_id: int, sync_id: int) -> Answered:
    """Show one run."""
    return _run(run_history.get_run(connection_id, sync_id))


@bp.delete("/pms/connections/<id:connection_id>/sync/<id:sync_id>")
@call(answers={200: Run}, refusals=(404, 409), tag=TAG)
def cancel_run(connection_id: int, sync_id: int) -> Answered:
    """Ask a run to stop. What it stored before stays."""
    return _run(run_history.cancel_run(connection_id, sync_id, current_actor()))


@bp.get("/pms/sync")
@call(answers={200: OverallStanding}, tag=TAG)
def get_overall() -> Answered:
    """Show how updating stands altogether."""
    return OverallStanding.of(status_summary.get_status_summary(), clinic.time_zone())


@bp.post("/run-sheet/sync")
@call(answers={202: RunsAccepted}, refusals=(400, 415, 422), tag=TAG)
def start_all_runs(json: DayAsked) -> Answered:
    """Ask for a run of every enabled connection."""
    asked = run_requests.request_all_runs(current_actor(), day=json.date)
    return RunsAccepted.of(asked, clinic.time_zone()), 202


def _run(view: RunView) -> Answered:
    _note_preview(view)
    return Run.of(view, clinic.time_zone(), with_patients=_may_see_patients())


def _note_preview(view: RunView) -> None:
    """A preview names patients; those without a card yet have no number to note."""
    if view.preview and _may_see_patients():
        cards = [card["id"] for card in view.preview.get("cards", ())]
        looking.at_preview(view.id, [number for number in cards if number is not None])


def _may_see_patients() -> bool:
    """A preview names patients; tokens of role status and people who see one column only get it without."""
    return current_actor().role not in {"status", "clinician"}
