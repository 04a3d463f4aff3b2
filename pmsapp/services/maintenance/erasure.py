"""Taking cards away for good: with everything that hangs on them, and out of the file's freed space as well."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, or_, select, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from pmsapp import clock
from pmsapp.extensions import db
from pmsapp.models import (
    CardBefore,
    Decision,
    ErasedPatient,
    PMSConnection,
    Quarantine,
    Receipt,
    RunSheetAppointment,
    ScopeFreshness,
    StoredAnswer,
    SyncRun,
)
from pmsapp.services.base.transaction import writing
from pmsapp.services.maintenance import database
from pmsapp.services.sheet import matching_changes, versions
from pmsapp.services.sheet.stored_cards import chunks
from pmsapp.services.vendors import erased_patients

_CHECKPOINT_TRIES = 5


def remove_cards(session: Session, card_ids: Collection[int], now: datetime) -> int:
    """Delete cards inside the caller's write transaction; overrides, timelines, looks and former places go with them.

    Questions about them go too, whatever their state, and what was kept aside of their appointments. Returns how many
    cards there were.
    """
    ids = sorted(card_ids)
    days = versions.days_of(session, ids)
    _forget_decisions(session, frozenset(ids))
    gone = 0
    for part in chunks(ids):
        _forget_kept_aside(session, part)
        for column in (RunSheetAppointment.rebooked_from_id, RunSheetAppointment.rebooked_to_id):
            _do(session, update(RunSheetAppointment).where(column.in_(part)).values({column.key: None}))
        cards = delete(RunSheetAppointment).where(RunSheetAppointment.id.in_(part))
        gone += _do(session, cards).rowcount
    versions.bump(session, days, now)
    return gone


@dataclass(frozen=True, slots=True)
class Erased:
    """A note of `erased_patients`, as a database that is about to be replaced holds it."""

    patient_digest: str
    cards: int
    erased_by: str
    erased_at: datetime


def all_erased(session: Session) -> tuple[Erased, ...]:
    """Every patient erased so far."""
    rows = session.scalars(select(ErasedPatient).order_by(ErasedPatient.id))
    return tuple(
        Erased(row.patient_digest, row.cards, row.erased_by, row.erased_at)
        for row in rows
        if row.patient_digest
    )


def erase_again(session: Session, erased: Sequence[Erased], now: datetime) -> int:
    """In a backup that is put back: whoever was erased since is erased there too. Returns how many cards went."""
    known = set(session.scalars(select(ErasedPatient.patient_digest)))
    for note in erased:
        if note.patient_digest not in known:
            session.add(
                ErasedPatient(
                    patient_digest=note.patient_digest,
                    cards=note.cards,
                    erased_by=note.erased_by,
                    erased_at=note.erased_at,
                )
            )
    session.flush()
    digests = {note.patient_digest for note in erased}
    ids = [card_id for card_id, named in _named(session) if not digests.isdisjoint(named)]
    if not ids:
        return 0
    forget_copies(session, ids)
    return remove_cards(session, ids, now)


def forget_copies(session: Session, card_ids: Collection[int]) -> None:
    """What may tell of a patient outside these cards of theirs: kept answers of programs, previews of updates,
    differences of receipts, and how cards and their questions stood before an update or a change of matches.

    A call that is repeated is refused, not redone; an update or a change from before cannot be undone.
    """
    matching_changes.forget_cards(session, card_ids)
    for statement in (
        update(StoredAnswer).where(StoredAnswer.answer_sealed.is_not(None)).values(answer_sealed=None),
        update(SyncRun).where(SyncRun.preview.is_not(None)).values(preview=None),
        update(Receipt).where(Receipt.differences.is_not(None)).values(differences=None),
        delete(CardBefore),
    ):
        _do(session, statement)


def _named(session: Session) -> Iterator[tuple[int, list[str]]]:
    """Every card with the digests that name its patient."""
    connections = {row.id: row for row in session.scalars(select(PMSConnection))}
    card = RunSheetAppointment
    for row in session.execute(select(card.id, card.pms_connection_id, card.pms_patient_id)):
        digests = [erased_patients.digest_of_card(row.id)]
        connection = connections.get(row.pms_connection_id)
        if connection is not None and row.pms_patient_id:
            digests += erased_patients.digests_of(connection, row.pms_patient_id)
        yield row.id, digests


def forget_what_was_read(session: Session, connection_ids: Collection[int]) -> None:
    """The next update looks into every list of these connections anew."""
    _do(
        session,
        update(ScopeFreshness)
        .where(ScopeFreshness.connection_id.in_(connection_ids))
        .values(read_state=None),
    )


def scrub() -> bool:
    """Overwrite the freed space of SQLite's file and empty its log of writes. False while that has to be tried again.

    Other processes go on reading; they wait for their turn to write.
    """
    if database.sqlite_file() is not None:
        try:
            if not _vacuum():
                return False
        except SQLAlchemyError:
            return False
    with writing() as session:
        _do(
            session,
            update(ErasedPatient).where(ErasedPatient.scrubbed_at.is_(None)).values(scrubbed_at=clock.now()),
        )
    return True


def is_scrub_owed(session: Session) -> bool:
    """True while a patient was erased and the file's freed space was not overwritten since."""
    return (
        session.scalar(select(ErasedPatient.id).where(ErasedPatient.scrubbed_at.is_(None)).limit(1))
        is not None
    )


def _vacuum() -> bool:
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        raw: Any = connection.connection.driver_connection
        cursor = raw.cursor()
        try:
            cursor.execute("PRAGMA query_only = OFF")
            cursor.execute("VACUUM")
            return any(_checkpoint(cursor) for _ in range(_CHECKPOINT_TRIES))
        except Exception as error:
            if not isinstance(error, raw.Error):
                raise
            return False
        finally:
            cursor.close()
            connection.invalidate()


def _checkpoint(cursor: Any) -> bool:
    """Empty the write-ahead log; False while somebody reads from it."""
    return bool(cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0)


def _forget_decisions(session: Session, ids: frozenset[int]) -> None:
    rows = session.execute(select(Decision.id, Decision.appointment_ids))
    about = [row.id for row in rows if not ids.isdisjoint(row.appointment_ids or ())]
    for part in chunks(about):
        _do(session, delete(Decision).where(Decision.id.in_(part)))


def _forget_kept_aside(session: Session, ids: Sequence[int]) -> None:
    cards = session.execute(
        select(RunSheetAppointment.pms_connection_id, RunSheetAppointment.pms_appointment_id).where(
            RunSheetAppointment.id.in_(ids), RunSheetAppointment.pms_appointment_id.is_not(None)
        )
    ).all()
    for connection_id in {row.pms_connection_id for row in cards}:
        named = [row.pms_appointment_id for row in cards if row.pms_connection_id == connection_id]
        _do(
            session,
            delete(Quarantine).where(
                Quarantine.connection_id == connection_id,
                or_(Quarantine.pms_appointment_id.in_(named), Quarantine.record_key.in_(named)),
            ),
        )


def _do(session: Session, statement: Any) -> Any:
    return session.execute(statement.execution_options(synchronize_session=False))
