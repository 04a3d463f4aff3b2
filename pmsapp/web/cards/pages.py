"""One card: its panel, and what staff do to it. Every action works as a plain form; htmx only shortens the way."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import replace

from flask import Blueprint, Response, make_response, redirect, render_template, request
from flask.typing import ResponseReturnValue

from pmsapp.access import guard, looking
from pmsapp.domain.runsheet import Card
from pmsapp.schemas.addresses import day_or_none, id_or_none
from pmsapp.services.base.errors import Conflict, Invalid, NotFound
from pmsapp.services.clinic import clinic
from pmsapp.services.editing import decisions, overrides, steps
from pmsapp.services.sheet import days, looks, timeline
from pmsapp.services.sync import recheck
from pmsapp.web.cards import buttons, story
from pmsapp.web.cards import form as card_form
from pmsapp.web.cards.contexts import CardPanel, Clash, NewCardPanel
from pmsapp.web.cards.form import CardButtons, NewsForm, NotesForm, RemoveForm, StateForm
from pmsapp.web.cards.panel import NOTHING_SENT, Around, Sent, build_new_panel, build_panel
from pmsapp.web.decisions import pages as decision_pages
from pmsapp.web.decisions.contexts import Question
from pmsapp.web.sheet import pages as sheet_pages
from pmsapp.web.sheet import toasts
from pmsapp.web.sheet.card_view import Names
from pmsapp.web.sheet.list_contexts import Toast
from pmsapp.web.ui import fields, forms, shell
from pmsapp.web.ui import formatting as fmt

bp = Blueprint("cards", __name__)
_CHANGED = "This card changed while you were typing; nothing was overwritten."


@bp.get("/cards/<id:card_id>")
def show(card_id: int) -> ResponseReturnValue:
    """Everything about one card; whoever may edit gets the form."""
    actor = guard.current_actor()
    card = _own_card(card_id)
    looks.see_card(card_id, actor)
    told = forms.asked().get("told")
    return _panel(card, Sent(said=toasts.told_again(told, actor) if told else None))


@bp.get("/cards/<id:card_id>/news")
def news(card_id: int) -> ResponseReturnValue:
    """What others changed since the panel was opened (`since`), or 204 while that is what it says already (`told`)."""
    card = _own_card(card_id)
    asked = forms.read_address(NewsForm)
    since, told = id_or_none(asked.since) or 0, id_or_none(asked.told) or 0
    events = timeline.of_card(card_id)
    if all(event.id <= told for event in events):
        return Response(status=204)
    now = shell.page_status()
    teller = _teller(card, now, sheet_pages.clinicians_of(card.date))
    found = story.news_of(events, since, guard.current_actor().name, teller)
    if found.told <= told:
        return Response(status=204)
    looking.at_card(card_id)
    return make_response(render_template("runsheet/_panel_news.html", news=found))


@bp.post("/cards/<id:card_id>")
def save(card_id: int) -> ResponseReturnValue:
    """Store what was typed and do what the pressed button says; `use_pms` and `use_now` name a field that is given up.

    The form says what its inputs held before (`base_...`), so only what somebody typed is a change, and only a change
    of that very field by somebody else is in the way.
    """
    card = _own_card(card_id)
    shown = card_form.shown_values(card)
    base = card_form.base_values(forms.typed(), shown)
    typed = _given_up(card_form.typed_values(forms.typed(), base), base)
    pressed = buttons.read_pressed(forms.typed(), forms.ticked("identifier"))
    beside = Sent(identifiers=pressed.identifiers, reason=pressed.reason)
    touched = card_form.touched(typed, base)
    try:
        wanted = _wanted(typed, base, card.time_zone, buttons.faults_of(pressed))
        _refuse_outdated(card, shown, base, typed)
        actor = guard.current_actor()
        after = overrides.edit_card(card_id, wanted, actor, row_version=card.row_version)
    except Invalid as error:
        return _panel(card, replace(beside, typed=typed, base=base, faults=error.errors), status=422)
    except Conflict as error:
        now = _own_card(card_id)
        clash = _clash(now, base, {name: typed[name] for name in touched}, error)
        kept = card_form.shown_values(now) | {name: typed[name] for name in touched}
        return _panel(now, replace(beside, typed=kept, clash=clash), status=412)
    after, toast = buttons.do(pressed, after, actor)
    stays = pressed.stays or bool({"use_pms", "use_now"} & forms.typed().keys())
    return _done(after, toast, stay=stays, reason="" if pressed.then == "remove" else pressed.reason)


def _refuse_outdated(
    card: Card, shown: Mapping[str, str], base: Mapping[str, str], typed: Mapping[str, str]
) -> None:
    """Raise Conflict when what the form was made with is no longer what shows; two who typed the same agree."""
    version = forms.read(CardButtons).row_version
    if version is None:
        raise Invalid({"row_version": "Open the card again."})
    says_base = any(name.startswith("base_") for name in forms.typed())
    moved_on = any(
        shown[name].strip() not in (base[name], typed[name]) for name in card_form.touched(typed, base)
    )
    if version != card.row_version and (moved_on or not says_base):
        raise Conflict("ROW-CHANGED", _CHANGED)


def _given_up(typed: Mapping[str, str], base: Mapping[str, str]) -> dict[str, str]:
    """What was typed, but for a field whose typed value is given up for another."""
    form = forms.read(CardButtons)
    named = {form.use_pms, form.use_now}
    if "start_at" in named:
        named |= {"start_date", "start_time"}
    return {name: base[name] if name in named else value for name, value in typed.items()}


def _wanted(
    typed: Mapping[str, str], base: Mapping[str, str], zone: str, faults: Mapping[str, str]
) -> dict[str, object]:
    field = forms.read(CardButtons).use_pms
    if field is not None and field not in card_form.EDITABLE:
        raise Invalid({field: "This field cannot be changed."})
    kept: dict[str, object] = dict(card_form.changes(typed, base, zone, faults))
    return kept if field is None else {**kept, field: None}


def _clash(card: Card, base: Mapping[str, str], mine: Mapping[str, str], error: Conflict) -> Clash:
    """Who changed each field that was typed into, when, and to what."""
    clinicians = sheet_pages.clinicians_of(card.date)
    teller = _teller(card, shell.page_status(), clinicians)
    since = id_or_none(forms.read(CardButtons).seen_event) or 0
    events = [event for event in timeline.of_card(card.id) if event.id > since]
    theirs = card_form.shown_values(card)
    words = card_form.shown_words(card, clinicians)
    return Clash(
        error.message,
        tuple(
            story.clash_of(
                name,
                card_form.LABELS.get(name, "Start time"),
                card_form.typed_words(name, value, clinicians),
                words.get(name, theirs[name]),
                events,
                teller,
            )
            for name, value in mine.items()
            if theirs[name].strip() not in (base[name], value)
        ),
    )


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
    missing = {} if typed["patient_name"] else {"patient_name": "This is needed."}
    try:
        # Against values no input can hold, so that everything filled in counts as typed.
        untouched = dict.fromkeys(empty, "") | {"start_date": "-", "state": typed["state"]}
        values = card_form.changes(typed, untouched, clinic.time_zone(), missing)
        card = overrides.add_card(day, values, guard.current_actor())
    except Invalid as error:
        panel = build_new_panel(day, typed, sheet_pages.clinicians_of(day), faults=error.errors)
        return _new_panel(panel, 422)
    return _done(card, toasts.toast_of(toasts.ADDED, card))


@bp.post("/cards/<id:card_id>/remove")
def remove(card_id: int) -> ResponseReturnValue:
    """Take a card off the sheet, with a reason."""
    card = _own_card(card_id)
    reason = forms.typed().get("reason", "")
    try:
        form = forms.read(RemoveForm)
        overrides.remove_card(card_id, form.reason, guard.current_actor(), row_version=form.row_version)
    except Invalid as error:
        return _panel(card, Sent(faults=error.errors, reason=reason), status=422)
    except Conflict as error:
        return _panel(_own_card(card_id), Sent(clash=Clash(error.message), reason=reason), status=412)
    return _done(card, toasts.toast_of(toasts.REMOVED, card))


@bp.post("/cards/<id:card_id>/restore")
def restore(card_id: int) -> ResponseReturnValue:
    """Bring back a card that staff removed."""
    card = overrides.restore_card(card_id, guard.current_actor())
    return _done(card, toasts.toast_of(toasts.BACK, card))


@bp.post("/cards/<id:card_id>/acknowledge")
def acknowledge(card_id: int) -> ResponseReturnValue:
    """Say that a cancelled or deleted card has been seen."""
    card = overrides.acknowledge_card(card_id, guard.current_actor())
    return _done(card, toasts.toast_of(toasts.ACKNOWLEDGED, card))


@bp.post("/cards/<id:card_id>/take-over")
def take_over(card_id: int) -> ResponseReturnValue:
    """Take the work of the cancelled visit over to the one that was booked anew."""
    _own_card(card_id)
    card = overrides.take_over(card_id, guard.current_actor())
    return _done(card, toasts.toast_of(toasts.TAKEN_OVER, card), stay=True)


@bp.post("/cards/<id:card_id>/state")
def state(card_id: int) -> ResponseReturnValue:
    """Say where reception stands with the patient; `from` is the state that was looked at."""
    card = _own_card(card_id)
    form = forms.read(StateForm)
    expected = form.looked_at or card.state
    step = steps.advance(card_id, guard.current_actor(), expected=expected, to=form.state)
    return _done(step.card, toasts.toast_of_step(step))


@bp.post("/cards/<id:card_id>/recheck")
def recheck_now(card_id: int) -> ResponseReturnValue:
    """Ask the practice software about this one appointment again."""
    card = recheck.recheck_card(card_id, guard.current_actor())
    return _done(card, toasts.toast_of(toasts.RECHECKED, card), stay=True)


def _own_card(card_id: int) -> Card:
    """The card, if the one asking may see it. Raises NotFound."""
    return days.get_card(card_id, guard.current_actor())


def _teller(card: Card, now: shell.PageStatus, clinicians: Mapping[int, str]) -> story.Teller:
    return story.Teller(card, now.now, Names(now.names()).source(card), clinicians)


def _panel(card: Card, sent: Sent = NOTHING_SENT, *, status: int = 200) -> Response:
    looking.at_card(card.id)
    now, actor = shell.page_status(), guard.current_actor()
    around = Around(
        sheet=sheet_pages.get_own_sheet(card.date),
        now=now.now,
        sources=now.names(),
        viewer=actor.name,
        may=guard.may,
        events=timeline.of_card(card.id),
        questions=_questions(card, now),
        similar=_visible(card.similar_names),
    )
    for beside in {other.id for other in around.similar} | {
        link.id for question in around.questions for link in question.cards if link.id != card.id
    }:
        looking.at_card(beside)  # they are named in the panel
    panel = build_panel(card, around, sent)
    return _answer("runsheet/_panel.html", "runsheet/panel_page.html", panel, now, status)


def _questions(card: Card, now: shell.PageStatus) -> tuple[Question, ...]:
    """What waits to be decided about this card."""
    asked = decisions.list_open_of_card(card.id)
    return decision_pages.questions_of(asked, now) if asked else ()


def _visible(card_ids: Collection[int]) -> tuple[Card, ...]:
    """Those of the cards that the one asking may see."""
    found = []
    for card_id in card_ids:
        with suppress(NotFound):
            found.append(_own_card(card_id))
    return tuple(found)


def _new_panel(panel: NewCardPanel, status: int = 200) -> Response:
    return _answer("runsheet/_new_card.html", "runsheet/new_card_page.html", panel, None, status)


def _answer(
    fragment: str, page: str, panel: CardPanel | NewCardPanel, now: shell.PageStatus | None, status: int
) -> Response:
    """The panel alone for the sheet's own request, a whole page for everybody else."""
    if request.headers.get("HX-Request"):
        return make_response(render_template(fragment, panel=panel), status)
    return make_response(shell.render(page, "today", now, panel=panel), status)


def _done(card: Card, toast: Toast | None, *, stay: bool = False, reason: str = "") -> ResponseReturnValue:
    """After a change: the sheet refreshes itself and the panel closes or stays; without htmx, the page says the words."""
    told = toast.told if toast else ""
    if not request.headers.get("HX-Request"):
        if stay:
            return redirect(f"/cards/{card.id}?told={told}", 303)
        return redirect(f"/sheet/{card.date.isoformat()}?told={told}#card-{card.id}", 303)
    said = toast.plain if toast else "Saved."  # a header holds no name
    events: dict[str, object] = {"say": {"target": "body", "text": said}, "sheet:changed": {"target": "body"}}
    if stay:
        response = _panel(_own_card(card.id), Sent(said=toast, reason=reason))
    else:
        response = Response(status=204)
        events["panel:done"] = {"target": "body", "text": said}
    response.headers["HX-Trigger"] = json.dumps(events)
    return response
