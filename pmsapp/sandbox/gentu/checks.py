"""How Gentu checks what it is asked: every problem is listed, in the words of its validation library.

Source: the 400 body documented for the vendor's write calls (public OpenAPI copy); that the read calls answer alike is
assumed, as are the words for a missing or out-of-range number.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from pmsapp.sandbox.core.vendor import Json

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)")
LEAST_LIMIT, MOST_LIMIT = 5, 100
INCLUDABLE = ("patients", "practitioners", "referrals")


def is_uuid(text: str) -> bool:
    """Whether this is a UUID of any version."""
    return _UUID.fullmatch(text) is not None


@dataclass(slots=True)
class Problems:
    """The problems found in one request so far."""

    found: list[Json] = field(default_factory=list)

    def add(self, path: str, code: str, message: str, **more: object) -> None:
        """Note one problem with the parameter `path`."""
        self.found.append({**more, "code": code, "message": message, "path": [path]})

    def body(self) -> Json:
        """The body of the 400."""
        return {"message": "Validation error", "details": self.found}


def check_uuid(args: Mapping[str, str], name: str, problems: Problems) -> str:
    """A required UUID."""
    value = args.get(name)
    if value is None:
        problems.add(name, "invalid_type", "Required", expected="string", received="undefined")
    elif not is_uuid(value):
        problems.add(name, "invalid_string", "Invalid uuid", validation="uuid")
    return value or ""


def check_instant(args: Mapping[str, str], name: str, problems: Problems) -> datetime | None:
    """A required ISO 8601 time with an offset; a `+` that arrived as a space is not one."""
    value = args.get(name)
    if value is None:
        problems.add(name, "invalid_type", "Required", expected="string", received="undefined")
        return None
    try:
        if _INSTANT.fullmatch(value):
            return datetime.fromisoformat(value)
    except ValueError:
        pass
    problems.add(name, "invalid_string", "Invalid datetime", validation="datetime")
    return None


def check_limit(args: Mapping[str, str], problems: Problems) -> int:
    """A required whole number from 5 to 100."""
    value = args.get("limit")
    if value is None:
        problems.add("limit", "invalid_type", "Required", expected="number", received="undefined")
        return 0
    if not re.fullmatch(r"-?\d{1,9}", value):
        problems.add(
            "limit", "invalid_type", "Expected number, received nan", expected="number", received="nan"
        )
        return 0
    limit = int(value)
    if limit < LEAST_LIMIT:
        message = f"Number must be greater than or equal to {LEAST_LIMIT}"
        problems.add("limit", "too_small", message, minimum=LEAST_LIMIT, inclusive=True)
    if limit > MOST_LIMIT:
        message = f"Number must be less than or equal to {MOST_LIMIT}"
        problems.add("limit", "too_big", message, maximum=MOST_LIMIT, inclusive=True)
    return limit


def check_include(args: Mapping[str, str], problems: Problems) -> tuple[str, ...]:
    """What to load beside the list: a comma list of known words."""
    wanted = tuple(word for word in args.get("include", "").split(",") if word)
    for word in wanted:
        if word not in INCLUDABLE:
            problems.add("include", "invalid_enum_value", "Invalid enum value", received=word)
    return wanted
