"""A clinic connected the way people connect it: login tried live, paired where needed, matched, chosen, switched on."""

from __future__ import annotations

from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from flask import Flask

from pmsapp.domain.actor import Actor
from pmsapp.domain.runsheet import Card
from pmsapp.sandbox.clinic.truth import TruthRow
from pmsapp.sandbox.server import SandboxServer
from pmsapp.services.connections import connections
from pmsapp.services.matching import appointment_types, mappings
from pmsapp.services.matching.appointment_types import TypeChoice
from pmsapp.services.matching.mappings import CREATE, MappingChoice
from pmsapp.services.runs import history as run_history
from pmsapp.services.runs.history import RunView
from pmsapp.services.sync import execute
from tests.support.connecting import gentu_access
from tests.support.synced_clinic import LOGINS, SyncedClinic, practice_id

VENDORS = ("gentu", "medirecords", "halaxy")
ADMIN = Actor(kind="user", name="Mel", id=1, role="admin")
# Two types that staff correct where the vendor marks telehealth by itself: one it marks, one it does not.
MARKED_BUT_IN_ROOMS, UNMARKED_BUT_REMOTE = "outreach", "review"


def vendors_at(sandbox: SandboxServer) -> dict[str, dict[str, Any]]:
    """Settings that lead every vendor to this sandbox."""
    return {slug.upper(): {"base_url": sandbox.base(slug)} for slug in sandbox.sandbox.servers}


class ConnectedClinic(SyncedClinic):
    """A connection made by the real services. `decided`: what staff said about types, by type id."""

    def __init__(self, app: Flask, sandbox: SandboxServer, vendor: str) -> None:
        self.decided: dict[str, bool] = {}
        super().__init__(app, sandbox, vendor)

    def _connect(self) -> int:
        view = connections.create_connection(
            ADMIN,
            pms_type=self.vendor,
            credentials=LOGINS[self.vendor]["credentials"],
            practice_id=practice_id(self.vendor, self.sandbox),
        )
        if view.needs_pairing:
            connections.pair(view.id, gentu_access(self.sandbox).make_code(), ADMIN)
        return view.id

    def match_everybody(self) -> None:
        """A column for every practitioner the vendor lists, whatever its marks."""
        people = mappings.list_practitioners(self.connection_id)
        choices = [MappingChoice(person.pms_practitioner_id, CREATE, name=person.name) for person in people]
        mappings.set_mappings(self.connection_id, choices, ADMIN)

    def choose_types(self) -> None:
        """Where the vendor does not mark telehealth, yes or no by name for each; elsewhere two corrections."""
        listed = appointment_types.list_types(self.connection_id)
        if any(kind.pms_is_telehealth is not None for kind in listed) or self.vendor == "halaxy":
            self.decided = {
                self.type_id(MARKED_BUT_IN_ROOMS): False,
                self.type_id(UNMARKED_BUT_REMOTE): True,
            }
        else:
            self.decided = {kind.pms_type_id: kind.suggested for kind in listed}
        choices = [TypeChoice(key, is_telehealth=answer) for key, answer in self.decided.items()]
        appointment_types.set_types(self.connection_id, choices, ADMIN)

    def start(self) -> RunView:
        """End set-up; the first run is done here and now."""
        connections.update_connection(self.connection_id, ADMIN, sync_enabled=True)
        current = run_history.list_runs(self.connection_id).current
        assert current is not None
        execute.execute_run(current.id)
        return run_history.get_run(self.connection_id, current.id)

    def type_id(self, key: str) -> str:
        """The vendor's id of one of the clinic's types."""
        return self.sandbox.clinic.id_of(self.vendor, "type", key)

    def is_telehealth(self, row: TruthRow) -> bool | None:
        """Staff's word about the type, else the vendor's own evidence."""
        return self.decided.get(row.appointment_type_id or "", row.is_telehealth)

    def should_show(self, day: date) -> dict[tuple[str, str], TruthRow]:
        """What a perfect reader would put on the sheet under the clinic's decisions, on a first read."""
        return {
            (row.appointment_id, row.patient_id): row
            for row in self.truth(day)
            if self.is_telehealth(row) is not False and row.appointment_status != "cancelled"
        }


def expected_card(clinic: ConnectedClinic, row: TruthRow) -> dict[str, object]:
    """A truth row as the API should show its card: every field that comes from the practice software."""
    return {
        "pms_appointment_id": row.appointment_id,
        "pms_patient_id": row.patient_id,
        "pms_practitioner_id": row.practitioner_id,
        "pms_connection_id": clinic.connection_id,
        "column": row.practitioner_name,
        "date": row.start_at.date().isoformat(),
        "start_at": row.start_at.isoformat(),
        "time_zone": clinic.zone,
        "duration_minutes": row.duration_minutes,
        "patient_name": row.patient_name,
        "patient_dob": row.patient_dob.isoformat() if row.patient_dob else None,
        "patient_phone": row.patient_phone,
        "patient_email": row.patient_email,
        "appointment_type": row.appointment_type,
        "appointment_status": row.appointment_status,
        "is_telehealth": clinic.is_telehealth(row),
        "links": {"host": row.host_link, "patient": row.patient_link},
        "pms_notes": row.notes,
        "source": "pms",
        "presence": "on_sheet",
        "state": "booked",
        "notes": None,
        "edited": [],
        "row_version": 1,
    }


def shown_card(card: Card, column: str | None) -> dict[str, object]:
    """A card of the sheet in the same words."""
    return {
        "pms_appointment_id": card.pms_appointment_id,
        "pms_patient_id": card.pms_patient_id,
        "pms_practitioner_id": card.pms_practitioner_id,
        "pms_connection_id": card.pms_connection_id,
        "column": column,
        "date": card.date.isoformat(),
        "start_at": card.start_at.astimezone(ZoneInfo(card.time_zone)).isoformat(),
        "time_zone": card.time_zone,
        "duration_minutes": card.duration_minutes,
        "patient_name": card.patient_name,
        "patient_dob": card.patient_dob.isoformat() if card.patient_dob else None,
        "patient_phone": card.patient_phone,
        "patient_email": card.patient_email,
        "appointment_type": card.appointment_type,
        "appointment_status": card.appointment_status,
        "is_telehealth": card.is_telehealth,
        "links": {"host": card.host_link, "patient": card.patient_link},
        "pms_notes": card.pms_notes,
        "source": card.source,
        "presence": str(card.presence),
        "state": card.state,
        "notes": card.notes,
        "edited": list(card.edited),
        "row_version": card.row_version,
    }
