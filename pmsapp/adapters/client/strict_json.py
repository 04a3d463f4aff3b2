"""JSON as the standard has it, and nothing more.

Refused: duplicate keys, NaN and Infinity, numbers too long to hold, nesting deeper than MAX_DEPTH, a byte order
mark, bytes that are not UTF-8, anything after the document. Kept: NUL, control characters and lone surrogates
written as escapes; `text.clean_text` takes them out field by field.

Two ways lead to the same answer. orjson is fast, but keeps the last of two equal keys. So its result is written out
again and the colons of both texts are counted: every key has one, inside texts they are the same, and a key that was
dropped took its own with it. Where that is not certain (a colon written as an escape), or where orjson refuses (lone
surrogates), the standard library decides, with a check on every object.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from typing import Any, NoReturn

import orjson

MAX_DEPTH = 64
# The longest number worth reading; a vendor's ids and durations are far shorter.
MAX_DIGITS = 40

_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_EMPTY_PAIR = re.compile(rb"\[\]|\{\}")


class JSONRefusedError(ValueError):
    """The text is not JSON that we accept. The message never holds a part of the text."""


class RepeatedKeyError(JSONRefusedError):
    """An object has a key twice, so that it is not certain what it says."""


def loads(raw: bytes) -> Any:
    """Decode one JSON document. Raises JSONRefusedError; RecursionError never escapes."""
    try:
        data = orjson.loads(raw)
        certain = _keeps_every_key(raw, data)
    except (orjson.JSONDecodeError, orjson.JSONEncodeError):
        certain = False
    if not certain:
        data = _loads_slowly(raw)
    if not _is_shallow(raw) and _depth(data) > MAX_DEPTH:
        raise JSONRefusedError("nested too deep")
    return data


def digest_of(data: Any) -> str:
    """A short mark of decoded JSON: another one means other data."""
    try:
        raw = orjson.dumps(data)
    except orjson.JSONEncodeError:  # half a surrogate pair
        raw = json.dumps(data).encode("ascii")
    return hashlib.blake2b(raw, digest_size=16).hexdigest()


def _keeps_every_key(raw: bytes, data: Any) -> bool:
    """True when it is certain that no object in `raw` had a key twice."""
    if b"\\u003" in raw:
        return False
    return raw.count(b":") == orjson.dumps(data).count(b":")


def _is_shallow(raw: bytes) -> bool:
    """True when peeling off the innermost brackets reaches the outside in MAX_DEPTH rounds."""
    brackets = raw.translate(None, _NOT_BRACKETS)
    for _ in range(MAX_DEPTH):
        if not brackets:
            return True
        peeled = _EMPTY_PAIR.sub(b"", brackets)
        if len(peeled) == len(brackets):
            return False
        brackets = peeled
    return not brackets


def _loads_slowly(raw: bytes) -> Any:
    try:
        return _STRICT.decode(raw.decode("utf-8"))
    except JSONRefusedError:
        raise
    except (ValueError, RecursionError) as exc:
        reason = "nested too deep" if isinstance(exc, RecursionError) else "not JSON"
    raise JSONRefusedError(reason)


def _depth(data: Any) -> int:
    """How deep lists and objects are nested in `data`; stops counting just past MAX_DEPTH."""
    level, depth = [data], 0
    while level and depth <= MAX_DEPTH:
        inner: list[Any] = []
        for value in level:
            if isinstance(value, dict):
                inner.extend(value.values())
            elif isinstance(value, list):
                inner.extend(value)
        level = [value for value in inner if isinstance(value, dict | list)]
        depth += 1
    return depth


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise RepeatedKeyError("a key appears twice")
    return found


def _no_constant(name: str) -> NoReturn:
    raise JSONRefusedError(f"{name} is not JSON")


def _bounded_int(digits: str) -> int:
    if len(digits) > MAX_DIGITS:
        raise JSONRefusedError("a number is too long")
    return int(digits)


def _bounded_float(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise JSONRefusedError("a number is too large")
    return value


_STRICT = json.JSONDecoder(
    object_pairs_hook=_unique_keys,
    parse_constant=_no_constant,
    parse_int=_bounded_int,
    parse_float=_bounded_float,
)
