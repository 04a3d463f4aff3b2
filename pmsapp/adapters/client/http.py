"""One hardened way to talk to a vendor. `requests` is known here and below, nowhere above.

What leaves this module: decoded JSON in a `Reply`, or an error of `pmsapp.domain.errors`. What never leaves it:
tokens, credentials, bodies, query values; not in errors, not in logs, not in a repr.

What the status or the connection alone decides is repeated below, by the `VendorRetry` that the session's adapter
carries. Here is decided what needs the body (a 500 may be a set-up fault which no repeat heals) or a new token.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from contextlib import closing, suppress
from datetime import timedelta
from typing import Any, NoReturn
from urllib.parse import urlencode

import requests
from urllib3.exceptions import HTTPError, MaxRetryError

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
    Reply,
    encode_params,
    same_origin,
)
from pmsapp.adapters.client.rate_limit import RateLimit
from pmsapp.adapters.client.responses import ResponseReader
from pmsapp.adapters.client.retry import Attempts, OnRequest, OnWait, RequestCount, VendorRetry
from pmsapp.adapters.client.tokens import Token, TokenSource
from pmsapp.adapters.client.transport import MAX_BODY_BYTES, Line, Sessions, TooLargeError
from pmsapp.domain.errors import BadVendorDataError, PMSError, ReconnectRequiredError, RetryLaterError

# urllib3 writes whole addresses, with patient ids and queries, at debug and warning level.
logging.getLogger("urllib3").setLevel(logging.ERROR)

# How long a host is left alone when it keeps saying "too many" without naming a time.
UNNAMED_WAIT_S = 60.0


class HTTPClient:
    """Talks to one vendor's base address. Safe for many threads; each has its own session and connections.

    `label` is the vendor's name in error texts. `tokens` None: nothing is sent as Authorization unless a call
    says so. `retries` counts repetitions after the first try; `repeats_500`: a 500 is repeated without a look at its
    body. `on_request(kind, status, duration_s)` hears of every attempt, status 0 when there was no answer;
    `on_wait(seconds)` of every one that had to wait for its turn. Every method raises only errors of
    `pmsapp.domain.errors`.
    """

    def __init__(
        self,
        base_url: str,
        *,
        label: str,
        user_agent: str,
        hosts: HostPolicy,
        tokens: TokenSource | None = None,
        rate_limit: RateLimit | None = None,
        deadline: Deadline | None = None,
        connect_timeout_s: float = 5.0,
        read_timeout_s: float = 20.0,
        retries: int = 3,
        backoff_s: float = 0.5,
        repeats_500: bool = False,
        on_request: OnRequest | None = None,
        on_wait: OnWait | None = None,
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self.label = label
        self._tokens = tokens
        self._rate_limit = rate_limit
        self._deadline = deadline or Deadline()
        self._hosts = hosts
        self._connect_timeout_s = connect_timeout_s
        self._read_timeout_s = read_timeout_s
        self._retries = retries
        self._backoff_s = backoff_s
        self._repeats_500 = repeats_500
        self.requests = RequestCount(on_request)
        self._on_wait = on_wait
        self._responses = ResponseReader(label)
        self._sessions = Sessions(hosts, label, user_agent)
        # The vendor's clock minus ours, by the last answer that said what time it is there.
        self.clock_skew_s: float | None = None

    def __repr__(self) -> str:
        return f"HTTPClient({self.label!r})"

    def with_tokens(self, tokens: TokenSource | None) -> HTTPClient:
        """The same client, same connections, with another source of tokens (None: without)."""
        return self._copy_with(_tokens=tokens)

    def with_deadline(self, deadline: Deadline) -> HTTPClient:
        """The same client, same connections, under another deadline."""
        return self._copy_with(_deadline=deadline)

    def close(self) -> None:
        """Close every connection, also those of other threads and of copies. The client may be used again."""
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
        and never retried; None from it means the usual reading. It hears of a status that is repeated whatever the
        body says only after the last try. `is_expired(status, data)` recognises an
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

    def _copy_with(self, **changed: object) -> HTTPClient:
        other = object.__new__(HTTPClient)
        other.__dict__.update(self.__dict__, **changed)
        return other

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
        line = self._sessions.mine()
        attempts = Attempts(
            call=call,
            pms=self.label,
            guard=line.guard,
            deadline=self._deadline,
            rate_limit=self._rate_limit,
            read_timeout_s=self._read_timeout_s,
            on_request=self.requests.note,
            on_wait=self._on_wait,
        )
        retry = VendorRetry.of(
            attempts, retries=self._retries, backoff_s=self._backoff_s, repeats_500=self._repeats_500
        )
        renewed = False
        with closing(attempts):
            while True:
                outcome, raw = self._exchange(call, token, line, retry)
                if outcome.reply is not None:
                    if outcome.reply.clock_skew_s is not None:
                        self.clock_skew_s = outcome.reply.clock_skew_s
                    return outcome.reply
                if outcome.expired and self._tokens is not None and token is not None and not renewed:
                    token, renewed = self._tokens.renew(token), True
                    retry = raw.retries
                    continue
                following = self._again(call, outcome, raw)
                if following is None:
                    _raise(outcome)
                retry = following

    def _exchange(
        self, call: Call, token: Token | None, line: Line, retry: VendorRetry
    ) -> tuple[Outcome, Any]:
        """Send, with the repeats that need no reading, and read what came of it. Also urllib3's response, if there is one."""
        headers = {"Accept": "application/json", **call.headers, **_authorization(token, self.label)}
        attempts = retry.attempts
        attempts.begin()
        stopped: PMSError | None = None
        # Our own exceptions are raised outside the except blocks: nothing of the caught one is chained to them.
        try:
            request = requests.Request(call.method, call.url, headers=headers, data=call.body)
            response = line.send(request, retry, (self._connect_timeout_s, self._read_timeout_s))
        except TooLargeError:
            note = f"{call.kind}: larger than {MAX_BODY_BYTES // 2**20} MB"
            outcome = Outcome(error=BadVendorDataError(pms=self.label, note=note))
        except PMSError as exc:
            stopped = exc
        except (requests.RequestException, HTTPError, OSError, ValueError) as exc:
            error, cause = describe_fault(exc, self.label, call.kind)
            outcome = Outcome(error=error, cause=cause)
        else:
            answer = Answer(response.status_code, response.headers, line.guard.body)
            attempts.end(answer.status)
            outcome = self._responses.read(call, answer, had_token=token is not None)
            if outcome.blocked_until is not None:
                attempts.block(outcome.blocked_until)
            return outcome, response.raw
        if stopped is not None:
            # Raised while urllib3 handled a fault, whose texts may hold the address.
            stopped.__context__ = None
            raise stopped
        attempts.end(0)
        if outcome.cause is not None:
            self._deadline.check(self.label)
        return outcome, None

    def _again(self, call: Call, outcome: Outcome, raw: Any) -> VendorRetry | None:
        """The next try, where only the body could tell that there is one. None when there is none, or none is left."""
        if not outcome.again or not call.repeatable:
            return None
        retry: VendorRetry = raw.retries
        if not retry.is_retry(call.method, raw.status):
            with suppress(MaxRetryError):
                following = retry.increment(call.method, response=raw)
                following.sleep()
                return following
        if retry.total == 0:
            self._leave_alone(retry.attempts, outcome)
        else:
            self._deadline.check(self.label)
        return None

    def _leave_alone(self, attempts: Attempts, outcome: Outcome) -> None:
        """A host that keeps saying "too many" without naming a time is left alone for a while."""
        error = outcome.error
        if isinstance(error, RetryLaterError) and error.code == "RATE-WAIT" and error.retry_at is None:
            error.retry_at = clock.now() + timedelta(seconds=UNNAMED_WAIT_S)
            attempts.block(error.retry_at)


def _raise(outcome: Outcome) -> NoReturn:
    assert outcome.error is not None
    raise outcome.error from outcome.cause


def _authorization(token: Token | None, pms: str) -> dict[str, str]:
    if token is None:
        return {}
    text = token.access_token
    if not text or not text.isascii() or not text.isprintable() or " " in text:
        raise ReconnectRequiredError("AUTH-REFUSED", pms=pms, note="the token holds characters no token has")
    return {"Authorization": f"Bearer {text}"}
