"""Patients whose details the cards hold already, for vendors that have to be asked for each one.

Every update reads the patients of today's remaining visits anew, so that what changed in their files is seen within
one period. The others are read anew each clinic's day, a share of them in each update, so that they are spread over
the day and the night. Whoever asks for an update by hand has everybody read anew, and so does a new booking its own
patient. The cards are the only place where a patient's details rest; beside them stands only when they were read, and
that counts in the age of what is shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Select, and_, delete, func, or_, select
from sqlalchemy.orm import Session

from pmsapp import clock
from pmsapp.adapters.registry import get_info
from pmsapp.domain.ages import is_within
from pmsapp.domain.appointment import Patient, Presence, UnifiedAppointment
from pmsapp.domain.sync.reconcile import CardKey
from pmsapp.domain.window import day_of, day_start
from pmsapp.models import PatientRead, SyncRun
from pmsapp.models.upsert import table_of, upsert
from pmsapp.services.sheet.stored_cards import CARDS, card_ids, chunks

READS = table_of(PatientRead)
BY_ITSELF = "schedule"
# A visit counts as remaining until so long after its start.
UNDER_WAY = timedelta(hours=1)
# Two updates so close together, after a failure or by another's request, need not ask twice.
JUST_READ = timedelta(minutes=1)
# One update reads this part of the patients who are not due anew, those read longest ago.
SHARES = 16
# What an update may ask for again is bounded by so many minutes of the vendor's own pace.
MINUTES_OF_PACE = 5


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
    most = get_info(pms_type).default_requests_per_minute * MINUTES_OF_PACE
    return KnownPatients(_still_good(session, run.pms_connection_id, days, zone, most))


def _still_good(
    session: Session, connection_id: int, days: Sequence[date], zone: str, most: int
) -> dict[CardKey, Patient]:
    """The patients of these days' cards but for those to read anew, at most `most`: who is due, then a share."""
    now = clock.now()
    today = day_start(day_of(now, zone), zone)
    due: list[CardKey] = []
    others: list[CardKey] = []
    found: dict[CardKey, Patient] = {}
    for row in session.execute(_reads_of(connection_id, days)):
        key = (row[0], row[1])
        found[key] = Patient(*row[1:7])
        if is_within(row.read_at, now, JUST_READ):
            continue
        (due if row.read_at < today or _remains(row.start_at, now, zone) else others).append(key)
    share = -(-len(others) // SHARES)
    for key in [*due, *others[:share]][:most]:
        del found[key]
    return found


def _remains(start_at: datetime, now: datetime, zone: str) -> bool:
    """A visit of today that is still to come or under way."""
    return start_at >= now - UNDER_WAY and day_of(start_at, zone) == day_of(now, zone)


def oldest_read(
    session: Session, connection_id: int, day: date, practitioner_id: str | None, zone: str
) -> datetime | None:
    """When the patient read longest ago was read, of those that count in a practitioner-day's age.

    Those are today's remaining visits, and whoever was not read since the clinic's day began.
    """
    now = clock.now()
    today = day_of(now, zone)
    remaining = and_(CARDS.c.start_at >= now - UNDER_WAY, CARDS.c.pms_date == today)
    found: datetime | None = session.scalar(
        select(func.min(READS.c.read_at))
        .join(CARDS, CARDS.c.id == READS.c.appointment_id)
        .where(
            CARDS.c.pms_connection_id == connection_id,
            CARDS.c.pms_date == day,
            CARDS.c.pms_practitioner_id.is_not_distinct_from(practitioner_id),
            CARDS.c.presence == Presence.ON_SHEET.value,
            or_(remaining, READS.c.read_at < day_start(today, zone)),
        )
    )
    return found


def _reads_of(connection_id: int, days: Sequence[date]) -> Select[Any]:
    """Whoever of these days was read, the longest ago first."""
    return (
        select(
            CARDS.c.pms_appointment_id,
            CARDS.c.pms_patient_id,
            CARDS.c.patient_name,
            CARDS.c.patient_dob,
            CARDS.c.patient_phone,
            CARDS.c.patient_email,
            CARDS.c.patient_has_died,
            CARDS.c.start_at,
            READS.c.read_at,
        )
        .join(READS, READS.c.appointment_id == CARDS.c.id)
        .where(
            CARDS.c.pms_connection_id == connection_id,
            CARDS.c.pms_date.in_(list(days)),
            CARDS.c.patient_name.is_not(None),
        )
        .order_by(READS.c.read_at, CARDS.c.id)
    )


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
    rows = [
        {"appointment_id": card_id, "read_at": read_at} for card_id in card_ids(session, connection_id, keys)
    ]
    upsert(session, PatientRead, rows, keys=["appointment_id"], update=["read_at"])
