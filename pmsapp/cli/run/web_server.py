"""gunicorn, set up for one small machine; each of its processes serves as web_worker says."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter
from gunicorn.glogging import Logger

from pmsapp.cli.run.web_worker import BufferingWorker
from pmsapp.process import liveness

WORKERS = 2
THREADS = 8
REQUEST_WITHIN_S = 60
STOP_WITHIN_S = 8


class _OurLogs(Logger):  # type: ignore[misc]
    """Sends gunicorn's own lines through the program's one formatter."""

    def setup(self, cfg: Any) -> None:
        self.error_log.handlers[:] = []
        self.error_log.propagate = True
        self.error_log.setLevel(logging.WARNING)
        self.access_log.handlers[:] = []
        self.access_log.propagate = False


class _Arbiter(Arbiter):  # type: ignore[misc]
    """The parent of the web processes. It ends those that stop answering, and says that it goes on itself."""

    def murder_workers(self) -> None:
        """Called once a second."""
        liveness.beat()
        super().murder_workers()


class _Server(BaseApplication):  # type: ignore[misc]
    def __init__(self, make_app: Callable[[], Flask], options: dict[str, Any]) -> None:
        self._make_app = make_app
        self._options = options
        super().__init__()

    def load_config(self) -> None:
        for name, value in self._options.items():
            self.cfg.set(name, value)

    def run(self) -> None:
        """Serve until told to stop."""
        _Arbiter(self).run()

    def load(self) -> Flask:
        """Called in each worker process, after the fork: no connection is shared."""
        app = self._make_app()
        app.extensions["start_watchdog"]()
        return app


def serve(make_app: Callable[[], Flask], listener: socket.socket) -> None:
    """Answer requests on `listener` until told to stop."""
    memory = "/dev/shm"  # noqa: S108 - gunicorn makes its own private file there
    _Server(
        make_app,
        {
            "bind": [f"fd://{listener.fileno()}"],
            "worker_class": BufferingWorker,
            "workers": WORKERS,
            "threads": THREADS,
            "timeout": REQUEST_WITHIN_S,
            "graceful_timeout": STOP_WITHIN_S,
            "worker_tmp_dir": memory if Path(memory).is_dir() and os.access(memory, os.W_OK) else None,
            "control_socket_disable": True,
            "logger_class": _OurLogs,
            "proc_name": "pmsapp-web",
        },
    ).run()
