"""A day on paper, every text ready to print: one clinician after the other, in time order. Pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime

from pmsapp.domain.runsheet import Card, Column, FreshnessState, Sheet
from pmsapp.domain.window import day_of
from pmsapp.domain.worklist.lines import Line, Section, lay_out
from pmsapp.web.paper.contexts import PaperDay, PaperRow, PaperSection
from pmsapp.web.sheet.card_view import Names
from pmsapp.web.sheet.day_truth import fed_columns, is_old
from pmsapp.web.sheet.line_view import Setting, build_line
from pmsapp.web.ui import formatting as fmt
from pmsapp.web.ui import labels

# Said on the screen of one person, or said on paper in another place.
_NOT_ON_PAPER = frozenset({"New", "Changed", "Note"})


def build_day(
    sheet: Sheet,
    *,
    now: datetime,
    names: Names,
    clinic: str,
    made: str,
    is_initials: bool = False,
    is_training: bool = False,
) -> PaperDay:
    """Everything `paper/_day.html` prints. `made`: by whom and when, or what kind of copy it is."""
    names = replace(names, clinicians={column.id: column.name for column in sheet.columns})
    around = Setting(
        now,
        names,
        sheet.time_zone,
        can_edit=False,
        viewer="",
        is_all_telehealth=all(card.is_telehealth is not False for card in sheet.cards),
    )
    laid = lay_out(sheet, now, is_today=sheet.date == day_of(now, sheet.time_zone), by_time=True)
    fed = fed_columns(sheet)
    sections = tuple(
        _section(section, sheet.date, around, fed, is_initials=is_initials)
        for section in laid.sections
        if section.lines or (section.column is not None and section.column.id in fed)
    )
    return PaperDay(
        clinic=clinic,
        day=fmt.long_day(sheet.date),
        made=made,
        sections=sections,
        empty=None if sections else "Nobody is on this day's sheet, and no list of it has been read.",
        is_training=is_training,
    )


def _section(
    section: Section, day: date, around: Setting, fed: frozenset[int], *, is_initials: bool
) -> PaperSection:
    column = section.column
    rows = tuple(_row(line, around, is_initials=is_initials) for line in section.lines)
    standing = sum(not row.is_gone for row in rows)
    gone = len(rows) - standing
    counts = fmt.plural(standing, "patient") + (f", {gone} not coming" if gone else "")
    is_late = column is not None and column.id in fed and is_old(column.freshness)
    return PaperSection(
        name=column.name if column else "No clinician",
        counts=counts,
        age=_age(column, section, around) if column and column.id in fed else "",
        is_old=is_late,
        rows=rows,
        empty="No telehealth appointments in the list as it was then."
        if is_late
        else "No telehealth appointments.",
    )


def _age(column: Column, section: Section, around: Setting) -> str:
    """From when the list is, and from where; of an old one also how old it was when this was made."""
    fresh = column.freshness
    if fresh.as_of is None:
        return "This list has not been read."
    sources = {
        around.names.source(line.card) for line in section.of_clinician if line.card.source != "manual"
    }
    source = f" from {fmt.listed(sorted(sources))}" if sources else ""
    as_of = f"Data as of {fmt.moment(fresh.as_of, around.now, around.zone)}{source}"
    if fresh.state is FreshnessState.FRESH:
        return as_of
    old = fmt.span(max((around.now - fresh.as_of).total_seconds(), 0))
    return f"OUT OF DATE: {as_of[0].lower()}{as_of[1:]}, {old} old when this was made"


def _row(line: Line, around: Setting, *, is_initials: bool) -> PaperRow:
    card, view = line.card, build_line(line, around)
    telehealth = f"{view.telehealth.word} " if view.telehealth else ""
    name = f"{view.family}{', ' + view.given if view.given else ''}"
    phone = str(view.phone) if view.phone else "no phone"
    marks = tuple(mark.word for mark in view.marks if mark.word not in _NOT_ON_PAPER)
    return PaperRow(
        time=view.time,
        expected=view.expected,
        name=(view.initials or "?") if is_initials else name,
        birth="" if is_initials else view.birth,
        phone="" if is_initials else phone,
        type_name=f"{telehealth}{view.type_name or ''}".strip(),
        state=_state(line, around),
        marks=((view.reason,) if view.reason else ()) + (() if is_initials else marks),
        notes=None if is_initials else _notes(card),
        is_gone=card.is_gone,
    )


def _state(line: Line, around: Setting) -> str:
    """The state without its age: paper does not age with the clock."""
    card = line.card
    if card.is_gone or card.presence != "on_sheet":
        return labels.presence_badge(card).word
    word = {str(state): badge.word for state, badge in labels.WORKFLOW.items()}[card.state]
    if card.state_since is None:
        return word
    return f"{word} {fmt.moment(card.state_since, around.now, card.time_zone)}"


def _notes(card: Card) -> str | None:
    parts = [part.strip() for part in (card.notes, card.pms_notes) if part and part.strip()]
    return " · ".join(parts) or None
