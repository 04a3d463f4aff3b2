"""One connection as its card says it: state, sentence, what to do, what the last run came to. Pure."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import datetime
from typing import Any

from pmsapp.domain.codes import LeadsTo
from pmsapp.domain.errors import advice_for
from pmsapp.domain.sync_state import ConnectionState, RunStatus
from pmsapp.services.connections import views as connection_views
from pmsapp.services.connections.connections import ConnectionView, ErrorView
from pmsapp.services.runs.history import RunView
from pmsapp.services.setup.drafts import Unfinished
from pmsapp.web.integrations.contexts import ConnectionCard, NextStep, ReceiptLine, UndoLine
from pmsapp.web.runs import view as run_view
from pmsapp.web.runs.contexts import LastRun
from pmsapp.web.ui import formatting as fmt
from pmsapp.web.ui import labels


def build_card(
    view: ConnectionView,
    *,
    current: RunView | None,
    last: RunView | None,
    now: datetime,
    can_sync: bool,
    can_configure: bool,
    goes_on: Unfinished | None = None,
    is_asked: bool = True,
    undo: tuple[UndoLine, ...] = (),
    receipt: ReceiptLine | None = None,
) -> ConnectionCard:
    """The card of one connection. It asks for itself every 15 s, every second while a run is under way.

    `is_asked`: questions are open; without one nobody is led to them.
    """
    under_way = current is not None and not current.is_over
    error = view.last_sync_error if view.state is not ConnectionState.OK or _is_partial(view) else None
    card = ConnectionCard(
        id=view.id,
        name=view.display_name,
        practice=view.practice_name if view.practice_name != view.display_name else None,
        pms=view.pms_label,
        badge=labels.connection_badge(view, _progress(current), now),
        sentence=_sentence(view, now, goes_on),
        problem=error.message if error else None,
        code=error.code if error else None,
        advice=_advice(view, error),
        next_step=step_button(view, goes_on, is_asked=is_asked)
        if can_configure or (can_sync and _is_question(view))
        else None,
        facts=_facts(view),
        progress=run_view.progress_of(current, now=now, zone=view.time_zone, pms=view.pms_label)
        if current and under_way
        else None,
        run_id=current.id if current and under_way else None,
        last=_last(last, now, view.time_zone),
        can_sync=can_sync and view.state is not ConnectionState.SETUP,
        can_cancel=can_sync and under_way,
        can_configure=can_configure,
        undo=undo,
        receipt=receipt,
    )
    digest = hashlib.sha256(repr(card).encode()).hexdigest()[:12]
    following = f"&run={current.id}" if current and under_way else ""
    return replace(
        card,
        poll_href=f"/integrations/{view.id}/card?v={digest}{following}",
        poll_every="1s"
        if under_way and current and current.status == RunStatus.RUNNING
        else _poll_every(current),
    )


def _progress(current: RunView | None) -> dict[str, Any] | None:
    if current is None or current.status != RunStatus.RUNNING:
        return None
    return current.progress or {}


def _poll_every(current: RunView | None) -> str:
    """A run that waits for a minute named by the vendor need not be watched every second."""
    return "1s" if current and not current.is_over and current.not_before is None else "15s"


def step_button(
    view: ConnectionView, goes_on: Unfinished | None = None, *, is_asked: bool = True
) -> NextStep | None:
    """The step that ends set-up or puts a connection right; None when nobody has to do anything, or can."""
    if view.state is ConnectionState.SETUP:
        href = goes_on.href if goes_on else connection_views.next_setup_step(view).href
        return NextStep(href, "Continue set-up")
    step = view.next_step if view.needs_staff and (is_asked or not _is_question(view)) else None
    return NextStep(step.href, step.word) if step else None


def _is_question(view: ConnectionView) -> bool:
    """Whether its next step is to answer a question."""
    return view.next_step is not None and view.next_step.leads_to is LeadsTo.DECISIONS


def _advice(view: ConnectionView, error: ErrorView | None) -> str | None:
    if view.state is not ConnectionState.OK:
        return view.advice
    return advice_for(error.code, view.pms_label) if error else None


def _is_partial(view: ConnectionView) -> bool:
    return view.last_sync_status in (RunStatus.PARTIAL, RunStatus.FAILED)


def _sentence(view: ConnectionView, now: datetime, goes_on: Unfinished | None) -> str:
    """ "Data from 09:02. Next update 09:15, every 15 minutes in clinic hours." """
    if view.state is ConnectionState.SETUP:
        by = (
            f", {goes_on.by} {fmt.moment(goes_on.at, now, view.time_zone)}"
            if goes_on and goes_on.by and goes_on.at
            else ""
        )
        step = f"Step {goes_on.step} of {goes_on.steps} comes next{by}. " if goes_on else ""
        return f"{step}Nothing is on the run sheet before the set-up is finished."
    as_of = view.freshness.as_of
    parts = [f"Data from {fmt.moment(as_of, now, view.time_zone)}." if as_of else labels.no_age_words(view)]
    if view.state is ConnectionState.PAUSED:
        if view.paused and view.paused.reason:
            parts.append(f"Paused: {view.paused.reason}.")
    elif view.next_sync_at:
        reason = f", {view.next_sync_reason}" if view.next_sync_reason else ""
        parts.append(f"Next update {fmt.moment(view.next_sync_at, now, view.time_zone)}{reason}.")
    return " ".join(parts)


def _facts(view: ConnectionView) -> tuple[str, ...]:
    counts = view.counts
    known = counts.mapped + counts.ignored + counts.undecided
    if not known:
        return ()
    facts = [f"{counts.mapped} of {fmt.plural(known, 'practitioner')} matched"]
    if counts.ignored:
        facts.append(f"{counts.ignored} not shown on purpose")
    if counts.undecided:
        facts.append(f"{counts.undecided} to decide")
    facts.append(fmt.plural(counts.telehealth_types, "telehealth type"))
    return tuple(facts)


def _last(run: RunView | None, now: datetime, zone: str) -> LastRun | None:
    if run is None or not run.is_over or run.completed_at is None:
        return None
    return LastRun(
        badge=run_view.status_badge(run),
        at=fmt.moment(run.completed_at, now, zone),
        said=run_view.result_words(run),
    )
