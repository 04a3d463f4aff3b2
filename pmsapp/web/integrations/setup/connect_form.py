"""The connect form of any vendor, drawn from what its adapter declares; and the steps of connecting. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from pmsapp.adapters.base import AdapterInfo, CredentialField
from pmsapp.domain.codes import CATALOGUE, ActionOwner
from pmsapp.domain.errors import message_for
from pmsapp.services.base.errors import Conflict, Invalid, Refused, ServiceError
from pmsapp.services.base.next_step import help_href
from pmsapp.services.connections.connections import ConnectionView, PracticeConnected
from pmsapp.services.setup.connecting import PAIRING_CODE
from pmsapp.web.integrations.setup.contexts import LoginField, Step
from pmsapp.web.ui import formatting as fmt
from pmsapp.web.ui.page_contexts import Notice

STEPS = ("Choose", "Connect", "Match practitioners", "Telehealth types", "Check and start")
CREDENTIALS = "credentials"
CODE_LABEL = "Pairing code"
_CODE_HELP = "Eight letters and digits, in any case; spaces and dashes do not matter. Each code works once."
_PRACTICE_CODES = frozenset({"PRACTICE-UNKNOWN", "AUTH-WRONG-PRACTICE"})
_CODE_CODES = frozenset({"PAIR-UNKNOWN", "PAIR-USED", "PAIR-BLOCKED", "PAIR-UNSURE"})
# Whose sentences name what is missing, or both practices.
_NOTED = frozenset({"AUTH-SCOPE", "AUTH-WRONG-PRACTICE", "PRACTICE-CONNECTED"})
# What a code says while somebody connects, where the words of a running connection do not fit.
_HERE = {
    "AUTH-REFUSED": (
        "{pms} did not accept these login details",
        "Check each field for a missing or extra character, then try again.",
    ),
    "AUTH-EXPIRED": (
        "{pms} took the login and then turned it away",
        "The key may have been switched off in {pms}. Check there that it is active, then try again.",
    ),
    "PMS-REFUSED": (
        "{pms} refused the question",
        "Check that the login is for this product and this practice, then try again.",
    ),
}
_TRY_AGAIN = "Nothing was stored and what you typed is kept: try again in a minute."


def steps(current: int, view: ConnectionView | None = None) -> tuple[Step, ...]:
    """The five steps with where we stand. Nothing once a connection is set up: then they are plain pages."""
    if view is not None and view.state != "setup":
        return ()
    base = f"/integrations/{view.id}" if view else ""
    links = {
        2: f"{base}/found",
        3: f"{base}/practitioners",
        4: f"{base}/types",
    }
    links = {1: "/integrations/new"} | (links if view else {})
    return tuple(
        Step(
            number,
            word,
            "current" if number == current else "done" if number < current else "later",
            links.get(number) if number < current else None,
        )
        for number, word in enumerate(STEPS, 1)
    )


def login_fields(
    info: AdapterInfo,
    *,
    supplied: Mapping[str, str],
    given: Mapping[str, str] | None = None,
    errors: Mapping[str, str] | None = None,
    only_login: bool = False,
) -> tuple[LoginField, ...]:
    """One input per declared field. `supplied`: what is stored already. Secrets are never filled in, only kept."""
    given, errors = given or {}, errors or {}
    found = [
        LoginField(
            name=field.name,
            label=field.label,
            help=field.help,
            secret=field.secret,
            required=field.required
            and field.name not in supplied
            and not (field.secret and field.name in given),
            value="" if field.secret else given.get(field.name, ""),
            error=errors.get(error_key(field)),
            from_server=field.name in supplied,
            kept=field.secret and bool(given.get(field.name)),
        )
        for field in info.credential_fields
        if field.goes_to == CREDENTIALS or not only_login
    ]
    if info.capabilities.pairing and not only_login:
        found.append(
            LoginField(
                name=PAIRING_CODE,
                label=CODE_LABEL,
                help=_CODE_HELP,
                secret=False,
                required=True,
                value=given.get(PAIRING_CODE, ""),
                error=errors.get(PAIRING_CODE),
                is_code=True,
            )
        )
    return tuple(found)


def paths(info: AdapterInfo) -> tuple[str, ...]:
    """Where in the vendor's own menus the values of the form are found."""
    topics = ("credentials", "pairing") if info.capabilities.pairing else ("credentials",)
    return tuple(info.menu_paths[topic] for topic in topics if topic in info.menu_paths)


