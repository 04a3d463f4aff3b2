"""What the updates of a connection did: the list, one run, and the list for a spreadsheet. No patient data in it."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from flask import Blueprint, make_response
from flask.typing import ResponseReturnValue

from pmsapp.access import looking
from pmsapp.domain.errors import advice_for, is_for_staff
from pmsapp.services.base.next_step import next_step
from pmsapp.services.base.spreadsheet import plain_cell
from pmsapp.services.clinic import clinic
from pmsapp.services.connections import connections
from pmsapp.services.connections.connections import ConnectionView
from pmsapp.services.runs import history as run_history
from pmsapp.services.runs.history import RunView, ScopeView
from pmsapp.services.sheet import timeline
from pmsapp.services.sheet.timeline import EventView
from pmsapp.web.runs import view as run_view
from pmsapp.web.runs.contexts import HistoryPage, RunPage, RunRow, ScopeRow
from pmsapp.web.ui import formatting as fmt
from pmsapp.web.ui import forms, shell

bp = Blueprint("history", __name__)
CSV_RUNS = 1000
_TOTALS = {
    "fetched": "read",
    "created": "new",
    "updated": "changed",
    "unchanged": "unchanged",
    "skipped": "not for the sheet",
    "failed": "not understood",
    "removed": "cancelled or gone",
    "held": "held",
}


class BeforeForm(forms.Form):
    """In the address of an older page: the run that the page before ended with."""

    before: forms.ChosenId = None


@bp.get("/integrations/<id:connection_id>/history")
def index(connection_id: int) -> ResponseReturnValue:
    """Newest first, 25 at a time."""
    view = connections.get_connection(connection_id)
    now = shell.page_status()
    found = run_history.list_runs(connection_id, limit=25, before_id=_before())
    base = f"/integrations/{connection_id}/history"
    current = found.current
    page = HistoryPage(
        id=view.id,
        name=view.display_name,
        current=run_view.progress_of(current, now=now.now, zone=now.zone, pms=view.pms_label)
        if current
        else None,
        rows=tuple(_row(run, now) for run in found.items if run.is_over),
        next_href=f"{base}?before={found.next}" if found.next else None,
        csv_href=f"{base}.csv",
    )
    return shell.render("integrations/history.html", "integrations", now, page=page)


def _before() -> int | None:
    """The run that the page before ended with. Raises NotFound for one that cannot be."""
    return forms.read_address(BeforeForm).before


@bp.get("/integrations/<id:connection_id>/history/<id:run_id>")
def show(connection_id: int, run_id: int) -> ResponseReturnValue:
    """One run: list by list."""
    view, now = connections.get_connection(connection_id), shell.page_status()
    run = run_history.get_run(connection_id, run_id)
    page = RunPage(
        id=run.id,
        connection_id=view.id,
        name=view.display_name,
        row=_row(run, now, timeline.of_run(run.id)),
        scopes=tuple(_scope(scope, now.zone) for scope in run.scopes),
        changes=tuple(
            run_view.change_row(change, now.now.date()) for change in timeline.changes_of_run(run.id)
        ),
        totals=tuple((word, str(run.counts[name])) for name, word in _TOTALS.items()),
        note=run.note,
        advice=advice_for(run.error[0], view.pms_label) if run.error else None,
        step=_step_of(run, view),
        progress=None
        if run.is_over
        else run_view.progress_of(run, now=now.now, zone=now.zone, pms=view.pms_label),
    )
    return shell.render("integrations/run.html", "integrations", now, page=page)


def _step_of(run: RunView, view: ConnectionView) -> tuple[str, str] | None:
    """Address and words of the next step of a run's error, where somebody has to take one elsewhere and may."""
    code = run.error[0] if run.error else None
    if code is None or not is_for_staff(code):
        return None
    href, word = shell.way_to(next_step(code, view.pms_label, view.id))
    return (href, word) if href and word else None


@bp.get("/integrations/<id:connection_id>/history.csv")
def as_csv(connection_id: int) -> ResponseReturnValue:
    """The latest thousand runs for a spreadsheet, in the screen's words and the clinic's time.

    It begins with the mark by which spreadsheets know UTF-8.
    """
    view, zone = connections.get_connection(connection_id), clinic.time_zone()
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["run", "started", "completed", "started_by", "status", *_TOTALS, "code"])
    for run in _latest(connection_id):
        writer.writerow([plain_cell(cell) for cell in _cells(run, zone)])
    looking.at_export(f"connection:{view.id}")
    response = make_response(out.getvalue().encode("utf-8-sig"))
    response.headers["Content-Type"] = "text/csv; charset=utf-8"
    response.headers["Content-Disposition"] = f'attachment; filename="history-{view.id}.csv"'
    return response


def _latest(connection_id: int) -> list[RunView]:
    found: list[RunView] = []
    before: int | None = None
    while len(found) < CSV_RUNS:
        page = run_history.list_runs(connection_id, limit=run_history.PAGE_SIZE_LIMIT, before_id=before)
        found.extend(page.items)
        before = page.next
        if before is None:
            break
    return found


def _cells(run: RunView, zone: str) -> list[str]:
    return [
        str(run.id),
        fmt.spreadsheet_time(run.started_at, zone) if run.started_at else "",
        fmt.spreadsheet_time(run.completed_at, zone) if run.completed_at else "",
        run_view.started_by(run) + (", preview only" if run.dry_run else ""),
        run_view.status_badge(run).word,
        *(str(run.counts[name]) for name in _TOTALS),
        run.error[0] if run.error else "",
    ]


def _row(run: RunView, now: shell.PageStatus, events: Sequence[EventView] = ()) -> RunRow:
    begun = run.started_at or run.requested_at
    took = fmt.span((run.completed_at - begun).total_seconds()) if run.completed_at and run.started_at else ""
    return RunRow(
        id=run.id,
        started=fmt.moment(begun, now.now, now.zone),
        took=took,
        by=run_view.started_by(run) + (", preview only" if run.dry_run else ""),
        badge=run_view.status_badge(run),
        counts=run_view.count_words(run.counts) or "nothing changed",
        days=fmt.listed([fmt.short_day(day, now.now.date()) for day in run.dates]),
        code=run.error[0] if run.error else None,
        said=run_view.result_sentence(run, events) if run.is_over else "",
    )


def _scope(scope: ScopeView, zone: str) -> ScopeRow:
    return ScopeRow(
        name=scope.name or "No clinician",
        day=fmt.short_day(scope.date),
        badge=run_view.outcome_badge(scope),
        counts=f"{fmt.plural(scope.counts['fetched'], 'appointment')} read"
        + (f": {words}" if (words := run_view.count_words(scope.counts)) else ""),
        code=scope.error_code,
        match=run_view.receipt_words(scope, zone),
    )
