"""Copies of the database that can be trusted: made by SQLite itself while people work, and checked."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pmsapp import clock
from pmsapp.domain.ages import is_ahead
from pmsapp.domain.errors import ConfigurationError
from pmsapp.extensions import current_settings, db
from pmsapp.models.databases.sqlite import sqlite_module
from pmsapp.services.maintenance import database

KEEP = 14
FOLDER = "backups"
_NIGHT, _HAND = "pmsapp", "manual"
_PERIODS: tuple[tuple[int, Callable[[datetime], object]], ...] = (
    (KEEP, lambda at: at.date()),
    (8, lambda at: at.isocalendar()[:2]),
    (12, lambda at: (at.year, at.month)),
)
_SQLITE_BEGINS = b"SQLite format 3\x00"


@dataclass(frozen=True, slots=True)
class Backup:
    """One copy on disk."""

    path: Path
    made_at: datetime
    size_bytes: int


def make(*, by_hand: bool = False) -> Backup | None:
    """Copy the live database and check the copy. Nightly copies are kept for days, weeks and months; of those made by
    hand the last fourteen, and they push out no nightly one.

    None on PostgreSQL, whose own tools make its backups. Raises ConfigurationError when the copy is not whole or
    cannot be written; an incomplete file is never left under a backup's name.
    """
    if db.engine.dialect.name != "sqlite":
        return None
    folder = current_settings().instance_dir / FOLDER
    folder.mkdir(mode=0o700, exist_ok=True)
    now = clock.now()
    target = folder / f"{_HAND if by_hand else _NIGHT}-{now:%Y%m%d-%H%M%S}.sqlite3"
    half = target.with_suffix(".part")
    try:
        _copy(half)
        os.replace(half, target)
    except OSError as error:
        raise ConfigurationError(
            f"The backup {target.name} could not be written ({error.strerror})."
        ) from error
    finally:
        half.unlink(missing_ok=True)
    if by_hand:
        for old in _oldest_first(folder, now, f"{_HAND}-*.sqlite3")[:-KEEP]:
            old.unlink()
    else:
        drop_old(folder, f"{_NIGHT}-*.sqlite3")
    return Backup(target, now, target.stat().st_size)


def drop_old(folder: Path, pattern: str) -> None:
    """Remove the copies that no rule keeps; those that claim to be of the future go first."""
    now = clock.now()
    found = _oldest_first(folder, now, pattern)
    ahead = [path for path in found if is_ahead(_made_at(path), now)]
    past = {path: _made_at(path) for path in found if path not in ahead}
    oldest = now - timedelta(days=current_settings().retention_backups_days)
    kept = {at for at in kept_times(past.values()) if at >= oldest or at == max(past.values())}
    doomed = [*ahead[: max(0, len(found) - KEEP)], *(path for path, at in past.items() if at not in kept)]
    for path in doomed:
        path.unlink()


def kept_times(times: Iterable[datetime]) -> set[datetime]:
    """Of copies made at these times, those to keep: the newest of each of the last 14 days, 8 weeks and 12 months that
    have any."""
    newest_first = sorted(times, reverse=True)
    kept: set[datetime] = set()
    for many, period in _PERIODS:
        by_period: dict[object, datetime] = {}
        for at in newest_first:
            by_period.setdefault(period(at), at)
        kept |= set(list(by_period.values())[:many])
    return kept


def latest(instance_dir: Path | None = None) -> Backup | None:
    """The newest copy of this installation (or of the one in `instance_dir`), None when there is none."""
    folder = (instance_dir or current_settings().instance_dir) / FOLDER
    now = clock.now()
    found = [path for kind in (_NIGHT, _HAND) for path in _oldest_first(folder, now, f"{kind}-*.sqlite3")]
    found.sort(key=lambda path: (not is_ahead(_made_at(path), now), _made_at(path)))
    if not found:
        return None
    return Backup(found[-1], _made_at(found[-1]), found[-1].stat().st_size)


def _oldest_first(folder: Path, now: datetime, pattern: str) -> list[Path]:
    """Copies by the time in their name; those that claim to be of the future come first, so they go first."""
    return sorted(folder.glob(pattern), key=lambda path: (not is_ahead(_made_at(path), now), path.name))


def _made_at(path: Path) -> datetime:
    """The time in its name; of a name without one, when the file was written."""
    try:
        return datetime.strptime(path.stem.partition("-")[2], "%Y%m%d-%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return datetime.fromtimestamp(path.stat().st_mtime, tz=UTC)


def looks_like_a_database(file: Path) -> bool:
    """True when the file begins as every SQLite database does. Raises ConfigurationError when it cannot be read."""
    try:
        with file.open("rb") as opened:
            return opened.read(len(_SQLITE_BEGINS)) == _SQLITE_BEGINS
    except OSError as error:
        raise ConfigurationError(f"{file.name} could not be read ({error.strerror}).") from error


def _copy(target: Path) -> None:
    """SQLite's own online copy, then its integrity check and a flush to disk."""
    database.copy_live(target)
    copy = sqlite_module().connect(str(target))
    try:
        if copy.execute("PRAGMA quick_check").fetchone()[0] != "ok":
            raise ConfigurationError("The backup copy is not whole; run pmsapp doctor.")
    finally:
        copy.close()
    with target.open("rb") as file:
        os.fsync(file.fileno())
