"""Folders that lie in memory where the machine has such a place: a commit there waits for no disk.

Not for tests of what a disk keeps or refuses.
"""

from __future__ import annotations

import shutil
import tempfile
from functools import cache
from pathlib import Path

_MEMORY = Path("/dev/shm")
_ROOM = 2**30  # enough for every worker's databases; a container often has less


def make_folder(prefix: str) -> Path:
    """A new folder of this user's alone; whoever asked for it removes it."""
    return Path(tempfile.mkdtemp(prefix=prefix, dir=_place()))


@cache
def _place() -> Path | None:
    has_room = _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free >= _ROOM
    return _MEMORY if has_room else None