def error_key(field: CredentialField) -> str:
    """The name under which services report a wrong field."""
    return f"credentials.{field.name}" if field.goes_to == CREDENTIALS else field.goes_to


def split_given(info: AdapterInfo, given: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """What was typed as (login, columns); blanks are left out."""
    login: dict[str, str] = {}
    columns: dict[str, str] = {}
    for field in info.credential_fields:
        text = given.get(field.name, "").strip()
        if text:
            (login if field.goes_to == CREDENTIALS else columns)[
                field.name if field.goes_to == CREDENTIALS else field.goes_to
            ] = text
    return login, columns


def errors_of(info: AdapterInfo, error: ServiceError | None) -> dict[str, str]:
    """Which field a no is about: the secret when the login was refused, the id when it is not known, the code."""
    if isinstance(error, Invalid):
        return error.errors
    if error is None:
        return {}
    fields = info.credential_fields
    wanted: CredentialField | None = None
    said = _plain(error, info)
    if error.code in _CODE_CODES:
        return {PAIRING_CODE: said}
    if error.code == "AUTH-REFUSED":
        wanted = next((field for field in fields if field.secret), None)
    elif error.code in _PRACTICE_CODES:
        wanted = next((field for field in fields if field.goes_to != CREDENTIALS), None)
    return {error_key(wanted): said} if wanted else {}


def _plain(error: ServiceError, info: AdapterInfo) -> str:
    """The sentence without what only support wants to know, such as the vendor's status."""
    known = error.code in CATALOGUE and error.code not in _NOTED
    return f"{message_for(error.code, info.label)}." if known else error.message


def summary_of(errors: Mapping[str, str], info: AdapterInfo) -> tuple[tuple[str, str], ...]:
    """The errors as (input, sentence), for links."""
    names = {error_key(field): field.name for field in info.credential_fields}
    return tuple((names.get(key, key), sentence) for key, sentence in errors.items())


def refusal_notice(error: ServiceError | None, info: AdapterInfo, now: datetime, zone: str) -> Notice | None:
    """The vendor's no in words that fit a form: what happened, what to do, its code and where that is explained."""
    if error is None or isinstance(error, Invalid):
        return None
    known = CATALOGUE.get(error.code)
    headline, advice = _plain(error, info), getattr(error, "advice", "") or ""
    if error.code in _HERE:
        headline, advice = (text.format(pms=info.label) for text in _HERE[error.code])
    elif known is not None and known.actor is not ActionOwner.STAFF:
        advice = _try_again(error, now, zone)
    elif known is not None and isinstance(error, Conflict):
        advice = known.advice.format(pms=info.label)
    href, action = help_href(error.code), f"What {error.code} means"
    if isinstance(error, PracticeConnected):
        href, action = sign_in_there(error), "Sign in again there"
    return Notice(f"{headline.rstrip('.')}.", advice, "stop", "cross", error.code, href, action)


def sign_in_there(error: PracticeConnected) -> str:
    """Where the connection that reads this practice takes a new login."""
    return f"/integrations/{error.connection_id}/login"


def _try_again(error: ServiceError, now: datetime, zone: str) -> str:
    again_at = error.again_at if isinstance(error, Refused) else None
    if again_at is None or again_at <= now:
        return _TRY_AGAIN
    return (
        f"Nothing was stored and what you typed is kept: try again after {fmt.moment(again_at, now, zone)}."
    )
