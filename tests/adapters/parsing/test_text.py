"""Cleaning what vendors send: never raises, never "", bounded, and safe for databases, logs and screens."""

from __future__ import annotations

import unicodedata
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pmsapp.adapters.parsing.text import (
    MAX_CONTACT,
    MAX_SHAPE,
    clean_email,
    clean_id,
    clean_phone,
    clean_text,
    clean_token,
    join_notes,
    parse_date,
    parse_instant,
    person_name,
    phones_in,
    shape_of,
    telehealth_words,
    whole_minutes,
)
from tests.support import tables

# No deadline: the machine that runs these is often busy.
QUICK = settings(deadline=None, max_examples=60)
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(max_size=4),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
EVERY_CHARACTER = st.text(alphabet=st.characters(), max_size=60)


@pytest.mark.parametrize(
    ("value", "cleaned"),
    [
        ("  Zoë   Müller ", "Zoë Müller"),
        ("a\x00b\x07c", "abc"),
        ("tab\tnew\nline", "tab new line"),
        ("\ud800half", "half"),
        ("\u202eevil", "evil"),
        ("👩\u200d⚕️ ok", "👩\u200d⚕️ ok"),
        ("\ufeffmark", "mark"),
        ("", None),
        ("   ", None),
        ("\x00", None),
        (None, None),
        (7, None),
        (["x"], None),
    ],
)
def test_text_is_one_clean_line(value: object, cleaned: str | None) -> None:
    assert clean_text(value) == cleaned


def test_long_text_is_cut_with_a_mark() -> None:
    assert clean_text("x" * 11, 10) == "x" * 9 + "…"
    assert clean_text("x" * 10, 10) == "x" * 10
    assert len(clean_text("e" + "\u0301" * 10_000, 200) or "") <= 200
    assert len(clean_text("x" * 10_000_000, 200) or "") == 200


def test_line_breaks_stay_where_they_are_wanted() -> None:
    assert clean_text(" a  b \r\n\tc\u2028d\r", 99, lines=True) == "a b\nc\nd"


@QUICK
@given(EVERY_CHARACTER, st.integers(1, 30), st.booleans())
def test_cleaned_text_can_be_stored_whatever_came(text: str, max_len: int, lines: bool) -> None:
    cleaned = clean_text(text, max_len, lines=lines)
    if cleaned is None:
        return
    cleaned.encode("utf-8")
    assert 0 < len(cleaned) <= max_len
    assert cleaned == cleaned.strip()
    assert not any(char < " " and char != "\n" for char in cleaned)
    assert lines or "\n" not in cleaned
    assert clean_text(cleaned, max_len, lines=lines) == cleaned


@QUICK
@given(ANYTHING)
def test_nothing_raises_whatever_came(value: Any) -> None:
    for clean in (
        clean_text,
        clean_id,
        clean_phone,
        clean_email,
        parse_date,
        parse_instant,
        whole_minutes,
        shape_of,
    ):
        clean(value)
    person_name(value, value, value)
    join_notes([value, value])


@pytest.mark.parametrize(
    ("value", "cleaned"),
    [
        ("a1b2", "a1b2"),
        (" 42 ", "42"),
        (42, "42"),
        (0, "0"),
        (True, None),
        (1.5, None),
        ("", None),
        (None, None),
        ("x" * 201, None),
        ("a\x00b", None),
        ({}, None),
    ],
)
def test_ids_are_text_or_whole_numbers(value: object, cleaned: str | None) -> None:
    assert clean_id(value) == cleaned


@pytest.mark.parametrize(
    ("given_name", "family", "preferred", "name"),
    [
        ("Marigold", "Quoll", None, "Marigold Quoll"),
        ("Marigold", "Quoll", "Goldie", "Goldie Quoll"),
        (None, "Quoll", None, "Quoll"),
        ("Marigold", None, None, "Marigold"),
        ("", "  ", "", None),
        (" Anne  Marie ", " O'Dwyer-Banks ", None, "Anne Marie O'Dwyer-Banks"),
    ],
)
def test_names_are_given_then_family(
    given_name: str | None, family: str | None, preferred: str | None, name: str | None
) -> None:
    assert person_name(given_name, family, preferred) == name


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("0491 570 156", "+61491570156"),
        ("+61 491 570 156", "+61491570156"),
        ("(03) 7010 0101", "+61370100101"),
        ("61491570156", "+61491570156"),
        ("1300 975 707", "+611300975707"),
        ("+64 21 123 456", "+6421123456"),
        ("7010 0101", "7010 0101"),
        ("0491 57", "0491 57"),
        ("0491 570 156 (mum)", "0491 570 156 (mum)"),
        ("ask Fern 0491 570 156", "ask Fern 0491 570 156"),
        ("no phone", "no phone"),
        ("000", "000"),
        ("++", "++"),
        ("", None),
        (None, None),
        (491570156, None),
    ],
)
def test_phones_are_e164_where_they_are_whole_numbers(typed: object, stored: str | None) -> None:
    assert clean_phone(typed) == stored


