"""Cleaning what vendors send: text, ids, phones, dates. Nothing here raises on odd input; it gives None.

Unknown is None, never "". Text is bounded, and free of NUL, control characters, lone surrogates and direction
overrides, so that databases, logs and screens can take it; all other Unicode is kept as it is.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import NamedTuple

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberFormat, ValidationResult

CUT_MARK = "…"
MAX_NAME = 200
MAX_NOTE = 2000
MAX_ID = 200
MAX_TOKEN = 8192

# C0 and C1 controls, lone surrogates, direction overrides and isolates, byte order mark, non-characters.
_DROPPED = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069\ufeff\ufffe\uffff]"
)
_LINE_ENDS = re.compile("\r\n|[\r\x85\u2028\u2029]")
_SPACES = re.compile(r"\s+")
_LINE_SPACES = re.compile(r"[^\S\n]+")


def clean_text(value: object, max_len: int = MAX_NAME, *, lines: bool = False) -> str | None:
    """One safe line of text of at most `max_len` characters, cut with "…"; None for anything empty or not text.

    `lines`: keep line breaks (as \\n) instead of turning them into spaces.
    """
    if not isinstance(value, str):
        return None
    # Nearly every text is plain already; the long way takes several times as long.
    if len(value) <= max_len and value.isprintable() and "  " not in value:
        return value.strip() or None
    # What is far too long is cut before the work, roughly; the exact cut comes last.
    text = _DROPPED.sub("", _LINE_ENDS.sub("\n", value[: max_len * 4 + 16]))
    if lines:
        text = "\n".join(line.strip() for line in _LINE_SPACES.sub(" ", text).split("\n")).strip()
    else:
        text = _SPACES.sub(" ", text).strip()
    if len(text) > max_len:
        text = text[: max_len - 1].rstrip() + CUT_MARK
    return text or None


def clean_id(value: object) -> str | None:
    """An id as text: text or a whole number, at most MAX_ID characters, nothing unprintable; else None."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return str(value)
    if not isinstance(value, str):
        return None
    text = value.strip()
    return text if text and len(text) <= MAX_ID and text.isprintable() else None


def clean_token(value: object) -> str | None:
    """A token as it may stand in a header, at most MAX_TOKEN characters; None for anything else."""
    text = value.strip() if isinstance(value, str) else ""
    plain = text.isascii() and text.isprintable() and " " not in text
    return text if text and plain and len(text) <= MAX_TOKEN else None


def join_notes(parts: Iterable[object], max_len: int = MAX_NOTE) -> str | None:
    """Several free texts as one, a line each, without repeating one that says the same."""
    found: list[str] = []
    for part in parts:
        text = clean_text(part, max_len, lines=True)
        if text is not None and text not in found:
            found.append(text)
    if len(found) < 2:
        return found[0] if found else None
    return clean_text("\n".join(found), max_len, lines=True)


# What front desks write where there is no such name; the second word of a Medicare card of a person with one name.
_NAME_STANDS_IN = frozenset(
    [
        "n/a",
        "no family name",
        "no first name",
        "no given name",
        "no name",
        "no surname",
        "noname",
        "not known",
        "not stated",
        "only name",
        "onlyname",
        "unknown",
    ]
)


def person_name(given: object, family: object, preferred: object = None) -> str | None:
    """ "Given Family": the preferred given name where there is one; the family name may stand alone.

    What stands in for a missing name (".", "-", "Onlyname") is not part of one, unless nothing else is known.
    """
    parts = [clean_text(preferred), clean_text(given), clean_text(family)]
    usual, first, last = (None if _stands_in(part) else part for part in parts)
    first = usual or first
    if first or last:
        return clean_text(f"{first} {last}") if first and last else first or last
    return clean_text(" ".join(part for part in (parts[0] or parts[1], parts[2]) if part))


def _stands_in(part: str | None) -> bool:
    return part is not None and (
        part.strip("()[] ").casefold() in _NAME_STANDS_IN or not any(char.isalnum() for char in part)
    )


_PHONE_MARKS = str.maketrans("", "", " ()-.")
# A whole Australian number with its area code: by far the most, and too many to take each through the library.
_AUSTRALIAN = re.compile(r"(?:\+61|0)([23478]\d{8})", re.ASCII)
# Digits with what people group them by, and nothing else: only such a text can be one whole number.
_ONE_NUMBER = re.compile(r"\s*\+?[\d\s().\-\u2010-\u2015]+")
_ABROAD_FROM_HERE = "0011"
MAX_CONTACT = 500


