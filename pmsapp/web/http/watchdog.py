"""The watch outside the scheduler: each web process looks now and then, so a dead scheduler cannot die in silence.

Sending crosses the network, so it has a thread of its own: a channel that hangs keeps nobody from looking. A third
writes who looked at what, where a page did not wait for it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from flask import Flask

from pmsapp.observability import logs
from pmsapp.services.base import metrics
from pmsapp.services.monitoring import alerts, heartbeat_ping, incidents
from pmsapp.services.records import access_log

LOOK_EVERY_S = 10.0
# A machine that has just started is slow, and the scheduler's last sign of life is from before: it gets a minute.
FIRST_LOOK_AFTER_S = 60.0
SEND_EVERY_S = 5.0
WRITE_EVERY_S = 1.0
_log = logs.get(__name__)


def start(app: Flask) -> threading.Event:
    """Watch and send from threads of this process until the returned event is set."""
    stop = threading.Event()
    for name, first_s, every_s, do in (
        ("watchdog", FIRST_LOOK_AFTER_S, LOOK_EVERY_S, _look),
        ("messenger", SEND_EVERY_S, SEND_EVERY_S, _send),
        ("access log", WRITE_EVERY_S, WRITE_EVERY_S, access_log.write_waiting),
    ):
        args = (app, stop, first_s, every_s, do)
        threading.Thread(target=_repeat, args=args, name=name, daemon=True).start()
    return stop


def _repeat(
    app: Flask, stop: threading.Event, first_s: float, every_s: float, do: Callable[[], object]
) -> None:
    wait_s = first_s
    while not stop.wait(wait_s):
        wait_s = every_s
        with app.app_context():
            try:
                do()
            except Exception:
                _log.error("the watchdog stumbled", part=do.__name__, exc_info=True)


def _look() -> None:
    incidents.watch()
    metrics.flush()


def _send() -> None:
    alerts.deliver_due()
    heartbeat_ping.send_owed()
