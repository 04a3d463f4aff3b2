"""The calls to MediRecords: lists read to their end, the practice, one patient, the interval table.

The page object is MediRecords' own: rows under `data`, the index under `page`, counted from 0. The size is always
asked for, because the default of 20 would hide rows from a reader that trusts it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from pmsapp.adapters.client import strict_json
from pmsapp.adapters.client.http import HTTPClient
from pmsapp.adapters.client.messages import Reply, path
from pmsapp.adapters.client.paging import MAX_PAGES, PageLook, read_by_number, read_until_still
from pmsapp.adapters.medirecords.auth import LABEL, refine_list, refine_practice, refine_record
from pmsapp.adapters.medirecords.durations import parse_interval_table
from pmsapp.adapters.parsing.text import clean_id
from pmsapp.domain.errors import BadVendorDataError, NotFoundError, PMSError

PAGE_SIZE = 100
# Both spellings of the endpoint are in use in published clients.
INTERVAL_PATHS = (
    path("code-system", "appointment-interval-code"),
    path("code-system", "appointment-Interval-Code"),
)
# A patient or a table that cannot be read is done without; these say that nothing else could be read either.
_GENERAL_STATUSES = frozenset({401, 408, 429, 502, 503, 504})


@dataclass(frozen=True, slots=True)
class Rows:
    """One page of a list. `is_last` only where the vendor's own end mark was seen and the pages agree.

    `is_again`: the list shifted, so it is read once more.
    """

    rows: list[Any]
    is_last: bool
    reply: Reply
    is_again: bool = False


class Calls:
    """What can be asked of one practice. Raises only errors of `pmsapp.domain.errors`."""

    def __init__(self, client: HTTPClient, practice_id: Callable[[], str]) -> None:
        self._client = client
        self._practice_id = practice_id

    def fetch_practice(self) -> Reply:
        """The practice object. Raises PRACTICE-UNKNOWN when the id is not this token's."""
        reply = self._client.get(
            path("practices", self._practice_id()), kind="practice", refine=refine_practice
        )
        if not isinstance(reply.data, dict):
            raise garbled("practice")
        return reply

    def read(self, name: str, params: Mapping[str, str | int] | None = None) -> Iterator[Rows]:
        """A list below the practice ("providers"), page by page to its end."""
        where, kind = path("practices", self._practice_id(), name), name.replace("-", " ")

        def fetch(number: int) -> Reply:
            asked = {**(params or {}), "page": number, "size": PAGE_SIZE}
            reply = self._client.get(where, asked, kind=kind, refine=refine_list)
            rows = _rows_of(reply, kind)
            # The page's own number stands in the body: only the rows tell that a page came twice.
            return replace(reply, digest=strict_json.digest_of(rows)) if rows else reply

        read = partial(read_by_number, fetch, _is_last, pms=LABEL, max_pages=MAX_PAGES)
        for reply, is_last, is_again in read_until_still(read, _look, pms=LABEL):
            yield Rows(_rows_of(reply, kind), is_last, reply, is_again)

    def peek(self, name: str, params: Mapping[str, str | int] | None = None) -> None:
        """Ask a list for one row, to learn whether it may be read."""
        where, kind = path("practices", self._practice_id(), name), name.replace("-", " ")
        asked = {**(params or {}), "page": 0, "size": 1}
        _rows_of(self._client.get(where, asked, kind=kind, refine=refine_list), kind)

    def fetch_appointment(self, external_id: str) -> dict[str, Any]:
        """One appointment. Raises NotFoundError when it is gone."""
        where = _record_path("appointment", "practices", self._practice_id(), "appointments", external_id)
        return _record(self._client.get(where, kind="appointment", refine=refine_record), "appointment")

    def fetch_patient(self, external_id: str) -> dict[str, Any]:
        """One patient. Raises NotFoundError when this one record cannot be read, whatever the reason."""
        where = _record_path("patient", "patients", external_id)
        return _record(self._client.get(where, kind="patient", refine=_refine_spare), "patient")

    def fetch_intervals_min(self) -> dict[int, int]:
        """Minutes by interval code from the vendor's table; empty when neither spelling of it answers."""
        for where in INTERVAL_PATHS:
            try:
                reply = self._client.get(where, kind="interval codes", refine=_refine_spare)
            except (NotFoundError, BadVendorDataError):
                continue
            table = parse_interval_table(reply.data)
            if table:
                return table
        return {}


def garbled(kind: str) -> BadVendorDataError:
    """The answer is JSON, but not of the shape MediRecords has."""
    return BadVendorDataError(pms=LABEL, note=f"{kind}: not the expected shape")


def _record_path(kind: str, *segments: str) -> str:
    """The path of one record; an id that cannot stand in an address cannot be theirs."""
    try:
        return path(*segments)
    except ValueError:
        raise NotFoundError(pms=LABEL, note=f"{kind}: not an id") from None


def _record(reply: Reply, kind: str) -> dict[str, Any]:
    if not isinstance(reply.data, dict):
        raise garbled(kind)
    return reply.data


def _rows_of(reply: Reply, kind: str) -> list[Any]:
    rows = reply.data.get("data") if isinstance(reply.data, dict) else None
    if not isinstance(rows, list):
        raise garbled(kind)
    return rows


def _look(reply: Reply) -> PageLook:
    """`totalElements` is MediRecords' count; one of 0 beside rows says nothing."""
    rows = reply.data["data"]
    total = reply.data.get("totalElements")
    counts = isinstance(total, int) and not isinstance(total, bool) and (total > 0 or not rows)
    ids = (clean_id(row.get("id")) for row in rows if isinstance(row, dict))
    return PageLook(frozenset(key for key in ids if key is not None), len(rows), total if counts else None)


def _is_last(reply: Reply, number: int) -> bool:
    """The end mark: `last`, an empty page, or the count of pages reached (a count of 0 beside rows says nothing)."""
    page = reply.data
    if page.get("last") is True or not page["data"]:
        return True
    total = page.get("totalPages")
    return isinstance(total, int) and not isinstance(total, bool) and 0 < total <= number + 1


def _refine_spare(refusal: Any) -> PMSError | None:
    """For what a sweep can do without: one closed, missing or broken record is simply not there."""
    if refusal.status == 401:
        return refine_list(refusal)
    if refusal.status in _GENERAL_STATUSES:
        return None
    return NotFoundError(pms=LABEL, note=f"{refusal.kind}: HTTP {refusal.status}")