def clean_phone(value: object, region: str = "AU") -> str | None:
    """E.164 ("+61491570156") where the whole text is one complete number, else the text as received, cleaned.

    A text is a number only where every digit of it is accounted for: nothing is dropped, nothing glued together.
    """
    text = clean_text(value, MAX_CONTACT)
    return None if text is None else whole_number(text, region) or text


def whole_number(text: str, region: str = "AU") -> str | None:
    """The one number a text is, in E.164, where its digits are exactly those of the text, but for how it begins."""
    if region == "AU":
        plain = _AUSTRALIAN.fullmatch(text.translate(_PHONE_MARKS))
        if plain is not None:
            return f"+61{plain.group(1)}"
    if _ONE_NUMBER.fullmatch(text) is None:
        return None
    try:
        number = phonenumbers.parse(text, region)
    except NumberParseException:
        return None
    # Without "+", a number that only could be one may lack its area code or a digit.
    could_be = phonenumbers.is_possible_number_with_reason(number) == ValidationResult.IS_POSSIBLE
    if not phonenumbers.is_valid_number(number) and not (could_be and text.startswith("+")):
        return None
    national = phonenumbers.national_significant_number(number)
    found = _digits(text)
    begins = found.removesuffix(national)
    code = str(number.country_code)
    wanted = {code, f"{code}0"} if text.startswith("+") else {"", "0", code, f"{code}0"}
    wanted |= {f"{_ABROAD_FROM_HERE}{code}"}
    if not found.endswith(national) or begins not in wanted or number.extension:
        return None
    return str(phonenumbers.format_number(number, PhoneNumberFormat.E164))


# Numbers with nothing but spaces between them, which the library takes for one that is too long.
_AUSTRALIAN_SPACED = re.compile(r"0[23478](?:[ .-]?\d){8}", re.ASCII)
_SEVERAL = re.compile(
    rf"(?<![\d+])(?<!\d[ .-]){_AUSTRALIAN_SPACED.pattern}(?: {_AUSTRALIAN_SPACED.pattern})+(?![ .-]?\d)",
    re.ASCII,
)


class PhoneInText(NamedTuple):
    """A complete number inside a text: where it stands, and what to dial (E.164)."""

    start: int
    end: int
    number: str


def phones_in(text: str, region: str = "AU") -> tuple[PhoneInText, ...]:
    """The complete numbers a text contains, in its order. What is cut off or lacks a digit is none."""
    found = [
        PhoneInText(match.start(), match.end(), number)
        for run in _SEVERAL.finditer(text)
        for match in _AUSTRALIAN_SPACED.finditer(text, *run.span())
        if (number := whole_number(match.group(), region))
    ]
    for match in phonenumbers.PhoneNumberMatcher(text, region):
        end = match.end
        if match.number.extension:
            # The extension is no part of what is dialled.
            end = match.start + _end_without(match.raw_string, match.number.extension)
        number = whole_number(text[match.start : end], region)
        taken = any(phone.start < end and match.start < phone.end for phone in found)
        if number is not None and not taken and not text[end:].startswith(CUT_MARK):
            found.append(PhoneInText(match.start, end, number))
    return tuple(sorted(found))


_EXTENSION_BEGINS = re.compile(r"[\s;,/#xX~()]*(?:ext\w*|x|#|;|,|~|anexo|int)", re.IGNORECASE)


def _end_without(raw: str, extension: str) -> int:
    """Where the number ends in a text of a number and its extension."""
    begins = _EXTENSION_BEGINS.search(raw)
    return begins.start() if begins else len(raw.removesuffix(extension).rstrip())


def _digits(text: str) -> str:
    return "".join(str(unicodedata.decimal(char)) for char in text if char.isdecimal())


def clean_email(value: object) -> str | None:
    """What stands in the e-mail field, as received: one address, several, or words. None only where there is nothing."""
    return clean_text(value, MAX_CONTACT)


_DATE = re.compile(r"\d{4}-\d{2}-\d{2}(?:[Tt ].*)?", re.ASCII | re.DOTALL)
_INSTANT = re.compile(
    r"\d{4}-\d{2}-\d{2}[Tt ]([01]\d|2[0-3]):\d{2}(:\d{2}([.,]\d{1,9})?)?\s?([Zz]|[+-]\d{2}(:?\d{2})?)",
    re.ASCII,
)
MIN_BIRTH_YEAR, MAX_BIRTH_YEAR = 1850, 2200
MIN_VISIT_YEAR, MAX_VISIT_YEAR = 1970, 2200


