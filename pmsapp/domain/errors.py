"""Everything that can go wrong, grouped by who acts next; what each code means stands in `codes`.

Texts hold no patient data and no vendor body.
"""

from __future__ import annotations

from datetime import datetime

from pmsapp.domain.codes import CATALOGUE, ActionOwner, Code, Step


class PMSError(Exception):
    """Base of everything an adapter may raise. `str()` is safe to show and to log: no patient data, no body."""

    default_code = "PMS-REFUSED"

    def __init__(
        self, code: str | None = None, *, pms: str = "the practice software", note: str = ""
    ) -> None:
        self.code = code or self.default_code
        self.pms = pms
        self.note = note
        super().__init__(self.message)

    @property
    def entry(self) -> Code:
        return CATALOGUE[self.code]

    @property
    def actor(self) -> ActionOwner:
        return self.entry.actor

    @property
    def message(self) -> str:
        """The headline with the vendor's label, and the note when there is one. One line."""
        headline = CATALOGUE[self.code].headline.format(pms=self.pms)
        return f"{headline} ({self.note})" if self.note else headline

    @property
    def advice(self) -> str:
        return self.entry.advice.format(pms=self.pms)


class ReconnectRequiredError(PMSError):
    """A person has to act: credentials refused, access withdrawn, wrong practice."""

    default_code = "AUTH-EXPIRED"


class RetryLaterError(PMSError):
    """Waiting helps: rate limit, time-out, 5xx, no network. `retry_at` is set when the vendor named a time."""

    default_code = "PMS-DOWN"

    def __init__(
        self,
        code: str | None = None,
        *,
        pms: str = "the practice software",
        note: str = "",
        retry_at: datetime | None = None,
    ) -> None:
        super().__init__(code, pms=pms, note=note)
        self.retry_at = retry_at


class BadVendorDataError(PMSError):
    """The vendor's answer cannot be trusted: wrong shape, endless list, HTML."""

    default_code = "PMS-GARBLED"


class NotFoundError(PMSError):
    """The vendor does not have that one record."""

    default_code = "RECORD-GONE"


class UnsupportedFeatureError(PMSError):
    """The vendor has no such thing."""

    default_code = "UNSUPPORTED"


class ConfigurationError(Exception):
    """A setting, a file or this machine is wrong. The message is one sentence that names it."""


def message_for(code: str, pms: str) -> str:
    """The headline of `code` with the vendor's label; an unknown code gives the headline of BUG."""
    return CATALOGUE.get(code, CATALOGUE["BUG"]).headline.format(pms=pms)


def advice_for(code: str, pms: str) -> str:
    """What to do about `code`, with the vendor's label."""
    return CATALOGUE.get(code, CATALOGUE["BUG"]).advice.format(pms=pms)


def step_for(code: str) -> Step:
    """The next step of `code`; an unknown code has that of BUG."""
    return CATALOGUE.get(code, CATALOGUE["BUG"]).step


def is_for_staff(code: str) -> bool:
    """True when somebody has to do something about `code` before it goes away."""
    return CATALOGUE.get(code, CATALOGUE["BUG"]).actor is ActionOwner.STAFF
