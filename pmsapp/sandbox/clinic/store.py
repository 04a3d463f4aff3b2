"""What the clinic holds: generated days with the changes made to them, and look-ups by key or by a vendor's id.

Days are made when first asked for and kept; changes live in this process only and are lost with it (or by `reset`).
One lock guards everything; what is handed out is immutable.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import TypeVar
from zoneinfo import ZoneInfo, available_timezones

from pmsapp.sandbox.clinic import catalogue, ids, people
from pmsapp.sandbox.clinic.days import DayMaker
from pmsapp.sandbox.clinic.model import (
    VENDORS,
    Appointment,
    AppointmentType,
    Change,
    Patient,
    Practitioner,
    SandboxError,
    Site,
    StatusNow,
    Vendor,
)
from pmsapp.sandbox.clinic.statuses import patient_status_at, status_at

_Thing = TypeVar("_Thing")

# A question may span this many days; the days beyond are answered as if nothing were booked there.
LONGEST_WINDOW_DAYS = 400
# An id nobody has asked a day for yet is looked for this far around today.
SEARCH_BACK_DAYS, SEARCH_AHEAD_DAYS = 21, 60


def read_wall_clock() -> datetime:
    """The machine's own time, aware, in UTC: the default clock of a sandbox that stands alone."""
    return datetime.now(UTC)  # noqa: TID251 - the sandbox shares no code with the product, not even its clock


def _zone(name: str) -> ZoneInfo:
    if name not in _zones():
        raise SandboxError("There is no such time zone; one reads like Australia/Melbourne.")
    return ZoneInfo(name)


@cache
def _zones() -> frozenset[str]:
    """Looked up once per process: it reads the whole folder of zones."""
    return frozenset(available_timezones())


