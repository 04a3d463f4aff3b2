"""Names as a list shows them, names that are easily mixed up, and finding somebody."""

from __future__ import annotations

import random
import time
from datetime import date

import pytest

from pmsapp.domain.worklist.patients import PatientOfDay, family_first, initials, matches, similar_names

BORN = date(1979, 3, 12)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Marigold Quoll", ("Quoll", "Marigold")),
        ("Anna Maria van der Berg", ("van der Berg", "Anna Maria")),
        ("Quoll, Marigold", ("Quoll", "Marigold")),
        ("Madonna", ("Madonna", "")),
        ("Van Nguyen", ("Nguyen", "Van")),
    ],
)
def test_a_name_is_shown_family_first(name: str, shown: tuple[str, str]) -> None:
    assert family_first(name) == shown


def test_initials_are_all_that_is_left_of_a_hidden_name() -> None:
    assert initials("Marigold Quoll") == "M. Q."
    assert initials("Madonna") == "M."


def alike(*patients: tuple[str | None, date | None, str]) -> dict[int, tuple[int, ...]]:
    return similar_names(
        PatientOfDay(number, name, born, (1, key)) for number, (name, born, key) in enumerate(patients, 1)
    )


def test_twins_caution_both_cards() -> None:
    found = alike(("Ada Quoll", BORN, "a"), ("Zoe Quoll", BORN, "b"), ("Zoe Finch", BORN, "c"))
    assert found == {1: (2,), 2: (1,)}


@pytest.mark.parametrize(
    ("first", "other"),
    [
        ("Kate Quoll", "Kath Quoll"),
        ("Jon Smith", "John Smith"),
        ("Anna Petersen", "Anna Peterson"),
        ("Lee Kim", "Kim Lee"),
        ("A. Quoll", "Ada Quoll"),
    ],
)
def test_names_that_are_nearly_one_anothers_caution(first: str, other: str) -> None:
    found = alike((first, BORN, "a"), (other, date(1990, 1, 1), "b"))
    assert found == {1: (2,), 2: (1,)}


def test_two_visits_of_one_patient_are_nobodys_mix_up() -> None:
    assert alike(("Ada Quoll", BORN, "a"), ("Ada Quoll", BORN, "a")) == {}


def test_a_shared_family_name_alone_is_no_caution() -> None:
    assert alike(("Ada Quoll", BORN, "a"), ("Zoe Quoll", date(1990, 1, 1), "b")) == {}


def test_a_missing_name_cautions_nobody() -> None:
    assert alike((None, BORN, "a"), (None, BORN, "b")) == {}


def test_a_day_of_400_patients_is_compared_quickly() -> None:
    dice = random.Random(1)
    names = ["".join(dice.choices("abcdefghijkl", k=6)).capitalize() for _ in range(120)]
    day = [
        PatientOfDay(number, f"{dice.choice(names)} {dice.choice(names)}", BORN, (1, str(number)))
        for number in range(400)
    ]
    similar_names(day)
    begun = time.process_time()
    similar_names(day)
    assert time.process_time() - begun < 0.5


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("quo", True),
        ("mari quoll", True),
        ("Quoll, Marigold", True),
        ("gold", False),
        ("570 156", True),
        ("0491 570 156", True),
        ("12/03/1979", True),
        ("1979-03-12", True),
        ("quoll 1980", False),
        ("", True),
        ("finch", False),
        ("%", False),
    ],
)
def test_somebody_is_found_by_name_phone_or_birth_date(query: str, found: bool) -> None:
    assert matches(query, name="Marigold Quoll", birth_date=BORN, phone="+61491570156") is found


def test_accents_do_not_hide_anybody() -> None:
    assert matches("zoe", name="Zoë Núñez", birth_date=None, phone=None)
    assert matches("nunez", name="Zoë Núñez", birth_date=None, phone=None)
