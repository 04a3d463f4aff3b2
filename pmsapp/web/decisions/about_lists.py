"""How questions about practitioners and appointment types are put: new, gone, renamed, changed, archived. Pure."""

from __future__ import annotations

from collections.abc import Callable

from pmsapp.services.editing.decisions import DecisionView
from pmsapp.web.decisions.contexts import Answer
from pmsapp.web.decisions.surroundings import Surroundings, Words
from pmsapp.web.ui import formatting as fmt


def _practitioner_new(decision: DecisionView, around: Surroundings) -> Words:
    name, number = _theirs_name(decision, "Somebody"), around.not_shown.get(decision.subject, 0)
    return (
        f"{name} is new in {around.source(decision)}",
        [
            *([f"{fmt.plural(number, 'appointment')} today, not shown"] if number else []),
            "To put them into a column that exists already, use the connection's page.",
        ],
        (
            Answer("pms", "Give them a column", f"A column {name} is added; the next update fills it."),
            Answer("keep", "Do not show them", "Their appointments are not listed."),
        ),
        "Until then their appointments are counted, not shown.",
    )


def _type_new(decision: DecisionView, around: Surroundings) -> Words:
    name = _theirs_name(decision, "A type")
    return (
        f"{name} is a new appointment type in {around.source(decision)}",
        [f"{fmt.plural(len(decision.appointment_ids), 'patient')} of this type from today"],
        (
            Answer("pms", "It is telehealth", "Its appointments are shown as telehealth."),
            Answer("keep", "It is not telehealth", "Its appointments are not on the run sheet."),
        ),
        "Until then its appointments are shown and marked.",
    )


def _type_changed(decision: DecisionView, around: Surroundings) -> Words:
    name, source = _theirs_name(decision, "A type"), around.source(decision)
    told = decision.theirs if isinstance(decision.theirs, dict) else {}
    was, cards = str(told.get("was_name") or name), int(told.get("cards") or 0)
    renamed = (
        f"{was} is called {name} in {source} now" if was != name else f"{source} marks {name} another way now"
    )
    ticked = "telehealth" if decision.ours else "not telehealth"
    other = "not telehealth" if decision.ours else "telehealth"
    effect = {
        "telehealth": "Its appointments are shown as telehealth.",
        "not telehealth": "Its appointments are not on the run sheet.",
    }
    return (
        renamed,
        [f"Ticked here as {ticked}", f"{fmt.plural(cards, 'card')} on the run sheet from today"],
        (
            Answer("keep", f"It is still {ticked}", effect[ticked]),
            Answer("pms", f"It is {other} now", effect[other]),
        ),
        "Until then its appointments are shown and marked as not sure.",
    )


def _theirs_name(decision: DecisionView, default: str) -> str:
    return str(decision.theirs.get("name") or default) if isinstance(decision.theirs, dict) else default


def _practitioner_gone(decision: DecisionView, around: Surroundings) -> Words:
    name, source = _theirs_name(decision, "Somebody"), around.source(decision)
    vanished = _told(decision).get("how") == "vanished"
    what = f"is no longer listed in {source}" if vanished else f"was made inactive in {source}"
    number = len(decision.appointment_ids)
    stays = (
        f"Their cards stay as they are; nothing is read until {source} lists them again."
        if vanished
        else "Their list is read as before."
    )
    return (
        f"{name} {what}",
        [f"{fmt.plural(number, 'patient')} on the run sheet from today, in the column {decision.ours}"],
        (
            Answer("pms", "They have left", "Their cards leave the run sheet from today."),
            Answer("keep", "Keep their column", stays),
        ),
        "Until then their cards are not brought up to date." if vanished else "Until then nothing changes.",
    )


def _practitioner_changed(decision: DecisionView, around: Surroundings) -> Words:
    name, source = _theirs_name(decision, "Somebody"), around.source(decision)
    was = str(_told(decision).get("was_name") or decision.ours)
    return (
        f"{was} is called {name} in {source} now",
        [f"{fmt.plural(len(decision.appointment_ids), 'patient')} in the column {decision.ours} from today"],
        (
            Answer("pms", f"Call the column {name}", "Its cards stay in it."),
            Answer("keep", f"Keep {decision.ours}", "The column keeps its name."),
        ),
        "Until then the column keeps its name.",
    )


def _type_gone(decision: DecisionView, around: Surroundings) -> Words:
    name, source = _theirs_name(decision, "A type"), around.source(decision)
    vanished = _told(decision).get("how") == "vanished"
    return (
        f"{name} {'is no longer listed' if vanished else 'was archived'} in {source}",
        [f"{fmt.plural(len(decision.appointment_ids), 'patient')} of this type from today"],
        (
            Answer("keep", "Go on showing them", "Nothing changes."),
            Answer("pms", "Do not show this type any more", "Its cards leave the run sheet from today."),
        ),
        "Until then its appointments are shown as before.",
    )


def _told(decision: DecisionView) -> dict[str, object]:
    return decision.theirs if isinstance(decision.theirs, dict) else {}


KINDS: dict[str, Callable[[DecisionView, Surroundings], Words]] = {
    "practitioner_new": _practitioner_new,
    "practitioner_gone": _practitioner_gone,
    "practitioner_changed": _practitioner_changed,
    "type_new": _type_new,
    "type_changed": _type_changed,
    "type_gone": _type_gone,
}
