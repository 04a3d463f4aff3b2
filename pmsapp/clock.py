"""The only reader of "now". Everything else is handed times or asks here.

Machines that share a database share its clock: `follow` says how far this machine's is from it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

# Readings of one clock differ by what it takes to ask; below this nothing is put right.
_SAME = timedelta(seconds=1)
_shift = timedelta()


def machine_now() -> datetime:
    """What this machine's own clock says, UTC-aware."""
    return datetime.now(UTC)  # noqa: TID251 - this is the one place


def follow(theirs: datetime) -> None:
    """Keep time with another clock, which says `theirs` (aware) at this moment."""
    global _shift
    found = theirs - machine_now()
    if abs(found - _shift) > _SAME:
        _shift = found if abs(found) > _SAME else timedelta()


def _system_now() -> datetime:
    return machine_now() + _shift


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
