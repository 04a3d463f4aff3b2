"""Consuming a pairing code. It works once, so a lost answer is cleared up by looking, never by sending it again."""

from __future__ import annotations

from pmsapp.adapters.base import AdapterConfig, Pairing
from pmsapp.adapters.client.error_mapping import TransportFaultError
from pmsapp.adapters.client.http import HTTPClient
from pmsapp.adapters.client.messages import Refusal, path
from pmsapp.adapters.gentu import wire
from pmsapp.adapters.gentu.auth import app_not_enabled, credential
from pmsapp.adapters.gentu.practice import fetch_access
from pmsapp.adapters.parsing.text import clean_id
from pmsapp.domain.errors import BadVendorDataError, PMSError, ReconnectRequiredError, RetryLaterError

# Refusals that say nothing about the code: the token (401), a slow line (408), too many calls (429).
_NOT_ABOUT_THE_CODE = frozenset({401, 408, 429})


def consume_code(config: AdapterConfig, client: HTTPClient, code: str) -> Pairing:
    """Spend `code` and return the practice it opened.

    The practices listed before are remembered: when the answer is lost or cannot be read, a practice that is listed
    afterwards and was not before is the one. Raises PAIR-UNKNOWN, PAIR-USED, PAIR-UNSURE, or, where nothing was
    sent, the fault itself.
    """
    where = _where(config, client, code)
    before = _open_practices(client)
    try:
        reply = client.put(where, kind="pairing", refine=lambda refusal: _refine(refusal, client.label))
        tenant_id = clean_id(reply.data.get("tenantId")) if isinstance(reply.data, dict) else None
    except (RetryLaterError, BadVendorDataError) as exc:
        if isinstance(exc.__cause__, TransportFaultError) and not exc.__cause__.sent:
            raise
        if exc.code in ("RATE-WAIT", "RUN-CANCELLED"):
            raise
        tenant_id = None
    if tenant_id is None:
        tenant_id = _newly_listed(client, before)
    return _describe(client, tenant_id)


def _where(config: AdapterConfig, client: HTTPClient, code: str) -> str:
    app_id = credential(config, "app_id", client.label)
    try:
        return path("apps", app_id, "pairing", code.strip())
    except ValueError:
        raise ReconnectRequiredError("PAIR-UNKNOWN", pms=client.label) from None


def _refine(refusal: Refusal, pms: str) -> PMSError | None:
    if refusal.status == 409:
        return ReconnectRequiredError("PAIR-USED", pms=pms)
    if refusal.status == 403:
        # A token that is accepted and a code that is not: an app without access at all is told by its own fault.
        return app_not_enabled(refusal, pms) or ReconnectRequiredError("PAIR-BLOCKED", pms=pms)
    if 400 <= refusal.status < 500 and refusal.status not in _NOT_ABOUT_THE_CODE:
        return ReconnectRequiredError("PAIR-UNKNOWN", pms=pms)
    return app_not_enabled(refusal, pms)


def _open_practices(client: HTTPClient) -> frozenset[str]:
    return frozenset(tenant_id for tenant_id, is_open in fetch_access(client).items() if is_open)


def _newly_listed(client: HTTPClient, before: frozenset[str]) -> str:
    """The one practice that opened since `before`. Raises PAIR-UNSURE when it is none, several, or not known."""
    unsure = ReconnectRequiredError("PAIR-UNSURE", pms=client.label)
    try:
        opened = _open_practices(client) - before
    except PMSError as exc:
        raise unsure from exc
    if len(opened) != 1:
        raise unsure
    return next(iter(opened))


def _describe(client: HTTPClient, tenant_id: str) -> Pairing:
    """Name and zone of the practice. The code is spent, so a failure here leaves them unknown, no more."""
    try:
        reply = client.get(path("tenants", tenant_id), kind="practice")
    except (PMSError, ValueError):
        return Pairing(tenant_id, None, None)
    tenant = wire.parse_tenant(reply.data)
    return Pairing(tenant_id, tenant.name, tenant.time_zone)
