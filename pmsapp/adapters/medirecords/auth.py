"""MediRecords' token and what its refusals mean.

The token is a fixed text that the vendor hands to the practice; there is no call that mints one and none that
renews it. A refused token can only be replaced by asking the practice. Act on the status; bodies are only looked
at for the one sentence that tells a token of the other API.
"""

from __future__ import annotations

from typing import Any

from pmsapp.adapters.base import AdapterConfig
from pmsapp.adapters.client.messages import Refusal
from pmsapp.adapters.client.tokens import Token
from pmsapp.domain.errors import BadVendorDataError, PMSError, ReconnectRequiredError

LABEL = "MediRecords"
TOKEN_MAX_LENGTH = 8192

_ASK_AGAIN = "ask the practice for a new API token"
_OTHER_API = "this token is for another MediRecords API; ask for a Connect API token"


def fixed_token(config: AdapterConfig) -> Token:
    """The token the clinic entered, also when it was pasted with its "Bearer" in front.

    Raises ReconnectRequiredError AUTH-REFUSED when there is none.
    """
    words = config.credentials.get("api_token", "").split(None, 1)
    if words and words[0].lower() == "bearer":
        words = words[1:]
    text = " ".join(words).strip()
    if not text or len(text) > TOKEN_MAX_LENGTH:
        raise ReconnectRequiredError("NO-LOGIN", pms=LABEL, note="the API token is missing")
    return Token(text, None)


def practice_id(config: AdapterConfig) -> str:
    """The practice's id as the clinic entered it. Raises ReconnectRequiredError PRACTICE-UNKNOWN when it is missing."""
    text = (config.practice_id or "").strip()
    if not text or text in (".", "..") or len(text) > 64:
        raise ReconnectRequiredError("PRACTICE-UNKNOWN", pms=LABEL, note="the practice id is missing")
    return text


def refine_practice(refusal: Refusal) -> PMSError | None:
    """Refusals of the practice object itself: here a 403 or 404 means the id is not this token's."""
    if refusal.status == 401:
        return ReconnectRequiredError("AUTH-REFUSED", pms=LABEL, note=_ASK_AGAIN)
    if refusal.status == 403 and _names_resource_id(refusal.data):
        return ReconnectRequiredError("AUTH-SCOPE", pms=LABEL, note=_OTHER_API)
    if refusal.status in (400, 403, 404):
        return ReconnectRequiredError("PRACTICE-UNKNOWN", pms=LABEL, note=f"HTTP {refusal.status}")
    return None


def refine_list(refusal: Refusal) -> PMSError | None:
    """Refusals of a list below the practice: a 404 means the practice is gone, a 403 that this list is closed."""
    if refusal.status == 401:
        return ReconnectRequiredError("AUTH-EXPIRED", pms=LABEL, note=_ASK_AGAIN)
    if refusal.status == 403:
        note = _OTHER_API if _names_resource_id(refusal.data) else f"{refusal.kind}: HTTP 403"
        return ReconnectRequiredError("AUTH-SCOPE", pms=LABEL, note=note)
    if refusal.status == 404:
        return ReconnectRequiredError("PRACTICE-UNKNOWN", pms=LABEL, note=f"{refusal.kind}: HTTP 404")
    return None


def refine_record(refusal: Refusal) -> PMSError | None:
    """Refusals of one record: as for a list, but a 404 means that this record is gone."""
    return None if refusal.status == 404 else refine_list(refusal)


def is_wrong_api(error: PMSError) -> bool:
    """True when the token turned out to belong to another MediRecords API."""
    return error.code == "AUTH-SCOPE" and error.note == _OTHER_API


def _names_resource_id(data: Any) -> bool:
    """True for the vendor's "Invalid token does not contain resource id" in any of its spellings."""
    return any("resource id" in text.casefold() for text in _texts(data))


def _texts(data: Any) -> list[str]:
    """The sentences of an error body: `errors[].message`, `error_description`, `message`, `error`, diagnostics."""
    if not isinstance(data, dict):
        return []
    found = [data.get("error_description"), data.get("message"), data.get("error")]
    for key, inner in (("errors", "message"), ("issue", "diagnostics")):
        rows = data.get(key)
        if isinstance(rows, list):
            found += [row.get(inner) for row in rows if isinstance(row, dict)]
    return [text for text in found if isinstance(text, str)]


def unreadable(reason: str) -> BadVendorDataError:
    """One record that makes no sense; `reason` is a short sentence without data."""
    return BadVendorDataError(pms=LABEL, note=reason)