def parse_date(value: object) -> date | None:
    """The calendar day of "YYYY-MM-DD" (a time after it is ignored); None when it is no day of 1850 to 2200."""
    text = value.strip() if isinstance(value, str) else ""
    if _DATE.fullmatch(text) is None:
        return None
    try:
        day = date.fromisoformat(text[:10])
    except ValueError:
        return None
    return day if MIN_BIRTH_YEAR <= day.year <= MAX_BIRTH_YEAR else None


def parse_instant(value: object) -> datetime | None:
    """An ISO 8601 time with an offset or Z, as a UTC-aware instant, in the years 1970 to 2200; else None.

    A time without an offset is None: it is not known when that is. So are 24:00 and numbers of seconds.
    """
    return _instant_of(value.strip()[:_LONGEST_INSTANT]) if isinstance(value, str) else None


_LONGEST_INSTANT = 40  # more than any that is taken


@lru_cache(maxsize=4096)
def _instant_of(text: str) -> datetime | None:
    """A day has few times, and each comes again with every practitioner."""
    if _INSTANT.fullmatch(text) is None:
        return None
    try:
        # The ten characters before the separator hold no letter or space.
        found = datetime.fromisoformat(f"{text[:10]}T{text[11:].replace(' ', '').upper()}")
        instant = found.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return instant if MIN_VISIT_YEAR <= instant.year <= MAX_VISIT_YEAR else None


def whole_minutes(value: object) -> int | None:
    """A positive number of minutes up to a week, whole or rounded; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= 7 * 24 * 60:
        return None
    return max(1, round(value))


_TELEHEALTH = re.compile(
    r"(?<![^\W\d_])(tele[\s-]?health|tele[\s-]?medicine|tele[\s-]?consult\w*|tele[\s-]?conf\w*|telephone|video[\s-]?(?:call|chat|conf|consult|link|visit)\w*|video"
    r"|phone|remote|virtual|online|zoom|coviu)(?![^\W\d_])",
    re.IGNORECASE,
)
_NEGATED = re.compile(r"\b(non|not|no)[\s-]+$", re.IGNORECASE)


def telehealth_words(name: str | None) -> tuple[bool, str | None]:
    """Whether the words of an appointment type suggest telehealth, and the evidence: (True, 'named "video"')."""
    for match in _TELEHEALTH.finditer(name or ""):
        if not _NEGATED.search((name or "")[: match.start()]):
            return True, f'named "{match.group(1).lower()}"'
    return False, None


def names_missing(pms: str) -> str:
    """The sentence for a read in which some patients could not be had; it says neither who nor how many."""
    return f"{pms} did not give the details of some patients; their names are shown as unavailable."


MAX_SHAPE = 2000
_SHAPE_DEPTH = 5
_SHAPE_KEYS = 60
_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,39}", re.ASCII)


def shape_of(record: object) -> str:
    """The record with every value replaced by its kind, bounded: {id: text, participant: [{referenceId: null}]}."""
    shape = _shape(record, _SHAPE_DEPTH)
    return shape if len(shape) <= MAX_SHAPE else shape[: MAX_SHAPE - 1] + CUT_MARK


def _shape(value: object, depth: int) -> str:
    if isinstance(value, dict):
        if depth == 0:
            return "{…}"
        pairs = [
            f"{_shape_key(key)}: {_shape(inner, depth - 1)}"
            for key, inner in list(value.items())[:_SHAPE_KEYS]
        ]
        more = [CUT_MARK] if len(value) > _SHAPE_KEYS else []
        return "{" + ", ".join(pairs + more) + "}"
    if isinstance(value, list):
        if depth == 0:
            return "[…]"
        kinds = dict.fromkeys(_shape(inner, depth - 1) for inner in value[:20])
        return "[" + ", ".join(kinds) + "]"
    return _kind(value)


def _shape_key(key: object) -> str:
    return key if isinstance(key, str) and _PLAIN_KEY.fullmatch(key) else "?"


def _kind(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "yes/no"
    if isinstance(value, int):
        return "whole number"
    if isinstance(value, float):
        return "number"
    if isinstance(value, str):
        return "text" if value.strip() else "empty text"
    return "other"
