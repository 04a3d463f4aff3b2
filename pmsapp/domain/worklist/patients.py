"""Names of patients as a list shows them, names that are easily mixed up, and finding somebody. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from pmsapp.domain.names import PARTICLES, NameParts, likeness, split_name

_NEAR = 0.75
_DIGITS = re.compile(r"\D+")


@dataclass(frozen=True, slots=True, repr=False)
class PatientOfDay:
    """Who a card is about. `patient`: what tells two patients apart, None where nothing does."""

    card_id: int
    name: str | None
    birth_date: date | None
    patient: tuple[int | None, str] | None = None

    def __repr__(self) -> str:
        return f"PatientOfDay({self.card_id})"


@lru_cache(maxsize=4096)
def family_first(name: str) -> tuple[str, str]:
    """("van der Berg", "Anna") of "Anna van der Berg"; a single word is a family name."""
    head, comma, tail = name.partition(",")
    if comma:
        return head.strip(), tail.strip()
    words = name.split()
    if len(words) < 2:
        return name.strip(), ""
    cut = len(words) - 1
    while cut > 1 and words[cut - 1].casefold() in PARTICLES:
        cut -= 1
    return " ".join(words[cut:]), " ".join(words[:cut])


def initials(name: str) -> str:
    """ "M. Q." of "Marigold Quoll"."""
    family, given = family_first(name)
    return " ".join(f"{word[:1].upper()}." for word in (given, family) if word)


def similar_names(patients: Iterable[PatientOfDay]) -> dict[int, tuple[int, ...]]:
    """Cards of different patients who are easily mixed up: card id -> ids of the others.

    Twins (same family name and birth date), and names that are nearly one another's. Names are only compared where
    a family name, a first name or all the words are the same, so that a day of 400 stays quick.
    """
    known = [(patient, _parts(patient.name)) for patient in patients if patient.name]
    groups: dict[tuple[str, str], list[tuple[PatientOfDay, NameParts]]] = {}
    for patient, parts in known:
        keys = {("family", parts.family), ("first", parts.first), ("all", " ".join(sorted(_bag(parts))))}
        for key in keys:
            if key[1]:
                groups.setdefault(key, []).append((patient, parts))
    found: dict[int, set[int]] = {}
    for members in groups.values():
        for at, (patient, parts) in enumerate(members):
            for other, others_parts in members[at + 1 :]:
                if _are_two(patient, other) and _are_alike(patient, parts, other, others_parts):
                    found.setdefault(patient.card_id, set()).add(other.card_id)
                    found.setdefault(other.card_id, set()).add(patient.card_id)
    return {card_id: tuple(sorted(others)) for card_id, others in found.items()}


def _are_two(patient: PatientOfDay, other: PatientOfDay) -> bool:
    """Two visits of one patient are nobody's mix-up."""
    if patient.patient is not None and other.patient is not None:
        return patient.patient != other.patient
    same = (patient.name, patient.birth_date) == (other.name, other.birth_date)
    return not (same and patient.birth_date is not None)


def _are_alike(patient: PatientOfDay, parts: NameParts, other: PatientOfDay, others_parts: NameParts) -> bool:
    same_birth = patient.birth_date is not None and patient.birth_date == other.birth_date
    if parts.family == others_parts.family and same_birth:
        return True
    return _near(parts, others_parts)


@lru_cache(maxsize=8192)
def _near(first: NameParts, other: NameParts) -> bool:
    alike = likeness(first, other)
    return alike is not None and alike[0] >= _NEAR


@lru_cache(maxsize=4096)
def _parts(name: str) -> NameParts:
    return split_name(name)


def _bag(parts: NameParts) -> Sequence[str]:
    return [*parts.given, parts.family]


def matches(query: str, *, name: str | None, birth_date: date | None, phone: str | None) -> bool:
    """True when every word of `query` is the beginning of a name, part of the phone, or of the birth date."""
    words = query.split()
    if not words:
        return True
    names = _words_of(name or "")
    digits = _DIGITS.sub("", phone or "").removeprefix("61")
    dates = _dates(birth_date)
    whole = _DIGITS.sub("", query)
    if len(whole) >= 4 and not re.search(r"[^\W\d_]", query) and whole.removeprefix("0") in digits:
        return True
    return all(_matches_word(word, names, digits, dates) for word in words)


def _matches_word(word: str, names: Sequence[str], digits: str, dates: Sequence[str]) -> bool:
    parts = _parts(word)
    plain = "".join((*parts.given, parts.family))
    number = _DIGITS.sub("", word).removeprefix("0")
    if number and not plain.strip("0123456789"):
        return (len(number) >= 3 and number in digits) or any(word.strip() in text for text in dates)
    return bool(plain) and any(part.startswith(plain) for part in names)


@lru_cache(maxsize=8192)
def _words_of(text: str) -> tuple[str, ...]:
    parts = split_name(text)
    return (*parts.given, parts.family, *text.casefold().replace(",", " ").split())


def _dates(day: date | None) -> tuple[str, ...]:
    if day is None:
        return ()
    return (day.isoformat(), f"{day:%d/%m/%Y}", f"{day.day}/{day.month}/{day.year}", f"{day:%d%m%Y}")
