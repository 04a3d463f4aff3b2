"""MediRecords (Connect REST API v1): one practice, read with a fixed token."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import date, timedelta
from typing import ClassVar

from pmsapp import clock
from pmsapp.adapters.base import (
    Adapter,
    AdapterConfig,
    AdapterInfo,
    ConnectionCheck,
    Page,
)
from pmsapp.adapters.client.http import HTTPClient
from pmsapp.adapters.client.tokens import Token
from pmsapp.adapters.medirecords import auth
from pmsapp.adapters.medirecords.calls import Calls
from pmsapp.adapters.medirecords.day import DayReader
from pmsapp.adapters.medirecords.info import INFO
from pmsapp.adapters.medirecords.patients import PatientReader
from pmsapp.adapters.medirecords.wire import (
    Practice,
    Tables,
    parse_appointment,
    parse_practice,
    parse_practitioner,
    parse_type,
    unnamed,
    with_patient,
)
from pmsapp.adapters.parsing.text import clean_id
from pmsapp.adapters.parsing.zones import guess_zone
from pmsapp.domain.appointment import AppointmentType, BadRecord, Practitioner, UnifiedAppointment
from pmsapp.domain.errors import BadVendorDataError, ReconnectRequiredError
from pmsapp.domain.window import SyncWindow, day_of

# Reference data is read again after these; a type nobody knows yet is looked up at once.
TYPES_LAST = timedelta(hours=3)
INTERVALS_LAST = timedelta(days=1)
NO_INTERVALS_LAST = timedelta(hours=1)
# Without a provider list, clinicians are the ones who have appointments in these days.
SEEN_DAYS = 14


class MediRecordsAdapter(Adapter):
    """Reads one MediRecords practice. Types and interval codes go into its reference cache; a patient is asked for once per adapter."""

    info: ClassVar[AdapterInfo] = INFO

    def __init__(self, config: AdapterConfig, client: HTTPClient) -> None:
        super().__init__(config, client)
        self._calls = Calls(client, lambda: auth.practice_id(config))
        self._patients = PatientReader(self._calls.fetch_patient)
        self._guessed_zone: str | None = None

    @classmethod
    def mint_token(cls, config: AdapterConfig, client: HTTPClient) -> Token:
        """The fixed token as entered; nothing is asked of the vendor, and there is no known end."""
        return auth.fixed_token(config)

    # Who we are talking to

    def check_connection(self) -> ConnectionCheck:
        """Read the practice, then one row of each list. Raises PRACTICE-UNKNOWN, AUTH-REFUSED or AUTH-SCOPE."""
        reply = self._calls.fetch_practice()
        practice = parse_practice(reply.data)
        self._check_is_ours(practice)
        guess = guess_zone(practice.state, practice.postcode, practice.city)
        zone = self.config.time_zone or guess.time_zone
        self._calls.peek("appointment-types")
        self._calls.peek("appointments", _day_params(_today(zone), _today(zone)))
        practitioners = self._named_practitioners()
        warnings = [] if self.config.time_zone or guess.warning is None else [guess.warning]
        if practitioners is None:
            warnings.append("MediRecords does not show its list of clinicians; you can name them yourself.")
        return ConnectionCheck(
            practice_name=practice.name,
            time_zone=zone,
            practice_fingerprint=practice.external_id or auth.practice_id(self.config),
            clock_skew_s=reply.clock_skew_s,
            practitioners=None if practitioners is None else len(practitioners),
            can_read={
                "appointments": True,
                "appointment types": True,
                "practitioners": practitioners is not None,
            },
            warnings=tuple(warnings),
        )

    def _check_is_ours(self, practice: Practice) -> None:
        asked = auth.practice_id(self.config)
        if practice.external_id and practice.external_id.casefold() != asked.casefold():
            raise ReconnectRequiredError("AUTH-WRONG-PRACTICE", pms=auth.LABEL)

    # Reference data

    def list_practitioners(self) -> list[Practitioner]:
        """Every provider, inactive ones too. Where the vendor closes that list, those seen in the book, unnamed."""
        found = self._named_practitioners()
        self.lists_everybody = found is not None
        if found is None:
            found = [Practitioner(each, unnamed(each)) for each in self._seen_practitioner_ids()]
        return sorted(found, key=lambda each: (each.name.casefold(), each.external_id))

    def list_appointment_types(self) -> list[AppointmentType]:
        """Every type, inactive ones too, read now."""
        types = self._read_types()
        return sorted(types.values(), key=lambda each: (each.name.casefold(), each.external_id))

    def _named_practitioners(self) -> list[Practitioner] | None:
        """The provider list without its status filter, or None where the vendor refuses to show it."""
        try:
            return self._read_practitioners({})
        except BadVendorDataError as error:
            if error.code != "PMS-REFUSED":
                raise
            return self._read_practitioners({"status": "Active"})
        except ReconnectRequiredError as error:
            if error.code == "AUTH-EXPIRED" or auth.is_wrong_api(error):
                raise
            return None

    def _read_practitioners(self, params: Mapping[str, str]) -> list[Practitioner]:
        found: dict[str, Practitioner] = {}
        for page in self._calls.read("providers", params):
            for row in page.rows:
                parsed = parse_practitioner(row) if isinstance(row, dict) else None
                if isinstance(parsed, Practitioner):
                    found[parsed.external_id] = parsed
        return list(found.values())

    def _seen_practitioner_ids(self) -> list[str]:
        today = _today(self._zone())
        params = _day_params(today, today + timedelta(days=SEEN_DAYS))
        pages = self._calls.read("appointments", params)
        rows = (row for page in pages for row in page.rows if isinstance(row, dict))
        return list(dict.fromkeys(key for row in rows if (key := clean_id(row.get("providerId")))))

    def _read_types(self) -> dict[str, AppointmentType]:
        found: dict[str, AppointmentType] = {}
        for page in self._calls.read("appointment-types"):
            for row in page.rows:
                parsed = parse_type(row) if isinstance(row, dict) else None
                if isinstance(parsed, AppointmentType):
                    found[parsed.external_id] = parsed
        self.reference_cache.set("types", [asdict(kind) for kind in found.values()])
        return found

    def _tables(self, zone: str) -> Tables:
        types = self.reference_cache.get("types", TYPES_LAST)
        known = (
            self._read_types()
            if types is None
            else {record["external_id"]: AppointmentType(**record) for record in types}
        )
        return Tables(zone, known, self._intervals_min())

    def _intervals_min(self) -> dict[int, int]:
        """Minutes by interval code, asked for once a day; a table that gave nothing is asked for sooner again."""
        pairs = self.reference_cache.get("intervals", INTERVALS_LAST)
        pairs = pairs or self.reference_cache.get("intervals", NO_INTERVALS_LAST)
        if pairs is None:
            pairs = sorted(self._calls.fetch_intervals_min().items())
            self.reference_cache.set("intervals", pairs)
        return dict(pairs)

    def _zone(self) -> str:
        """The zone times are read in: the connection's, else the one the practice's address suggests."""
        zone = self.config.time_zone or self._guessed_zone
        if zone is None:
            practice = parse_practice(self._calls.fetch_practice().data)
            zone = guess_zone(practice.state, practice.postcode, practice.city).time_zone
            if zone is None:
                note = "its time zone is not known yet; choose it for this connection"
                raise ReconnectRequiredError("PRACTICE-UNKNOWN", pms=auth.LABEL, note=note)
            self._guessed_zone = zone
        return zone

    # Appointments

    def list_appointments(self, window: SyncWindow, practitioner_ids: Sequence[str]) -> Iterator[Page]:
        """The day of the whole practice, every status. Rows that start outside the window are left out.

        Times are read in the connection's zone, which is the window's. A patient that cannot be read has no name;
        nor has one whose details `needs_patient` does not want, for they would cost a call of their own. One that
        `known_patient` gives is not asked for.
        """
        zone = self.config.time_zone or window.zone
        last_day = day_of(window.end_at - timedelta(minutes=1), zone)
        params = _day_params(day_of(window.start_at, zone), last_day)
        with self._patients.sweep() as sweep:
            reader = DayReader(
                window,
                self._tables(zone),
                lambda: self._tables_again(zone),
                sweep,
                needs_patient=self.needs_patient,
                known_patient=self.known_patient,
            )
            for rows in self._calls.read("appointments", params):
                yield reader.page(rows)

    def _tables_again(self, zone: str) -> Tables:
        self._read_types()
        return self._tables(zone)

    def get_appointment(self, external_id: str) -> list[UnifiedAppointment]:
        """One appointment with its patient. Raises NotFoundError when it is gone, BadVendorDataError when unreadable."""
        row = self._calls.fetch_appointment(external_id)
        item = parse_appointment(row, self._tables(self._zone()))
        if isinstance(item, BadRecord):
            raise auth.unreadable(item.reason)
        if item.patient is None:
            return [item]
        with self._patients.sweep() as sweep:
            found = sweep.find([item.patient.external_id])
        return [with_patient(item, found.get(item.patient.external_id))]


def _today(zone: str | None) -> date:
    return day_of(clock.now(), zone or "Australia/Sydney")


def _day_params(first: date, last: date) -> Mapping[str, str]:
    """Whole practice-local days, to the minute and without a zone, as MediRecords wants them."""
    return {
        "appointmentDateRangeStart": f"{first.isoformat()}T00:00",
        "appointmentDateRangeEnd": f"{last.isoformat()}T23:59",
    }
