"""Steps 3 and 4 of connecting, and the same pages afterwards: practitioners to columns, types to telehealth."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, make_response, redirect, request
from flask.typing import ResponseReturnValue

from pmsapp import clock
from pmsapp.access import guard
from pmsapp.adapters.base import TelehealthSource
from pmsapp.adapters.registry import get_info
from pmsapp.domain.errors import PMSError
from pmsapp.services.base.errors import Invalid
from pmsapp.services.connections import connections
from pmsapp.services.connections.connections import ConnectionView
from pmsapp.services.matching import appointment_types, mappings
from pmsapp.services.matching.live_lists import Listing
from pmsapp.services.sheet import columns as sheet_columns
from pmsapp.web.integrations import connect_form
from pmsapp.web.integrations import matching_view as view_of
from pmsapp.web.integrations.contexts import PractitionerRow, PractitionersPage, TypeRow, TypesPage
from pmsapp.web.ui import formatting as fmt
from pmsapp.web.ui import shell
from pmsapp.web.ui.page_contexts import Notice

bp = Blueprint("matching", __name__)
MAX_ROWS = 2000


@bp.get("/integrations/<id:connection_id>/practitioners")
def practitioners(connection_id: int) -> ResponseReturnValue:
    """Who goes into which column."""
    return _practitioners_page(connections.get_connection(connection_id))


@bp.post("/integrations/<id:connection_id>/practitioners")
def match(connection_id: int) -> ResponseReturnValue:
    """Keep what was chosen, all or none."""
    view = connections.get_connection(connection_id)
    chosen = {key: request.form.get(f"choice-{number}", "") for number, key in _numbered()}
    try:
        mappings.set_mappings(connection_id, view_of.mapping_choices(chosen), guard.current_actor())
    except Invalid as error:
        keys = list(chosen)
        faults = {keys[int(path.split(".")[1])]: text for path, text in error.errors.items()}
        return _practitioners_page(view, chosen, faults)
    following = "types" if view.state == "setup" else "practitioners?saved=1"
    return redirect(f"/integrations/{connection_id}/{following}", 303)


@bp.get("/integrations/<id:connection_id>/types")
def kinds(connection_id: int) -> ResponseReturnValue:
    """Which appointment types are telehealth, and which are shown at all."""
    view = connections.get_connection(connection_id)
    info = get_info(view.pms_type)
    follows = info.capabilities.telehealth_source is not TelehealthSource.NONE
    fault: Notice | None = None
    rows: tuple[TypeRow, ...] = ()
    try:
        listed = appointment_types.list_types(connection_id)
        rows = view_of.type_rows(listed, pms=info.label, follows_pms=follows, suggest=view.state == "setup")
        fault = _not_live(listed, view.time_zone)
    except PMSError as error:
        fault = _fault(error)
    page = TypesPage(
        steps=connect_form.steps(4, view),
        id=view.id,
        pms=info.label,
        rows=tuple(row for row in rows if not row.archived),
        archived=tuple(row for row in rows if row.archived),
        follows_pms=follows,
        in_setup=view.state == "setup",
        fault=fault,
        saved="saved" in request.args,
    )
    return _page("integrations/types.html", page, 200)


@bp.post("/integrations/<id:connection_id>/types")
def choose_kinds(connection_id: int) -> ResponseReturnValue:
    """Keep what was ticked; the next update applies it."""
    view = connections.get_connection(connection_id)
    telehealth = {key: request.form.get(f"telehealth-{number}", "") for number, key in _numbered()}
    shown = {key: f"shown-{number}" in request.form for number, key in _numbered()}
    choices = view_of.type_choices(telehealth, shown)
    appointment_types.set_types(connection_id, choices, guard.current_actor())
    following = "start" if view.state == "setup" else "types?saved=1"
    return redirect(f"/integrations/{connection_id}/{following}", 303)


def _numbered() -> list[tuple[int, str]]:
    """The rows of the form: (number, the PMS's id)."""
    return list(enumerate(request.form.getlist("key")[:MAX_ROWS]))


def _practitioners_page(
    view: ConnectionView, chosen: dict[str, str] | None = None, errors: dict[str, str] | None = None
) -> Response:
    info = get_info(view.pms_type)
    fault: Notice | None = None
    rows: tuple[PractitionerRow, ...] = ()
    try:
        columns = [column for column in sheet_columns.list_clinicians() if column.active]
        listed = mappings.list_practitioners(view.id)
        fault = _not_live(listed, view.time_zone)
        rows = view_of.practitioner_rows(
            listed,
            columns,
            suggest=view.state == "setup",
            chosen=chosen,
            errors=errors,
        )
    except PMSError as error:
        fault = _fault(error)
    page = PractitionersPage(
        steps=connect_form.steps(3, view),
        id=view.id,
        pms=info.label,
        rows=rows,
        counter=view_of.counter(rows),
        in_setup=view.state == "setup",
        fault=fault,
        saved="saved" in request.args,
    )
    return _page("integrations/practitioners.html", page, 422 if errors else 200)


def _not_live(listed: Listing[Any], zone: str) -> Notice | None:
    """What to say over a list that is known from before."""
    error = listed.stale
    if error is None:
        return None
    at = f" as of {fmt.moment(listed.as_of, clock.now(), zone)}" if listed.as_of else " from before"
    return Notice(f"{error.message}. This is the list{at}.", error.advice, "warn", "cloud", error.code)


def _fault(error: PMSError) -> Notice:
    return Notice(f"{error.message}.", error.advice, "warn", "cloud", error.code)


def _page(template: str, page: object, status: int) -> Response:
    return make_response(shell.render(template, "integrations", page=page), status)
