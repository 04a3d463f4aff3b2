"""Everything that can go wrong, grouped by who acts next, and one catalogue of codes.

A code names one situation on every surface: the connection card, the JSON API, the run history, alerts and logs.
Texts hold no patient data and no vendor body.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class ActionOwner(StrEnum):
    """Who has to do something next."""

    STAFF = "needs_you"
    WAIT = "retrying"
    VENDOR = "pms_trouble"


@dataclass(frozen=True, slots=True)
class Code:
    """One situation: its stable name, who acts, and the sentences people read. `{pms}` is the vendor's label."""

    name: str
    actor: ActionOwner
    headline: str
    advice: str


_CODES = (
    Code(
        "AUTH-EXPIRED",
        ActionOwner.STAFF,
        "{pms} wants you to sign in again",
        "Enter the login again; cards stay as they are until then.",
    ),
    Code(
        "AUTH-REFUSED",
        ActionOwner.STAFF,
        "{pms} did not accept these login details",
        "Check each field for a missing or extra character, then try again.",
    ),
    Code(
        "AUTH-WRONG-PRACTICE",
        ActionOwner.STAFF,
        "That login belongs to another practice",
        "Nothing was saved. Use this practice's login, or add the other as a new connection.",
    ),
    Code(
        "AUTH-SCOPE",
        ActionOwner.STAFF,
        "The login of {pms} may not read everything it needs",
        "Ask the practice owner to allow reading appointments, patients and practitioners in {pms}.",
    ),
    Code(
        "ACCESS-WITHDRAWN",
        ActionOwner.STAFF,
        "The practice has switched off access in {pms}",
        "Ask the practice owner to allow it again in {pms}; the last good list stays visible.",
    ),
    Code(
        "APP-NOT-ENABLED",
        ActionOwner.STAFF,
        "{pms} has not switched this app on yet",
        "Ask {pms} support to enable the app for the API; trying again will not help.",
    ),
    Code(
        "PRACTICE-UNKNOWN",
        ActionOwner.STAFF,
        "{pms} does not know this practice",
        "Check the practice id and that the login belongs to it.",
    ),
    Code(
        "NOT-PAIRED",
        ActionOwner.STAFF,
        "{pms} is not paired with a practice yet",
        "Make a pairing code in {pms} and enter it.",
    ),
    Code(
        "PAIR-UNKNOWN",
        ActionOwner.STAFF,
        "{pms} did not accept this pairing code",
        "Make a new code in {pms} and enter it here.",
    ),
    Code(
        "PAIR-USED",
        ActionOwner.STAFF,
        "This pairing code was already used",
        "Make a new code in {pms} and enter it here.",
    ),
    Code(
        "PAIR-UNSURE",
        ActionOwner.STAFF,
        "{pms} did not confirm the pairing",
        "The code may be spent. Try once more; if it is refused, make a new code.",
    ),
    Code(
        "KEY-MISMATCH",
        ActionOwner.STAFF,
        "The saved login cannot be opened with this server's key",
        "Put the earlier key back or sign in again. Everything else works.",
    ),
    Code(
        "HOST-REFUSED",
        ActionOwner.STAFF,
        "This server may not call that address",
        "Ask the person who runs the server to list the host in ALLOWED_PMS_HOSTS.",
    ),
    Code("RATE-WAIT", ActionOwner.WAIT, "{pms} asked us to wait", "It continues by itself."),
    Code(
        "PMS-DOWN",
        ActionOwner.WAIT,
        "{pms} is not answering",
        "It tries again by itself; nothing for you to do.",
    ),
    Code(
        "PMS-SLOW",
        ActionOwner.WAIT,
        "{pms} took too long to answer",
        "It tries again by itself; nothing for you to do.",
    ),
    Code(
        "NET-LOCAL",
        ActionOwner.WAIT,
        "This server cannot reach the network",
        "Check the router; other sites fail too.",
    ),
    Code(
        "RUN-DEADLINE",
        ActionOwner.WAIT,
        "The update took too long and was stopped",
        "It repeats by itself; what was read is kept.",
    ),
    Code(
        "RUN-INTERRUPTED",
        ActionOwner.WAIT,
        "The update stopped half way",
        "It repeats by itself; what was read is kept.",
    ),
    Code("RUN-CANCELLED", ActionOwner.WAIT, "The update was cancelled", "The next update runs as planned."),
    Code("RUN-FENCED", ActionOwner.WAIT, "Another update took over", "Nothing for you to do."),
    Code(
        "READ-PART",
        ActionOwner.WAIT,
        "Not everybody's list could be read",
        "Those that were read are up to date; the rest keep their earlier data.",
    ),
    Code(
        "READ-ENDLESS",
        ActionOwner.VENDOR,
        "{pms} sent a list that does not end",
        "What was read is kept and nothing is removed.",
    ),
    Code(
        "PMS-GARBLED",
        ActionOwner.VENDOR,
        "{pms} sent an answer that makes no sense",
        "Earlier data stays. It tries again by itself.",
    ),
    Code(
        "PMS-REFUSED",
        ActionOwner.VENDOR,
        "{pms} refused the question",
        "Earlier data stays. Tell support the code if it stays.",
    ),
    Code("RECORD-GONE", ActionOwner.VENDOR, "{pms} no longer has this record", "Nothing for you to do."),
    Code(
        "REC-BAD",
        ActionOwner.STAFF,
        "An appointment could not be understood",
        "It was kept aside; look it up in {pms}.",
    ),
    Code(
        "REMOVE-HELD",
        ActionOwner.STAFF,
        "Cards are held until somebody looks",
        "Answer the questions about them; until then they stay on the sheet.",
    ),
    Code("UNSUPPORTED", ActionOwner.STAFF, "{pms} cannot do this", "Use what its page offers."),
    Code(
        "SCHED-DEAD",
        ActionOwner.STAFF,
        "Automatic updates are not running",
        "Ask the person who runs the server to start pmsapp again; Sync now still works.",
    ),
    Code(
        "QUEUE-STUCK",
        ActionOwner.STAFF,
        "Updates are asked for but nobody does them",
        "Ask the person who runs the server to start pmsapp again.",
    ),
    Code(
        "DATA-STALE",
        ActionOwner.STAFF,
        "No fresh data from {pms}",
        "Press Sync now; if that does not help, look at the history for why.",
    ),
    Code(
        "NO-NEXT-RUN",
        ActionOwner.STAFF,
        "{pms} has no next update planned",
        "Switch its updates off and on again.",
    ),
    Code(
        "RECEIPT-DIFFERS",
        ActionOwner.STAFF,
        "The run sheet does not match {pms}",
        "Open the history to see which clinician's column differs.",
    ),
    Code(
        "BACKUP-FAILED",
        ActionOwner.STAFF,
        "The nightly backup did not work",
        "Ask the person who runs the server to look at the disk and run pmsapp doctor.",
    ),
    Code(
        "DATABASE-DAMAGED",
        ActionOwner.STAFF,
        "The database file is damaged",
        "Ask the person who runs the server to stop pmsapp and restore the last backup; keep the damaged file.",
    ),
    Code(
        "TASK-FAILED",
        ActionOwner.STAFF,
        "A task that runs by itself did not work",
        "Ask the person who runs the server to look at the health page and run pmsapp doctor.",
    ),
    Code(
        "SIGN-IN-ATTACK",
        ActionOwner.STAFF,
        "Somebody is guessing passwords of pmsapp",
        "Nobody is shut out. See that everybody has a second factor, and ask the person who runs the server to look at "
        "where it comes from.",
    ),
    Code(
        "ALERT-FAILED",
        ActionOwner.STAFF,
        "A channel takes no alerts any more",
        "Open the alerts page, look at what the channel answered, and press Send a test message.",
    ),
    Code(
        "BUG",
        ActionOwner.VENDOR,
        "Something in pmsapp went wrong",
        "Earlier data stays. Tell support the code and the time.",
    ),
)

CATALOGUE: dict[str, Code] = {code.name: code for code in _CODES}


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
