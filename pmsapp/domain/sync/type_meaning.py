"""What an appointment type says of itself, and whether a decision about it has lost what it was about. Pure."""

from __future__ import annotations

import re
from typing import NamedTuple

_IN_PERSON = re.compile(
    r"\b(in[\s-]?person|face[\s-]to[\s-]face|f2f|in[\s-](?:the[\s-])?rooms?|in[\s-](?:the[\s-])?clinic|on[\s-]?site)\b",
    re.IGNORECASE,
)


class Meaning(NamedTuple):
    """`words`: telehealth by its name, in person, or None where the name says neither. `flag`: the vendor's own mark."""

    words: bool | None
    flag: bool | None


def meaning_of(name: str, *, has_telehealth_words: bool, flag: bool | None) -> Meaning:
    """What a type's name and mark say. A name with both kinds of words says neither."""
    in_person = _IN_PERSON.search(name) is not None
    words = None if in_person == has_telehealth_words else has_telehealth_words
    return Meaning(words, flag)


def has_turned(decision: bool, before: Meaning, now: Meaning) -> bool:
    """True when a type that was decided about has come to mean something else.

    Its mark turned against the decision; or its name did, or lost the words that bore the decision out.
    """
    if now.flag is not None and now.flag not in (decision, before.flag):
        return True
    if now.words in (before.words, decision):
        return False
    return now.words is not None or before.words is decision
