"""Gentu behind the one interface. Facts and their sources are in NOTES.md."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta

from pmsapp.adapters.base import (
    Adapter,
    AdapterConfig,
    ConnectionCheck,
    Page,
    Pairing,
)
from pmsapp.adapters.client.http import HTTPClient
from pmsapp.adapters.client.tokens import Token
from pmsapp.adapters.gentu import auth, wire
from pmsapp.adapters.gentu.appointments import SINGLE_READ_FAULTS, AppointmentReader
from pmsapp.adapters.gentu.info import INFO
from pmsapp.adapters.gentu.pairing import consume_code
from pmsapp.adapters.gentu.practice import Practice
from pmsapp.domain.appointment import AppointmentType, Practitioner, UnifiedAppointment
from pmsapp.domain.errors import BadVendorDataError, PMSError, ReconnectRequiredError
from pmsapp.domain.window import SyncWindow

DURATIONS_LAST = timedelta(hours=3)


class GentuAdapter(Adapter):
    """Reads one practice (Gentu: tenant) paired with our app."""

    info = INFO

    def __init__(self, config: AdapterConfig, client: HTTPClient) -> None:
        super().__init__(config, client)
        self._practice = Practice(client, config.tenant_id)
        self._durations_failed = False
        self._reader = AppointmentReader(self._practice, self._type_duration_min)

    @classmethod
    def mint_token(cls, config: AdapterConfig, client: HTTPClient) -> Token:
        """Fetch a token for the app; it serves every practice paired with it."""
        return auth.mint_token(config, client)

    def check_connection(self) -> ConnectionCheck:
        """Ask for the practice itself, its access mark and its practitioners.

        Raises NOT-PAIRED when no practice is set, after proving the credentials; ACCESS-WITHDRAWN when the practice
        has switched us off; PRACTICE-UNKNOWN; AUTH-WRONG-PRACTICE when another practice answers.
        """
        if not self.config.tenant_id:
            self._practice.fetch_access()
            raise ReconnectRequiredError("NOT-PAIRED", pms=self.info.label)
        reply = self._practice.get(kind="practice")
        tenant = wire.parse_tenant(reply.data)
        if tenant.external_id is None:
            raise BadVendorDataError(pms=self.info.label, note="practice: the answer names no practice")
        if tenant.external_id != self.config.tenant_id:
            raise ReconnectRequiredError("AUTH-WRONG-PRACTICE", pms=self.info.label)
        if self._practice.fetch_access().get(tenant.external_id) is False:
            raise ReconnectRequiredError("ACCESS-WITHDRAWN", pms=self.info.label)
        warnings = ["Gentu names a time zone that is not known here."] if tenant.zone_was_odd else []
        return ConnectionCheck(
            practice_name=tenant.name,
            time_zone=tenant.time_zone,
            practice_fingerprint=tenant.external_id,
            clock_skew_s=reply.clock_skew_s,
            practitioners=len(self.list_practitioners()),
            can_read={"practice": True, "practitioners": True},
            warnings=tuple(warnings),
        )

    def list_practitioners(self) -> list[Practitioner]:
        """Everybody Gentu lists as a practitioner, with its own marks for active and shown in the book."""
        records = self._practice.fetch_list("practitioners", kind="practitioners")
        found = self._practice.parse_each(records, wire.parse_practitioner, "practitioners")
        unique = {practitioner.external_id: practitioner for practitioner in found}
        return sorted(unique.values(), key=lambda item: (item.name.casefold(), item.external_id))

    def list_appointment_types(self) -> list[AppointmentType]:
        """Every type Gentu lists; it does not list archived ones."""
        records = self._practice.fetch_list("appointment-types", kind="appointment types")
        found = self._practice.parse_each(records, wire.parse_type, "appointment types")
        unique = {kind.external_id: kind for kind in found}
        self.reference_cache.set(
            "durations", {kind.external_id: kind.default_duration_min for kind in unique.values()}
        )
        return sorted(unique.values(), key=lambda item: (item.name.casefold(), item.external_id))

    def list_appointments(self, window: SyncWindow, practitioner_ids: Sequence[str]) -> Iterator[Page]:
        """Read each practitioner's day to Gentu's own end mark, with the patients that come along."""
        for practitioner_id in practitioner_ids:
            known = self.known_pages(window, practitioner_id)
            yield from self._reader.read_day(window, practitioner_id, known)

    def get_appointment(self, external_id: str) -> list[UnifiedAppointment]:
        """One appointment by id. NotFoundError only while the practice still lets us read."""
        return self._reader.read_one(external_id)

    def pair(self, code: str) -> Pairing:
        """Consume a pairing code, exactly once. Raises PAIR-UNKNOWN, PAIR-USED, PAIR-BLOCKED or PAIR-UNSURE."""
        return consume_code(self.config, self.client, code)

    def _type_duration_min(self, type_id: str) -> int | None:
        """A type's usual length, from the list of types: read only when a row needs it, and then good for hours.

        A list that cannot be read leaves lengths unknown, for this adapter; it does not cost the appointments.
        """
        known = self.reference_cache.get("durations", DURATIONS_LAST)
        if known is None and not self._durations_failed:
            try:
                self.list_appointment_types()
            except PMSError as exc:
                if exc.code not in SINGLE_READ_FAULTS:
                    raise
                self._durations_failed = True
            known = self.reference_cache.get("durations", DURATIONS_LAST)
        minutes: int | None = (known or {}).get(type_id)
        return minutes
