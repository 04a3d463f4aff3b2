"""`pmsapp web` beside clients that are slow on purpose: other people's pages are answered, and its own refusals are ours."""

from __future__ import annotations

import resource
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
import requests

from pmsapp.cli.run.web_server import WORKERS
from pmsapp.web.http.headers import SECURITY_HEADERS
from tests.support.installation import PATIENCE_S, Installation, eventually

pytestmark = pytest.mark.slow
MANY = 200
BREAK_OFF = 40
DRIP_EVERY_S = 0.5
PAGES = 10


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory, migrated_instance: Path) -> Iterator[Installation]:
    """The web server alone, on a port of its own; FLASK_DEBUG is set as on a developer's machine."""
    folder = tmp_path_factory.mktemp("slow") / "instance"
    shutil.copytree(migrated_instance, folder)
    server = Installation(folder, "web", "--port", "0", FLASK_DEBUG="1")
    server.address = server.wait_for(r"Listening on (http://\S+);").group(1)
    yield server
    server.stop()


def _connect(server: Installation) -> socket.socket:
    host, _, port = server.address.removeprefix("http://").rpartition(":")
    return socket.create_connection((host, int(port)), timeout=PATIENCE_S)


@contextmanager
def _slow_clients(server: Installation, first_bytes: bytes) -> Iterator[None]:
    """MANY connections; each that said something goes on with a byte now and then, and comes back when it is closed."""
    done = threading.Event()
    with ExitStack() as stack:
        sockets = [stack.enter_context(_connect(server)) for _ in range(MANY)]
        for client in sockets:
            if first_bytes:
                client.sendall(first_bytes)

        def drip() -> None:
            while not done.wait(DRIP_EVERY_S):
                for number, client in enumerate(sockets):
                    try:
                        client.sendall(b"a" if first_bytes else b"")
                    except OSError:
                        sockets[number] = stack.enter_context(_connect(server))

        thread = threading.Thread(target=drip)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()


@pytest.mark.parametrize(
    "first_bytes",
    [
        b"",
        b"GET /login HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ",
        b"POST /login HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100000\r\n\r\n",
    ],
    ids=["silent", "slow headers", "slow body"],
)
def test_pages_are_answered_beside_two_hundred_slow_clients(web: Installation, first_bytes: bytes) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(max(soft, 2048), hard), hard))
    with _slow_clients(web, first_bytes):
        for _ in range(PAGES):
            assert requests.get(f"{web.address}/login", timeout=PATIENCE_S / PAGES).status_code == 200


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"not a request\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: x\r\n\r\n", 400),
        (b"POST /login HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 99000000\r\n\r\n", 413),
        (b"GET /" + b"a" * 40_000 + b" HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", 431),
        (b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Long: " + b"a" * 40_000 + b"\r\n\r\n", 431),
    ],
    ids=["no request", "wrong length", "too large", "long address", "long header"],
)
def test_the_servers_own_refusals_carry_the_same_headers(web: Installation, sent: bytes, status: int) -> None:
    with _connect(web) as client:
        client.sendall(sent)
        answer = client.makefile("rb").read().decode()
    head = answer.partition("\r\n\r\n")[0]
    assert head.startswith((f"HTTP/1.0 {status} ", f"HTTP/1.1 {status} "))
    for name, value in {**SECURITY_HEADERS, "Cache-Control": "no-store"}.items():
        assert f"{name}: {value}".lower() in head.lower(), name
    assert "server:" not in head.lower()
    assert "waitress" not in answer.lower()


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"GET /login HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Half: ",
        b"GET /login HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    ],
    ids=["nothing said", "half a request", "before the answer"],
)
@pytest.mark.parametrize("how", [b"\x01\x00\x00\x00\x00\x00\x00\x00", None], ids=["reset", "closed"])
def test_clients_that_break_off_end_no_process(web: Installation, sent: bytes, how: bytes | None) -> None:
    assert eventually(lambda: len(_processes(web)) == WORKERS)
    before = _processes(web)
    for _ in range(BREAK_OFF):
        with _connect(web) as client:
            client.sendall(sent)
            if how is not None:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, how)
    for _ in range(PAGES):
        assert requests.get(f"{web.address}/login", timeout=PATIENCE_S).status_code == 200
    assert _processes(web) == before


def _processes(server: Installation) -> set[str]:
    """The web processes, by number."""
    listing = subprocess.run(  # noqa: S603
        ["ps", "-o", "pid=", "--ppid", str(server.process.pid)],  # noqa: S607
        capture_output=True,
        text=True,
        check=False,
    )
    return set(listing.stdout.split())


def test_a_connection_that_never_says_anything_is_closed(web: Installation) -> None:
    with _connect(web) as client:
        assert client.recv(1) == b""


def test_a_connection_serves_many_requests(web: Installation) -> None:
    with requests.Session() as session:
        assert [session.get(f"{web.address}/login", timeout=PATIENCE_S).status_code for _ in range(3)] == [
            200
        ] * 3
