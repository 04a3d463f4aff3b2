"""Calls about one practice (Gentu: tenant), and what a refusal of such a call means."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import structlog

from pmsapp import clock
from pmsapp.adapters.client.http import HTTPClient
from pmsapp.adapters.client.messages import Params, Refusal, Reply, path
from pmsapp.adapters.gentu import wire
from pmsapp.adapters.gentu.auth import app_not_enabled
from pmsapp.domain.errors import (
    BadVendorDataError,
    NotFoundError,
    PMSError,
    ReconnectRequiredError,
)

log = structlog.get_logger(__name__)

T = TypeVar("T")

# How long a look at the list of practices is believed, so that many look-ups cost one.
ACCESS_GOOD_FOR_S = 60.0


class Practice:
    """One tenant's part of the API. `tenant_id` None: not paired yet."""

    def __init__(self, client: HTTPClient, tenant_id: str | None) -> None:
        self._client = client
        self._tenant_id = tenant_id
        self._open_until_s = 0.0

    @property
    def label(self) -> str:
        """The vendor's name in error texts."""
        return self._client.label

    @property
    def tenant_id(self) -> str:
        """The practice's id. Raises ReconnectRequiredError NOT-PAIRED when there is none."""
        if not self._tenant_id:
            raise ReconnectRequiredError("NOT-PAIRED", pms=self.label)
        return self._tenant_id

    def get(self, *segments: str, kind: str, params: Params | None = None) -> Reply:
        """GET a path below the practice. A 403 or 404 is checked against the list of practices first.

        Raises ACCESS-WITHDRAWN, or PRACTICE-UNKNOWN when the practice's own id is refused as nonsense.
        """
        refine = self._refine if segments else self._refine_practice
        try:
            return self._client.get(self._where(*segments), params, kind=kind, refine=refine)
        except (NotFoundError, ReconnectRequiredError) as exc:
            if exc.code not in ("RECORD-GONE", "AUTH-SCOPE"):
                raise
            self._check_access()
            raise

    def get_list(self, *segments: str, kind: str, params: Params | None = None) -> Reply:
        """GET a list: it is no record that could be gone, so a 404 while the practice lets us in is a refusal.

        Raises as `get` does, BadVendorDataError PMS-REFUSED in the place of NotFoundError.
        """
        try:
            return self.get(*segments, kind=kind, params=params)
        except NotFoundError as exc:
            raise BadVendorDataError("PMS-REFUSED", pms=self.label, note=f"{kind}: HTTP 404") from exc

    def fetch_list(self, *segments: str, kind: str) -> list[Any]:
        """GET one of the bare arrays. Raises BadVendorDataError when it is none."""
        data = self.get_list(*segments, kind=kind).data
        if not isinstance(data, list):
            raise BadVendorDataError(pms=self.label, note=f"{kind}: not a list")
        return data

    def fetch_access(self) -> dict[str, bool]:
        """Every practice paired with the app: id -> whether it still allows access."""
        return fetch_access(self._client)

    def parse_each(self, records: list[Any], parse: Callable[[Any], T], kind: str) -> list[T]:
        """Parse every record of a list that has no place for broken ones: those are left out, and the log says so."""
        found: list[T] = []
        for record in records:
            try:
                found.append(parse(record))
            except wire.BrokenRecordError as exc:
                log.warning("record_left_out", vendor=self.label, kind=kind, reason=exc.reason)
        return found

    def _where(self, *segments: str) -> str:
        try:
            return path("tenants", self.tenant_id, *segments)
        except ValueError:
            raise NotFoundError(pms=self.label, note="that id cannot be one of theirs") from None

    def _refine_practice(self, refusal: Refusal) -> PMSError | None:
        if refusal.status in (400, 422):
            return ReconnectRequiredError("PRACTICE-UNKNOWN", pms=self.label)
        return self._refine(refusal)

    def _refine(self, refusal: Refusal) -> PMSError | None:
        return app_not_enabled(refusal, self.label)

    def _check_access(self) -> None:
        """Raise ACCESS-WITHDRAWN when that is why a call was refused; return while the practice lets us in.

        A practice's id comes from pairing alone, so one that is no longer listed has withdrawn too.
        """
        if clock.monotonic_s() < self._open_until_s:
            return
        if not self.fetch_access().get(self.tenant_id, False):
            raise ReconnectRequiredError("ACCESS-WITHDRAWN", pms=self.label)
        self._open_until_s = clock.monotonic_s() + ACCESS_GOOD_FOR_S


def fetch_access(client: HTTPClient) -> dict[str, bool]:
    """GET /tenants: every practice paired with the app, id -> whether it still allows access."""
    reply = client.get(
        "tenants", kind="practices", refine=lambda refusal: app_not_enabled(refusal, client.label)
    )
    try:
        return wire.parse_tenant_access(reply.data)
    except wire.BrokenRecordError as exc:
        raise BadVendorDataError(pms=client.label, note=exc.reason) from None
