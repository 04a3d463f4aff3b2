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


@dataclass(frozen=True, slots=True)
class IntegrationsPage:
    """`integrations/index.html`."""

    cards: tuple[ConnectionCard, ...]
    can_connect: bool


@dataclass(frozen=True, slots=True)
class Step:
    """One step of connecting. `state`: done, current, later."""

    number: int
    word: str
    state: str
    href: str | None = None


@dataclass(frozen=True, slots=True)
class VendorChoice:
    """A practice software one can connect."""

    slug: str
    label: str
    how: str
    who: str
    minutes: int
    connected: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ChoosePage:
    """`integrations/choose.html`: step 1."""

    steps: tuple[Step, ...]
    vendors: tuple[VendorChoice, ...]


@dataclass(frozen=True, slots=True)
class LoginField:
    """One field of the connect form. A secret's `value` is always empty: it is never sent back to the browser."""

    name: str
    label: str
    help: str
    secret: bool
    required: bool
    value: str = ""
    error: str | None = None
    from_server: bool = False


@dataclass(frozen=True, slots=True)
class ConnectPage:
    """`integrations/connect.html`: step 2, and signing in again."""

    steps: tuple[Step, ...]
    pms: str
    title: str
    action: str
    fields: tuple[LoginField, ...]
    where: str | None
    lead: str
    button: str
    back: str
    display_name: FormField | None = None
    zones: tuple[Option, ...] = ()
    errors: tuple[tuple[str, str], ...] = ()
    refusal: Notice | None = None


@dataclass(frozen=True, slots=True)
class PairPage:
    """`integrations/pair.html`: step 2 where the practice gives a code. `there`: the login of the connection that reads
    this practice already."""

    steps: tuple[Step, ...]
    id: int
    pms: str
    where: str | None
    code: str = ""
    error: str | None = None
    advice: str | None = None
    error_code: str | None = None
    there: str | None = None


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

    steps: tuple[Step, ...]
    id: int
    pms: str
    rows: tuple[PractitionerRow, ...]
    counter: str
    in_setup: bool
    fault: Notice | None = None
    saved: bool = False


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

    steps: tuple[Step, ...]
    id: int
    pms: str
    rows: tuple[TypeRow, ...]
    archived: tuple[TypeRow, ...]
    follows_pms: bool
    in_setup: bool
    fault: Notice | None = None
    saved: bool = False


@dataclass(frozen=True, slots=True)
class StartPage:
    """`integrations/start.html`: step 5."""

    steps: tuple[Step, ...]
    id: int
    pms: str
    facts: tuple[tuple[str, str, str], ...]
    warnings: tuple[str, ...]
    refusal: Notice | None = None


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
    test: Notice | None = None
    errors: tuple[tuple[str, str], ...] = ()
    saved: bool = False
    aside: tuple[AsideRecord, ...] = ()
    webhook: WebhookPanel | None = None


@dataclass(frozen=True, slots=True)
class DisconnectPage:
    """`integrations/disconnect.html`."""

    id: int
    name: str
    error: str | None = None
