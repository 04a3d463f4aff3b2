"""One web process: gunicorn starts, watches and stops it; waitress reads requests and writes answers in it.

One thread moves the bytes of every connection, and a request is given to one of the threads that run pages only when it
is here whole. So a connection that sends nothing, or a byte now and then, costs a socket and no thread. Time is counted
on the monotonic clock.
"""

from __future__ import annotations

import contextlib
import os
import resource
import socket
import time
from typing import Any

from gunicorn.workers.base import Worker
from waitress import wasyncore
from waitress.channel import HTTPChannel
from waitress.server import create_server
from waitress.task import ErrorTask

from pmsapp.factory import MAX_BODY_BYTES
from pmsapp.web.http.headers import SECURITY_HEADERS

HEAD_WITHIN_S = 20.0
REQUEST_WITHIN_S = 60.0
IDLE_S = 10.0
ANSWER_STALLS_S = 30.0
LINGER_S = 1.0  # a stopping process keeps a quiet connection this long: its next request may be on the way
MOST_CONNECTIONS = 1000
MAX_HEAD_BYTES = 32 * 1024
_IN_MEMORY_BYTES = 64 * 1024  # of a body; the rest of a larger one is in a temporary file
_NEVER_S = 10**9  # waitress's own clean-up goes by the wall clock
_LOOK_EVERY_S = 1.0
_MOST_UNREAD = 128  # readings of 8 kB
_TEXTS = {
    400: "This request could not be read. Nothing was saved.",
    413: "This is too much at once. Nothing was saved. At most 1 MB can be sent.",
    431: "The address or the headers of this request are too long. Nothing was saved.",
}
_OTHER_TEXT = "This request could not be answered."


class _Refusal(ErrorTask):  # type: ignore[misc]
    """The server's own answer to what never became a request: our headers, and nothing of what was sent."""

    def execute(self) -> None:
        """Write the answer, then close."""
        error = self.request.error
        body = f"{_TEXTS.get(error.code, _OTHER_TEXT)}\n".encode()
        self.status = f"{error.code} {error.reason}"
        self.response_headers.extend(SECURITY_HEADERS.items())
        self.response_headers.append(("Cache-Control", "no-store"))
        self.response_headers.append(("Content-Type", "text/plain; charset=utf-8"))
        self.set_close_on_finish()
        self.content_length = len(body)
        self.write(body)


class _Connection(HTTPChannel):  # type: ignore[misc]
    """One connection, which knows how long it has been waited for."""

    error_task_class = _Refusal

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.last_moved_s = time.monotonic()
        self.began_s: float | None = None
        super().__init__(*args, **kwargs)

    def received(self, data: bytes) -> bool:
        """Take bytes of a request."""
        taken: bool = super().received(data)
        self.last_moved_s = time.monotonic()
        if self.request is None:
            self.began_s = None
        elif self.began_s is None:
            self.began_s = self.last_moved_s
        return taken

    def _flush_some(self, do_close: bool = True) -> bool:
        sent: bool = super()._flush_some(do_close=do_close)
        if sent:
            self.last_moved_s = time.monotonic()
        return sent

    def write_soon(self, data: Any) -> int:
        """Take a part of the answer from the thread that makes it."""
        self.last_moved_s = time.monotonic()
        taken: int = super().write_soon(data)
        self.last_moved_s = time.monotonic()
        return taken

    def handle_close(self) -> None:
        """Close, once. Bytes that came and were not read would make the system cut off the answer, so they are read first."""
        if (
            self.socket is None
        ):  # told twice: the end was read, and the system says that the other side is gone
            return
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_WR)
            for _ in range(_MOST_UNREAD):
                if not self.socket.recv(self.adj.recv_bytes):
                    break
        super().handle_close()

    @property
    def is_busy(self) -> bool:
        """Whether a request is being answered."""
        return bool(self.requests or self.total_outbufs_len)

    def is_overdue(self, now: float, idle_s: float = IDLE_S) -> bool:
        """Whether the other side has taken too long: to ask, to send the whole request, or to take the answer."""
        if self.is_busy:
            ours = bool(self.requests) and self.total_outbufs_len <= self.adj.outbuf_high_watermark
            return not ours and now - self.last_moved_s > ANSWER_STALLS_S
        if self.request is not None and self.began_s is not None:
            within_s = REQUEST_WITHIN_S if self.request.headers_finished else HEAD_WITHIN_S
            return now - self.began_s > within_s
        return now - self.last_moved_s > idle_s


class BufferingWorker(Worker):  # type: ignore[misc]
    """The worker class for gunicorn."""

    def run(self) -> None:
        """Serve until told to stop, then finish what was asked."""
        self._sockets: dict[int, Any] = {}
        self._most = _most_connections()
        self._server = create_server(
            self.wsgi,
            map=self._sockets,
            _start=False,
            sockets=[listener.sock for listener in self.sockets],
            threads=self.cfg.threads,
            ident=None,
            clear_untrusted_proxy_headers=False,  # ours are read, by the setting, in the application
            connection_limit=self._most + 50,
            max_request_header_size=MAX_HEAD_BYTES,
            max_request_body_size=MAX_BODY_BYTES + 1,
            inbuf_overflow=_IN_MEMORY_BYTES,
            channel_timeout=_NEVER_S,
            cleanup_interval=_NEVER_S,
            log_socket_errors=False,
        )
        self._server.channel_class = _Connection
        self._server.accepting = True  # the supervisor's socket listens already
        while self.alive and self.ppid == os.getppid():
            self._move_bytes(_LOOK_EVERY_S, IDLE_S)
        self._finish()

    def handle_exit(self, sig: int, frame: Any) -> None:
        """SIGTERM: stop when what was asked is answered."""
        super().handle_exit(sig, frame)
        if hasattr(self, "_server"):
            self._server.pull_trigger()

    def _move_bytes(self, wait_s: float, idle_s: float) -> None:
        self.notify()
        wasyncore.poll2(wait_s, self._sockets)
        now = time.monotonic()
        open_now = list(self._server.active_channels.values())
        for connection in open_now:
            if connection.is_overdue(now, idle_s):
                connection.will_close = True
        if len(open_now) >= self._most:
            quiet = sorted(
                (c for c in open_now if not c.is_busy), key=lambda connection: connection.creation_time
            )
            for connection in quiet[: self._most // 10]:
                connection.will_close = True

    def _finish(self) -> None:
        """Take no more connections, and answer what was asked within the time gunicorn gives."""
        self._server.accepting = False
        self._server.del_channel()
        until = time.monotonic() + self.cfg.graceful_timeout
        while self._server.active_channels and time.monotonic() < until:
            self._move_bytes(0.1, LINGER_S)
        self._server.task_dispatcher.shutdown(cancel_pending=True, timeout=0.5)


def _most_connections() -> int:
    """How many connections this process keeps: as many as it may open files for, and leave some for its work."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_CONNECTIONS + 200
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return MOST_CONNECTIONS if soft == resource.RLIM_INFINITY else max(50, min(MOST_CONNECTIONS, soft - 200))
