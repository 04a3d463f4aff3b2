"""What the card's panel, its form and the decisions are given."""

from __future__ import annotations

from dataclasses import dataclass

from pmsapp.web.sheet.sheet_contexts import CardView
from pmsapp.web.ui.page_contexts import FormField, Option


@dataclass(frozen=True, slots=True)
class CardForm:
    """The form of `runsheet/_card_form.html`. `errors` is the summary: (field, sentence).

    `base`: what each input held before anything was typed. `autosave`: where notes go by themselves.
    """

    fields: dict[str, FormField]
    clinicians: tuple[Option, ...]
    states: tuple[Option, ...]
    telehealth: tuple[Option, ...]
    errors: tuple[tuple[str, str], ...] = ()
    autosave: str | None = None
    base: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class TimelineLine:
    """One line of a card's story. `undo` is sent by its Undo button, while the step can be taken back."""

    at: str
    who: str
    what: str
    undo: str | None = None


@dataclass(frozen=True, slots=True)
class CardPanel:
    """`runsheet/_panel.html`: everything about one card. `conflict` is set when somebody else saved first.

    `take_over`: when the cancelled visit was whose work can be taken over; None where there is none.
    """

    card: CardView
    row_version: int
    day: str
    back: str
    source: str
    is_manual: bool
    pms_notes: str | None
    host_link: str | None
    patient_link: str | None
    email: str | None
    last_read: str | None
    form: CardForm | None
    timeline: tuple[TimelineLine, ...]
    conflict: str | None = None
    can_recheck: bool = False
    can_remove: bool = False
    can_restore: bool = False
    next_state: Option | None = None
    take_over: str | None = None


@dataclass(frozen=True, slots=True)
class NewCardPanel:
    """`runsheet/_new_card.html`: adding a card by hand."""

    iso: str
    day: str
    back: str
    form: CardForm
