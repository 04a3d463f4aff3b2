"""Calls are counted right however many threads count at once, for vendors' hosts and for the JSON interface."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask

from pmsapp.adapters.client.rate_limit import ProcessStorage, RateLimitStore
from pmsapp.api import rate_limit as api_limits

THREADS = 4
ROUNDS = 400
ROOM = 500

Count = Callable[[], bool]


class TimerThatEndsAtOnce(threading.Timer):
    """Whatever a store does later by itself, it does now, and so as often as it can."""

    def __init__(self, interval: float, function: Callable[..., object]) -> None:
        super().__init__(0.0, function)


@pytest.fixture(autouse=True)
def in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Threads change at every chance there is."""
    monkeypatch.setattr(threading, "Timer", TimerThatEndsAtOnce)
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(usual)


@pytest.fixture(params=["vendor", "api"])
def count(request: pytest.FixtureRequest, app: Flask) -> Count:
    """One call counted by a limiter without Redis; True when it fits."""
    if request.param == "vendor":
        store = RateLimitStore()
        return lambda: store.try_call("api.vendor.example", ROOM)

    def count_for_api() -> bool:
        with app.app_context():
            return api_limits.retry_after_s("token:1:read", ROOM) is None

    return count_for_api


def test_calls_counted_by_many_threads_at_once_are_neither_lost_nor_fail(count: Count) -> None:
    gate = threading.Barrier(THREADS)

    def work(_: int) -> int:
        fitted = 0
        for _ in range(ROUNDS):
            gate.wait(30)
            try:
                fitted += count()
            except Exception:
                gate.abort()
                raise
        return fitted

    with ThreadPoolExecutor(THREADS) as pool:
        assert sum(pool.map(work, range(THREADS))) == ROOM


def test_a_window_moves_on_and_tells_when_it_began(monkeypatch: pytest.MonkeyPatch) -> None:
    now_s = 1000.0
    monkeypatch.setattr("time.time", lambda: now_s)
    storage = ProcessStorage()
    assert storage.get_moving_window("k", 2, 60) == (1000.0, 0)
    assert storage.acquire_entry("k", 2, 60)
    now_s = 1030.0
    assert storage.acquire_entry("k", 2, 60)
    assert not storage.acquire_entry("k", 2, 60)
    assert storage.acquire_entry("other", 2, 60)
    assert storage.get_moving_window("k", 2, 60) == (1000.0, 2)
    now_s = 1060.5
    assert storage.get_moving_window("k", 2, 60) == (1030.0, 1)
    assert storage.acquire_entry("k", 2, 60)
    assert not storage.acquire_entry("k", 2, 60, amount=2)
