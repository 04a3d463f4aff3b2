"""What the settings' templates are given."""

from __future__ import annotations

from dataclasses import dataclass

from pmsapp.web.settings.plots import Plot
from pmsapp.web.ui.page_contexts import (
    Badge,
    FormField,
    NavItem,
    Notice,
    Option,
)


@dataclass(frozen=True, slots=True)
class SettingsLine:
    """One entry of the settings: where it leads and what is there."""

    item: NavItem
    about: str


@dataclass(frozen=True, slots=True)
class SettingsPage:
    """`settings/index.html`."""

    lines: tuple[SettingsLine, ...]


@dataclass(frozen=True, slots=True)
class HoursLine:
    """Opening hours of one weekday; both times are empty when the clinic is closed."""

    key: str
    word: str
    opens: str
    closes: str
    error: str | None = None


@dataclass(frozen=True, slots=True)
class ClinicPage:
    """`settings/clinic.html`."""

    nav: tuple[NavItem, ...]
    name: FormField
    closed_days: FormField
    zones: tuple[Option, ...]
    states: tuple[Option, ...]
    hours: tuple[HoursLine, ...]
    holidays: str
    errors: tuple[tuple[str, str], ...] = ()
    saved: bool = False


@dataclass(frozen=True, slots=True)
class ColumnLine:
    """A column of the run sheet and its form: name, place, and how long its patients may wait."""

    id: int
    name: str
    active: bool
    fields: dict[str, FormField]


@dataclass(frozen=True, slots=True)
class ColumnsPage:
    """`settings/clinicians.html`."""

    nav: tuple[NavItem, ...]
    columns: tuple[ColumnLine, ...]
    new: FormField
    errors: tuple[tuple[str, str], ...] = ()
    saved: bool = False


@dataclass(frozen=True, slots=True)
class PersonLine:
    """Somebody who may sign in."""

    id: int
    name: str
    email: str
    badge: Badge
    last: str
    is_me: bool
    is_invited: bool
    has_second_factor: bool
    second_factor: str
    disabled: bool
    roles: tuple[Option, ...]
    clinicians: tuple[Option, ...]
    is_open: bool = False


@dataclass(frozen=True, slots=True)
class LinkLine:
    """A one-time link just made, shown once."""

    headline: str
    name: str
    address: str
    until: str


@dataclass(frozen=True, slots=True)
class PeoplePage:
    """`settings/people.html`."""

    nav: tuple[NavItem, ...]
    people: tuple[PersonLine, ...]
    form: dict[str, FormField]
    roles: tuple[Option, ...]
    clinicians: tuple[Option, ...]
    errors: tuple[tuple[str, str], ...] = ()
    notice: Notice | None = None
    made: LinkLine | None = None
    is_training: bool = False
    for_everybody: bool = False


@dataclass(frozen=True, slots=True)
class TokenLine:
    """A program's key, as lists show it."""

    id: int
    name: str
    prefix: str
    role: str
    made: str
    used: str
    ends: str
    works: bool


@dataclass(frozen=True, slots=True)
class TokensPage:
    """`settings/tokens.html`. `made` is the key just made, shown this once."""

    nav: tuple[NavItem, ...]
    tokens: tuple[TokenLine, ...]
    form: dict[str, FormField]
    roles: tuple[Option, ...]
    days: tuple[Option, ...]
    errors: tuple[tuple[str, str], ...] = ()
    made: str | None = None


@dataclass(frozen=True, slots=True)
class IncidentLine:
    """An incident, open or over."""

    id: int
    headline: str
    advice: str
    code: str
    since: str
    ended: str | None
    path: str
    action: str
    snoozed: str | None
    reason: FormField
    snoozes: tuple[Option, ...]


@dataclass(frozen=True, slots=True)
class DeliveryLine:
    """One message sent, or not."""

    at: str
    what: str
    channel: str
    badge: Badge
    note: str


@dataclass(frozen=True, slots=True)
class AlertsPage:
    """`settings/alerts.html`."""

    nav: tuple[NavItem, ...]
    open: tuple[IncidentLine, ...]
    recent: tuple[IncidentLine, ...]
    channels: tuple[str, ...]
    deliveries: tuple[DeliveryLine, ...]
    notice: Notice | None = None


@dataclass(frozen=True, slots=True)
class DowntimePage:
    """`settings/downtime.html`. `copies`: path, when it was made, how large; newest first."""

    nav: tuple[NavItem, ...]
    is_set: bool
    set_words: str | None
    copies: tuple[tuple[str, str, str], ...]
    fault: str | None = None


@dataclass(frozen=True, slots=True)
class CheckLine:
    """One finding about this installation."""

    badge: Badge
    name: str
    message: str
    hint: str | None


@dataclass(frozen=True, slots=True)
class RhythmLine:
    """One connection's last day: how it stands, when it is read next and why then, and a drawing."""

    name: str
    href: str
    badge: Badge
    next: str
    plot: Plot


@dataclass(frozen=True, slots=True)
class HealthPage:
    """`settings/health.html`. `requests` is vendor and sentence; `tokens` are sentences about keys that age."""

    nav: tuple[NavItem, ...]
    open_incidents: int
    checks: tuple[CheckLine, ...]
    programs: tuple[CheckLine, ...]
    rhythms: tuple[RhythmLine, ...]
    requests: tuple[tuple[str, str], ...]
    tasks: tuple[CheckLine, ...]
    tokens: tuple[str, ...]
    channels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RulesPage:
    """`settings/rules.html`. Subject and its sentences."""

    nav: tuple[NavItem, ...]
    subjects: tuple[tuple[str, tuple[str, ...]], ...]


@dataclass(frozen=True, slots=True)
class DiagnosticsPage:
    """`settings/diagnostics.html`. Host and reason; alert channels by kind; the file for support as it is."""

    nav: tuple[NavItem, ...]
    headline: str
    hosts: tuple[tuple[str, str], ...]
    channels: tuple[str, ...]
    bundle: str
