"""Settings of the clinic and the run sheet's columns, the health of the installation, and help."""

from __future__ import annotations

from datetime import date

from flask import Blueprint, Response, make_response, redirect, request
from flask.typing import ResponseReturnValue

from pmsapp import clock
from pmsapp.access import guard
from pmsapp.domain.errors import CATALOGUE, ActionOwner, Code
from pmsapp.domain.runsheet import Thresholds
from pmsapp.schemas.addresses import day_or_none
from pmsapp.schemas.base import given
from pmsapp.schemas.fields import MAX_CLOSED_DAYS
from pmsapp.schemas.matching import ClinicianChange
from pmsapp.schemas.reading import read_form
from pmsapp.services.base.errors import Invalid
from pmsapp.services.clinic import clinic, opening_hours
from pmsapp.services.clinic.clinic import STATES, WEEKDAYS, ClinicView
from pmsapp.services.sheet import columns as sheet_columns
from pmsapp.web.settings import health_view
from pmsapp.web.settings import nav as settings_nav
from pmsapp.web.settings.contexts import (
    ClinicPage,
    ColumnLine,
    ColumnsPage,
    HelpPage,
    HoursLine,
    SettingsLine,
    SettingsPage,
)
from pmsapp.web.ui import fields, labels, shell
from pmsapp.web.ui import formatting as fmt
from pmsapp.web.ui.page_contexts import FormField, Option

bp = Blueprint("settings", __name__)
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_WHO = {
    ActionOwner.STAFF: "You",
    ActionOwner.WAIT: "It repeats by itself",
    ActionOwner.VENDOR: "The practice software",
}


@bp.get("/settings")
def index() -> ResponseReturnValue:
    """What can be set."""
    page = SettingsPage(tuple(SettingsLine(item, about) for item, about in settings_nav.lines()))
    return shell.render("settings/index.html", "settings", page=page)


@bp.get("/settings/clinic")
def clinic_page() -> ResponseReturnValue:
    """Name, zone, hours, closures."""
    return _clinic_page(clinic.get_clinic())


@bp.post("/settings/clinic")
def save_clinic() -> ResponseReturnValue:
    """Change the clinic."""
    try:
        closed = _days_of(request.form.get("closed_days", ""))
        clinic.update_clinic(
            guard.current_actor(),
            name=request.form.get("name", ""),
            time_zone=request.form.get("time_zone", ""),
            state=request.form.get("state", ""),
            hours={key: _hours_of(key) for key in WEEKDAYS},
            closed_days=closed,
        )
    except Invalid as error:
        return _clinic_page(clinic.get_clinic(), error.errors)
    return redirect("/settings/clinic?saved=1", 303)


def _hours_of(key: str) -> tuple[str, str] | None:
    opens, closes = request.form.get(f"opens-{key}", ""), request.form.get(f"closes-{key}", "")
    return (opens, closes) if opens or closes else None


def _days_of(text: str) -> tuple[date, ...]:
    days = [day_or_none(part) for part in text.replace(",", " ").split()]
    if None in days or len(days) > MAX_CLOSED_DAYS:
        raise Invalid(
            {"closed_days": f"Write each day like 2026-12-25, one per line, {MAX_CLOSED_DAYS} at most."}
        )
    return tuple(day for day in days if day is not None)


def _clinic_page(view: ClinicView, errors: dict[str, str] | None = None) -> Response:
    typed, errors = (request.form if errors else {}), errors or {}
    days = "\n".join(day.isoformat() for day in view.closed_days)
    state = typed.get("state", view.state or "")
    page = ClinicPage(
        nav=settings_nav.nav(),
        name=FormField("name", "Name", typed.get("name", view.name), error=errors.get("name")),
        closed_days=FormField(
            "closed_days",
            "Days it is closed",
            typed.get("closed_days", days),
            error=errors.get("closed_days"),
        ),
        zones=fields.zone_options(typed.get("time_zone", view.time_zone)),
        states=(
            Option("", "None: keep no public holidays", not state),
            *(Option(name, name, name == state) for name in STATES),
        ),
        holidays=_next_holidays(view),
        hours=tuple(_hours_line(key, word, view, typed) for key, word in zip(WEEKDAYS, _DAYS, strict=True)),
        errors=tuple(("opens-mon" if name == "hours" else name, text) for name, text in errors.items()),
        saved="saved" in request.args,
    )
    html = shell.render("settings/clinic.html", "settings", page=page)
    return make_response(html, 422 if errors else 200)


