"""Erasing one patient: every card of theirs and all that hangs on them, in one transaction, so that nothing is half gone.

What stays is a digest, so that no sync, no reconnection and no restored backup brings the patient back; the log, which
never held more than numbers of cards; and copies of the database made before, until they age out.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from pmsapp import clock
from pmsapp.domain.actor import Actor
from pmsapp.extensions import current_settings
from pmsapp.models import (
    ErasedPatient,
    HandOver,
    PMSConnection,
    RunSheet,
    RunSheetAppointment,
)
from pmsapp.services.base import audit
from pmsapp.services.base.errors import Conflict, NotFound
from pmsapp.services.base.failpoints import failpoint
from pmsapp.services.base.transaction import reading, writing
from pmsapp.services.clinic import clinic
from pmsapp.services.maintenance import erasure, periods
from pmsapp.services.records import card_numbers, patients
from pmsapp.services.records.patients import Identity
from pmsapp.services.vendors import erased_patients


@dataclass(frozen=True, slots=True)
class Erasure:
    """What was erased. `kept_out`: a sync would skip the patient from now on. `is_scrubbed`: the file's freed space was
    overwritten as well; else the nightly purge does it. `backups_until`: when the last copy made before is gone."""

    cards: int
    kept_out: bool
    is_scrubbed: bool
    backups_until: datetime


def kept_by_law(reference: str) -> date | None:
    """Until when the law wants notes on this patient kept; None where it wants nothing. Raises NotFound."""
    with reading() as session:
        ids = patients.card_ids(session, patients.identity_of(session, reference))
        return _kept_until(session, ids)


def erase(reference: str, actor: Actor, *, despite_the_law: bool = False) -> Erasure:
    """Erase one patient for good. Raises NotFound, and Conflict KEPT-BY-LAW while notes have to be kept."""
    now = clock.now()
    with writing() as session:
        identity = patients.identity_of(session, reference)
        ids = patients.card_ids(session, identity)
        if not ids:
            raise NotFound("patient")
        until = _kept_until(session, ids)
        if until is not None and not despite_the_law:
            raise Conflict(
                "KEPT-BY-LAW",
                f"Staff wrote notes about this patient; health records acts want them kept until {until.isoformat()}.",
            )
        kept_out = _keep_out(session, identity, ids, actor, now)
        erasure.forget_copies(session, ids)
        connections = session.scalars(select(PMSConnection.id)).all()
        erasure.forget_what_was_read(session, connections)
        _take_names_out_of_hand_overs(session, reference)
        erasure.remove_cards(session, ids, now)
        failpoint("erase_patient")
        detail = {
            "cards": card_numbers.to_text(ids),
            "kept_out": kept_out,
            "despite_the_law": until is not None,
        }
        audit.record(session, actor, "person.erased", None, detail)
    failpoint("erase_scrub")
    is_scrubbed = erasure.scrub()
    return Erasure(len(ids), kept_out, is_scrubbed, now + periods.of(current_settings()).backups)


def _keep_out(session: Session, identity: Identity, ids: list[int], actor: Actor, now: datetime) -> bool:
    """Note who it was, as digests. False where no sync could bring the patient back."""
    digests: list[str] = []
    if identity.connection_id is not None:
        row = session.get_one(PMSConnection, identity.connection_id)
        digests = erased_patients.digests_of(row, identity.patient_id)
    elif identity.practice is not None:
        pms_type, key = identity.practice
        digests = [erased_patients.digest_at_practice(pms_type, key, identity.patient_id)]
    kept_out = bool(digests)
    digests += [erased_patients.digest_of_card(card_id) for card_id in ids]
    known = set(session.scalars(select(ErasedPatient.patient_digest)))
    for number, digest in enumerate(digest for digest in digests if digest not in known):
        session.add(
            ErasedPatient(
                patient_digest=digest,
                cards=len(ids) if number == 0 else 0,
                erased_by=actor.key,
                erased_at=now,
                scrubbed_at=None,
            )
        )
    return kept_out


def _take_names_out_of_hand_overs(session: Session, reference: str) -> None:
    """A note at the end of a day may name the patient in full. Anything shorter only a reader can tell apart."""
    names = patients.get(reference).names
    for row in session.scalars(select(HandOver).where(HandOver.note.is_not(None))):
        for name in names:
            row.note = re.sub(re.escape(name), "(erased)", row.note or "", flags=re.IGNORECASE)


def _kept_until(session: Session, ids: list[int]) -> date | None:
    kept, today = periods.of(current_settings()), clinic.today(session)
    card = RunSheetAppointment
    has_notes = or_(
        func.coalesce(card.notes, "") != "", card.attempts.is_not(None), card.identity_check.is_not(None)
    )
    rows = session.execute(
        select(RunSheet.date, card.patient_dob)
        .join(RunSheet, RunSheet.id == card.run_sheet_id)
        .where(card.id.in_(ids), has_notes)
    )
    days = [
        periods.keep_until(row.date, row.patient_dob, kept, has_notes=True, has_overrides=False)
        for row in rows
    ]
    return max((day for day in days if day > today), default=None)
