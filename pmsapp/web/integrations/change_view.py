"""A change of matches or types in sentences: what it would do, and how it can be undone. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from pmsapp.services.matching.effects import Effect
from pmsapp.services.matching.undo import Subject, Undoable
from pmsapp.web.integrations.contexts import UndoLine
from pmsapp.web.ui import formatting as fmt


def sentences(effect: Effect) -> tuple[str, ...]:
    """What deciding about one practitioner or type does, a sentence for each thing."""
    said = []
    if effect.origin is not None and effect.moves:
        said.append(
            f"Moves {fmt.plural(effect.moves, 'card')} from {effect.origin} to {effect.target} with the next update."
        )
    if effect.stay:
        verb = "stays" if effect.stay == 1 else "stay"
        said.append(f"{fmt.plural(effect.stay, 'card')} that staff moved by hand {verb} there.")
    if effect.off:
        said.append(f"Takes {fmt.plural(effect.off, 'card')} off the sheet{_work(effect)}.")
    if effect.on is None:
        said.append(
            "How many cards it puts on the sheet could not be read just now; the next update does it."
        )
    elif effect.on:
        where = f" into {effect.target}" if effect.target else ""
        said.append(f"Puts {fmt.plural(effect.on, 'card')} on{where} with the next update.")
    return tuple(said) or ("Changes no card of the days ahead.",)


def _work(effect: Effect) -> str:
    if not effect.with_work:
        return ""
    verb = "has" if effect.with_work == 1 else "have"
    return f"; {effect.with_work} of them {verb} notes, a state or edits, which are kept"


def undo_lines(found: Sequence[Undoable], now: datetime, zone: str) -> tuple[UndoLine, ...]:
    """The changes of the last day, each with a button, or with what is in its way."""
    return tuple(
        UndoLine(
            change.id,
            _changed(change.subjects),
            f"By {change.by}, {fmt.moment(change.at, now, zone)}. "
            f"It can be undone until {fmt.moment(change.until, now, zone)}; what staff typed stays.",
            change.why_not,
        )
        for change in found
    )


def _changed(subjects: Sequence[Subject]) -> str:
    """ "Dr Lee: column A → column B, and 2 more"."""
    first = subjects[0]
    more = len(subjects) - 1
    return f"{first.name}: {first.was} → {first.now}{f', and {more} more' if more else ''}"
