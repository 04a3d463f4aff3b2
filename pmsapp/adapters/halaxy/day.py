"""One day of a Halaxy practice: the searches, the patients they leave out, and the rows turned into ours.

Halaxy has no time zone and does not say which one a bare date means, so a day more is asked on either side and
rows are kept by their own start. Where an answer holds rows far outside, the upper bound was ignored: each day is
then asked for by itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from pmsapp.adapters.base import Page
from pmsapp.adapters.client.http import HTTPClient
from pmsapp.adapters.halaxy.auth import LABEL, TICK_BOXES
from pmsapp.adapters.halaxy.fhir import entries, id_of, is_unreadable_match, resources
from pmsapp.adapters.halaxy.people import parse_patient
from pmsapp.adapters.halaxy.reference import Reference, batches
from pmsapp.adapters.halaxy.search import Found, SearchParams, search
from pmsapp.adapters.halaxy.wire import (
    CLINIC_PREFIX,
    Tables,
    parse_appointment,
    patient_ids,
    role_ids,
    type_id,
)
from pmsapp.adapters.parsing.bad_records import BadRecords
from pmsapp.adapters.parsing.text import names_missing, parse_instant, shape_of
from pmsapp.adapters.parsing.vocabulary import tell_unknown_statuses
from pmsapp.domain.appointment import BadRecord, Patient, UnifiedAppointment
from pmsapp.domain.errors import BadVendorDataError, PMSError, ReconnectRequiredError, RetryLaterError
from pmsapp.domain.window import SyncWindow, day_of, days_ahead

ONE_DAY = timedelta(days=1)
# A row further away than this cannot have been asked for, whichever zone the dates were read in.
FAR = timedelta(days=2)
# So many failed look-ups in one pass mean that Halaxy is down, not that a record is broken.
MAX_FAILURES = 3
SPARED_CODES = frozenset({"PMS-DOWN", "PMS-SLOW", "PMS-GARBLED", "PMS-REFUSED"})


class PatientFinder:
    """Looks up patients that a search did not bring along. Remembers for one pass."""

    def __init__(self, client: HTTPClient) -> None:
        self._client = client
        self._found: dict[str, Patient] = {}
        self._asked: set[str] = set()
        self._closed = self._given_up = False
        self._failures = 0
        self._warned = False

    def complete(self, included: Mapping[str, Patient], wanted: Iterable[str]) -> dict[str, Patient]:
        """`included` and what else is known of the wanted; a patient the key may not see is left out."""
        needed = [key for key in dict.fromkeys(wanted) if key not in included]
        unasked = [key for key in needed if key not in self._asked]
        for batch in batches(unasked):
            self._ask(batch)
        return {**{key: self._found[key] for key in needed if key in self._found}, **included}

    def warning(self, wanted: Iterable[str]) -> str | None:
        """One sentence, once, when any of the wanted could not be had."""
        if self._warned or all(key in self._found or key not in self._asked for key in wanted):
            return None
        self._warned = True
        if self._closed:
            return f'{LABEL} did not show patients: tick "{TICK_BOXES["Patient"]}" on the API key.'
        return names_missing(LABEL)

    def _ask(self, batch: list[str]) -> None:
        self._asked.update(batch)
        if self._closed or self._given_up or not batch:
            return
        try:
            for found in search(self._client, "Patient", {"_id": ",".join(batch)}):
                self._found.update(parse_patients(found.bundle))
        except ReconnectRequiredError:
            # The same token reads the rest; where it does not, the next call for appointments says so.
            self._closed = True
        except (RetryLaterError, BadVendorDataError) as error:
            self._ask_singly(batch, error)

    def _ask_singly(self, batch: list[str], error: PMSError) -> None:
        """One broken record must not cost the others their names.

        After several failures nobody else is asked for: when Halaxy is down that ends the read, when it refuses
        or garbles patients it costs their names alone.
        """
        self._failures += 1
        if error.code not in SPARED_CODES:
            raise error
        if self._failures > MAX_FAILURES:
            if isinstance(error, RetryLaterError):
                raise error
            self._given_up = True
        elif len(batch) > 1:
            for key in batch:
                self._ask([key])


def parse_patients(bundle: Mapping[str, Any]) -> dict[str, Patient]:
    """The patients of a bundle by id."""
    parsed = (parse_patient(resource) for resource in resources(bundle, "Patient"))
    return {patient.external_id: patient for patient in parsed if patient is not None}


class DayReader:
    """Reads one window for the whole practice, or for one of its clinics; good for one pass."""

    def __init__(
        self, client: HTTPClient, reference: Reference, window: SyncWindow, organization_id: str | None
    ) -> None:
        self._client = client
        self._reference = reference
        self._window = window
        self._start_at, self._end_at = window.start_at, window.end_at
        self._organization_id = organization_id
        self._tables = Tables()
        self._finder = PatientFinder(client)
        self._seen: set[str] = set()
        self._bad = BadRecords()
        self._types_are_fresh = self._types_warned = False

    def pages(self) -> Iterator[Page]:
        """The window's pages; the last one only after Halaxy's own end mark."""
        self._tables = self._reference.tables()
        first = self._window.day - ONE_DAY
        last = day_of(self._end_at - timedelta(minutes=1), self._window.zone) + ONE_DAY
        dates = [f"ge{first.isoformat()}", f"le{last.isoformat()}"]
        for found in self._search(dates):
            if self._looks_unfiltered(found):
                break
            yield self._page(found, is_last=found.is_last)
        else:
            return
        for asked in days_ahead(first, (last - first).days):
            for found in self._search([f"eq{asked.isoformat()}"]):
                yield self._page(found, is_last=found.is_last and asked == last)

    def _search(self, dates: list[str]) -> Iterator[Found]:
        params: SearchParams = {
            "date": dates,
            "_sort": "date",
            "_include": "Appointment:patient",
            "organization": self._organization_id,
        }
        return search(self._client, "Appointment", params)

    def _looks_unfiltered(self, found: Found) -> bool:
        low, high = self._start_at - FAR, self._end_at + FAR
        starts = (parse_instant(row.get("start")) for row in resources(found.bundle, "Appointment"))
        return any(start is not None and not low <= start < high for start in starts)

    def _page(self, found: Found, *, is_last: bool) -> Page:
        rows, bad = self._rows(found)
        self._learn(rows)
        rows = [row for row in rows if self._is_here(row)]
        wanted = [key for row in rows for key in patient_ids(row)]
        patients = self._finder.complete(parse_patients(found.bundle), wanted)
        items: list[UnifiedAppointment] = []
        for row in rows:
            parsed = parse_appointment(row, self._tables, patients)
            if isinstance(parsed, BadRecord):
                bad.append(parsed)
            else:
                items.extend(parsed)
        tell_unknown_statuses(items, LABEL)
        warnings = [self._finder.warning(wanted), self._types_warning()]
        return Page(
            items,
            is_last,
            bad=self._bad.of_page(bad, is_again=found.is_again),
            warnings=tuple(warning for warning in warnings if warning),
        )

    def _rows(self, found: Found) -> tuple[list[Mapping[str, Any]], list[BadRecord]]:
        """The appointments of this window, each once, and the records that cannot be told to be outside it."""
        rows: list[Mapping[str, Any]] = []
        bad = [
            BadRecord("An entry is not a resource", shape=shape_of(entry))
            for entry in entries(found.bundle)
            if is_unreadable_match(entry)
        ]
        for row in resources(found.bundle, "Appointment"):
            start_at, external_id = parse_instant(row.get("start")), id_of(row)
            if start_at is not None and not self._start_at <= start_at < self._end_at:
                continue
            if start_at is None or external_id is None:
                parsed = parse_appointment(row, self._tables, {})
                if isinstance(parsed, BadRecord):
                    bad.append(parsed)
            elif external_id not in self._seen:
                self._seen.add(external_id)
                rows.append(row)
        return rows, bad

    def _learn(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Look up a role nobody knows yet, and read the types again when one of those is new."""
        unknown = [key for row in rows for key in role_ids(row) if key not in self._tables.roles]
        if unknown:
            self._tables = replace(self._tables, roles=self._reference.learn_roles(unknown))
        if not self._types_are_fresh and any(self._has_new_type(row) for row in rows):
            self._types_are_fresh = True
            self._tables = replace(self._tables, types=self._reference.try_types())

    def _has_new_type(self, row: Mapping[str, Any]) -> bool:
        found = type_id(row)
        return found is not None and found not in self._tables.types

    def _is_here(self, row: Mapping[str, Any]) -> bool:
        """False when every role of the row belongs to another clinic than the one this connection reads."""
        clinic = self._organization_id
        if clinic is None or not clinic.startswith(CLINIC_PREFIX):
            return True
        roles = [self._tables.roles.get(key) for key in role_ids(row)]
        places = [role.organization_id for role in roles if role is not None]
        return not places or clinic in places

    def _types_warning(self) -> str | None:
        """One sentence, once, when the key may not read appointment types."""
        if self._types_warned or not self._reference.types_refused:
            return None
        self._types_warned = True
        box = TICK_BOXES["HealthcareService"]
        return f'{LABEL} did not show appointment types: tick "{box}" on the API key.'
