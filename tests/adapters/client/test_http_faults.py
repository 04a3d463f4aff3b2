"""What can go wrong on the wire, byte by byte, and that each comes out as one of our errors in bounded time."""

from __future__ import annotations

import datetime as dt
import gzip
import ipaddress
import socket
import ssl
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from pmsapp.adapters.client import http, retry, transport
from pmsapp.adapters.client.deadline import Deadline
from pmsapp.adapters.client.hosts import HostPolicy
from pmsapp.adapters.client.http import HTTPClient
from pmsapp.domain.errors import BadVendorDataError, PMSError, ReconnectRequiredError, RetryLaterError
from tests.adapters.client.scripted import LABEL, Handler, Script, answer, client_for, raw, serving
from tests.adapters.client.test_http import everything_said
from tests.support.clock import FrozenClock

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


@pytest.fixture
def script() -> Iterator[Script]:
    with serving() as script:
        yield script


@pytest.fixture
def client(script: Script) -> Iterator[HTTPClient]:
    client = client_for(script, read_timeout_s=0.3)
    yield client
    client.close()


def _error(client: HTTPClient) -> PMSError:
    with pytest.raises(PMSError) as caught:
        client.get("things", {"patientId": "CANARY"}, kind="things")
    assert "CANARY" not in everything_said(caught.value)
    return caught.value


# Answers that make no sense


@pytest.mark.parametrize(
    "step",
    [
        answer(body=b"<html>Please sign in</html>", content_type="text/html"),
        answer(body=b'{"a": 1}', content_type="text/plain"),
        answer(body=b'{"a": 1}', content_type=None),
        answer(body=b'{"a": 1}', content_type="application/jsonp"),
        answer(body=b"<html>", content_type="application/json"),
        answer(body=b""),
        answer(body=b"  \r\n"),
        answer(body=b'{"a": 1'),
        answer(body=b'{"a": 1} trailing'),
        answer(body=b'\xef\xbb\xbf{"a": 1}'),
        answer(body=b'{"a": 1, "a": 2}'),
        answer(body=b'{"a": NaN}'),
        answer(body=b'{"a": -Infinity}'),
        answer(body=b'{"a": ' + b"9" * 5000 + b"}"),
        answer(body=b"[" * 100_000 + b"]" * 100_000),
        answer(body=b'{"a": "\xff"}'),
        answer(body=b"not gzip at all", headers={"Content-Encoding": "gzip"}),
        answer(body=gzip.compress(b'{"a": 1}') + b"junk", headers={"Content-Encoding": "br"}),
    ],
)
def test_an_answer_that_makes_no_sense_is_garbled_and_not_tried_again(
    script: Script, client: HTTPClient, step: object
) -> None:
    script.then(step)  # type: ignore[arg-type]
    error = _error(client)
    assert isinstance(error, BadVendorDataError)
    assert error.code == "PMS-GARBLED"
    assert len(script.seen) == 1


def test_packed_answers_are_unpacked(script: Script, client: HTTPClient) -> None:
    script.then(answer(body=gzip.compress(b'{"a": 1}'), headers={"Content-Encoding": "gzip"}))
    assert client.get("things", kind="things").data == {"a": 1}


def test_a_bomb_is_put_down_before_it_is_unpacked(script: Script, client: HTTPClient) -> None:
    bomb = gzip.compress(b" " * (transport.MAX_BODY_BYTES + 2**20))
    script.then(answer(body=bomb, headers={"Content-Encoding": "gzip"}))
    error = _error(client)
    assert error.code == "PMS-GARBLED"
    assert "larger than 20 MB" in error.note


