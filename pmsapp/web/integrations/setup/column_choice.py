"""The select that puts a practitioner into a column: what it offers, and what it stands at. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from pmsapp.domain.sync.rules import MappingDecision
from pmsapp.services.matching import mappings
from pmsapp.services.matching.mappings import PractitionerView
from pmsapp.services.sheet.columns import ClinicianView
from pmsapp.web.ui.page_contexts import Option


def marks(person: PractitionerView) -> str:
    """What is unusual about them."""
    found = [] if person.active else ["inactive"]
    if not person.shown_in_appointment_book:
        found.append("not in the appointment book")
    return ", ".join(found)


def standing(person: PractitionerView) -> str:
    """What was decided, as the select holds it."""
    if person.decision is MappingDecision.MAPPED and person.clinician_id is not None:
        return f"{mappings.MAP}:{person.clinician_id}"
    if person.decision is MappingDecision.IGNORED:
        return mappings.IGNORE
    return mappings.UNDECIDED


def options(
    person: PractitionerView, columns: Sequence[ClinicianView], held: str, *, undecided: str = "Decide later"
) -> tuple[Option, ...]:
    """The choices for one practitioner, likely columns first. `held`: what the select holds; `undecided`: its word."""
    likely = [best.clinician_id for best in person.suggestions]
    ordered = sorted(
        columns, key=lambda column: likely.index(column.id) if column.id in likely else len(likely)
    )
    listed = [
        (mappings.UNDECIDED, undecided),
        *((f"{mappings.MAP}:{column.id}", f"Column {column.name}") for column in ordered),
        (mappings.CREATE, f"New column “{person.name}”"),
        (mappings.IGNORE, "Do not show"),
    ]
    return tuple(Option(value, word, value == held) for value, word in listed)
