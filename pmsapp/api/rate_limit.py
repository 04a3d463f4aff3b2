"""How often a token or person may call the JSON interface: a moving minute, shared by all processes where Redis is.

It keeps one token or person from taking all the room.

Without Redis each process counts for itself, and looks for Redis again later; no call fails because of it.
"""

from __future__ import annotations

import math
import time

from flask import current_app, request
from limits import RateLimitItem, RateLimitItemPerMinute
from limits.errors import StorageError
from limits.storage import RedisStorage
from limits.strategies import MovingWindowRateLimiter

from pmsapp import clock
from pmsapp.access.guard import actor_or_none
from pmsapp.adapters.client.rate_limit import ProcessStorage
from pmsapp.api.problem import TooManyRequests
from pmsapp.extensions import current_settings
from pmsapp.observability import logs
from pmsapp.services.runs import queue as run_queue

REDIS_REST_S = 15.0
_READS = frozenset({"GET", "HEAD", "OPTIONS"})
_log = logs.get(__name__)


def count_request() -> None:
    """Count the request. Raises TooManyRequests when its token or person has used up the last minute."""
    actor = actor_or_none()
    if actor is None or not request.path.startswith("/api/"):
        return
    settings = current_settings()
    kind, per_minute = "write", settings.api_writes_per_minute
    if request.method in _READS:
        kind, per_minute = "read", settings.api_reads_per_minute
    wait_s = retry_after_s(f"{actor.kind}:{actor.id}:{kind}", per_minute)
    if wait_s is not None:
        raise TooManyRequests(wait_s)


def retry_after_s(key: str, per_minute: int) -> int | None:
    """Count one call of `key`. None when it fits into the last minute, else whole seconds until one does."""
    found: _Counter | None = current_app.extensions.get("pmsapp_api_limits")
    if found is None:
        # In one step: a thread that comes at the same time must not count for itself.
        found = current_app.extensions.setdefault("pmsapp_api_limits", _Counter())
    return found.hit(RateLimitItemPerMinute(per_minute), key)


class _Counter:
    """Counts in Redis, through the connection that wakes the worker; in this process while Redis is away."""

    def __init__(self) -> None:
        storage = RedisStorage(
            "redis://",
            connection_pool=run_queue.client().connection_pool,
            key_prefix="pmsapp:api",
            wrap_exceptions=True,
        )
        self._shared = MovingWindowRateLimiter(storage)
        self._local = MovingWindowRateLimiter(ProcessStorage())
        self._rests_until_s = 0.0

    def hit(self, item: RateLimitItem, key: str) -> int | None:
        if clock.monotonic_s() >= self._rests_until_s:
            try:
                return _hit(self._shared, item, key)
            except StorageError as error:
                self._rests_until_s = clock.monotonic_s() + REDIS_REST_S
                _log.warning("limits are kept per process", error=type(error.storage_error).__name__)
        return _hit(self._local, item, key)


def _hit(limiter: MovingWindowRateLimiter, item: RateLimitItem, key: str) -> int | None:
    if limiter.hit(item, key):
        return None
    wait_s = limiter.get_window_stats(item, key).reset_time - time.time()  # noqa: TID251 - the library's clock
    return min(60, max(1, math.ceil(wait_s)))
