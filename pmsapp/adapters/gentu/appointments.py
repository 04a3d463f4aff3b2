"""Reading appointments: a practitioner's day page by page, or one appointment by id."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from pmsapp.adapters.base import Page
from pmsapp.adapters.client.messages import Params, Reply
from pmsapp.adapters.client.paging import PageLook, read_by_cursor, read_until_still
from pmsapp.adapters.gentu import wire
from pmsapp.adapters.gentu.practice import Practice
from pmsapp.adapters.parsing.text import clean_id, names_missing, shape_of
from pmsapp.adapters.parsing.vocabulary import tell_unknown_statuses
from pmsapp.domain.appointment import BadRecord, Patient, UnifiedAppointment
from pmsapp.domain.errors import BadVendorDataError, PMSError, ReconnectRequiredError
from pmsapp.domain.window import SyncWindow

# The most the API gives per page.
LIMIT = 100
# Pages of one practitioner's day: 5,000 appointments.
MAX_DAY_PAGES = 50
# Both bounds read as exclusive, so the day is asked for a minute wider each side.
WIDENED = timedelta(minutes=1)
# Failing look-ups of single patients in a row before the fault is taken for Gentu's own.
MAX_FAILED_PATIENTS = 3
# A fault of one small read that must not cost the whole list.
SINGLE_READ_FAULTS = frozenset(
    {"RECORD-GONE", "AUTH-SCOPE", "PMS-GARBLED", "PMS-REFUSED", "PMS-DOWN", "PMS-SLOW"}
)
_PASSING_FAULTS = frozenset({"PMS-DOWN", "PMS-SLOW"})


class _CursorRefusedError(Exception):
    """Gentu no longer knows the cursor it gave; the practitioner has to be read again from the start."""


@dataclass(slots=True)
class _Day:
    """What is known while one practitioner's day is read, kept when the reading starts again."""

    practitioner_id: str
    patients: dict[str, Patient] = field(default_factory=dict)
    seen: set[str] = field(default_factory=set)
    seen_bad: set[tuple[str | None, str, str]] = field(default_factory=set)
    failed_in_a_row: int = 0
    restarted: bool = False
    known: tuple[str, ...] = ()


