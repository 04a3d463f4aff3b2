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
            name=field.name,
            label=field.label,
            help=field.help,
            secret=field.secret,
            required=field.required and field.name not in supplied,
            value="" if field.secret else given.get(field.name, ""),
            error=errors.get(error_key(field)),
            from_server=field.name in supplied,
        )
        for field in info.credential_fields
        if field.goes_to == CREDENTIALS or not only_login
    )


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


def errors_of_refusal(info: AdapterInfo, error: Refused) -> dict[str, str]:
    """Which field the vendor's no is about: the secret when the login was refused, the id when it is not known."""
    fields = info.credential_fields
    wanted: CredentialField | None = None
    if error.code == "AUTH-REFUSED":
        wanted = next((field for field in fields if field.secret), None)
    elif error.code in {"PRACTICE-UNKNOWN", "AUTH-WRONG-PRACTICE"}:
        wanted = next((field for field in fields if field.goes_to != CREDENTIALS), None)
    return {error_key(wanted): error.message} if wanted else {}


def summary_of(errors: Mapping[str, str], info: AdapterInfo) -> tuple[tuple[str, str], ...]:
    """The errors as (input, sentence), for links."""
    names = {error_key(field): field.name for field in info.credential_fields}
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
