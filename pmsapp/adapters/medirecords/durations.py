"""Appointment lengths: MediRecords stores a code, not minutes.

Known are four pairs; no formula fits them, so nothing is interpolated. The vendor's own table is read where it
answers, whatever shape it has.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

KNOWN_INTERVALS_MIN: Mapping[int, int] = {2: 5, 4: 10, 6: 15, 7: 20}
MAX_DURATION_MIN = 24 * 60

_HOURS = re.compile(r"(\d+(?:\.\d+)?)\s*(?:hours?|hrs?|h)(?![a-z])", re.IGNORECASE)
_MINUTES = re.compile(r"(\d+)\s*(?:minutes?|mins?|m)(?![a-z])", re.IGNORECASE)
_BARE = re.compile(r"\s*(\d+)\s*")
_CODE_KEYS = ("code", "id", "value")
_MINUTE_KEYS = ("minutes", "duration")
_TEXT_KEYS = ("name", "description", "display", "minutes", "duration", "label", "text", "value")


def parse_duration_min(text: object) -> int | None:
    """Minutes from "15 mins", "1 hr", "1 hr 30 mins", "45" or 45. None when it cannot be read or is not 1..1440."""
    if isinstance(text, bool) or text is None:
        return None
    if isinstance(text, int | float):
        return _sane(text)
    if not isinstance(text, str) or len(text) > 60:
        return None
    bare = _BARE.fullmatch(text)
    if bare:
        return _sane(int(bare[1]))
    hours, minutes = _HOURS.search(text), _MINUTES.search(text)
    if not hours and not minutes:
        return None
    return _sane((float(hours[1]) * 60 if hours else 0) + (int(minutes[1]) if minutes else 0))


def parse_code(value: object) -> int | None:
    """An integer code that may arrive as a digit string; None for anything else."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, str) and value.strip().isdecimal() and len(value.strip()) <= 9:
        return int(value)
    return None


def parse_interval_table(body: object) -> dict[int, int]:
    """Code -> minutes from the code-system answer; rows that cannot be read are left out.

    Shape: unknown, so a bare array, `{"data": [...]}` or a plain `{code: text}` object are all taken.
    """
    return {code: minutes for code, minutes in _rows(body) if code is not None and minutes is not None}


def _rows(body: object) -> Iterator[tuple[int | None, int | None]]:
    if isinstance(body, dict):
        inner = next(
            (body[key] for key in ("data", "items", "content") if isinstance(body.get(key), list)), None
        )
        if inner is None:
            yield from ((parse_code(code), parse_duration_min(value)) for code, value in body.items())
            return
        body = inner
    if isinstance(body, list):
        yield from (_row(row) for row in body if isinstance(row, dict))


def _row(row: dict[str, Any]) -> tuple[int | None, int | None]:
    code_key = next((key for key in _CODE_KEYS if parse_code(row.get(key)) is not None), None)
    if code_key is None:
        return None, None
    numbers = (_number(row.get(key)) for key in _MINUTE_KEYS)
    minutes = next((number for number in numbers if number is not None), None)
    if minutes is None:
        texts = (
            parse_duration_min(row.get(key))
            for key in _TEXT_KEYS
            if key != code_key and isinstance(row.get(key), str)
        )
        minutes = next((number for number in texts if number is not None), None)
    return parse_code(row[code_key]), minutes


def _number(value: object) -> int | None:
    if isinstance(value, str) or value is None:
        return None
    return parse_duration_min(value)


def _sane(minutes: float) -> int | None:
    whole = round(minutes) if minutes == minutes and abs(minutes) < 1e9 else 0
    return whole if 0 < whole <= MAX_DURATION_MIN else None
