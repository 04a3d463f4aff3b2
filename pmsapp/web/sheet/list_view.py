"""The work list, every text ready to print. Pure: it is handed the day laid out, its now and its names."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from pmsapp.domain.appointment import Presence
from pmsapp.domain.runsheet import FreshnessState, Sheet
from pmsapp.domain.worklist.lines import Filter, Line, Section, WorkList, whom_to_tell
from pmsapp.domain.worklist.patients import family_first
from pmsapp.web.sheet.day_truth import freshness_badge
from pmsapp.web.sheet.line_view import Setting, build_line, minutes
from pmsapp.web.sheet.list_contexts import FilterLink, LateNote, LineView, ListView, SectionView
from pmsapp.web.sheet.look import LIST, Look
from pmsapp.web.ui import formatting as fmt
from pmsapp.web.ui.page_contexts import Notice

ATTENTION, HIDDEN, NOBODY = "attention", "hidden", "none"
_FILTER_WORDS = {
    Filter.NEEDS_YOU: "Needs you",
    Filter.TO_CALL: "To call",
    Filter.WAITING: "Waiting",
    Filter.LATE: "Late",
    Filter.DONE: "Done",
    Filter.ALL: "All",
    Filter.NOT_SHOWN: "Not shown",
}


def build_list(
    sheet: Sheet,
    laid: WorkList,
    look: Look,
    around: Setting,
    *,
    clinic: str,
    notices: Sequence[Notice],
    fed: frozenset[int],
) -> ListView:
    """Everything `runsheet/_list.html` prints. `fed`: the columns that some practice software fills."""
    all_on_top = look.chosen in (Filter.ALL, Filter.NEEDS_YOU) and not look.query
    return ListView(
        filters=filter_links(laid, look, len(notices)),
        attention=tuple(build_line(line, around) for line in laid.attention),
        notices=tuple(notices) if all_on_top else (),
        sections=tuple(_section(section, look, around, clinic, fed) for section in laid.sections),
        hidden=tuple(build_line(line, around) for line in laid.hidden),
        nothing=_nothing(laid, look, len(notices) if all_on_top else 0),
        clear_href=look.href(chosen=Filter.ALL),
        is_attention_open=ATTENTION not in look.closed,
        attention_href=look.toggled(ATTENTION),
        order_word="Attention first" if look.by_time else "By time",
        order_href=look.href(by_time=not look.by_time),
        news=sum(line.card.changed_since_seen or line.card.is_new for line in laid.lines.values()),
        disconnected=sum(card.is_disconnected for card in sheet.cards),
        disconnected_seen=sum(card.is_disconnected for card in sheet.acknowledged),
        line_of=partial(line_of, laid, around),
    )


def filter_links(laid: WorkList, look: Look, notices: int) -> tuple[FilterLink, ...]:
    """The row of filters with their numbers; the longest wait beside those who wait."""
    links = []
    for chosen, word in _FILTER_WORDS.items():
        number = laid.counts[chosen] + (notices if chosen is Filter.NEEDS_YOU else 0)
        note = ""
        if chosen is Filter.WAITING and laid.longest_wait_min is not None:
            note = f"longest {minutes(laid.longest_wait_min)}"
        links.append(
            FilterLink(
                chosen.value,
                word,
                number,
                look.href(chosen=chosen, view=LIST),
                look.chosen is chosen and not look.query and look.view == LIST,
                note,
            )
        )
    return tuple(links)


def key_of(section: Section) -> str:
    """The section's name in addresses and ids."""
    return str(section.column.id) if section.column else NOBODY


def _section(section: Section, look: Look, around: Setting, clinic: str, fed: frozenset[int]) -> SectionView:
    column, key = section.column, key_of(section)
    following = section.next_to_call
    next_words = None
    if following:
        family, given = family_first(following.card.patient_name or "Name unavailable")
        clock = fmt.hhmm(following.expected_at, following.card.time_zone)
        next_words = f"{clock} {family}{f', {given}' if given else ''}"
    fresh = column.freshness if column and column.id in fed else None
    return SectionView(
        key=key,
        clinician_id=column.id if column else None,
        name=column.name if column else "No clinician",
        counts=_counts(section.of_clinician),
        as_of=fmt.moment(fresh.as_of, around.now, around.zone) if fresh and fresh.as_of else "",
        freshness=freshness_badge(fresh, around.now, around.zone)
        if fresh and fresh.state is not FreshnessState.FRESH
        else None,
        next_to_call=next_words,
        next_href=f"#card-{following.card.id}" if following else None,
        late=_late(section, around, clinic),
        lines=tuple(build_line(line, around) for line in section.lines),
        is_open=key not in look.closed,
        toggle_href=look.toggled(key),
        empty=None if section.lines else _empty(section, fed),
        is_shown=bool(section.lines) or _is_shown_empty(section, look),
    )


def _is_shown_empty(section: Section, look: Look) -> bool:
    """A clinician without a line is still there, with the age of the list; not under a filter or a search."""
    return look.chosen is Filter.ALL and not look.query and section.column is not None


def _empty(section: Section, fed: frozenset[int]) -> str:
    if section.of_clinician:
        return "All of these patients stand under Needs attention."
    column = section.column
    if column is None or column.id not in fed:
        return "No patients."
    if column.freshness.as_of is None:
        return "This list has not been read yet."
    if column.freshness.state is FreshnessState.FRESH:
        return "No telehealth appointments."
    return "No telehealth appointments in the list as it was then."


def _counts(lines: Sequence[Line]) -> str:
    standing = [line for line in lines if line.card.presence is Presence.ON_SHEET]
    done = sum(line.sinks for line in standing)
    to_call = sum(Filter.TO_CALL in line.filters for line in standing)
    parts = [fmt.plural(len(standing), "patient")]
    parts += [f"{number} {word}" for number, word in ((to_call, "to call"), (done, "done")) if number]
    disconnected = sum(line.card.is_disconnected for line in lines)
    gone = sum(line.card.is_gone for line in lines) - disconnected
    parts += [
        f"{number} {word}" for number, word in ((gone, "cancelled"), (disconnected, "disconnected")) if number
    ]
    return ", ".join(parts)


def _late(section: Section, around: Setting, clinic: str) -> LateNote:
    column = section.column
    late = column.running_late_minutes if column else 0
    if not late or column is None:
        return LateNote(0, ())
    told = []
    for line in whom_to_tell(section, around.now):
        card = line.card
        booked = fmt.prose_time(card.start_at, card.time_zone)
        expected = fmt.prose_time(line.expected_at, card.time_zone)
        who = f"{fmt.hhmm(card.start_at, card.time_zone)} {card.patient_name or 'Name unavailable'}"
        wording = (
            f"Hello, this is {clinic}. {column.name} is running about {late} minutes late. "
            f"Your {booked} appointment is now expected at about {expected}."
        )
        told.append((who, str(fmt.phone(card.patient_phone)) if card.patient_phone else "no phone", wording))
    return LateNote(late, tuple(told))


def _nothing(laid: WorkList, look: Look, notices: int) -> str | None:
    """What is said where filter or search hide every line; None where something is listed or there is nothing."""
    if laid.matched or notices or not (laid.total or look.query or look.chosen is not Filter.ALL):
        return None
    if look.chosen is Filter.ALL and not look.query:
        return None
    return f"0 of {laid.total} match."


def line_of(laid: WorkList, around: Setting, card_id: int) -> LineView | None:
    """One line as it is now, for the answer to a press."""
    line = laid.lines.get(card_id)
    return build_line(line, around) if line else None
