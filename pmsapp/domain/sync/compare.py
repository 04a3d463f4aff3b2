"""Whether two values of a field mean the same, however they are spelt. Pure.

The one place that says so: a merge, an edit and a reconciliation never call two spellings of one thing a conflict.
"""

from __future__ import annotations

import unicodedata
from datetime import date
from typing import Any

# The ways to write an apostrophe and a hyphen that keyboards and practice software produce.
_APOSTROPHES = dict.fromkeys(map(ord, "\u2018\u2019\u201b\u02bc\u02b9\u00b4`\uff07\u2032"), "'")
_HYPHENS = dict.fromkeys(map(ord, "\u2010\u2011\u2012\u2013\u2212\uff0d"), "-")
_SIGNS = _APOSTROPHES | _HYPHENS
_NAMES = frozenset({"patient_name"})
_WITHOUT_CASE = frozenset({"patient_email", "patient_phone"})


def same_meaning(field: str, first: Any, other: Any) -> bool:
    """True when nobody would change the one into the other: kinds of apostrophe, spaces, an address's capitals.

    Values are as stored. Unknown (None) means something else than any value.
    """
    if first == other:
        return True
    if isinstance(first, str) and isinstance(other, str):
        return _folded(field, first) == _folded(field, other)
    return False


def same_person(
    one_name: str | None, one_born: date | None, other_name: str | None, other_born: date | None
) -> bool:
    """True only where both names and both birth dates are known and equal."""
    if not one_name or not other_name or one_born is None or one_born != other_born:
        return False
    return same_meaning("patient_name", one_name, other_name)


def _folded(field: str, text: str) -> str:
    if field not in _NAMES and field not in _WITHOUT_CASE:
        return text
    plain = " ".join(unicodedata.normalize("NFC", text).translate(_SIGNS).split())
    return plain.casefold() if field in _WITHOUT_CASE else plain