class AppointmentReader:
    """Reads appointments of one practice. `type_duration_min` gives the usual length of a type, where it is known."""

    def __init__(self, practice: Practice, type_duration_min: Callable[[str], int | None]) -> None:
        self._practice = practice
        self._type_duration_min = type_duration_min

    def read_day(self, window: SyncWindow, practitioner_id: str, known: Sequence[str] = ()) -> Iterator[Page]:
        """Yield a practitioner's day, each appointment once, also ones just outside the window.

        A refused cursor starts the practitioner again, once, and so does a list that shifted while it was read; what
        was handed out already is not repeated. Raises BadVendorDataError READ-SHIFTED. Answers that are all those of `known` (digests) are not looked into: one unchanged Page stands for them.
        """
        day = _Day(practitioner_id, known=tuple(known))
        try:
            yield from self._read_pages(window, day)
            return
        except _CursorRefusedError:
            day.restarted, day.known = True, ()
        try:
            yield from self._read_pages(window, day)
        except _CursorRefusedError as exc:
            raise BadVendorDataError(
                "PMS-REFUSED", pms=self._practice.label, note="appointments: it refuses its own cursor"
            ) from exc.__cause__

    def read_one(self, external_id: str) -> list[UnifiedAppointment]:
        """One appointment by id, an item per patient. Raises NotFoundError when Gentu no longer has it."""
        reply = self._practice.get("appointments", external_id, kind="appointment")
        try:
            visit = wire.parse_visit(reply.data)
        except wire.BrokenRecordError as exc:
            raise BadVendorDataError(pms=self._practice.label, note=f"appointment: {exc.reason}") from None
        if visit.external_id != external_id:
            raise BadVendorDataError(pms=self._practice.label, note="appointment: another one came back")
        day = _Day("")
        self._fetch_missing(visit, day)
        return self._unify(visit, day, None)

    def _read_pages(self, window: SyncWindow, day: _Day) -> Iterator[Page]:
        from_at, to_at = window.widened(WIDENED)
        zone = ZoneInfo(window.zone)
        fetch = partial(
            self._fetch_page, day.practitioner_id, _with_offset(from_at, zone), _with_offset(to_at, zone)
        )
        read = partial(
            read_by_cursor, fetch, self._next_cursor, pms=self._practice.label, max_pages=MAX_DAY_PAGES
        )
        held: list[Reply] = []
        for reply, is_last, is_again in read_until_still(read, _look, pms=self._practice.label):
            if is_again:
                day.restarted, day.known = True, ()
            held.append(reply)
            if tuple(page_reply.digest for page_reply in held) == day.known[: len(held)]:
                if not is_last:
                    continue
                if len(held) == len(day.known):
                    yield Page((), True, day.practitioner_id, unchanged=True)
                    return
            yield from self._parse_pages(held, is_last, day)
            held, day.known = [], ()

    def _parse_pages(self, replies: Sequence[Reply], is_last: bool, day: _Day) -> Iterator[Page]:
        """Look into pages that were held back; only the last of them can be the last of all."""
        for number, reply in enumerate(replies, 1):
            yield self._parse_page(reply, is_last and number == len(replies), day)

    def _fetch_page(self, practitioner_id: str, from_date: str, to_date: str, cursor: str | None) -> Reply:
        params: Params = {
            "practitionerId": practitioner_id,
            "fromDate": from_date,
            "toDate": to_date,
            "limit": LIMIT,
            "include": "patients",
            "cursor": cursor,
        }
        try:
            return self._practice.get_list("appointments", kind="appointments", params=params)
        except (BadVendorDataError, ReconnectRequiredError) as exc:
            # A 403 here came while the practice lets us in, so it is about the cursor as well.
            if cursor is not None and exc.code in ("PMS-REFUSED", "AUTH-SCOPE"):
                raise _CursorRefusedError from exc
            raise

    def _next_cursor(self, reply: Reply) -> str | None:
        """The cursor of the next page, None at the end. Without a clear end mark nothing counts as read."""
        pagination = reply.data.get("pagination") if isinstance(reply.data, dict) else None
        if isinstance(pagination, dict) and "next" in pagination:
            cursor = pagination["next"]
            if cursor is None or (isinstance(cursor, str) and cursor):
                return cursor
        raise BadVendorDataError(pms=self._practice.label, note="appointments: no end mark")

    def _parse_page(self, reply: Reply, is_last: bool, day: _Day) -> Page:
        records = reply.data.get("appointments")
        if not isinstance(records, list):
            raise BadVendorDataError(pms=self._practice.label, note="appointments: not a list")
        self._note_patients(reply.data.get("patients"), day)
        items: list[UnifiedAppointment] = []
        bad: list[BadRecord] = []
        unnamed, whole = 0, not day.restarted
        for record in records:
            visit = self._parse_visit(record, day, bad)
            if visit is None:
                continue
            if visit.external_id in day.seen:
                whole = False
                continue
            day.seen.add(visit.external_id)
            whole = not self._fetch_missing(visit, day) and visit.duration_min is not None and whole
            rows = self._unify(visit, day, day.practitioner_id)
            unnamed += sum(1 for row in rows if row.patient is not None and row.patient.name is None)
            items.extend(rows)
        return Page(
            items=items,
            is_last=is_last,
            practitioner_external_id=day.practitioner_id,
            bad=bad,
            # What was looked up besides the page is not in its digest.
            digest=reply.digest if whole else None,
            warnings=(names_missing(self._practice.label),) if unnamed else (),
        )

    def _parse_visit(self, record: Any, day: _Day, bad: list[BadRecord]) -> wire.Visit | None:
        try:
            return wire.parse_visit(record)
        except wire.BrokenRecordError as exc:
            found = BadRecord(exc.reason, exc.external_id, day.practitioner_id, shape_of(record))
        key = (found.external_id, found.reason, found.shape)
        if not (day.restarted and key in day.seen_bad):
            bad.append(found)
        day.seen_bad.add(key)
        return None

    def _note_patients(self, records: Any, day: _Day) -> None:
        for record in records if isinstance(records, list) else []:
            try:
                patient = wire.parse_patient(record)
            except wire.BrokenRecordError:
                continue
            day.patients[patient.external_id] = patient

    def _fetch_missing(self, visit: wire.Visit, day: _Day) -> bool:
        """Look up the patients that did not come along; True when there was one. A failing one stays nameless."""
        missing = [patient_id for patient_id, _ in visit.patients if patient_id not in day.patients]
        for patient_id in missing:
            day.patients[patient_id] = self._fetch_patient(patient_id, day)
        return bool(missing)

    def _fetch_patient(self, patient_id: str, day: _Day) -> Patient:
        try:
            patient = wire.parse_patient(self._practice.get("patients", patient_id, kind="patient").data)
        except PMSError as exc:
            day.failed_in_a_row += exc.code in _PASSING_FAULTS
            if exc.code not in SINGLE_READ_FAULTS or day.failed_in_a_row >= MAX_FAILED_PATIENTS:
                raise
            return Patient(patient_id, None)
        except wire.BrokenRecordError:
            return Patient(patient_id, None)
        day.failed_in_a_row = 0
        return patient if patient.external_id == patient_id else Patient(patient_id, None)

    def _unify(self, visit: wire.Visit, day: _Day, practitioner_id: str | None) -> list[UnifiedAppointment]:
        items = wire.unify(
            visit,
            day.patients,
            practitioner_id=practitioner_id,
            type_duration_min=self._usual_length(visit),
        )
        tell_unknown_statuses(items, self._practice.label)
        return items

    def _usual_length(self, visit: wire.Visit) -> int | None:
        """The type's usual length, where the row gives none."""
        if visit.duration_min is not None or visit.type_external_id is None:
            return None
        return self._type_duration_min(visit.type_external_id)


def _look(reply: Reply) -> PageLook:
    """Gentu does not say how many there are."""
    records = reply.data.get("appointments") if isinstance(reply.data, dict) else None
    rows = records if isinstance(records, list) else []
    ids = (clean_id(row.get("id")) for row in rows if isinstance(row, dict))
    return PageLook(frozenset(key for key in ids if key is not None), len(rows), None)


def _with_offset(instant: datetime, zone: ZoneInfo) -> str:
    """ISO 8601 with a numeric offset: whether a Z would be taken is not known."""
    return instant.astimezone(zone).isoformat(timespec="milliseconds")
