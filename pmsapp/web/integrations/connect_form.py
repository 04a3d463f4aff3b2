"""The connect form of any vendor, drawn from what its adapter declares; and the steps of connecting. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from pmsapp.adapters.base import AdapterInfo, CredentialField
from pmsapp.services.base.errors import Refused
from pmsapp.services.connections.connections import ConnectionView, PracticeConnected
from pmsapp.web.integrations.contexts import LoginField, Step
from pmsapp.web.ui.page_contexts import Notice

STEPS = ("Choose", "Connect", "Match practitioners", "Telehealth types", "Check and start")
CREDENTIALS = "credentials"


def steps(current: int, view: ConnectionView | None = None) -> tuple[Step, ...]:
    """The five steps with where we stand. Nothing once a connection is set up: then they are plain pages."""
    if view is not None and view.state != "setup":
        return ()
    base = f"/integrations/{view.id}" if view else ""
    links = {1: "/integrations/new", 3: f"{base}/practitioners", 4: f"{base}/types"} if view else {}
    links = links | {1: "/integrations/new"}
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
    """One input per declared field. `supplied`: what the server's settings hold. Secrets are never filled in."""
    given, errors = given or {}, errors or {}
    return tuple(
        LoginField(
            name=one.name,
            label=one.label,
            help=one.help,
            secret=one.secret,
            required=one.required and one.name not in supplied,
            value="" if one.secret else given.get(one.name, ""),
            error=errors.get(error_key(one)),
            from_server=one.name in supplied,
        )
        for one in info.credential_fields
        if one.goes_to == CREDENTIALS or not only_login
    )


def error_key(one: CredentialField) -> str:
    """The name under which services report a wrong field."""
    return f"credentials.{one.name}" if one.goes_to == CREDENTIALS else one.goes_to


def split_given(info: AdapterInfo, given: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """What was typed as (login, columns); blanks are left out."""
    login: dict[str, str] = {}
    columns: dict[str, str] = {}
    for one in info.credential_fields:
        text = given.get(one.name, "").strip()
        if text:
            (login if one.goes_to == CREDENTIALS else columns)[
                one.name if one.goes_to == CREDENTIALS else one.goes_to
            ] = text
    return login, columns


def errors_of_refusal(info: AdapterInfo, error: Refused) -> dict[str, str]:
    """Which field the vendor's no is about: the secret when the login was refused, the id when it is not known."""
    fields = info.credential_fields
    wanted: CredentialField | None = None
    if error.code == "AUTH-REFUSED":
        wanted = next((one for one in fields if one.secret), None)
    elif error.code in {"PRACTICE-UNKNOWN", "AUTH-WRONG-PRACTICE"}:
        wanted = next((one for one in fields if one.goes_to != CREDENTIALS), None)
    return {error_key(wanted): error.message} if wanted else {}


def summary_of(errors: Mapping[str, str], info: AdapterInfo) -> tuple[tuple[str, str], ...]:
    """The errors as (input, sentence), for links."""
    names = {error_key(one): one.name for one in info.credential_fields}
    return tuple((names.get(key, key), sentence) for key, sentence in errors.items())


def refusal_notice(error: Refused | PracticeConnected) -> Notice:
    """The no of the vendor, or of ours to a second connection: what happened, what to do, its code, and the way on."""
    href = sign_in_there(error) if isinstance(error, PracticeConnected) else None
    return Notice(
        f"{error.message.rstrip('.')}.",
        error.advice or "",
        "stop",
        "cross",
        error.code,
        href,
        "Sign in again there" if href else None,
    )


def sign_in_there(error: PracticeConnected) -> str:
    """Where the connection that reads this practice takes a new login."""
    return f"/integrations/{error.connection_id}/login"
