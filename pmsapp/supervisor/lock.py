"""One supervisor per instance folder."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pmsapp.domain.errors import ConfigurationError

LOCK_FILE = "pmsapp.lock"


@contextmanager
def only_one(instance_dir: Path) -> Iterator[None]:
    """Hold the instance folder's lock; the system frees it however this process ends.

    Raises ConfigurationError when another supervisor holds it.
    """
    handle = os.open(instance_dir / LOCK_FILE, os.O_CREAT | os.O_RDWR, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder = os.pread(handle, 20, 0).decode(errors="replace").strip() or "unknown"
            raise ConfigurationError(
                f"pmsapp already runs from {instance_dir} (process {holder}); stop it first."
            ) from None
        os.ftruncate(handle, 0)
        os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(handle)
