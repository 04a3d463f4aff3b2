"""One child process: started in its own process group, dying with the supervisor, restarted after a growing wait.

One that lives but gives no sign of life any more is ended, and so started anew like one that ended by itself.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pmsapp import clock
from pmsapp.process import liveness
from pmsapp.process.liveness import HeartbeatPipe
from pmsapp.process.parent_death import dies_with

FIRST_WAIT_S = 0.5
LONGEST_WAIT_S = 60.0
STEADY_AFTER_S = 60.0


@dataclass(frozen=True, slots=True)
class Program:
    """What to run. `stop_within_s`: how long a polite stop may take. `orphan_signal`: what it gets when the
    supervisor dies. `silent_within_s`: it gives a sign of life more often than this; None: it gives none. `log`: the
    file its lines are added to, None for the terminal."""

    name: str
    command: Sequence[str]
    stop_within_s: float = 10.0
    orphan_signal: signal.Signals = signal.SIGKILL
    silent_within_s: float | None = None
    pass_fds: tuple[int, ...] = ()
    log: Path | None = None
    environ: Mapping[str, str] = field(default_factory=dict)


def pmsapp_command(*arguments: str) -> list[str]:
    """The command line that runs pmsapp's own command with this very Python."""
    return [sys.executable, "-P", "-m", "pmsapp", *arguments]


class Child:
    """A program that is kept running."""

    def __init__(self, program: Program, environ: Mapping[str, str]) -> None:
        self.program = program
        self._environ = {**environ, **program.environ}
        self._process: subprocess.Popen[bytes] | None = None
        self._wait_s = FIRST_WAIT_S
        self._started_s = 0.0
        self._asked = False
        self._line: HeartbeatPipe | None = None
        self.start_again_s: float | None = None
        self.starts = 0

    @property
    def name(self) -> str:
        return self.program.name

    @property
    def pid(self) -> int | None:
        """The process id while it runs."""
        return self._process.pid if self._process is not None else None

    def start(self) -> None:
        """Start the program now."""
        self._hang_up()
        if self.program.silent_within_s is None:
            self._process = spawn(self.program, self._environ)
        else:
            self._line = line = HeartbeatPipe()
            try:
                self._process = spawn(self.program, self._environ, line)
            finally:
                line.close_child_end()
        self._started_s = clock.monotonic_s()
        self._asked = False
        self.start_again_s = None
        self.starts += 1

    def poll(self) -> int | None:
        """The exit code when the process ended since the last look (negative: the signal that ended it), else None."""
        if self._process is None:
            return None
        code = self._process.poll()
        if code is not None:
            self._process = None
        return code

    def fell_silent(self) -> bool:
        """True when it lives and gave no sign of life for too long."""
        if self._process is None or self._line is None or self.program.silent_within_s is None:
            return False
        return self._line.silent_s() > self.program.silent_within_s

    def end(self) -> None:
        """End it at once; a process that is stopped can be ended in no other way. The next `poll` finds it ended."""
        self._hang_up()
        if self._process is not None:
            self._process.kill()

    def _hang_up(self) -> None:
        line, self._line = self._line, None
        if line is not None:
            line.close()

    def plan_restart(self) -> float:
        """Plan the next start; the wait doubles while it keeps dying young. Returns the wait in seconds."""
        now_s = clock.monotonic_s()
        if now_s - self._started_s >= STEADY_AFTER_S:
            self._wait_s = FIRST_WAIT_S
        wait_s = self._wait_s
        self._wait_s = min(self._wait_s * 2, LONGEST_WAIT_S)
        self.start_again_s = now_s + wait_s
        return wait_s

    def start_if_due(self) -> bool:
        """Start again when the planned time has come."""
        if self.start_again_s is None or clock.monotonic_s() < self.start_again_s:
            return False
        self.start()
        return True

    def ask_to_stop(self) -> None:
        """Ask it to stop, once: a worker takes a second asking as "at once". No more restarts."""
        self.start_again_s = None
        if self._process is not None and not self._asked:
            self._asked = True
            self._process.terminate()

    def stop(self, impatient: Callable[[], bool] = lambda: False) -> None:
        """Ask it to stop, wait as long as it may take, then end it. `impatient` cuts the wait short."""
        self.ask_to_stop()
        self._hang_up()
        process, self._process = self._process, None
        if process is not None:
            end_process(process, self.program.stop_within_s, impatient)


def spawn(
    program: Program, environ: Mapping[str, str], line: HeartbeatPipe | None = None
) -> subprocess.Popen[bytes]:
    """Start a program in a session of its own (Ctrl-C reaches the supervisor alone)."""
    own = {liveness.PIPE_VARIABLE: str(line.child_end)} if line else {}
    with open_log(program.log) as output:
        return subprocess.Popen(  # noqa: S603 - our own command line
            list(program.command),
            env={**environ, **own},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            pass_fds=(*program.pass_fds, *([line.child_end] if line else [])),
            start_new_session=True,
            umask=0o077,
            preexec_fn=dies_with(os.getpid(), program.orphan_signal) if sys.platform == "linux" else None,
        )


@contextlib.contextmanager
def open_log(path: Path | None) -> Iterator[int | None]:
    """A private log file to add to, or None for the terminal."""
    if path is None:
        yield None
        return
    handle = os.open(path, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600)
    try:
        yield handle
    finally:
        os.close(handle)


def end_process(
    process: subprocess.Popen[bytes], within_s: float, impatient: Callable[[], bool] = lambda: False
) -> None:
    """Wait for a process that was asked to stop, then SIGKILL its whole group."""
    until_s = clock.monotonic_s() + within_s
    while clock.monotonic_s() < until_s and not impatient():
        try:
            process.wait(timeout=0.1)
        except subprocess.TimeoutExpired:
            continue
        break
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def how_it_ended(code: int) -> str:
    """An exit code in words."""
    if code < 0:
        try:
            return f"was ended by {signal.Signals(-code).name}"
        except ValueError:
            return f"was ended by signal {-code}"
    return f"ended with exit code {code}"
