"""Has anything changed that a sheet shows? Answered in one statement, without reading a card."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import Column, ColumnElement, ScalarSelect, String, bindparam, cast, func, or_, select
from sqlalchemy.orm import Session

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
from pmsapp.models.upsert import table_of


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


_CONNECTIONS = table_of(PMSConnection)
_MAPPINGS = table_of(PMSClinicianMapping)
_CLINICIANS = table_of(RunSheetClinician)
_DECISIONS = table_of(Decision)
_FRESHNESS = table_of(ScopeFreshness)
_INCIDENTS = table_of(Incident)
_CLINIC = table_of(Clinic)
_SHEETS = table_of(RunSheet)
_CONNECTION = (
    _CONNECTIONS.c.id,
    _CONNECTIONS.c.display_name,
    _CONNECTIONS.c.time_zone,
    _CONNECTIONS.c.state,
    _CONNECTIONS.c.sync_enabled,
    _CONNECTIONS.c.sync_frequency_minutes,
    _CONNECTIONS.c.paused_until,
    _CONNECTIONS.c.last_error_code,
    _CONNECTIONS.c.last_sync_status,
    _CONNECTIONS.c.last_sync_at,
    _CONNECTIONS.c.next_sync_at,
)
_MAPPING = (
    _MAPPINGS.c.id,
    _MAPPINGS.c.pms_practitioner_name,
    _MAPPINGS.c.decision,
    _MAPPINGS.c.run_sheet_clinician_id,
)
_CLINICIAN = (
    _CLINICIANS.c.id,
    _CLINICIANS.c.name,
    _CLINICIANS.c.sort_order,
    _CLINICIANS.c.active,
    _CLINICIANS.c.notice_after_minutes,
    _CLINICIANS.c.warn_after_minutes,
    _CLINICIANS.c.urgent_after_minutes,
    _CLINICIANS.c.running_late_minutes,
    _CLINICIANS.c.running_late_on,
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
    _DECISIONS.c.id,
    _DECISIONS.c.kind,
    _DECISIONS.c.clinician_id,
    _DECISIONS.c.appointment_ids,
    _DECISIONS.c.subject,
)
_READING = (
    _FRESHNESS.c.connection_id,
    _FRESHNESS.c.pms_practitioner_id,
    _FRESHNESS.c.as_of,
    _FRESHNESS.c.fetched,
    _FRESHNESS.c.not_shown,
)


def _of_sheet(column: Column[Any]) -> ScalarSelect[Any]:
    return select(column).where(_SHEETS.c.date == bindparam("day")).scalar_subquery()


def _all_of(columns: tuple[Column[Any], ...], *where: ColumnElement[bool]) -> ScalarSelect[Any]:
    """These columns of every row as one text."""
    texts = [func.coalesce(cast(column, String), "") for column in columns]
    line: ColumnElement[str] = texts[0]
    for text in texts[1:]:
        line = line.concat("|").concat(text)
    return select(func.aggregate_strings(line, "\n")).where(*where).scalar_subquery()


# Put together once: doing so costs more than asking it.
_TAG = select(
    _of_sheet(_SHEETS.c.id),
    _of_sheet(_SHEETS.c.version),
    select(func.count()).where(_DECISIONS.c.state == "open").scalar_subquery(),
    _all_of(
        _QUESTION,
        _DECISIONS.c.state == "open",
        or_(_DECISIONS.c.date == bindparam("day"), _DECISIONS.c.kind.in_(_OF_NO_DAY)),
    ),
    select(func.max(_DECISIONS.c.id)).where(_DECISIONS.c.state == "open").scalar_subquery(),
    select(func.max(_INCIDENTS.c.id))
    .where(_INCIDENTS.c.ended_at.is_(None), _INCIDENTS.c.opened_at.is_not(None))
    .scalar_subquery(),
    select(func.max(_CLINIC.c.updated_at)).scalar_subquery(),
    _all_of(_CONNECTION),
    _all_of(_MAPPING),
    _all_of(_CLINICIAN),
    _all_of(_READING, _FRESHNESS.c.date == bindparam("day")),
)
