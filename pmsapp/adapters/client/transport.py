"""Sockets: the address is checked at the connect, and reading stops at a deadline however slowly bytes drip.

Only `http.py` and `retry.py` use this. A session, its pool and its `Guard` belong to one thread.
"""

from __future__ import annotations

import http.client
import io
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import (
    ConnectTimeoutError,
    InvalidHeader,
    NameResolutionError,
    NewConnectionError,
    ProtocolError,
)
from urllib3.response import HTTPResponse
from urllib3.util import Retry
from urllib3.util import connection as urllib3_connection

from pmsapp import clock
from pmsapp.adapters.client.hosts import HostPolicy

POOL_SIZE = 2
# Largest answer taken in, both as it came over the wire and unpacked.
MAX_BODY_BYTES = 20 * 1024 * 1024
# Error answers are only looked at for a word or two.
MAX_ERROR_BODY_BYTES = 64 * 1024
CHUNK_BYTES = 64 * 1024


class TooLargeError(Exception):
    """An answer is larger than MAX_BODY_BYTES."""


class Guard:
    """What the connections of one thread have to obey during the request in hand, and the `body` of its answer."""

    def __init__(self, hosts: HostPolicy, pms: str) -> None:
        self.hosts = hosts
        self.pms = pms
        self.read_timeout_s = 20.0
        self.ends_at_s = 0.0
        self.body = b""
        self.receiving: http.client.HTTPResponse | None = None

    def begin(self, read_timeout_s: float, total_s: float) -> None:
        """Start a request: no read may take longer than `read_timeout_s`, all together not than `total_s`."""
        self.read_timeout_s = read_timeout_s
        self.ends_at_s = clock.monotonic_s() + total_s
        self.body = b""

    def next_read_s(self) -> float:
        """How long the next read may take. Raises TimeoutError when the time is used up."""
        left_s = self.ends_at_s - clock.monotonic_s()
        if left_s <= 0:
            raise TimeoutError("timed out")
        return min(self.read_timeout_s, left_s)


class _TimedReader(io.RawIOBase):
    """Reads a socket, giving every single read only the time that is left."""

    def __init__(self, sock: socket.socket, inner: io.RawIOBase, guard: Guard) -> None:
        self._sock = sock
        self._inner = inner
        self._guard = guard

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._sock.settimeout(self._guard.next_read_s())
        return self._inner.readinto(buffer)

    def close(self) -> None:
        if not self.closed:
            self._inner.close()
        super().close()


