"""Ties a child process to its parent, where the system can."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Callable

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def dies_with(parent: int, by: signal.Signals) -> Callable[[], None]:
    """A function that, run in a child, has the system send it `by` when the process `parent` dies (Linux alone)."""

    def ask() -> None:
        if _libc is not None:
            _libc.prctl(_PR_SET_PDEATHSIG, int(by), 0, 0, 0)
            if os.getppid() != parent:
                os._exit(1)

    return ask
