"""One update in words: per clinician, errors with their next step, changed cards, a text for support, and undoing it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Literal

from flask import Blueprint, make_response
from flask.typing import ResponseReturnValue

from pmsapp.access import guard, looking
from pmsapp.domain.errors import advice_for, message_for
from pmsapp.services.base.errors import Conflict
from pmsapp.services.base.next_step import help_href, next_step
from pmsapp.services.connections import connections
from pmsapp.services.connections.connections import ConnectionView
from pmsapp.services.runs import history as run_history
from pmsapp.services.runs.history import RunView, ScopeView
from pmsapp.services.sheet import cards, timeline
from pmsapp.services.sync import undo_run
from pmsapp.services.sync.undo_run import UndoPlan
from pmsapp.services.vendors import adapters as vendor_adapters
from pmsapp.web.runs import support_text, undo_view
from pmsapp.web.runs import view as run_view
from pmsapp.web.runs.contexts import ChangeRow, ErrorRow, RunPage, RunRow, ScopeRow, UndoPage
from pmsapp.web.ui import formatting as fmt
from pmsapp.web.ui import forms, shell
from pmsapp.web.ui.page_contexts import Option
from pmsapp.web.ui.said import lead_to

bp = Blueprint("run", __name__)
_PLACE = "/integrations/<id:connection_id>/history/<id:run_id>"
_NUMBERS = {
    "fetched": "Read",
    "created": "New",
    "updated": "Changed",
    "removed": "Cancelled or gone",
    "held": "Held",
    "skipped": "Not for the sheet",
    "failed": "Not understood",
}


class UndoForm(forms.Form):
    """Whether updates rest after an undo, and how long."""

    pause: Literal["", "30min", "2h", "day"] = ""


@bp.get(_PLACE)
def show(connection_id: int, run_id: int) -> ResponseReturnValue:
    """One update, without a patient."""
    return _page(connection_id, run_id)


@bp.post(f"{_PLACE}/names")
def show_names(connection_id: int, run_id: int) -> ResponseReturnValue:
    """The same with the patients' names, once, for whoever asked; the log says so."""
    return _page(connection_id, run_id, with_names=True)


@bp.get(f"{_PLACE}/undo")
def ask_undo(connection_id: int, run_id: int) -> ResponseReturnValue:
    """What undoing it would put back, what not and why."""
    return _undo_page(connection_id, run_id)


@bp.post(f"{_PLACE}/undo")
def undo(connection_id: int, run_id: int) -> ResponseReturnValue:
    """Undo it; updates rest first, where that was chosen, so that none comes in between."""
    pause = forms.read_hidden(UndoForm).pause
    try:
        if pause and guard.may("connection.pause", "POST"):
            undo_view.rest(connection_id, pause, guard.current_actor())
        undo_run.undo(connection_id, run_id, guard.current_actor())
    except Conflict as error:
        return make_response(_undo_page(connection_id, run_id, error.message), 409)
    return lead_to(f"/integrations/{connection_id}/history/{run_id}", "run-undone")


def _page(connection_id: int, run_id: int, *, with_names: bool = False) -> str:
    view, now = connections.get_connection(connection_id), shell.page_status()
    run = run_history.get_run(connection_id, run_id)
    changes = timeline.changes_of_run(run.id)
    names = _names(run.id, {change.card_id for change in changes}) if with_names else {}
    undoing = undo_run.plan(connection_id, run_id) if guard.may("run.ask_undo") and run.is_over else None
    href = f"/integrations/{view.id}/history/{run.id}"
    page = RunPage(
        id=run.id,
        connection_id=view.id,
        name=view.display_name,
        row=_row(run, now),
        scopes=tuple(_scope(scope, now.zone) for scope in run.scopes),
        errors=_errors(run, view),
        changes=tuple(
            _change(
                replace(run_view.change_row(change, now.now.date())), names.get(change.card_id), with_names
            )
            for change in changes
        ),
        names_shown=with_names,
        may_show_names=bool(changes) and not with_names and guard.may("run.show_names", "POST"),
        totals=tuple((word, str(run.counts[name])) for name, word in run_view.TOTALS.items()),
        note=run.note,
        undone=undo_view.undone_words(run, now.now, now.zone),
        undo_href=f"{href}/undo" if undoing and undoing.possible else None,
        no_undo=_no_undo(undoing, run),
        requests=_requests(run, view),
        support=support_text.of_run(run, view, now.now),
        progress=None
        if run.is_over
        else run_view.progress_of(run, now=now.now, zone=now.zone, pms=view.pms_label),
    )
    return shell.render("integrations/run.html", "integrations", now, page=page)


