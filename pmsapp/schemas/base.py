"""What every shape shares: closed models, ids that fit the database, instants with an offset."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field

MAX_ID = 2**63 - 1
MAX_LIST = 500

Id = Annotated[int, Field(ge=1, le=MAX_ID)]
Instant = Annotated[AwareDatetime, Field(description="ISO 8601 with an offset")]
Name = Annotated[str, Field(max_length=200)]


def _none_for_blank(value: Any) -> Any:
    return None if value == "" else value


BlankDate = Annotated[date | None, BeforeValidator(_none_for_blank)]


class Asked(BaseModel):
    """A body that comes in: strict types, unknown fields refused."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True)


class AskedInAddress(BaseModel):
    """Parameters of an address: texts are read as what they should be, unknown ones refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class Answer(BaseModel):
    """A body that goes out: exactly these fields."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def local(instant: datetime, zone: str) -> datetime:
    """An instant with the offset of `zone`."""
    return instant.astimezone(ZoneInfo(zone))


def local_or_none(instant: datetime | None, zone: str) -> datetime | None:
    """An instant with the offset of `zone`; None stays None."""
    return None if instant is None else local(instant, zone)


def given(body: BaseModel) -> dict[str, Any]:
    """The fields that were really sent, also those sent as null."""
    return {name: getattr(body, name) for name in body.model_fields_set}


def is_none(value: object) -> bool:
    """For fields that are left out of an answer where there is nothing to say."""
    return value is None
