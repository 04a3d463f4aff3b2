"""One day of a MediRecords practice: their pages turned into ours, with each patient's details put in."""

from __future__ import annotations

from collections.abc import Callable

from pmsapp.adapters.base import Page
from pmsapp.adapters.medirecords.auth import LABEL
from pmsapp.adapters.medirecords.calls import Rows
from pmsapp.adapters.medirecords.patients import Sweep
from pmsapp.adapters.medirecords.wire import Tables, parse_appointment, with_patient
from pmsapp.adapters.parsing.bad_records import BadRecords
from pmsapp.adapters.parsing.text import clean_id, names_missing
from pmsapp.adapters.parsing.vocabulary import tell_unknown_statuses
from pmsapp.domain.appointment import BadRecord, Patient, UnifiedAppointment
from pmsapp.domain.window import SyncWindow

_NOT_A_ROW = BadRecord("A row is not an appointment")


class DayReader:
    """Turns the pages of one sweep into ours; asks once more for types when a row names a new one."""

    def __init__(
        self,
        window: SyncWindow,
        tables: Tables,
        tables_again: Callable[[], Tables],
        sweep: Sweep,
        *,
        needs_patient: Callable[[UnifiedAppointment], bool],
        known_patient: Callable[[UnifiedAppointment], Patient | None],
    ) -> None:
        self._start_at, self._end_at = window.start_at, window.end_at
        self._tables = tables
        self._tables_again: Callable[[], Tables] | None = tables_again
        self._sweep = sweep
        self._needs_patient = needs_patient
        self._known_patient = known_patient
        self._seen: set[str] = set()
        self._bad = BadRecords()

    def page(self, rows: Rows) -> Page:
        """One page of ours from one of theirs."""
        self._learn_types(rows)
        items: list[UnifiedAppointment] = []
        bad: list[BadRecord] = []
        for row in rows.rows:
            parsed = parse_appointment(row, self._tables) if isinstance(row, dict) else _NOT_A_ROW
            if isinstance(parsed, BadRecord):
                bad.append(parsed)
            elif self._is_new(parsed):
                items.append(parsed)
        tell_unknown_statuses(items, LABEL)
        unread_before = self._sweep.unread
        return Page(
            self._with_patients(items),
            rows.is_last,
            bad=self._bad.of_page(bad, is_again=rows.is_again),
            warnings=(names_missing(LABEL),) if self._sweep.unread > unread_before else (),
        )

    def _with_patients(self, items: list[UnifiedAppointment]) -> list[UnifiedAppointment]:
        """Put in the patients' details: those known already, and of the others those that are wanted, asked for.

        Whoever is asked for is the same at each of their appointments on the page, known there or not.
        """
        items = [with_patient(each, self._known_patient(each)) if each.patient else each for each in items]
        asked = self._sweep.find(
            each.patient.external_id
            for each in items
            if each.patient and each.patient.name is None and self._needs_patient(each)
        )
        return [
            with_patient(each, asked.get(each.patient.external_id)) if each.patient else each
            for each in items
        ]

    def _is_new(self, item: UnifiedAppointment) -> bool:
        """False for a row outside the window, and for one that came on an earlier page already."""
        if not self._start_at <= item.start_at < self._end_at or item.external_id in self._seen:
            return False
        self._seen.add(item.external_id)
        return True

    def _learn_types(self, rows: Rows) -> None:
        if self._tables_again is None:
            return
        types = self._tables.types
        ids = (clean_id(row.get("appointmentTypeId")) for row in rows.rows if isinstance(row, dict))
        if any(key not in types for key in ids if key is not None):
            self._tables, self._tables_again = self._tables_again(), None
