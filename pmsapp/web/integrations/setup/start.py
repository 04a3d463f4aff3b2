"""Step 5: what was chosen, what the first update would put on the sheet, and the start; then its progress, in place."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any
from urllib.parse import quote

from flask import Response, make_response, render_template

from pmsapp import clock
from pmsapp.adapters.registry import get_info
from pmsapp.domain.errors import message_for
from pmsapp.domain.sync.rules import SkipReason
from pmsapp.domain.window import day_of
from pmsapp.domain.worklist.patients import initials
from pmsapp.schemas.operations import ClinicChange
from pmsapp.schemas.reading import read_form
from pmsapp.services.base.errors import Invalid, ServiceError
from pmsapp.services.base.next_step import help_href
from pmsapp.services.clinic import clinic
from pmsapp.services.clinic.clinic import DEFAULT_NAME, STATES, USUAL_HOURS, WEEKDAYS, ClinicView
from pmsapp.services.connections import connections
from pmsapp.services.connections.connections import ConnectionView
from pmsapp.services.runs import history as run_history
from pmsapp.services.runs.history import RunView
from pmsapp.services.setup import preview
from pmsapp.services.setup.preview import Preview, Visit
from pmsapp.services.sheet import timeline
from pmsapp.web.integrations.setup import connect, connect_form
from pmsapp.web.integrations.setup.contexts import (
    ClinicBlock,
    PreviewDay,
    PreviewPart,
    StartedPart,
    StartPage,
    VisitRow,
)
from pmsapp.web.integrations.setup.kinds import follows_pms
from pmsapp.web.runs import view as run_view
from pmsapp.web.ui import formatting as fmt
from pmsapp.web.ui import forms
from pmsapp.web.ui.page_contexts import Badge, FormField, Notice, Option

_APPEARS = Badge("Appears", "tick", "good")
_UNSURE = Badge("Appears, not sure", "help", "warn")
_LEFT_OUT = Badge("Not shown", "hide")
_DECIDE = Badge("Needs a decision", "decide", "warn")
_REASONS = {
    SkipReason.NOT_TELEHEALTH: "Not telehealth",
    SkipReason.TYPE_OFF: "Its type is switched off",
    SkipReason.PRACTITIONER_IGNORED: "The practitioner is not shown on purpose",
    SkipReason.PRACTITIONER_UNDECIDED: "Nobody has decided about the practitioner",
    SkipReason.CANCELLED_UNSEEN: "Cancelled already",
}
_WEEK = WEEKDAYS[:5]


def page(
    view: ConnectionView,
    *,
    error: ServiceError | None = None,
    test: Notice | None = None,
    names_shown: bool = False,
) -> Response:
    """The summary, the preview, and the button that says its effect."""
    errors = error.errors if isinstance(error, Invalid) else {}
    shown = StartPage(
        steps=connect_form.steps(5, view),
        id=view.id,
        pms=view.pms_label,
        facts=_facts(view),
        warnings=_warnings(view),
        preview=preview_part(view, names_shown=names_shown),
        clinic=_clinic_block(clinic.get_clinic(), errors),
        test=test,
        refusal=_refusal(error),
        errors=tuple((_FIELD_OF.get(name.partition(".")[0], name), text) for name, text in errors.items()),
    )
    return connect.respond("start", shown, connect.status_of(error))


def preview_part(view: ConnectionView, *, names_shown: bool = False) -> PreviewPart:
    """The preview as it stands: under way, ready, or why there is none."""
    found = preview.latest(view.id)
    run, now = found.run, clock.now()
    if run is None or (run.is_over and not found.is_current and run.preview is not None):
        words = "The preview was made before the last change." if run else "There is no preview yet."
        return PreviewPart(view.id, fault=Notice(words, "Press “Read again” to see the day.", "wait", "info"))
    if not run.is_over:
        progress = run_view.progress_of(run, now=now, zone=view.time_zone, pms=view.pms_label)
        return PreviewPart(view.id, progress=progress, poll_href=f"/integrations/{view.id}/preview")
    if not found.is_ready or run.status == "failed":
        return PreviewPart(view.id, fault=_run_fault(run, view))
    today = day_of(now, view.time_zone)
    return PreviewPart(
        view.id,
        days=tuple(_day(day, visits, view, today, names_shown=names_shown) for day, visits in found.visits),
        names_shown=names_shown,
        fault=_run_fault(run, view) if run.error else None,
        as_of=fmt.moment(run.completed_at, now, view.time_zone) if run.completed_at else None,
        button=_button(found, today),
    )


def preview_answer(view: ConnectionView, *, names_shown: bool = False) -> Response:
    """The preview alone."""
    part = preview_part(view, names_shown=names_shown)
    return make_response(render_template("integrations/setup/_preview.html", p=part))


def started_page(view: ConnectionView) -> Response:
    """The first update and what it put on the sheet."""
    return connect.respond("started", started_part(view))


def caught_up_page(view: ConnectionView, return_to: str) -> Response:
    """After signing in again: the update that makes up for what was missed, then the way back."""
    return connect.respond("caught_up", started_part(view, return_to))


def started_answer(view: ConnectionView, return_to: str | None) -> Response:
    """The same, in place. `return_to`: where somebody came from to sign in again."""
    part = started_part(view, return_to)
    return make_response(render_template("integrations/setup/_started.html", s=part))


def started_part(view: ConnectionView, return_to: str | None = None) -> StartedPart:
    """How the newest update of a connection is doing. `return_to`: it makes up for what was missed."""
    part = _started(
        view, newest_run(view.id), "" if return_to is None else f"?next={quote(return_to, safe='/')}"
    )
    if return_to is None:
        return part
    said = (part.said or "").removeprefix("Updated: ").rstrip(".")
    if part.said:
        missed = "nothing" if said == "Nothing changed" else said
        part = replace(part, said=f"Missed while signed out: {missed}.", headline="Signed in again")
    return replace(part, return_to=return_to)


def _started(view: ConnectionView, run: RunView | None, query: str) -> StartedPart:
    if run is not None and not run.is_over:
        progress = run_view.progress_of(run, now=clock.now(), zone=view.time_zone, pms=view.pms_label)
        href = f"/integrations/{view.id}/started{query}"
        return StartedPart(
            view.id, view.pms_label, progress=progress, poll_href=href, headline="Reading the day"
        )
    cards = preview.cards_today(view.id)
    if run is None or run.status in ("failed", "cancelled", "interrupted"):
        fault = _run_fault(run, view) if run else None
        return StartedPart(
            view.id, view.pms_label, fault=fault, cards=cards, headline=f"{view.pms_label} is connected"
        )
    return StartedPart(
        view.id,
        view.pms_label,
        said=run_view.result_sentence(run, timeline.of_run(run.id)),
        cards=cards,
        headline=f"{fmt.plural(cards, 'card')} of {view.pms_label} {'is' if cards == 1 else 'are'} on today's sheet",
        fault=_run_fault(run, view) if run.error else None,
    )


def newest_run(connection_id: int) -> RunView | None:
    """The update under way, else the last one; previews aside."""
    listed = run_history.list_runs(connection_id, limit=5)
    if listed.current is not None and not listed.current.dry_run:
        return listed.current
    return next((run for run in listed.items if not run.dry_run), None)


def read_clinic_form() -> dict[str, Any]:
    """What was said about the clinic on the last step, as the service takes it. Raises Invalid."""
    sent: dict[str, Any] = {}
    if forms.typed().get("clinic_name", "").strip():
        sent["name"] = forms.typed()["clinic_name"].strip()
    if forms.typed().get("clinic_state"):
        sent["state"] = forms.typed()["clinic_state"]
    opens, closes = forms.typed().get("opens"), forms.typed().get("closes")
    if opens and closes:
        own = dict(clinic.get_clinic().hours)
        sent["hours"] = own | dict.fromkeys(_WEEK, (opens, closes))
    changes = read_form(ClinicChange, sent)
    found = changes.model_dump(include=changes.model_fields_set)
    if found.get("hours") is not None:
        found["hours"] = {day: tuple(times) if times else None for day, times in found["hours"].items()}
    return found


_FIELD_OF = {"name": "clinic_name", "state": "clinic_state", "hours": "opens"}


def _clinic_block(view: ClinicView, errors: dict[str, str]) -> ClinicBlock:
    """Only what is unset: a name, the state, the hours as they come from the factory."""
    typed = forms.typed()
    hours_fault = next((text for name, text in errors.items() if name.startswith("hours")), None)
    opens, closes = view.hours.get(_WEEK[0]) or ("", "")
    is_usual = dict(view.hours) == dict(USUAL_HOURS)
    state = typed.get("clinic_state", view.state or "")
    return ClinicBlock(
        name=FormField(
            "clinic_name", "Name of the clinic", typed.get("clinic_name", ""), error=errors.get("name")
        )
        if view.name == DEFAULT_NAME
        else None,
        states=(Option("", "Choose…", not state), *(Option(name, name, name == state) for name in STATES))
        if view.state is None
        else (),
        opens=FormField("opens", "Monday to Friday from", typed.get("opens", opens), error=hours_fault)
        if is_usual
        else None,
        closes=FormField("closes", "to", typed.get("closes", closes)) if is_usual else None,
    )


def _facts(view: ConnectionView) -> tuple[tuple[str, str, str], ...]:
    counts, base = view.counts, f"/integrations/{view.id}"
    return (
        ("Practice", view.practice_name or view.display_name, f"{base}/found"),
        ("Time zone", view.time_zone.replace("_", " "), f"{base}/found"),
        (
            "Practitioners",
            f"{counts.mapped} matched, {counts.ignored} not shown, {counts.undecided} to decide",
            f"{base}/practitioners",
        ),
        ("Telehealth types", _types_words(view), f"{base}/types"),
        ("Updates", f"Every {view.sync_frequency_minutes} minutes in clinic hours", base),
    )


def _types_words(view: ConnectionView) -> str:
    info = get_info(view.pms_type)
    if follows_pms(info):
        return f"{info.label} decides, {fmt.plural(preview.exceptions(view.id), 'exception')}"
    return f"{view.counts.telehealth_types} on the sheet"


def _warnings(view: ConnectionView) -> tuple[str, ...]:
    found = []
    if view.counts.undecided:
        found.append(
            f"{fmt.plural(view.counts.undecided, 'practitioner is', 'practitioners are')} undecided: counted, not shown."
        )
    if not view.counts.mapped:
        found.append("No practitioner is matched: the run sheet would stay empty.")
    found.extend(
        f"{other.display_name} reads this practice already: every patient would appear twice."
        for other in connections.list_connections()
        if other.id != view.id and other.sync_enabled and _practice(other) == _practice(view)
    )
    return tuple(found)


def _practice(view: ConnectionView) -> tuple[str, str]:
    """Which practice a connection reads; its own where nobody has said."""
    return view.pms_type, view.tenant_id or view.practice_id or f"connection {view.id}"


def _refusal(error: ServiceError | None) -> Notice | None:
    if error is None or isinstance(error, Invalid):
        return None
    advice = getattr(error, "advice", "") or ""
    return Notice(
        error.message, advice, "stop", "cross", error.code, help_href(error.code), f"What {error.code} means"
    )


def _run_fault(run: RunView, view: ConnectionView) -> Notice:
    """Why a reading did not go well, in its own words."""
    if run.error is None:
        return Notice("The day was not read.", "Press “Read again”.", "warn", "cloud")
    code, message = run.error
    text = message or message_for(code, view.pms_label)
    return Notice(
        f"{text.rstrip('.')}.",
        "Earlier steps are kept.",
        "warn",
        "cloud",
        code,
        help_href(code),
        f"What {code} means",
    )


def _button(found: Preview, today: date) -> str:
    count = found.appearing(today)
    return (
        f"Start: {fmt.plural(count, 'card')} will appear today"
        if count
        else "Start: no card will appear today"
    )


def _day(
    day: date, visits: tuple[Visit, ...], view: ConnectionView, today: date, *, names_shown: bool
) -> PreviewDay:
    rows = [(visit, _visit(visit, view, names_shown=names_shown)) for visit in visits]
    shown = tuple(row for visit, row in rows if visit.column is not None)
    undecided = tuple(row for visit, row in rows if visit.column is None and visit.needs_decision)
    left_out = tuple(row for visit, row in rows if visit.column is None and not visit.needs_decision)
    parts = [f"{len(shown)} appear", f"{len(left_out)} do not"]
    if undecided:
        parts.append(f"{len(undecided)} {'needs' if len(undecided) == 1 else 'need'} a decision")
    title = f"{fmt.day_name(day, today)}, {fmt.short_day(day)}"
    return PreviewDay(title, ", ".join(parts), shown, left_out, undecided)


def _visit(visit: Visit, view: ConnectionView, *, names_shown: bool) -> VisitRow:
    name = visit.patient_name or "Name not given"
    who = name if names_shown or visit.patient_name is None else initials(name)
    if visit.column is not None:
        badge = _UNSURE if visit.needs_decision else _APPEARS
        why = "Nobody has said whether its type is telehealth" if visit.needs_decision else ""
    else:
        badge = _DECIDE if visit.needs_decision else _LEFT_OUT
        why = _REASONS.get(SkipReason(visit.reason), "") if visit.reason else ""
    return VisitRow(
        at=fmt.hhmm(visit.start_at, view.time_zone),
        who=who,
        type_name=visit.type_name or "",
        clinician=visit.column or visit.practitioner or "Nobody named",
        badge=badge,
        why=why,
    )
