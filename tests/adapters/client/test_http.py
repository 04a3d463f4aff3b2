"""The vendor client: what it sends, what it hands back, and which error each refusal becomes."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from pmsapp.adapters.client.http import HTTPClient
from pmsapp.adapters.client.messages import Refusal, path
from pmsapp.adapters.client.tokens import MemoryTokens, Token
from pmsapp.domain.errors import (
    BadVendorDataError,
    NotFoundError,
    PMSError,
    ReconnectRequiredError,
    RetryLaterError,
)
from tests.adapters.client.scripted import Script, answer, client_for, serving
from tests.support.clock import FrozenClock


@pytest.fixture
def script() -> Iterator[Script]:
    with serving() as script:
        yield script


@pytest.fixture
def client(script: Script) -> Iterator[HTTPClient]:
    client = client_for(script)
    yield client
    client.close()


def test_a_reply_holds_the_decoded_json(script: Script, client: HTTPClient) -> None:
    script.then(answer({"name": "Zoë"}, headers={"X-Left": "4"}))
    reply = client.get("things", kind="things")
    assert reply.data == {"name": "Zoë"}
    assert reply.status == 200
    assert reply.headers["x-left"] == "4"


def test_query_values_are_encoded_whole_and_none_is_left_out(script: Script, client: HTTPClient) -> None:
    client.get(
        "things",
        {"from": "2026-11-23T00:00:00+11:00", "id": [1, 2], "cursor": None, "q": "a b&c"},
        kind="things",
    )
    assert script.seen[0].path == "/v1/things?from=2026-11-23T00%3A00%3A00%2B11%3A00&id=1&id=2&q=a%20b%26c"


def test_path_segments_are_encoded_whole() -> None:
    assert path("apps", "a/b c", "1234?x#y") == "apps/a%2Fb%20c/1234%3Fx%23y"


@pytest.mark.parametrize("segment", ["", ".", ".."])
def test_a_segment_that_would_climb_the_path_is_refused(segment: str) -> None:
    with pytest.raises(ValueError, match="segment"):
        path("patients", segment)


def test_a_user_agent_and_json_are_asked_for_and_no_cookie_is_kept(
    script: Script, client: HTTPClient
) -> None:
    script.then(answer({}, headers={"Set-Cookie": "sid=1; Path=/"}))
    client.get("things", kind="things")
    client.get("things", kind="things", headers={"Accept": "application/fhir+json"})
    assert script.seen[0].headers["User-Agent"] == "pmsapp tests"
    assert script.seen[0].headers["Accept"] == "application/json"
    assert script.seen[1].headers["Accept"] == "application/fhir+json"
    assert "Cookie" not in script.seen[1].headers
    assert "Authorization" not in script.seen[1].headers


def test_proxies_of_the_environment_are_not_used(
    script: Script, client: HTTPClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert client.get("things", kind="things").data == {}


def test_one_connection_serves_many_calls_of_a_thread(script: Script, client: HTTPClient) -> None:
    script.then(answer({}, status=404), answer({"a": [1] * 50_000}))
    with pytest.raises(NotFoundError):
        client.get("things", kind="things")
    for _ in range(3):
        client.get("things", kind="things")
    assert len({seen.connection for seen in script.seen}) == 1


def test_many_threads_may_use_one_client(script: Script, client: HTTPClient) -> None:
    script.then(answer({"ok": True}))
    with ThreadPoolExecutor(8) as pool:
        replies = list(pool.map(lambda n: client.get(f"things/{n}", kind="things").data, range(40)))
    assert replies == [{"ok": True}] * 40


def test_equal_bodies_have_equal_digests_and_others_do_not(script: Script, client: HTTPClient) -> None:
    script.then(answer({"a": 1}), answer({"a": 1}), answer({"a": 2}))
    first, second, third = (client.get("things", kind="things").digest for _ in range(3))
    assert first == second != third


def test_the_clock_skew_is_theirs_minus_ours(
    script: Script, client: HTTPClient, frozen_clock: FrozenClock
) -> None:
    def step(handler):  # type: ignore[no-untyped-def]
        handler.send_response_only(200)
        handler.send_header("Date", "Sun, 22 Nov 2026 22:10:00 GMT")
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", "2")
        handler.end_headers()
        handler.wfile.write(b"{}")

    script.then(step)
    assert client.get("things", kind="things").clock_skew_s == 600.0


def test_without_a_date_header_the_skew_is_unknown(script: Script, client: HTTPClient) -> None:
    def step(handler):  # type: ignore[no-untyped-def]
        handler.send_response_only(200)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", "2")
        handler.end_headers()
        handler.wfile.write(b"{}")

    script.then(step)
    assert client.get("things", kind="things").clock_skew_s is None


@pytest.mark.parametrize("content_type", ["application/fhir+json; charset=utf-8", "application/problem+json"])
def test_every_json_media_type_is_taken(script: Script, client: HTTPClient, content_type: str) -> None:
    script.then(answer({"a": 1}, content_type=content_type))
    assert client.get("things", kind="things").data == {"a": 1}


def test_an_empty_body_is_none_only_where_that_is_allowed(script: Script, client: HTTPClient) -> None:
    script.then(answer(body=b"", status=204, content_type=None))
    assert client.get("things", kind="things", empty_ok=True).data is None
    with pytest.raises(BadVendorDataError, match="empty"):
        client.get("things", kind="things")


@pytest.mark.parametrize(
    ("status", "expected", "code"),
    [
        (400, BadVendorDataError, "PMS-REFUSED"),
        (401, ReconnectRequiredError, "AUTH-REFUSED"),
        (403, ReconnectRequiredError, "AUTH-SCOPE"),
        (404, NotFoundError, "RECORD-GONE"),
        (405, BadVendorDataError, "PMS-REFUSED"),
        (408, RetryLaterError, "PMS-SLOW"),
        (410, NotFoundError, "RECORD-GONE"),
        (422, BadVendorDataError, "PMS-REFUSED"),
        (429, RetryLaterError, "RATE-WAIT"),
        (442, BadVendorDataError, "PMS-REFUSED"),
        (500, RetryLaterError, "PMS-DOWN"),
        (501, RetryLaterError, "PMS-DOWN"),
        (503, RetryLaterError, "PMS-DOWN"),
        (599, RetryLaterError, "PMS-DOWN"),
        (302, BadVendorDataError, "PMS-GARBLED"),
        (304, BadVendorDataError, "PMS-GARBLED"),
    ],
)
def test_each_refusal_becomes_the_error_of_who_acts(
    script: Script, client: HTTPClient, status: int, expected: type[PMSError], code: str
) -> None:
    script.then(answer({"message": "CANARY Marigold Quoll"}, status=status))
    with pytest.raises(expected) as caught:
        client.get("things/CANARY-ID", {"patientId": "CANARY-PATIENT"}, kind="things")
    assert caught.value.code == code
    assert caught.value.pms == "Testsoft"
    assert "things" in caught.value.note
    assert "CANARY" not in everything_said(caught.value)


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_a_passing_trouble_is_tried_again(script: Script, client: HTTPClient, status: int) -> None:
    script.then(answer({}, status=status), answer({}, status=status), answer({"ok": 1}))
    assert client.get("things", kind="things").data == {"ok": 1}
    assert len(script.seen) == 3


@pytest.mark.parametrize("status", [400, 403, 404, 409, 501, 302])
def test_what_another_try_cannot_change_is_not_tried_again(
    script: Script, client: HTTPClient, status: int
) -> None:
    script.then(answer({}, status=status))
    with pytest.raises(PMSError):
        client.get("things", kind="things")
    assert len(script.seen) == 1


def test_tries_end_after_the_retries(script: Script) -> None:
    script.then(answer({}, status=503))
    with pytest.raises(RetryLaterError):
        client_for(script, retries=2).get("things", kind="things")
    assert len(script.seen) == 3


def test_a_vendor_may_read_a_refusal_its_own_way_and_that_ends_the_tries(
    script: Script, client: HTTPClient
) -> None:
    script.then(answer({"fault": "setup"}, status=500))

    def refine(refusal: Refusal) -> PMSError | None:
        assert (refusal.status, refusal.kind) == (500, "things")
        return ReconnectRequiredError("APP-NOT-ENABLED") if refusal.data == {"fault": "setup"} else None

    with pytest.raises(ReconnectRequiredError) as caught:
        client.get("things", kind="things", refine=refine)
    assert caught.value.code == "APP-NOT-ENABLED"
    assert len(script.seen) == 1


@pytest.mark.parametrize(("status", "read"), [(500, 4), (502, 1)])
def test_a_refusal_that_is_no_json_has_no_data_and_a_long_one_is_cut(
    script: Script, client: HTTPClient, status: int, read: int
) -> None:
    script.then(answer(body=b"<html>" + b"x" * 300_000, status=status, content_type="text/html"))
    seen: list[object] = []
    with pytest.raises(RetryLaterError):
        client.get("things", kind="things", refine=lambda refusal: seen.append(refusal.data))
    assert seen == [None] * read
    assert len(script.seen) == 4


def test_a_put_is_sent_once_even_when_the_answer_is_lost(script: Script, client: HTTPClient) -> None:
    script.then(answer({}, status=503))
    with pytest.raises(RetryLaterError):
        client.put("apps/x/pairing/y", kind="pairing")
    assert [seen.method for seen in script.seen] == ["PUT"]


def test_a_form_and_a_document_are_posted_as_what_they_are(script: Script, client: HTTPClient) -> None:
    client.post_form("token", {"grant_type": "a b&c"}, kind="token", headers={"Authorization": "Basic eA=="})
    client.post_json("token", {"name": "é"}, kind="token")
    form, document = script.seen
    assert form.body == b"grant_type=a+b%26c"
    assert form.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert form.headers["Authorization"] == "Basic eA=="
    assert document.body == b'{"name": "\\u00e9"}'
    assert document.headers["Content-Type"] == "application/json"


def test_a_full_address_of_the_same_origin_is_followed(script: Script, client: HTTPClient) -> None:
    client.get(f"{script.url}/things?page=2", {"x": 1}, kind="things")
    assert script.seen[0].path == "/v1/things?page=2&x=1"


@pytest.mark.parametrize(
    "link",
    [
        "http://127.0.0.1:1/v1/things",
        "https://127.0.0.1/v1/things",
        "http://evil.example/v1",
        "http://user@127.0.0.1/v1",
    ],
)
def test_a_link_to_another_address_is_not_followed(script: Script, client: HTTPClient, link: str) -> None:
    with pytest.raises(BadVendorDataError) as caught:
        client.get(link, kind="things")
    assert caught.value.code == "PMS-GARBLED"
    assert script.seen == []


# Tokens


def _tokens(*names: str, seen: list[str] | None = None) -> MemoryTokens:
    left = list(names)

    def mint() -> Token:
        return Token(left.pop(0), None)

    return MemoryTokens(mint)


def test_the_token_is_sent_as_bearer(script: Script, client: HTTPClient) -> None:
    client.with_tokens(_tokens("tok-1")).get("things", kind="things")
    assert script.seen[0].headers["Authorization"] == "Bearer tok-1"


def test_a_refused_token_is_renewed_once_and_the_call_repeated(script: Script, client: HTTPClient) -> None:
    script.then(answer({}, status=401), answer({"ok": 1}))
    tokens = _tokens("tok-1", "tok-2")
    assert client.with_tokens(tokens).get("things", kind="things").data == {"ok": 1}
    assert [seen.headers["Authorization"] for seen in script.seen] == ["Bearer tok-1", "Bearer tok-2"]


def test_a_token_refused_twice_asks_for_a_new_sign_in(script: Script, client: HTTPClient) -> None:
    script.then(answer({"secret": "tok-2"}, status=401))
    with pytest.raises(ReconnectRequiredError) as caught:
        client.with_tokens(_tokens("tok-1", "tok-2")).get("things", kind="things")
    assert caught.value.code == "AUTH-EXPIRED"
    assert len(script.seen) == 2
    assert "tok-" not in everything_said(caught.value)


def test_an_expired_token_may_come_as_another_answer(script: Script, client: HTTPClient) -> None:
    script.then(answer({"issue": "expired"}), answer({"issue": "expired"}, status=400), answer({"ok": 1}))

    def is_expired(status: int, data: object) -> bool:
        return data == {"issue": "expired"}

    with_tokens = client.with_tokens(_tokens("tok-1", "tok-2", "tok-3"))
    with pytest.raises(ReconnectRequiredError):
        with_tokens.get("things", kind="things", is_expired=is_expired)
    assert with_tokens.get("things", kind="things", is_expired=is_expired).data == {"ok": 1}


def test_a_refused_token_is_renewed_even_for_a_put(script: Script, client: HTTPClient) -> None:
    script.then(answer({}, status=401), answer({"ok": 1}))
    assert client.with_tokens(_tokens("a", "b")).put("x", kind="pairing").data == {"ok": 1}


@pytest.mark.parametrize("token", ["", "with space", "line\r\nX-Evil: 1", "em–dash"])
def test_a_token_that_cannot_be_sent_is_a_refused_login(
    script: Script, client: HTTPClient, token: str
) -> None:
    with pytest.raises(ReconnectRequiredError) as caught:
        client.with_tokens(_tokens(token)).get("things", kind="things")
    assert caught.value.code == "AUTH-REFUSED"
    assert script.seen == []


def test_many_threads_with_a_refused_token_mint_one_new(script: Script, client: HTTPClient) -> None:
    minted = iter(range(100))
    tokens = MemoryTokens(lambda: Token(f"tok-{next(minted)}", None))
    assert tokens.get().access_token == "tok-0"
    gate = threading.Barrier(6)

    def step(handler):  # type: ignore[no-untyped-def]
        good = handler.headers["Authorization"] == "Bearer tok-1"
        answer({"ok": good}, status=200 if good else 401)(handler)

    script.then(step)
    with_tokens = client.with_tokens(tokens)

    def call(_: int) -> object:
        gate.wait()
        return with_tokens.get("things", kind="things").data

    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(call, range(6))) == [{"ok": True}] * 6
    assert tokens.minted == 2


def test_memory_tokens_mint_again_when_the_token_is_over() -> None:
    now = datetime(2026, 11, 22, tzinfo=UTC)
    tokens = MemoryTokens(lambda: Token("x", now + timedelta(seconds=60)), now=lambda: now)
    tokens.get()
    tokens.get()
    assert tokens.minted == 1
    now += timedelta(seconds=60)
    tokens.get()
    assert tokens.minted == 2


def test_nothing_secret_is_in_any_repr(script: Script, client: HTTPClient) -> None:
    script.then(answer({"name": "CANARY"}))
    tokens = _tokens("CANARY-TOKEN")
    with_tokens = client.with_tokens(tokens)
    reply = with_tokens.get("things", kind="things")
    said = repr(
        (client, with_tokens, tokens, reply, Refusal(400, {"name": "CANARY"}, "things"), tokens.get())
    )
    assert "CANARY" not in said


# Telling


def test_every_attempt_is_counted_with_its_kind_and_status(script: Script) -> None:
    script.then(answer({}, status=503), answer({}))
    heard: list[tuple[str, int, float]] = []
    client_for(script, on_request=lambda *told: heard.append(told)).get("things", kind="things")
    assert [(kind, status) for kind, status, _ in heard] == [("things", 503), ("things", 200)]
    assert all(duration_s >= 0 for *_, duration_s in heard)


def test_the_log_names_kind_and_status_and_nothing_of_the_request(
    script: Script, client: HTTPClient, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    script.then(answer({"name": "CANARY-BODY"}, status=503), answer({"name": "CANARY-BODY"}))
    client.with_tokens(_tokens("CANARY-TOKEN")).get("things/CANARY-ID", {"q": "CANARY-QUERY"}, kind="things")
    written = "".join(capfd.readouterr()) + caplog.text
    assert "things" in written
    assert "503" in written
    assert "CANARY" not in written


def everything_said(error: BaseException) -> str:
    """Every message and repr in the chain of an error, as a logger or an error tracker would walk it."""
    said: list[str] = []
    links: list[BaseException | None] = [error]
    while links:
        link = links.pop()
        if link is not None:
            said += [str(link), repr(link), repr(link.__dict__)]
            links += [link.__cause__, link.__context__]
    return "\n".join(said)
