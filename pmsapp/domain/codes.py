"""The one catalogue of codes: what can go wrong, who acts next, in which words, and what the next step is.

A code names one situation on every surface: the connection card, the JSON API, the run history, alerts, help and logs.
Texts hold no patient data and no vendor body.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class ActionOwner(StrEnum):
    """Who has to do something next."""

    STAFF = "needs_you"
    WAIT = "retrying"
    VENDOR = "pms_trouble"


class StepKind(StrEnum):
    """What a person does next about an error."""

    SIGN_IN = "sign_in"
    PAIR = "pair"
    ASK = "ask"
    DECIDE = "decide"
    LOOK = "look"


class LeadsTo(StrEnum):
    """Where the next step is done; `services.base.next_step` knows the addresses."""

    LOGIN = "login"
    PAIRING = "pairing"
    CONNECTION = "connection"
    KEPT_ASIDE = "kept_aside"
    HISTORY = "history"
    DECISIONS = "decisions"
    HELP = "help"
    HEALTH = "health"
    ALERTS = "alerts"
    PEOPLE = "people"


@dataclass(frozen=True, slots=True)
class Step:
    """The next step of an error: what kind, in what words (`{pms}` is the vendor's label), and where it leads."""

    kind: StepKind
    words: str
    leads_to: LeadsTo


_ENTER_LOGIN = Step(StepKind.SIGN_IN, "Enter the login", LeadsTo.LOGIN)
_SIGN_IN = Step(StepKind.SIGN_IN, "Sign in again", LeadsTo.LOGIN)
_CHECK_LOGIN = Step(StepKind.SIGN_IN, "Check the practice id", LeadsTo.LOGIN)
_PAIR = Step(StepKind.PAIR, "Enter a pairing code", LeadsTo.PAIRING)
_ASK_PRACTICE = Step(StepKind.ASK, "Ask the practice owner", LeadsTo.HELP)
_ASK_VENDOR = Step(StepKind.ASK, "Ask {pms} support", LeadsTo.HELP)
_ASK_OPERATOR = Step(StepKind.ASK, "Ask who runs the server", LeadsTo.HELP)
_DECIDE = Step(StepKind.DECIDE, "Approve removals", LeadsTo.DECISIONS)
_ANSWER = Step(StepKind.DECIDE, "Look and decide", LeadsTo.DECISIONS)
_SEE_ASIDE = Step(StepKind.LOOK, "See which", LeadsTo.KEPT_ASIDE)
_SEE_CONNECTION = Step(StepKind.LOOK, "See its settings", LeadsTo.CONNECTION)
_SEE_HISTORY = Step(StepKind.LOOK, "See history", LeadsTo.HISTORY)
_SEE_HEALTH = Step(StepKind.LOOK, "See health", LeadsTo.HEALTH)
_SEE_PEOPLE = Step(StepKind.LOOK, "See people", LeadsTo.PEOPLE)
_SEE_ALERTS = Step(StepKind.LOOK, "See alerts", LeadsTo.ALERTS)


@dataclass(frozen=True, slots=True)
class Code:
    """One situation: its stable name, who acts, the sentences people read, and the next step.

    `{pms}` is the vendor's label. Badge, button, banner, alert and help all take the step from here.
    """

    name: str
    actor: ActionOwner
    headline: str
    advice: str
    step: Step


_STAFF, _WAIT, _VENDOR = ActionOwner.STAFF, ActionOwner.WAIT, ActionOwner.VENDOR
_CODES = (
    Code(
        "AUTH-EXPIRED",
        _STAFF,
        "{pms} wants you to sign in again",
        "Enter the login again; cards stay as they are until then.",
        _SIGN_IN,
    ),
    Code(
        "AUTH-REFUSED",
        _STAFF,
        "{pms} did not accept these login details",
        "Enter the login again, copied rather than typed; cards stay as they are until then.",
        _SIGN_IN,
    ),
    Code("NO-LOGIN", _STAFF, "{pms} has no login yet", "Enter it; nothing is read before.", _ENTER_LOGIN),
    Code(
        "AUTH-WRONG-PRACTICE",
        _STAFF,
        "That login belongs to another practice",
        "Nothing was saved. Use this practice's login, or add the other as a new connection.",
        _SIGN_IN,
    ),
    Code(
        "PRACTICE-CONNECTED",
        _STAFF,
        "This practice of {pms} is connected already",
        "Sign in again there; a second connection would show every patient twice.",
        _SEE_CONNECTION,
    ),
    Code(
        "AUTH-SCOPE",
        _STAFF,
        "The login of {pms} may not read everything it needs",
        "Ask the practice owner to allow reading appointments, patients and practitioners in {pms}.",
        _ASK_PRACTICE,
    ),
    Code(
        "ACCESS-WITHDRAWN",
        _STAFF,
        "The practice has switched off access in {pms}",
        "Ask the practice owner to allow it again in {pms}; the last good list stays visible.",
        _ASK_PRACTICE,
    ),
    Code(
        "APP-NOT-ENABLED",
        _STAFF,
        "{pms} has not switched this app on yet",
        "Ask {pms} support to enable the app for the API; trying again will not help.",
        _ASK_VENDOR,
    ),
    Code(
        "PRACTICE-UNKNOWN",
        _STAFF,
        "{pms} does not know this practice",
        "Check the practice id and that the login belongs to it.",
        _CHECK_LOGIN,
    ),
    Code(
        "NOT-PAIRED",
        _STAFF,
        "{pms} is not paired with a practice yet",
        "Make a pairing code in {pms} and enter it.",
        _PAIR,
    ),
    Code(
        "PAIR-UNKNOWN",
        _STAFF,
        "{pms} did not accept this pairing code",
        "Make a new code in {pms} and enter it.",
        _PAIR,
    ),
    Code(
        "PAIR-USED",
        _STAFF,
        "This pairing code was already used",
        "Make a new code in {pms} and enter it.",
        _PAIR,
    ),
    Code(
        "PAIR-BLOCKED",
        _STAFF,
        "This pairing code was switched off in {pms}",
        "Ask the practice owner to allow the app in {pms}, then make a new code and enter it.",
        _PAIR,
    ),
    Code(
        "PAIR-UNSURE",
        _STAFF,
        "{pms} did not confirm the pairing",
        "The code may be spent. Try once more; if it is refused, make a new code.",
        _PAIR,
    ),
    Code(
        "KEY-MISMATCH",
        _STAFF,
        "The saved login cannot be opened with this server's key",
        "Put the earlier key back or sign in again. Everything else works.",
        _SIGN_IN,
    ),
    Code(
        "HOST-REFUSED",
        _STAFF,
        "This server may not call that address",
        "Ask the person who runs the server to list the host in ALLOWED_PMS_HOSTS.",
        _ASK_OPERATOR,
    ),
    Code("RATE-WAIT", _WAIT, "{pms} asked us to wait", "It continues by itself.", _SEE_HISTORY),
    Code(
        "PMS-DOWN",
        _WAIT,
        "{pms} is not answering",
        "It tries again by itself; nothing for you to do.",
        _SEE_HISTORY,
    ),
    Code(
        "PMS-SLOW",
        _WAIT,
        "{pms} took too long to answer",
        "It tries again by itself; nothing for you to do.",
        _SEE_HISTORY,
    ),
    Code(
        "NET-LOCAL",
        _WAIT,
        "This server cannot reach the network",
        "Check the router; other sites fail too.",
        _SEE_HISTORY,
    ),
    Code(
        "RUN-DEADLINE",
        _WAIT,
        "The update took too long and was stopped",
        "It repeats by itself; what was read is kept.",
        _SEE_HISTORY,
    ),
    Code(
        "RUN-INTERRUPTED",
        _WAIT,
        "The update stopped half way",
        "It repeats by itself; what was read is kept.",
        _SEE_HISTORY,
    ),
    Code(
        "RUN-CANCELLED", _WAIT, "The update was cancelled", "The next update runs as planned.", _SEE_HISTORY
    ),
    Code("RUN-FENCED", _WAIT, "Another update took over", "Nothing for you to do.", _SEE_HISTORY),
    Code(
        "READ-PART",
        _WAIT,
        "Not everybody's list could be read",
        "Those that were read are up to date; the rest keep their earlier data.",
        _SEE_HISTORY,
    ),
    Code(
        "READ-ENDLESS",
        _VENDOR,
        "{pms} sent a list that does not end",
        "What was read is kept and nothing is removed.",
        _SEE_HISTORY,
    ),
    Code(
        "READ-SHIFTED",
        _WAIT,
        "A list of {pms} changed while it was read",
        "The next update reads it again.",
        _SEE_HISTORY,
    ),
    Code(
        "PMS-GARBLED",
        _VENDOR,
        "{pms} sent an answer that makes no sense",
        "Earlier data stays. It tries again by itself.",
        _SEE_HISTORY,
    ),
    Code(
        "PMS-REFUSED",
        _VENDOR,
        "{pms} refused the question",
        "Earlier data stays. Tell support the code if it stays.",
        _SEE_HISTORY,
    ),
    Code("RECORD-GONE", _VENDOR, "{pms} no longer has this record", "Nothing for you to do.", _SEE_HISTORY),
    Code(
        "REC-BAD",
        _STAFF,
        "An appointment could not be understood",
        "It was kept aside; look it up in {pms}.",
        _SEE_ASIDE,
    ),
    Code(
        "REMOVE-HELD",
        _STAFF,
        "Cards are held until somebody looks",
        "Answer the questions about them; until then they stay on the sheet.",
        _DECIDE,
    ),
    Code(
        "MAP-NEW",
        _STAFF,
        "A practitioner of {pms} has no column yet",
        "Decide whose column the appointments belong to; until then they are not shown.",
        _ANSWER,
    ),
    Code(
        "TYPE-NEW",
        _STAFF,
        "A new appointment type of {pms} looks like telehealth",
        "Say whether it is; until then its appointments are shown and marked.",
        _ANSWER,
    ),
    Code(
        "TIME-ODD",
        _STAFF,
        "A time does not exist or exists twice",
        "It is shown as sent; check it in {pms}.",
        _SEE_HISTORY,
    ),
    Code(
        "CLOCK",
        _STAFF,
        "The clock of this server and that of {pms} differ",
        "Logins may fail. Ask the person who runs the server to set its time by the network.",
        _ASK_OPERATOR,
    ),
    Code("UNSUPPORTED", _STAFF, "{pms} cannot do this", "Use what its page offers.", _SEE_CONNECTION),
    Code(
        "SCHED-DEAD",
        _STAFF,
        "Automatic updates are not running",
        "Ask the person who runs the server to start pmsapp again; Sync now still works.",
        _SEE_HEALTH,
    ),
    Code(
        "QUEUE-STUCK",
        _STAFF,
        "Updates are asked for but nobody does them",
        "Ask the person who runs the server to start pmsapp again.",
        _SEE_HEALTH,
    ),
    Code(
        "DATA-STALE",
        _STAFF,
        "No fresh data from {pms}",
        "Press Sync now; if that does not help, look at the history for why.",
        _SEE_HISTORY,
    ),
    Code(
        "NO-NEXT-RUN",
        _STAFF,
        "{pms} has no next update planned",
        "Switch its updates off and on again.",
        _SEE_CONNECTION,
    ),
    Code(
        "RECEIPT-DIFFERS",
        _STAFF,
        "The run sheet does not match {pms}",
        "Open its card under Integrations: it leads to what differs and has it read again.",
        _SEE_HEALTH,
    ),
    Code(
        "BACKUP-FAILED",
        _STAFF,
        "A backup did not work, or cannot be put back",
        "Ask the person who runs the server to look at the disk and run pmsapp doctor.",
        _SEE_HEALTH,
    ),
    Code(
        "DATABASE-DAMAGED",
        _STAFF,
        "The database file is damaged",
        "Ask the person who runs the server to stop pmsapp and restore the last backup; keep the damaged file.",
        _SEE_HEALTH,
    ),
    Code("AUDIT-BROKEN", _STAFF, "The log was altered", "Have pmsapp audit verify run.", _SEE_HEALTH),
    Code(
        "DISK-LOW",
        _STAFF,
        "The server's disk is nearly full",
        "Ask the person who runs the server to free some space now; nothing can be saved on a full disk.",
        _SEE_HEALTH,
    ),
    Code(
        "TASK-FAILED",
        _STAFF,
        "A task that runs by itself did not work",
        "Ask the person who runs the server to look at the health page and run pmsapp doctor.",
        _SEE_HEALTH,
    ),
    Code(
        "SIGN-IN-ATTACK",
        ActionOwner.STAFF,
        "Somebody is guessing passwords of pmsapp",
        "Nobody is shut out. See that all have a second factor, and ask who runs the server where it comes from.",
        _SEE_PEOPLE,
    ),
    Code(
        "ALERT-FAILED",
        _STAFF,
        "A channel takes no alerts any more",
        "Open the alerts page, look at what the channel answered, and press Send a test message.",
        _SEE_ALERTS,
    ),
    Code(
        "BUG",
        _VENDOR,
        "Something in pmsapp went wrong",
        "Earlier data stays. Tell support the code and the time.",
        _SEE_HISTORY,
    ),
)

CATALOGUE: dict[str, Code] = {code.name: code for code in _CODES}
