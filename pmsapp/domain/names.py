"""How alike the name of a PMS practitioner and of a run sheet clinician are, with the reason in words. Pure.

Reception reads the reason, so it says what was compared and what was ignored; the score only sorts.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from rapidfuzz.distance import JaroWinkler

from pmsapp.domain.appointment import Practitioner

CLEARLY_AHEAD = 0.15
GOOD_ENOUGH = 0.7
WORTH_NAMING = 0.4
_NEARLY_SAME = 0.93
_SIMILAR_GIVEN = 0.88

_TITLES = frozenset(
    [
        "assoc",
        "associate",
        "asst",
        "dame",
        "doctor",
        "dr",
        "drs",
        "hon",
        "lady",
        "miss",
        "mr",
        "mrs",
        "ms",
        "mx",
        "nurse",
        "prof",
        "professor",
        "rn",
        "sir",
        "sister",
        "sr",
    ]
)
# Joined to the word after them: "van der Berg" is one surname.
PARTICLES = frozenset(
    [
        "al",
        "bin",
        "da",
        "de",
        "del",
        "den",
        "der",
        "di",
        "do",
        "dos",
        "du",
        "el",
        "la",
        "le",
        "ten",
        "ter",
        "van",
        "von",
    ]
)


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A clinician who may be this practitioner. `score` 0.0 to 1.0; `reason` in words."""

    clinician_id: int
    name: str
    score: float
    reason: str


@dataclass(frozen=True, slots=True)
class NameParts:
    """A name taken apart for comparing: lower case, no accents, titles left out."""

    given: tuple[str, ...]
    family: str
    had_title: bool

    @property
    def first(self) -> str:
        return self.given[0] if self.given else ""


def split_name(text: str) -> NameParts:
    """Take "Dr Marigold A. Quoll" or "Quoll, Marigold" apart. An empty name gives empty parts."""
    head, comma, tail = text.partition(",")
    words, title = _words(f"{tail} {head}" if comma and _words(tail)[0] else head)
    if not words:
        return NameParts((), "", title)
    cut = len(words) - 1
    while cut > 1 and words[cut - 1] in PARTICLES:
        cut -= 1
    return NameParts(tuple(words[:cut]), "".join(words[cut:]), title)


def parts_of(practitioner: Practitioner) -> NameParts:
    """The practitioner's name parts: the vendor's own given and family where it has them."""
    if not practitioner.family:
        return split_name(practitioner.name)
    family, family_title = _words(practitioner.family)
    given, given_title = _words(practitioner.given or "")
    titled = bool(practitioner.prefix) or family_title or given_title
    return NameParts(tuple(given), "".join(family), titled)


def likeness(first: NameParts, other: NameParts) -> tuple[float, str] | None:
    """Score and reason, None when the two names have nothing worth naming in common."""
    found = _compare(first, other)
    if found is None:
        return None
    score, reason = found
    if first.had_title or other.had_title:
        reason += "; title ignored"
    return score, reason


def names_alike(first: str, other: str) -> bool:
    """True when two written names are likely one person: same surname with a fitting first name, or nearly so."""
    alike = likeness(split_name(first), split_name(other))
    return alike is not None and alike[0] >= GOOD_ENOUGH


def suggest(
    practitioner: Practitioner, clinicians: Iterable[tuple[int, str]], limit: int = 3
) -> tuple[Suggestion, ...]:
    """The clinicians who may be this practitioner, best first. `clinicians`: (id, name)."""
    wanted = parts_of(practitioner)
    found = []
    for clinician_id, name in clinicians:
        alike = likeness(wanted, split_name(name))
        if alike is not None and alike[0] >= WORTH_NAMING:
            found.append(Suggestion(clinician_id, name, *alike))
    found.sort(key=lambda item: (-item.score, item.name.casefold(), item.clinician_id))
    return tuple(found[:limit])


def clear_choice(suggestions: Iterable[Suggestion]) -> Suggestion | None:
    """The best suggestion when it is good and clearly ahead of the next, else None: a person chooses."""
    ranked = list(suggestions)
    if not ranked or ranked[0].score < GOOD_ENOUGH:
        return None
    if len(ranked) > 1 and ranked[0].score - ranked[1].score < CLEARLY_AHEAD:
        return None
    return ranked[0]


def _compare(first: NameParts, other: NameParts) -> tuple[float, str] | None:
    if not first.family or not other.family:
        return None
    if first.family == other.family:
        return _compare_given(first, other)
    if _bag(first) == _bag(other):
        return 0.9, "same names in another order"
    if first.first and first.first == other.first:
        if JaroWinkler.similarity(first.family, other.family) >= _NEARLY_SAME:
            return 0.8, "same first name and nearly the same surname"
        if _is_double_of(first.family, other.family):
            return 0.75, "same first name; one surname is part of the other"
    return None


def _compare_given(first: NameParts, other: NameParts) -> tuple[float, str]:
    if first.given == other.given:
        return 1.0, "same name" if first.given else "same surname; no first names to compare"
    if not first.first or not other.first:
        return 0.7, "same surname; only one has a first name"
    if first.first == other.first:
        return 0.95, "same first name and surname; middle name ignored"
    if min(len(first.first), len(other.first)) == 1 and first.first[0] == other.first[0]:
        return 0.85, "same surname and first letter"
    if JaroWinkler.similarity(first.first, other.first) >= _SIMILAR_GIVEN:
        return 0.85, "same surname and similar first name"
    if first.first[0] == other.first[0]:
        return 0.75, "same surname and first letter"
    return 0.45, "same surname, but another first name"


def _bag(parts: NameParts) -> list[str]:
    return sorted([*parts.given, parts.family])


def _is_double_of(first: str, other: str) -> bool:
    short, long = sorted((first, other), key=len)
    return len(short) >= 3 and (long.startswith(short) or long.endswith(short))


def _words(text: str) -> tuple[list[str], bool]:
    """The words of a name without titles, and whether there was a title."""
    plain = unicodedata.normalize("NFKD", text).casefold()
    plain = "".join(char for char in plain if not unicodedata.combining(char))
    plain = re.sub(r"[’'`‐–-]", "", re.sub(r"\ba\s*/\s*prof\b", "prof", plain))
    words = [word for word in re.split(r"[^\w]+", plain) if word]
    kept = list(words)
    while len(kept) > 1 and kept[0] in _TITLES:
        kept.pop(0)
    return kept, len(kept) < len(words)
