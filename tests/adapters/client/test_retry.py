"""The repeats that the session's own adapter does, and what each of them has to obey."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from requests import Session
from structlog.testing import capture_logs
from urllib3.util import Retry

from pmsapp.adapters.client.deadline import Deadline
from pmsapp.adapters.client.http import HTTPClient
from pmsapp.adapters.client.messages import Refusal
from pmsapp.adapters.client.rate_limit import RateLimit, RateLimitStore
from pmsapp.adapters.client.tokens import MemoryTokens, Token
from pmsapp.domain.errors import PMSError, ReconnectRequiredError, RetryLaterError
from tests.adapters.client.scripted import Handler, Script, Step, answer, client_for, raw, serving
from tests.adapters.client.test_http import everything_said
from tests.support.clock import FrozenClock

BROKEN = raw(b"")
CUT = raw(b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"a": 1}')


@pytest.fixture
def script() -> Iterator[Script]:
    with serving() as script:
        yield script


@pytest.fixture
def sends(monkeypatch: pytest.MonkeyPatch) -> list[Retry]:
    """The repeats that the adapter carried, once for every time a session was asked to send."""
    carried: list[Retry] = []
    send = Session.send

    def noting(session: Session, request: object, **options: object) -> object:
        carried.append(session.get_adapter(request.url).max_retries)  # type: ignore[attr-defined]
        return send(session, request, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(Session, "send", noting)
    return carried


def _host(script: Script) -> str:
    return f"127.0.0.1:{script.port}"


def _caught(client: HTTPClient, **options: object) -> PMSError:
    with pytest.raises(PMSError) as caught:
        client.get("things", {"patientId": "CANARY"}, kind="things", **options)  # type: ignore[arg-type]
    assert "CANARY" not in everything_said(caught.value)
    return caught.value


# Who repeats


@pytest.mark.parametrize("status", [408, 429, 502, 503, 504])
def test_the_adapter_repeats_what_the_status_alone_decides(
    script: Script, sends: list[Retry], status: int
) -> None:
    script.then(answer({}, status=status), answer({}, status=status), answer({"ok": 1}))
    assert client_for(script).get("things", kind="things").data == {"ok": 1}
    assert len(script.seen) == 3
    assert [retry.total for retry in sends] == [3]


@pytest.mark.parametrize("fault", [BROKEN, CUT], ids=["broken", "cut"])
def test_the_adapter_repeats_what_the_connection_alone_decides(
    script: Script, sends: list[Retry], fault: Step
) -> None:
    script.then(fault, fault, answer({"ok": 1}))
    assert client_for(script).get("things", kind="things").data == {"ok": 1}
    assert len(script.seen) == 3
    assert len(sends) == 1


def test_a_500_is_read_before_it_is_repeated_and_its_repeats_are_the_same_ones(
    script: Script, sends: list[Retry]
) -> None:
    script.then(answer({"n": 1}, status=500), answer({}, status=503), answer({"n": 2}, status=500))
    read: list[object] = []
    client = client_for(script)
    assert _caught(client, refine=lambda refusal: read.append(refusal.data)).code == "PMS-DOWN"
    assert read == [{"n": 1}, {"n": 2}, {"n": 2}]
    assert len(script.seen) == 4
    assert [retry.total for retry in sends] == [3, 2, 0]


def test_a_500_is_repeated_by_the_adapter_where_the_vendor_says_that_it_passes(
    script: Script, sends: list[Retry]
) -> None:
    script.then(answer({}, status=500), answer({}, status=500), answer({"ok": 1}))
    assert client_for(script, repeats_500=True).get("things", kind="things").data == {"ok": 1}
    assert len(sends) == 1


def test_what_the_body_of_the_last_answer_says_is_heard(script: Script) -> None:
    script.then(answer({}, status=503), answer({"fault": "setup"}, status=503))

    def refine(refusal: Refusal) -> PMSError | None:
        return ReconnectRequiredError("APP-NOT-ENABLED") if refusal.data == {"fault": "setup"} else None

    assert _caught(client_for(script, retries=1), refine=refine).code == "APP-NOT-ENABLED"


def test_a_new_token_gives_no_new_repeats(script: Script) -> None:
    script.then(answer({}, status=503), answer({}, status=401), answer({}, status=503))
    names = iter(("tok-1", "tok-2"))
    client = client_for(script).with_tokens(MemoryTokens(lambda: Token(next(names), None)))
    assert _caught(client).code == "PMS-DOWN"
    assert [seen.headers["Authorization"][-1] for seen in script.seen] == ["1", "1", "2", "2", "2"]


@pytest.mark.parametrize("fault", [answer({}, status=503), BROKEN], ids=["503", "broken"])
def test_asking_for_a_token_is_repeated_and_a_put_is_not(script: Script, fault: Step) -> None:
    script.then(fault)
    client = client_for(script)
    with pytest.raises(RetryLaterError):
        client.post_json("token", {"client_id": "x"}, kind="token")
    assert [(seen.method, seen.body) for seen in script.seen] == [("POST", b'{"client_id": "x"}')] * 4
    script.seen.clear()
    with pytest.raises(RetryLaterError):
        client.put("pairing", kind="pairing")
    assert [seen.method for seen in script.seen] == ["PUT"]


def test_an_answer_with_two_lengths_is_a_line_that_breaks(script: Script) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2, 3\r\n\r\n{}"
    script.then(raw(head), answer({"ok": 1}))
    assert client_for(script).get("things", kind="things").data == {"ok": 1}


def test_repeats_use_one_connection_unless_the_answer_was_too_long_to_read(script: Script) -> None:
    script.then(answer({}, status=503), answer({}, status=503), answer({"ok": 1}))
    client = client_for(script)
    client.get("things", kind="things")
    assert len({seen.connection for seen in script.seen}) == 1
    long = answer(body=b"x" * 300_000, status=503, content_type="text/html")
    script.steps[:] = [long, answer({"ok": 1})]
    script.seen.clear()
    assert client.get("things", kind="things").data == {"ok": 1}
    assert len({seen.connection for seen in script.seen}) == 2


# What each attempt obeys


def test_every_attempt_is_told_with_its_number(script: Script) -> None:
    script.then(BROKEN, answer({}, status=503), answer({}, status=500), answer({}))
    heard: list[tuple[str, int]] = []
    client = client_for(script, on_request=lambda kind, status, _: heard.append((kind, status)))
    with capture_logs() as told:
        client.get("things", kind="things")
    assert heard == [("things", 0), ("things", 503), ("things", 500), ("things", 200)]
    assert [(line["event"], line["attempt"], line["status"]) for line in told] == [
        ("vendor_request", 1, 0),
        ("vendor_request", 2, 503),
        ("vendor_request", 3, 500),
        ("vendor_request", 4, 200),
    ]


def test_the_slot_is_free_while_a_repeat_waits(script: Script) -> None:
    rate_limit = RateLimit(RateLimitStore(), concurrency=1)
    slots: list[bool] = []

    class Watched(Deadline):
        def wait(self, seconds: float, pms: str) -> None:
            free = rate_limit.store.slots(_host(script), 1).acquire(blocking=False)
            slots.append(free)
            if free:
                rate_limit.store.slots(_host(script), 1).release()

    script.then(BROKEN, answer({}, status=503), answer({}))
    client_for(script, rate_limit=rate_limit, deadline=Watched()).get("things", kind="things")
    assert slots == [True, True]


@pytest.mark.parametrize("fault", [answer({}, status=503), BROKEN], ids=["503", "broken"])
def test_a_repeat_of_a_host_that_is_blocked_meanwhile_ends_the_call(
    script: Script, frozen_clock: FrozenClock, fault: Step
) -> None:
    store, until = RateLimitStore(), frozen_clock.at + timedelta(minutes=5)

    def step(handler: Handler) -> None:
        store.block(_host(script), until)
        fault(handler)

    script.then(step)
    error = _caught(client_for(script, rate_limit=RateLimit(store)))
    assert isinstance(error, RetryLaterError)
    assert (error.code, error.retry_at) == ("RATE-WAIT", until)
    assert len(script.seen) == 1


def test_a_short_wait_holds_for_everybody(script: Script) -> None:
    store = RateLimitStore()
    known: list[bool] = []

    class Watched(Deadline):
        def wait(self, seconds: float, pms: str) -> None:
            known.append(store.blocked_until(_host(script)) is not None)
            super().wait(seconds, pms)

    script.then(answer({}, status=429, headers={"Retry-After": "1"}), answer({}))
    client_for(script, rate_limit=RateLimit(store), deadline=Watched()).get("things", kind="things")
    assert known[0] is True


@pytest.mark.parametrize("repeats_500", [True, False])
def test_a_long_wait_at_a_repeat_ends_the_call_and_blocks_the_host(
    script: Script, frozen_clock: FrozenClock, repeats_500: bool
) -> None:
    store = RateLimitStore()
    script.then(answer({}, status=500), answer({}, status=500, headers={"Retry-After": "11"}))
    error = _caught(client_for(script, rate_limit=RateLimit(store), repeats_500=repeats_500))
    assert isinstance(error, RetryLaterError)
    assert error.retry_at == frozen_clock.at + timedelta(seconds=11) == store.blocked_until(_host(script))
    assert len(script.seen) == 2


@pytest.mark.parametrize("fault", [answer({}, status=503), answer({}, status=500), BROKEN])
def test_cancelling_wakes_a_repeat_that_waits(script: Script, fault: Step) -> None:
    script.then(fault)
    deadline = Deadline()

    def cancel(kind: str, status: int, duration_s: float) -> None:
        if len(script.seen) == 2:
            timer.start()

    timer = threading.Timer(0.05, deadline.cancel)
    started = time.monotonic()
    error = _caught(client_for(script, backoff_s=5.0, deadline=deadline, on_request=cancel))
    timer.join()
    assert error.code == "RUN-CANCELLED"
    assert time.monotonic() - started < 4
    assert len(script.seen) == 2


@pytest.mark.parametrize("fault", [answer({}, status=503), answer({}, status=500), BROKEN])
def test_a_repeat_that_would_come_after_the_end_is_not_waited_for(script: Script, fault: Step) -> None:
    script.then(fault)
    started = time.monotonic()
    error = _caught(client_for(script, backoff_s=30.0, deadline=Deadline(5.0)))
    assert error.code == "PMS-DOWN"
    assert time.monotonic() - started < 2
    assert len(script.seen) == 2


def test_the_library_says_nothing_of_an_address(
    script: Script, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    script.then(BROKEN, answer({}, status=503), answer({}))
    client_for(script).get("things/CANARY", {"q": "CANARY"}, kind="things")
    assert "CANARY" not in "".join(capfd.readouterr()) + caplog.text


def test_a_turn_is_given_back_however_a_call_ends(script: Script) -> None:
    rate_limit = RateLimit(RateLimitStore(), concurrency=1)
    client = client_for(script, rate_limit=rate_limit, retries=0, deadline=Deadline(30.0))
    endings: list[Callable[[], Step]] = [
        lambda: answer({}, status=503),
        lambda: BROKEN,
        lambda: answer(body=b"no gzip", headers={"Content-Encoding": "gzip"}),
        lambda: answer({}, status=302),
    ]
    for ending in endings:
        script.steps[:] = [ending()]
        _caught(client)
        assert rate_limit.store.slots(_host(script), 1).acquire(blocking=False), "the slot is still held"
        rate_limit.store.slots(_host(script), 1).release()
