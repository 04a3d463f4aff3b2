"""What each template is given: one dataclass per template, made in the view. Templates ask nothing else."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Badge:
    """A state as word, shape (`icon`, a name in static/icons.svg) and colour (`tone`, a meaning)."""

    word: str
    icon: str
    tone: str = ""


@dataclass(frozen=True, slots=True)
class NavItem:
    """A line of the sidebar. `count_words` says aloud what `count` counts ("3 to decide")."""

    key: str
    word: str
    href: str
    icon: str
    count: int = 0
    count_words: str = ""
    urgent: bool = False


@dataclass(frozen=True, slots=True)
class RunProgress:
    """A run under way. `total` is None until it is known; `lists` are the lists read so far ("Dr Hart 12")."""

    stage: str
    done: int
    total: int | None
    lists: tuple[str, ...]
    started: str


@dataclass(frozen=True, slots=True)
class SyncRun:
    """`components/_sync_run.html`: the Sync now button and what became of pressing it.

    `poll_href` is set while something is under way; `said` is the final sentence.
    """

    can_sync: bool
    progress: tuple[RunProgress, ...] = ()
    poll_href: str | None = None
    said: str | None = None


@dataclass(frozen=True, slots=True)
class Shell:
    """The frame around a signed-in screen: `layout.html`."""

    active: str
    items: tuple[NavItem, ...]
    badge: Badge
    as_of: str | None = None
    person: str | None = None
    can_sync: bool = False
    can_configure: bool = False
    is_training: bool = False
    sync: SyncRun = SyncRun(can_sync=True)


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that changes what staff should trust: what happened, what now, and at most one way on."""

    headline: str
    detail: str = ""
    tone: str = "warn"
    icon: str = "warn"
    code: str | None = None
    href: str | None = None
    action: str | None = None


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
    birth: str | None
    age: str | None
    telehealth: Badge
    type_name: str | None
    phone: str | None
    phone_href: str | None
    reason: str | None
    marks: tuple[Badge, ...]
    chips: tuple[str, ...]
    notes: str | None
    is_gone: bool
    can_acknowledge: bool


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
class EmptySheet:
    """Why there is no card, in words that cannot be mistaken for another reason."""

    headline: str
    sentences: tuple[str, ...]
    read_now: bool = False
    href: str | None = None
    action: str | None = None


@dataclass(frozen=True, slots=True)
class SheetPage:
    """`runsheet/sheet.html` and its refreshing part `runsheet/_sheet.html`."""

    iso: str
    heading: str
    day: str
    title: str
    version: str
    poll_href: str
    previous: DayLink
    following: DayLink
    today: DayLink | None
    as_of: str
    as_of_long: str
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


@dataclass(frozen=True, slots=True)
class FormField:
    """One field of the card's form. `pms` is what the practice software says where it differs from `value`."""

    name: str
    label: str
    value: str
    pms: str | None = None
    pms_note: str | None = None
    error: str | None = None
    theirs: str | None = None


@dataclass(frozen=True, slots=True)
class Option:
    """One choice of a select or a set of radios."""

    value: str
    word: str
    chosen: bool = False


@dataclass(frozen=True, slots=True)
class CardForm:
    """The form of `runsheet/_card_form.html`. `errors` is the summary: (field, sentence)."""

    fields: dict[str, FormField]
    clinicians: tuple[Option, ...]
    states: tuple[Option, ...]
    telehealth: tuple[Option, ...]
    errors: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class TimelineLine:
    """One line of a card's story."""

    at: str
    who: str
    what: str


@dataclass(frozen=True, slots=True)
class CardPanel:
    """`runsheet/_panel.html`: everything about one card. `conflict` is set when somebody else saved first."""

    card: CardView
    row_version: int
    day: str
    back: str
    source: str
    is_manual: bool
    is_removed: bool
    pms_notes: str | None
    host_link: str | None
    patient_link: str | None
    email: str | None
    last_read: str | None
    form: CardForm | None
    timeline: tuple[TimelineLine, ...]
    conflict: str | None = None
    can_recheck: bool = False
    next_state: Option | None = None


@dataclass(frozen=True, slots=True)
class NewCardPanel:
    """`runsheet/_new_card.html`: adding a card by hand."""

    iso: str
    day: str
    back: str
    form: CardForm


@dataclass(frozen=True, slots=True)
class Answer:
    """One of the two answers to a question: the word on its button and what it does."""

    choice: str
    word: str
    effect: str


@dataclass(frozen=True, slots=True)
class Question:
    """Something only a person can settle. `facts` are lines that help to decide; `alike` counts others like it."""

    id: int
    headline: str
    since: str
    facts: tuple[str, ...]
    answers: tuple[Answer, ...]
    until_then: str
    card_href: str | None = None
    alike: int = 0


@dataclass(frozen=True, slots=True)
class Decided:
    """An answer given today."""

    id: int
    headline: str
    answer: str
    by: str
    at: str
    can_undo: bool


@dataclass(frozen=True, slots=True)
class DecisionsPage:
    """`decisions/index.html` and its part `decisions/_list.html`."""

    questions: tuple[Question, ...]
    decided: tuple[Decided, ...]
    fault: str | None = None
