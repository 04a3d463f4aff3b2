"""The only reader of "now". Everything else is handed times or asks here."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime


def _system_now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251 - this is the one place


_source: Callable[[], datetime] = _system_now


def now() -> datetime:
    """Return the current instant, UTC-aware."""
    return _source()


def monotonic_s() -> float:
    """Return seconds that only ever grow; for deadlines inside one process."""
    return time.monotonic()


@contextmanager
def use(source: Callable[[], datetime]) -> Iterator[None]:
    """Read "now" from `source` (a callable giving aware datetimes) inside the block; for tests and simulations."""
    global _source
    before = _source
    _source = source
    try:
        yield
    finally:
        _source = before
