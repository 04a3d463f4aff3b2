"""A loopback server that answers by a script: for what a well-behaved fake cannot do, byte by byte."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from pmsapp.adapters.client.hosts import HostPolicy
from pmsapp.adapters.client.http import HTTPClient

LABEL = "Testsoft"


@dataclass
class Seen:
    """A request as it arrived."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    connection: int


Step = Callable[["Handler"], None]


@dataclass
class Script:
    """Steps answer one request each, in order; the last one stays for all that follow."""

    url: str = ""
    port: int = 0
    steps: list[Step] = field(default_factory=list)
    seen: list[Seen] = field(default_factory=list)
    stopping: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def then(self, *steps: Step) -> Script:
        """Add steps."""
        self.steps.extend(steps)
        return self

    def take(self) -> Step:
        """The step for the request in hand."""
        with self.lock:
            if not self.steps:
                return answer()
            return self.steps.pop(0) if len(self.steps) > 1 else self.steps[0]


class Handler(BaseHTTPRequestHandler):
    """Answers with the next step of the server's script."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1
    script: Script

    def do_GET(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length) if length else b""
        with self.script.lock:
            self.script.seen.append(
                Seen(self.command, self.path, dict(self.headers), body, self.client_address[1])
            )
        try:
            self.script.take()(self)
            self.wfile.flush()
        except OSError:
            self.close_connection = True

    def do_PUT(self) -> None:
        self.do_GET()

    def do_POST(self) -> None:
        self.do_GET()

    def log_message(self, *args: Any) -> None:
        """Nothing goes to the terminal."""

    def drip(self, data: bytes, pause_s: float) -> None:
        """Send byte by byte until the server stops or the client goes."""
        for index in range(len(data)):
            self.wfile.write(data[index : index + 1])
            self.wfile.flush()
            if self.script.stopping.wait(pause_s):
                return


def answer(
    data: Any = None,
    status: int = 200,
    *,
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    content_type: str | None = "application/json",
) -> Step:
    """A whole answer: `data` as JSON, or `body` as it is."""
    sent = json.dumps({} if data is None else data).encode() if body is None else body

    def step(handler: Handler) -> None:
        handler.send_response(status)
        if content_type is not None:
            handler.send_header("Content-Type", content_type)
        for name, value in (headers or {}).items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(sent)))
        handler.end_headers()
        handler.wfile.write(sent)

    return step


def raw(data: bytes, *, then_close: bool = True) -> Step:
    """These bytes, nothing else."""

    def step(handler: Handler) -> None:
        handler.wfile.write(data)
        handler.close_connection = then_close

    return step


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away early is part of these tests."""


@contextmanager
def serving(*steps: Step, tls: Any = None) -> Iterator[Script]:
    """Run a scripted server for the block; `tls` is a server-side SSL context."""
    script = Script(steps=list(steps))
    handler = type("BoundHandler", (Handler,), {"script": script})
    server = _Server(("127.0.0.1", 0), handler)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    script.port = server.server_port
    script.url = f"{'https' if tls else 'http'}://127.0.0.1:{server.server_port}/v1"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield script
    finally:
        script.stopping.set()
        server.shutdown()
        server.server_close()
        thread.join()


def client_for(script: Script, **options: Any) -> HTTPClient:
    """A client of the scripted server, with no pause between tries."""
    options.setdefault("hosts", HostPolicy((), ("127.0.0.1",)))
    options.setdefault("backoff_s", 0.0)
    return HTTPClient(script.url, label=LABEL, user_agent="pmsapp tests", **options)
