"""What a vendor's server is made of, and how one plugs in.

A vendor is one module (or package) in this folder with a class `SERVER` that derives from `VendorServer`, and one line in
`model.VENDORS`. It brings:

- `slug`, `label`, `prefix` (where it is mounted, "/gentu/v1");
- `endpoints`: the name of each view function -> its kind (token, pairing, tenant, practitioners, types, appointments,
  appointment, patient, other), which is how the fault dial aims. A view that is not in it counts as "other";
- `blueprint()`: a Flask blueprint *named like the slug*, without url_prefix, whose views read `self.sandbox.clinic`;
- `refuse(status, endpoint, options)`: the vendor's own error body for a status, also used by its views;
- `scope()`: whom the current request is about, so that a fault can hit one practitioner, patient or page;
- `records(payload)`, `owners(record)`, `break_record(name, record, options)`: where the appointments sit in a JSON answer
  and how to spoil one.

For that it gets every generic fault for nothing: they act around the views. Two more calls let a view take part:

- `self.sandbox.fault("tenant_disabled")`: the fault of that name this request met, or None (each request meets a switch
  once). Views that check tokens ask for expire_token and revoke_token; views about a practice for tenant_disabled and
  tenant_withdrawn;
- `self.sandbox.page_faults()` and `self.sandbox.kept(vendor, rows)`: what to do to paging, and the rows that are left
  when a fault empties the day.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

from flask import Blueprint, Response

from pmsapp.sandbox.clinic.model import SandboxError, Vendor
from pmsapp.sandbox.core.hub import About, Credential, Sandbox

Json = dict[str, Any]


def json_response(payload: Any, status: int = 200, mimetype: str = "application/json") -> Response:
    """An answer in JSON, its keys in the order given, its text as it is."""
    body = json.dumps(payload, ensure_ascii=False, separators=(",", ":"))
    return Response(body, status, mimetype=mimetype)


class VendorServer(ABC):
    """One vendor's server in front of the clinic."""

    slug: ClassVar[Vendor]
    label: ClassVar[str]
    prefix: ClassVar[str]
    endpoints: ClassVar[Mapping[str, str]]

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox

    @abstractmethod
    def blueprint(self) -> Blueprint:
        """The vendor's calls, as a blueprint named like the slug."""

    @abstractmethod
    def refuse(self, status: int, endpoint: str, options: Mapping[str, object]) -> Response:
        """The answer this vendor gives with an error status. `options` are the fault's (permission, ...)."""

    @abstractmethod
    def credentials(self, base_url: str) -> list[Credential]:
        """What to type into the connection form; `base_url` is this vendor's base on this server."""

    def command(self, name: str, details: Mapping[str, object]) -> Json:
        """Something of this vendor's own that staff do in its PMS, by name; POST /_sandbox/vendors/<slug>/<name>."""
        raise SandboxError(f"{self.label} has no such command.")

    def scope(self) -> About:
        """Whom the current Flask request is about."""
        return About()

    def records(self, payload: Any) -> list[Json]:
        """The appointments in an answer, as the very objects inside `payload`."""
        return []

    def owners(self, record: Json) -> tuple[frozenset[str], frozenset[str]]:
        """The practitioner ids and the patient ids an appointment names."""
        return frozenset(), frozenset()

    def break_record(self, name: str, record: Json, options: Mapping[str, object]) -> None:
        """Spoil one appointment in place, as the record-level fault `name` says."""
        return

    def spoil(self, name: str, payload: Any, options: Mapping[str, object]) -> None:
        """Spoil the rest of an answer (side-loaded patients and the like) for a record-level fault."""
        return

    def reset(self) -> None:
        """Forget what was issued since the start: tokens, pairings."""
        return
