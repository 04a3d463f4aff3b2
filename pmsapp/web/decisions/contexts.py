"""What the decision pages are drawn from."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Answer:
    """One of the answers to a question: the word on its button and what it does."""

    choice: str
    word: str
    effect: str


@dataclass(frozen=True, slots=True)
class CardLink:
    """A card a question is about, by whom and when: "09:30 Anna Abel"."""

    id: int
    word: str


@dataclass(frozen=True, slots=True)
class Question:
    """Something only a person can settle. `facts` are lines that help to decide; `alike` counts others like it.

    `cards`: those it is about, where they are few enough to open each. `code`: the code of the catalogue it stands for.
    """

    id: int
    headline: str
    since: str
    facts: tuple[str, ...]
    answers: tuple[Answer, ...]
    until_then: str
    cards: tuple[CardLink, ...] = ()
    alike: int = 0
    code: str | None = None


@dataclass(frozen=True, slots=True)
class Decided:
    """An answer given today."""

    id: int
    headline: str
    answer: str
    by: str
    at: str
    can_undo: bool


@dataclass(frozen=True, slots=True)
class DecisionsPage:
    """`decisions/index.html` and its part `decisions/_list.html`.

    `undecided`: practitioners nobody has decided about and no question asks for, with their patients of today.
    """

    questions: tuple[Question, ...]
    decided: tuple[Decided, ...]
    undecided: tuple[str, ...] = ()
    fault: str | None = None
