"""States of the database that many tests begin with: made once per test process, then copied.

One state may stand on another. All this only for a SQLite file that still is as it was migrated, or as a state left it,
under a standing clock; everywhere else a state is made anew.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Hashable
from copy import deepcopy
from pathlib import Path
from typing import TypeVar, cast

from pmsapp import clock
from pmsapp.extensions import db, key_ring
from tests.support.clock import FrozenClock

_T = TypeVar("_T")
_known: set[bytes] = set()
_states: dict[Hashable, tuple[bytes, object]] = {}


def know(content: bytes) -> bytes:
    """States may stand on a database file of this content."""
    _known.add(_digest(content))
    return content


def once(key: Hashable, build: Callable[[], _T]) -> _T:
    """What `build` puts into the database and returns. `key` names whatever else the outcome depends on.

    Inside the app's context. What is returned is plain data, and this test's own copy.
    """
    file = Path(db.engine.url.database or "")
    before = _state_of(file)
    if before is None:
        return build()
    whole_key = (before, key, clock.now(), key_ring().ids)
    if whole_key in _states:
        content, made = _states[whole_key]
        load(file, content)
        return deepcopy(cast(_T, made))
    made_now = build()
    _states[whole_key] = know(save(file)), deepcopy(made_now)
    return made_now


def save(file: Path) -> bytes:
    """The database as it is. Inside the app's context."""
    db.engine.dispose()  # the last connection to close writes the log into the file
    return file.read_bytes()


def load(file: Path, content: bytes) -> None:
    """Put the database back to what it was. Inside the app's context."""
    db.engine.dispose()
    for name in ("-wal", "-shm"):
        Path(f"{file}{name}").unlink(missing_ok=True)
    file.write_bytes(content)


def _state_of(file: Path) -> bytes | None:
    """The digest of a database that is known; None where something else was written, or time goes on."""
    if db.engine.dialect.name != "sqlite" or not isinstance(clock._source, FrozenClock):
        return None
    log = Path(f"{file}-wal")
    if log.exists() and log.stat().st_size:
        return None
    found = _digest(file.read_bytes())
    return found if found in _known else None


def _digest(content: bytes) -> bytes:
    return hashlib.blake2b(content).digest()
