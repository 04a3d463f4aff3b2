"""Halaxy's webhooks: a static header to check, and the ids by which a repeated delivery is known.

There is no signature. The body says only which resource changed, not how; it is never trusted for more than a
nudge to read again.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping

from pmsapp.adapters.client import strict_json
from pmsapp.adapters.halaxy.auth import LABEL
from pmsapp.adapters.halaxy.fhir import items, resources
from pmsapp.adapters.parsing.text import clean_id
from pmsapp.domain.errors import ReconnectRequiredError

# One delivery names one change; real ones are about two thousand bytes.
MAX_BODY_BYTES = 64 * 1024
MAX_EVENTS = 100


def check(headers: Mapping[str, str], body: bytes, secret: str) -> tuple[str, ...]:
    """The delivery's event ids; empty when the body cannot be read, which is still a nudge.

    Raises ReconnectRequiredError AUTH-REFUSED unless Authorization carries `secret`, alone or after "Bearer".
    """
    if not is_authentic(headers, secret):
        raise ReconnectRequiredError("AUTH-REFUSED", pms=LABEL, note="webhook: the header does not match")
    return event_ids(body)


def is_authentic(headers: Mapping[str, str], secret: str) -> bool:
    """Compare in constant time; an empty secret matches nothing."""
    given = next((value for name, value in headers.items() if name.lower() == "authorization"), "")
    wanted = _bare(secret)
    return bool(wanted) and hmac.compare_digest(_bare(given).encode("utf-8"), wanted.encode("utf-8"))


def event_ids(body: bytes) -> tuple[str, ...]:
    """The ids of the notification's events, each once; empty for a body that is too large or makes no sense."""
    if len(body) > MAX_BODY_BYTES:
        return ()
    try:
        bundle = strict_json.loads(body)
    except strict_json.JSONRefusedError:
        return ()
    if not isinstance(bundle, dict):
        return ()
    events = (
        event
        for status in resources(bundle, "SubscriptionStatus")
        for event in items(status.get("notificationEvent"))
    )
    found = dict.fromkeys(key for event in events if (key := clean_id(event.get("id"))))
    return tuple(found)[:MAX_EVENTS]


def _bare(text: str) -> str:
    words = text.split(None, 1)
    if words and words[0].lower() == "bearer":
        words = words[1:]
    return " ".join(words).strip()
