"""Patients whose data were erased: a sync must not bring them back. Only digests say who they are.

A patient is named by the practice (so that connecting it again does not bring them back either) and by the connection
(while nobody has told which practice it is).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from sqlalchemy import select
from sqlalchemy.orm import Session

from pmsapp.models import ErasedPatient, PMSConnection


def practice_key(row: PMSConnection) -> str | None:
    """What stays the same when a practice is connected again; None while nobody has told who it is."""
    practice = row.practice_fingerprint or row.tenant_id or row.practice_id
    return f"{practice}|{row.organization_id or ''}" if practice else None


def digests_of(row: PMSConnection, patient_id: str) -> list[str]:
    """Every digest that names this patient of a connection."""
    found = [_digest("connection", row.secret_uid, patient_id)]
    key = practice_key(row)
    if key is not None:
        found.append(digest_at_practice(row.pms_type, key, patient_id))
    return found


def digest_at_practice(pms_type: str, key: str, patient_id: str) -> str:
    """The digest that names a patient of a practice whose connection may be gone."""
    return _digest(f"practice|{pms_type}", key, patient_id)


def digest_of_card(card_id: int) -> str:
    """The digest that names one card, so that a restored backup does not bring it back; numbers are never used again."""
    return _digest("card", "", str(card_id))


def is_erased_at(session: Session, connection_id: int) -> Callable[[str], bool]:
    """Whether a patient id of this connection was erased, as the database says now."""
    known = set(session.scalars(select(ErasedPatient.patient_digest)))
    row = session.get(PMSConnection, connection_id) if known else None
    if row is None:
        return lambda patient_id: False
    return lambda patient_id: not known.isdisjoint(digests_of(row, patient_id))


def _digest(kind: str, where: str, patient_id: str) -> str:
    return hashlib.sha256(f"{kind}\n{where}\n{patient_id}".encode()).hexdigest()