AS_WRITTEN = """
text                               | dials
Mum 0491 570 156 after 3pm         | +61491570156
0491 570 156 (Axel)                | +61491570156
0491 570 156 / 0491 570 157        | +61491570156 +61491570157
0491 570 156 0491 570 157          | +61491570156 +61491570157
0491570156,0491570157              | +61491570156 +61491570157
0491 570 156; 03 7010 1234 ext 12  | +61491570156 +61370101234
03 7010 1234 ext 12                | +61370101234
(03) 7010 1234 #12                 | +61370101234
03 7010 1234;ext=12                | +61370101234
+61 491 570 156 / 157              | +61491570156
h 03 7010 1234 m 0491 570 156      | +61370101234 +61491570156
+44 20 7946 0123 (UK)              | +442079460123
0491 570 15                        | -
0491 570 156 9                     | -
+12345                             | -
7010 0101                          | -
medicare 2428 77813 2              | -
ask the daughter                   | -
born 12/03/1979                    | -
javascript:alert(1)                | -
"""


@pytest.mark.parametrize("row", tables.rows(AS_WRITTEN), ids=lambda row: row["text"])
def test_field_01_a_text_that_is_not_one_number_is_stored_as_received(row: dict[str, str]) -> None:
    text = row["text"]
    assert clean_phone(text) == text
    found = phones_in(text)
    assert [phone.number for phone in found] == row["dials"].replace("-", "").split()
    for phone in found:
        written = "".join(char for char in text[phone.start : phone.end] if char.isdigit())
        assert written.removeprefix("0") in phone.number


def test_field_01_a_number_that_was_cut_off_is_not_dialled() -> None:
    stored = clean_phone("x" * (MAX_CONTACT - 12) + " 0370101234567")
    assert stored is not None
    assert stored.endswith("0370101234…")
    assert phones_in(stored) == ()


@pytest.mark.parametrize(
    "value",
    [
        "m.quoll@example.com",
        "lee@example.com; mum@example.com",
        "lee@example.com, mum@example.com",
        "A Name <lee@example.com>",
        "no address",
        "a@b@c",
    ],
)
def test_field_02_what_stands_in_the_mail_field_is_kept_as_received(value: str) -> None:
    assert clean_email(f" {value} ") == value


@pytest.mark.parametrize(
    ("given_name", "family", "preferred", "name"),
    [
        (".", "Suharto", None, "Suharto"),
        ("-", "Suharto", None, "Suharto"),
        ("Onlyname", "Suharto", None, "Suharto"),
        ("(no name)", "Suharto", None, "Suharto"),
        ("Marigold", "Quoll", "-", "Marigold Quoll"),
        ("Marigold", "?", None, "Marigold"),
        ("Unknown", "Unknown", None, "Unknown Unknown"),
        ("-", None, None, "-"),
        ("Null", "None", None, "Null None"),
    ],
)
def test_field_02_what_stands_in_for_a_missing_name_is_no_part_of_one(
    given_name: str | None, family: str | None, preferred: str | None, name: str
) -> None:
    assert person_name(given_name, family, preferred) == name


@pytest.mark.parametrize(
    ("value", "day"),
    [
        ("1984-02-29", date(1984, 2, 29)),
        ("1984-02-29T00:00:00Z", date(1984, 2, 29)),
        ("1983-02-29", None),
        ("0001-01-01", None),
        ("9999-12-31", None),
        ("29/02/1984", None),
        ("1984-2-9", None),
        ("", None),
        (19840229, None),
        ("１９８４-02-29", None),
    ],
)
def test_dates_are_calendar_days(value: object, day: date | None) -> None:
    assert parse_date(value) == day


@pytest.mark.parametrize(
    ("value", "instant"),
    [
        ("2026-11-22T22:30:00.000+00:00", datetime(2026, 11, 22, 22, 30, tzinfo=UTC)),
        ("2026-11-23T09:30:00+11:00", datetime(2026, 11, 22, 22, 30, tzinfo=UTC)),
        ("2026-11-22T22:30:00Z", datetime(2026, 11, 22, 22, 30, tzinfo=UTC)),
        ("2026-11-22t22:30z", datetime(2026, 11, 22, 22, 30, tzinfo=UTC)),
        ("2026-11-23 09:30+1100", datetime(2026, 11, 22, 22, 30, tzinfo=UTC)),
        ("2020-12-15T07:43:52.529+0000", datetime(2020, 12, 15, 7, 43, 52, 529000, tzinfo=UTC)),
        ("2026-11-23T09:30:00.123456789+11:00", datetime(2026, 11, 22, 22, 30, 0, 123456, tzinfo=UTC)),
        ("2026-11-22T22:30:00", None),
        ("2026-11-22T24:00:00Z", None),
        ("2026-11-22T23:59:60Z", None),
        ("2026-02-30T10:00:00Z", None),
        ("0001-01-01T00:00:00+10:00", None),
        ("9999-12-31T23:59:59-10:00", None),
        ("1764000000", None),
        (1764000000, None),
        ("2026-11-22", None),
        ("", None),
        (None, None),
    ],
)
def test_instants_need_an_offset(value: object, instant: datetime | None) -> None:
    assert parse_instant(value) == instant


