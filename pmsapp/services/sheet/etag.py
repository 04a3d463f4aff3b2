"""Has anything changed that a sheet shows? Answered in one statement, without reading a card."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, ScalarSelect, String, bindparam, cast, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from pmsapp.domain.runsheet import DayQuestion
from pmsapp.models import (
    Clinic,
    Decision,
    Incident,
    PMSClinicianMapping,
    PMSConnection,
    RunSheet,
    RunSheetClinician,
    ScopeFreshness,
)


class SheetTag(NamedTuple):
    """A day's sheet as it stands. `mark` changes with everything stored that its page or answer is made of.

    `questions`: the open decisions that touch the day, and those about practitioners.
    """

    sheet_id: int | None
    version: int
    open_decisions: int
    mark: str
    questions: tuple[DayQuestion, ...] = ()


def read(session: Session, day: date) -> SheetTag:
    """The stamp of a day, whether or not it has a sheet yet."""
    row = session.execute(_TAG, {"day": day}).one()
    mark = hashlib.sha256(f"{day}|{tuple(row)}".encode()).hexdigest()[:20]
    return SheetTag(row[0], row[1] or 0, row[2] or 0, mark, tuple(_questions(row[3])))


def _questions(text: str | None) -> Iterator[DayQuestion]:
    for line in (text or "").splitlines():
        number, kind, clinician_id, cards, subject = line.split("|", 4)
        yield DayQuestion(
            int(number),
            kind,
            int(clinician_id) if clinician_id else None,
            len(json.loads(cards or "[]")),
            subject,
        )


_CONNECTION = (
    PMSConnection.id,
    PMSConnection.display_name,
    PMSConnection.time_zone,
    PMSConnection.state,
    PMSConnection.sync_enabled,
    PMSConnection.sync_frequency_minutes,
    PMSConnection.paused_until,
    PMSConnection.last_error_code,
    PMSConnection.last_sync_status,
    PMSConnection.last_sync_at,
    PMSConnection.next_sync_at,
)
_MAPPING = (
    PMSClinicianMapping.id,
    PMSClinicianMapping.pms_practitioner_name,
    PMSClinicianMapping.decision,
    PMSClinicianMapping.run_sheet_clinician_id,
)
_CLINICIAN = (
    RunSheetClinician.id,
    RunSheetClinician.name,
    RunSheetClinician.sort_order,
    RunSheetClinician.active,
    RunSheetClinician.notice_after_minutes,
    RunSheetClinician.warn_after_minutes,
    RunSheetClinician.urgent_after_minutes,
    RunSheetClinician.running_late_minutes,
    RunSheetClinician.running_late_on,
)
# Questions about practitioners and types touch every day.
_OF_NO_DAY = (
    "practitioner_new",
    "practitioner_gone",
    "practitioner_changed",
    "type_new",
    "type_changed",
    "type_gone",
)
_QUESTION = (
    Decision.id,
    Decision.kind,
    Decision.clinician_id,
    Decision.appointment_ids,
    Decision.subject,
)
_READING = (
    ScopeFreshness.connection_id,
    ScopeFreshness.pms_practitioner_id,
    ScopeFreshness.as_of,
    ScopeFreshness.fetched,
    ScopeFreshness.not_shown,
)


def _of_sheet(column: InstrumentedAttribute[int]) -> ScalarSelect[Any]:
    return select(column).where(RunSheet.date == bindparam("day")).scalar_subquery()


def _all_of(
    columns: tuple[InstrumentedAttribute[Any], ...], *where: ColumnElement[bool]
) -> ScalarSelect[Any]:
    """These columns of every row as one text."""
    texts = [func.coalesce(cast(column, String), "") for column in columns]
    line: ColumnElement[str] = texts[0]
    for text in texts[1:]:
        line = line.concat("|").concat(text)
    return select(func.aggregate_strings(line, "\n")).where(*where).scalar_subquery()


# Put together once: doing so costs more than asking it.
_TAG = select(
    _of_sheet(RunSheet.id),
    _of_sheet(RunSheet.version),
    select(func.count()).where(Decision.state == "open").scalar_subquery(),
    _all_of(
        _QUESTION,
        Decision.state == "open",
        or_(Decision.date == bindparam("day"), Decision.kind.in_(_OF_NO_DAY)),
    ),
    select(func.max(Decision.id)).where(Decision.state == "open").scalar_subquery(),
    select(func.max(Incident.id))
    .where(Incident.ended_at.is_(None), Incident.opened_at.is_not(None))
    .scalar_subquery(),
    select(func.max(Clinic.updated_at)).scalar_subquery(),
    _all_of(_CONNECTION),
    _all_of(_MAPPING),
    _all_of(_CLINICIAN),
    _all_of(_READING, ScopeFreshness.date == bindparam("day")),
)
