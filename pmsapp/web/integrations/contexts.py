"""What the integrations' templates are given."""

from __future__ import annotations

from dataclasses import dataclass

from pmsapp.web.runs.contexts import LastRun
from pmsapp.web.ui.page_contexts import (
    Badge,
    FormField,
    Notice,
    Option,
    RunProgress,
)


@dataclass(frozen=True, slots=True)
class NextStep:
    """The one button that leads to the step which puts things right."""

    href: str
    word: str


@dataclass(frozen=True, slots=True)
class UndoLine:
    """A change of matches or types that can be undone, or (`why_not`) what is in the way."""

    id: int
    what: str
    by: str
    why_not: str | None = None


@dataclass(frozen=True, slots=True)
class ChangePage:
    """`integrations/change.html`: what a change would do before it is kept. `hidden`: the form as it was sent."""

    action: str
    version: int
    effects: tuple[tuple[str, tuple[str, ...]], ...]
    hidden: tuple[tuple[str, str], ...]
    moved_on: bool = False


@dataclass(frozen=True, slots=True)
class ReceiptLine:
    """Whether the sheet matches, in one line. `is_waiting`: another comparison is asked for."""

    badge: Badge
    words: str
    is_waiting: bool


@dataclass(frozen=True, slots=True)
class DifferenceRow:
    """One card that is not as the practice software says. `who` is masked until asked for, "" without a card."""

    at: str
    clinician: str
    who: str
    what: str
    href: str | None


@dataclass(frozen=True, slots=True)
class ReceiptPage:
    """`integrations/receipt.html`."""

    id: int
    name: str
    pms: str
    line: ReceiptLine
    day: str | None
    explained: str | None
    apart: tuple[str, ...]
    rows: tuple[DifferenceRow, ...]
    names_shown: bool
    can_ask: bool
    can_mend: bool


@dataclass(frozen=True, slots=True)
class ConnectionCard:
    """`integrations/_card.html`: one connection, in the order it is read. It asks for itself again (`poll_href`)."""

    id: int
    name: str
    practice: str | None
    pms: str
    badge: Badge
    sentence: str
    problem: str | None
    code: str | None
    advice: str | None
    next_step: NextStep | None
    facts: tuple[str, ...]
    progress: RunProgress | None
    run_id: int | None
    last: LastRun | None
    can_sync: bool
    can_cancel: bool
    can_configure: bool
    poll_href: str = ""
    poll_every: str = "15s"
    undo: tuple[UndoLine, ...] = ()
    receipt: ReceiptLine | None = None


@dataclass(frozen=True, slots=True)
class Begun:
    """A set-up before its login was accepted: to go on with, or to throw away."""

    notice: Notice
    draft_id: int | None


@dataclass(frozen=True, slots=True)
class IntegrationsPage:
    """`integrations/index.html`. `straight`: each practice software and where its set-up begins."""

    cards: tuple[ConnectionCard, ...]
    can_connect: bool
    unfinished: tuple[Begun, ...] = ()
    straight: tuple[tuple[str, str], ...] = ()
    undoable: tuple[tuple[int, Notice], ...] = ()


@dataclass(frozen=True, slots=True)
class PractitionerRow:
    """One line of matching practitioners to columns."""

    key: str
    name: str
    marks: str
    upcoming: str
    options: tuple[Option, ...]
    why: str | None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class PractitionersPage:
    """`integrations/practitioners.html`: step 3."""

    id: int
    pms: str
    rows: tuple[PractitionerRow, ...]
    counter: str
    fault: Notice | None = None
    saved: bool = False
    undo: tuple[UndoLine, ...] = ()


@dataclass(frozen=True, slots=True)
class TypeRow:
    """One appointment type: what the PMS says, what the clinic decided."""

    key: str
    name: str
    length: str
    evidence: str
    options: tuple[Option, ...]
    shown: bool
    archived: bool


@dataclass(frozen=True, slots=True)
class TypesPage:
    """`integrations/types.html`: step 4."""

    id: int
    pms: str
    rows: tuple[TypeRow, ...]
    archived: tuple[TypeRow, ...]
    follows_pms: bool
    fault: Notice | None = None
    saved: bool = False
    undo: tuple[UndoLine, ...] = ()


@dataclass(frozen=True, slots=True)
class AsideRecord:
    """A record that could not be understood: why, since when, its shape without values."""

    id: int
    reason: str
    since: str
    shape: str
    can_retry: bool


@dataclass(frozen=True, slots=True)
class WebhookPanel:
    """What to type into the vendor's webhook form. `secret` is set once, right after it was made."""

    help: str
    addresses: tuple[str, ...]
    secret: str | None = None


@dataclass(frozen=True, slots=True)
class PauseFields:
    """The form of a pause."""

    until: tuple[Option, ...]
    until_error: str | None
    reason: FormField
    errors: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class ConnectionPage:
    """`integrations/detail.html`: one connection and its settings."""

    card: ConnectionCard
    id: int
    pms: str
    defs: tuple[tuple[str, str], ...]
    form: dict[str, FormField]
    zones: tuple[Option, ...]
    telehealth_only: bool
    is_paused: bool
    paused_words: str
    pause: PauseFields
    test: Notice | None = None
    errors: tuple[tuple[str, str], ...] = ()
    saved: bool = False
    aside: tuple[AsideRecord, ...] = ()
    webhook: WebhookPanel | None = None


@dataclass(frozen=True, slots=True)
class DisconnectPage:
    """`integrations/disconnect.html`. `choices`: (value, words, what it would do); `revoke`: where the vendor takes the
    access away."""

    id: int
    name: str
    pms: str
    choices: tuple[tuple[str, str, str], ...]
    revoke: str | None = None
    error: str | None = None
