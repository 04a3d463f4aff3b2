"""What the buttons of a card's panel do besides saving what is typed: each sends the whole form. Plain calls of services.

`press` is a button of the card's line ("advance:5:booked"), `then` one that only the panel has ("decide:7:keep").
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from pmsapp.access import guard
from pmsapp.domain.actor import Actor
from pmsapp.domain.runsheet import Card
from pmsapp.services.base.errors import Conflict, Invalid
from pmsapp.services.editing import decisions, overrides, patient_checks
from pmsapp.services.editing.card_input import check_reason
from pmsapp.services.sync import recheck
from pmsapp.web.sheet import press_pages, toasts
from pmsapp.web.sheet.list_contexts import Toast

CLOSES = frozenset({"acknowledge", "bring-back"})
_PERMISSION = {
    "acknowledge": "cards.acknowledge",
    "decide": "decisions.decide",
    "identity": "cards.save",
    "recheck": "cards.recheck_now",
    "remove": "cards.remove",
    "take-over": "cards.take_over",
}


@dataclass(frozen=True, slots=True)
class Pressed:
    """What was sent beside the fields. `reason`: why the card is to be removed, as far as it was typed."""

    then: str
    value: str
    press: str
    identifiers: tuple[str, ...]
    reason: str

    @property
    def stays(self) -> bool:
        """The panel stays open: saving, acknowledging, bringing back and removing close it."""
        if self.press:
            return self.press.partition(":")[0] not in CLOSES
        if self.then:
            return self.then not in CLOSES | {"remove"}
        return bool(self.identifiers or self.reason)


def read_pressed(sent: Mapping[str, str], identifiers: list[str]) -> Pressed:
    """The button and what belongs to buttons. Raises Invalid for one no panel has, NotAllowed for one not theirs."""
    then, _, value = sent.get("then", "").partition(":")
    if then:
        if then not in _PERMISSION:
            raise Invalid({"then": "Press a button of the panel."})
        if not guard.may(_PERMISSION[then], "POST"):
            raise guard.NotAllowed
    return Pressed(then, value, sent.get("press", ""), tuple(identifiers), sent.get("reason", "").strip())


def faults_of(pressed: Pressed) -> dict[str, str]:
    """What is wrong with what belongs to the buttons, before anything is stored."""
    faults: dict[str, str] = {}
    if pressed.then == "identity" or pressed.identifiers:
        _collect(faults, lambda: patient_checks.check_identifiers(pressed.identifiers))
    if pressed.then == "remove":
        _collect(faults, lambda: check_reason(pressed.reason))
    return faults


def _collect(faults: dict[str, str], check: Callable[[], object]) -> None:
    try:
        check()
    except Invalid as error:
        faults.update(error.errors)


def do(pressed: Pressed, card: Card, actor: Actor) -> tuple[Card, Toast | None]:
    """Do what the button says, after the form was saved. A colleague who was faster is told of in the toast."""
    if pressed.identifiers:
        card = patient_checks.check_identity(card.id, pressed.identifiers, actor)
    if pressed.press:
        return press_pages.do_press(pressed.press, actor, of_card=card.id)
    if not pressed.then:
        return card, toasts.toast_of(toasts.CHECKED if pressed.identifiers else toasts.SAVED, card)
    try:
        return _then(pressed, card, actor)
    except Conflict as error:
        return card, toasts.toast_of(toasts.REFUSED, card, error.message)


def _then(pressed: Pressed, card: Card, actor: Actor) -> tuple[Card, Toast | None]:
    if pressed.then == "identity":
        return card, toasts.toast_of(toasts.CHECKED, card)
    if pressed.then == "acknowledge":
        card = overrides.acknowledge_card(card.id, actor)
        return card, toasts.toast_of(toasts.ACKNOWLEDGED, card)
    if pressed.then == "recheck":
        return recheck.recheck_card(card.id, actor), toasts.toast_of(toasts.RECHECKED, card)
    if pressed.then == "take-over":
        return overrides.take_over(card.id, actor), toasts.toast_of(toasts.TAKEN_OVER, card)
    if pressed.then == "remove":
        overrides.remove_card(card.id, pressed.reason, actor)
        return card, toasts.toast_of(toasts.REMOVED, card)
    number, _, choice = pressed.value.partition(":")
    _decide(card, int(number) if number.isdecimal() and len(number) < 19 else 0, choice, actor)
    return card, toasts.toast_of(toasts.DECIDED, card)


def _decide(card: Card, decision_id: int, choice: str, actor: Actor) -> None:
    """Answer a question of this very card."""
    if decision_id not in {view.id for view in decisions.list_open_of_card(card.id)}:
        raise Conflict("DECIDED", "Somebody has already answered this.")
    decisions.decide(decision_id, choice, actor)
