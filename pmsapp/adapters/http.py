"""One hardened way to talk to a vendor. `requests` is known here and below, nowhere above.

What leaves this module: decoded JSON in a `Reply`, or an error of `pmsapp.domain.errors`. What never leaves it:
tokens, credentials, bodies, query values; not in errors, not in logs, not in a repr.

Retries are decided here and not inside the connection pool, with urllib3's `Retry` as the rule book: the pool
retries on a status before the body is read, but a body can say that a 500 is a set-up fault which no retry heals.
"""

from __future__ import annotations

import hashlib
import json
import logging
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import requests
import structlog
from urllib3.exceptions import HTTPError, MaxRetryError
from urllib3.util import Retry

from pmsapp import clock
from pmsapp.adapters import strict_json
from pmsapp.adapters.base import Token, TokenSource
from pmsapp.adapters.deadline import Deadline
from pmsapp.adapters.faults import date_of, describe_fault, error_for_status, retry_after_s
from pmsapp.adapters.hosts import HostPolicy
from pmsapp.adapters.pace import LONG_WAIT_S, Pace
from pmsapp.adapters.transport import Guard, open_session
from pmsapp.domain.errors import BadVendorDataError, PMSError, ReconnectRequiredError, RetryLaterError

# urllib3 writes whole addresses, with patient ids and queries, at debug and warning level.
logging.getLogger("urllib3").setLevel(logging.ERROR)

log = structlog.get_logger(__name__)

Params = Mapping[str, str | int | Sequence[str | int] | None]
OnRequest = Callable[[str, int, float], None]

# Largest answer taken in, both as it came over the wire and unpacked.
MAX_BODY_BYTES = 20 * 1024 * 1024
# Error answers are only looked at for a word or two.
MAX_ERROR_BODY_BYTES = 64 * 1024
CHUNK_BYTES = 64 * 1024
# One request, headers to last byte, however slowly it drips.
MAX_REQUEST_S = 60.0
# How long a host is left alone when it keeps saying "too many" without naming a time.
UNNAMED_WAIT_S = 60.0

RETRIED_STATUSES = frozenset({408, 429, 500, 502, 503, 504})
_JSON_TYPES = frozenset({"application/json", "application/fhir+json"})


@dataclass(frozen=True, slots=True, repr=False)
class Reply:
    """A successful answer. `data` is the decoded JSON, None only where an empty body was allowed.

    `digest` is equal for two replies only if their bodies were equal byte for byte. `clock_skew_s`: the vendor's
    clock minus ours, None without a Date header.
    """

    data: Any
    status: int
    headers: Mapping[str, str]
    digest: str
    clock_skew_s: float | None = None

    def __repr__(self) -> str:
        return f"Reply({self.status})"


@dataclass(frozen=True, slots=True, repr=False)
class Refusal:
    """An answer that is no success, for a vendor's own reading. `data`: its JSON, None when it is none."""

    status: int
    data: Any
    kind: str

    def __repr__(self) -> str:
        return f"Refusal({self.status}, {self.kind!r})"


Refine = Callable[[Refusal], PMSError | None]


@dataclass(frozen=True, slots=True, repr=False)
class _Call:
    method: str
    url: str
    kind: str
    headers: Mapping[str, str]
    body: bytes | None = None
    repeatable: bool = True
    empty_ok: bool = False
    refine: Refine | None = None
    is_expired: Callable[[int, Any], bool] | None = None


@dataclass(frozen=True, slots=True, repr=False)
class _Outcome:
    """What one attempt came to: a reply, or an error with what may be done about it."""

    reply: Reply | None = None
    error: PMSError | None = None
    cause: Exception | None = None
    again: bool = False
    expired: bool = False
    wait_s: float | None = None


@dataclass(frozen=True, slots=True, repr=False)
class _Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes
    at: datetime = field(default_factory=clock.now)


