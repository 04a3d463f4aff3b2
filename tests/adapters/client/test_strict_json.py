"""JSON as the standard has it: what is refused, what is kept, and that the fast way and the slow way agree."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pmsapp.adapters.client import strict_json
from pmsapp.adapters.client.strict_json import MAX_DEPTH, JSONRefusedError, loads

# No deadline: the machine that runs these is often busy.
QUICK = settings(deadline=None, max_examples=60)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=20,
)


@QUICK
@given(
    VALUES,
    st.booleans(),
    st.sampled_from([None, 2]),
    st.sampled_from([(",", ":"), (", ", ": "), (" , ", " : ")]),
)
def test_whatever_is_json_comes_back_as_it_was(
    value: Any, ascii_only: bool, indent: int | None, separators: tuple[str, str]
) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only, indent=indent, separators=separators)
    raw = text.encode("utf-8", "surrogatepass")
    try:
        assert loads(raw) == value
    except JSONRefusedError:
        assert any("\ud800" <= char <= "\udfff" for char in text)


@QUICK
@given(
    st.text(max_size=6).filter(lambda text: not any("\ud800" <= char <= "\udfff" for char in text)),
    VALUES,
    st.booleans(),
    st.sampled_from([":", ": ", " :", "\t:", "\n : "]),
)
def test_a_key_that_comes_twice_is_always_noticed(key: str, value: Any, ascii_only: bool, colon: str) -> None:
    quoted = json.dumps(key, ensure_ascii=ascii_only)
    inside = json.dumps(value)
    text = f'{{"list": [{{{quoted}{colon}{inside}, {quoted}{colon}1}}], "at": ":\\":{{"}}'
    with pytest.raises(JSONRefusedError):
        loads(text.encode())


@pytest.mark.parametrize(
    "raw",
    [
        rb'{"a": 1, "\u0061": 2}',
        rb'{"a:": 1, "a\u003a": 2}',
        rb'{"\"": 1, "\u0022": 2, "x": "\u0022:"}',
        rb'{"a" :1,"a" :2}',
        b'{"a": {"b": 1, "b": 1}}',
        b'{"a": [1, {"": 1, "": 2}]}',
    ],
)
def test_a_key_twice_in_another_spelling_is_noticed_too(raw: bytes) -> None:
    with pytest.raises(JSONRefusedError, match="twice"):
        loads(raw)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b'{"a": 1} {"b": 2}',
        b"{'a': 1}",
        b'{"a": 1,}',
        b'{"a": NaN}',
        b'{"a": Infinity}',
        b'{"a": -Infinity}',
        b'{"a": 1e999}',
        b'{"a": ' + b"1" * 5000 + b"}",
        b'{"a": "\x00"}',
        b'{"a": "\xff"}',
        b'\xef\xbb\xbf{"a": 1}',
        '{"a": 1}'.encode("utf-16"),
        b"/* no */ {}",
    ],
)
def test_what_is_no_json_is_refused_without_repeating_it(raw: bytes) -> None:
    with pytest.raises(JSONRefusedError) as caught:
        loads(raw)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None or "\xff" not in str(caught.value.__context__)
    assert len(str(caught.value)) < 40


@pytest.mark.parametrize(("opening", "closing"), [(b"[", b"]"), (b'{"a":', b"}"), (b'[{"a":', b"}]")])
def test_nesting_is_bounded(opening: bytes, closing: bytes) -> None:
    per_round = opening.count(b"[") + opening.count(b"{")
    rounds = MAX_DEPTH // per_round
    assert loads(opening * rounds + b"1" + closing * rounds)
    with pytest.raises(JSONRefusedError, match="deep"):
        loads(opening * (rounds + 1) + b"1" + closing * (rounds + 1))
    with pytest.raises(JSONRefusedError):
        loads(opening * 100_000 + b"1" + closing * 100_000)


def test_brackets_inside_texts_do_not_count_as_nesting() -> None:
    assert loads(b'{"a": "' + b"[{" * 200 + b'", "b": "' + b"}" * 70 + b'"}')["b"] == "}" * 70


@pytest.mark.parametrize(
    ("raw", "value"), [(rb'"\ud800"', "\ud800"), (rb'"\u0000"', "\x00"), (rb'"\u202e"', "\u202e")]
)
def test_odd_characters_written_as_escapes_are_left_to_the_field(raw: bytes, value: str) -> None:
    assert loads(raw) == value


@pytest.mark.parametrize("raw", [b"18446744073709551617", b"1e-999", b"1.5", b"-0", b"null"])
def test_plain_values_are_taken(raw: bytes) -> None:
    loads(raw)


def test_both_ways_give_the_same() -> None:
    raw = json.dumps({"a": [1, 2.5, None, True, 'é:\\"'], "b": {"c": {}}}).encode()
    assert loads(raw) == strict_json._loads_slowly(raw)