class _TimedResponse(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, guard: Guard, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        inner: io.RawIOBase = self.fp.detach()
        self.fp = io.BufferedReader(_TimedReader(sock, inner, guard))
        guard.receiving = self


def _open_socket(conn: HTTPConnection, guard: Guard) -> socket.socket:
    """Resolve, check every address found, then connect to one of those and to nothing else."""
    host = conn._dns_host
    try:
        found = socket.getaddrinfo(host, conn.port, 0, socket.SOCK_STREAM)
    except (socket.gaierror, UnicodeError) as exc:
        cause = exc if isinstance(exc, socket.gaierror) else socket.gaierror(str(exc))
        raise NameResolutionError(conn.host, conn, cause) from exc
    addresses = list(dict.fromkeys(str(info[4][0]) for info in found))
    for address in addresses:
        guard.hosts.check_address(host, address, guard.pms)
    last: OSError = OSError("no address found")
    for address in addresses:
        try:
            # Many dead addresses may not take longer together than the request may.
            timeout_s = min(float(conn.timeout or guard.read_timeout_s), guard.next_read_s())
            return urllib3_connection.create_connection(
                (address, conn.port), timeout_s, socket_options=conn.socket_options
            )
        except OSError as exc:
            last = exc
    if isinstance(last, TimeoutError):
        raise ConnectTimeoutError(conn, "timed out") from last
    raise NewConnectionError(conn, str(last)) from last


def _take_in(conn: HTTPConnection, receive: Callable[[], HTTPResponse], guard: Guard) -> HTTPResponse:
    """Receive an answer to its last byte: a line that breaks on the way fails the attempt, which may be repeated."""
    try:
        response = receive()
        guard.body = read_answer(response)
    except (InvalidHeader, ValueError) as exc:
        if guard.receiving is not None:
            guard.receiving.close()  # nobody else knows it where urllib3 refused its headers
        raise ProtocolError("the answer is no HTTP", exc) from exc
    if not response.closed:
        response.close()
        conn.close()
    return response


class _GuardedHTTP(HTTPConnection):
    def __init__(self, *args: Any, guard: Guard, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._guard = guard
        self.response_class = partial(_TimedResponse, guard=guard)  # type: ignore[assignment]

    def _new_conn(self) -> socket.socket:
        return _open_socket(self, self._guard)

    def getresponse(self) -> HTTPResponse:  # type: ignore[override]  # as in urllib3's own class
        return _take_in(self, super().getresponse, self._guard)


class _GuardedHTTPS(HTTPSConnection):
    def __init__(self, *args: Any, guard: Guard, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._guard = guard
        self.response_class = partial(_TimedResponse, guard=guard)  # type: ignore[assignment]

    def _new_conn(self) -> socket.socket:
        return _open_socket(self, self._guard)

    def getresponse(self) -> HTTPResponse:  # type: ignore[override]  # as in urllib3's own class
        return _take_in(self, super().getresponse, self._guard)


def _pool_class(base: type[HTTPConnectionPool], make: Callable[..., Any]) -> type[HTTPConnectionPool]:
    return type(base.__name__, (base,), {"ConnectionCls": staticmethod(make)})


class _GuardedAdapter(HTTPAdapter):
    """Carries the `Retry` of the call in hand: see `Line.send`."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard
        super().__init__(pool_connections=POOL_SIZE, pool_maxsize=POOL_SIZE, max_retries=0)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {
            "http": _pool_class(HTTPConnectionPool, partial(_GuardedHTTP, guard=self._guard)),
            "https": _pool_class(HTTPSConnectionPool, partial(_GuardedHTTPS, guard=self._guard)),
        }


class _Session(requests.Session):
    """Never looks where a redirect leads, and so never reads the rest of such an answer either."""

    def get_redirect_target(self, resp: requests.Response) -> None:
        return None


@dataclass(frozen=True, slots=True)
class Line:
    """One thread's way to the vendor: its session, the adapter mounted in it, and what they have to obey."""

    session: requests.Session
    adapter: HTTPAdapter
    guard: Guard

    def send(
        self, request: requests.Request, retry: Retry, timeout: tuple[float, float]
    ) -> requests.Response:
        """Send as often as `retry` says. The body of the last answer is in `guard.body`; its connection is free again."""
        self.adapter.max_retries = retry
        prepared = self.session.prepare_request(request)
        response = self.session.send(prepared, stream=True, timeout=timeout, allow_redirects=False)
        response.raw.release_conn()
        return response


def open_line(guard: Guard, user_agent: str) -> Line:
    """A session that obeys `guard`: no proxies or .netrc from the environment, no cookies, TLS always verified."""
    session = _Session()
    session.trust_env = False
    session.verify = True
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    session.headers.clear()
    session.headers.update({"User-Agent": user_agent, "Accept-Encoding": "gzip"})
    adapter = _GuardedAdapter(guard)
    for scheme in ("http://", "https://"):
        session.mount(scheme, adapter)
    return Line(session, adapter, guard)


class Sessions:
    """One line per thread, and a way to close them all."""

    def __init__(self, hosts: HostPolicy, pms: str, user_agent: str) -> None:
        self._hosts = hosts
        self._pms = pms
        self._user_agent = user_agent
        self._here = threading.local()
        self._lock = threading.Lock()
        self._all: list[requests.Session] = []

    def mine(self) -> Line:
        """This thread's line."""
        line: Line | None = getattr(self._here, "line", None)
        if line is None:
            line = open_line(Guard(self._hosts, self._pms), self._user_agent)
            self._here.line = line
            with self._lock:
                self._all.append(line.session)
        return line

    def close(self) -> None:
        """Close every session, of whichever thread."""
        with self._lock:
            sessions, self._all = self._all, []
            self._here = threading.local()
        for session in sessions:
            session.close()


def read_answer(response: HTTPResponse) -> bytes:
    """The body, unpacked: whole for a success, its start for an error, nothing for a redirect.

    Raises TooLargeError when a success is larger than MAX_BODY_BYTES.
    """
    if 200 <= response.status < 300:
        if (response.length_remaining or 0) > MAX_BODY_BYTES:
            raise TooLargeError
        return _read_whole(response)
    return _read_start(response) if response.status >= 400 else b""


def _read_whole(raw: HTTPResponse) -> bytes:
    parts: list[bytes] = []
    size = 0
    while chunk := raw.read1(CHUNK_BYTES, decode_content=True):
        size += len(chunk)
        if size > MAX_BODY_BYTES or raw.tell() > MAX_BODY_BYTES:
            raise TooLargeError
        parts.append(chunk)
    return b"".join(parts)


def _read_start(raw: HTTPResponse) -> bytes:
    body = b""
    while len(body) <= MAX_ERROR_BODY_BYTES and (chunk := raw.read1(CHUNK_BYTES, decode_content=True)):
        body += chunk
    return body[:MAX_ERROR_BODY_BYTES]
