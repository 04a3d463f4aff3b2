"""How often a token or person may call the JSON interface: a moving minute, shared by all processes where Redis is.

Without Redis each process counts for itself, and looks for Redis again later; no call fails because of it.
"""

from __future__ import annotations

import math
import time
from functools import lru_cache

import redis
from limits import RateLimitItem, RateLimitItemPerMinute
from limits.storage import MemoryStorage, RedisStorage
from limits.strategies import MovingWindowRateLimiter
from redis.backoff import NoBackoff
from redis.retry import Retry

from pmsapp import clock, logs

REDIS_TIMEOUT_S = 0.3
REDIS_REST_S = 15.0
_log = logs.get(__name__)


def retry_after_s(redis_url: str, key: str, per_minute: int) -> int | None:
    """Count one call of `key`. None when it fits into the last minute, else whole seconds until one does."""
    return _counter(redis_url).hit(RateLimitItemPerMinute(per_minute), key)


class _Counter:
    def __init__(self, redis_url: str) -> None:
        self._local = MovingWindowRateLimiter(MemoryStorage())
        client = redis.Redis.from_url(
            redis_url,
            socket_timeout=REDIS_TIMEOUT_S,
            socket_connect_timeout=REDIS_TIMEOUT_S,
            retry=Retry(NoBackoff(), 0),
        )
        storage = RedisStorage("redis://", connection_pool=client.connection_pool, key_prefix="pmsapp:api")
        self._shared = MovingWindowRateLimiter(storage)
        self._rests_until_s = 0.0

    def hit(self, item: RateLimitItem, key: str) -> int | None:
        if clock.monotonic_s() >= self._rests_until_s:
            try:
                return _hit(self._shared, item, key)
            except (redis.RedisError, OSError) as error:
                self._rests_until_s = clock.monotonic_s() + REDIS_REST_S
                _log.warning("limits are kept per process", error=type(error).__name__)
        return _hit(self._local, item, key)


def _hit(limiter: MovingWindowRateLimiter, item: RateLimitItem, key: str) -> int | None:
    if limiter.hit(item, key):
        return None
    wait_s = limiter.get_window_stats(item, key).reset_time - time.time()  # noqa: TID251 - the library's clock
    return min(60, max(1, math.ceil(wait_s)))


@lru_cache(maxsize=4)
def _counter(redis_url: str) -> _Counter:
    return _Counter(redis_url)
