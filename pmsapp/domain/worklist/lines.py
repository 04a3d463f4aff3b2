"""A day as reception works on it: what needs somebody first, then each clinician's patients in time order. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from pmsapp.domain.ages import age
from pmsapp.domain.appointment import Presence, WorkflowState
from pmsapp.domain.runsheet import Card, Column, Sheet, Thresholds, in_time_order
from pmsapp.domain.worklist import steps

_NO_LATENESS = timedelta(0)


class Reason(StrEnum):
    """Why a line stands in the attention section, in the order of the section."""

    WAITING = "waiting"
    ARRIVED = "arrived"
    OVERDUE = "overdue"
    CONFLICT = "conflict"
    HELD = "held"
    GONE = "gone"


class Filter(StrEnum):
    """Which lines are looked at. The values are what addresses hold."""

    NEEDS_YOU = "needs-you"
    TO_CALL = "to-call"
    WAITING = "waiting"
    LATE = "late"
    DONE = "done"
    ALL = "all"
    NOT_SHOWN = "not-shown"


class LinkState(StrEnum):
    """What can be said of a patient's video link."""

    NONE = "none"  # nobody on this sheet has one from there, so that none is missing
    OK = "ok"
    MISSING = "missing"
    DOUBLED = "doubled"
    IS_HOSTS = "is_hosts"


@dataclass(frozen=True, slots=True, repr=False)
class Line:
    """One patient of the work list, with everything that follows from the clock.

    `expected_at`: the start, later by as much as the clinician runs late. `over_min`: minutes past it where that
    matters, else None. `age_min`: minutes in the present state, None while nothing was pressed or on another day.
    """

    card: Card
    expected_at: datetime
    reasons: tuple[Reason, ...]
    filters: frozenset[Filter]
    next_step: WorkflowState | None
    age_min: int | None
    waited_min: int | None
    over_min: int | None
    urgency: str
    sinks: bool
    link: LinkState = LinkState.NONE

    def __repr__(self) -> str:
        return f"Line({self.card.id})"


@dataclass(frozen=True, slots=True)
class Section:
    """One clinician's lines (`column` None: patients without a clinician). `next_to_call`: whose turn it is."""

    column: Column | None
    lines: tuple[Line, ...]
    of_clinician: tuple[Line, ...]
    next_to_call: Line | None


@dataclass(frozen=True, slots=True)
class WorkList:
    """A day laid out. `matched` of `total` lines pass the filter and the search."""

    attention: tuple[Line, ...]
    sections: tuple[Section, ...]
    hidden: tuple[Line, ...]
    counts: Mapping[Filter, int]
    longest_wait_min: int | None
    matched: int
    total: int
    lines: Mapping[int, Line] = field(default_factory=dict)


def lay_out(
    sheet: Sheet,
    now: datetime,
    *,
    is_today: bool,
    chosen: Filter = Filter.ALL,
    by_time: bool = False,
    is_wanted: Callable[[Card], bool] = lambda card: True,
) -> WorkList:
    """Every line in its place. `by_time`: no attention section and nothing sinks. `is_wanted`: the search."""
    heads: list[Column | None] = [None, *sheet.columns] if sheet.unassigned else [*sheet.columns]
    links = _links(sheet.cards)
    of_head = [
        (
            head,
            [_line(card, head, now, is_today, links) for card in (head.cards if head else sheet.unassigned)],
        )
        for head in heads
    ]
    every = [line for _, lines in of_head for line in lines]
    hidden = [off_sheet_line(card) for card in (*(sheet.not_shown_cards or ()), *sheet.acknowledged)]
    counts = Counter(chosen for line in every for chosen in line.filters)
    counts[Filter.NOT_SHOWN] = len(hidden)

    def passes(line: Line) -> bool:
        return chosen in line.filters and is_wanted(line.card)

    on_top = [] if by_time else sorted((line for line in every if line.reasons), key=_attention_order)
    lifted = {line.card.id for line in on_top}
    sections = tuple(
        Section(
            head,
            tuple(line for line in _ordered(lines, by_time) if line.card.id not in lifted and passes(line)),
            tuple(lines),
            _next_to_call(lines),
        )
        for head, lines in of_head
    )
    attention = tuple(line for line in on_top if passes(line))
    off_sheet = tuple(line for line in hidden if passes(line))
    waits = [line.waited_min for line in every if line.waited_min is not None]
    return WorkList(
        attention=attention,
        sections=sections,
        hidden=off_sheet,
        counts={chosen: counts[chosen] for chosen in Filter},
        longest_wait_min=max(waits, default=None),
        matched=len(attention) + len(off_sheet) + sum(len(section.lines) for section in sections),
        total=len(hidden) if chosen is Filter.NOT_SHOWN else len(every),
        lines={line.card.id: line for line in [*every, *hidden]},
    )


def whom_to_tell(section: Section, now: datetime) -> list[Line]:
    """The patients to tell that the clinician runs late, in the order of their times."""
    return [
        line
        for line in _ordered(section.of_clinician, by_time=True)
        if line.card.presence is Presence.ON_SHEET
        and line.card.state != WorkflowState.WITH_CLINICIAN
        and not line.sinks
        and line.expected_at > now
    ]


def urgency_of(minutes: int, thresholds: Thresholds) -> str:
    """ "" (calm), wait, warn or stop: how much somebody who has waited that long matters."""
    if minutes >= thresholds.urgent_min:
        return "stop"
    if minutes >= thresholds.warn_min:
        return "warn"
    return "wait" if minutes >= thresholds.notice_min else ""


