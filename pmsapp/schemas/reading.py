"""Reading what comes in, for the JSON interface and for forms: one validation, one sentence for each wrong field.

A refusal never repeats what was sent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from pmsapp.adapters.client import strict_json
from pmsapp.adapters.client.strict_json import JSONRefusedError, RepeatedKeyError
from pmsapp.schemas.fields import PATTERN_SENTENCES
from pmsapp.services.base.errors import Invalid

M = TypeVar("M", bound=BaseModel)

_NOT_JSON = frozenset({"json_invalid", "json_type"})
_SENTENCES = {
    "missing": "This is needed.",
    "extra_forbidden": "This field is not known.",
    "string_type": "This must be text.",
    "string_too_long": "This may have at most {max_length} characters.",
    "string_too_short": "This must not be empty.",
    "int_type": "This must be a whole number.",
    "int_parsing": "This must be a whole number.",
    "int_parsing_size": "This number is too large.",
    "int_from_float": "This must be a whole number.",
    "finite_number": "This must be a whole number.",
    "greater_than_equal": "This must be at least {ge}.",
    "less_than_equal": "This may be at most {le}.",
    "bool_type": "This must be true or false.",
    "bool_parsing": "This must be true or false.",
    "model_type": "This must be an object.",
    "model_attributes_type": "This must be an object.",
    "dict_type": "This must be an object.",
    "list_type": "This must be a list.",
    "tuple_type": "This must be a list.",
    "too_long": "This may have at most {max_length} entries.",
    "too_short": "This must have at least {min_length} entries.",
    "date_type": "Give the day as YYYY-MM-DD.",
    "datetime_type": "Give a date and time with its offset, such as 2026-11-23T09:30:00+11:00.",
    "timezone_aware": "Give the time with its offset.",
    "enum": "Choose one of: {expected}.",
    "literal_error": "Choose one of: {expected}.",
}
_ELSE = "This is not right."


class NotJSONError(ValueError):
    """A body that is no JSON at all. Holds nothing of it."""


def read_json(model: type[M], raw: bytes) -> M:
    """The body as `model`; an empty one counts as an empty object.

    Raises NotJSONError, and Invalid for wrong or unknown fields and for a key that stands there twice.
    """
    raw = raw or b"{}"
    try:
        strict_json.loads(raw)
    except RepeatedKeyError:
        raise Invalid({"body": "A field is named twice."}) from None
    except JSONRefusedError:
        raise NotJSONError from None
    try:
        return model.model_validate_json(raw)
    except ValidationError as error:
        if any(found["type"] in _NOT_JSON for found in error.errors(include_url=False, include_input=False)):
            raise NotJSONError from None
        raise invalid(error) from None


def read_address(model: type[M], arguments: Mapping[str, Sequence[str]]) -> M:
    """The parameters of an address as `model`. Raises Invalid, also for one that is given twice."""
    twice = {name: "Give this once." for name, values in arguments.items() if len(values) > 1}
    if twice:
        raise Invalid(twice)
    try:
        return model.model_validate({name: values[0] for name, values in arguments.items()})
    except ValidationError as error:
        raise invalid(error) from None


def read_form(model: type[M], values: Mapping[str, Any]) -> M:
    """The fields of a form as `model`: texts are read as what they should be. Raises Invalid."""
    try:
        return model.model_validate(dict(values), strict=False)
    except ValidationError as error:
        raise invalid(error) from None


def invalid(error: ValidationError) -> Invalid:
    """Every wrong field with one sentence."""
    wrong: dict[str, str] = {}
    for found in error.errors(include_url=False, include_input=False):
        path = ".".join(str(part) for part in found["loc"] if not str(part).startswith("function-"))
        wrong.setdefault(path or "body", _sentence(found["type"], found.get("ctx", {}), found["msg"]))
    return Invalid(wrong)


def _sentence(kind: str, context: Mapping[str, Any], message: str) -> str:
    if kind == "value_error":  # a sentence of our own types
        return f"{message.removeprefix('Value error, ').rstrip('.')}."
    if kind == "string_pattern_mismatch":
        return PATTERN_SENTENCES.get(str(context.get("pattern")), _ELSE)
    return _SENTENCES.get(kind, _ELSE).format(**context)
