"""A clinic in a test: the app connected to a sandbox over real HTTP, everybody mapped, ready to sync."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from flask import Flask
from sqlalchemy import select

from pmsapp import clock
from pmsapp.adapters.registry import get_info
from pmsapp.domain.actor import COMMAND_LINE
from pmsapp.domain.runsheet import Card, Sheet
from pmsapp.domain.window import day_of
from pmsapp.extensions import key_ring
from pmsapp.models import PMSClinicianMapping, PMSConnection, RunSheetClinician
from pmsapp.sandbox.clinic.truth import TruthRow
from pmsapp.sandbox.server import SandboxServer
from pmsapp.services.base import encrypted_columns
from pmsapp.services.base.transaction import writing
from pmsapp.services.matching import reference
from pmsapp.services.runs import history as run_history
from pmsapp.services.runs import requests as run_requests
from pmsapp.services.runs.history import RunView
from pmsapp.services.sheet import days
from pmsapp.services.sync import execute
from pmsapp.services.vendors import adapters as vendor_adapters

LOGINS: dict[str, dict[str, Any]] = {
    "gentu": {
        "credentials": {
            "client_id": "training-client-id",
            "client_secret": "training-client-secret",
            "app_id": "5a9d1f0e-3c1b-4f6a-9d2e-7b8c6a5d4e3f",
        }
    },
    "medirecords": {"credentials": {"api_token": "mr-demo-connect-token-0001"}},
    "halaxy": {
        "credentials": {"client_id": "halaxy-demo-client-0001", "client_secret": "halaxy-demo-secret-0001"}
    },
}
# With the real clock a patient may arrive between a run and the moment its cards are compared.
FOLLOWS_THE_CLOCK = frozenset({"appointment_status"})


def practice_id(vendor: str, sandbox: SandboxServer) -> str | None:
    """The practice's id as typed into the connect form, where the vendor's form asks for one."""
    asked = any(field.goes_to == "practice_id" for field in get_info(vendor).credential_fields)
    return sandbox.clinic.id_of(vendor, "practice", "") if asked else None


class SyncedClinic:
    """One connection of `vendor` to the sandbox's clinic, and the few verbs a sync test needs."""

    def __init__(self, app: Flask, sandbox: SandboxServer, vendor: str = "gentu") -> None:
        self.app = app
        self.sandbox = sandbox
        self.vendor = vendor
        self.zone = (
            sandbox.clinic.zone.key if hasattr(sandbox.clinic.zone, "key") else str(sandbox.clinic.zone)
        )
        self.connection_id = self._connect()

    @property
    def today(self) -> date:
        return day_of(clock.now(), self.zone)

    def _connect(self) -> int:
        now = clock.now()
        login = LOGINS[self.vendor]
        with writing() as session:
            row = PMSConnection(
                pms_type=self.vendor,
                display_name=get_info(self.vendor).label,
                tenant_id=self.sandbox.clinic.id_of("gentu", "practice", "")
                if self.vendor == "gentu"
                else None,
                practice_id=practice_id(self.vendor, self.sandbox),
                time_zone=self.zone,
                secret_uid=encrypted_columns.new_uid(),
                state="ok",
                sync_enabled=True,
                created_at=now,
                updated_at=now,
            )
            encrypted_columns.seal_credentials(key_ring(), row, login["credentials"])
            session.add(row)
            session.flush()
            return row.id

    def map_everybody(self) -> dict[str, int]:
        """Map each practitioner to a clinician of the same name. Returns practitioner id -> clinician id."""
        adapter = vendor_adapters.adapter_for(self.connection_id)
        practitioners, types = adapter.list_practitioners(), adapter.list_appointment_types()
        adapter.client.close()
        now = clock.now()
        with writing() as session:
            reference.store_practitioners(session, self.connection_id, practitioners, now)
            reference.store_types(session, self.connection_id, types, now)
            mapped: dict[str, int] = {}
            for number, person in enumerate(practitioners):
                clinician = RunSheetClinician(
                    name=person.name, sort_order=number, active=True, created_at=now
                )
                session.add(clinician)
                session.flush()
                mapped[person.external_id] = clinician.id
            for row in session.scalars(select(PMSClinicianMapping)):
                if row.pms_connection_id == self.connection_id:
                    row.decision, row.run_sheet_clinician_id = "mapped", mapped[row.pms_practitioner_id]
            session.get_one(PMSConnection, self.connection_id).reference_read_at = now
        return mapped

    def sync(self, day: date | None = None, *, dry_run: bool = False, trigger: str = "manual") -> RunView:
        """Request a run and do it here and now."""
        request = run_requests.request_run(
            self.connection_id, trigger=trigger, actor=COMMAND_LINE, day=day, dry_run=dry_run
        )
        execute.execute_run(request.sync_id)
        return run_history.get_run(self.connection_id, request.sync_id)

    def sheet(self, day: date | None = None) -> Sheet:
        return days.get_sheet(day or self.today, include_not_shown=True)

    def truth(self, day: date | None = None) -> list[TruthRow]:
        return self.sandbox.clinic.truth(self.vendor, day or self.today).rows

    def all_cards(self, day: date | None = None) -> list[Card]:
        """Every card of a day, shown or not: to be asked for once where many are looked for."""
        sheet = self.sheet(day)
        return [*sheet.cards, *(sheet.not_shown_cards or ())]

    def card_of(self, row: TruthRow, cards: Sequence[Card] | None = None) -> Card:
        """The card of a truth row; fails the test when there is not exactly one."""
        pool = self.all_cards() if cards is None else cards
        found = [
            card
            for card in pool
            if (card.pms_appointment_id, card.pms_patient_id) == (row.appointment_id, row.patient_id)
        ]
        assert len(found) == 1, f"{len(found)} cards for one appointment"
        return found[0]


def same(card: Card, row: TruthRow) -> dict[str, tuple[object, object]]:
    """Fields in which a card and the truth differ: name -> (card, truth). Empty when they agree."""
    pairs = {
        "start_at": (card.start_at, row.start_at),
        "duration_minutes": (card.duration_minutes, row.duration_minutes),
        "patient_name": (card.patient_name, row.patient_name),
        "patient_dob": (card.patient_dob, row.patient_dob),
        "patient_phone": (card.patient_phone, row.patient_phone),
        "patient_email": (card.patient_email, row.patient_email),
        "appointment_type": (card.appointment_type, row.appointment_type),
        "appointment_status": (card.appointment_status, row.appointment_status),
        "is_telehealth": (card.is_telehealth, row.is_telehealth),
        "pms_practitioner_id": (card.pms_practitioner_id, row.practitioner_id),
        "host_link": (card.host_link, row.host_link),
        "patient_link": (card.patient_link, row.patient_link),
    }
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}
