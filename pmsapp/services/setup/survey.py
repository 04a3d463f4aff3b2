"""What lies ahead at the practice: counts by practitioner and by type, read once for a person who is setting up.

Counts and times only: nobody's details are asked for or kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from pmsapp import clock
from pmsapp.adapters.base import Adapter
from pmsapp.adapters.client.deadline import Deadline
from pmsapp.domain.appointment import AppointmentStatus, AppointmentType, UnifiedAppointment
from pmsapp.domain.errors import PMSError
from pmsapp.domain.window import SyncWindow, day_of, day_start, instant_of, utc_text
from pmsapp.services.matching import live_lists
from pmsapp.services.vendors import adapters as vendor_adapters

DAYS = 14
SOON_DAYS = 2
# A person waits; what was not read in it is not known.
READ_S = 20.0
_NOT_COMING = frozenset({AppointmentStatus.CANCELLED, AppointmentStatus.NO_SHOW, AppointmentStatus.COMPLETED})


@dataclass(frozen=True, slots=True)
class _Ahead(SyncWindow):
    """DAYS clinic-local days from `day`."""

    @property
    def end_at(self) -> datetime:
        return day_start(self.day + timedelta(days=DAYS), self.zone)


@dataclass(slots=True)
class Tally:
    """Appointments (not patients) ahead: all, those that are telehealth, those with a video link, and the next one."""

    count: int = 0
    telehealth: int = 0
    with_link: int = 0
    next_at: datetime | None = None

    def add(self, start_at: datetime, *, is_telehealth: bool, has_link: bool) -> None:
        """Count one appointment."""
        self.count += 1
        self.telehealth += is_telehealth
        self.with_link += has_link
        if start_at >= clock.now():
            self.next_at = start_at if self.next_at is None else min(self.next_at, start_at)

    def as_json(self) -> dict[str, Any]:
        return {
            "n": self.count,
            "t": self.telehealth,
            "v": self.with_link,
            "next": utc_text(self.next_at) if self.next_at else None,
        }


@dataclass(frozen=True, slots=True)
class Ahead:
    """The counts as pages use them. `practitioners` and `types` by the vendor's ids; missing: not read."""

    as_of: datetime | None = None
    practitioners: Mapping[str, Tally] = field(default_factory=dict)
    types: Mapping[str, Tally] = field(default_factory=dict)
    soon: Tally = field(default_factory=Tally)
    whole: Tally = field(default_factory=Tally)
    is_complete: bool = False


def read(connection_id: int) -> dict[str, Any]:
    """Read the next fortnight and count. What could not be read in time is left out, and `complete` says so.

    Raises NotFound.
    """
    try:
        types = {known.external_id: known for known in live_lists.fetch_types(connection_id)}
        people = live_lists.fetch_practitioners(connection_id)
        adapter = vendor_adapters.adapter_for(connection_id, deadline=Deadline(READ_S))
    except PMSError:
        return _as_json(_Counting({}), complete=False)
    wanted = [known.external_id for known in people if known.active and known.shown_in_appointment_book]
    counting = _Counting(types)
    with closing(adapter.client):
        adapter.needs_patient = lambda _: False
        zone = adapter.config.time_zone or "UTC"
        window = _Ahead(day_of(clock.now(), zone), zone)
        complete = _read_all(adapter, window, wanted, counting)
    return _as_json(counting, complete=complete)


def of_found(found: Mapping[str, Any] | None) -> Ahead:
    """The counts kept with a draft; none where nothing was read."""
    kept = (found or {}).get("ahead")
    if not kept:
        return Ahead()
    return Ahead(
        as_of=instant_of(kept["as_of"]),
        practitioners={key: _tally(value) for key, value in kept["practitioners"].items()},
        types={key: _tally(value) for key, value in kept["types"].items()},
        soon=_tally(kept["soon"]),
        whole=_tally(kept["whole"]),
        is_complete=kept["complete"],
    )


class _Counting:
    """Counts appointments once each, however many patients and lists name them."""

    def __init__(self, types: Mapping[str, AppointmentType]) -> None:
        self.types = types
        self.by_person: dict[str, Tally] = {}
        self.by_type: dict[str, Tally] = {}
        self.soon, self.whole = Tally(), Tally()
        self.was_read = False
        self._seen: set[str] = set()

    def expect(self, practitioner_ids: Iterable[str]) -> None:
        """These were read, whatever comes."""
        self.was_read = True
        for practitioner_id in practitioner_ids:
            self.by_person.setdefault(practitioner_id, Tally())

    def take(self, window: SyncWindow, pair: UnifiedAppointment) -> None:
        """Count one pair, unless its appointment was counted or is not to come."""
        if pair.status in _NOT_COMING or not window.holds(pair.start_at) or pair.external_id in self._seen:
            return
        self._seen.add(pair.external_id)
        is_telehealth, has_link = self._is_telehealth(pair), bool(pair.links.host or pair.links.patient)
        tallies = [self.by_person.setdefault(known, Tally()) for known in pair.every_practitioner]
        tallies.append(self.whole)
        if pair.type_external_id is not None:
            tallies.append(self.by_type.setdefault(pair.type_external_id, Tally()))
        if pair.start_at < day_start(window.day + timedelta(days=SOON_DAYS), window.zone):
            tallies.append(self.soon)
        for tally in tallies:
            tally.add(pair.start_at, is_telehealth=is_telehealth, has_link=has_link)

    def _is_telehealth(self, pair: UnifiedAppointment) -> bool:
        """By the vendor's own evidence, else its type's mark, else what the type's name suggests."""
        kind = self.types.get(pair.type_external_id or "")
        marks = (pair.telehealth_evidence, kind.is_telehealth if kind else None)
        said = next((mark for mark in marks if mark is not None), None)
        return said if said is not None else bool(kind and kind.suggested)


def _read_all(adapter: Adapter, window: SyncWindow, wanted: list[str], counting: _Counting) -> bool:
    """True when every list was read."""
    groups = [[known] for known in wanted] if adapter.info.capabilities.reads_per_practitioner else [wanted]
    for group in groups:
        try:
            pairs = [pair for page in adapter.list_appointments(window, group) for pair in page.items]
        except PMSError:
            return False
        counting.expect(group)
        for pair in pairs:
            counting.take(window, pair)
    return True


def _as_json(counting: _Counting, *, complete: bool) -> dict[str, Any]:
    return {
        "as_of": utc_text(clock.now()),
        "practitioners": {key: tally.as_json() for key, tally in counting.by_person.items()},
        "types": {key: tally.as_json() for key, tally in counting.by_type.items()},
        "soon": counting.soon.as_json(),
        "whole": counting.whole.as_json(),
        "complete": complete,
        "may_read": {"appointments": counting.was_read, "appointment types": bool(counting.types)},
    }


def _tally(kept: Mapping[str, Any]) -> Tally:
    return Tally(kept["n"], kept["t"], kept["v"], instant_of(kept["next"]))
