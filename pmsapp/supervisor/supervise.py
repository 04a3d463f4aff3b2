"""Keeps the children running until told to stop, then stops them, and the queue server last."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import FrameType

from pmsapp import clock
from pmsapp.domain.errors import ConfigurationError
from pmsapp.settings import Settings
from pmsapp.supervisor.children import Child, Program, how_it_ended, pmsapp_command
from pmsapp.supervisor.redis import EmbeddedRedis

LOOK_EVERY_S = 0.2
REDIS_AGAIN_AFTER_S = 30.0
# Longer than anything that a healthy child does between two signs of life, waiting for the database's lock included.
SILENT_WITHIN_S = 60.0
BAD_SETTING = 2  # the exit code of a command that met a ConfigurationError

Say = Callable[[str], None]


class Stop:
    """Set by Ctrl-C or SIGTERM; a second one makes the stop impatient."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self, number: int, frame: FrameType | None) -> None:
        self.times += 1

    @property
    def wanted(self) -> bool:
        return self.times > 0

    def impatient(self) -> bool:
        """True when asked twice."""
        return self.times > 1


@contextmanager
def stop_on_signals() -> Iterator[Stop]:
    """Turn SIGINT, SIGTERM and SIGHUP into a Stop instead of an end."""
    stop = Stop()
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, stop) for number in numbers}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class Supervisor:
    """The children of one `pmsapp up`, and its queue server."""

    def __init__(
        self, programs: Sequence[Program], redis: EmbeddedRedis | None, environ: Mapping[str, str], say: Say
    ) -> None:
        self.environ = environ
        self._redis = redis
        self._redis_again_s = 0.0
        self._message = say
        self.children = [Child(program, environ) for program in programs]

    def start(self) -> None:
        """Start everything. Raises ConfigurationError when the queue server does not come up."""
        if self._redis is not None:
            self._redis.start(self.environ)
            if self._redis.adopted:
                self._message("The queue server of an earlier start is still running and is used again.")
        for child in self.children:
            child.start()

    def look(self) -> None:
        """Start again what ended or fell silent. Raises ConfigurationError when a child will not run as things stand."""
        if self._redis is not None:
            self._look_after_queue_server(self._redis)
        for child in self.children:
            self._look_after(child)

    def _look_after_queue_server(self, redis: EmbeddedRedis) -> None:
        if not redis.is_alive():
            self._start_again(redis)
        elif redis.fell_silent():
            self._message("The queue server does not answer; ending it.")
            redis.end()

    def _start_again(self, redis: EmbeddedRedis) -> None:
        """A queue server that does not come back stops nobody: the scheduler performs the runs until it does."""
        if clock.monotonic_s() < self._redis_again_s:
            return
        self._message("The queue server stopped; starting it again.")
        try:
            redis.start(self.environ)
        except ConfigurationError as error:
            self._redis_again_s = clock.monotonic_s() + REDIS_AGAIN_AFTER_S
            self._message(f"{error} The scheduler performs the runs meanwhile.")

    def _look_after(self, child: Child) -> None:
        code = child.poll()
        if code is not None:
            if code == BAD_SETTING:
                raise ConfigurationError(
                    f"The {child.name} process cannot run as things stand; see its message above."
                )
            wait_s = child.plan_restart()
            self._message(
                f"The {child.name} process {how_it_ended(code)}; starting it again in {wait_s:g} s."
            )
        elif child.fell_silent():
            self._message(
                f"The {child.name} process gave no sign of life for {child.program.silent_within_s:g} s; ending it."
            )
            child.end()
        child.start_if_due()

    def stop(self, impatient: Callable[[], bool]) -> None:
        """Stop the children, all at once, and then the queue server."""
        for child in self.children:
            child.ask_to_stop()
        for child in self.children:
            child.stop(impatient)
        if self._redis is not None:
            self._redis.stop(impatient)

    def run(self, stop: Stop, meanwhile: Callable[[], bool] = lambda: False) -> None:
        """Look after the children until a stop is wanted, or `meanwhile` (called at each look) says so."""
        while not stop.wanted and not meanwhile():
            self.look()
            time.sleep(LOOK_EVERY_S)


def child_environ(settings: Settings, **overrides: str) -> dict[str, str]:
    """What children see: this process's environment and the same instance folder."""
    own = {"PMSAPP_INSTANCE_DIR": str(settings.instance_dir), "PYTHONUNBUFFERED": "1"}
    if sys.platform == "darwin":
        own["OBJC_DISABLE_INITIALIZE_FORK_SAFETY"] = "YES"
    return {**os.environ, **own, **overrides}


def run_step(*arguments: str, environ: Mapping[str, str]) -> int:
    """Run one of pmsapp's own commands to its end and return its exit code."""
    command = pmsapp_command(*arguments)
    return subprocess.run(command, env=dict(environ), stdin=subprocess.DEVNULL).returncode  # noqa: S603 - our own command


def installation_programs(listener_fd: int, *, with_worker: bool) -> list[Program]:
    """The processes of an installation."""
    web = Program(
        "web",
        pmsapp_command("web", "--fd", str(listener_fd)),
        stop_within_s=12.0,
        silent_within_s=SILENT_WITHIN_S,
        orphan_signal=signal.SIGTERM,
        pass_fds=(listener_fd,),
    )
    scheduler = Program(
        "scheduler", pmsapp_command("scheduler"), stop_within_s=20.0, silent_within_s=SILENT_WITHIN_S
    )
    worker = Program("worker", pmsapp_command("worker"), stop_within_s=25.0, silent_within_s=SILENT_WITHIN_S)
    return [web, scheduler, *([worker] if with_worker else [])]
