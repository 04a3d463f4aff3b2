"""Settings of the clinic and the run sheet's columns, and the health of the installation."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Blueprint, Response, make_response, redirect
from flask.typing import ResponseReturnValue

from pmsapp import clock
from pmsapp.access import guard
from pmsapp.services.base.errors import Invalid
from pmsapp.services.clinic import clinic, opening_hours
from pmsapp.services.clinic.clinic import DAY_WORDS, STATES, ClinicView
from pmsapp.services.sheet import columns as sheet_columns
from pmsapp.services.sheet.columns import ClinicianView
from pmsapp.web.settings import health_view
from pmsapp.web.settings import nav as settings_nav
from pmsapp.web.settings.contexts import (
    ClinicPage,
    ColumnLine,
    ColumnsPage,
    HoursLine,
    SettingsLine,
    SettingsPage,
)
from pmsapp.web.settings.forms import WAITS, ClinicForm, ColumnForm, NewColumnForm
from pmsapp.web.ui import fields, forms, shell
from pmsapp.web.ui import formatting as fmt
from pmsapp.web.ui.page_contexts import FormField, Option

bp = Blueprint("settings", __name__)
_CLINIC_LABELS = {
    "name": "Name",
    "time_zone": "Time zone",
    "state": "Public holidays",
    "closed_days": "Days it is closed",
}
_COLUMN_LABELS = {"name": "Name", "sort_order": "Place", **WAITS}


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
        form = forms.read(ClinicForm)
        clinic.update_clinic(
            guard.current_actor(),
            name=form.name,
            time_zone=form.time_zone,
            state=form.state,
            hours={day: getattr(form.hours, day) for day in DAY_WORDS},
            closed_days=form.closed_days,
        )
    except Invalid as error:
        return _clinic_page(clinic.get_clinic(), error.errors)
    return redirect("/settings/clinic?saved=1", 303)


def _clinic_page(view: ClinicView, errors: Mapping[str, str] | None = None) -> Response:
    typed, errors = (forms.typed() if errors else {}), errors or {}
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
        hours=tuple(_hours_line(key, word, view, typed, errors) for key, word in DAY_WORDS.items()),
        errors=tuple((_input_of(name), text) for name, text in forms.told(errors, _CLINIC_LABELS)),
        saved=forms.says("saved"),
    )
    html = shell.render("settings/clinic.html", "settings", page=page)
    return make_response(html, 422 if errors else 200)


def _next_holidays(view: ClinicView) -> str:
    """The next public holidays it keeps, in words."""
    coming = opening_hours.coming_holidays(view, clock.now())
    return "; ".join(f"{name}, {fmt.short_day(day)}" for day, name in coming)


def _input_of(field: str) -> str:
    """The input of the page that a fault of the hours leads to; every other field has its own."""
    first, _, day = field.partition(".")
    return f"opens-{day or 'mon'}" if first == "hours" else field


def _hours_line(
    key: str, word: str, view: ClinicView, typed: Mapping[str, str], errors: Mapping[str, str]
) -> HoursLine:
    opens, closes = view.hours.get(key) or ("", "")
    return HoursLine(
        key,
        word,
        typed.get(f"opens-{key}", opens),
        typed.get(f"closes-{key}", closes),
        error=errors.get(f"hours.{key}"),
    )


@bp.get("/settings/clinicians")
def columns() -> ResponseReturnValue:
    """The run sheet's columns."""
    return _columns_page()


@bp.post("/settings/clinicians")
def add_column() -> ResponseReturnValue:
    """Add a column."""
    try:
        sheet_columns.create_clinician(guard.current_actor(), name=forms.read(NewColumnForm).name)
    except Invalid as error:
        return _columns_page(error.errors)
    return redirect("/settings/clinicians?saved=1", 303)


@bp.post("/settings/clinicians/<id:clinician_id>")
def save_column(clinician_id: int) -> ResponseReturnValue:
    """Change a column's name, place, whether it is shown, or how long its patients may wait."""
    try:
        form = forms.read(ColumnForm)
        sheet_columns.update_clinician(
            clinician_id,
            guard.current_actor(),
            name=form.name,
            sort_order=form.sort_order,
            active=form.active,
            thresholds=form.thresholds,
        )
    except Invalid as error:
        return _columns_page(error.errors, of=clinician_id)
    return redirect("/settings/clinicians?saved=1", 303)


def _columns_page(errors: Mapping[str, str] | None = None, *, of: int | None = None) -> Response:
    """The columns; `errors` are those of the column `of`, or of a new one."""
    errors, typed = errors or {}, forms.typed() if errors else {}
    page = ColumnsPage(
        nav=settings_nav.nav(),
        columns=tuple(
            _column_line(column, typed, errors) if column.id == of else _column_line(column, {}, {})
            for column in sheet_columns.list_clinicians()
        ),
        new=FormField("new-name", "New column", typed.get("name", ""), error=errors.get("name"))
        if of is None
        else FormField("new-name", "New column", ""),
        errors=tuple((f"{name}-{of or 'new'}", text) for name, text in forms.told(errors, _COLUMN_LABELS))
        if of is not None
        else tuple(("new-name", text) for text in errors.values()),
        saved=forms.says("saved"),
    )
    html = shell.render("settings/clinicians.html", "settings", page=page)
    return make_response(html, 422 if errors else 200)


def _column_line(column: ClinicianView, typed: Mapping[str, str], errors: Mapping[str, str]) -> ColumnLine:
    """One column's form: what is stored, or what was typed where it was refused."""
    limits = column.thresholds
    stored = {"name": column.name, "sort_order": str(column.sort_order)}
    stored |= dict(zip(WAITS, map(str, (limits.notice_min, limits.warn_min, limits.urgent_min)), strict=True))
    return ColumnLine(
        column.id,
        column.name,
        active="active" in typed if typed else column.active,
        fields={
            name: FormField(
                f"{name}-{column.id}", _COLUMN_LABELS[name], typed.get(name, value), error=errors.get(name)
            )
            for name, value in stored.items()
        },
    )


@bp.get("/settings/health")
def health() -> ResponseReturnValue:
    """How this installation is."""
    now = shell.page_status()
    return shell.render("settings/health.html", "settings", now, page=health_view.build(now))
