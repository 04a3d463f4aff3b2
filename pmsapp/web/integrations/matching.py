"""Steps 3 and 4 of connecting, and the same pages afterwards: practitioners to columns, types to telehealth."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response, make_response, redirect
from flask.typing import ResponseReturnValue

from pmsapp import clock
from pmsapp.access import guard
from pmsapp.adapters.base import TelehealthSource
from pmsapp.adapters.registry import get_info
from pmsapp.domain.errors import PMSError
from pmsapp.services.base.errors import Invalid
from pmsapp.services.connections import connections
from pmsapp.services.connections.connections import ConnectionView
from pmsapp.services.matching import appointment_types, effects, mappings
from pmsapp.services.matching import undo as matching_undo
from pmsapp.services.matching.appointment_types import TypeChoice
from pmsapp.services.matching.effects import Effects
from pmsapp.services.matching.live_lists import Listing
from pmsapp.services.setup import drafts, preview
from pmsapp.services.sheet import columns as sheet_columns
from pmsapp.services.sheet import matching_changes
from pmsapp.web.integrations import change_view
from pmsapp.web.integrations import matching_view as view_of
from pmsapp.web.integrations.contexts import (
    ChangePage,
    PractitionerRow,
    PractitionersPage,
    TypeRow,
    TypesPage,
    UndoLine,
)
from pmsapp.web.integrations.setup import kinds as kinds_step
from pmsapp.web.integrations.setup import people as people_step
from pmsapp.web.ui import formatting as fmt
from pmsapp.web.ui import forms, shell
from pmsapp.web.ui.page_contexts import Notice
from pmsapp.web.ui.said import lead_to

bp = Blueprint("matching", __name__)
MAX_ROWS = 2000
_KEEP, _CHANGE = "keep", "change"


@bp.get("/integrations/<id:connection_id>/practitioners")
def practitioners(connection_id: int) -> ResponseReturnValue:
    """Who goes into which column."""
    view = connections.get_connection(connection_id)
    return people_step.page(view) if view.state == "setup" else _practitioners_page(view)


@bp.post("/integrations/<id:connection_id>/practitioners")
def match(connection_id: int) -> ResponseReturnValue:
    """Tell what was chosen would do, then keep it, all or none."""
    view = connections.get_connection(connection_id)
    chosen = {key: forms.typed().get(f"choice-{number}", "") for number, key in _numbered()}
    if view.state == "setup":
        return _match_in_setup(view, chosen)
    if _goes() == _CHANGE:
        return _practitioners_page(view, chosen)
    choices = view_of.mapping_choices(chosen)
    try:
        page = _told_first(view, effects.of_mappings(connection_id, choices), "practitioners")
        if page is not None:
            return page
        mappings.set_mappings(connection_id, choices, guard.current_actor())
    except Invalid as error:
        keys = list(chosen)
        faults = {keys[int(path.split(".")[1])]: text for path, text in error.errors.items()}
        return _practitioners_page(view, chosen, faults)
    return redirect(f"/integrations/{connection_id}/practitioners?saved=1", 303)


@bp.post("/integrations/<id:connection_id>/practitioners/draft")
def keep_match(connection_id: int) -> ResponseReturnValue:
    """Keep what is chosen so far, undecided."""
    view = connections.get_connection(connection_id)
    chosen = {key: forms.typed().get(f"choice-{number}", "") for number, key in _numbered()}
    _keep(view, {people_step.CHOICES: chosen, people_step.SAME: "same" in forms.typed()})
    return people_step.state_answer(view, chosen, same="same" in forms.typed())


@bp.get("/integrations/<id:connection_id>/types")
def kinds(connection_id: int) -> ResponseReturnValue:
    """Which appointment types are telehealth, and which are shown at all."""
    view = connections.get_connection(connection_id)
    return kinds_step.page(view) if view.state == "setup" else _types_page(view)


def _types_page(view: ConnectionView, chosen: Mapping[str, TypeChoice] | None = None) -> Response:
    info = get_info(view.pms_type)
    follows = info.capabilities.telehealth_source is not TelehealthSource.NONE
    fault: Notice | None = None
    rows: tuple[TypeRow, ...] = ()
    try:
        listed = appointment_types.list_types(view.id)
        rows = view_of.type_rows(view_of.as_chosen(listed, chosen or {}), pms=info.label, follows_pms=follows)
        fault = _not_live(listed, view.time_zone)
    except PMSError as error:
        fault = _fault(error)
    page = TypesPage(
        id=view.id,
        pms=info.label,
        rows=tuple(row for row in rows if not row.archived),
        archived=tuple(row for row in rows if row.archived),
        follows_pms=follows,
        fault=fault,
        saved=forms.says("saved"),
        undo=_undo_lines(view, matching_changes.TYPES),
    )
    return _page("integrations/types.html", page, 200)


@bp.post("/integrations/<id:connection_id>/types")
def choose_kinds(connection_id: int) -> ResponseReturnValue:
    """Tell what was ticked would do, then keep it; the next update applies it."""
    view = connections.get_connection(connection_id)
    if view.state == "setup":
        return _choose_in_setup(view)
    telehealth = {key: forms.typed().get(f"telehealth-{number}", "") for number, key in _numbered()}
    shown = {key: f"shown-{number}" in forms.typed() for number, key in _numbered()}
    choices = view_of.type_choices(telehealth, shown)
    if _goes() == _CHANGE:
        return _types_page(view, {choice.pms_type_id: choice for choice in choices})
    page = _told_first(view, effects.of_types(connection_id, choices), "types")
    if page is not None:
        return page
    appointment_types.set_types(connection_id, choices, guard.current_actor())
    return redirect(f"/integrations/{connection_id}/types?saved=1", 303)


@bp.post("/integrations/<id:connection_id>/changes/<id:change_id>/undo")
def undo(connection_id: int, change_id: int) -> ResponseReturnValue:
    """Take a change of matches or types back, within a day."""
    matching_undo.undo(connection_id, change_id, guard.current_actor())
    return lead_to(f"/integrations/{connection_id}", "matching-undone")


@bp.post("/integrations/<id:connection_id>/types/draft")
def keep_kinds(connection_id: int) -> ResponseReturnValue:
    """Keep what is ticked so far, undecided."""
    view = connections.get_connection(connection_id)
    chosen = _kinds_chosen(view)
    _keep(view, {kinds_step.CHOICES: chosen, kinds_step.LATER: forms.typed().get("new_types", "ask")})
    return kinds_step.state_answer(view, chosen)


def _goes() -> str:
    """Which button was pressed: none (see what it does), keep or change."""
    return forms.typed().get("go", "")


def _told_first(view: ConnectionView, found: Effects, step: str) -> Response | None:
    """The page that says what a change does; None once it was seen as it is now, or where it changes nothing."""
    seen = forms.typed().get("version", "")
    if not found.each or (_goes() == _KEEP and seen == str(found.version)):
        return None
    page = ChangePage(
        action=f"/integrations/{view.id}/{step}",
        version=found.version,
        effects=tuple((effect.name, change_view.sentences(effect)) for effect in found.each),
        hidden=tuple(forms.sent(leave_out=("csrf_token", "go", "version"))),
        moved_on=_goes() == _KEEP,
    )
    return _page("integrations/change.html", page, 200)


def _undo_lines(view: ConnectionView, what: str) -> tuple[UndoLine, ...]:
    found = [change for change in matching_undo.list_undoable(view.id) if change.what == what]
    return change_view.undo_lines(found, clock.now(), view.time_zone)


def _match_in_setup(view: ConnectionView, chosen: dict[str, str]) -> ResponseReturnValue:
    """Step 3: decide what was chosen; going back keeps it undecided. A column taken twice wants a tick."""
    actor, same = guard.current_actor(), "same" in forms.typed()
    _keep(view, {people_step.CHOICES: chosen, people_step.SAME: same})
    if forms.typed().get("go") == "back":
        return redirect(f"/integrations/{view.id}/found", 303)
    try:
        if people_step.taken_twice(chosen) and not same:
            raise Invalid({"same": "One column is chosen twice. Tick that both belong to it, or change one."})
        mappings.set_mappings(view.id, view_of.mapping_choices(chosen), actor)
    except Invalid as error:
        return people_step.page(view, chosen, error)
    drafts.keep(view.id, actor, step=drafts.TYPES, choices={people_step.CHOICES: None})
    return redirect(f"/integrations/{view.id}/types", 303)


def _choose_in_setup(view: ConnectionView) -> ResponseReturnValue:
    """Step 4: decide what was ticked, and have the day read for the last step."""
    actor, chosen = guard.current_actor(), _kinds_chosen(view)
    later = forms.typed().get("new_types", "ask")
    _keep(view, {kinds_step.CHOICES: chosen, kinds_step.LATER: later})
    if forms.typed().get("go") == "back":
        return redirect(f"/integrations/{view.id}/practitioners", 303)
    try:
        appointment_types.set_types(view.id, kinds_step.choices_of(chosen), actor)
        appointment_types.choose_later(view.id, later, actor)
    except (Invalid, PMSError) as error:
        return kinds_step.page(view, chosen, error if isinstance(error, Invalid) else None)
    drafts.keep(view.id, actor, step=drafts.START, choices={kinds_step.CHOICES: None})
    preview.ask_quietly(view.id, actor)
    return redirect(f"/integrations/{view.id}/start", 303)


def _kinds_chosen(view: ConnectionView) -> dict[str, str]:
    """One switch each, or an exception each where the practice software decides."""
    if kinds_step.follows_pms(get_info(view.pms_type)):
        return {key: forms.typed().get(f"choice-{number}", kinds_step.FOLLOW) for number, key in _numbered()}
    return {
        key: kinds_step.YES if f"on-{number}" in forms.typed() else kinds_step.NO
        for number, key in _numbered()
    }


def _keep(view: ConnectionView, choices: dict[str, Any]) -> None:
    if view.state == "setup":
        drafts.keep(view.id, guard.current_actor(), choices=choices)


def _numbered() -> list[tuple[int, str]]:
    """The rows of the form: (number, the PMS's id)."""
    return list(enumerate(forms.ticked("key")[:MAX_ROWS]))


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
            chosen=chosen,
            errors=errors,
        )
    except PMSError as error:
        fault = _fault(error)
    page = PractitionersPage(
        id=view.id,
        pms=info.label,
        rows=rows,
        counter=view_of.counter(rows),
        fault=fault,
        saved=forms.says("saved"),
        undo=_undo_lines(view, matching_changes.PRACTITIONERS),
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
