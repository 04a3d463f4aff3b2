"""Reading a day through an adapter, and laying it beside what the sandbox says a perfect reader would see."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from pmsapp.adapters.base import Adapter, Page
from pmsapp.domain.appointment import BadRecord, UnifiedAppointment
from pmsapp.domain.window import SyncWindow
from pmsapp.sandbox.clinic.truth import TruthRow

Key = tuple[str, str | None]


@dataclass
class DayRead:
    """One day, read to the end: its rows by (appointment id, patient id), what was broken, and every page."""

    rows: dict[Key, UnifiedAppointment] = field(default_factory=dict)
    bad: list[BadRecord] = field(default_factory=list)
    pages: list[Page] = field(default_factory=list)
    repeated: list[Key] = field(default_factory=list)

    @property
    def appointment_ids(self) -> set[str]:
        """The ids of every appointment that was understood."""
        return {appointment_id for appointment_id, _ in self.rows}

    @property
    def warnings(self) -> list[str]:
        """Every warning of every page."""
        return [warning for page in self.pages for warning in page.warnings]

    def inside(self, window: SyncWindow) -> dict[Key, UnifiedAppointment]:
        """The rows with a patient that start inside the window."""
        return {
            key: row for key, row in self.rows.items() if key[1] is not None and window.holds(row.start_at)
        }

    def without_patient(self, window: SyncWindow) -> set[str]:
        """The ids of the appointments inside the window that have no patient."""
        return {key[0] for key, row in self.rows.items() if key[1] is None and window.holds(row.start_at)}


def read_day(adapter: Adapter, window: SyncWindow, practitioner_ids: Iterable[str] | None = None) -> DayRead:
    """Read a window the way the sync does: practitioner by practitioner where the vendor wants that."""
    wanted = (
        [person.external_id for person in adapter.list_practitioners()]
        if practitioner_ids is None
        else list(practitioner_ids)
    )
    calls = (
        [[practitioner_id] for practitioner_id in wanted]
        if adapter.info.capabilities.reads_per_practitioner
        else [wanted]
    )
    day = DayRead()
    for call in calls:
        pages = list(adapter.list_appointments(window, call))
        assert [page.is_last for page in pages] == [False] * (len(pages) - 1) + [True]
        day.pages += pages
    for page in day.pages:
        day.bad += page.bad
        for row in page.items:
            key = (row.external_id, row.patient.external_id if row.patient else None)
            if key in day.rows:
                day.repeated.append(key)
            day.rows[key] = row
    return day


def as_truth(row: UnifiedAppointment, practitioners: dict[str, str], types: dict[str, str]) -> dict[str, Any]:
    """A row in the words of the sandbox's truth, names looked up the way the caller does."""
    assert row.patient is not None
    type_name = row.type_name or types.get(row.type_external_id or "")
    return {
        "appointment_id": row.external_id,
        "patient_id": row.patient.external_id,
        "practitioner_id": row.practitioner_external_id,
        "practitioner_name": practitioners.get(row.practitioner_external_id or ""),
        "start_at": row.start_at,
        "duration_minutes": row.duration_min,
        "patient_name": row.patient.name,
        "patient_dob": row.patient.birth_date,
        "patient_phone": row.patient.phone,
        "patient_email": row.patient.email,
        "appointment_type": type_name,
        "appointment_type_id": row.type_external_id,
        "appointment_status": str(row.status),
        "is_telehealth": row.telehealth_evidence,
        "host_link": row.links.host,
        "patient_link": row.links.patient,
        "notes": row.notes,
    }


def differences(adapter: Adapter, day: DayRead, window: SyncWindow, expected: list[TruthRow]) -> list[str]:
    """Every field that differs from the truth, and every row too many or too few, in words."""
    practitioners = {person.external_id: person.name for person in adapter.list_practitioners()}
    types = {kind.external_id: kind.name for kind in adapter.list_appointment_types()}
    rows = day.inside(window)
    truth = {(row.appointment_id, row.patient_id): row for row in expected}
    found = [f"too many: {key}" for key in rows.keys() - truth.keys()]
    found += [f"missing: {key}" for key in truth.keys() - rows.keys()]
    for key in truth.keys() & rows.keys():
        mine = as_truth(rows[key], practitioners, types)
        for name, value in mine.items():
            if getattr(truth[key], name) != value:
                found.append(f"{key}: {name} is {value!r}, should be {getattr(truth[key], name)!r}")
    return found
