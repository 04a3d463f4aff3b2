"""Matching practitioners to clinicians by name, with a reason reception can read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pmsapp.domain.appointment import Practitioner
from pmsapp.domain.names import clear_choice, likeness, names_alike, split_name, suggest


@pytest.mark.parametrize(
    ("theirs", "ours", "score", "reason"),
    [
        ("Marigold Quoll", "Marigold Quoll", 1.0, "same name"),
        ("Dr Marigold Quoll", "Marigold Quoll", 1.0, "same name; title ignored"),
        ("A/Prof Marigold Quoll", "Dr Marigold Quoll", 1.0, "same name; title ignored"),
        ("Quoll, Marigold", "Marigold Quoll", 1.0, "same name"),
        ("Marigold Anne Quoll", "Marigold Quoll", 0.95, "same first name and surname; middle name ignored"),
        ("Quoll Marigold", "Marigold Quoll", 0.9, "same names in another order"),
        ("Marigold Quoll", "Dr M Quoll", 0.85, "same surname and first letter; title ignored"),
        ("A Quoll", "Anne Quoll", 0.85, "same surname and first letter"),
        ("Sofía Núñez", "Sofia Nunez", 1.0, "same name"),
        ("Siobhan O’Neil", "Siobhan O'Neil", 1.0, "same name"),
        ("Jan van der Berg", "Dr Berg", None, None),
        ("Jan van der Berg", "Jan Van Der Berg", 1.0, "same name"),
        ("Marigold Quoll", "Dr Quoll", 0.7, "same surname; only one has a first name; title ignored"),
        ("Marigold Quoll", "Peter Quoll", 0.45, "same surname, but another first name"),
        ("Marigold Quoll", "Marigold Quol", 0.8, "same first name and nearly the same surname"),
        ("Marigold Quoll-Smith", "Marigold Quoll", 0.75, "same first name; one surname is part of the other"),
        ("Marigold Quoll", "Peter Wombat", None, None),
        ("", "Peter Wombat", None, None),
    ],
)
def test_two_names_are_compared_with_a_reason(
    theirs: str, ours: str, score: float | None, reason: str | None
) -> None:
    found = likeness(split_name(theirs), split_name(ours))
    assert found == (None if score is None else (score, reason))


def test_the_vendors_own_given_and_family_are_used_where_it_has_them() -> None:
    practitioner = Practitioner("p1", "Dr de la Cruz", given="Ana", family="De la Cruz", prefix="Dr")
    (best,) = suggest(practitioner, [(1, "Ana de la Cruz")])
    assert (best.score, best.reason) == (1.0, "same name; title ignored")


def test_suggestions_come_best_first_and_are_few() -> None:
    clinicians = [(1, "Peter Quoll"), (2, "M Quoll"), (3, "Marigold Quoll"), (4, "Dr Quoll"), (5, "Zoe Emu")]
    found = suggest(Practitioner("p1", "Marigold Quoll"), clinicians)
    assert [item.clinician_id for item in found] == [3, 2, 4]


def test_one_clear_candidate_is_chosen() -> None:
    found = suggest(Practitioner("p1", "Dr Marigold Quoll"), [(1, "Marigold Quoll"), (2, "Peter Quoll")])
    choice = clear_choice(found)
    assert choice is not None
    assert choice.clinician_id == 1


def test_two_close_candidates_are_left_to_a_person() -> None:
    found = suggest(Practitioner("p1", "M Quoll"), [(1, "Marigold Quoll"), (2, "Michael Quoll")])
    assert len(found) == 2
    assert clear_choice(found) is None


def test_a_weak_candidate_is_never_chosen() -> None:
    assert clear_choice(suggest(Practitioner("p1", "Marigold Quoll"), [(1, "Peter Quoll")])) is None


@given(st.text(max_size=40), st.text(max_size=40))
def test_any_two_texts_compare_alike_both_ways(first: str, other: str) -> None:
    there = likeness(split_name(first), split_name(other))
    back = likeness(split_name(other), split_name(first))
    assert there == back
    assert there is None or 0 < there[0] <= 1


def test_two_written_names_are_alike_when_a_person_would_say_so() -> None:
    assert names_alike("Marigold Quoll", "QUOLL, Marigold")
    assert names_alike("M Quoll", "Marigold Quoll")
    assert not names_alike("Marigold Quoll", "Peter Quoll")
    assert not names_alike("", "")
