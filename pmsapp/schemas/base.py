"""What every shape shares: closed models, change models without defaults, instants with an offset."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict

from pmsapp.domain.window import local_time

# Stands where a change model's field was not sent; `given` leaves such fields out, so the value is never used.
NOT_SENT: Any = None


def _without_defaults(schema: dict[str, Any]) -> None:
    for field in schema.get("properties", {}).values():
        field.pop("default", None)


def _without_null(schema: dict[str, Any]) -> None:
    for field in schema.get("properties", {}).values():
        choices = [choice for choice in field.get("anyOf", ()) if choice != {"type": "null"}]
        if choices:
            field["anyOf"] = choices
        if "default" in field and field["default"] is None:
            del field["default"]


class Asked(BaseModel):
    """A body that comes in: strict types, unknown fields refused."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True)


class Change(Asked):
    """A body that changes something. What is not sent is not changed, so its fields promise no default."""

    model_config = ConfigDict(json_schema_extra=_without_defaults)


class AskedInAddress(BaseModel):
    """Parameters of an address: texts are read as what they should be, unknown ones refused; none of them is null."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, hide_input_in_errors=True, json_schema_extra=_without_null
    )


class Nothing(Asked):
    """The body of a call that takes none: absent, or an empty object."""


class NoParameters(AskedInAddress):
    """The parameters of a call that takes none."""


class Answer(BaseModel):
    """A body that goes out: exactly these fields."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def local(instant: datetime, zone: str) -> datetime:
    """An instant with the offset of `zone`."""
    return local_time(instant, zone)


def local_or_none(instant: datetime | None, zone: str) -> datetime | None:
    """An instant with the offset of `zone`; None stays None."""
    return None if instant is None else local(instant, zone)


def given(body: BaseModel) -> dict[str, Any]:
    """The fields that were really sent, also those sent as null."""
    return {name: getattr(body, name) for name in body.model_fields_set}


def is_none(value: object) -> bool:
    """For fields that are left out of an answer where there is nothing to say."""
    return value is None


def field_value(field: str | None, value: Any, zone: str) -> Any:
    """A stored field value as answers show it: an instant with its offset, everything else as it is."""
    if field != "start_at" or value is None:
        return value
    instant = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    return local(instant, zone).isoformat()
