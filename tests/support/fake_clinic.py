"""A clinic connected to a practice held in memory (tests/support/fake_pms.py), and the few verbs sync tests need."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select

from pmsapp import clock
from pmsapp.domain.actor import COMMAND_LINE, Actor
from pmsapp.domain.appointment import AppointmentType, Patient, Practitioner
from pmsapp.domain.runsheet import Card, Sheet
from pmsapp.domain.window import day_of
from pmsapp.extensions import key_ring
from pmsapp.models import (
    PMSAppointmentType,
    PMSClinicianMapping,
    PMSConnection,
    RunSheetClinician,
    SyncScope,
)
from pmsapp.services.base import encrypted_columns
from pmsapp.services.base.transaction import reading, writing
from pmsapp.services.editing import decisions
from pmsapp.services.editing.decisions import DecisionView
from pmsapp.services.matching import reference
from pmsapp.services.runs import history as run_history
from pmsapp.services.runs import requests as run_requests
from pmsapp.services.runs.history import RunView
from pmsapp.services.sheet import days as sheet_days
from pmsapp.services.sheet.cards import load_cards
from pmsapp.services.sheet.stored_cards import CARDS
from pmsapp.services.sync import execute
from tests.support import prepared
from tests.support.fake_pms import PER_PRACTITIONER, ZONE, FakePractice

MEL = Actor(kind="user", name="Mel", id=1, role="reception")
PEOPLE = {"anna": "Dr Anna Abel", "ben": "Dr Ben Bock", "cleo": "Dr Cleo Cohn"}
PATIENTS = ("Ada Alder", "Bo Birch", "Cy Cedar", "Di Dogwood", "Eve Elm", "Flo Fir")


def stock(practice: FakePractice) -> FakePractice:
    """Three practitioners, six patients and three appointment types."""
    for key, name in PEOPLE.items():
        practice.practitioners[key] = Practitioner(key, name)
    for number, name in enumerate(PATIENTS):
        key = name.split()[0].lower()
        practice.patients[key] = Patient(key, name, phone=f"+6149157000{number}", email=f"{key}@example.com")
    for key, name, is_telehealth in (
        ("video", "Video call", True),
        ("rooms", "In the rooms", False),
        ("other", "Review", None),
    ):
        practice.types[key] = AppointmentType(key, name, 20, is_telehealth=is_telehealth)
    return practice


class FakeClinic:
    """One connection to a fake practice. `mapped`: practitioner id -> clinician id."""

    def __init__(
        self,
        practice: FakePractice,
        slug: str = PER_PRACTITIONER,
        *,
        name: str = "practice",
        zone: str = ZONE,
    ) -> None:
        self.practice = practice
        self.zone = zone
        stock = repr((list(practice.practitioners.values()), list(practice.types.values())))
        begun = (slug, name, zone, stock)
        self.connection_id, self.mapped = prepared.once(begun, lambda: self._begin(slug, name))

    @property
    def today(self) -> date:
        return day_of(clock.now(), self.zone)

    def at(self, text: str, days: int = 0) -> datetime:
        """A wall-clock time today, or some days from today, in the clinic's zone."""
        return datetime.combine(
            self.today + timedelta(days=days), time.fromisoformat(text), ZoneInfo(self.zone)
        )

    def _begin(self, slug: str, name: str) -> tuple[int, dict[str, int]]:
        self.connection_id = self._connect(slug, name)
        return self.connection_id, self._map_everybody()

    def _connect(self, slug: str, name: str) -> int:
        now = clock.now()
        with writing() as session:
            row = PMSConnection(
                pms_type=slug,
                display_name=name,
                practice_id=name,
                time_zone=self.zone,
                secret_uid=encrypted_columns.new_uid(),
                state="ok",
                sync_enabled=True,
                created_at=now,
                updated_at=now,
            )
            encrypted_columns.seal_credentials(key_ring(), row, {"key": "anything"})
            session.add(row)
            session.flush()
            return row.id

    def _map_everybody(self) -> dict[str, int]:
        now = clock.now()
        people, types = list(self.practice.practitioners.values()), list(self.practice.types.values())
        mapped: dict[str, int] = {}
        with writing() as session:
            reference.store_practitioners(session, self.connection_id, people, now)
            reference.store_types(session, self.connection_id, types, now)
            for number, person in enumerate(people):
                column = session.scalar(
                    select(RunSheetClinician).where(RunSheetClinician.name == person.name)
                )
                if column is None:
                    column = RunSheetClinician(
                        name=person.name, sort_order=number, active=True, created_at=now
                    )
                    session.add(column)
                    session.flush()
                mapped[person.external_id] = column.id
            for row in self._mappings(session):
                row.decision, row.run_sheet_clinician_id = "mapped", mapped[row.pms_practitioner_id]
            session.get_one(PMSConnection, self.connection_id).reference_read_at = now
        return mapped

    def _mappings(self, session: Any) -> Sequence[PMSClinicianMapping]:
        rows = select(PMSClinicianMapping).where(PMSClinicianMapping.pms_connection_id == self.connection_id)
        return session.scalars(rows).all()  # type: ignore[no-any-return]

    def decide_on(self, practitioner: str, decision: str, clinician: str | None = None) -> None:
        """What an administrator decided about a practitioner, as the next run finds it."""
        with writing() as session:
            for row in self._mappings(session):
                if row.pms_practitioner_id == practitioner:
                    row.decision = decision
                    row.run_sheet_clinician_id = (
                        self.mapped[clinician or practitioner] if decision == "mapped" else None
                    )

    def decide_type(self, type_id: str, **values: Any) -> None:
        """What an administrator decided about an appointment type."""
        with writing() as session:
            row = session.scalars(
                select(PMSAppointmentType).where(
                    PMSAppointmentType.pms_connection_id == self.connection_id,
                    PMSAppointmentType.pms_type_id == type_id,
                )
            ).one()
            for name, value in values.items():
                setattr(row, name, value)

    def request(self, day: date | None = None, *, dry_run: bool = False) -> int:
        """Ask for a run; returns its id."""
        return run_requests.request_run(
            self.connection_id, trigger="manual", actor=COMMAND_LINE, day=day, dry_run=dry_run
        ).sync_id

    def sync(self, day: date | None = None, *, dry_run: bool = False) -> RunView:
        """Request a run and do it here and now."""
        run_id = self.request(day, dry_run=dry_run)
        execute.execute_run(run_id)
        return self.run(run_id)

    def run(self, run_id: int) -> RunView:
        return run_history.get_run(self.connection_id, run_id)

    def outcomes(self, run: RunView) -> dict[tuple[str | None, date], str]:
        """What each scope of a run came to."""
        with reading() as session:
            rows = session.scalars(select(SyncScope).where(SyncScope.run_id == run.id)).all()
        return {(row.pms_practitioner_id, row.date): row.outcome for row in rows}

    def sheet(self, days: int = 0) -> Sheet:
        return sheet_days.get_sheet(self.today + timedelta(days=days), include_not_shown=True)

    def cards(self) -> dict[tuple[str, str], Card]:
        """Every card of this connection, whatever its presence, by (visit, patient)."""
        with reading() as session:
            found = load_cards(session, key_ring(), [CARDS.c.pms_connection_id == self.connection_id])
        return {(card.pms_appointment_id or "", card.pms_patient_id or ""): card for card in found}

    def card(self, visit_id: str, patient: str | None = None) -> Card:
        """The one card of a visit, or of one of its patients."""
        found = [
            card
            for key, card in self.cards().items()
            if key[0] == visit_id and (patient is None or key[1] == patient)
        ]
        assert len(found) == 1, f"{len(found)} cards"
        return found[0]

    def presence(self, visit_id: str, patient: str | None = None) -> str:
        return self.card(visit_id, patient).presence.value

    def write(self, card_id: int, **columns: object) -> None:
        """Write columns of a card as no service would."""
        with writing() as session:
            session.execute(CARDS.update().where(CARDS.c.id == card_id).values(**columns))

    def questions(self) -> list[DecisionView]:
        return decisions.list_open()
