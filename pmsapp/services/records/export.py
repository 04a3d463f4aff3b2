"""Everything kept on one patient, for the patient or for who has to answer for it: one dict, the same for every reader."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import inspect, select
from sqlalchemy.orm import Session

from pmsapp import clock
from pmsapp.extensions import key_ring
from pmsapp.models import (
    CardBefore,
    Decision,
    RunSheet,
    RunSheetAppointment,
    RunSheetClinician,
    RunSheetEvent,
    RunSheetOverride,
)
from pmsapp.services.base import encrypted_columns
from pmsapp.services.base.transaction import reading
from pmsapp.services.records import patients, who_saw
from pmsapp.services.records.who_saw import Sighting

# Of a card: what only this program's machinery reads.
_MACHINERY = frozenset(
    {"pms_digest", "kept_digest", "run_sheet_id", "claimed_key", "host_link_sealed", "patient_link_sealed"}
)


def everything_on(reference: str) -> dict[str, Any]:
    """All that is stored about one patient, and who saw it; plain values, fit for JSON. Raises NotFound."""
    patient = patients.get(reference)
    ids = list(patient.cards)
    with reading() as session:
        cards = [_card(session, card_id) for card_id in ids]
        questions = [
            _row(row, {"undo", "marker"})
            for row in session.scalars(select(Decision).order_by(Decision.id))
            if not set(ids).isdisjoint(row.appointment_ids or ())
        ]
    return {
        "reference": patient.reference,
        "exported_at": _plain(clock.now()),
        "names": list(patient.names),
        "birth_dates": [day.isoformat() for day in patient.birth_dates],
        "phones": list(patient.phones),
        "source": patient.source,
        "cards": cards,
        "questions": questions,
        "seen_by": [_sighting(sighting) for sighting in who_saw.who_saw(frozenset(ids))],
    }


def _card(session: Session, card_id: int) -> dict[str, Any]:
    row = session.get_one(RunSheetAppointment, card_id)
    ring = key_ring()
    clinician = session.get(RunSheetClinician, row.clinician_id) if row.clinician_id is not None else None
    return {
        "date": _plain(session.scalar(select(RunSheet.date).where(RunSheet.id == row.run_sheet_id))),
        "clinician": clinician.name if clinician else None,
        **_row(row, _MACHINERY),
        "host_link": encrypted_columns.open_card_link(ring, row, "host"),
        "patient_link": encrypted_columns.open_card_link(ring, row, "patient"),
        "typed_by_staff": _rows(session, RunSheetOverride, card_id),
        "timeline": _rows(session, RunSheetEvent, card_id),
        "before_updates": _rows(session, CardBefore, card_id),
    }


def _rows(session: Session, model: Any, card_id: int) -> list[dict[str, Any]]:
    found: Sequence[Any] = session.scalars(
        select(model).where(model.appointment_id == card_id).order_by(model.id)
    ).all()
    return [_row(row, {"appointment_id", "run_id"}) for row in found]


def _row(row: Any, without: frozenset[str] | set[str]) -> dict[str, Any]:
    columns = inspect(type(row)).column_attrs
    return {column.key: _plain(getattr(row, column.key)) for column in columns if column.key not in without}


def _sighting(sighting: Sighting) -> dict[str, Any]:
    return {
        "at": _plain(sighting.at),
        "who": sighting.who,
        "what": sighting.action,
        "cards": list(sighting.cards),
        "page": sighting.subject,
    }


def _plain(value: Any) -> Any:
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {key: _plain(inner) for key, inner in value.items()}
    return value
