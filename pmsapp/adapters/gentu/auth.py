"""Getting a token from Gentu. One token serves every practice paired with the app.

Source: Healthcare API v1.0.0, security scheme "OAuth2 client credentials"; that the path carries /v1 was seen on the
live sandbox (see NOTES.md).
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from pmsapp import clock
from pmsapp.adapters.base import AdapterConfig
from pmsapp.adapters.client.http import HTTPClient
from pmsapp.adapters.client.messages import Refusal
from pmsapp.adapters.client.tokens import Token
from pmsapp.adapters.parsing.text import clean_token
from pmsapp.domain.errors import BadVendorDataError, PMSError, ReconnectRequiredError

# A token is let go this long before its end.
SPARE_S = 60.0
# Life taken for granted when the answer does not name one that makes sense.
UNNAMED_LIFE_S = 600.0
LONGEST_LIFE_S = 86_400.0


def mint_token(config: AdapterConfig, client: HTTPClient) -> Token:
    """Ask for a fresh token: Basic credentials in the header, only the grant in the form.

    Raises ReconnectRequiredError AUTH-REFUSED when the credentials are missing or refused.
    """
    pms = client.label
    pair = f"{credential(config, 'client_id', pms)}:{credential(config, 'client_secret', pms)}"
    basic = b64encode(pair.encode("utf-8")).decode("ascii")

    def refine(refusal: Refusal) -> PMSError | None:
        if refusal.status in (400, 401, 403):
            return ReconnectRequiredError("AUTH-REFUSED", pms=pms, note=f"token: HTTP {refusal.status}")
        return app_not_enabled(refusal, pms)

    reply = client.with_tokens(None).post_form(
        "oauth2/token",
        {"grant_type": "client_credentials"},
        kind="token",
        headers={"Authorization": f"Basic {basic}"},
        refine=refine,
    )
    data = reply.data if isinstance(reply.data, dict) else {}
    access_token = clean_token(data.get("access_token"))
    if access_token is None:
        raise BadVendorDataError(pms=pms, note="token: the answer holds no token")
    life_s = life_of(data)
    usable_s = life_s - min(SPARE_S, life_s / 2)
    return Token(access_token, clock.now() + timedelta(seconds=usable_s))


def life_of(data: Mapping[str, Any]) -> float:
    """Seconds from `expires_in`, a number or a numeric text; UNNAMED_LIFE_S when it is neither."""
    value = data.get("expires_in")
    if isinstance(value, str) and value.strip().isascii() and value.strip().isdigit():
        value = int(value.strip()[:9])
    if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
        return UNNAMED_LIFE_S
    return min(float(value), LONGEST_LIFE_S)


def credential(config: AdapterConfig, name: str, pms: str) -> str:
    """A credential by name, trimmed. Raises ReconnectRequiredError NO-LOGIN naming the missing one."""
    value = (config.credentials.get(name) or "").strip()
    if not value:
        raise ReconnectRequiredError("NO-LOGIN", pms=pms, note=f"{name} is missing")
    return value


def app_not_enabled(refusal: Refusal, pms: str) -> PMSError | None:
    """APP-NOT-ENABLED when the gateway says that the app was never provisioned: a 500 that no retry heals."""
    fault = refusal.data.get("fault") if isinstance(refusal.data, dict) else None
    detail = fault.get("detail") if isinstance(fault, dict) else None
    errorcode = detail.get("errorcode") if isinstance(detail, dict) else None
    if refusal.status >= 500 and isinstance(errorcode, str) and errorcode.endswith("UnresolvedVariable"):
        return ReconnectRequiredError("APP-NOT-ENABLED", pms=pms)
    return None
