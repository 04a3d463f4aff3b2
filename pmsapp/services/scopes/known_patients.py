"""Patients whose details the cards hold already, for vendors that have to be asked for each one.

A card's patient counts as known for the rest of the clinic's day on which they were read. Whoever asks for an update
by hand has everybody read anew, and so does a new booking its own patient. The cards are the only place where a
patient's details rest; beside them stands only when they were read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from pmsapp import clock
from pmsapp.adapters.registry import get_info
from pmsapp.domain.appointment import Patient, UnifiedAppointment
from pmsapp.domain.sync.reconcile import CardKey
from pmsapp.domain.window import day_of, day_start
from pmsapp.models import PatientRead, SyncRun
from pmsapp.models.upsert import table_of, upsert
from pmsapp.services.sheet.stored_cards import CARDS, card_ids, chunks

READS = table_of(PatientRead)
BY_ITSELF = "schedule"


@dataclass(frozen=True, slots=True)
class KnownPatients:
    """Patients by (appointment, patient), as the cards have them."""

    cards: Mapping[CardKey, Patient] = field(default_factory=dict)

    def find(self, pair: UnifiedAppointment) -> Patient | None:
        """The patient as the pair's card has them, None when they have to be asked for."""
        return self.cards.get((pair.external_id, pair.patient.external_id)) if pair.patient else None

    def gave(self, pair: UnifiedAppointment) -> bool:
        """True when the pair's patient is the one handed out here, not one just read."""
        return pair.patient is not None and self.find(pair) is pair.patient


def are_asked_for(pms_type: str) -> bool:
    """True where the vendor's lists do not bring the patients along."""
    return not get_info(pms_type).capabilities.includes_patients


def for_run(session: Session, run: SyncRun, pms_type: str, zone: str) -> KnownPatients | None:
    """Whom a run need not ask for: nobody when a person asked for it. None where the lists bring patients along."""
    if not are_asked_for(pms_type):
        return None
    if run.trigger != BY_ITSELF:
        return KnownPatients()
    days = [date.fromisoformat(day) for day in run.dates]
    return KnownPatients(_read_today(session, run.pms_connection_id, days, zone))


def _read_today(
    session: Session, connection_id: int, days: Sequence[date], zone: str
) -> dict[CardKey, Patient]:
    today = day_start(day_of(clock.now(), zone), zone)
    rows = session.execute(
        select(
            CARDS.c.pms_appointment_id,
            CARDS.c.pms_patient_id,
            CARDS.c.patient_name,
            CARDS.c.patient_dob,
            CARDS.c.patient_phone,
            CARDS.c.patient_email,
            CARDS.c.patient_has_died,
        )
        .join(READS, READS.c.appointment_id == CARDS.c.id)
        .where(
            CARDS.c.pms_connection_id == connection_id,
            CARDS.c.pms_date.in_(list(days)),
            CARDS.c.patient_name.is_not(None),
            READS.c.read_at >= today,
        )
    )
    return {(row[0], row[1]): Patient(*row[1:]) for row in rows}


def note_run(
    session: Session,
    known: KnownPatients | None,
    connection_id: int,
    pairs: Iterable[UnifiedAppointment],
    now: datetime,
) -> None:
    """A run has written these pairs: remember of whom it had asked."""
    if known is not None:
        note_read(session, connection_id, (pair for pair in pairs if not known.gave(pair)), now)


def note_read(
    session: Session, connection_id: int, pairs: Iterable[UnifiedAppointment], read_at: datetime
) -> None:
    """These pairs were written with what the vendor just said of their patients.

    Other cards of the same patients may hold something older, so those are asked for again.
    """
    keys = {
        (pair.external_id, pair.patient.external_id)
        for pair in pairs
        if pair.patient is not None and pair.patient.name is not None
    }
    if not keys:
        return
    for part in chunks({patient_id for _, patient_id in keys}):
        cards = select(CARDS.c.id).where(
            CARDS.c.pms_connection_id == connection_id, CARDS.c.pms_patient_id.in_(part)
        )
        session.execute(delete(READS).where(READS.c.appointment_id.in_(cards)))
    rows = [{"appointment_id": one, "read_at": read_at} for one in card_ids(session, connection_id, keys)]
    upsert(session, PatientRead, rows, keys=["appointment_id"], update=["read_at"])
