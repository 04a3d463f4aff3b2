"""One hardened way to talk to a vendor. `requests` is known here and below, nowhere above.

What leaves this module: decoded JSON in a `Reply`, or an error of `pmsapp.domain.errors`. What never leaves it:
tokens, credentials, bodies, query values; not in errors, not in logs, not in a repr.

Retries are decided here and not inside the connection pool, with urllib3's `Retry` as the rule book: the pool
retries on a status before the body is read, but a body can say that a 500 is a set-up fault which no retry heals.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime, timedelta
from typing import Any, NoReturn
from urllib.parse import urlencode, urlsplit

import requests
import structlog
from urllib3.exceptions import HTTPError, MaxRetryError
from urllib3.util import Retry

from pmsapp import clock
from pmsapp.adapters.client.deadline import Deadline
from pmsapp.adapters.client.error_mapping import describe_fault
from pmsapp.adapters.client.hosts import HostPolicy
from pmsapp.adapters.client.messages import (
    Answer,
    Call,
    IsExpired,
    Outcome,
    Params,
    Refine,
    Refusal,
    Reply,
    encode_params,
    path,
    same_origin,
)
from pmsapp.adapters.client.rate_limit import Pace
from pmsapp.adapters.client.responses import Judge
from pmsapp.adapters.client.tokens import Token, TokenSource
from pmsapp.adapters.client.transport import MAX_BODY_BYTES, Sessions, TooLargeError, read_answer
from pmsapp.domain.errors import BadVendorDataError, ReconnectRequiredError, RetryLaterError

__all__ = ["HTTPClient", "OnRequest", "Params", "Refine", "Refusal", "Reply", "encode_params", "path"]

# urllib3 writes whole addresses, with patient ids and queries, at debug and warning level.
logging.getLogger("urllib3").setLevel(logging.ERROR)

log = structlog.get_logger(__name__)

OnRequest = Callable[[str, int, float], None]
OnWait = Callable[[float], None]

# One request, headers to last byte, however slowly it drips.
MAX_REQUEST_S = 60.0
# How long a host is left alone when it keeps saying "too many" without naming a time.
UNNAMED_WAIT_S = 60.0
MAX_BACKOFF_S = 8.0
# A turn that came sooner was no wait.
WORTH_COUNTING_S = 0.05


class HTTPClient:
    """Talks to one vendor's base address. Safe for many threads; each has its own session and connections.

    `label` is the vendor's name in error texts. `tokens` None: nothing is sent as Authorization unless a call
    says so. `retries` counts repetitions after the first try. `on_request(kind, status, duration_s)` hears of
    every attempt, status 0 when there was no answer; `on_wait(seconds)` of every one that had to wait for its turn. Every method raises only errors of `pmsapp.domain.errors`.
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
        on_wait: OnWait | None = None,
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
            total=retries, backoff_factor=backoff_s, backoff_jitter=backoff_s, backoff_max=MAX_BACKOFF_S
        )
        self._on_request = on_request
        self._on_wait = on_wait
        self._judge = Judge(label)
        self._sessions = Sessions(hosts, label, user_agent)

    def __repr__(self) -> str:
        return f"HTTPClient({self.label!r})"

    def with_tokens(self, tokens: TokenSource | None) -> HTTPClient:
        """The same client, same connections, with another source of tokens (None: without)."""
        return self._twin(_tokens=tokens)

    def with_deadline(self, deadline: Deadline) -> HTTPClient:
        """The same client, same connections, under another deadline."""
        return self._twin(_deadline=deadline)

    def close(self) -> None:
        """Close every connection, also those of other threads and of twins. The client may be used again."""
        self._sessions.close()

    def get(
        self,
        where: str,
        params: Params | None = None,
        *,
        kind: str,
        headers: Mapping[str, str] | None = None,
        refine: Refine | None = None,
        is_expired: IsExpired | None = None,
        empty_ok: bool = False,
    ) -> Reply:
        """GET a path under the base, or an absolute address of the same origin (a vendor's `next` link).

        `kind` names what is asked for in logs, metrics and error notes ("appointments"). `params` are percent-encoded
        whole, None values left out. `refine` may turn a non-success into the vendor's own error, which is then raised
        at once and never retried; None from it means the usual reading. `is_expired(status, data)` recognises an
        expired token that does not come as a 401. `empty_ok`: an empty body gives `data` None.
        """
        url = self._address(where, params, kind)
        return self._send(
            Call("GET", url, kind, headers or {}, refine=refine, is_expired=is_expired, empty_ok=empty_ok)
        )

    def put(self, where: str, *, kind: str, refine: Refine | None = None, empty_ok: bool = False) -> Reply:
        """PUT without a body, once: a lost answer is never followed by a second try, only a refused token is.

        When the request certainly never reached the vendor, the error's `__cause__.sent` is False.
        """
        url = self._address(where, None, kind)
        return self._send(
            Call("PUT", url, kind, {}, body=b"", repeatable=False, refine=refine, empty_ok=empty_ok)
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
        return self._post(where, urlencode(form).encode("ascii"), sent, kind, refine)

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
        return self._post(where, json.dumps(document).encode("ascii"), sent, kind, refine)

    def _post(
        self, where: str, body: bytes, headers: Mapping[str, str], kind: str, refine: Refine | None
    ) -> Reply:
        url = self._address(where, None, kind)
        return self._send(Call("POST", url, kind, headers, body=body, refine=refine))

    def _twin(self, **changed: object) -> HTTPClient:
        twin = object.__new__(HTTPClient)
        twin.__dict__.update(self.__dict__, **changed)
        return twin

    def _address(self, where: str, params: Params | None, kind: str) -> str:
        url = where if "://" in where else f"{self.base_url}/{where.lstrip('/')}"
        query = encode_params(params or {})
        if query:
            url += ("&" if "?" in url else "?") + query
        if not same_origin(url, self.base_url):
            self._hosts.check_url(self.base_url, self.label)
            raise BadVendorDataError(pms=self.label, note=f"{kind}: a link leads to another address")
        self._hosts.check_url(url, self.label)
        return url

    def _send(self, call: Call) -> Reply:
        """Send until there is a reply, or an error that another try would not change."""
        token = self._tokens.get() if self._tokens is not None else None
        retry, attempt, renewed = self._retry, 0, False
        while True:
            attempt += 1
            outcome = self._attempt(call, token, attempt)
            if outcome.reply is not None:
                return outcome.reply
            if outcome.expired and self._tokens is not None and token is not None and not renewed:
                token, renewed = self._tokens.renew(token), True
            elif outcome.again and call.repeatable:
                retry = self._next_try(retry, call, outcome)
            else:
                _raise(outcome)

    def _next_try(self, retry: Retry, call: Call, outcome: Outcome) -> Retry:
        """Wait for the next try. What went wrong is raised when no try, or no time, is left."""
        try:
            following = retry.increment(call.method)
        except MaxRetryError:
            following = None
        if following is None:
            self._leave_alone(call, outcome)
            _raise(outcome)
        wait_s = max(following.get_backoff_time(), outcome.wait_s)
        self._deadline.check(self.label)
        if wait_s >= self._deadline.remaining_s():
            _raise(outcome)
        self._deadline.wait(wait_s, self.label)
        return following

    def _leave_alone(self, call: Call, outcome: Outcome) -> None:
        """A host that keeps saying "too many" without naming a time is left alone for a while."""
        error = outcome.error
        if isinstance(error, RetryLaterError) and error.code == "RATE-WAIT" and error.retry_at is None:
            error.retry_at = clock.now() + timedelta(seconds=UNNAMED_WAIT_S)
            self._block(call, error.retry_at)

    def _block(self, call: Call, until: datetime) -> None:
        if self._pace is not None:
            self._pace.block(_host_key(call.url), until)

    def _turn(self, call: Call) -> AbstractContextManager[None]:
        if self._pace is not None:
            return self._pace.turn(_host_key(call.url), self._deadline, self.label)
        self._deadline.check(self.label)
        return nullcontext()

    def _attempt(self, call: Call, token: Token | None, attempt: int) -> Outcome:
        """One try: wait for a turn, send, read, judge, and tell log and metrics."""
        headers = {"Accept": "application/json", **call.headers, **_authorization(token, self.label)}
        queued_s = clock.monotonic_s()
        with self._turn(call):
            started_s = clock.monotonic_s()
            if self._on_wait is not None and started_s - queued_s >= WORTH_COUNTING_S:
                self._on_wait(started_s - queued_s)
            answer, outcome = self._exchange(call, headers)
            duration_s = clock.monotonic_s() - started_s
        status = answer.status if answer is not None else 0
        self._tell(call, status, duration_s, attempt)
        if answer is not None:
            outcome = self._judge.judge(call, answer, had_token=token is not None)
            if outcome.blocked_until is not None:
                self._block(call, outcome.blocked_until)
        return outcome

    def _tell(self, call: Call, status: int, duration_s: float, attempt: int) -> None:
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

    def _exchange(self, call: Call, headers: Mapping[str, str]) -> tuple[Answer | None, Outcome]:
        """Send once and read the answer. Without an answer, the outcome says what went wrong below HTTP."""
        guard, session = self._sessions.mine()
        guard.begin(self._read_timeout_s, min(MAX_REQUEST_S, self._deadline.remaining_s()))
        # Our own exceptions are made outside the except block: nothing of the caught one is chained to them.
        try:
            timeout = (min(self._connect_timeout_s, guard.next_read_s()), self._read_timeout_s)
            request = session.prepare_request(
                requests.Request(call.method, call.url, headers=headers, data=call.body)
            )
            with session.send(request, stream=True, timeout=timeout, allow_redirects=False) as response:
                body = read_answer(response)
                return Answer(response.status_code, response.headers, body), Outcome()
        except TooLargeError:
            note = f"{call.kind}: larger than {MAX_BODY_BYTES // 2**20} MB"
            return None, Outcome(error=BadVendorDataError(pms=self.label, note=note))
        except (requests.RequestException, HTTPError, OSError, ValueError) as exc:
            error, cause = describe_fault(exc, self.label, call.kind)
        self._deadline.check(self.label)
        return None, Outcome(error=error, cause=cause, again=isinstance(error, RetryLaterError))


def _raise(outcome: Outcome) -> NoReturn:
    assert outcome.error is not None
    raise outcome.error from outcome.cause


def _host_key(url: str) -> str:
    return urlsplit(url).netloc.lower()


def _authorization(token: Token | None, pms: str) -> dict[str, str]:
    if token is None:
        return {}
    text = token.access_token
    if not text or not text.isascii() or not text.isprintable() or " " in text:
        raise ReconnectRequiredError("AUTH-REFUSED", pms=pms, note="the token holds characters no token has")
    return {"Authorization": f"Bearer {text}"}