def _change(row: ChangeRow, name: str | None, with_names: bool) -> ChangeRow:
    return replace(row, name=name or "No name") if with_names else row


def _names(run_id: int, card_ids: Collection[int]) -> dict[int, str | None]:
    """Whose cards these are; that somebody asked is in the log."""
    looking.at_reveal(f"run:{run_id}", card_ids)
    return cards.names_of(card_ids)


def _no_undo(undoing: UndoPlan | None, run: RunView) -> str | None:
    """Why it cannot be undone, where a person might look for it."""
    if undoing is None or undoing.possible or run.undone:
        return None
    return undoing.refused or "Nothing of it can be put back any more: every card was changed since."


def _requests(run: RunView, view: ConnectionView) -> str | None:
    if run.requests_made is None:
        return None
    made = f"{fmt.plural(run.requests_made, 'request')} to {view.pms_label}"
    limit = vendor_adapters.requests_per_minute(view.pms_type)
    if limit is None:
        return f"{made}; nothing limits them here"
    return f"{made}; at most {limit} a minute are made"


def _errors(run: RunView, view: ConnectionView) -> tuple[ErrorRow, ...]:
    """What went wrong, by code, the run's own first; each with its next step."""
    whose: dict[str, dict[str, None]] = {}
    if run.error:
        whose[run.error[0]] = {}
    for scope in run.scopes:
        if scope.error_code:
            whose.setdefault(scope.error_code, {})[scope.name or "No clinician"] = None
    return tuple(_error(code, list(names), run, view) for code, names in whose.items())


def _error(code: str, names: Sequence[str], run: RunView, view: ConnectionView) -> ErrorRow:
    href, word = shell.way_to(next_step(code, view.pms_label, view.id))
    is_own = run.error is not None and run.error[0] == code
    return ErrorRow(
        code=code,
        message=(
            run.error[1] if is_own and run.error and run.error[1] else message_for(code, view.pms_label)
        ),
        advice=advice_for(code, view.pms_label),
        whose=fmt.listed(names),
        step=(href, word) if href and word and not href.endswith("/history") else None,
        help_href=help_href(code),
    )


def _row(run: RunView, now: shell.PageStatus) -> RunRow:
    begun = run.started_at or run.requested_at
    took = fmt.span((run.completed_at - begun).total_seconds()) if run.completed_at and run.started_at else ""
    return RunRow(
        id=run.id,
        started=fmt.moment(begun, now.now, now.zone),
        took=took,
        by=run_view.started_by(run) + (", preview only" if run.dry_run else ""),
        badge=run_view.status_badge(run),
        said=run_view.result_sentence(run, timeline.of_run(run.id)) if run.is_over else "",
    )


def _scope(scope: ScopeView, zone: str) -> ScopeRow:
    return ScopeRow(
        name=scope.name or "No clinician",
        day=fmt.short_day(scope.date),
        badge=run_view.outcome_badge(scope),
        numbers=tuple((word, str(scope.counts.get(key, 0))) for key, word in _NUMBERS.items()),
        code=scope.error_code,
        match=run_view.receipt_words(scope, zone),
    )


def _undo_page(connection_id: int, run_id: int, error: str | None = None) -> str:
    view, now = connections.get_connection(connection_id), shell.page_status()
    run = run_history.get_run(connection_id, run_id)
    undoing = undo_run.plan(connection_id, run_id)
    today = now.now.date()
    page = UndoPage(
        id=run.id,
        connection_id=view.id,
        name=view.display_name,
        pms=view.pms_label,
        started=fmt.moment(run.started_at or run.requested_at, now.now, now.zone),
        possible=tuple(undo_view.undo_row(line, now.now, today) for line in undoing.possible),
        impossible=tuple(undo_view.undo_row(line, now.now, today) for line in undoing.impossible),
        refused=undoing.refused,
        next_read=undo_view.next_read_words(view, now.now),
        pauses=tuple(Option(key, word) for key, word in undo_view.PAUSES.items())
        if guard.may("connection.pause", "POST")
        else (),
        error=error,
    )
    return shell.render("integrations/undo_run.html", "integrations", now, page=page)
