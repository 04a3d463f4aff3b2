"""Toybox: a key for a token, one list of visits for the whole clinic, guests beside it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from functools import partial
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
from pmsapp.adapters.client.messages import Refusal, Reply, path
from pmsapp.adapters.client.paging import PageLook, read_by_number, read_until_still
from pmsapp.adapters.client.tokens import Token
from pmsapp.adapters.parsing.text import clean_text, clean_token, names_missing
from pmsapp.domain.appointment import AppointmentType, BadRecord, Practitioner, UnifiedAppointment
from pmsapp.domain.errors import BadVendorDataError, NotFoundError, PMSError, ReconnectRequiredError
from pmsapp.domain.window import SyncWindow
from tests.vendors.toy.info import INFO, LABEL
from tests.vendors.toy.wire import parse_patients, parse_person, parse_style, parse_visit


class ToyboxAdapter(Adapter):
    """Reads one Toybox clinic."""

    info: ClassVar[AdapterInfo] = INFO

    @classmethod
    def mint_token(cls, config: AdapterConfig, client: HTTPClient) -> Token:
        """A token for the key."""
        data = client.post_json("session", {"key": config.credentials["toy_key"]}, kind="token").data
        text = clean_token(data.get("token")) if isinstance(data, dict) else None
        if text is None:
            raise BadVendorDataError(pms=LABEL, note="token: not the expected shape")
        return Token(text, clock.now() + timedelta(minutes=10))

    def check_connection(self) -> ConnectionCheck:
        """Read the clinic itself. Raises PRACTICE-UNKNOWN for a code nobody knows."""
        where = path("clinics", self.config.practice_id or "none")
        reply = self.client.get(where, kind="clinic", refine=_refine_clinic)
        if not isinstance(reply.data, dict):
            raise BadVendorDataError(pms=LABEL, note="clinic: not the expected shape")
        return ConnectionCheck(
            clean_text(reply.data.get("name")),
            clean_text(reply.data.get("zone")),
            self.config.practice_id,
            reply.clock_skew_s,
            len(self.list_practitioners()),
        )

    def list_practitioners(self) -> list[Practitioner]:
        """Everybody on the staff list."""
        found = [person for row in self._whole("staff") if (person := parse_person(row)) is not None]
        return sorted(found, key=lambda record: (record.name.casefold(), record.external_id))

    def list_appointment_types(self) -> list[AppointmentType]:
        """Every style of visit."""
        found = [kind for row in self._whole("styles") if (kind := parse_style(row)) is not None]
        return sorted(found, key=lambda record: (record.name.casefold(), record.external_id))

    def list_appointments(self, window: SyncWindow, practitioner_ids: Sequence[str]) -> Iterator[Page]:
        """The visits of the whole clinic."""
        styles = {style.external_id: style for style in self.list_appointment_types()}
        params = {"from": window.start_at.isoformat(), "to": window.end_at.isoformat()}
        seen: set[str] = set()
        for reply, is_last in self._pages("visits", params):
            patients = parse_patients(reply.data.get("people"))
            items: list[UnifiedAppointment] = []
            bad: list[BadRecord] = []
            for row in reply.data["items"]:
                parsed = parse_visit(row, patients, styles)
                if isinstance(parsed, BadRecord):
                    bad.append(parsed)
                elif parsed[0].external_id not in seen:
                    seen.add(parsed[0].external_id)
                    items += parsed
            nameless = any(item.patient and item.patient.name is None for item in items)
            yield Page(items, is_last, bad=bad, warnings=(names_missing(LABEL),) if nameless else ())

    def get_appointment(self, external_id: str) -> list[UnifiedAppointment]:
        """One visit."""
        try:
            where = path("visits", external_id)
        except ValueError:
            raise NotFoundError(pms=LABEL, note="visit: not an id") from None
        reply = self.client.get(where, kind="visit")
        data = reply.data if isinstance(reply.data, dict) else {}
        styles = {style.external_id: style for style in self.list_appointment_types()}
        parsed = parse_visit(data.get("visit"), parse_patients(data.get("people")), styles)
        if isinstance(parsed, BadRecord):
            raise BadVendorDataError(pms=LABEL, note=parsed.reason)
        return parsed

    def _whole(self, name: str) -> list[Any]:
        return [row for reply, _ in self._pages(name, {}) for row in reply.data["items"]]

    def _pages(self, name: str, params: dict[str, str]) -> Iterator[tuple[Reply, bool]]:
        def fetch(number: int) -> Reply:
            reply = self.client.get(name, {**params, "page": number}, kind=name)
            data = reply.data
            if not isinstance(data, dict) or not isinstance(data.get("items"), list):
                raise BadVendorDataError(pms=LABEL, note=f"{name}: not the expected shape")
            if not isinstance(data.get("more"), bool):
                raise BadVendorDataError(pms=LABEL, note=f"{name}: no end mark")
            return reply

        read = partial(read_by_number, fetch, lambda reply, _: not reply.data["more"], pms=LABEL)
        for reply, is_last, _ in read_until_still(read, _look, pms=LABEL):
            yield reply, is_last


def _look(reply: Reply) -> PageLook:
    rows = [row for row in reply.data["items"] if isinstance(row, dict)]
    return PageLook(frozenset(str(row.get("id")) for row in rows), len(rows), None)


def _refine_clinic(refusal: Refusal) -> PMSError | None:
    if refusal.status == 404:
        return ReconnectRequiredError("PRACTICE-UNKNOWN", pms=LABEL, note="HTTP 404")
    return None
