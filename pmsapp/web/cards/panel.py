"""Everything the panel of one card prints. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date as Day  # noqa: N812
from datetime import datetime

from pmsapp.domain.runsheet import Action, Card, Sheet
from pmsapp.domain.window import day_of
from pmsapp.domain.worklist.lines import Line, lay_out, off_sheet_line
from pmsapp.domain.worklist.steps import IDENTIFIERS, NEEDED
from pmsapp.services.sheet.timeline import EventView
from pmsapp.web.cards import form as card_form
from pmsapp.web.cards import story
from pmsapp.web.cards.contexts import (
    CardForm,
    CardPanel,
    Clash,
    Identifier,
    IdentityPart,
    NewCardPanel,
    SimilarPatient,
)
from pmsapp.web.decisions.contexts import Question
from pmsapp.web.sheet.card_view import Names, build_card
from pmsapp.web.sheet.line_view import Setting, build_line
from pmsapp.web.sheet.list_contexts import LineView, Press, Toast
from pmsapp.web.ui import formatting as fmt
from pmsapp.web.ui import labels

# The buttons of the line that stand side by side in the panel; the rest is in its menu.
_ALWAYS_SHOWN = frozenset({"advance", "no-answer", "claim", "acknowledge", "bring-back"})


@dataclass(frozen=True, slots=True)
class Around:
    """What stands around one card: its day as the one asking may see it, its story, and what waits to be decided."""

    sheet: Sheet
    now: datetime
    sources: Mapping[int, str]
    viewer: str
    may: Callable[[str, str], bool]
    events: Sequence[EventView]
    questions: tuple[Question, ...] = ()
    similar: tuple[Card, ...] = ()

    @property
    def clinicians(self) -> dict[int, str]:
        """The columns: clinician id -> name."""
        return {column.id: column.name for column in self.sheet.columns}


@dataclass(frozen=True, slots=True)
class Sent:
    """What a form held that comes back to the person, and what was said of it."""

    typed: Mapping[str, str] | None = None
    base: Mapping[str, str] | None = None
    faults: Mapping[str, str] | None = None
    clash: Clash | None = None
    said: Toast | None = None
    identifiers: tuple[str, ...] = ()
    reason: str = ""


NOTHING_SENT = Sent()


def build_panel(card: Card, around: Around, sent: Sent = NOTHING_SENT) -> CardPanel:
    """The panel of one card; `sent` is what a refused form held, shown again as it was typed."""
    names = Names(around.sources, around.clinicians)
    source = names.source(card)
    can_edit = around.may("cards.save", "POST")
    line = _line(card, around, names, can_edit=can_edit)
    teller = story.Teller(card, around.now, source, around.clinicians)
    presses, menu = _presses(line)
    last = max((event.id for event in around.events), default=0)
    return CardPanel(
        card=build_card(card, now=around.now, names=names, sheet_zone=card.time_zone),
        line=line,
        row_version=card.row_version,
        day=fmt.long_day(card.date),
        back=f"/sheet/{card.date.isoformat()}",
        clinician=around.clinicians.get(card.clinician_id or 0, "No clinician"),
        source=source,
        news=story.news_of((), last, around.viewer, teller),
        presses=presses,
        menu=menu,
        questions=around.questions,
        similar=tuple(_similar(other, around) for other in around.similar),
        identity=_identity(card, line, sent.identifiers),
        pms_notes=card.pms_notes,
        email=card.patient_email,
        last_read=fmt.moment(card.pms_last_synced_at, around.now, card.time_zone)
        if card.pms_last_synced_at
        else None,
        form=_form(card, around, source, sent) if can_edit and Action.EDIT in card.actions else None,
        timeline=tuple(teller.line(event) for event in around.events),
        clash=sent.clash,
        said=sent.said,
        can_recheck=Action.RECHECK in card.actions and around.may("cards.recheck_now", "POST"),
        can_remove=Action.REMOVE in card.actions and around.may("cards.remove", "POST"),
        can_restore=Action.RESTORE in card.actions and around.may("cards.restore", "POST"),
        can_decide=around.may("decisions.decide", "POST"),
        take_over=_take_over(card) if can_edit else None,
        reason=sent.reason,
        is_unsaved=bool(sent.typed or sent.identifiers or sent.reason),
    )


def build_new_panel(
    day: Day,
    typed: Mapping[str, str],
    clinicians: Mapping[int, str],
    *,
    faults: Mapping[str, str] | None = None,
) -> NewCardPanel:
    """The panel for a card by hand."""
    return NewCardPanel(
        iso=day.isoformat(),
        day=fmt.long_day(day),
        back=f"/sheet/{day.isoformat()}",
        form=card_form.build_form(typed, clinicians=clinicians, faults=faults),
    )


def _form(card: Card, around: Around, source: str, sent: Sent) -> CardForm:
    shown = card_form.shown_values(card)
    return card_form.build_form(
        sent.typed or shown,
        clinicians=around.clinicians,
        faults=sent.faults,
        card=card,
        source=source,
        theirs=shown if sent.clash else None,
        base=sent.base or shown,
    )


def _line(card: Card, around: Around, names: Names, *, can_edit: bool) -> LineView:
    """The card's line of the work list; one of a card that stands nowhere on its day is only to look at."""
    sheet = around.sheet
    laid = lay_out(sheet, around.now, is_today=sheet.date == day_of(around.now, sheet.time_zone))
    found: Line = laid.lines.get(card.id) or off_sheet_line(card)
    setting = Setting(around.now, names, sheet.time_zone, can_edit, around.viewer)
    return build_line(replace(found, card=card), setting)


def _presses(line: LineView) -> tuple[tuple[Press, ...], tuple[Press, ...]]:
    """The buttons side by side, and those of the menu."""
    every = [press for press in (line.step, line.second, *line.menu) if press]
    shown = tuple(press for press in every if press.act in _ALWAYS_SHOWN or press is line.step)
    return shown, tuple(press for press in every if press not in shown)


def _identity(card: Card, line: LineView, ticked: Sequence[str]) -> IdentityPart:
    known = {
        "name": card.patient_name,
        "birth_date": fmt.birth_date(card.patient_dob) if card.patient_dob else None,
    }
    return IdentityPart(
        identifiers=tuple(
            Identifier(name, labels.IDENTIFIERS[name].capitalize(), known.get(name), name in ticked)
            if name != "ihi"
            else Identifier(name, "IHI", None, name in ticked)
            for name in IDENTIFIERS
        ),
        needed=NEEDED,
        done=line.identity_title if card.identity_check else None,
    )


def _similar(other: Card, around: Around) -> SimilarPatient:
    born = f"born {fmt.birth_date(other.patient_dob)}" if other.patient_dob else "birth date not known"
    column = around.clinicians.get(other.clinician_id or 0)
    where = f", {column}" if column else ""
    clock = fmt.hhmm(other.start_at, other.time_zone)
    return SimilarPatient(other.id, f"{other.patient_name or 'Name unavailable'}, {born}, {clock}{where}")


def _take_over(card: Card) -> str | None:
    if Action.TAKE_OVER not in card.actions or card.rebooked_from is None:
        return None
    return fmt.moment(card.rebooked_from.start_at, card.start_at, card.time_zone)
