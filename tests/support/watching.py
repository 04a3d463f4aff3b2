"""For tests of incidents and alerts: somebody who receives messages, and a day lived in steps of the watch."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BufferedIOBase
from socketserver import StreamRequestHandler, ThreadingTCPServer
from typing import Any, cast

from pmsapp.services.monitoring import alerts, incidents, process_heartbeats
from tests.support.clock import FrozenClock


class Receiver:
    """A web hook of the test's own. `status` is what it answers; `got` is what it took, in order."""

    def __init__(self) -> None:
        self.status = 200
        self.got: list[dict[str, Any]] = []
        self.paths: list[str] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                receiver._take(self.path, body)
                self.send_response(receiver.status)
                self.end_headers()

            def do_GET(self) -> None:
                receiver._take(self.path, b"")
                self.send_response(receiver.status)
                self.end_headers()

            def log_message(self, *args: object) -> None:
                """Nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self._server.server_port
        self.alert_url = f"json://127.0.0.1:{self.port}/hook"
        self.url = f"http://127.0.0.1:{self.port}/ping"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def _take(self, path: str, body: bytes) -> None:
        self.paths.append(path)
        if self.status < 300:
            self.got.append(json.loads(body) if body else {})

    @property
    def titles(self) -> list[str]:
        """Titles of the messages that arrived."""
        return [message["title"] for message in self.got]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def __enter__(self) -> Receiver:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


def live_on(
    frozen_clock: FrozenClock,
    until: datetime,
    *,
    each: timedelta = timedelta(minutes=1),
    scheduler: bool = True,
    also: Callable[[], object] = lambda: None,
) -> None:
    """Let time pass in steps: the scheduler (if it lives) beats, a web process looks, messages go out."""
    while frozen_clock.at < until:
        frozen_clock.set(min(until, frozen_clock.at + each))
        if scheduler:
            process_heartbeats.beat(process_heartbeats.SCHEDULER)
        also()
        incidents.watch()
        alerts.deliver_due()


class MailServer:
    """A mail server of the test's own. `refuses`: it takes no message; `got` is what it took, in order."""

    def __init__(self) -> None:
        self.refuses = False
        self.got: list[EmailMessage] = []
        mail = self

        class Handler(StreamRequestHandler):
            def handle(self) -> None:
                mail._talk(self.rfile, self.wfile)

        self._server = ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        port = self._server.server_address[1]
        self.alert_url = (
            f"mailto://127.0.0.1:{port}/?from=pmsapp@clinic.example&to=mel@clinic.example&mode=insecure"
        )
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def _talk(self, heard: BufferedIOBase, said: BufferedIOBase) -> None:
        """As much of SMTP as a client needs."""
        said.write(b"220 test\r\n")
        while line := heard.readline():
            word = line[:4].upper().strip()
            if word == b"DATA" and not self.refuses:
                said.write(b"354 go on\r\n")
                lines = list(iter(heard.readline, b".\r\n"))
                self.got.append(cast(EmailMessage, message_from_bytes(b"".join(lines), policy=default)))
                said.write(b"250 taken\r\n")
            elif word in (b"DATA", b"RCPT") and self.refuses:
                said.write(b"550 not today\r\n")
            elif word == b"QUIT":
                said.write(b"221 bye\r\n")
                return
            else:
                said.write(b"250 ok\r\n")

    def __enter__(self) -> MailServer:
        return self

    def __exit__(self, *error: object) -> None:
        self._server.shutdown()
        self._server.server_close()
