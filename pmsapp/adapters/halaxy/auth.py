"""Halaxy's token, and what its refusals mean.

A token is asked for with the client's id and secret. The answer claims an hour, the documentation says fifteen
minutes: the shorter counts, less a minute. There is nothing to refresh: an expired token is asked for anew.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from pmsapp import clock
from pmsapp.adapters.base import AdapterConfig
from pmsapp.adapters.client.http import HTTPClient
from pmsapp.adapters.client.messages import Refine, Refusal, path
from pmsapp.adapters.client.tokens import Token
from pmsapp.adapters.halaxy.fhir import fold, outcome_errors
from pmsapp.adapters.parsing.text import clean_token
from pmsapp.domain.errors import (
    BadVendorDataError,
    NotFoundError,
    PMSError,
    ReconnectRequiredError,
    RetryLaterError,
)

LABEL = "Halaxy"
FHIR_JSON = {"Accept": "application/fhir+json"}
DOCUMENTED_LIFE_S = 900.0
EARLY_S = 60.0

# What stands behind the tick boxes of an API key, by resource.
TICK_BOXES = {
    "Appointment": "Appointments > Retrieve",
    "Patient": "Patients > Retrieve",
    "PractitionerRole": "Practitioners > Retrieve",
    "Practitioner": "Practitioners > Retrieve",
    "Organization": "Organizations > Retrieve",
    "HealthcareService": "Appointment types > Retrieve",
}
_EXPIRED = frozenset({"expired", "login"})
_FORBIDDEN = frozenset({"forbidden", "security", "suppressed"})
_TRANSIENT = frozenset({"transient", "timeout", "lockerror", "nostore", "exception", "incomplete"})


def fetch_token(config: AdapterConfig, client: HTTPClient) -> Token:
    """Ask for a token. Raises AUTH-REFUSED when the id or the secret is not accepted."""
    asked_at = clock.now()
    reply = client.post_json(
        path("oauth", "token"),
        {
            "grant_type": "client_credentials",
            "client_id": _credential(config, "client_id"),
            "client_secret": _credential(config, "client_secret"),
        },
        kind="token",
        headers=FHIR_JSON,
        refine=_refine_token,
    )
    text = clean_token(reply.data.get("access_token")) if isinstance(reply.data, dict) else None
    if text is None:
        raise BadVendorDataError(pms=LABEL, note="token: not the expected shape")
    return Token(text, asked_at + timedelta(seconds=life_s(reply.data.get("expires_in"))))


def life_s(expires_in: object) -> float:
    """How long a token is used, in seconds: the shorter of what was said and 900, less 60 (half of a very short life)."""
    said = DOCUMENTED_LIFE_S
    if isinstance(expires_in, str) and expires_in.strip().isdecimal():
        expires_in = int(expires_in.strip()[:9])
    if isinstance(expires_in, int | float) and not isinstance(expires_in, bool) and expires_in > 0:
        said = min(float(expires_in), DOCUMENTED_LIFE_S)
    return said - EARLY_S if said > 2 * EARLY_S else said / 2


def _credential(config: AdapterConfig, name: str) -> str:
    text = config.credentials.get(name, "").strip()
    if not text:
        raise ReconnectRequiredError("NO-LOGIN", pms=LABEL, note=f"the {name.replace('_', ' ')} is missing")
    return text


def _refine_token(refusal: Refusal) -> PMSError | None:
    if refusal.status == 403 and refusal.data is None:
        return _gateway_refusal(refusal.kind)
    if refusal.status in (400, 401, 403):
        return ReconnectRequiredError("AUTH-REFUSED", pms=LABEL, note=f"token: HTTP {refusal.status}")
    return None


def refine(resource: str, *, by_id: bool = False) -> Refine:
    """How to read refusals for one kind of resource; `by_id` when a single record is asked for, which may be gone."""

    def read(refusal: Refusal) -> PMSError | None:
        if refusal.status == 403:
            return _gateway_refusal(refusal.kind) if refusal.data is None else scope_error(resource)
        if refusal.status == 404 and not by_id:
            return BadVendorDataError("PMS-REFUSED", pms=LABEL, note=f"{refusal.kind}: HTTP 404")
        return None

    return read


def scope_error(resource: str) -> ReconnectRequiredError:
    """The API key lacks a permission: names the tick box."""
    box = TICK_BOXES.get(resource, resource)
    return ReconnectRequiredError("AUTH-SCOPE", pms=LABEL, note=f'tick "{box}" on the API key')


def is_expired(_status: int, data: Any) -> bool:
    """True when the body says the token is over, whatever the status says."""
    return any(fold(str(issue.get("code", ""))) in _EXPIRED for issue in outcome_errors(data))


def raise_for_outcome(data: Any, resource: str) -> None:
    """Raise for an OperationOutcome of severity error in a 200 answer; without it that would read as an empty day."""
    issues = outcome_errors(data)
    if not issues:
        return
    codes = {fold(str(issue.get("code", ""))) for issue in issues}
    for known, error in _OUTCOMES:
        if codes & known:
            raise error(resource)
    raise BadVendorDataError("PMS-REFUSED", pms=LABEL, note=f"{resource}: refused in the answer's body")


def _gateway_refusal(kind: str) -> BadVendorDataError:
    """A 403 that is not JSON comes from the gateway in front of Halaxy and is no question of permissions."""
    return BadVendorDataError("PMS-REFUSED", pms=LABEL, note=f"{kind}: the gateway refused the call")


_OUTCOMES: tuple[tuple[frozenset[str], Callable[[str], PMSError]], ...] = (
    (_EXPIRED, lambda resource: ReconnectRequiredError("AUTH-EXPIRED", pms=LABEL, note=resource)),
    (_FORBIDDEN, scope_error),
    (frozenset({"notfound", "deleted"}), lambda resource: NotFoundError(pms=LABEL, note=resource)),
    (frozenset({"throttled"}), lambda resource: RetryLaterError("RATE-WAIT", pms=LABEL, note=resource)),
    (_TRANSIENT, lambda resource: RetryLaterError("PMS-DOWN", pms=LABEL, note=resource)),
)
