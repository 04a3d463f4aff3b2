"""The forms of the settings pages."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo, field_validator, model_validator

from pmsapp.domain.runsheet import Thresholds
from pmsapp.domain.window import is_zone
from pmsapp.schemas.fields import MAX_CLOSED_DAYS, ClinicName, ColumnName, Day, SortOrder, Zone
from pmsapp.services.clinic import clinic
from pmsapp.services.clinic.clinic import DAY_WORDS, STATES
from pmsapp.services.people import api_tokens
from pmsapp.services.sheet import columns
from pmsapp.web.ui.forms import CHOOSE_ONE, ChosenId, Form, SecretForm, Ticked

WAITS = {
    "notice_after": "Notice after, min",
    "warn_after": "Warn after, min",
    "urgent_after": "Urgent after, min",
}
SNOOZES = {"1": "1 hour", "2": "2 hours", "8": "8 hours", "24": "a day", "72": "three days"}
_SHORT_HOUR = re.compile("[0-9]:[0-5][0-9]")


def _times(value: Any, *, day: str) -> tuple[str, str] | None:
    """Both times of a day, or None where both are empty; "8:30" is read as "08:30"."""
    opens, closes = (f"0{text}" if _SHORT_HOUR.fullmatch(text) else text for text in value)
    if not opens and not closes:
        return None
    if fault := clinic.times_fault(day, (opens, closes)):
        raise ValueError(fault)
    return opens, closes


def _known_zone(zone: str) -> str:
    if not is_zone(zone):
        raise ValueError("Choose a time zone.")
    return zone


_Times = tuple[str, str] | None


class HoursForm(Form):
    """Opening hours by weekday."""

    mon: Annotated[_Times, BeforeValidator(partial(_times, day="mon"))]
    tue: Annotated[_Times, BeforeValidator(partial(_times, day="tue"))]
    wed: Annotated[_Times, BeforeValidator(partial(_times, day="wed"))]
    thu: Annotated[_Times, BeforeValidator(partial(_times, day="thu"))]
    fri: Annotated[_Times, BeforeValidator(partial(_times, day="fri"))]
    sat: Annotated[_Times, BeforeValidator(partial(_times, day="sat"))]
    sun: Annotated[_Times, BeforeValidator(partial(_times, day="sun"))]

    @model_validator(mode="after")
    def _some_day_is_open(self) -> HoursForm:
        if not any(getattr(self, day) for day in DAY_WORDS):
            raise ValueError(clinic.NEVER_OPEN)
        return self


class ClinicForm(Form):
    """The clinic: two texts for each day, and the days it is closed one per line."""

    sentences: ClassVar[Mapping[str, str]] = {
        "name": clinic.NAME_SENTENCE,
        "time_zone": clinic.ZONE_SENTENCE,
        "state": clinic.STATE_SENTENCE,
        "closed_days": f"Write each day like 2026-12-25, one per line, {MAX_CLOSED_DAYS} at most.",
    }
    name: ClinicName
    time_zone: Annotated[Zone, AfterValidator(_known_zone)]
    state: Annotated[str, AfterValidator(lambda state: _one_of(state, ("", *STATES)))] = ""
    closed_days: Annotated[
        tuple[Day, ...],
        Field(max_length=MAX_CLOSED_DAYS),
        BeforeValidator(lambda text: text.replace(",", " ").split()),
    ] = ()
    hours: HoursForm

    @model_validator(mode="before")
    @classmethod
    def _by_day(cls, sent: dict[str, Any]) -> dict[str, Any]:
        hours = {
            day: (sent.get(f"opens-{day}", "").strip(), sent.get(f"closes-{day}", "").strip())
            for day in DAY_WORDS
        }
        return {**sent, "hours": hours}


def _one_of(value: str, known: tuple[str, ...]) -> str:
    if value not in known:
        raise ValueError(CHOOSE_ONE)
    return value


class NewColumnForm(Form):
    """A column by its name."""

    sentences: ClassVar[Mapping[str, str]] = {"name": columns.NAME_SENTENCE}
    name: ColumnName


_Wait = Annotated[int, Field(ge=1, le=columns.MAX_WAIT_MIN)] | None


class ColumnForm(Form):
    """A column: name, place, whether it is shown, and after how many minutes of waiting its cards say so."""

    sentences: ClassVar[Mapping[str, str]] = {
        "name": columns.NAME_SENTENCE,
        "sort_order": f"Choose a place from 0 to {columns.MAX_SORT_ORDER}.",
    }
    name: ColumnName
    sort_order: SortOrder
    active: Ticked = False
    notice_after: _Wait = None
    warn_after: _Wait = None
    urgent_after: _Wait = None

    @field_validator("notice_after", "warn_after", "urgent_after", mode="before")
    @classmethod
    def _is_minutes(cls, value: Any) -> Any:
        if value is None or (isinstance(value, str) and value.isascii() and value.strip().isdecimal()):
            return value
        raise ValueError(f"Enter whole minutes, 1 to {columns.MAX_WAIT_MIN}.")

    @field_validator("warn_after", "urgent_after")
    @classmethod
    def _rises(cls, value: int | None, info: ValidationInfo) -> int | None:
        before = {"warn_after": "notice_after", "urgent_after": "warn_after"}[info.field_name or ""]
        least = info.data.get(before)
        if value is not None and least is not None and value <= least:
            raise ValueError(f"Enter more minutes than the {least} of “{WAITS[before].partition(',')[0]}”.")
        return value

    @property
    def thresholds(self) -> Thresholds | None:
        """How long this clinician's patients may wait; None where the form does not say all three."""
        if self.notice_after is None or self.warn_after is None or self.urgent_after is None:
            return None
        return Thresholds(self.notice_after, self.warn_after, self.urgent_after)


class RoleForm(Form):
    """What somebody may do, and whose column it is."""

    role: str = ""
    clinician_id: ChosenId = None


class InviteForm(RoleForm):
    """Somebody new."""

    email: str = ""
    name: str = ""


class SecondFactorRuleForm(Form):
    """Whether everybody has to have a second factor, or administrators only."""

    for_everybody: Literal["yes", ""] = ""


class TokenForm(Form):
    """A key of a program. `days` None: until revoked."""

    sentences: ClassVar[Mapping[str, str]] = {"days": "Choose how long the token works."}
    name: str = ""
    role: str = ""
    days: Annotated[
        Annotated[int, Field(ge=1, le=api_tokens.MAX_DAYS)] | None, BeforeValidator(lambda text: text or None)
    ] = api_tokens.DEFAULT_DAYS


class SnoozeForm(Form):
    """For how many hours to be silent about an incident and why; without a reason the silence ends."""

    sentences: ClassVar[Mapping[str, str]] = {"hours": "Choose for how long."}
    hours: Annotated[str, AfterValidator(lambda hours: _one_of(hours, tuple(SNOOZES)))] = "2"
    reason: str | None = None


class PassphraseForm(SecretForm):
    """The passphrase of the downtime copy, typed twice."""

    passphrase: str = ""
    again: str = ""

    @field_validator("again")
    @classmethod
    def _same(cls, again: str, info: ValidationInfo) -> str:
        if again != info.data.get("passphrase"):
            raise ValueError("The two are not the same. Type the passphrase twice.")
        return again
