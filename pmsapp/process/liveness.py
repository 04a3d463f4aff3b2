"""Signs of life from a child process to its parent, through a pipe: no disk, no database, no clock but the parent's.

An end is seen at once by other means. This is for the child that lives and does nothing any more: stopped, frozen,
caught in the system. It may hold the database's write lock, and then no process can store anything until it is gone.
"""

from __future__ import annotations

import contextlib
import os
import threading

from pmsapp import clock

PIPE_VARIABLE = "PMS_HEARTBEAT_PIPE"  # in a child's environment: the number of its end of the pipe
# Time between two looks counts for no more than this, so that no child is taken for silent
# because its parent was stopped or the machine slept.
LONGEST_LOOK_S = 15.0
_BEAT = b"."
_MANY = 65536


class HeartbeatPipe:
    """The parent's end. `child_end` is the number the child writes to; close it here once the child has it."""

    def __init__(self) -> None:
        self._parent_end, self.child_end = os.pipe()
        os.set_blocking(self._parent_end, False)
        os.set_blocking(self.child_end, False)
        self._looked_s = clock.monotonic_s()
        self._silent_s = 0.0

    def silent_s(self) -> float:
        """For how long the child has given no sign."""
        now_s = clock.monotonic_s()
        passed_s, self._looked_s = now_s - self._looked_s, now_s
        self._silent_s = 0.0 if self._has_beaten() else self._silent_s + min(passed_s, LONGEST_LOOK_S)
        return self._silent_s

    def _has_beaten(self) -> bool:
        try:
            return bool(os.read(self._parent_end, _MANY))
        except BlockingIOError:
            return False

    def close_child_end(self) -> None:
        """The child has its own copy now."""
        os.close(self.child_end)

    def close(self) -> None:
        """Close the parent's end."""
        os.close(self._parent_end)


def beat() -> None:
    """Tell the parent that this process goes on; nothing where no parent listens."""
    pipe = os.environ.get(PIPE_VARIABLE)
    if pipe is not None:
        beat_to(int(pipe))


def beat_to(child_end: int) -> None:
    """Give one sign of life. A pipe that is full or closed changes nothing."""
    with contextlib.suppress(OSError):
        os.write(child_end, _BEAT)


def beat_always(child_end: int, every_s: float) -> None:
    """From a thread of its own, until the process ends: the process as such is not stopped."""
    stop = threading.Event()

    def go_on() -> None:
        while not stop.wait(every_s):
            beat_to(child_end)

    beat_to(child_end)
    threading.Thread(target=go_on, name="heartbeat", daemon=True).start()
