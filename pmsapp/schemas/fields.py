"""The types of single values that come in, for JSON, addresses and forms alike: the one place where they are bounded.

A text of digits is no day and no instant, an id fits the database, a text has its longest length and no control
characters. What is out of bounds is refused, never cut. The limits are the services' own.
"""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, Field, WithJsonSchema

from pmsapp.adapters.registry import ADAPTERS
from pmsapp.services.clinic.clinic import MAX_NAME_CHARS as MAX_CLINIC_NAME_CHARS
from pmsapp.services.connections import input as connection_input
from pmsapp.services.editing import card_input
from pmsapp.services.sheet import columns

MAX_ID = 2**63 - 1
MAX_LIST = 500
MAX_CLOSED_DAYS = 366
FIRST_DAY, LAST_DAY = date(2000, 1, 1), date(2100, 12, 31)

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_INSTANT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,9})?)?([Zz]|[+-][0-9]{2}:[0-9]{2})?"
)
_DAY_PATTERN = "^20[0-9]{2}-[0-9]{2}-[0-9]{2}$"
_YEARS = "The year cannot be right."

# No control characters: line ends too are out of place in one line of text.
_NO_CONTROL = "[^\\u0000-\\u001f\\u007f-\\u009f]"
ONE_LINE = f"^{_NO_CONTROL}*$"
SOME_TEXT = f"^{_NO_CONTROL}*[^\\s\\u0000-\\u001f\\u007f-\\u009f]{_NO_CONTROL}*$"
SEVERAL_LINES = "^[^\\u0000-\\u0008\\u000b\\u000c\\u000e-\\u001f\\u007f]*$"
PHONE = f"^{_NO_CONTROL}*[0-9]{_NO_CONTROL}*$"


def _read_day(value: Any) -> Any:
    if isinstance(value, str):
        if not _DAY.fullmatch(value):
            raise ValueError("Give the day as YYYY-MM-DD.")
        try:
            value = date.fromisoformat(value)
        except ValueError:
            raise ValueError("There is no such day.") from None
    if isinstance(value, date) and not FIRST_DAY <= value <= LAST_DAY:
        raise ValueError(_YEARS)
    return value


def _read_instant(value: Any) -> Any:
    if isinstance(value, str):
        if not _INSTANT.fullmatch(value):
            raise ValueError("Give a date and time with its offset, such as 2026-11-23T09:30:00+11:00.")
        try:
            value = datetime.fromisoformat(value.upper())
        except ValueError:
            raise ValueError("There is no such date and time.") from None
    if isinstance(value, datetime) and not FIRST_DAY.year <= value.year <= LAST_DAY.year:
        raise ValueError(_YEARS)
    return value


def _none_for_blank(value: Any) -> Any:
    return None if value == "" else value


Id = Annotated[int, Field(ge=1, le=MAX_ID)]
Day = Annotated[
    date,
    BeforeValidator(_read_day),
    WithJsonSchema({"type": "string", "format": "date", "pattern": _DAY_PATTERN}),
]
# In an address: `?date=` with nothing behind it is no day.
BlankDay = Annotated[
    Day | None,
    BeforeValidator(_none_for_blank),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "format": "date", "pattern": _DAY_PATTERN},
                {"type": "string", "maxLength": 0},
            ]
        }
    ),
]
Instant = Annotated[
    AwareDatetime,
    BeforeValidator(_read_instant),
    WithJsonSchema(
        {
            "type": "string",
            "format": "date-time",
            "pattern": "^20[0-9]{2}-",
            "description": "ISO 8601 with an offset",
        }
    ),
]
Cursor = Annotated[str, Field(max_length=18, pattern="^[0-9]*$")]
ExternalId = Annotated[str, Field(min_length=1, max_length=200, pattern=ONE_LINE)]

PatientName = Annotated[str, Field(max_length=card_input.NAME_LIMIT, pattern=SOME_TEXT)]
Phone = Annotated[str, Field(max_length=card_input.PHONE_LIMIT, pattern=PHONE)]
Email = Annotated[str, Field(max_length=card_input.EMAIL_LIMIT, pattern=f"^{card_input.EMAIL_PATTERN}$")]
Minutes = Annotated[int, Field(ge=1, le=card_input.LONGEST_MIN)]
Notes = Annotated[str, Field(max_length=card_input.NOTES_LIMIT, pattern=SEVERAL_LINES)]
Reason = Annotated[str, Field(max_length=card_input.REASON_LIMIT, pattern=SOME_TEXT)]

ColumnName = Annotated[str, Field(max_length=columns.MAX_NAME_CHARS, pattern=SOME_TEXT)]
LateMinutes = Annotated[int, Field(ge=0, le=columns.MAX_LATE_MIN)]
SortOrder = Annotated[int, Field(ge=0, le=columns.MAX_SORT_ORDER)]

ClinicName = Annotated[str, Field(max_length=MAX_CLINIC_NAME_CHARS, pattern=SOME_TEXT)]
ConnectionName = Annotated[str, Field(max_length=connection_input.MAX_NAME_CHARS, pattern=SOME_TEXT)]
PracticeId = Annotated[str, Field(max_length=connection_input.MAX_ID_CHARS, pattern=SOME_TEXT)]
VendorName = Annotated[str, Field(max_length=40, json_schema_extra={"enum": [*ADAPTERS]})]
Zone = Annotated[str, Field(min_length=1, max_length=64, pattern="^[A-Za-z0-9_+/-]+$")]
_OFTEN, _SELDOM = connection_input.FREQUENCY_MINUTES[0], connection_input.FREQUENCY_MINUTES[-1]


def _check_frequency(minutes: int) -> int:
    if minutes not in connection_input.FREQUENCY_MINUTES:
        raise ValueError(f"Choose {_OFTEN} to {_SELDOM} minutes.")
    return minutes


Frequency = Annotated[
    int,
    AfterValidator(_check_frequency),
    Field(json_schema_extra={"minimum": _OFTEN, "maximum": _SELDOM}),
]
CredentialField = Annotated[str, Field(min_length=1, max_length=64)]
CredentialText = Annotated[str, Field(max_length=connection_input.MAX_CREDENTIAL_CHARS)]
PairingCode = Annotated[str, Field(max_length=64, pattern=SOME_TEXT)]

# What people read when a pattern is not met; a name that is too long and the like have sentences of their own.
PATTERN_SENTENCES = {
    ONE_LINE: "This must be plain text on one line.",
    SOME_TEXT: "Enter some text on one line.",
    SEVERAL_LINES: "This must be plain text.",
    PHONE: "Enter a phone number, for example 0491 570 156.",
    f"^{card_input.EMAIL_PATTERN}$": "Enter an email address, for example name@example.com.",
}