@pytest.mark.parametrize(
    ("value", "minutes"),
    [
        (15, 15),
        (12.4, 12),
        (0.2, 1),
        (0, None),
        (-5, None),
        (True, None),
        ("15", None),
        (10**9, None),
        (None, None),
    ],
)
def test_minutes_are_positive_and_sane(value: object, minutes: int | None) -> None:
    assert whole_minutes(value) == minutes


@pytest.mark.parametrize(
    "name",
    [
        "Telehealth consult",
        "TELE-HEALTH",
        "Video – standard",
        "Phone review",
        "Telephone: script request",
        "Virtual group session",
        "Mental health plan (online)",
        "Remote check",
        "Videocall 20",
        "AFTER HOURS PHONE",
    ],
)
def test_words_for_a_visit_at_a_distance_are_noticed(name: str) -> None:
    suggested, evidence = telehealth_words(name)
    assert suggested
    assert evidence


@pytest.mark.parametrize(
    "name",
    [
        None,
        "",
        "Standard consult",
        "Videofluoroscopy (in rooms)",
        "Headphones fitting",
        "Non-telehealth",
        "Not video",
    ],
)
def test_words_that_only_look_like_it_are_not(name: str | None) -> None:
    assert telehealth_words(name) == (False, None)


def test_free_texts_are_joined_without_saying_things_twice() -> None:
    assert join_notes(["Bring list", None, "", "Review", "Bring list"]) == "Bring list\nReview"
    assert join_notes([None, ""]) is None


def test_a_shape_tells_kinds_and_never_values() -> None:
    record = {
        "id": "CANARY",
        "n": 3,
        "x": 1.5,
        "ok": True,
        "none": None,
        "blank": " ",
        "list": [{"a": "CANARY"}, {"a": "CANARY"}, {"a": None}],
        "CANARY Marigold Quoll": 1,
    }
    assert shape_of(record) == (
        "{id: text, n: whole number, x: number, ok: yes/no, none: null, blank: empty text, "
        "list: [{a: text}, {a: null}], ?: whole number}"
    )


def test_a_shape_is_bounded() -> None:
    deep: Any = {}
    for _ in range(500):
        deep = {"a": deep}
    wide = {f"key_{n}": {f"inner_{m}": [] for m in range(100)} for n in range(1000)}
    assert len(shape_of(deep)) < 100
    assert len(shape_of(wide)) <= MAX_SHAPE


def test_a_token_is_what_a_header_can_carry() -> None:
    assert clean_token(" abc.DEF-123_~+/= ") == "abc.DEF-123_~+/="
    odd = (None, 7, "", " ", "two words", "line\nbreak", "half \ud800", "\ud800", "\x00", "naïve", "x" * 8193)
    assert [clean_token(value) for value in odd] == [None] * len(odd)


PIECES = st.sampled_from(
    [
        "0491 570 156",
        "0491570157",
        "(03) 7010 1234",
        "+61 491 570 156",
        "ext 12",
        "#12",
        "/",
        ";",
        ",",
        " ",
        "Mum",
        "after 3pm",
    ]
) | st.text(alphabet=st.characters(), max_size=6)
PHONE_TEXTS = (
    st.lists(PIECES, max_size=6).map(" ".join) | EVERY_CHARACTER | st.from_regex(r"[0-9 +()/.-]{0,30}")
)


def digits_of(text: str) -> str:
    return "".join(str(unicodedata.decimal(char)) for char in text if char.isdecimal())


@QUICK
@given(PHONE_TEXTS)
def test_field_01_what_is_stored_of_a_phone_is_what_was_received_or_equal_to_it(text: str) -> None:
    received, stored = clean_text(text, MAX_CONTACT), clean_phone(text)
    if stored == received:
        return
    # One whole number: its digits are those of the text, but for the country code and a leading zero.
    assert stored is not None
    assert received is not None
    assert not any(char.isalpha() for char in received)
    ending = digits_of(received).removeprefix("0011").removeprefix("61").removeprefix("0")
    assert stored.endswith(ending)


@QUICK
@given(PHONE_TEXTS)
def test_field_01_a_number_to_dial_is_always_contained_in_the_text(text: str) -> None:
    stored = clean_phone(text) or ""
    for found in phones_in(stored):
        written = digits_of(stored[found.start : found.end])
        assert any(
            written in (begin + found.number[cut:] for cut in range(1, 5))
            for begin in ("", "0", "610", "0011")
        )
        assert not stored[found.end :][:1].isdecimal()
        assert not stored[: found.start][-1:].isdecimal()


@QUICK
@given(EVERY_CHARACTER)
def test_field_02_a_mail_field_is_shown_as_received(text: str) -> None:
    assert clean_email(text) == clean_text(text, MAX_CONTACT)
