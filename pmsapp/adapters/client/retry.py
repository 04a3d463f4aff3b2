"""The repeats of one call, as a urllib3 `Retry` that the session's HTTPAdapter carries.

urllib3 asks a `VendorRetry` after every attempt: the status or the broken connection alone says whether there is
another, and before each the limits of the call are obeyed: deadline, cancelling, the host's rate, and what the vendor
asked for by Retry-After. A status whose meaning stands in the body is left to `http.py`, which repeats through the
same object.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import structlog
from urllib3.connectionpool import ConnectionPool
from urllib3.exceptions import MaxRetryError, ResponseError
from urllib3.response import BaseHTTPResponse
from urllib3.util import Retry

from pmsapp import clock
from pmsapp.adapters.client.deadline import Deadline
from pmsapp.adapters.client.error_mapping import retry_after_s
from pmsapp.adapters.client.messages import Call
from pmsapp.adapters.client.rate_limit import LONG_WAIT_S, RateLimit
from pmsapp.adapters.client.responses import RETRIED_STATUSES
from pmsapp.adapters.client.transport import Guard

log = structlog.get_logger(__name__)

OnRequest = Callable[[str, int, float], None]
OnWait = Callable[[float], None]

# One request, headers to last byte, however slowly it drips.
MAX_REQUEST_S = 60.0
MAX_BACKOFF_S = 8.0
# A turn that came sooner was no wait.
WORTH_COUNTING_S = 0.05


class RequestCount:
    """How many requests one client has made, repeats included, in whatever threads; each is passed on to be measured."""

    def __init__(self, on_request: OnRequest | None = None) -> None:
        self.made = 0
        self._on_request = on_request
        self._lock = threading.Lock()

    def note(self, kind: str, status: int, duration_s: float) -> None:
        """Another request has ended."""
        with self._lock:
            self.made += 1
        if self._on_request is not None:
            self._on_request(kind, status, duration_s)


@dataclass(slots=True)
class Attempts:
    """The attempts of one call, one after the other. Each waits for its turn and is told to log and metrics."""

    call: Call
    pms: str
    guard: Guard
    deadline: Deadline
    rate_limit: RateLimit | None
    read_timeout_s: float
    on_request: OnRequest | None = None
    on_wait: OnWait | None = None
    _number: int = 0
    _started_s: float = 0.0
    _held: ExitStack | None = field(default=None)

    def begin(self) -> None:
        """Wait for a turn and start an attempt; nothing when one is under way.

        Raises RetryLaterError as `RateLimit.acquire` does, RUN-DEADLINE or RUN-CANCELLED.
        """
        if self._held is not None:
            return
        self._number += 1
        queued_s = clock.monotonic_s()
        with ExitStack() as held:
            if self.rate_limit is not None:
                held.enter_context(self.rate_limit.acquire(self._host, self.deadline, self.pms))
            else:
                self.deadline.check(self.pms)
            self._held = held.pop_all()
        self._started_s = clock.monotonic_s()
        if self.on_wait is not None and self._started_s - queued_s >= WORTH_COUNTING_S:
            self.on_wait(self._started_s - queued_s)
        self.guard.begin(self.read_timeout_s, min(MAX_REQUEST_S, self.deadline.remaining_s()))

    def end(self, status: int) -> None:
        """The attempt under way has ended, with status 0 when there was no answer; nothing when none is."""
        if self._held is None:
            return
        duration_s = clock.monotonic_s() - self._started_s
        self.close()
        log.info(
            "vendor_request",
            vendor=self.pms,
            kind=self.call.kind,
            status=status,
            duration_ms=round(duration_s * 1000),
            attempt=self._number,
        )
        if self.on_request is not None:
            self.on_request(self.call.kind, status, duration_s)

    def close(self) -> None:
        """Give the turn back, if one is held."""
        held, self._held = self._held, None
        if held is not None:
            held.close()

    def block(self, until: datetime) -> None:
        """Nobody calls the host of this call before `until`."""
        if self.rate_limit is not None:
            self.rate_limit.block(self._host, until)

    @property
    def _host(self) -> str:
        return urlsplit(self.call.url).netloc.lower()


class VendorRetry(Retry):
    """Counts and waits between the attempts of one call.

    When no try or no time is left, or the vendor asks for a long wait, urllib3 hands on the last answer or fault.
    """

    # No other status is repeated because it names a time.
    RETRY_AFTER_STATUS_CODES: frozenset[int] = frozenset()

    def __init__(self, *args: Any, attempts: Attempts, **options: Any) -> None:
        super().__init__(*args, **options)
        self.attempts = attempts
        self.wait_s = 0.0

    @classmethod
    def of(cls, attempts: Attempts, *, retries: int, backoff_s: float, repeats_500: bool) -> Self:
        """The repeats of a call: `retries` after the first try, none when the call may not be repeated.

        `repeats_500`: the vendor's page says that a 500 passes; elsewhere its body has to be read first.
        """
        return cls(
            total=retries if attempts.call.repeatable else 0,
            allowed_methods=None,
            status_forcelist=RETRIED_STATUSES if repeats_500 else RETRIED_STATUSES - {500},
            raise_on_status=False,
            backoff_factor=backoff_s,
            backoff_jitter=backoff_s,
            backoff_max=MAX_BACKOFF_S,
            attempts=attempts,
        )

    def new(self, **changed: Any) -> Self:
        """The same repeats with other counts."""
        return super().new(attempts=self.attempts, **changed)

    def get_retry_after(self, response: BaseHTTPResponse) -> float | None:
        """Seconds the vendor asks us to wait; None when it does not say, or nonsense."""
        return retry_after_s(response.headers, clock.now())

    def increment(
        self,
        method: str | None = None,
        url: str | None = None,
        response: BaseHTTPResponse | None = None,
        error: Exception | None = None,
        _pool: ConnectionPool | None = None,
        _stacktrace: TracebackType | None = None,
    ) -> Self:
        """End this attempt and count the next. Raises MaxRetryError when there is none; no address is in its text."""
        attempts = self.attempts
        attempts.end(response.status if response is not None else 0)
        following = super().increment(method, None, response, error, _pool, _stacktrace)
        asked_s = (self.get_retry_after(response) if response is not None else None) or 0.0
        following.wait_s = max(following.get_backoff_time(), asked_s)
        if asked_s > LONG_WAIT_S or following.wait_s >= attempts.deadline.remaining_s():
            reason = error or ResponseError("no time is left for another try")
            raise MaxRetryError(_pool, None, reason) from reason  # type: ignore[arg-type]  # as urllib3 itself does
        if asked_s:
            attempts.block(clock.now() + timedelta(seconds=asked_s))
        return following

    def sleep(self, response: BaseHTTPResponse | None = None) -> None:
        """Wait for the next attempt and its turn. Raises RetryLaterError when the call has to end instead."""
        self.attempts.deadline.wait(self.wait_s, self.attempts.pms)
        self.attempts.begin()
