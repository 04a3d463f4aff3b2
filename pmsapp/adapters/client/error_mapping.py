"""From what went wrong on the wire to one of our errors. Nothing of the request is carried over.

The messages of `requests` and urllib3 hold addresses with their query, so their exceptions stop here: what is
chained to our error is a `TransportFaultError` that names kinds of failure only.
"""

from __future__ import annotations

import errno
import socket
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import requests
from urllib3.exceptions import (
    ConnectTimeoutError,
    DecodeError,
    NameResolutionError,
    NewConnectionError,
    SSLError,
)
from urllib3.exceptions import TimeoutError as URLLib3TimeoutError

from pmsapp.domain.errors import (
    BadVendorDataError,
    NotFoundError,
    PMSError,
    ReconnectRequiredError,
    RetryLaterError,
)
from pmsapp.domain.schedule import LONGEST_VENDOR_WAIT

# A vendor that asks for more than this is asked again after this long.
MAX_RETRY_AFTER_S = LONGEST_VENDOR_WAIT.total_seconds()

_LOCAL_ERRNOS = frozenset({errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EADDRNOTAVAIL})


class TransportFaultError(Exception):
    """What failed below HTTP, by kind. `sent` is False when the request certainly never reached the vendor."""

    def __init__(self, kinds: str, *, sent: bool) -> None:
        super().__init__(kinds)
        self.sent = sent


def describe_fault(exc: BaseException, pms: str, kind: str) -> tuple[PMSError, TransportFaultError]:
    """Our error for a failure of the network layer, and the harmless cause to chain to it."""
    chain = list(_chain(exc))
    never_sent = (NewConnectionError, ConnectTimeoutError, requests.ConnectTimeout)
    cause = TransportFaultError(
        " < ".join(dict.fromkeys(type(link).__name__ for link in chain)),
        sent=not any(isinstance(link, never_sent) for link in chain),
    )
    if any(isinstance(link, DecodeError) for link in chain):
        return BadVendorDataError(pms=pms, note=f"{kind}: compressed data is broken"), cause
    if any(isinstance(link, socket.gaierror | NameResolutionError) for link in chain):
        return RetryLaterError("NET-LOCAL", pms=pms, note="its name was not found"), cause
    if any(isinstance(link, OSError) and link.errno in _LOCAL_ERRNOS for link in chain):
        return RetryLaterError("NET-LOCAL", pms=pms), cause
    if any(isinstance(link, SSLError | requests.exceptions.SSLError) for link in chain):
        return RetryLaterError("PMS-DOWN", pms=pms, note="the secure connection could not be trusted"), cause
    if any(isinstance(link, NewConnectionError) for link in chain):
        return RetryLaterError("PMS-DOWN", pms=pms, note="the connection was refused"), cause
    if any(isinstance(link, TimeoutError | URLLib3TimeoutError | requests.Timeout) for link in chain):
        return RetryLaterError("PMS-SLOW", pms=pms, note=kind), cause
    return RetryLaterError("PMS-DOWN", pms=pms, note=f"{kind}: the connection broke"), cause


def _chain(exc: BaseException) -> Iterator[BaseException]:
    """The exception and everything it wraps, each once."""
    waiting: list[object] = [exc]
    seen: set[int] = set()
    while waiting:
        link = waiting.pop(0)
        if not isinstance(link, BaseException) or id(link) in seen:
            continue
        seen.add(id(link))
        yield link
        waiting += [link.__cause__, link.__context__, getattr(link, "reason", None), *link.args]


def error_for_status(status: int, pms: str, kind: str, *, had_token: bool) -> PMSError:
    """Our error for an HTTP status that is no success. The note holds the status and what was asked for."""
    note = f"{kind}: HTTP {status}"
    if status == 401:
        return ReconnectRequiredError("AUTH-EXPIRED" if had_token else "AUTH-REFUSED", pms=pms, note=note)
    if status == 403:
        return ReconnectRequiredError("AUTH-SCOPE", pms=pms, note=note)
    if status in (404, 410):
        return NotFoundError(pms=pms, note=note)
    if status == 408:
        return RetryLaterError("PMS-SLOW", pms=pms, note=note)
    if status == 429:
        return RetryLaterError("RATE-WAIT", pms=pms, note=note)
    if status >= 500:
        return RetryLaterError("PMS-DOWN", pms=pms, note=note)
    if status >= 400:
        return BadVendorDataError("PMS-REFUSED", pms=pms, note=note)
    if 300 <= status < 400:
        note = f"{kind}: it sent us to another address"
    return BadVendorDataError("PMS-GARBLED", pms=pms, note=note)


def date_of(headers: Mapping[str, str], name: str) -> datetime | None:
    """An HTTP date header as a UTC-aware instant; None when it is missing or no date."""
    try:
        found = parsedate_to_datetime(headers.get(name, ""))
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def retry_after_s(headers: Mapping[str, str], now: datetime) -> float | None:
    """Seconds the vendor asks us to wait, at most MAX_RETRY_AFTER_S; None when it does not say, or nonsense.

    A date is read against the vendor's own clock where it sent one.
    """
    text = headers.get("Retry-After", "").strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:12]), MAX_RETRY_AFTER_S)
    until = date_of(headers, "Retry-After")
    if until is None:
        return None
    wait_s = (until - (date_of(headers, "Date") or now)).total_seconds()
    return min(wait_s, MAX_RETRY_AFTER_S) if wait_s > 0 else None
