"""What the vendor lists right now, read for a person who is waiting: short cache, short deadlines, nothing stored.

The cache lives in this process for a minute and forgets a connection whose login or practice has changed.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, TypeVar, cast
from weakref import WeakKeyDictionary

from sqlalchemy.engine import Engine

from pmsapp import clock
from pmsapp.adapters.base import Adapter
from pmsapp.adapters.client.deadline import Deadline
from pmsapp.domain.appointment import (
    AppointmentStatus,
    AppointmentType,
    Practitioner,
    UnifiedAppointment,
)
from pmsapp.domain.errors import PMSError
from pmsapp.domain.window import SyncWindow, day_of, day_start
from pmsapp.extensions import db
from pmsapp.services.base.transaction import reading
from pmsapp.services.connections.rows import get_row
from pmsapp.services.vendors import adapters as vendor_adapters
from pmsapp.services.vendors import credential_check

_T = TypeVar("_T")
_V = TypeVar("_V")


class Listing(list[_T]):
    """What a vendor lists, and since when that holds. `stale`: why it could not be read live; then it is from before."""

    def __init__(self, items: Iterable[_T], as_of: datetime | None, stale: PMSError | None = None) -> None:
        super().__init__(items)
        self.as_of = as_of
        self.stale = stale

    def of(self, items: Iterable[_V]) -> Listing[_V]:
        """Other views of the same reading."""
        return Listing(items, self.as_of, self.stale)


CACHE_S = 60.0
# Appointments ahead are a help for choosing, so they get little time; what was not read in it is not known.
UPCOMING_DAYS = 14
UPCOMING_S = 4.0

_NOT_COMING = frozenset({AppointmentStatus.CANCELLED, AppointmentStatus.NO_SHOW, AppointmentStatus.COMPLETED})
_cache: WeakKeyDictionary[Engine, dict[tuple[Any, ...], tuple[float, Any]]] = WeakKeyDictionary()
_lock = threading.Lock()


@dataclass(frozen=True, slots=True)
class _Ahead(SyncWindow):
    """Some clinic-local days from `day`."""

    days: int = UPCOMING_DAYS

    @property
    def end_at(self) -> datetime:
        return day_start(self.day + timedelta(days=self.days), self.zone)


def fetch_practitioners(connection_id: int) -> Listing[Practitioner]:
    """Every practitioner the vendor lists, also before any run. Raises NotFound and what adapters raise."""
    return _cached(
        connection_id, "practitioners", lambda adapter: Listing(adapter.list_practitioners(), clock.now())
    )


def fetch_types(connection_id: int) -> Listing[AppointmentType]:
    """Every appointment type the vendor lists. Raises NotFound and what adapters raise."""
    return _cached(
        connection_id, "types", lambda adapter: Listing(adapter.list_appointment_types(), clock.now())
    )


def count_upcoming(connection_id: int, practitioners: Sequence[Practitioner]) -> dict[str, int]:
    """Appointments of the next UPCOMING_DAYS days by practitioner id; one that could not be read in time is missing.

    Nobody's details are asked for: it is a count.
    """
    wanted = [
        practitioner.external_id
        for practitioner in practitioners
        if practitioner.active and practitioner.shown_in_appointment_book
    ]

    def read(adapter: Adapter) -> dict[str, int]:
        adapter.needs_patient = lambda _: False
        zone = adapter.config.time_zone or "UTC"
        window = _Ahead(day_of(clock.now(), zone), zone)
        if adapter.info.capabilities.reads_per_practitioner:
            return _count_each(adapter, window, wanted)
        return _count_all(adapter, window, wanted)

    return _cached(connection_id, "upcoming", read, timeout_s=UPCOMING_S)


def read_ahead(
    connection_id: int, practitioner_ids: Sequence[str], first: date, days: int
) -> list[UnifiedAppointment] | None:
    """The visits of these practitioners on the days the next update reads; None when they could not be read in time.

    Nobody's details are asked for.
    """

    def read(adapter: Adapter) -> list[UnifiedAppointment] | None:
        adapter.needs_patient = lambda _: False
        window = _Ahead(first, adapter.config.time_zone or "UTC", days)
        alone = adapter.info.capabilities.reads_per_practitioner
        groups = [[wanted] for wanted in practitioner_ids] if alone else [list(practitioner_ids)]
        try:
            return [
                pair
                for group in groups
                for page in adapter.list_appointments(window, group)
                for pair in page.items
                if window.holds(pair.start_at)
            ]
        except PMSError:
            return None

    kind = f"ahead:{first}:{days}:{','.join(sorted(practitioner_ids))}"
    try:
        return _cached(connection_id, kind, read, timeout_s=UPCOMING_S)
    except PMSError:
        return None


def forget(connection_id: int) -> None:
    """Read anew next time."""
    with _lock:
        found = _cache.get(db.engine, {})
        for key in [key for key in found if key[0] == connection_id]:
            del found[key]


def _count_each(adapter: Adapter, window: SyncWindow, wanted: Sequence[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for practitioner_id in wanted:
        try:
            found[practitioner_id] = _coming(adapter, window, [practitioner_id]).get(practitioner_id, 0)
        except PMSError:
            break
    return found


def _count_all(adapter: Adapter, window: SyncWindow, wanted: Sequence[str]) -> dict[str, int]:
    try:
        found = _coming(adapter, window, wanted)
    except PMSError:
        return {}
    return {practitioner_id: found.get(practitioner_id, 0) for practitioner_id in wanted}


def _coming(adapter: Adapter, window: SyncWindow, wanted: Sequence[str]) -> dict[str, int]:
    """Appointments (not patients) still to come inside the window, by practitioner."""
    ids: dict[str, set[str]] = {}
    for page in adapter.list_appointments(window, wanted):
        for item in page.items:
            if item.status in _NOT_COMING or not window.holds(item.start_at):
                continue
            for practitioner_id in item.every_practitioner:
                ids.setdefault(practitioner_id, set()).add(item.external_id)
    return {practitioner_id: len(found) for practitioner_id, found in ids.items()}


def _cached(
    connection_id: int,
    kind: str,
    read: Callable[[Adapter], _T],
    timeout_s: float = credential_check.INTERACTIVE_S,
) -> _T:
    key = (connection_id, kind, *_identity(connection_id))
    with _lock:
        entry = _cache.setdefault(db.engine, {}).get(key)
    if entry is not None and clock.monotonic_s() < entry[0]:
        return cast(_T, entry[1])
    adapter = vendor_adapters.adapter_for(connection_id, deadline=Deadline(timeout_s))
    with closing(adapter.client):
        value = read(adapter)
    now_s = clock.monotonic_s()
    with _lock:
        kept = {known: entry for known, entry in _cache.get(db.engine, {}).items() if entry[0] > now_s}
        _cache[db.engine] = {**kept, key: (now_s + CACHE_S, value)}
    return value


def _identity(connection_id: int) -> tuple[Any, ...]:
    """What makes earlier answers worthless when it changes. Raises NotFound."""
    with reading() as session:
        row = get_row(session, connection_id)
        return (
            row.secret_uid,
            row.credentials_sealed,
            row.tenant_id,
            row.practice_id,
            row.organization_id,
            row.time_zone,
        )
