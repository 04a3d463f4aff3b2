"""What the card's panel, its form and what stands around them are given."""

from __future__ import annotations

from dataclasses import dataclass

from pmsapp.web.decisions.contexts import Question
from pmsapp.web.sheet.list_contexts import LineView, Press, Toast
from pmsapp.web.sheet.sheet_contexts import CardView
from pmsapp.web.ui.page_contexts import FormField, Option


@dataclass(frozen=True, slots=True)
class CardForm:
    """The fields of a card. `errors` is the summary: (field, sentence).

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
    """One line of a card's story. `undo` is sent by its Undo button, while the step can be taken back.

    `was_read`: the time is that of our reading, and not of the change in the practice software.
    """

    at: str
    who: str
    what: str
    undo: str | None = None
    was_read: bool = False


@dataclass(frozen=True, slots=True)
class FieldClash:
    """A field that somebody else changed while it was typed into: who, when, and both values."""

    name: str
    label: str
    who: str
    at: str
    theirs: str
    mine: str


@dataclass(frozen=True, slots=True)
class Clash:
    """Why nothing was saved, field by field."""

    headline: str
    fields: tuple[FieldClash, ...] = ()


@dataclass(frozen=True, slots=True)
class Identifier:
    """One of the approved identifiers. `value` is what is known of it here, None where nothing is."""

    name: str
    label: str
    value: str | None
    is_ticked: bool = False


@dataclass(frozen=True, slots=True)
class IdentityPart:
    """Checking who the patient is. `done`: who did so, when and by which three."""

    identifiers: tuple[Identifier, ...]
    needed: int
    done: str | None = None


@dataclass(frozen=True, slots=True)
class SimilarPatient:
    """Somebody of the same day who is easily taken for this patient."""

    card_id: int
    words: str


@dataclass(frozen=True, slots=True)
class PanelNews:
    """`runsheet/_panel_news.html`: what others changed since the panel was opened. `words` None: nothing yet.

    `since`: the last timeline line the panel was made with; `told`: the last one the line tells of.
    """

    card_id: int
    since: int
    told: int
    words: str | None = None


@dataclass(frozen=True, slots=True)
class CardPanel:
    """`runsheet/_panel.html`: everything about one card, as it is talked through.

    `line`: the card's line of the work list, whose buttons and guards are the panel's too. `clash` is set when somebody
    else saved first, `said` when a button was pressed. `take_over`: when the cancelled visit was whose work can be taken
    over. `reason`: why the card is to be removed, as far as it was typed. `is_unsaved`: the form came back with what was
    typed.
    """

    card: CardView
    line: LineView
    row_version: int
    day: str
    back: str
    clinician: str
    source: str
    news: PanelNews
    presses: tuple[Press, ...]
    menu: tuple[Press, ...]
    questions: tuple[Question, ...]
    similar: tuple[SimilarPatient, ...]
    identity: IdentityPart
    pms_notes: str | None
    email: str | None
    last_read: str | None
    form: CardForm | None
    timeline: tuple[TimelineLine, ...]
    clash: Clash | None = None
    said: Toast | None = None
    can_recheck: bool = False
    can_remove: bool = False
    can_restore: bool = False
    can_decide: bool = False
    take_over: str | None = None
    reason: str = ""
    is_unsaved: bool = False


@dataclass(frozen=True, slots=True)
class NewCardPanel:
    """`runsheet/_new_card.html`: adding a card by hand."""

    iso: str
    day: str
    back: str
    form: CardForm
