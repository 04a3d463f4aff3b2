"""Times, ages, phones and numbers as people read them."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

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
    assert fmt.phone(stored) == shown


@pytest.mark.parametrize(
    ("stored", "href"),
    [
        ("+61491570156", "tel:+61491570156"),
        ("javascript:alert(1)", "tel:1"),
        ("03 9123\n4567", "tel:0391234567"),
        ("ask the daughter", None),
    ],
)
def test_a_phone_link_holds_nothing_but_digits(stored: str, href: str | None) -> None:
    assert fmt.phone_href(stored) == href


@pytest.mark.parametrize(
    ("seconds", "said"), [(-3, "0 s"), (20, "20 s"), (180, "3 min"), (7500, "2 h 5 min"), (7200, "2 h")]
)
def test_a_span_is_short(seconds: float, said: str) -> None:
    assert fmt.span(seconds) == said


def test_numbers_come_with_their_noun() -> None:
    assert [fmt.plural(number, "card") for number in (0, 1, 2)] == ["0 cards", "1 card", "2 cards"]
    assert fmt.listed(["A", "B", "C"]) == "A, B and C"
    assert fmt.listed(["A"]) == "A"
