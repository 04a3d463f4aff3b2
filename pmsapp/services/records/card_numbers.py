"""Numbers of cards as a short text, "12-40,57": a page of fifty patients costs the log a few characters."""

from __future__ import annotations

from collections.abc import Iterable


def to_text(numbers: Iterable[int]) -> str:
    """Runs of numbers as "first-last", in order."""
    out: list[list[int]] = []
    for number in sorted(set(numbers)):
        if out and out[-1][1] == number - 1:
            out[-1][1] = number
        else:
            out.append([number, number])
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in out)


def among(text: object, numbers: frozenset[int]) -> frozenset[int]:
    """Those of `numbers` that the text names; none where it is no such text."""
    found: set[int] = set()
    for part in str(text).split(",") if isinstance(text, str) else ():
        first, _, last = part.partition("-")
        if first.isdecimal() and (last.isdecimal() or not last):
            low, high = int(first), int(last or first)
            found |= {number for number in numbers if low <= number <= high}
    return frozenset(found)