class ClinicStore:
    """The readable side of the clinic. Use `Clinic`, which adds the actions and the truth."""

    def __init__(
        self,
        seed: int = 1,
        zone: str = "Australia/Melbourne",
        now: Callable[[], datetime] = read_wall_clock,
        *,
        busy: bool = False,
        name: str = "Banksia Street Training Clinic",
        code: str = "GTU0001",
    ) -> None:
        self.seed = seed
        self.zone_name = zone
        self.zone = _zone(zone)
        self.now = now
        self.busy = busy
        self.name = name
        self.code = code
        # How Halaxy says where an appointment takes place: item, appointment, or absent (it does not).
        self.halaxy_location_type = "item"
        # Told of every change right after it: a vendor that sends webhooks listens here.
        self.listeners: list[Callable[[Change], None]] = []
        self.lock = threading.RLock()
        self._fill()

    def _fill(self) -> None:
        self._sites = {site.key: site for site in catalogue.SITES}
        self._practitioners = {person.key: person for person in catalogue.PRACTITIONERS}
        self._types = {kind.key: kind for kind in catalogue.TYPES}
        self._patients = {person.key: person for person in people.make_patients(self.seed)}
        keys = tuple(self._patients)
        self._maker = DayMaker(self.seed, self.zone, dict(self._types), keys, self.busy)
        self._made: set[date] = set()
        self._appointments: dict[str, Appointment] = {}
        self._by_day: dict[date, set[str]] = {}
        self._keys_by_id: dict[tuple[str, str, str], str] = {}
        self._found: dict[tuple[str, str], tuple[int, dict[str, str]]] = {}
        self._searched = False
        self._booked = 0
        self.revision = 0

    # -- the parts that hardly change -------------------------------------------------------------------------------

    def sites(self) -> list[Site]:
        """Every site, in order."""
        with self.lock:
            return list(self._sites.values())

    def practitioners(self) -> list[Practitioner]:
        """Every practitioner, including inactive ones, hidden ones and the administrator."""
        with self.lock:
            return list(self._practitioners.values())

    def appointment_types(self) -> list[AppointmentType]:
        """Every appointment type, archived ones included."""
        with self.lock:
            return list(self._types.values())

    def patients(self) -> list[Patient]:
        """Every patient."""
        with self.lock:
            return list(self._patients.values())

    def site(self, key: str) -> Site:
        """The site with this key. Raises SandboxError when there is none."""
        return self._get(self._sites, "site", key)

    def practitioner(self, key: str) -> Practitioner:
        """The practitioner with this key. Raises SandboxError when there is none."""
        return self._get(self._practitioners, "practitioner", key)

    def appointment_type(self, key: str) -> AppointmentType:
        """The appointment type with this key. Raises SandboxError when there is none."""
        return self._get(self._types, "type", key)

    def patient(self, key: str) -> Patient:
        """The patient with this key. Raises SandboxError when there is none."""
        return self._get(self._patients, "patient", key)

    def _get(self, table: dict[str, _Thing], kind: str, key: str) -> _Thing:
        with self.lock:
            if key not in table:
                raise SandboxError(f"The clinic has no {kind} with that key.")
            return table[key]

    # -- the appointment book ---------------------------------------------------------------------------------------

    def today(self) -> date:
        """Today's date at the clinic."""
        return self.now().astimezone(self.zone).date()

    def day_of(self, at: datetime) -> date:
        """The clinic-local date of an instant."""
        return at.astimezone(self.zone).date()

    def appointments_on(self, on: date) -> list[Appointment]:
        """Every appointment that starts on this clinic-local date, by start, then by key."""
        with self.lock:
            self._make(on)
            rows = [self._appointments[key] for key in self._by_day.get(on, ())]
        return sorted(rows, key=lambda row: (row.start_at, row.key))

    def appointments_between(self, after: datetime, before: datetime) -> list[Appointment]:
        """Every appointment that starts at or after `after` and before or at `before`: narrow it as the vendor does."""
        first, last = self.day_of(after), self.day_of(before)
        last = min(last, first + timedelta(days=LONGEST_WINDOW_DAYS))
        days = (first + timedelta(days=n) for n in range((last - first).days + 1))
        rows = (row for on in days for row in self.appointments_on(on))
        return [row for row in rows if after <= row.start_at <= before]

    def appointment(self, key: str) -> Appointment:
        """The appointment with this key, wherever it has been moved. Raises SandboxError when it is gone."""
        with self.lock:
            self._make_day_of(key)
            return self._get(self._appointments, "appointment", key)

    def status_of(self, row: Appointment) -> StatusNow:
        """What the appointment book shows for it now."""
        return status_at(row, self.now())

    def status_of_patient(self, row: Appointment, patient_key: str) -> StatusNow:
        """The same for one patient of a group."""
        return patient_status_at(row, patient_key, self.now())

    def _make(self, on: date) -> None:
        if on in self._made:
            return
        self._made.add(on)
        for row in self._maker.make_day(on):
            self._put(row)

    def _make_day_of(self, key: str) -> None:
        try:
            self._make(date.fromisoformat(key[:10]))
        except (ValueError, OverflowError):
            return

    def _put(self, row: Appointment) -> None:
        """Store an appointment, new or changed, and note every id it can be asked for by."""
        before = self._appointments.get(row.key)
        if before is not None:
            self._by_day[self.day_of(before.start_at)].discard(row.key)
        self._appointments[row.key] = row
        self._by_day.setdefault(self.day_of(row.start_at), set()).add(row.key)
        for vendor in VENDORS:
            if vendor != "medirecords":
                self._note_id(vendor, "appointment", row.key, row.number)
        for patient_key in row.patient_keys or (None,):
            found = self.appointment_id("medirecords", row, patient_key)
            self._keys_by_id["medirecords", "appointment", found] = f"{row.key}|{patient_key or ''}"

    def _note_id(self, vendor: Vendor, kind: str, key: str, number: int) -> None:
        self._keys_by_id[vendor, kind, ids.vendor_id(self.seed, vendor, kind, key, number)] = key

    def _drop(self, key: str) -> None:
        row = self._appointments.pop(key)
        self._by_day[self.day_of(row.start_at)].discard(key)

    # -- ids --------------------------------------------------------------------------------------------------------

    def id_of(self, vendor: Vendor, kind: str, key: str) -> str:
        """The vendor's id of a site, practitioner, type, patient, or of the practice itself (key "").

        kind: site, practitioner, type, patient, practice. For appointments use `appointment_id`; for Halaxy roles `role_id`.
        """
        number = self._number_of(kind, key)
        return ids.vendor_id(self.seed, vendor, kind, key, number)

    def appointment_id(self, vendor: Vendor, row: Appointment, patient_key: str | None = None) -> str:
        """The vendor's id of an appointment.

        MediRecords knows one patient per appointment, so a group is a row per patient there, each with an id of its own.
        """
        key = row.key
        if vendor == "medirecords" and patient_key is not None and row.patient_keys[:1] != (patient_key,):
            key = f"{row.key}|{patient_key}"
        return ids.vendor_id(self.seed, vendor, "appointment", key, row.number)

    def role_id(self, practitioner_key: str, site_key: str) -> str:
        """Halaxy's id of a practitioner at one clinic (PractitionerRole)."""
        person = self.practitioner(practitioner_key)
        place = person.site_keys.index(site_key) if site_key in person.site_keys else 0
        return ids.vendor_id(self.seed, "halaxy", "role", practitioner_key, person.number + 20 * place)

    def find(self, vendor: Vendor, kind: str, external_id: str) -> str | None:
        """The key behind a vendor's id (see `id_of` for the kinds), or None."""
        with self.lock:
            table = self._table(kind)
            size, keys = self._found.get((vendor, kind), (0, {}))
            if size != len(table):
                keys = {self.id_of(vendor, kind, key): key for key in table}
                self._found[vendor, kind] = len(table), keys
            return keys.get(external_id)

    def find_role(self, external_id: str) -> tuple[str, str] | None:
        """The (practitioner key, site key) behind a Halaxy role id, or None."""
        for person in self.practitioners():
            for site_key in person.site_keys:
                if self.role_id(person.key, site_key) == external_id:
                    return person.key, site_key
        return None

    def find_appointment(self, vendor: Vendor, external_id: str) -> tuple[Appointment, str | None] | None:
        """The appointment behind a vendor's id, with the one patient the id stands for (MediRecords), or None.

        Days near today are made first if the id is not known yet, so an id keeps its meaning over a restart.
        """
        with self.lock:
            key = self._keys_by_id.get((vendor, "appointment", external_id))
            if key is None and not self._searched:
                self._searched = True
                for n in range(-SEARCH_BACK_DAYS, SEARCH_AHEAD_DAYS + 1):
                    self._make(self.today() + timedelta(days=n))
                key = self._keys_by_id.get((vendor, "appointment", external_id))
            row_key, _, patient_key = (key or "").partition("|")
            row = self._appointments.get(row_key)
            if row is None or (patient_key and patient_key not in row.patient_keys):
                return None
            return row, patient_key or None

    def _table(self, kind: str) -> dict[str, object]:
        tables: dict[str, dict[str, object]] = {
            "site": dict(self._sites),
            "practitioner": dict(self._practitioners),
            "type": dict(self._types),
            "patient": dict(self._patients),
            "practice": {"": self},
        }
        if kind not in tables:
            raise SandboxError("There is no such kind of id.")
        return tables[kind]

    def _number_of(self, kind: str, key: str) -> int:
        match kind:
            case "site":
                return self.site(key).number
            case "practitioner":
                return self.practitioner(key).number
            case "type":
                return self.appointment_type(key).number
            case "patient":
                return self.patient(key).number
            case "practice":
                return 1
        raise SandboxError("There is no such kind of id.")
