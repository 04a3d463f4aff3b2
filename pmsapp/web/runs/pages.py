"""What the updates of a connection did: the list, and the list for a spreadsheet. No patient data in it."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping
from typing import Annotated, Literal
from urllib.parse import urlencode

from flask import Blueprint, make_response, redirect
from flask.typing import ResponseReturnValue
from pydantic import AfterValidator

from pmsapp.access import looking
from pmsapp.services.base.spreadsheet import plain_cell
from pmsapp.services.clinic import clinic
from pmsapp.services.connections import connections
from pmsapp.services.runs import history as run_history
from pmsapp.services.runs import history_lines, last_30_days
from pmsapp.services.runs.history import RunView
from pmsapp.services.runs.history_lines import Wanted
from pmsapp.web.runs import history_view, month_view
from pmsapp.web.runs import view as run_view
from pmsapp.web.runs.contexts import HistoryPage
from pmsapp.web.ui import formatting as fmt
from pmsapp.web.ui import forms, shell
from pmsapp.web.ui.page_contexts import Option

bp = Blueprint("history", __name__)
CSV_RUNS = 1000


def _one_of(words: Mapping[str, str]) -> Callable[[str], str]:
    def check(text: str) -> str:
        if text not in words:
            raise ValueError(forms.CHOOSE_ONE)
        return text

    return check


class HistoryForm(forms.Form):
    """In the address: what of the history, of which connection, and the run that the page before ended with."""

    before: forms.ChosenId = None
    connection: forms.ChosenId = None
    outcome: Annotated[str, AfterValidator(_one_of(history_view.OUTCOME_WORDS))] = ""
    trigger: Annotated[str, AfterValidator(_one_of(history_view.TRIGGER_WORDS))] = ""
    days: Literal["", "1", "7", "30"] = ""


@bp.get("/integrations/<id:connection_id>/history")
def index(connection_id: int) -> ResponseReturnValue:
    """Newest first, 25 lines at a time. Another connection chosen in the form leads to that one's history."""
    asked = forms.read_address(HistoryForm)
    given = {"outcome": asked.outcome, "trigger": asked.trigger, "days": asked.days}
    filters = {name: value for name, value in given.items() if value}
    if asked.connection is not None and asked.connection != connection_id:
        return redirect(_href(asked.connection, filters), 303)
    view = connections.get_connection(connection_id)
    now = shell.page_status()
    wanted = Wanted(asked.outcome, asked.trigger, int(asked.days) if asked.days else None)
    found = history_lines.list_lines(connection_id, wanted, asked.before)
    current = run_history.list_runs(connection_id, limit=1).current
    is_first = asked.before is None
    period_s = view.sync_frequency_minutes * 60.0
    page = HistoryPage(
        id=view.id,
        name=view.display_name,
        current=run_view.progress_of(current, now=now.now, zone=now.zone, pms=view.pms_label)
        if current and is_first
        else None,
        rows=tuple(history_view.line_row(line, now.now, now.zone, view.id) for line in found.lines),
        next_href=_href(view.id, filters | {"before": str(found.next)}) if found.next else None,
        csv_href=f"/integrations/{view.id}/history.csv",
        first_href=None if is_first else _href(view.id, filters),
        is_filtered=bool(filters),
        connections=tuple(
            Option(str(other.id), other.display_name, other.id == view.id) for other in now.connections
        ),
        outcomes=_options(history_view.OUTCOME_WORDS, asked.outcome),
        triggers=_options(history_view.TRIGGER_WORDS, asked.trigger),
        periods=_options(history_view.PERIOD_WORDS, asked.days),
        month=month_view.month_of(last_30_days.of_connection(view.id), period_s, now.now)
        if is_first
        else None,
    )
    return shell.render("integrations/history.html", "integrations", now, page=page)


def _href(connection_id: int, query: Mapping[str, str]) -> str:
    base = f"/integrations/{connection_id}/history"
    return f"{base}?{urlencode(query)}" if query else base


def _options(words: Mapping[str, str], chosen: str) -> tuple[Option, ...]:
    return tuple(Option(value, word, value == chosen) for value, word in words.items())


@bp.get("/integrations/<id:connection_id>/history.csv")
def as_csv(connection_id: int) -> ResponseReturnValue:
    """The latest thousand runs for a spreadsheet, in the screen's words and the clinic's time.

    It begins with the mark by which spreadsheets know UTF-8.
    """
    view, zone = connections.get_connection(connection_id), clinic.time_zone()
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["run", "started", "completed", "started_by", "status", *run_view.TOTALS, "code"])
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
        *(str(run.counts[name]) for name in run_view.TOTALS),
        run.error[0] if run.error else "",
    ]
