"""What the templates of the log, of retention and of patients' records are given."""

from __future__ import annotations

from dataclasses import dataclass

from pmsapp.web.ui.page_contexts import FormField, NavItem, Option


@dataclass(frozen=True, slots=True)
class LogLine:
    """One row of the log in words. `card_href` leads to the card it is about, where it is about one."""

    id: int
    at: str
    who: str
    what: str
    action: str
    about: str
    detail: str
    card_href: str | None = None


@dataclass(frozen=True, slots=True)
class LogPage:
    """`records/log.html`. `older_href` is set while there are older rows; `head`: the newest row, to be noted."""

    nav: tuple[NavItem, ...]
    fields: dict[str, FormField]
    kinds: tuple[Option, ...]
    lines: tuple[LogLine, ...]
    is_filtered: bool
    older_href: str | None
    head: str | None
    waiting: int
    lost: int
    errors: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class PeriodLine:
    """A kind of data: how long it stays, and the setting that says so."""

    what: str
    stays: str
    setting: str


@dataclass(frozen=True, slots=True)
class ReceiptLine:
    """What a purge took."""

    at: str
    what: str


@dataclass(frozen=True, slots=True)
class RetentionPage:
    """`records/retention.html`."""

    nav: tuple[NavItem, ...]
    next_purge: str
    periods: tuple[PeriodLine, ...]
    receipts: tuple[ReceiptLine, ...]


@dataclass(frozen=True, slots=True)
class PatientLine:
    """A patient who was found."""

    reference: str
    name: str
    born: str
    source: str
    cards: str
    seen: str


@dataclass(frozen=True, slots=True)
class PatientsPage:
    """`records/patients.html`. `found` is None before anything was searched for; `said`: what was just done."""

    nav: tuple[NavItem, ...]
    fields: dict[str, FormField]
    found: tuple[PatientLine, ...] | None = None
    said: str | None = None
    errors: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class RecordCard:
    """One card of a patient, readable. `facts`: label and text; `lines`: its timeline."""

    title: str
    facts: tuple[tuple[str, str], ...]
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PatientPage:
    """`records/patient.html`: everything kept on one patient. `kept_until`: until when the law wants notes kept."""

    nav: tuple[NavItem, ...]
    patient: PatientLine
    correction: dict[str, FormField]
    cards: tuple[RecordCard, ...]
    seen_by: tuple[str, ...]
    kept_until: str | None
    backups_until: str
    fault: str | None = None
    said: str | None = None
    errors: tuple[tuple[str, str], ...] = ()
