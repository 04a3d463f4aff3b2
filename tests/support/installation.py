"""A `pmsapp up` of the test's own, as a real process."""

from __future__ import annotations

import os
import queue
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

PATIENCE_S = 150.0  # no promise: only so that a test ends, however busy the machine is


class Installation:
    """A running command of pmsapp: its lines as they come, and its children."""

    def __init__(
        self,
        instance_dir: Path,
        *arguments: str,
        program: Sequence[str] = (sys.executable, "-P", "-m", "pmsapp"),
        cwd: Path | None = None,
        **environ: str,
    ) -> None:
        own = {name: value for name, value in os.environ.items() if not name.startswith("PMSAPP_")}
        self.process = subprocess.Popen(
            [*program, *(arguments or ("up", "--port", "0"))],
            env={**own, "PMSAPP_INSTANCE_DIR": str(instance_dir), "PYTHONUNBUFFERED": "1", **environ},
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.lines: list[str] = []
        self.address = ""
        self._coming: queue.Queue[str | None] = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as stdout:
            for line in stdout:
                self._coming.put(line.rstrip("\n"))
        self._coming.put(None)

    def wait_for(self, pattern: str, within_s: float = PATIENCE_S) -> re.Match[str]:
        """Read on until a line matches."""
        until = time.monotonic() + within_s
        while (left := until - time.monotonic()) > 0:
            try:
                line = self._coming.get(timeout=left)
            except queue.Empty:
                break
            if line is None:
                break
            self.lines.append(line)
            if found := re.search(pattern, line):
                return found
        raise AssertionError(f"no line like {pattern!r} in:\n" + "\n".join(self.lines))

    def wait_until_up(self) -> None:
        """Wait until it says where it is. One that does not is ended."""
        try:
            self.address = self.wait_for(r"pmsapp runs at (http://\S+)").group(1)
        except BaseException:
            self.kill()
            raise

    def children(self) -> dict[str, int]:
        """The supervisor's children by what they are: name -> process id."""
        found = {}
        for pid, command in _processes_of(self.process.pid):
            name = re.search(r"-m pmsapp (\w+)|(redis|valkey)-server", command)
            if name:
                found[name.group(1) or "redis"] = pid
        return found

    def stop(self) -> int:
        """Ask it to stop and wait until it has."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.ended()

    def ended(self) -> int:
        """Wait until it has ended by itself; its exit code."""
        code = self.process.wait(PATIENCE_S)
        self._reader.join(PATIENCE_S)
        return code

    def kill(self) -> None:
        """kill -9."""
        self.process.kill()
        self.ended()


def _processes_of(parent: int) -> list[tuple[int, str]]:
    listing = subprocess.run(
        ["ps", "-eo", "pid=,ppid=,args="], capture_output=True, text=True, check=True
    ).stdout
    rows = [line.split(None, 2) for line in listing.splitlines()]
    return [(int(row[0]), row[2]) for row in rows if len(row) == 3 and int(row[1]) == parent]


def is_running(pid: int) -> bool:
    """True while the process lives (a zombie does not)."""
    return state_of(pid) not in ("Z", "")


def stall(pid: int, could_write: Callable[[], bool]) -> None:
    """Stop a process (SIGSTOP) at a moment when it does not hold the database's write lock.

    `could_write` tries to write; where it cannot, the process was stopped in the middle of a transaction, so it goes
    on for a moment and is stopped again.
    """
    for _ in range(100):
        os.kill(pid, signal.SIGSTOP)
        assert eventually(lambda: state_of(pid) in ("T", ""))
        if could_write():
            return
        os.kill(pid, signal.SIGCONT)
        time.sleep(0.01)
    raise AssertionError("this process writes all the time")


def state_of(pid: int) -> str:
    """The system's letter for what a process does (T: stopped, Z: a zombie); empty when it is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (OSError, IndexError):
        return ""


def eventually(look: Callable[[], bool], within_s: float = PATIENCE_S) -> bool:
    """Look again and again until it is so."""
    until = time.monotonic() + within_s
    while time.monotonic() < until:
        if look():
            return True
        time.sleep(0.05)
    return look()
