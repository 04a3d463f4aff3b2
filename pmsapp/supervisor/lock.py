"""Locks of an instance folder: one supervisor, and one command at a time that works on copies of the database."""

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


@contextmanager
def only_copy(instance_dir: Path) -> Iterator[None]:
    """Hold the folder itself, for a command that verifies or restores a backup; it leaves no file behind.

    Raises ConfigurationError when another one is under way.
    """
    handle = os.open(instance_dir, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise ConfigurationError("Another verify or restore is under way; let it end first.") from None
        yield
    finally:
        os.close(handle)
