"""The sandboxes of one test process: each is started when first asked for and lent to one test after another."""

from __future__ import annotations

from pmsapp import clock
from pmsapp.sandbox.server import SandboxServer


class Sandboxes:
    """`lend` gives a made-up clinic with all three vendors, on the tests' clock, as just started."""

    def __init__(self) -> None:
        self._running: dict[int, SandboxServer] = {}

    def lend(self, *, seed: int = 1, paired: bool = False) -> SandboxServer:
        """The clinic of that seed, everything that was done to it forgotten. `paired` as in `create_sandbox`."""
        if seed not in self._running:
            self._running[seed] = SandboxServer(now=lambda: clock.now(), seed=seed).start()
        server = self._running[seed]
        vars(server.app).pop("wsgi_app", None)  # what a test put in front of it
        for clinic in server.sandbox.clinics:
            clinic.halaxy_location_type = "item"
        server.sandbox.paired = paired
        server.sandbox.reset()
        return server

    def stop(self) -> None:
        """Close every port."""
        for server in self._running.values():
            server.stop()