def test_an_endless_answer_is_cut_off_at_the_ceiling(
    script: Script, client: HTTPClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "MAX_BODY_BYTES", 100_000)

    def step(handler: Handler) -> None:
        handler.wfile.write(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
        for _ in range(1000):
            handler.wfile.write(b"2710\r\n" + b" " * 10_000 + b"\r\n")
            handler.wfile.flush()

    script.then(step)
    assert _error(client).code == "PMS-GARBLED"


# Lines that break


@pytest.mark.parametrize(
    "step",
    [
        raw(HEAD + b'Content-Length: 100\r\n\r\n{"a": 1}'),
        raw(HEAD + b'Transfer-Encoding: chunked\r\n\r\n50\r\n{"a": 1}'),
        raw(HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n"),
        raw(b""),
        raw(b"SSH-2.0-OpenSSH_9.6\r\n"),
        raw(b"HTTP/1.1 200 OK\r\n" + b"X: 1\r\n" * 500 + b"\r\n"),
        raw(b"HTTP/1.1 200 OK\r\nX: " + b"a" * 100_000 + b"\r\n\r\n"),
    ],
)
def test_a_line_that_breaks_is_tried_again_and_then_waited_for(
    script: Script, client: HTTPClient, step: object
) -> None:
    script.then(step)  # type: ignore[arg-type]
    error = _error(client)
    assert isinstance(error, RetryLaterError)
    assert error.code == "PMS-DOWN"
    assert len(script.seen) == 4


def test_a_body_cut_short_once_is_read_whole_the_next_time(script: Script, client: HTTPClient) -> None:
    script.then(raw(HEAD + b'Content-Length: 100\r\n\r\n{"a": 1}'), answer({"a": 2}))
    assert client.get("things", kind="things").data == {"a": 2}


def test_a_refused_connection_is_the_vendor_being_down_and_nothing_was_sent() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        client = client_for(Script(url=f"http://127.0.0.1:{port}"), retries=1)
        error = _error(client)
        with pytest.raises(RetryLaterError) as put:
            client.put("x", kind="pairing")
    assert error.code == "PMS-DOWN"
    assert put.value.__cause__ is not None
    assert put.value.__cause__.sent is False  # type: ignore[attr-defined]


def test_a_lost_answer_was_sent(script: Script, client: HTTPClient) -> None:
    script.then(raw(b""))
    with pytest.raises(RetryLaterError) as caught:
        client.put("x", kind="pairing")
    assert caught.value.__cause__.sent is True  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (socket.gaierror(socket.EAI_NONAME, "Name or service not known"), "NET-LOCAL"),
        (socket.gaierror(socket.EAI_AGAIN, "Temporary failure"), "NET-LOCAL"),
        (UnicodeError("label too long"), "NET-LOCAL"),
    ],
)
def test_a_name_that_is_not_found_is_trouble_on_our_side(
    monkeypatch: pytest.MonkeyPatch, fault: Exception, code: str
) -> None:
    def look_up(*_: object, **__: object) -> object:
        raise fault

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    client = HTTPClient(
        "https://api.example.com",
        label=LABEL,
        user_agent="t",
        hosts=HostPolicy(["api.example.com"]),
        backoff_s=0,
    )
    assert _error(client).code == code


@pytest.mark.parametrize(
    ("errno_name", "code"),
    [
        ("ENETUNREACH", "NET-LOCAL"),
        ("EHOSTUNREACH", "NET-LOCAL"),
        ("ECONNREFUSED", "PMS-DOWN"),
        ("ETIMEDOUT", "PMS-SLOW"),
    ],
)
def test_a_connection_that_fails_says_whose_trouble_it_is(
    script: Script, client: HTTPClient, monkeypatch: pytest.MonkeyPatch, errno_name: str, code: str
) -> None:
    import errno

    def connect(*_: object, **__: object) -> object:
        raise OSError(getattr(errno, errno_name), errno_name)

    monkeypatch.setattr(transport.urllib3_connection, "create_connection", connect)
    assert _error(client).code == code


# Slow ones


def test_silence_ends_with_the_read_timeout(script: Script) -> None:
    script.then(lambda handler: handler.script.stopping.wait(5) and None)
    client = client_for(script, read_timeout_s=0.1, retries=1)
    started = time.monotonic()
    assert _error(client).code == "PMS-SLOW"
    assert time.monotonic() - started < 2


@pytest.mark.parametrize("head_too", [False, True])
def test_dripping_bytes_end_with_the_deadline(script: Script, client: HTTPClient, head_too: bool) -> None:
    def step(handler: Handler) -> None:
        head = HEAD + b"Content-Length: 1000\r\n\r\n"
        if not head_too:
            handler.wfile.write(head)
        handler.drip((head if head_too else b"") + b" " * 1000, 0.02)

    script.then(step)
    started = time.monotonic()
    with pytest.raises(RetryLaterError) as caught:
        client.with_deadline(Deadline(0.4)).get("things", kind="things")
    assert caught.value.code == "RUN-DEADLINE"
    assert time.monotonic() - started < 2


def test_dripping_bytes_end_without_a_deadline_too(script: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry, "MAX_REQUEST_S", 0.3)
    script.then(lambda handler: handler.drip(HEAD + b" " * 1000, 0.02))
    assert _error(client_for(script, retries=0)).code == "PMS-SLOW"


def test_endless_interim_answers_end_with_the_deadline(script: Script, client: HTTPClient) -> None:
    def step(handler: Handler) -> None:
        while not handler.script.stopping.wait(0.01):
            handler.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            handler.wfile.flush()

    script.then(step)
    with pytest.raises(RetryLaterError) as caught:
        client.with_deadline(Deadline(0.3)).get("things", kind="things")
    assert caught.value.code == "RUN-DEADLINE"


def test_when_no_time_is_left_for_another_try_the_trouble_itself_is_told(script: Script) -> None:
    script.then(answer({}, status=503))
    client = client_for(script, backoff_s=30.0, deadline=Deadline(5.0))
    started = time.monotonic()
    assert _error(client).code == "PMS-DOWN"
    assert time.monotonic() - started < 2
    assert len(script.seen) == 2


def test_a_cancelled_run_sends_nothing_more(script: Script, client: HTTPClient) -> None:
    deadline = Deadline()
    deadline.cancel()
    with pytest.raises(RetryLaterError) as caught:
        client.with_deadline(deadline).get("things", kind="things")
    assert caught.value.code == "RUN-CANCELLED"
    assert script.seen == []


