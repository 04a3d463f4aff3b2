"""What the work list's templates are given."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pmsapp.web.ui.formatting import PhoneText
from pmsapp.web.ui.page_contexts import Badge, Notice


@dataclass(frozen=True, slots=True)
class Press:
    """A button of a line. `act` is its hook, `value` what is sent ("advance:5:booked"), `said` names the patient."""

    act: str
    value: str
    word: str


@dataclass(frozen=True, slots=True)
class LineView:
    """One line of the work list, every text ready to print. `state` is our state with its age."""

    id: int
    row_version: int
    css: str
    raw_state: str
    presence: str
    clinician: str
    time: str
    expected: str | None
    zone_note: str | None
    family: str
    given: str
    initials: str
    has_name: bool
    birth: str
    age: str | None
    identity: str
    identity_title: str
    phone: PhoneText | None
    type_name: str | None
    telehealth: Badge | None
    state: Badge
    pms_note: str | None
    claim: str | None
    step: Press | None
    second: Press | None
    menu: tuple[Press, ...]
    host_link: str | None
    patient_link: str | None
    link_note: str | None
    marks: tuple[Badge, ...]
    reason: str | None


@dataclass(frozen=True, slots=True)
class LateNote:
    """A clinician who runs late: whom to tell, in order, with wording to copy."""

    minutes: int
    tell: tuple[tuple[str, str, str], ...]  # (who, phone, wording)


@dataclass(frozen=True, slots=True)
class SectionView:
    """One clinician's lines. `key` names it in the address; `clinician_id` is None without a clinician."""

    key: str
    clinician_id: int | None
    name: str
    counts: str
    as_of: str
    freshness: Badge | None
    next_to_call: str | None
    next_href: str | None
    late: LateNote
    lines: tuple[LineView, ...]
    is_open: bool
    toggle_href: str
    empty: str | None = None
    is_shown: bool = True


@dataclass(frozen=True, slots=True)
class FilterLink:
    """A filter with its number. `words` is what it says aloud."""

    key: str
    word: str
    number: int
    href: str
    chosen: bool
    note: str = ""


@dataclass(frozen=True, slots=True)
class ListView:
    """`runsheet/_list.html`. `attention` stands first; `notices` are what needs somebody and is no patient.

    `line_of` draws one line whatever the filter, for the answer to a press. `disconnected`: cards that were struck
    because their practice software was taken away; `disconnected_seen`: those acknowledged.
    """

    filters: tuple[FilterLink, ...]
    attention: tuple[LineView, ...]
    notices: tuple[Notice, ...]
    sections: tuple[SectionView, ...]
    hidden: tuple[LineView, ...]
    nothing: str | None
    clear_href: str
    is_attention_open: bool
    attention_href: str
    order_word: str
    order_href: str
    news: int
    disconnected: int
    disconnected_seen: int
    line_of: Callable[[int], LineView | None]


@dataclass(frozen=True, slots=True)
class Toast:
    """What a press came to. `undo` is sent by its Undo button; `told` says the same again in an address.

    `plain`: the same without the patient's name, for where a name may not stand.
    """

    said: str
    undo: str | None = None
    tone: str = ""
    told: str = ""
    plain: str = ""