def path(*segments: str) -> str:
    """Join path segments, each percent-encoded whole. Raises ValueError for "", "." and ".."."""
    for segment in segments:
        if segment in ("", ".", ".."):
            raise ValueError("not a path segment")
    return "/".join(quote(segment, safe="") for segment in segments)


class HTTPClient:
    """Talks to one vendor's base address. Safe for many threads; each has its own session and connections.

    `label` is the vendor's name in error texts. `tokens` None: nothing is sent as Authorization unless a call
    says so. `retries` counts repetitions after the first try. `on_request(kind, status, duration_s)` hears of
    every attempt, status 0 when there was no answer. Every method raises only errors of `pmsapp.domain.errors`.
    """

    def __init__(
        self,
        base_url: str,
        *,
        label: str,
        user_agent: str,
        hosts: HostPolicy,
        tokens: TokenSource | None = None,
        pace: Pace | None = None,
        deadline: Deadline | None = None,
        connect_timeout_s: float = 5.0,
        read_timeout_s: float = 20.0,
        retries: int = 3,
        backoff_s: float = 0.5,
        on_request: OnRequest | None = None,
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self.label = label
        self._tokens = tokens
        self._pace = pace
        self._deadline = deadline or Deadline()
        self._hosts = hosts
        self._connect_timeout_s = connect_timeout_s
        self._read_timeout_s = read_timeout_s
        self._retry = Retry(
            total=retries,
            allowed_methods=None,
            status_forcelist=RETRIED_STATUSES,
            backoff_factor=backoff_s,
            backoff_jitter=backoff_s,
            backoff_max=8.0,
            respect_retry_after_header=False,
        )
        self._on_request = on_request
        self._sessions = _Sessions(hosts, label, user_agent)

    def __repr__(self) -> str:
        return f"HTTPClient({self.label!r})"

    def with_tokens(self, tokens: TokenSource | None) -> HTTPClient:
        """The same client, same connections, with another source of tokens (None: without)."""
        twin = object.__new__(HTTPClient)
        twin.__dict__.update(self.__dict__, _tokens=tokens)
        return twin

    def with_deadline(self, deadline: Deadline) -> HTTPClient:
        """The same client, same connections, under another deadline."""
        twin = object.__new__(HTTPClient)
        twin.__dict__.update(self.__dict__, _deadline=deadline)
        return twin

    def close(self) -> None:
        """Close every connection, also those of other threads and of twins. The client may be used again."""
        self._sessions.close()

    # Calls

    def get(
        self,
        where: str,
        params: Params | None = None,
        *,
        kind: str,
        headers: Mapping[str, str] | None = None,
        refine: Refine | None = None,
        is_expired: Callable[[int, Any], bool] | None = None,
        empty_ok: bool = False,
    ) -> Reply:
        """GET a path under the base, or an absolute address of the same origin (a vendor's `next` link).

        `kind` names what is asked for in logs, metrics and error notes ("appointments"). `params` are percent-encoded
        whole, None values left out. `refine` may turn a non-success into the vendor's own error, which is then raised
        at once and never retried; None from it means the usual reading. `is_expired(status, data)` recognises an
        expired token that does not come as a 401.
        """
        url = self._address(where, params, kind)
        return self._send(
            _Call(
                "GET",
                url,
                kind,
                headers or {},
                refine=refine,
                is_expired=is_expired,
                empty_ok=empty_ok,
            )
        )

    def put(self, where: str, *, kind: str, refine: Refine | None = None, empty_ok: bool = False) -> Reply:
        """PUT without a body, sent exactly once: a lost answer is never followed by a second try."""
        url = self._address(where, None, kind)
        return self._send(
            _Call("PUT", url, kind, {}, body=b"", repeatable=False, refine=refine, empty_ok=empty_ok)
        )

    def post_form(
        self,
        where: str,
        form: Mapping[str, str],
        *,
        kind: str,
        headers: Mapping[str, str] | None = None,
        refine: Refine | None = None,
    ) -> Reply:
        """POST a form. Only for calls that may be repeated safely (asking for a token)."""
        sent = {"Content-Type": "application/x-www-form-urlencoded", **(headers or {})}
        body = urlencode(form).encode("ascii")
        return self._send(
            _Call("POST", self._address(where, None, kind), kind, sent, body=body, refine=refine)
        )

    def post_json(
        self,
        where: str,
        document: Any,
        *,
        kind: str,
        headers: Mapping[str, str] | None = None,
        refine: Refine | None = None,
    ) -> Reply:
        """POST a JSON document. Only for calls that may be repeated safely (asking for a token)."""
        sent = {"Content-Type": "application/json", **(headers or {})}
        body = json.dumps(document).encode("ascii")
        return self._send(
            _Call("POST", self._address(where, None, kind), kind, sent, body=body, refine=refine)
        )

    # Addresses

    def _address(self, where: str, params: Params | None, kind: str) -> str:
        if "://" in where:
            if _origin(where) != _origin(self.base_url):
                raise BadVendorDataError(pms=self.label, note=f"{kind}: a link leads to another address")
            url = where
        else:
            url = f"{self.base_url}/{where.lstrip('/')}"
        query = encode_params(params or {})
        if query:
            url += ("&" if "?" in url else "?") + query
        self._hosts.check_url(url, self.label)
        return url

    # Sending

    def _send(self, call: _Call) -> Reply:
        token = self._tokens.get() if self._tokens is not None else None
        retry = self._retry
        attempt, renewed = 1, False
        while True:
            outcome = self._attempt(call, token, attempt)
            if outcome.reply is not None:
                return outcome.reply
            assert outcome.error is not None
            attempt += 1
            if outcome.expired and self._tokens is not None and token is not None and not renewed:
                token, renewed = self._tokens.renew(token), True
                continue
            if not (outcome.again and call.repeatable):
                raise outcome.error from outcome.cause
            try:
                retry = retry.increment(call.method)
            except MaxRetryError:
                self._give_up(call, outcome)
            self._wait(max(retry.get_backoff_time(), outcome.wait_s or 0.0), outcome)

    def _wait(self, seconds: float, outcome: _Outcome) -> None:
        """Wait before the next try; when the deadline leaves no room for it, what went wrong is the answer."""
        self._deadline.check(self.label)
        if seconds >= self._deadline.remaining_s() and outcome.error is not None:
            raise outcome.error from outcome.cause
        self._deadline.wait(seconds, self.label)

    def _give_up(self, call: _Call, outcome: _Outcome) -> None:
        error = outcome.error
        if isinstance(error, RetryLaterError) and error.code == "RATE-WAIT" and error.retry_at is None:
            error.retry_at = clock.now() + timedelta(seconds=UNNAMED_WAIT_S)
            self._block(call, error.retry_at)
        assert error is not None
        raise error from outcome.cause

    def _block(self, call: _Call, until: datetime) -> None:
        if self._pace is not None:
            self._pace.block(_host_key(call.url), until)

    def _attempt(self, call: _Call, token: Token | None, attempt: int) -> _Outcome:
        if self._pace is None:
            self._deadline.check(self.label)
            return self._timed_attempt(call, token, attempt)
        with self._pace.turn(_host_key(call.url), self._deadline, self.label):
            return self._timed_attempt(call, token, attempt)

    def _timed_attempt(self, call: _Call, token: Token | None, attempt: int) -> _Outcome:
        started_s = clock.monotonic_s()
        status = 0
        try:
            answer, fault = self._exchange(call, token)
            if answer is None:
                assert fault is not None
                return fault
            status = answer.status
            return self._judge(call, answer, had_token=token is not None)
        finally:
            duration_s = clock.monotonic_s() - started_s
            log.info(
                "vendor_request",
                vendor=self.label,
                kind=call.kind,
                status=status,
                duration_ms=round(duration_s * 1000),
                attempt=attempt,
            )
            if self._on_request is not None:
                self._on_request(call.kind, status, duration_s)

    def _exchange(self, call: _Call, token: Token | None) -> tuple[_Answer | None, _Outcome | None]:
        """Send once and read the answer: (answer, None), or (None, what went wrong below HTTP)."""
        headers = {"Accept": "application/json", **call.headers, **_authorization(token, self.label)}
        guard, session = self._sessions.mine()
        guard.begin(self._read_timeout_s, min(MAX_REQUEST_S, self._deadline.remaining_s()))
        timeout = (min(self._connect_timeout_s, guard.next_read_s()), self._read_timeout_s)
        try:
            request = session.prepare_request(
                requests.Request(call.method, call.url, headers=headers, data=call.body)
            )
            response = session.send(request, stream=True, timeout=timeout, allow_redirects=False)
            with response:
                body = _read_body(response.raw) if response.ok else _read_start(response.raw)
                answer = _Answer(response.status_code, response.headers, body)
        except (requests.RequestException, HTTPError, OSError, ValueError) as exc:
            error, cause = describe_fault(exc, self.label, call.kind)
        except _TooLargeError:
            note = f"{call.kind}: the answer is larger than {MAX_BODY_BYTES // 2**20} MB"
            return None, _Outcome(error=BadVendorDataError(pms=self.label, note=note))
        else:
            return answer, None
        self._deadline.check(self.label)
        return None, _Outcome(error=error, cause=cause, again=isinstance(error, RetryLaterError))

    # Judging

    def _judge(self, call: _Call, answer: _Answer, *, had_token: bool) -> _Outcome:
        if 200 <= answer.status < 300:
            return self._judge_success(call, answer)
        data = _decoded_or_none(answer)
        if call.is_expired is not None and call.is_expired(answer.status, data):
            answer = replace(answer, status=401)
        error = error_for_status(answer.status, self.label, call.kind, had_token=had_token)
        if answer.status == 401 and had_token:
            refined = call.refine(Refusal(401, data, call.kind)) if call.refine else None
            return _Outcome(error=refined or error, expired=True)
        refined = call.refine(Refusal(answer.status, data, call.kind)) if call.refine else None
        if refined is not None:
            return _Outcome(error=refined)
        if not self._retry.is_retry(call.method, answer.status):
            return _Outcome(error=error)
        return self._judge_wait(call, answer, error)

    def _judge_success(self, call: _Call, answer: _Answer) -> _Outcome:
        if not answer.body.strip():
            if call.empty_ok:
                return _Outcome(reply=_reply(None, answer))
            return self._garbled(call, "an empty answer")
        if not _is_json(answer.headers):
            return self._garbled(call, "not JSON")
        try:
            data = strict_json.loads(answer.body)
        except strict_json.JSONRefusedError as exc:
            return self._garbled(call, str(exc))
        if call.is_expired is not None and call.is_expired(answer.status, data):
            error = error_for_status(401, self.label, call.kind, had_token=True)
            return _Outcome(error=error, expired=True)
        return _Outcome(reply=_reply(data, answer))

    def _judge_wait(self, call: _Call, answer: _Answer, error: PMSError) -> _Outcome:
        """A status worth a second try: now, shortly, or, where the vendor asks for long, in another run."""
        wait_s = retry_after_s(answer.headers, answer.at)
        if wait_s is None:
            return _Outcome(error=error, again=True)
        until = answer.at + timedelta(seconds=wait_s)
        self._block(call, until)
        if wait_s > LONG_WAIT_S:
            return _Outcome(
                error=RetryLaterError("RATE-WAIT", pms=self.label, note=error.note, retry_at=until)
            )
        return _Outcome(error=error, again=True, wait_s=wait_s)

    def _garbled(self, call: _Call, note: str) -> _Outcome:
        return _Outcome(error=BadVendorDataError(pms=self.label, note=f"{call.kind}: {note}"))


class _TooLargeError(Exception):
    pass


class _Sessions:
    """One guard and session per thread, and a way to close them all."""

    def __init__(self, hosts: HostPolicy, pms: str, user_agent: str) -> None:
        self._hosts = hosts
        self._pms = pms
        self._user_agent = user_agent
        self._here = threading.local()
        self._lock = threading.Lock()
        self._all: list[requests.Session] = []

    def mine(self) -> tuple[Guard, requests.Session]:
        """This thread's guard and session."""
        pair: tuple[Guard, requests.Session] | None = getattr(self._here, "pair", None)
        if pair is None:
            guard = Guard(self._hosts, self._pms)
            pair = (guard, open_session(guard, self._user_agent))
            self._here.pair = pair
            with self._lock:
                self._all.append(pair[1])
        return pair

    def close(self) -> None:
        with self._lock:
            sessions, self._all = self._all, []
        self._here = threading.local()
        for session in sessions:
            session.close()


def encode_params(params: Params) -> str:
    """A query string with every reserved character encoded (`+` as %2B); None values are left out."""
    pairs: list[tuple[str, str]] = []
    for name, value in params.items():
        if value is None:
            continue
        values: Iterable[str | int] = [value] if isinstance(value, str | int) else value
        pairs.extend((name, str(one)) for one in values)
    return urlencode(pairs, quote_via=quote, safe="")


def _origin(url: str) -> tuple[str, str | None, int | None]:
    try:
        parts = urlsplit(url)
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    except ValueError:
        return "", None, None
    return parts.scheme, parts.hostname, port


def _host_key(url: str) -> str:
    return urlsplit(url).netloc.lower()


def _authorization(token: Token | None, pms: str) -> dict[str, str]:
    if token is None:
        return {}
    text = token.access_token
    if not text or not text.isascii() or not text.isprintable() or " " in text:
        raise ReconnectRequiredError("AUTH-REFUSED", pms=pms, note="the token holds characters no token has")
    return {"Authorization": f"Bearer {text}"}


def _read_body(raw: Any) -> bytes:
    """Read to the end, unpacking, within MAX_BODY_BYTES on the wire and unpacked. Raises _TooLargeError."""
    parts: list[bytes] = []
    size = 0
    while chunk := raw.read1(CHUNK_BYTES, decode_content=True):
        size += len(chunk)
        if size > MAX_BODY_BYTES or raw.tell() > MAX_BODY_BYTES:
            raise _TooLargeError
        parts.append(chunk)
    return b"".join(parts)


def _read_start(raw: Any) -> bytes:
    """Read at most MAX_ERROR_BODY_BYTES, unpacking; a longer body is left unread."""
    body = b""
    while len(body) <= MAX_ERROR_BODY_BYTES and (chunk := raw.read1(CHUNK_BYTES, decode_content=True)):
        body += chunk
    return body[:MAX_ERROR_BODY_BYTES]


def _is_json(headers: Mapping[str, str]) -> bool:
    media_type = headers.get("Content-Type", "").partition(";")[0].strip().lower()
    return media_type in _JSON_TYPES or (
        media_type.startswith("application/") and media_type.endswith("+json")
    )


def _decoded_or_none(answer: _Answer) -> Any:
    if not answer.body or not _is_json(answer.headers):
        return None
    try:
        return strict_json.loads(answer.body)
    except strict_json.JSONRefusedError:
        return None


def _reply(data: Any, answer: _Answer) -> Reply:
    their_now = date_of(answer.headers, "Date")
    return Reply(
        data=data,
        status=answer.status,
        headers=answer.headers,
        digest=hashlib.blake2b(answer.body, digest_size=16).hexdigest(),
        clock_skew_s=(their_now - answer.at).total_seconds() if their_now is not None else None,
    )
