"""What the servers and the control page share: the clinics, the fault dial, the request log, and the request at hand."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Protocol

from flask import g, has_request_context

from pmsapp.sandbox.clinic.clinic import Clinic
from pmsapp.sandbox.clinic.model import Appointment, Vendor
from pmsapp.sandbox.core.faults import Fault, FaultDial, Scope
from pmsapp.sandbox.core.traffic import RequestLog


@dataclass(frozen=True, slots=True)
class About:
    """Whom a request is about, by the vendor's ids; None = it does not say. Pages count from 1."""

    practitioner_id: str | None = None
    patient_id: str | None = None
    page: int | None = None


@dataclass(frozen=True, slots=True)
class Credential:
    """One thing to type into the connection form, shown on the control page."""

    name: str
    value: str
    note: str = ""


class Server(Protocol):
    """What the hub and its pages ask of a vendor's server; `core.vendor.VendorServer` is the one that does it."""

    label: ClassVar[str]
    prefix: ClassVar[str]

    def reset(self) -> None: ...

    def credentials(self, base_url: str) -> list[Credential]: ...

    def command(self, name: str, details: Mapping[str, object]) -> dict[str, Any]: ...


@dataclass(frozen=True, slots=True)
class PageFaults:
    """How paging misbehaves for the request at hand."""

    repeat: bool = False
    endless: bool = False
    short: bool = False
    drift: int = 0


class Sandbox:
    """One running sandbox. The first clinic is the one in front; the others are further practices of a vendor."""

    def __init__(self, clinics: Sequence[Clinic], paired: bool = False) -> None:
        self.clinics = list(clinics)
        # Whether the front clinic counts as connected already where a vendor needs pairing.
        self.paired = paired
        self.faults = FaultDial()
        self.requests = RequestLog()
        self.servers: dict[str, Server] = {}

    @property
    def clinic(self) -> Clinic:
        """The clinic in front."""
        return self.clinics[0]

    @property
    def now(self) -> Callable[[], datetime]:
        """The sandbox's clock."""
        return self.clinic.now

    def reset(self) -> None:
        """As just started: no changes, no faults, no tokens, no pairings, an empty log."""
        for clinic in self.clinics:
            clinic.reset()
        self.faults.clear()
        for server in self.servers.values():
            server.reset()
        self.requests.clear()

    # -- the request at hand ----------------------------------------------------------------------------------------

    def scope_of(self, vendor: Vendor, endpoint: str, about: About, *, authorized: bool) -> Scope:
        """The request's scope, with the clinic's keys beside the vendor's ids."""
        return Scope(
            vendor,
            endpoint,
            self.names(vendor, "practitioner", about.practitioner_id),
            self.names(vendor, "patient", about.patient_id),
            about.page,
            has_token=authorized and endpoint != "token",
        )

    def names(self, vendor: Vendor, kind: str, external_id: str | None) -> frozenset[str]:
        """A vendor's id and the clinic's key behind it."""
        if not external_id:
            return frozenset()
        keys = (clinic.find(vendor, kind, external_id) for clinic in self.clinics)
        return frozenset([external_id, *(key for key in keys if key)])

    def met(self) -> list[Fault]:
        """The faults the current request met."""
        return list(g.get("sandbox_faults", ())) if has_request_context() else []

    def fault(self, name: str) -> Fault | None:
        """The fault of that name the current request met, or None."""
        return next((fault for fault in self.met() if fault.name == name), None)

    def page_faults(self) -> PageFaults:
        """How paging misbehaves for the current request."""
        drift = self.fault("drifting_pages")
        return PageFaults(
            repeat=self.fault("repeated_cursor") is not None,
            endless=self.fault("endless_next") is not None,
            short=self.fault("short_pages") is not None,
            drift=int(drift.number("by")) if drift else 0,
        )

    def kept(self, vendor: Vendor, clinic: Clinic, rows: list[Appointment]) -> list[Appointment]:
        """The rows that are left once the faults that empty a day have been heeded."""
        for fault in self.met():
            if fault.name == "empty_day":
                rows = [row for row in rows if not _hides(fault, vendor, clinic, row)]
        return rows


def _hides(fault: Fault, vendor: Vendor, clinic: Clinic, row: Appointment) -> bool:
    if fault.practitioner is None:
        return True
    key = row.practitioner_key
    return key is not None and fault.practitioner in (key, clinic.id_of(vendor, "practitioner", key))
