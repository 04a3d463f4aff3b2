"""The sandbox on a port of its own: `SandboxServer` for tests and demos, `serve` for the command line."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from types import TracebackType

from werkzeug.serving import WSGIRequestHandler, make_server

from pmsapp.sandbox.app import create_sandbox
from pmsapp.sandbox.clinic.clinic import Clinic
from pmsapp.sandbox.clinic.model import VENDORS
from pmsapp.sandbox.clinic.store import read_wall_clock
from pmsapp.sandbox.core.faults import FaultDial
from pmsapp.sandbox.core.hub import Sandbox
from pmsapp.sandbox.core.traffic import RequestLog

# How often the server looks whether it should stop.
_POLL_S = 0.02


class _QuietHandler(WSGIRequestHandler):
    """Leaves the Date to the sandbox's own clock, and writes no access log: the sandbox keeps one without values."""

    def send_response(self, code: int, message: str | None = None) -> None:
        """The status line alone."""
        self.send_response_only(code, message)


class SandboxServer:
    """A running sandbox over real, threaded HTTP. Use it as a context manager, or `start` and `stop` it.

    `clinic` (or seed, zone, now, busy), `paired`, `vendors` and `faults` are as in `create_sandbox`. Port 0 takes a free
    one. `url` has no slash at its end; `base(vendor)` is what goes into a connection's base address setting.
    """

    def __init__(
        self,
        clinic: Clinic | None = None,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        seed: int = 1,
        zone: str = "Australia/Melbourne",
        now: Callable[[], datetime] = read_wall_clock,
        busy: bool = False,
        paired: bool = False,
        vendors: Iterable[str] = VENDORS,
        faults: Sequence[str] = (),
    ) -> None:
        self.app = create_sandbox(
            clinic, seed=seed, zone=zone, now=now, busy=busy, paired=paired, vendors=vendors, faults=faults
        )
        self.sandbox: Sandbox = self.app.extensions["sandbox"]
        self._server = make_server(host, port, self.app, threaded=True, request_handler=_QuietHandler)
        self._thread: threading.Thread | None = None
        self.host = host
        self.port: int = self._server.port
        self.url = f"http://{host}:{self.port}"

    @property
    def clinic(self) -> Clinic:
        """The clinic in front."""
        return self.sandbox.clinic

    @property
    def faults(self) -> FaultDial:
        """The fault dial."""
        return self.sandbox.faults

    @property
    def requests(self) -> RequestLog:
        """What has been asked so far."""
        return self.sandbox.requests

    def base(self, vendor: str) -> str:
        """The base address of one vendor's API on this server."""
        return self.url + self.sandbox.servers[vendor].prefix

    @property
    def gentu_base(self) -> str:
        """Gentu's base address here."""
        return self.base("gentu")

    @property
    def medirecords_base(self) -> str:
        """MediRecords' base address here."""
        return self.base("medirecords")

    @property
    def halaxy_base(self) -> str:
        """Halaxy's base address here."""
        return self.base("halaxy")

    def start(self) -> SandboxServer:
        """Answer requests in a thread of its own."""
        self._thread = threading.Thread(target=self._run, name="sandbox", daemon=True)
        self._thread.start()
        return self

    def run(self) -> None:
        """Answer requests in this thread until interrupted or stopped."""
        try:
            self._run()
        finally:
            self.sandbox.faults.stop()

    def _run(self) -> None:
        self._server.serve_forever(poll_interval=_POLL_S)

    def stop(self) -> None:
        """Free what hangs, stop answering and close the port."""
        self.sandbox.faults.stop()
        if self._thread is not None:
            self._server.shutdown()
            self._thread.join(timeout=5)
        self._server.server_close()

    def __enter__(self) -> SandboxServer:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


def serve(
    host: str = "127.0.0.1",
    port: int = 8099,
    *,
    vendors: Iterable[str] = VENDORS,
    faults: Sequence[str] = (),
    seed: int = 1,
    zone: str = "Australia/Melbourne",
    busy: bool = False,
    paired: bool = False,
    announce: Callable[[str], None] | None = None,
) -> None:
    """Run the sandbox in this thread until it is interrupted. `announce` is told its address once it answers.

    Raises SandboxError for an unknown vendor or fault; exits with a sentence when the port is taken.
    """
    server = SandboxServer(
        host=host, port=port, seed=seed, zone=zone, busy=busy, paired=paired, vendors=vendors, faults=faults
    )
    if announce is not None:
        announce(server.url)
    server.run()
