"""What goes to a vendor and what comes back, in plain values. Nothing here shows its contents in a repr."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from pmsapp import clock
from pmsapp.domain.errors import PMSError

Params = Mapping[str, str | int | Sequence[str | int] | None]


@dataclass(frozen=True, slots=True, repr=False)
class Reply:
    """A successful answer. `data` is the decoded JSON, None only where an empty body was allowed.

    `digest` is equal for two replies only if their bodies were equal byte for byte. `clock_skew_s`: the vendor's
    clock minus ours, None without a Date header.
    """

    data: Any
    status: int
    headers: Mapping[str, str]
    digest: str
    clock_skew_s: float | None = None

    def __repr__(self) -> str:
        return f"Reply({self.status})"


@dataclass(frozen=True, slots=True, repr=False)
class Refusal:
    """An answer that is no success, for a vendor's own reading. `data`: its JSON, None when it is none."""

    status: int
    data: Any
    kind: str

    def __repr__(self) -> str:
        return f"Refusal({self.status}, {self.kind!r})"


Refine = Callable[[Refusal], PMSError | None]
IsExpired = Callable[[int, Any], bool]


@dataclass(frozen=True, slots=True, repr=False)
class Call:
    """One request to make. `repeatable` False: sent once, whatever happens."""

    method: str
    url: str
    kind: str
    headers: Mapping[str, str]
    body: bytes | None = None
    repeatable: bool = True
    empty_ok: bool = False
    refine: Refine | None = None
    is_expired: IsExpired | None = None

    def __repr__(self) -> str:
        return f"Call({self.method}, {self.kind!r})"


@dataclass(frozen=True, slots=True, repr=False)
class Answer:
    """What came over the wire, unpacked; a long error body is cut. `at`: when it was read."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    at: datetime = field(default_factory=clock.now)

    def __repr__(self) -> str:
        return f"Answer({self.status})"


@dataclass(frozen=True, slots=True, repr=False)
class Outcome:
    """What sending came to: a reply, or an error and what may be done about it.

    `again`: another try makes sense. `expired`: the token was refused.
    `blocked_until`: the vendor asked that nobody calls before.
    """

    reply: Reply | None = None
    error: PMSError | None = None
    cause: Exception | None = None
    again: bool = False
    expired: bool = False
    blocked_until: datetime | None = None

    def __repr__(self) -> str:
        return f"Outcome({self.reply or self.error!r})"


def path(*segments: str) -> str:
    """Join path segments, each percent-encoded whole. Raises ValueError for "", "." and ".."."""
    for segment in segments:
        if segment in ("", ".", ".."):
            raise ValueError("not a path segment")
    return "/".join(quote(segment, safe="") for segment in segments)


def encode_params(params: Params) -> str:
    """A query string with every reserved character encoded (`+` as %2B); None values are left out."""
    pairs: list[tuple[str, str]] = []
    for name, value in params.items():
        if value is None:
            continue
        values: Iterable[str | int] = [value] if isinstance(value, str | int) else value
        pairs.extend((name, str(value)) for value in values)
    return urlencode(pairs, quote_via=quote, safe="")


def same_origin(first: str, other: str) -> bool:
    """True when both addresses have the same scheme, host and port."""
    origin = _origin(first)
    return origin is not None and origin == _origin(other)


def _origin(url: str) -> tuple[str, str, int | None] | None:
    try:
        parts = urlsplit(url)
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    except ValueError:
        return None
    if not parts.hostname or parts.username is not None or "\\" in url:
        return None
    return parts.scheme, parts.hostname, port
