"""Searching Halaxy: bundles read to their end, whichever paging links they carry.

`next` is followed where there is one; else pages are counted up to `last`; where there is neither, the next page
is asked for as long as pages come back full. A link to another host is refused before the token could leak.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any
from urllib.parse import parse_qs, urlsplit

from pmsapp.adapters.client import strict_json
from pmsapp.adapters.client.http import HTTPClient
from pmsapp.adapters.client.messages import Reply, path
from pmsapp.adapters.client.paging import MAX_PAGES, PageGuard, PageLook, read_until_still
from pmsapp.adapters.halaxy.auth import FHIR_JSON, LABEL, is_expired, raise_for_outcome, refine
from pmsapp.adapters.halaxy.fhir import entries, id_of, is_unreadable_match, link
from pmsapp.domain.errors import BadVendorDataError, NotFoundError

COUNT = 100
SearchParams = Mapping[str, str | int | Sequence[str | int] | None]


@dataclass(frozen=True, slots=True)
class Found:
    """One page of a search. `is_last` only where Halaxy's own end mark was seen and the pages agree.

    `is_again`: the list shifted, so it is read once more.
    """

    bundle: Mapping[str, Any]
    is_last: bool
    clock_skew_s: float | None
    is_again: bool = False


def read_one(client: HTTPClient, resource: str, external_id: str) -> dict[str, Any]:
    """One resource by id. Raises NotFoundError when it is gone or hidden from the key."""
    try:
        where = path(resource, external_id)
    except ValueError:
        raise NotFoundError(pms=LABEL, note=f"{resource.lower()}: not an id") from None
    reply = client.get(
        where,
        kind=resource.lower(),
        headers=FHIR_JSON,
        refine=refine(resource, by_id=True),
        is_expired=is_expired,
    )
    raise_for_outcome(reply.data, resource)
    if not isinstance(reply.data, dict) or reply.data.get("resourceType") != resource:
        raise _garbled(resource)
    return reply.data


def search(client: HTTPClient, resource: str, params: SearchParams, *, peek: bool = False) -> Iterator[Found]:
    """Read a search page by page. `peek` reads the first page only (and says it is the last).

    Raises BadVendorDataError READ-SHIFTED when the pages do not agree although the search was made twice.
    """
    if peek:
        yield from (found for found, _ in _read(client, resource, params, peek=True))
        return
    read = partial(_read, client, resource, params)
    for found, is_last, is_again in read_until_still(read, partial(_look, resource), pms=LABEL):
        yield replace(found, is_last=is_last, is_again=is_again)


def _look(resource: str, found: Found) -> PageLook:
    """`total` counts what matches, readable or not, but not what was included. One of 0 beside matches says nothing."""
    listed = entries(found.bundle)
    matches = [entry for entry in listed if _is_match(entry, resource)]
    rows = len(matches) + sum(1 for entry in listed if is_unreadable_match(entry))
    total = found.bundle.get("total")
    counts = isinstance(total, int) and not isinstance(total, bool) and (total > 0 or not matches)
    ids = (id_of(entry["resource"]) for entry in matches)
    return PageLook(frozenset(key for key in ids if key is not None), rows, total if counts else None)


def _read(
    client: HTTPClient, resource: str, params: SearchParams, *, peek: bool = False
) -> Iterator[tuple[Found, bool]]:
    """One reading, and which page bears the end mark."""
    guard = PageGuard(LABEL, MAX_PAGES)
    asked = {"_count": COUNT, **params}
    where, number, seen = resource, 1, 0
    sent: SearchParams | None = asked
    while True:
        reply = client.get(
            where,
            sent,
            kind=resource.lower(),
            headers=FHIR_JSON,
            refine=refine(resource),
            is_expired=is_expired,
        )
        bundle = _bundle(reply, resource)
        guard.saw_page(_digest(bundle))
        matches = sum(1 for entry in entries(bundle) if _is_match(entry, resource))
        seen += matches
        if not seen and not peek and _promised(bundle) > 0:
            raise _garbled(resource)  # it counts rows and shows none
        step = None if peek else _next_step(bundle, number, matches, seen)
        yield Found(bundle, step is None, reply.clock_skew_s), step is None
        if step is None:
            return
        number += 1
        if isinstance(step, str):
            where, sent = step, None
        else:
            where, sent = resource, {**asked, "page": step}
        guard.going_to(step)


def _next_step(bundle: Mapping[str, Any], number: int, matches: int, seen: int) -> str | int | None:
    """Where the next page is: an address, a page number, or None at the end."""
    more_promised = _promised(bundle) > seen
    following = link(bundle, "next")
    if following is not None:
        return following if matches or more_promised else None
    if not matches:
        return None
    last = _page_of(link(bundle, "last"))
    if last is not None:
        return number + 1 if number < last else None
    return number + 1 if matches >= COUNT or more_promised else None


def _promised(bundle: Mapping[str, Any]) -> int:
    """How many rows the search has by its own count; 0 when it does not say."""
    total = bundle.get("total")
    return total if isinstance(total, int) and not isinstance(total, bool) else 0


def _page_of(url: str | None) -> int | None:
    if url is None:
        return None
    try:
        text = parse_qs(urlsplit(url).query).get("page", [""])[0]
    except ValueError:
        return None
    return int(text) if text.isdecimal() and len(text) <= 9 else None


def _is_match(entry: Mapping[str, Any], resource: str) -> bool:
    found = entry.get("resource")
    return isinstance(found, dict) and found.get("resourceType") == resource


def _bundle(reply: Reply, resource: str) -> dict[str, Any]:
    raise_for_outcome(reply.data, resource)
    if not isinstance(reply.data, dict) or reply.data.get("resourceType") != "Bundle":
        raise _garbled(resource)
    if not isinstance(reply.data.get("entry", []), list):
        raise _garbled(resource)
    return reply.data


def _garbled(resource: str) -> BadVendorDataError:
    return BadVendorDataError(pms=LABEL, note=f"{resource.lower()}: not the expected shape")


def _digest(bundle: Mapping[str, Any]) -> str:
    """Of the entries alone: a bundle's own id and time differ on every call."""
    return strict_json.digest_of(bundle.get("entry"))
