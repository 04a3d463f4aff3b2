"""What the run sheet's templates are given."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from pmsapp.web.sheet.list_contexts import ListView, Press, Toast
from pmsapp.web.ui.formatting import PhoneText
from pmsapp.web.ui.page_contexts import Badge, Notice


@dataclass(frozen=True, slots=True)
class CardView:
    """One card of the sheet, every text ready to print."""

    id: int
    row_version: int
    css: str
    time: str
    zone_note: str | None
    badge: Badge
    name: str | None
    initials: str
    birth: str | None
    age: str | None
    telehealth: Badge
    type_name: str | None
    phone: PhoneText | None
    reason: str | None
    marks: tuple[Badge, ...]
    chips: tuple[str, ...]
    notes: str | None
    is_gone: bool
    raw_state: str = "booked"
    presence: str = "on_sheet"
    presses: tuple[Press, ...] = ()


@dataclass(frozen=True, slots=True)
class Band:
    """The cards of one hour of one column. `now` marks the first band after the present moment."""

    cards: tuple[CardView, ...]
    now: bool = False


@dataclass(frozen=True, slots=True)
class Hour:
    """A label at the edge of the sheet: "9 am", or the present time where the line of now runs."""

    label: str
    now: bool = False


@dataclass(frozen=True, slots=True)
class ColumnView:
    """One clinician's column. `freshness` is set when the data is not fresh; `as_of` is then its age."""

    key: str
    name: str
    counts: str
    as_of: str
    freshness: Badge | None
    bands: tuple[Band, ...]
    empty: str | None = None
    unassigned: bool = False


@dataclass(frozen=True, slots=True)
class DayLink:
    """A day one can go to."""

    href: str
    word: str


@dataclass(frozen=True, slots=True)
class ClosedDay:
    """Why the clinic is closed on a day, and the next day it is open."""

    why: str
    reopens: date | None = None


@dataclass(frozen=True, slots=True)
class EmptySheet:
    """Why there is no card, in words that cannot be mistaken for another reason. `straight`: each practice software
    and where its set-up begins."""

    headline: str
    sentences: tuple[str, ...]
    read_now: bool = False
    href: str | None = None
    action: str | None = None
    straight: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class ViewChoice:
    """One way to see a day; choosing it is kept for the person."""

    value: str
    word: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class SheetPage:
    """`runsheet/sheet.html` and its refreshing part `runsheet/_sheet.html`.

    `here`: the address of what is looked at, where a press without scripts leads back to. `reason`: why the badge is
    not "Up to date".
    """

    iso: str
    heading: str
    day: str
    short_day: str
    title: str
    version: str
    poll_href: str
    previous: DayLink
    following: DayLink
    today: DayLink | None
    as_of: str
    as_of_long: str
    was_read: bool
    freshness: Badge
    summary: tuple[str, ...]
    hours: tuple[Hour, ...]
    columns: tuple[ColumnView, ...]
    empty: EmptySheet | None
    asides: tuple[Notice, ...]
    not_shown: str | None
    zone: str
    sources: str
    can_edit: bool
    now: str
    is_old: bool
    paper: str
    open_decisions: int
    view: str
    work_list: ListView
    reason: str | None
    reason_href: str | None
    views: tuple[ViewChoice, ...]
    print_href: str
    query: str
    here: str
    toast: Toast | None = None
