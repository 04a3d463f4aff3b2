"""How Halaxy's searches read their parameters and cut their answers into bundles."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import TypeVar
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from werkzeug.datastructures import MultiDict

from pmsapp.sandbox.core.hub import PageFaults
from pmsapp.sandbox.core.vendor import Json

DEFAULT_COUNT, MOST_COUNT = 30, 100
# A search without an end, or a beginning, looks this far around today.
AHEAD, BACK = timedelta(days=60), timedelta(days=30)

_DATE = re.compile(r"(eq|ne|gt|lt|ge|le)?(\d{4}-\d{2}-\d{2})(T.+)?", re.ASCII)
_Row = TypeVar("_Row")


class BadParameterError(ValueError):
    """A parameter whose value Halaxy would refuse with 422."""


@dataclass(frozen=True, slots=True)
class Span:
    """One `date` parameter: a prefix and the instants it is about, `first` inclusive, `after` exclusive."""

    prefix: str
    first: datetime
    after: datetime

    def allows(self, at: datetime) -> bool:
        """Whether an appointment that starts at `at` passes."""
        match self.prefix:
            case "ge":
                return at >= self.first
            case "gt":
                return at >= self.after
            case "le":
                return at < self.after
            case "lt":
                return at < self.first
            case "ne":
                return not self.first <= at < self.after
        return self.first <= at < self.after


@dataclass(frozen=True, slots=True)
class Spans:
    """All `date` parameters of a search; every one has to allow a row."""

    spans: tuple[Span, ...] = ()

    def allows(self, at: datetime) -> bool:
        """Whether every span allows the instant."""
        return all(span.allows(at) for span in self.spans)

    def range(self, now: datetime) -> tuple[datetime, datetime]:
        """The instants between which rows can be, as far as the book is looked at."""
        low = [span.first for span in self.spans if span.prefix in ("eq", "ge", "gt", "")]
        high = [span.after for span in self.spans if span.prefix in ("eq", "le", "lt", "")]
        first = max(low) if low else min([now - BACK, *high])
        last = min(high) if high else max([now + AHEAD, *low])
        return first, last


def read_dates(values: Sequence[str], zone: ZoneInfo) -> Spans:
    """The `date` parameters; a bare date is a day in `zone`. Raises BadParameterError."""
    return Spans(tuple(_span(value, zone) for value in values))


def _span(value: str, zone: ZoneInfo) -> Span:
    match = _DATE.fullmatch(value)
    if match is None:
        raise BadParameterError("date")
    prefix, day, clock = match[1] or "eq", match[2], match[3]
    try:
        if clock is None:
            on = date.fromisoformat(day)
            start = datetime(on.year, on.month, on.day, tzinfo=zone)
            return Span(prefix, start.astimezone(UTC), _next_day(start).astimezone(UTC))
        at = datetime.fromisoformat(day + clock)
    except ValueError as error:
        raise BadParameterError("date") from error
    if at.tzinfo is None:
        raise BadParameterError("date")
    return Span(prefix, at.astimezone(UTC), at.astimezone(UTC) + timedelta(seconds=1))


def _next_day(start: datetime) -> datetime:
    return datetime.combine(start.date() + timedelta(days=1), start.time(), tzinfo=start.tzinfo)


def read_ids(text: str | None) -> frozenset[str] | None:
    """A comma list of ids, None when the parameter is not there."""
    return frozenset(part.strip() for part in text.split(",")) if text is not None else None


def tail(text: str) -> str:
    """The id of a reference in any spelling."""
    return text.rstrip("/").rpartition("/")[2]


def number(text: str | None, otherwise: int) -> int:
    """A whole number, or `otherwise`. Raises BadParameterError for text that is none."""
    if not text:
        return otherwise
    if not text.isdecimal() or len(text) > 6:
        raise BadParameterError("number")
    return int(text)


@dataclass(frozen=True, slots=True)
class Paging:
    """How a bundle is cut and linked. `links`: both, next, last or none."""

    count: int
    page: int
    faults: PageFaults = field(default_factory=PageFaults)
    links: str = "both"
    with_total: bool = True
    foreign: str | None = None


def read_paging(args: MultiDict[str, str]) -> tuple[int, int]:
    """(rows on a page, page number from 1): 30 unless asked, never more than 100."""
    count = min(max(number(args.get("_count"), DEFAULT_COUNT), 1), MOST_COUNT)
    return count, max(number(args.get("page"), 1), 1)


def make_bundle(
    address: str,
    args: MultiDict[str, str],
    rows: Sequence[_Row],
    paging: Paging,
    draw: Callable[[_Row], tuple[Json, list[Json]]],
    now: datetime,
) -> Json:
    """A searchset. `draw` gives a row's resource and what comes along with it."""
    count = max(paging.count // 2, 1) if paging.faults.short else paging.count
    # Rows that drift between pages repeat or drop one at each border.
    step = max(count + paging.faults.drift, 1)
    pages = 1 + max(-(-(len(rows) - count) // step), 0)
    shown = paging.page
    if paging.faults.repeat and shown > 1:
        shown -= 1
    if paging.faults.endless:
        shown, pages = min(shown, pages), 1_000_000
    pages += bool(paging.faults.repeat)
    cut = rows[(shown - 1) * step : (shown - 1) * step + count]
    bundle: Json = {
        "resourceType": "Bundle",
        "id": str(uuid.uuid4()),
        "type": "searchset",
        "timestamp": now.isoformat(timespec="seconds"),
        "link": _links(address, args, paging, pages),
        "meta": {"lastUpdated": now.isoformat(timespec="seconds")},
    }
    if paging.with_total:
        bundle["total"] = len(rows)
    entries = _entries(address, cut, draw)
    return bundle | ({"entry": entries} if entries else {})


def _entries(
    address: str, cut: Sequence[_Row], draw: Callable[[_Row], tuple[Json, list[Json]]]
) -> list[Json]:
    base = address.rpartition("/")[0]
    matches, included = [], {}
    for row in cut:
        resource, along = draw(row)
        matches.append(_entry(base, resource, "match"))
        for other in along:
            included[other["resourceType"], other["id"]] = _entry(base, other, "include")
    return matches + list(included.values())


def _entry(base: str, resource: Json, mode: str) -> Json:
    full = f"{base}/{resource['resourceType']}/{resource['id']}"
    return {"fullUrl": full, "resource": resource, "search": {"mode": mode}}


def _links(address: str, args: MultiDict[str, str], paging: Paging, pages: int) -> list[Json]:
    def at(page: int) -> str:
        pairs = [(name, value) for name, value in args.items(multi=True) if name != "page"]
        return f"{address}?{urlencode([*pairs, ('page', str(page))])}"

    links = [{"relation": "self", "url": at(paging.page)}]
    if paging.page < pages and paging.links in ("both", "next"):
        following = paging.page if paging.faults.repeat else paging.page + 1
        links.append({"relation": "next", "url": paging.foreign or at(following)})
    if paging.links in ("both", "last"):
        links.append({"relation": "last", "url": at(pages)})
    return links


def warning_entry(text: str) -> Json:
    """An entry that is no row: a warning among the results."""
    outcome = {
        "resourceType": "OperationOutcome",
        "id": "warning",
        "issue": [{"severity": "warning", "code": "processing", "diagnostics": text}],
    }
    return {"resource": outcome, "search": {"mode": "outcome"}}
