"""The watch outside the scheduler: each web process looks now and then, so a dead scheduler cannot die in silence."""

from __future__ import annotations

import threading

from flask import Flask

from pmsapp import logs
from pmsapp.services import incidents

LOOK_EVERY_S = 10.0
_log = logs.get(__name__)


def start(app: Flask) -> threading.Event:
    """Watch from a thread of this process until the returned event is set."""
    stop = threading.Event()
    threading.Thread(target=_watch, args=(app, stop), name="watchdog", daemon=True).start()
    return stop


def _watch(app: Flask, stop: threading.Event) -> None:
    while not stop.wait(LOOK_EVERY_S):
        with app.app_context():
            try:
                incidents.watch()
            except Exception:
                _log.error("the watchdog could not look", exc_info=True)
