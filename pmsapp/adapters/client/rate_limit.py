"""How fast a vendor's host may be called, kept for all processes together.

`RateLimitStore` is what processes share: a moving window of calls and the times until which a host asked us to wait,
both in Redis where there is one. When Redis is away it falls back to this process alone and looks again later:
no call fails because of it. A `BlockBoard` holds the blocks too, for as long as there is no Redis or none that
remembers. `RateLimit` is one vendor's rate on top of both.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Protocol, TypeVar

import redis
from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage, RedisStorage
from limits.strategies import MovingWindowRateLimiter
from redis.backoff import NoBackoff
from redis.retry import Retry

from pmsapp import clock
from pmsapp.adapters.client.deadline import Deadline
from pmsapp.domain.ages import holds
from pmsapp.domain.errors import RetryLaterError
from pmsapp.domain.schedule import LONGEST_VENDOR_WAIT

log = logging.getLogger(__name__)

T = TypeVar("T")

# A wait up to this long is waited out; a longer one ends the call and tells when to come back.
LONG_WAIT_S = 10.0
# Longest pause between two looks at a full window.
STEP_S = 0.5
REDIS_TIMEOUT_S = 0.5
# How long Redis is left alone after it failed.
REDIS_REST_S = 15.0
_PREFIX = "pmsapp:rate_limit"


class _Storage(RedisStorage):
    """Loads the client of Redis alone; the other client it knows would cost every run a tenth of a second."""

    DEPENDENCIES = {"redis": RedisStorage.DEPENDENCIES["redis"]}  # noqa: RUF012 - as in the class above


class ProcessStorage(MemoryStorage):
    """The moving windows of this process, for limiters that have no Redis. Safe for many threads.

    The library's own counting starts a clean-up thread every so often, in a way that two callers at once break.
    """

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.Lock()
        self._calls: dict[str, deque[float]] = {}

    def acquire_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        """Count `amount` calls when the last `expiry` seconds have room for them; False, uncounted, when not."""
        with self._lock:
            now_s = time.time()  # noqa: TID251 - the library's clock
            calls = self._within(key, now_s - expiry)
            if len(calls) + amount > limit:
                return False
            calls.extend([now_s] * amount)
            return True

    def get_moving_window(self, key: str, limit: int, expiry: int) -> tuple[float, int]:
        """When the oldest call of the last `expiry` seconds was, now if there is none, and how many there are."""
        with self._lock:
            now_s = time.time()  # noqa: TID251 - the library's clock
            calls = self._within(key, now_s - expiry)
            return (calls[0] if calls else now_s), len(calls)

    def _within(self, key: str, since_s: float) -> deque[float]:
        calls = self._calls.setdefault(key, deque())
        while calls and calls[0] < since_s:
            calls.popleft()
        return calls


class RateLimitStore:
    """Call counts, blocks and slots by host. Safe for many threads; one per process is enough.

    `redis_url`: redis://, rediss:// or unix:// (redis+unix:// too); None keeps everything in this process.
    `now` gives aware datetimes. No method raises for a Redis fault.
    """

    def __init__(self, redis_url: str | None = None, *, now: Callable[[], datetime] = clock.now) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._blocks: dict[str, datetime] = {}
        self._slots: dict[tuple[str, int], threading.BoundedSemaphore] = {}
        self._local = MovingWindowRateLimiter(ProcessStorage())
        self._redis: redis.Redis | None = None
        self._shared: MovingWindowRateLimiter | None = None
        self._redis_rests_until_s = 0.0
        if redis_url:
            self._redis = redis.Redis.from_url(
                redis_url.replace("redis+unix://", "unix://", 1),
                socket_timeout=REDIS_TIMEOUT_S,
                socket_connect_timeout=REDIS_TIMEOUT_S,
                retry=Retry(NoBackoff(), 0),
            )
            storage = _Storage(
                "redis://", connection_pool=self._redis.connection_pool, key_prefix=f"{_PREFIX}:calls"
            )
            self._shared = MovingWindowRateLimiter(storage)

    def close(self) -> None:
        """Let go of the Redis connections."""
        if self._redis is not None:
            self._redis.close()
            self._redis.connection_pool.disconnect()

    def try_call(self, host: str, per_minute: int) -> bool:
        """Count one call to `host` when the last minute had room for it; False, uncounted, when it had not."""
        item = RateLimitItemPerMinute(per_minute)
        shared = self._shared
        if shared is not None:
            counted = self._ask_redis(lambda: shared.hit(item, host))
            if counted is not None:
                return counted
        return self._local.hit(item, host)

    def block(self, host: str, until: datetime) -> None:
        """Nobody calls `host` before `until`. A later block already there stays."""
        known = self.blocked_until(host)
        if known is not None and known >= until:
            return
        with self._lock:
            self._blocks[host] = until
        ttl_ms = int((until - self._now()) / timedelta(milliseconds=1))
        client = self._redis
        if client is not None and ttl_ms > 0:
            text = until.isoformat()
            self._ask_redis(lambda: client.set(_block_key(host), text, px=ttl_ms))

    def blocked_until(self, host: str) -> datetime | None:
        """When `host` may be called again; None when it may be called now."""
        with self._lock:
            until = self._blocks.get(host)
        client = self._redis
        if client is not None:
            text = self._ask_redis(lambda: client.get(_block_key(host)))
            shared = _instant(text)
            if shared is not None and (until is None or shared > until):
                until = shared
        if until is None:
            return None
        if holds(until, self._now(), LONGEST_VENDOR_WAIT):
            return until
        with self._lock:
            if self._blocks.get(host) == until:
                del self._blocks[host]
        return None

    def slots(self, host: str, count: int) -> threading.BoundedSemaphore:
        """The semaphore that keeps calls in flight to `host` at `count` in this process."""
        with self._lock:
            return self._slots.setdefault((host, count), threading.BoundedSemaphore(count))

    def _ask_redis(self, ask: Callable[[], T]) -> T | None:
        """The answer of Redis, or None when it is away."""
        if clock.monotonic_s() < self._redis_rests_until_s:
            return None
        try:
            return ask()
        except (redis.RedisError, OSError) as exc:
            self._redis_rests_until_s = clock.monotonic_s() + REDIS_REST_S
            log.warning("Redis is away; vendor rates are counted per process (%s)", type(exc).__name__)
            return None


def _block_key(host: str) -> str:
    return f"{_PREFIX}:block:{host}"


def _instant(raw: object) -> datetime | None:
    if not isinstance(raw, bytes):
        return None
    try:
        return datetime.fromisoformat(raw.decode("ascii")).astimezone(UTC)
    except ValueError:
        return None


class BlockBoard(Protocol):
    """Where blocks are written down for every process of the installation. Neither method raises."""

    def read(self, host: str) -> datetime | None:
        """When `host` may be called again, None when nothing is written about it or that is over."""

    def write(self, host: str, until: datetime) -> None:
        """Nobody calls `host` before `until`; a later time already there stays."""


class RateLimit:
    """One vendor's rate: at most `requests_per_minute` (None: no limit) and `concurrency` calls in flight."""

    def __init__(
        self,
        store: RateLimitStore,
        *,
        requests_per_minute: int | None = None,
        concurrency: int = 4,
        board: BlockBoard | None = None,
    ) -> None:
        if concurrency < 1 or (requests_per_minute is not None and requests_per_minute < 1):
            raise ValueError("requests_per_minute and concurrency start at 1")
        self.requests_per_minute = requests_per_minute
        self.concurrency = concurrency
        self.store = store
        self.board = board

    def block(self, host: str, until: datetime) -> None:
        """Nobody, in any process, calls `host` before `until`."""
        self.store.block(host, until)
        if self.board is not None:
            self.board.write(host, until)

    def blocked_until(self, host: str) -> datetime | None:
        """When `host` may be called again; None when it may be called now."""
        told = (self.store.blocked_until(host), self.board.read(host) if self.board is not None else None)
        return max((until for until in told if until is not None), default=None)

    @contextmanager
    def acquire(self, host: str, deadline: Deadline, pms: str) -> Iterator[None]:
        """Wait for a turn to call `host`, and hold one slot while inside.

        Raises RetryLaterError RATE-WAIT with `retry_at` when the wait would be long or would not fit the deadline,
        RUN-DEADLINE or RUN-CANCELLED as the deadline says.
        """
        slots = self.store.slots(host, self.concurrency)
        _acquire(slots, deadline, pms)
        try:
            self._wait_for_block(host, deadline, pms)
            if self._wait_for_rate(host, deadline, pms):
                self._wait_for_block(host, deadline, pms)
            yield
        finally:
            slots.release()

    def _wait_for_block(self, host: str, deadline: Deadline, pms: str) -> None:
        until = self.blocked_until(host)
        while until is not None:
            wait_s = (until - self.store._now()).total_seconds()
            if wait_s > min(LONG_WAIT_S, deadline.remaining_s()):
                deadline.check(pms)
                raise RetryLaterError("RATE-WAIT", pms=pms, retry_at=until)
            deadline.wait(max(0.0, wait_s), pms)
            until = self.blocked_until(host)

    def _wait_for_rate(self, host: str, deadline: Deadline, pms: str) -> bool:
        """Wait for room in the last minute and take it; True when there was any waiting."""
        deadline.check(pms)
        if self.requests_per_minute is None:
            return False
        step_s = min(STEP_S, 60.0 / self.requests_per_minute)
        waited = False
        while not self.store.try_call(host, self.requests_per_minute):
            if step_s > deadline.remaining_s():
                deadline.check(pms)
                raise RetryLaterError(
                    "RATE-WAIT", pms=pms, retry_at=self.store._now() + timedelta(seconds=LONG_WAIT_S)
                )
            deadline.wait(step_s, pms)
            waited = True
        return waited


def _acquire(slots: threading.BoundedSemaphore, deadline: Deadline, pms: str) -> None:
    while not slots.acquire(timeout=min(1.0, deadline.remaining_s())):
        deadline.check(pms)
