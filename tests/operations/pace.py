"""Seconds of a machine of our own.

A promise such as "back within ten seconds" is about a machine that has nothing else to do. A test machine is shared:
other tests, other builds. So while such a test waits it does a little work again and again and compares how long that
took with how much of the processor it got; a second in which it got half of one counts as half a second. On a machine
that is idle these are ordinary seconds.
"""

from __future__ import annotations

import time
from collections.abc import Callable

WORK_S = 0.004
LOOK_EVERY_S = 0.05
AT_MOST = 12  # however busy the machine is, a wait ends


def own_seconds_until(look: Callable[[], bool], within_s: float) -> float | None:
    """Look again and again until it is so; how many own seconds it took, or None when they ran out."""
    passed_s, last_s, end_s = 0.0, time.monotonic(), time.monotonic() + AT_MOST * within_s
    while passed_s <= within_s and last_s < end_s:
        if look():
            return passed_s
        time.sleep(LOOK_EVERY_S)
        share = _share()
        now_s = time.monotonic()
        passed_s, last_s = passed_s + (now_s - last_s) * share, now_s
    return None


def _share() -> float:
    """How much of a processor this thread gets now: 1 when nobody else wants it."""
    wall_s, own_s = time.monotonic(), time.thread_time()
    while time.thread_time() - own_s < WORK_S:
        pass
    return min(1.0, (time.thread_time() - own_s) / (time.monotonic() - wall_s))