def minutes_between(since: datetime, now: datetime) -> int:
    """Whole minutes that have passed; none for an instant that lies ahead."""
    passed = age(since, now)
    return int(passed.total_seconds() // 60) if passed else 0


def _line(
    card: Card, head: Column | None, now: datetime, is_today: bool, links: Mapping[int, LinkState]
) -> Line:
    late = timedelta(minutes=head.running_late_minutes) if head and is_today else _NO_LATENESS
    expected = card.start_at + late
    state = WorkflowState(card.state)
    stands = card.presence is Presence.ON_SHEET
    settled = steps.settled_as(card.appointment_status) is not None
    is_over = stands and (state in steps.OVER or settled)
    waited = None
    if is_today and stands and state in steps.WAITS and not settled:
        waited = minutes_between(card.waiting_since or card.state_since or card.start_at, now)
    over = None
    if is_today and stands and not is_over and state is not WorkflowState.WITH_CLINICIAN and expected < now:
        over = minutes_between(expected, now)
    reasons = _reasons(card, state, waited=waited, over=over, settled=settled, is_today=is_today)
    is_gone = card.is_gone
    return Line(
        card=card,
        expected_at=expected,
        reasons=reasons,
        filters=_filters(card, state, reasons=reasons, over=over, is_over=is_over, settled=settled),
        next_step=steps.next_step(card.state, card.appointment_status) if stands else None,
        age_min=minutes_between(card.state_since, now) if is_today and card.state_since and stands else None,
        waited_min=waited,
        over_min=over,
        urgency=_urgency(waited, over, head.thresholds if head else Thresholds()),
        sinks=is_over or is_gone,
        link=links.get(card.id, LinkState.NONE),
    )


def _reasons(
    card: Card, state: WorkflowState, *, waited: int | None, over: int | None, settled: bool, is_today: bool
) -> tuple[Reason, ...]:
    if card.waits_to_be_seen:
        return (Reason.GONE,)
    if card.presence is Presence.HELD:
        return (Reason.HELD,)
    found = []
    if waited is not None:
        found.append(Reason.WAITING)
    elif (
        is_today
        and card.appointment_status == "arrived"
        and state in steps.TO_CALL | {WorkflowState.CONTACTED}
    ):
        found.append(Reason.ARRIVED)
    elif over is not None and not settled:
        found.append(Reason.OVERDUE)
    if any(edit.conflict for edit in card.edited):
        found.append(Reason.CONFLICT)
    return tuple(found)


def _filters(
    card: Card,
    state: WorkflowState,
    *,
    reasons: Sequence[Reason],
    over: int | None,
    is_over: bool,
    settled: bool,
) -> frozenset[Filter]:
    found = {Filter.ALL}
    stands = card.presence is Presence.ON_SHEET
    if reasons:
        found.add(Filter.NEEDS_YOU)
    if stands and state in steps.TO_CALL and not settled:
        found.add(Filter.TO_CALL)
    if stands and state in steps.WAITS and not settled:
        found.add(Filter.WAITING)
    if over is not None:
        found.add(Filter.LATE)
    if is_over:
        found.add(Filter.DONE)
    return frozenset(found)


def _urgency(waited: int | None, over: int | None, thresholds: Thresholds) -> str:
    """Who waits is judged by the wait; who has not come, by how long their time has passed."""
    if waited is not None:
        return urgency_of(waited, thresholds)
    return "" if over is None else urgency_of(max(over, thresholds.notice_min), thresholds)


def off_sheet_line(card: Card) -> Line:
    """A line of a card that is not on the sheet: only to look at, and to bring back."""
    return Line(
        card=card,
        expected_at=card.start_at,
        reasons=(),
        filters=frozenset({Filter.NOT_SHOWN}),
        next_step=None,
        age_min=None,
        waited_min=None,
        over_min=None,
        urgency="",
        sinks=True,
    )


def _attention_order(line: Line) -> tuple[int, datetime, int]:
    """Who waits stands by the beginning of the wait, longest first; the rest by its time."""
    reason = line.reasons[0]
    since = line.card.waiting_since or line.card.state_since if reason is Reason.WAITING else None
    return list(Reason).index(reason), since or line.expected_at, line.card.id


def _ordered(lines: Iterable[Line], by_time: bool) -> list[Line]:
    of_card = {line.card.id: line for line in lines}
    listed = [of_card[card.id] for card in in_time_order(line.card for line in of_card.values())]
    return listed if by_time else sorted(listed, key=lambda line: line.sinks)


def _next_to_call(lines: Sequence[Line]) -> Line | None:
    waiting = [line for line in _ordered(lines, by_time=True) if Filter.TO_CALL in line.filters]
    return waiting[0] if waiting else None


def _links(cards: Sequence[Card]) -> dict[int, LinkState]:
    """Which patients' links are missing, shared by two, or the clinician's own."""
    standing = [card for card in cards if card.presence is Presence.ON_SHEET and card.is_telehealth]
    hosts = {card.host_link for card in standing if card.host_link}
    gives_links = {card.pms_connection_id for card in standing if card.patient_link or card.host_link}
    # The patients of one group appointment share a link on purpose.
    used = Counter(
        link
        for link, _ in {
            (card.patient_link, (card.pms_connection_id, card.pms_appointment_id))
            for card in standing
            if card.patient_link
        }
    )
    found = {}
    for card in standing:
        if card.pms_connection_id not in gives_links or card.source == "manual":
            continue
        if not card.patient_link:
            found[card.id] = LinkState.MISSING
        elif card.patient_link in hosts:
            found[card.id] = LinkState.IS_HOSTS
        else:
            found[card.id] = LinkState.DOUBLED if used[card.patient_link] > 1 else LinkState.OK
    return found