# Asked to wait


@pytest.mark.parametrize("status", [429, 503])
def test_a_long_wait_is_never_slept_but_told(
    script: Script, client: HTTPClient, frozen_clock: FrozenClock, status: int
) -> None:
    script.then(answer({}, status=status, headers={"Retry-After": "120"}))
    error = _error(client)
    assert isinstance(error, RetryLaterError)
    assert error.code == "RATE-WAIT"
    assert error.retry_at == frozen_clock.at + dt.timedelta(seconds=120)
    assert len(script.seen) == 1


def test_a_wait_until_a_date_is_read_against_the_vendors_own_clock(
    script: Script, client: HTTPClient, frozen_clock: FrozenClock
) -> None:
    def step(handler: Handler) -> None:
        handler.send_response_only(429)
        handler.send_header("Date", "Mon, 23 Nov 2026 10:00:00 GMT")
        handler.send_header("Retry-After", "Mon, 23 Nov 2026 10:05:00 GMT")
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    script.then(step)
    error = _error(client)
    assert isinstance(error, RetryLaterError)
    assert error.retry_at == frozen_clock.at + dt.timedelta(minutes=5)


@pytest.mark.parametrize("text", ["99999999999999999999", "Fri, 31 Dec 9999 23:59:59 GMT"])
def test_a_wait_without_measure_is_cut_to_an_hour(
    script: Script, client: HTTPClient, frozen_clock: FrozenClock, text: str
) -> None:
    script.then(answer({}, status=429, headers={"Retry-After": text}))
    error = _error(client)
    assert isinstance(error, RetryLaterError)
    assert error.retry_at == frozen_clock.at + dt.timedelta(hours=1)


@pytest.mark.parametrize("text", ["-5", "0", "soon", "", "1.5e3", "Thu, 01 Jan 1970 00:00:00 GMT"])
def test_a_wait_that_makes_no_sense_is_an_ordinary_try_again(
    script: Script, client: HTTPClient, text: str
) -> None:
    script.then(answer({}, status=429, headers={"Retry-After": text}), answer({"ok": 1}))
    assert client.get("things", kind="things").data == {"ok": 1}


def test_a_short_wait_is_waited_out(script: Script, client: HTTPClient) -> None:
    script.then(answer({}, status=429, headers={"Retry-After": "1"}), answer({"ok": 1}))
    started = time.monotonic()
    assert client.get("things", kind="things").data == {"ok": 1}
    assert time.monotonic() - started >= 1


def test_too_many_calls_without_a_time_gives_one(
    script: Script, client: HTTPClient, frozen_clock: FrozenClock
) -> None:
    script.then(answer({}, status=429))
    error = _error(client)
    assert isinstance(error, RetryLaterError)
    assert error.retry_at == frozen_clock.at + dt.timedelta(seconds=http.UNNAMED_WAIT_S)
    assert len(script.seen) == 4


# TLS


def _server_context(folder: Path, name: str, *, valid: bool) -> ssl.SSLContext:
    key = ec.generate_private_key(ec.SECP256R1())
    now = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    alternative: x509.GeneralName = (
        x509.IPAddress(ipaddress.ip_address(name)) if name[0].isdigit() else x509.DNSName(name)
    )
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=400))
        .not_valid_after(now + dt.timedelta(days=3650 if valid else -30))
        .add_extension(x509.SubjectAlternativeName([alternative]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = folder / "server.pem"
    pem.write_bytes(
        certificate.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    return context


@pytest.mark.parametrize(
    ("name", "valid"), [("127.0.0.1", True), ("127.0.0.1", False), ("other.example.com", True)]
)
def test_a_server_whose_certificate_cannot_be_trusted_is_not_talked_to(
    tmp_path: Path, name: str, valid: bool
) -> None:
    with serving(answer({"a": 1}), tls=_server_context(tmp_path, name, valid=valid)) as script:
        client = client_for(script, hosts=HostPolicy((), (f"127.0.0.1:{script.port}",)), retries=0)
        error = _error(client)
        assert isinstance(error, RetryLaterError)
        assert "secure connection" in error.note
        assert script.seen == []


# Addresses


def test_a_redirect_is_refused_and_its_body_not_read(script: Script, client: HTTPClient) -> None:
    def step(handler: Handler) -> None:
        handler.wfile.write(b"HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/\r\n")
        handler.wfile.write(b"Content-Length: 99999999\r\n\r\n" + b"x" * 100_000)
        handler.wfile.flush()
        handler.script.stopping.wait(2)

    script.then(step)
    error = _error(client)
    assert error.code == "PMS-GARBLED"
    assert len(script.seen) == 1


def test_a_host_refusal_passes_through_the_network_layer_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [(2, 1, 6, "", ("10.0.0.1", 443))])
    client = HTTPClient(
        "https://api.example.com", label=LABEL, user_agent="t", hosts=HostPolicy(["api.example.com"])
    )
    error = _error(client)
    assert isinstance(error, ReconnectRequiredError)
    assert error.code == "HOST-REFUSED"
