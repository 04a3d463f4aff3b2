"""States of the database that many tests begin with: made once per test process, then copied.

Only for a database that is still as it was migrated, in a SQLite file; everywhere else the state is made anew.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Hashable
from copy import deepcopy
from pathlib import Path
from typing import TypeVar, cast

from pmsapp.extensions import db, key_ring

_T = TypeVar("_T")
_untouched: set[bytes] = set()
_states: dict[Hashable, tuple[bytes, object]] = {}


def know_as_migrated(content: bytes) -> None:
    """A database file of this content holds nothing yet."""
    _untouched.add(_digest(content))


def once(key: Hashable, build: Callable[[], _T]) -> _T:
    """What `build` puts into the empty database and returns. `key` names everything the outcome depends on.

    Inside the app's context. What is returned is this test's own copy.
    """
    file = Path(db.engine.url.database or "")
    if db.engine.dialect.name != "sqlite" or not _is_untouched(file):
        return build()
    key = (key, key_ring().ids)
    if key in _states:
        content, made = _states[key]
        load(file, content)
        return deepcopy(cast(_T, made))
    made_now = build()
    _states[key] = save(file), deepcopy(made_now)
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


def _is_untouched(file: Path) -> bool:
    log = Path(f"{file}-wal")
    if log.exists() and log.stat().st_size:
        return False
    return _digest(file.read_bytes()) in _untouched


def _digest(content: bytes) -> bytes:
    return hashlib.blake2b(content).digest()
