"""What the templates of paper are given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PaperRow:
    """One patient on paper. `state` is in words; `notes` stand below the line."""

    time: str
    expected: str | None
    name: str
    birth: str
    phone: str
    type_name: str
    state: str
    marks: tuple[str, ...]
    notes: str | None
    is_gone: bool


@dataclass(frozen=True, slots=True)
class PaperSection:
    """One clinician's pages. `age` says from when the list is; `is_old`: it is not to be relied on."""

    name: str
    counts: str
    age: str
    is_old: bool
    rows: tuple[PaperRow, ...]
    empty: str


@dataclass(frozen=True, slots=True)
class PaperDay:
    """`paper/_day.html`: a day on paper. `made` says by whom and when; `empty` why there is nobody on it."""

    clinic: str
    day: str
    made: str
    sections: tuple[PaperSection, ...]
    empty: str | None = None
    is_training: bool = False


@dataclass(frozen=True, slots=True)
class PrintPage:
    """`paper/print.html`. `choices`: clinician id -> name; `chosen` "" for all of them."""

    iso: str
    paper: PaperDay
    choices: Mapping[str, str]
    chosen: str
    is_initials: bool
    pages: int


@dataclass(frozen=True, slots=True)
class LeftLine:
    """A patient at the end of the day, with what there is to know."""

    href: str
    time: str
    name: str
    initials: str
    clinician: str
    phone: str
    state: str
    note: str


@dataclass(frozen=True, slots=True)
class LeftSection:
    """One list of the hand-over. `empty`: what is said where nobody is in it."""

    key: str
    title: str
    lines: tuple[LeftLine, ...]
    empty: str


@dataclass(frozen=True, slots=True)
class ChangeLine:
    """One change after noon: when, to whom, what, by whom."""

    at: str
    href: str
    patient: str
    initials: str
    what: str
    who: str


@dataclass(frozen=True, slots=True)
class OpenQuestion:
    """A decision nobody has taken."""

    href: str
    headline: str
    since: str


@dataclass(frozen=True, slots=True)
class HandOverPage:
    """`paper/hand_over.html`. `closed`: by whom and when, None while the day is open; `faults`: field -> sentence."""

    iso: str
    clinic: str
    day: str
    made: str
    age: str
    is_old: bool
    sections: tuple[LeftSection, ...]
    questions: tuple[OpenQuestion, ...]
    changes: tuple[ChangeLine, ...]
    closed: str | None
    since_closed: str | None
    reopened: str | None
    note: str | None
    name: str
    typed_note: str
    faults: Mapping[str, str]
    can_close: bool
    has_begun: bool
    is_training: bool
    shows_questions: bool