def _next_holidays(view: ClinicView) -> str:
    """The next public holidays it keeps, in words."""
    coming = opening_hours.coming_holidays(view, clock.now())
    return "; ".join(f"{name}, {fmt.short_day(day)}" for day, name in coming)


def _hours_line(key: str, word: str, view: ClinicView, typed: dict[str, str]) -> HoursLine:
    opens, closes = view.hours.get(key) or ("", "")
    return HoursLine(key, word, typed.get(f"opens-{key}", opens), typed.get(f"closes-{key}", closes))


_WAITS = (
    ("notice_after", "Notice after, min"),
    ("warn_after", "Warn after, min"),
    ("urgent_after", "Urgent after, min"),
)


@bp.get("/settings/clinicians")
def columns() -> ResponseReturnValue:
    """The run sheet's columns."""
    return _columns_page()


@bp.post("/settings/clinicians")
def add_column() -> ResponseReturnValue:
    """Add a column."""
    try:
        sheet_columns.create_clinician(guard.current_actor(), name=request.form.get("name", ""))
    except Invalid as error:
        return _columns_page(error.errors)
    return redirect("/settings/clinicians?saved=1", 303)


@bp.post("/settings/clinicians/<id:clinician_id>")
def save_column(clinician_id: int) -> ResponseReturnValue:
    """Change a column's name, place, or whether it is shown."""
    sent = {
        "name": request.form.get("name", ""),
        "sort_order": request.form.get("sort_order", ""),
        "active": "active" in request.form,
    }
    try:
        changes = given(read_form(ClinicianChange, sent))
        thresholds = _thresholds()
        sheet_columns.update_clinician(clinician_id, guard.current_actor(), thresholds=thresholds, **changes)
    except Invalid as error:
        return _columns_page(error.errors)
    return redirect("/settings/clinicians?saved=1", 303)


def _thresholds() -> Thresholds | None:
    """How long this clinician's patients may wait, where the form says so. Raises Invalid."""
    given = [request.form.get(name) for name, _ in _WAITS]
    if None in given:
        return None
    if not all(text and text.isdecimal() and len(text) < 5 for text in given):
        raise Invalid({"thresholds": "Minutes of waiting are whole numbers."})
    return Thresholds(*(int(text or 0) for text in given))


def _waits(thresholds: Thresholds) -> tuple[tuple[str, str, int], ...]:
    numbers = (thresholds.notice_min, thresholds.warn_min, thresholds.urgent_min)
    return tuple((name, label, number) for (name, label), number in zip(_WAITS, numbers, strict=True))


def _columns_page(errors: dict[str, str] | None = None) -> Response:
    page = ColumnsPage(
        nav=settings_nav.nav(),
        columns=tuple(
            ColumnLine(column.id, column.name, column.sort_order, column.active, _waits(column.thresholds))
            for column in sheet_columns.list_clinicians()
        ),
        errors=tuple(("new-name", text) for text in (errors or {}).values()),
        saved="saved" in request.args,
    )
    html = shell.render("settings/clinicians.html", "settings", page=page)
    return make_response(html, 422 if errors else 200)


@bp.get("/settings/health")
def health() -> ResponseReturnValue:
    """How this installation is."""
    now = shell.page_status()
    return shell.render("settings/health.html", "settings", now, page=health_view.build(now))


@bp.get("/help")
def help_page() -> ResponseReturnValue:
    """Every state and every code, in words."""
    page = HelpPage(
        badges=(
            ("What the practice software says", tuple(labels.STATUS.values())),
            ("What became of a card", tuple(labels.PRESENCE.values())),
            ("Where reception stands", tuple(labels.WORKFLOW.values())),
            ("Telehealth", tuple(labels.TELEHEALTH.values())),
        ),
        codes=tuple(_code_line(code) for code in CATALOGUE.values()),
    )
    return shell.render("settings/help.html", "settings", page=page)


def _code_line(code: Code) -> tuple[str, str, str, str, str]:
    pms = "the practice software"
    headline, advice = code.headline.format(pms=pms), code.advice.format(pms=pms)
    step = code.step.words.format(pms=pms)
    return code.name, headline[:1].upper() + headline[1:], advice, step, _WHO[code.actor]
