"""Seconds of a machine of one's own.

A promise such as "back within ten seconds" is about a machine that has nothing else to do. A test machine is shared:
other tests, other builds. So what a wait took is counted without the time in which the processes waited for were ready
to go on and got no processor; Linux tells that for each thread. On an idle machine these are ordinary seconds.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

LOOK_EVERY_S = 0.1
AT_MOST = 30  # however busy the machine is, a wait ends
_PROC = Path("/proc")


def own_seconds_until(look: Callable[[], bool], within_s: float, family: int | None = None) -> float | None:
    """Look again and again until it is so; how many own seconds it took, or None when they ran out.

    `family` is a process: it and its descendants are waited for, and this very process.
    """
    passed_s, last_s, end_s = 0.0, time.monotonic(), time.monotonic() + AT_MOST * within_s
    waited = _waited(family)
    while passed_s <= within_s and last_s < end_s:
        if look():
            return passed_s
        time.sleep(LOOK_EVERY_S)
        now_s, now_waited = time.monotonic(), _waited(family)
        longest_s = max((after - waited.get(who, 0.0) for who, after in now_waited.items()), default=0.0)
        passed_s += max(0.0, now_s - last_s - longest_s)
        last_s, waited = now_s, now_waited
    return None


def _waited(family: int | None) -> dict[str, float]:
    """How long each thread of the family has been ready to go on without a processor, in seconds."""
    found = {}
    for pid in {os.getpid(), *(_descendants(family) if family else ())}:
        for thread in _listed(_PROC / str(pid) / "task"):
            try:
                found[thread.name] = int((thread / "schedstat").read_text().split()[1]) / 1e9
            except (OSError, IndexError, ValueError):
                continue
    return found


def _descendants(pid: int) -> set[int]:
    """A process, its children, and theirs."""
    children: dict[int, list[int]] = {}
    for folder in _listed(_PROC):
        if folder.name.isdecimal():
            try:
                parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            except (OSError, IndexError):
                continue
            children.setdefault(parent, []).append(int(folder.name))
    found, new = {pid}, [pid]
    while new:
        new = [child for parent in new for child in children.get(parent, ()) if child not in found]
        found.update(new)
    return found


def _listed(folder: Path) -> Iterator[Path]:
    try:
        yield from folder.iterdir()
    except OSError:
        return
