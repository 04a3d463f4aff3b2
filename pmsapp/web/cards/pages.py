"""One card: its panel, and what staff do to it. Every action works as a plain form; htmx only shortens the way."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping

from flask import Blueprint, Response, make_response, redirect, render_template, request
from flask.typing import ResponseReturnValue

from pmsapp.access import guard
from pmsapp.domain.runsheet import Card
from pmsapp.schemas.addresses import day_or_none
from pmsapp.services.base.errors import Conflict, Invalid, NotFound
from pmsapp.services.clinic import clinic
from pmsapp.services.editing import overrides, steps
from pmsapp.services.sheet import days, looks, timeline
from pmsapp.services.sync import recheck
from pmsapp.web.cards import form as card_form
from pmsapp.web.cards.contexts import CardPanel, NewCardPanel
from pmsapp.web.cards.form import CardButtons, NotesForm, RemoveForm, StateForm
from pmsapp.web.cards.panel import build_new_panel, build_panel
from pmsapp.web.sheet import pages as sheet_pages
from pmsapp.web.ui import fields, forms, shell
from pmsapp.web.ui import formatting as fmt

bp = Blueprint("cards", __name__)


@bp.get("/cards/<id:card_id>")
def show(card_id: int) -> ResponseReturnValue:
    """Everything about one card; whoever may edit gets the form."""
    card = _own_card(card_id)
    looks.see_card(card_id, guard.current_actor())
    return _panel(card)


@bp.post("/cards/<id:card_id>")
def save(card_id: int) -> ResponseReturnValue:
    """Store what was typed; `use_pms` names one field that goes back to what the practice software says.

    The form says what its inputs held before (`base_...`), so only what somebody typed is a change, and only a change
    of that very field by somebody else is in the way.
    """
    card = _own_card(card_id)
    shown = card_form.shown_values(card)
    base = card_form.base_values(forms.typed(), shown)
    typed = card_form.typed_values(forms.typed(), base)
    try:
        wanted = _wanted(typed, base, card.time_zone)
        _refuse_outdated(card, shown, base, card_form.touched(typed, base))
        after = overrides.edit_card(card_id, wanted, guard.current_actor(), row_version=card.row_version)
    except Invalid as error:
        return _panel(card, typed=typed, base=base, faults=error.errors, status=422)
    except Conflict as error:
        now = _own_card(card_id)
        mine = {name: typed[name] for name in card_form.touched(typed, base)}
        return _panel(now, typed=card_form.shown_values(now) | mine, conflict=error.message, status=412)
    return _then(after)


def _refuse_outdated(
    card: Card, shown: Mapping[str, str], base: Mapping[str, str], touched: Collection[str]
) -> None:
    """Raise Conflict when what the form was made with is no longer what shows."""
    version = forms.read(CardButtons).row_version
    if version is None:
        raise Invalid({"row_version": "Open the card again."})
    says_base = any(name.startswith("base_") for name in forms.typed())
    moved_on = any(base[name] != shown[name].strip() for name in touched)
    if version != card.row_version and (moved_on or not says_base):
        raise Conflict("ROW-CHANGED", "This card changed while you were typing; nothing was overwritten.")


def _wanted(typed: Mapping[str, str], base: Mapping[str, str], zone: str) -> dict[str, object]:
    buttons = forms.read(CardButtons)
    field = buttons.use_pms
    if field is not None and field not in card_form.EDITABLE:
        raise Invalid({field: "This field cannot be changed."})
    given_up = {"start_at": ("start_date", "start_time"), None: ()}.get(field, (field,))
    unchanged = {name: base[name] for name in given_up if name}
    kept: dict[str, object] = dict(card_form.changes({**typed, **unchanged}, base, zone))
    if buttons.then.startswith("state:"):
        kept.pop("state", None)  # the button says which
    return kept if field is None else {**kept, field: None}


def _then(card: Card) -> ResponseReturnValue:
    """What the pressed button does besides saving: `then` is state:..., acknowledge or recheck."""
    buttons = forms.read(CardButtons)
    then, _, value = buttons.then.partition(":")
    actor = guard.current_actor()
    if then == "state":
        expected = buttons.looked_at or card.state
        card = steps.advance(card.id, actor, expected=expected, to=value).card
    elif then == "acknowledge":
        card = overrides.acknowledge_card(card.id, actor)
    elif then == "recheck":
        return _done(recheck.recheck_card(card.id, actor), "Saved and checked again.", stay=True)
    return _done(card, "Saved.")


@bp.post("/cards/<id:card_id>/notes")
def save_notes(card_id: int) -> ResponseReturnValue:
    """Notes as they were left, with the `base` they were shown with; a colleague's newer notes stay.

    The answer has the card's new version only where the form had the last one: else it still has to learn of others' changes.
    """
    card = _own_card(card_id)
    now = shell.page_status()
    try:
        form = forms.read(NotesForm)
        if form.base != (card.notes or "").strip():
            raise Conflict("ROW-CHANGED", "Somebody else changed these notes. Press Save to see theirs.")
        actor = guard.current_actor()
        after = overrides.edit_card(
            card_id, {"notes": form.notes or None}, actor, row_version=card.row_version
        )
    except Invalid as error:
        return {"fault": error.errors.get("notes", error.message)}, 422
    except Conflict as error:
        return {"fault": error.message}, 412
    is_current = form.row_version == card.row_version
    at = now.now.astimezone(fmt.zone_of(now.zone))
    return {"at": f"{at:%H:%M}", "row_version": after.row_version if is_current else None}


@bp.get("/cards/new")
def new() -> ResponseReturnValue:
    """The empty form for a card by hand."""
    day = fields.asked_day()
    return _new_panel(build_new_panel(day, card_form.new_values(day), sheet_pages.clinicians_of(day)))


@bp.post("/cards/new")
def add() -> ResponseReturnValue:
    """Add a card by hand."""
    day = fields.hidden_day()
    if day is None:
        raise NotFound("day")
    empty = card_form.new_values(day)
    typed = card_form.typed_values(forms.typed(), empty)
    day = day_or_none(typed["start_date"]) or day
    try:
        # Against values no input can hold, so that everything filled in counts as typed.
        untouched = dict.fromkeys(empty, "") | {"start_date": "-", "state": typed["state"]}
        values = card_form.changes(typed, untouched, clinic.time_zone(), needed=("patient_name",))
        card = overrides.add_card(day, values, guard.current_actor())
    except Invalid as error:
        panel = build_new_panel(day, typed, sheet_pages.clinicians_of(day), faults=error.errors)
        return _new_panel(panel, 422)
    return _done(card, "Card added.")


@bp.post("/cards/<id:card_id>/remove")
def remove(card_id: int) -> ResponseReturnValue:
    """Take a card off the sheet, with a reason."""
    card = _own_card(card_id)
    actor = guard.current_actor()
    try:
        form = forms.read(RemoveForm)
        overrides.remove_card(card_id, form.reason, actor, row_version=form.row_version)
    except Invalid as error:
        return _panel(card, faults=error.errors, status=422)
    except Conflict as error:
        return _panel(_own_card(card_id), conflict=error.message, status=412)
    return _done(card, "Card removed.")


@bp.post("/cards/<id:card_id>/restore")
def restore(card_id: int) -> ResponseReturnValue:
    """Bring back a card that staff removed."""
    return _done(overrides.restore_card(card_id, guard.current_actor()), "Card brought back.")


@bp.post("/cards/<id:card_id>/acknowledge")
def acknowledge(card_id: int) -> ResponseReturnValue:
    """Say that a cancelled or deleted card has been seen."""
    return _done(overrides.acknowledge_card(card_id, guard.current_actor()), "Acknowledged.")


@bp.post("/cards/<id:card_id>/take-over")
def take_over(card_id: int) -> ResponseReturnValue:
    """Take the work of the cancelled visit over to the one that was booked anew."""
    _own_card(card_id)
    return _done(overrides.take_over(card_id, guard.current_actor()), "Taken over.", stay=True)


@bp.post("/cards/<id:card_id>/state")
def state(card_id: int) -> ResponseReturnValue:
    """Say where reception stands with the patient; `from` is the state that was looked at."""
    card = _own_card(card_id)
    form = forms.read(StateForm)
    expected = form.looked_at or card.state
    step = steps.advance(card_id, guard.current_actor(), expected=expected, to=form.state)
    return _done(step.card, "Saved.")


@bp.post("/cards/<id:card_id>/recheck")
def recheck_now(card_id: int) -> ResponseReturnValue:
    """Ask the practice software about this one appointment again."""
    return _done(recheck.recheck_card(card_id, guard.current_actor()), "Checked again.", stay=True)


def _own_card(card_id: int) -> Card:
    """The card, if the one asking may see it. Raises NotFound."""
    return days.get_card(card_id, guard.current_actor())


def _panel(
    card: Card,
    *,
    typed: Mapping[str, str] | None = None,
    base: Mapping[str, str] | None = None,
    faults: Mapping[str, str] | None = None,
    conflict: str | None = None,
    status: int = 200,
) -> Response:
    now = shell.page_status()
    panel = build_panel(
        card,
        timeline.of_card(card.id),
        now=now.now,
        sources=now.names(),
        clinicians=sheet_pages.clinicians_of(card.date),
        can_edit=guard.may("cards.save", "POST"),
        can_recheck=guard.may("cards.recheck_now", "POST"),
        typed=typed,
        base=base,
        faults=faults,
        conflict=conflict,
    )
    return _answer("runsheet/_panel.html", "runsheet/panel_page.html", panel, now, status)


def _new_panel(panel: NewCardPanel, status: int = 200) -> Response:
    return _answer("runsheet/_new_card.html", "runsheet/new_card_page.html", panel, None, status)


def _answer(
    fragment: str, page: str, panel: CardPanel | NewCardPanel, now: shell.PageStatus | None, status: int
) -> Response:
    """The panel alone for the sheet's own request, a whole page for everybody else."""
    if request.headers.get("HX-Request"):
        return make_response(render_template(fragment, panel=panel), status)
    return make_response(shell.render(page, "today", now, panel=panel), status)


def _done(card: Card, said: str, *, stay: bool = False) -> ResponseReturnValue:
    """After a change: the sheet refreshes itself and the panel closes; without htmx, back to the sheet."""
    if not request.headers.get("HX-Request"):
        return redirect(f"/sheet/{card.date.isoformat()}#card-{card.id}", 303)
    events: dict[str, object] = {"say": {"target": "body", "text": said}, "sheet:changed": {"target": "body"}}
    if stay:
        response = _panel(card)
    else:
        response = Response(status=204)
        events["panel:done"] = {"target": "body"}
    response.headers["HX-Trigger"] = json.dumps(events)
    return response
