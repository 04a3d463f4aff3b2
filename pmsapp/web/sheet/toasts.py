"""What a press came to, in words, with the way back. A code in the address says it again where scripts are off."""

from __future__ import annotations

from pmsapp.domain.actor import Actor
from pmsapp.domain.appointment import WorkflowState
from pmsapp.domain.runsheet import Card
from pmsapp.domain.worklist.patients import family_first
from pmsapp.services.base.errors import NotFound
from pmsapp.services.editing import steps
from pmsapp.services.editing.steps import Step
from pmsapp.services.sheet import days
from pmsapp.web.sheet.list_contexts import Toast
from pmsapp.web.ui import labels

ACKNOWLEDGED, BACK, UNDONE, TAKEN, CLAIMED, RELEASED, REFUSED, STEP = (
    "acknowledged",
    "back",
    "undone",
    "taken",
    "claimed",
    "released",
    "refused",
    "step",
)
SAVED, ADDED, REMOVED, CHECKED, RECHECKED, TAKEN_OVER, DECIDED = (
    "saved",
    "added",
    "removed",
    "checked",
    "rechecked",
    "over",
    "decided",
)
_WORDS = {
    ACKNOWLEDGED: "acknowledged.",
    BACK: "brought back.",
    UNDONE: "taken back, {state} again.",
    TAKEN: "a colleague was faster, now {state}. Nothing was changed by you.",
    CLAIMED: "everybody sees for two minutes that you are calling.",
    RELEASED: "you are not calling any more.",
    REFUSED: "nothing was changed, it is {state} now.",
    SAVED: "saved.",
    ADDED: "added to the sheet.",
    REMOVED: "removed from the sheet.",
    CHECKED: "identity checked.",
    RECHECKED: "checked again in the practice software.",
    TAKEN_OVER: "notes, state and edits are taken over.",
    DECIDED: "decided.",
}


def toast_of(kind: str, card: Card, said: str | None = None) -> Toast:
    """What came of a press that is no step; `said` where the words are a refusal's own."""
    words = said or _WORDS[kind].format(state=labels.WORKFLOW[WorkflowState(card.state)].word.lower())
    return Toast(
        f"{_name(card)}: {words}",
        undo=f"bring-back:{card.id}" if kind == ACKNOWLEDGED else None,
        tone="warn" if kind in (TAKEN, REFUSED) else "",
        told=f"{kind}.{card.id}",
        plain=_capital(words),
    )


def toast_of_step(step: Step) -> Toast:
    """ "Quoll, Marigold: contacted." with the way back."""
    word = labels.WORKFLOW[WorkflowState(step.went_to)].word.lower()
    if step.number is not None:
        word = f"no answer, attempt {step.number}"
    return Toast(
        f"{_name(step.card)}: {word}.",
        undo=f"undo:{step.card.id}:{step.event_id}",
        told=f"{STEP}.{step.card.id}.{step.event_id}",
        plain=_capital(f"{word}."),
    )


def told_again(code: str, actor: Actor) -> Toast | None:
    """The words of a code in an address, for whoever may see the card; None for anything else."""
    kind, *numbers = code.split(".")
    if not numbers or not all(number.isdecimal() and len(number) < 19 for number in numbers):
        return None
    try:
        card = days.get_card(int(numbers[0]), actor)
        if kind == STEP and len(numbers) == 2:
            return toast_of_step(steps.get_step(card.id, int(numbers[1])))
    except NotFound:
        return None
    return toast_of(kind, card) if kind in _WORDS else None


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]


def _name(card: Card) -> str:
    if not card.patient_name:
        return "This patient"
    family, given = family_first(card.patient_name)
    return f"{family}, {given}" if given else family
