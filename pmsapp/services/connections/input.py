"""What people and programs type about a connection: checked field by field before anything is tried or stored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from pmsapp import clock
from pmsapp.adapters.base import AdapterInfo
from pmsapp.adapters.registry import ADAPTERS, UnknownPMSError, get_info
from pmsapp.domain.window import is_zone
from pmsapp.services.base.errors import Invalid

FREQUENCY_MINUTES = range(5, 121)
MAX_NAME_CHARS = 120
MAX_ID_CHARS = 128
MAX_CREDENTIAL_CHARS = 8192
MAX_REASON_CHARS = 200
LONGEST_PAUSE = timedelta(days=31)


@dataclass(frozen=True, slots=True)
class Pause:
    """A wish to pause: until when (UTC-aware, in the future), and why. Both are needed, so that none is forgotten."""

    until: datetime
    reason: str | None = None


def known_vendor(pms_type: str) -> AdapterInfo:
    """What the vendor declares. Raises Invalid for a vendor nobody knows."""
    try:
        return get_info(pms_type)
    except UnknownPMSError:
        raise Invalid({"pms_type": f"Choose one of: {', '.join(ADAPTERS)}."}) from None


class Findings:
    """Gathers one sentence per field, and raises them together."""

    def __init__(self) -> None:
        self.errors: dict[str, str] = {}

    def add(self, field: str, sentence: str) -> None:
        """Note what is wrong with a field; the first sentence stays."""
        self.errors.setdefault(field, sentence)

    def raise_any(self) -> None:
        """Raise Invalid when anything was noted."""
        if self.errors:
            raise Invalid(self.errors)


def check_text(findings: Findings, field: str, value: str | None, max_chars: int) -> str | None:
    """One line of printable text, trimmed; None stays None."""
    if value is None:
        return None
    text = value.strip()
    if not text:
        findings.add(field, "This must not be empty.")
    elif len(text) > max_chars:
        findings.add(field, f"This may have at most {max_chars} characters.")
    elif not text.isprintable():
        findings.add(field, "This must be plain text on one line.")
    return text


def check_zone(findings: Findings, value: str | None) -> str | None:
    """An IANA zone this machine knows; None stays None."""
    if value is not None and not is_zone(value):
        findings.add("time_zone", "Choose a time zone such as Australia/Melbourne.")
    return value


def check_frequency(findings: Findings, minutes: int) -> int:
    """How often to read, in minutes."""
    if minutes not in FREQUENCY_MINUTES:
        low, high = FREQUENCY_MINUTES[0], FREQUENCY_MINUTES[-1]
        findings.add("sync_frequency_minutes", f"Choose {low} to {high} minutes.")
    return minutes


def check_pause(findings: Findings, pause: Pause) -> Pause:
    """A pause that ends: in the future, with a reason on one line."""
    if pause.until.tzinfo is None:
        findings.add("paused.until", "Give the end with its offset, such as 2026-11-23T17:00:00+11:00.")
    elif not clock.now() < pause.until <= clock.now() + LONGEST_PAUSE:
        findings.add("paused.until", f"Choose an end within the next {LONGEST_PAUSE.days} days.")
    return Pause(pause.until, check_reason(findings, "paused.reason", pause.reason))


def check_reason(findings: Findings, field: str, reason: str | None) -> str | None:
    """Why, in a few words on one line."""
    if not (reason or "").strip():
        findings.add(field, "Say in a few words why.")
    return check_text(findings, field, reason, MAX_REASON_CHARS)


def check_credentials(
    findings: Findings, info: AdapterInfo, given: Mapping[str, str], known: Mapping[str, str]
) -> dict[str, str]:
    """The login as it would be stored: `given` over what is `known` already. Blanks are left out.

    `known` holds what is stored and what the server's settings supply; a required field found nowhere is refused.
    """
    fields = {
        wanted_field.name: wanted_field
        for wanted_field in info.credential_fields
        if wanted_field.goes_to == "credentials"
    }
    for name in given:
        if name not in fields:
            findings.add(f"credentials.{name}", f"{info.label} has no such field.")
    values = {name: value.strip() for name, value in given.items() if name in fields and value.strip()}
    for name, value in values.items():
        if len(value) > MAX_CREDENTIAL_CHARS or not value.isprintable():
            findings.add(f"credentials.{name}", "This is not a text that could be a login field.")
    for name, wanted_field in fields.items():
        if wanted_field.required and name not in values and name not in known:
            findings.add(f"credentials.{name}", f"{wanted_field.label} is missing.")
    return values


def check_columns(findings: Findings, info: AdapterInfo, columns: Mapping[str, str | None]) -> None:
    """The vendor's required ids beside the login (such as practice_id) must be there: they cannot be added later."""
    for wanted_field in info.credential_fields:
        if (
            wanted_field.goes_to != "credentials"
            and wanted_field.required
            and not columns.get(wanted_field.goes_to)
        ):
            findings.add(wanted_field.goes_to, f"{wanted_field.label} is missing.")
