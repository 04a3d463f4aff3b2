"""Step 3: whose appointments go into which column. What is chosen is kept as it is chosen, and decided at the end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from flask import Response, make_response, render_template

from pmsapp import clock
from pmsapp.domain.errors import PMSError
from pmsapp.domain.sync.rules import MappingDecision
from pmsapp.services.base.errors import Invalid
from pmsapp.services.base.next_step import help_href
from pmsapp.services.connections.connections import ConnectionView
from pmsapp.services.matching import mappings
from pmsapp.services.matching.mappings import PractitionerView
from pmsapp.services.setup import drafts, survey
from pmsapp.services.sheet import columns as sheet_columns
from pmsapp.services.sheet.columns import ClinicianView
from pmsapp.web.integrations.setup import column_choice, connect, connect_form
from pmsapp.web.integrations.setup.contexts import MatchPage, MatchRow, MatchState
from pmsapp.web.ui import formatting as fmt
from pmsapp.web.ui.page_contexts import Notice

CHOICES, SAME = "people", "same"
_TWICE = "Column {name} is chosen for {who}."


def page(
    view: ConnectionView, chosen: Mapping[str, str] | None = None, error: Invalid | None = None
) -> Response:
    """Everybody the practice software lists, most telehealth appointments first."""
    draft = drafts.of_connection(view.id)
    ahead = survey.of_found(draft.found if draft else None)
    kept = chosen if chosen is not None else (draft.choices.get(CHOICES) if draft else None) or {}
    same = bool(draft and draft.choices.get(SAME))
    fault: Notice | None = None
    rows: tuple[MatchRow, ...] = ()
    columns = [column for column in sheet_columns.list_clinicians() if column.active]
    try:
        listed = mappings.list_practitioners(view.id)
        if listed.stale is not None:
            fault = fault_notice(listed.stale)
        rows = match_rows(listed, columns, ahead, kept, _errors_by_key(kept, error))
    except PMSError as found:
        fault = fault_notice(found)
    shown = MatchPage(
        steps=connect_form.steps(3, view),
        id=view.id,
        pms=view.pms_label,
        rows=rows,
        state=replace(
            state_of({row.key: _chosen(row) for row in rows}, columns, names_of(rows), ahead, same=same),
            error=error.errors.get(SAME) if error else None,
        ),
        ahead_head="Telehealth, next 14 days" if ahead.practitioners else "Next 14 days",
        fault=fault,
    )
    return connect.respond("practitioners", shown, connect.status_of(error))


def state_answer(view: ConnectionView, chosen: Mapping[str, str], *, same: bool) -> Response:
    """The counter again, and which columns are taken twice."""
    draft = drafts.of_connection(view.id)
    ahead = survey.of_found(draft.found if draft else None)
    columns = [column for column in sheet_columns.list_clinicians() if column.active]
    try:
        names = {person.pms_practitioner_id: person.name for person in mappings.list_practitioners(view.id)}
    except PMSError:
        names = {}
    saved = f"Kept {fmt.hhmm(clock.now(), view.time_zone)}"
    state = state_of(chosen, columns, names, ahead, same=same, saved=saved)
    return make_response(render_template("integrations/setup/_match_state.html", state=state))


def match_rows(
    listed: Sequence[PractitionerView],
    columns: Sequence[ClinicianView],
    ahead: survey.Ahead,
    chosen: Mapping[str, str],
    errors: Mapping[str, str],
) -> tuple[MatchRow, ...]:
    """A line each. Pre-chosen is the one clear candidate, or a column of their own; never a close second."""
    ordered = sorted(
        listed, key=lambda person: (-_telehealth(person, ahead), -_all(person, ahead), person.name.casefold())
    )
    picked = {
        person.pms_practitioner_id: chosen.get(person.pms_practitioner_id) or _standing(person)
        for person in ordered
    }
    twice = taken_twice(picked)
    return tuple(
        MatchRow(
            number=number,
            key=person.pms_practitioner_id,
            name=person.name,
            marks=column_choice.marks(person),
            provider_number=person.provider_number,
            ahead=_ahead_words(person, ahead),
            options=column_choice.options(
                person,
                columns,
                picked[person.pms_practitioner_id],
                undecided="Choose…" if person.suggestions else "Decide later",
            ),
            why=_why(person),
            error=errors.get(person.pms_practitioner_id),
            is_twice=picked[person.pms_practitioner_id] in twice,
        )
        for number, person in enumerate(ordered)
    )


def state_of(
    chosen: Mapping[str, str],
    columns: Sequence[ClinicianView],
    names: Mapping[str, str],
    ahead: survey.Ahead,
    *,
    same: bool = False,
    saved: str | None = None,
) -> MatchState:
    """ "6 matched, 1 not shown on purpose, 2 to decide", and what is worth a second look."""
    values = list(chosen.values())
    ignored, undecided = values.count(mappings.IGNORE), values.count(mappings.UNDECIDED)
    titles = {f"{mappings.MAP}:{column.id}": column.name for column in columns}
    twice = []
    for value in taken_twice(chosen):
        who = [names.get(key, "somebody") for key, person in chosen.items() if person == value]
        twice.append(_TWICE.format(name=titles.get(value, "?"), who=fmt.listed(who)))
    waiting = sum(
        tally.telehealth
        for key, value in chosen.items()
        if value == mappings.UNDECIDED and (tally := ahead.practitioners.get(key))
    )
    words = None
    if undecided:
        visits = f", {fmt.plural(waiting, 'telehealth appointment')} in 14 days" if waiting else ""
        words = f"{fmt.plural(undecided, 'practitioner')} to decide{visits}: counted, but not listed on the sheet."
    matched = len(values) - ignored - undecided
    return MatchState(
        counter=f"{matched} matched, {ignored} not shown on purpose, {undecided} to decide",
        twice=tuple(twice),
        undecided=words,
        saved=saved,
        same=same,
    )


def taken_twice(chosen: Mapping[str, str]) -> set[str]:
    """Choices of one and the same column by more than one practitioner."""
    counted = Counter(value for value in chosen.values() if value.startswith(f"{mappings.MAP}:"))
    return {value for value, count in counted.items() if count > 1}


def names_of(rows: Sequence[MatchRow]) -> dict[str, str]:
    """Everybody's name by the practice software's id."""
    return {row.key: row.name for row in rows}


def fault_notice(error: PMSError) -> Notice:
    """A list that cannot be read now."""
    return Notice(
        f"{error.message}.",
        error.advice,
        "warn",
        "cloud",
        error.code,
        help_href(error.code),
        f"What {error.code} means",
    )


def _errors_by_key(chosen: Mapping[str, str], error: Invalid | None) -> dict[str, str]:
    keys = list(chosen)
    found = {}
    for path, text in (error.errors if error else {}).items():
        part = path.split(".")[1:2]
        if part and part[0].isdecimal() and int(part[0]) < len(keys):
            found[keys[int(part[0])]] = text
    return found


def _chosen(row: MatchRow) -> str:
    return next((option.value for option in row.options if option.chosen), mappings.UNDECIDED)


def _telehealth(person: PractitionerView, ahead: survey.Ahead) -> int:
    tally = ahead.practitioners.get(person.pms_practitioner_id)
    return tally.telehealth if tally else 0


def _all(person: PractitionerView, ahead: survey.Ahead) -> int:
    tally = ahead.practitioners.get(person.pms_practitioner_id)
    return tally.count if tally else person.upcoming_appointments or 0


def _ahead_words(person: PractitionerView, ahead: survey.Ahead) -> str:
    """ "12 of 40": telehealth of all."""
    tally = ahead.practitioners.get(person.pms_practitioner_id)
    if tally is not None:
        return f"{tally.telehealth} of {tally.count}"
    return "" if person.upcoming_appointments is None else str(person.upcoming_appointments)


def _why(person: PractitionerView) -> str | None:
    if person.decision is not MappingDecision.UNDECIDED or not person.suggestions:
        return None
    best = person.suggestions[0]
    if person.prechosen_id is not None:
        return f"{best.name}: {best.reason}"
    likely = fmt.listed([suggestion.name for suggestion in person.suggestions[:2]])
    return f"Could be {likely}; choose"


def _standing(person: PractitionerView) -> str:
    """What the select starts with: what was decided, else the one clear candidate, else a column of their own."""
    if person.decision is not MappingDecision.UNDECIDED:
        return column_choice.standing(person)
    if person.prechosen_id is not None:
        return f"{mappings.MAP}:{person.prechosen_id}"
    works_here = person.active and person.shown_in_appointment_book and person.upcoming_appointments != 0
    return mappings.CREATE if works_here and not person.suggestions else mappings.UNDECIDED
