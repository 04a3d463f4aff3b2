"""Halaxy (FHIR R4B API): one practice group, or one clinic of it, read with a client id and secret."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

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
from pmsapp.adapters.halaxy import auth, webhook
from pmsapp.adapters.halaxy.day import DayReader, PatientFinder
from pmsapp.adapters.halaxy.fhir import resources
from pmsapp.adapters.halaxy.info import INFO
from pmsapp.adapters.halaxy.places import Places
from pmsapp.adapters.halaxy.reference import Reference, Staff
from pmsapp.adapters.halaxy.search import SearchParams, read_one, search
from pmsapp.adapters.halaxy.wire import (
    CLINIC_PREFIX,
    Tables,
    parse_appointment,
    parse_organization,
    patient_ids,
    role_ids,
)
from pmsapp.domain.appointment import AppointmentType, BadRecord, Practitioner, UnifiedAppointment
from pmsapp.domain.errors import BadVendorDataError, PMSError, ReconnectRequiredError
from pmsapp.domain.window import SyncWindow, day_of


class HalaxyAdapter(Adapter):
    """Reads one Halaxy practice. Roles and types go into its reference cache and are good for hours."""

    info: ClassVar[AdapterInfo] = INFO

    def __init__(self, config: AdapterConfig, client: HTTPClient) -> None:
        super().__init__(config, client)
        self._reference = Reference(client, lambda: self.reference_cache)
        self._organization_id = (config.organization_id or "").strip() or None

    @classmethod
    def mint_token(cls, config: AdapterConfig, client: HTTPClient) -> Token:
        """Ask for a token with the client's id and secret. Raises AUTH-REFUSED when they are not accepted."""
        return auth.fetch_token(config, client)

    # Who we are talking to

    def check_connection(self) -> ConnectionCheck:
        """Read the clinics and one row of everything else. Raises AUTH-SCOPE naming the tick box that is missing.

        A key that may not read patients still connects, with a warning: rows then have no names.
        """
        skews: list[float | None] = []
        places = Places(())
        staff_count: int | None = None

        def read_places() -> None:
            nonlocal places
            found = list(search(self.client, "Organization", {}))
            skews.extend(each.clock_skew_s for each in found[:1])
            parsed = (
                parse_organization(row) for each in found for row in resources(each.bundle, "Organization")
            )
            places = Places(tuple(place for place in parsed if place is not None))

        def count_staff() -> None:
            nonlocal staff_count, places
            staff = self._reference.read_staff()
            staff_count = len(self._people_of(staff))
            clinics = {role.organization_id for role in staff.roles.values() if role.organization_id}
            places = replace(places, of_staff=frozenset(clinics))

        allowed = self._try_each(
            {
                "Organization": read_places,
                "PractitionerRole": count_staff,
                "HealthcareService": lambda: self._peek("HealthcareService", {}),
                "Appointment": lambda: self._peek("Appointment", {"date": f"eq{self._today(places)}"}),
                "Patient": lambda: self._peek("Patient", {}),
            }
        )
        places.check_holds(self._organization_id)
        zone, warnings = places.guess_zone(self._organization_id)
        if self.config.time_zone:
            zone, warnings = self.config.time_zone, []
        for resource, sentence in _DONE_WITHOUT.items():
            if not allowed[resource]:
                warnings.append(f'{sentence}: tick "{auth.TICK_BOXES[resource]}".')
        return ConnectionCheck(
            practice_name=places.practice_name(self._organization_id),
            time_zone=zone,
            practice_fingerprint=places.fingerprint(),
            practice_marks=places.marks(),
            clock_skew_s=next((skew for skew in skews if skew is not None), None),
            practitioners=staff_count,
            organizations=places.clinics(),
            can_read={_PERMISSIONS[resource]: yes for resource, yes in allowed.items()},
            warnings=tuple(warnings),
        )

    def _try_each(self, reads: Mapping[str, Callable[[], None]]) -> dict[str, bool]:
        """Which resources the key may read. Raises where what is refused is needed, or everything is refused."""
        refused: dict[str, PMSError] = {}
        for resource, read in reads.items():
            try:
                read()
            except (ReconnectRequiredError, BadVendorDataError) as error:
                if error.code not in ("AUTH-SCOPE", "AUTH-EXPIRED", "PMS-REFUSED"):
                    raise
                refused[resource] = error
        if len(refused) == len(reads):
            raise next(iter(refused.values()))
        for needed in ("Appointment", "PractitionerRole"):
            if needed in refused:
                is_garbled = isinstance(refused[needed], BadVendorDataError)
                raise refused[needed] if is_garbled else auth.scope_error(needed)
        return {resource: resource not in refused for resource in reads}

    def _peek(self, resource: str, params: SearchParams) -> None:
        for _ in search(self.client, resource, {**params, "_count": 1}, peek=True):
            return

    def _today(self, places: Places) -> str:
        zone = self.config.time_zone or places.guess_zone(self._organization_id)[0] or "Australia/Sydney"
        return day_of(clock.now(), zone).isoformat()

    # Reference data

    def list_practitioners(self) -> list[Practitioner]:
        """Every member of staff with a role (at the connection's clinic), inactive ones too, read now."""
        return self._people_of(self._reference.read_staff())

    def _people_of(self, staff: Staff) -> list[Practitioner]:
        roles = [role for role in staff.roles.values() if self._is_ours(role.organization_id)]
        bookable = {role.practitioner_id for role in roles if role.active}
        found = {role.practitioner_id for role in roles if role.practitioner_id}
        people = [
            _shown(staff.practitioners[key], key in bookable) for key in found if key in staff.practitioners
        ]
        return sorted(people, key=lambda each: (each.name.casefold(), each.external_id))

    def list_appointment_types(self) -> list[AppointmentType]:
        """Every appointment type, archived ones too, read now; none where the key may not read them."""
        types = self._reference.try_types().values()
        return sorted(types, key=lambda each: (each.name.casefold(), each.external_id))

    def _is_ours(self, organization_id: str | None) -> bool:
        wanted = self._organization_id
        return wanted is None or not wanted.startswith(CLINIC_PREFIX) or organization_id == wanted

    # Appointments

    def list_appointments(self, window: SyncWindow, practitioner_ids: Sequence[str]) -> Iterator[Page]:
        """The day of the whole practice (or clinic), every status, one item per patient.

        Rows that start outside the window are left out. A patient the key may not see has no name.
        """
        yield from DayReader(self.client, self._reference, window, self._organization_id).pages()

    def get_appointment(self, external_id: str) -> list[UnifiedAppointment]:
        """One appointment, one item per patient. Raises NotFoundError when it is gone, BadVendorDataError when unreadable."""
        row = read_one(self.client, "Appointment", external_id)
        tables = self._tables_for(row)
        patients = PatientFinder(self.client).complete({}, patient_ids(row))
        parsed = parse_appointment(row, tables, patients)
        if isinstance(parsed, BadRecord):
            raise BadVendorDataError(pms=auth.LABEL, note=parsed.reason)
        return parsed

    def _tables_for(self, row: Mapping[str, Any]) -> Tables:
        tables = self._reference.tables()
        unknown = [key for key in role_ids(row) if key not in tables.roles]
        return Tables(self._reference.learn_roles(unknown), tables.types) if unknown else tables

    # Webhooks

    def check_webhook(self, headers: Mapping[str, str], body: bytes, secret: str) -> tuple[str, ...]:
        """Check the header typed into Halaxy's webhook form and return the event ids.

        Raises ReconnectRequiredError AUTH-REFUSED when the header does not match.
        """
        return webhook.check(headers, body, secret)


_DONE_WITHOUT = {
    "Patient": "This key may not read patients, so cards would have no names",
    "HealthcareService": "This key may not read appointment types, so telehealth cannot be told by them",
}
_PERMISSIONS = {
    "Organization": "organizations",
    "PractitionerRole": "practitioners",
    "HealthcareService": "appointment types",
    "Appointment": "appointments",
    "Patient": "patients",
}


def _shown(person: Practitioner, bookable: bool) -> Practitioner:
    return person if bookable else replace(person, shown_in_appointment_book=False)
