"""The buttons of the work list: each press is one request, answered with the line, the numbers and words.

The page never moves under a person's hand: the line answers in its place and is put in order by the next refresh.
Without scripts the press leads back to the sheet, which says the same words.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import ClassVar, Literal
from urllib.parse import parse_qs, urlsplit

from flask import Blueprint, make_response, redirect, render_template, request
from flask.typing import ResponseReturnValue

from pmsapp.access import guard
from pmsapp.domain.actor import Actor
from pmsapp.domain.appointment import Presence
from pmsapp.domain.runsheet import Card
from pmsapp.schemas.addresses import id_or_none
from pmsapp.schemas.fields import LateMinutes
from pmsapp.services.base.errors import Conflict, Invalid
from pmsapp.services.clinic import clinic
from pmsapp.services.editing import overrides, patient_checks, steps
from pmsapp.services.editing.steps import Step
from pmsapp.services.sheet import columns, days
from pmsapp.web.sheet import columns_view, pages, toasts
from pmsapp.web.sheet.list_contexts import Toast
from pmsapp.web.ui import formatting as fmt
from pmsapp.web.ui import forms
from pmsapp.web.ui.fields import within_bounds
from pmsapp.web.ui.said import lead_to

bp = Blueprint("lines", __name__)
Pressed = tuple[Card, Toast]
_NO_BUTTON = "Press a button of the list."


class PressForm(forms.Form):
    """One button of one line: its action, the card, and the state that was looked at."""

    press: str = ""


class LateForm(forms.Form):
    """By how many minutes a clinician runs late today."""

    sentences: ClassVar[Mapping[str, str]] = {"minutes": columns.LATE_SENTENCE}
    minutes: LateMinutes


class UndoForm(forms.Form):
    """Whether to take the acknowledgement back."""

    undo: Literal["1", ""] = ""


class BackForm(forms.Form):
    """The sheet the button was pressed on."""

    back: str = ""


@bp.post("/cards/press")
def press() -> ResponseReturnValue:
    """One button of one line; `press` names the action, the card and the state that was looked at."""
    return _answer(*do_press(forms.read(PressForm).press, guard.current_actor()))


def do_press(pressed: str, actor: Actor, *, of_card: int | None = None) -> Pressed:
    """Do what a button says, and say what came of it; a colleague who was faster is told of in the words.

    `of_card`: the only card the button may be about. Raises NotFound, Invalid.
    """
    action, card_id, rest = _parse(pressed)
    if of_card is not None and card_id != of_card:
        raise Invalid({"press": "Press a button of this card."})
    try:
        return _ACTIONS[action](card_id, rest, actor)
    except Conflict as error:
        card = _own_card(card_id, actor)
        kind = toasts.TAKEN if error.code == "STEP-TAKEN" else toasts.REFUSED
        return card, toasts.toast_of(kind, card, None if kind == toasts.TAKEN else error.message)


@bp.post("/clinicians/<id:clinician_id>/running-late")
def running_late(clinician_id: int) -> ResponseReturnValue:
    """By how many minutes a clinician runs late today."""
    view = columns.set_running_late(clinician_id, forms.read(LateForm).minutes, guard.current_actor())
    late = view.running_late_minutes
    toast = Toast(f"{view.name} runs {late} minutes late." if late else f"{view.name} is on time.")
    if request.headers.get("HX-Request"):
        return pages.answer(clinic.today(), pages.REFRESH, toast=toast)
    return lead_to(_back(), "late")


@bp.post("/sheet/<day:wanted>/disconnected")
def acknowledge_disconnected(wanted: date) -> ResponseReturnValue:
    """Acknowledge at once every card that was struck because its practice software was taken away, or undo that."""
    within_bounds(wanted)
    undo = forms.read(UndoForm).undo == "1"
    number = overrides.acknowledge_disconnected(wanted, guard.current_actor(), undo=undo)
    said = f"{fmt.plural(number, 'card')} {'back in view' if undo else 'acknowledged'}."
    if request.headers.get("HX-Request"):
        return pages.answer(wanted, pages.REFRESH, toast=Toast(said))
    return lead_to(_back(), "disconnected-back" if undo else "disconnected-seen")


def _parse(text: str) -> tuple[str, int, list[str]]:
    action, _, more = text.partition(":")
    number, *rest = more.split(":")
    card_id = id_or_none(number)
    if action not in _ACTIONS or card_id is None:
        raise Invalid({"press": _NO_BUTTON})
    return action, card_id, rest


def _advance(card_id: int, rest: Sequence[str], actor: Actor) -> Pressed:
    return _stepped(steps.advance(card_id, actor, expected=_first(rest)))


def _set(card_id: int, rest: Sequence[str], actor: Actor) -> Pressed:
    return _stepped(steps.advance(card_id, actor, expected=_first(rest), to=rest[-1] if rest else ""))


def _no_answer(card_id: int, rest: Sequence[str], actor: Actor) -> Pressed:
    return _stepped(steps.record_attempt(card_id, "no_answer", actor, expected=_first(rest)))


def _stepped(step: Step) -> Pressed:
    return step.card, toasts.toast_of_step(step)


def _undo(card_id: int, rest: Sequence[str], actor: Actor) -> Pressed:
    event = _first(rest)
    return _told(toasts.UNDONE, steps.undo(card_id, int(event) if event.isdecimal() else 0, actor))


def _acknowledge(card_id: int, _rest: Sequence[str], actor: Actor) -> Pressed:
    return _told(toasts.ACKNOWLEDGED, overrides.acknowledge_card(card_id, actor))


def _bring_back(card_id: int, _rest: Sequence[str], actor: Actor) -> Pressed:
    card = _own_card(card_id, actor)
    by_staff = card.presence is Presence.REMOVED_BY_STAFF or card.staff_moved_from is not None
    if by_staff and not guard.may("cards.restore", "POST"):
        raise guard.NotAllowed
    return _told(toasts.BACK, overrides.restore_card(card_id, actor))


def _claim(card_id: int, _rest: Sequence[str], actor: Actor) -> Pressed:
    return _told(toasts.CLAIMED, patient_checks.claim(card_id, actor))


def _release(card_id: int, _rest: Sequence[str], actor: Actor) -> Pressed:
    return _told(toasts.RELEASED, patient_checks.release(card_id, actor))


def _told(kind: str, card: Card) -> Pressed:
    return card, toasts.toast_of(kind, card)


_ACTIONS: dict[str, Callable[[int, Sequence[str], Actor], Pressed]] = {
    "advance": _advance,
    "set": _set,
    "no-answer": _no_answer,
    "undo": _undo,
    "acknowledge": _acknowledge,
    "bring-back": _bring_back,
    "claim": _claim,
    "release": _release,
}


def _first(rest: Sequence[str]) -> str:
    return rest[0] if rest else ""


def _own_card(card_id: int, actor: Actor) -> Card:
    return days.get_card(card_id, actor)


def _answer(card: Card, toast: Toast) -> ResponseReturnValue:
    """The line, the numbers, the badge and the words; without scripts the whole sheet with the same words."""
    back = _back(card)
    if not request.headers.get("HX-Request"):
        return redirect(f"{back}&told={toast.told}#card-{card.id}", 303)
    given = {key: values[0] for key, values in parse_qs(urlsplit(back).query).items()}
    made = pages.make_page(card.date, given=given, toast=toast)
    work_list = made.page.work_list
    html = render_template(
        "runsheet/_pressed.html",
        page=made.page,
        shell=made.frame,
        line=work_list.line_of(card.id),
        section=next(
            (section for section in work_list.sections if section.clinician_id == card.clinician_id), None
        ),
        card=columns_view.card_of(made.page.columns, card.id),
    )
    return make_response(html)


def _back(card: Card | None = None) -> str:
    """Where the person pressed: a sheet of ours, else the card's own day."""
    wanted = guard.local_path(forms.read(BackForm).back)
    if wanted.startswith("/sheet/") and "?" in wanted:
        return wanted
    return f"/sheet/{(card.date if card else clinic.today()).isoformat()}?view=list"
