"""Times, ages, phones and numbers as people read them."""

from __future__ import annotations

import unicodedata
from datetime import UTC, date, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pmsapp.web.ui import formatting as fmt

MELBOURNE = "Australia/Melbourne"
NOW = datetime(2026, 11, 23, 0, 30, tzinfo=UTC)  # Monday 11:30 in Melbourne


@pytest.mark.parametrize(
    ("instant", "said"),
    [
        (datetime(2026, 11, 22, 22, 2, tzinfo=UTC), "09:02"),
        (datetime(2026, 11, 22, 6, 40, tzinfo=UTC), "yesterday 17:40"),
        (datetime(2026, 11, 15, 22, 2, tzinfo=UTC), "Mon 16 Nov 09:02"),
        (datetime(2025, 11, 15, 22, 2, tzinfo=UTC), "Sun 16 Nov 2025 09:02"),
        (datetime(2026, 11, 23, 13, 0, tzinfo=UTC), "Tue 24 Nov 00:00"),
    ],
)
def test_a_moment_names_its_day_unless_it_is_today(instant: datetime, said: str) -> None:
    assert fmt.moment(instant, NOW, MELBOURNE) == said


def test_a_moment_follows_the_zone_not_the_server() -> None:
    assert fmt.moment(datetime(2026, 11, 22, 22, 2, tzinfo=UTC), NOW, "Australia/Perth") == "06:02"


def test_a_range_without_an_end_is_its_start() -> None:
    start = datetime(2026, 11, 22, 22, 0, tzinfo=UTC)
    assert fmt.time_range(start, None, MELBOURNE) == "09:00"
    assert fmt.time_range(start, start.replace(minute=20), MELBOURNE) == "09:00–09:20"


@pytest.mark.parametrize(("hour", "said"), [(0, "12 am"), (9, "9 am"), (12, "12 pm"), (13, "1 pm")])
def test_hours_read_as_people_say_them(hour: int, said: str) -> None:
    assert fmt.hour_words(hour) == said


def test_prose_uses_the_twelve_hour_clock() -> None:
    assert fmt.prose_time(datetime(2026, 11, 22, 22, 5, tzinfo=UTC), MELBOURNE) == "9:05 am"


@pytest.mark.parametrize(
    ("born", "said"),
    [
        (date(1979, 11, 24), "46 y"),
        (date(1979, 11, 23), "47 y"),
        (date(2026, 5, 24), "5 mo"),
        (date(2024, 11, 23), "2 y"),
        (date(2027, 1, 1), ""),
    ],
)
def test_an_age_is_whole_years_and_months_for_the_youngest(born: date, said: str) -> None:
    assert fmt.age(born, date(2026, 11, 23)) == said


@pytest.mark.parametrize(
    ("stored", "shown"),
    [
        ("+61491570156", "0491 570 156"),
        ("+61391234567", "03 9123 4567"),
        ("+64211234567", "+64 21 123 4567"),
        ("1300 975 711", "1300 975 711"),
        ("ask the daughter", "ask the daughter"),
        ("", ""),
    ],
)
def test_phones_are_grouped_for_reading(stored: str, shown: str) -> None:
    assert str(fmt.phone(stored)) == shown


@pytest.mark.parametrize(
    ("stored", "links"),
    [
        ("+61491570156", [("0491 570 156", "tel:+61491570156")]),
        ("+442079460123", [("+44 20 7946 0123", "tel:+442079460123")]),
        ("Mum 0491 570 156 after 3pm", [("0491 570 156", "tel:+61491570156")]),
        ("(03) 7010 1234 #12", [("(03) 7010 1234", "tel:+61370101234")]),
        (
            "0491 570 156 / 0491 570 157",
            [("0491 570 156", "tel:+61491570156"), ("0491 570 157", "tel:+61491570157")],
        ),
        ("0491 570 15", []),
        ("javascript:alert(1)", []),
        ("ask the daughter", []),
    ],
)
def test_field_01_a_link_dials_a_number_that_stands_in_the_text(
    stored: str, links: list[tuple[str, str]]
) -> None:
    shown = fmt.phone(stored)
    assert [(part.text, part.href) for part in shown.parts if part.href] == links


@settings(deadline=None, max_examples=60)
@given(st.text(max_size=40) | st.from_regex(r"[0-9 +()/.a-z-]{0,30}"))
def test_field_01_a_phone_is_shown_whole(text: str) -> None:
    shown = str(fmt.phone(text))
    assert shown == text or digits_of(shown).lstrip("0") in digits_of(text)


def digits_of(text: str) -> str:
    return "".join(str(unicodedata.decimal(char)) for char in text if char.isdecimal())


@pytest.mark.parametrize(
    ("seconds", "said"), [(-3, "0 s"), (20, "20 s"), (180, "3 min"), (7500, "2 h 5 min"), (7200, "2 h")]
)
def test_a_span_is_short(seconds: float, said: str) -> None:
    assert fmt.span(seconds) == said


def test_numbers_come_with_their_noun() -> None:
    assert [fmt.plural(number, "card") for number in (0, 1, 2)] == ["0 cards", "1 card", "2 cards"]
    assert fmt.listed(["A", "B", "C"]) == "A, B and C"
    assert fmt.listed(["A"]) == "A"
