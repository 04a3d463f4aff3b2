"""Each kind of question in words: what happened, what holds until it is answered, and what each answer does. Pure."""

from __future__ import annotations

from collections.abc import Callable

from pmsapp.domain.runsheet import Card
from pmsapp.domain.sync.merge import EDITABLE
from pmsapp.services.editing.decisions import DecisionView
from pmsapp.services.sheet import questions
from pmsapp.web.decisions import about_lists
from pmsapp.web.decisions.contexts import Answer, CardLink, Decided, Question
from pmsapp.web.decisions.surroundings import Surroundings, Words
from pmsapp.web.ui import formatting as fmt
from pmsapp.web.ui import labels as ui_labels

_FACTS_SHOWN = 12
_CARDS_LINKED = 4


def build_question(decision: DecisionView, around: Surroundings, alike: int = 0) -> Question:
    """A question, ready to print."""
    headline, facts, answers, until_then = _KINDS[decision.kind](decision, around)
    about = [around.cards[key] for key in decision.appointment_ids if key in around.cards]
    return Question(
        id=decision.id,
        headline=headline,
        since=fmt.moment(decision.since, around.now, around.zone),
        facts=tuple(facts),
        answers=answers,
        until_then=until_then,
        cards=tuple(CardLink(card.id, _line(card)) for card in about)
        if len(about) <= _CARDS_LINKED and decision.kind not in about_lists.KINDS
        else (),
        code=questions.CODES.get(decision.kind),
        alike=alike,
    )


def build_decided(decision: DecisionView, around: Surroundings) -> Decided:
    """An answer given today, ready to print."""
    headline, _, answers, _ = _KINDS[decision.kind](decision, around)
    given = next((answer.word for answer in answers if answer.choice == decision.choice), "Decided")
    return Decided(
        id=decision.id,
        headline=headline,
        answer=given,
        by=decision.decided_by or "somebody",
        at=fmt.moment(decision.decided_at, around.now, around.zone) if decision.decided_at else "",
        can_undo=decision.can_undo,
    )


def _name(card: Card | None) -> str:
    return (card.patient_name if card else None) or "a patient without a name"


def _line(card: Card) -> str:
    return f"{fmt.hhmm(card.start_at, card.time_zone)} {_name(card)}"


def _which(card: Card | None, around: Surroundings) -> list[str]:
    """The appointment a question is about, so that two of one patient are told apart."""
    if card is None:
        return []
    column = around.clinicians.get(card.clinician_id or 0)
    when = f"{fmt.short_day(card.date, around.now.date())} {fmt.hhmm(card.start_at, card.time_zone)}"
    return [f"Appointment: {when}{f', {column}' if column else ''}"]


def _field_conflict(decision: DecisionView, around: Surroundings) -> Words:
    card, source = around.card_of(decision), around.source(decision)
    label = ui_labels.FIELDS.get(decision.field or "", "A field")
    ours, theirs = around.words(decision, decision.ours), around.words(decision, decision.theirs)
    edit = next((e for e in card.edited if e.field == decision.field), None) if card else None
    typed = f", typed by {edit.by} {fmt.moment(edit.at, around.now, around.zone)}" if edit else ""
    rule = EDITABLE.get(decision.field or "")
    shows = ours if rule and rule.staff_shows_in_conflict else theirs
    return (
        f"{label} of {_name(card)} changed in two places",
        [
            *_which(card, around),
            f"Here: {ours}{typed}",
            f"{source}: {theirs}, read {fmt.moment(decision.since, around.now, around.zone)}",
        ],
        (
            Answer("keep", f"Keep {ours}", "What was typed here stands."),
            Answer("pms", f"Use {theirs}", f"What {source} says stands."),
        ),
        f"Until then the sheet shows {shows}.",
    )


def _patient_changed(decision: DecisionView, around: Surroundings) -> Words:
    source = around.source(decision)
    names = decision.theirs if isinstance(decision.theirs, list) else [decision.theirs]
    new = fmt.listed([str(name) for name in names if name]) or "another patient"
    card = around.card_of(decision)
    others = [around.cards[key] for key in decision.appointment_ids[1:] if key in around.cards]
    before = f"Before: {decision.ours or 'no name'}{_born(card)}"
    now = [f"Now: {_name(other)}{_born(other)}" for other in others] or [f"Now: {new}"]
    is_refiled = "same" in decision.choices
    what = "is under another patient file" if is_refiled else "belongs to a different patient"
    answers: tuple[Answer, ...] = (
        Answer(
            "pms",
            "The earlier patient is not coming",
            "Their card is struck out; their notes stay on it.",
        ),
        Answer("keep", "Keep both cards", f"Both stay until {source} changes again."),
    )
    if is_refiled:
        effect = "Notes, edits and state go over to the new card; the earlier one leaves the sheet."
        answers = (Answer("same", "It is the same person", effect), *answers)
    return (
        f"This booking now {what} in {source}",
        [*_which(card, around), before, *now],
        answers,
        "Until then the earlier card is held, and its notes are not on the new one.",
    )


def _born(card: Card | None) -> str:
    """ ", born 12 Mar 1979": what tells two people of like names apart."""
    if card is None or card.patient_dob is None:
        return ", birth date not known"
    return f", born {fmt.birth_date(card.patient_dob)}"


def _removals_held(decision: DecisionView, around: Surroundings) -> Words:
    source = around.source(decision)
    gone = [around.cards[key] for key in decision.appointment_ids if key in around.cards]
    who = around.clinicians.get(decision.clinician_id or 0, "one clinician")
    day = f" on {fmt.short_day(decision.date, around.now.date())}" if decision.date else ""
    facts = [_line(card) for card in sorted(gone, key=lambda card: card.start_at)[:_FACTS_SHOWN]]
    if len(gone) > _FACTS_SHOWN:
        facts.append(f"and {len(gone) - _FACTS_SHOWN} more")
    before = f" of {decision.ours}" if isinstance(decision.ours, int) else ""
    return (
        f"{len(decision.appointment_ids)}{before} cards of {who}{day} are no longer in {source}",
        facts,
        (
            Answer("keep", f"Keep them and look in {source}", "They stay on the sheet."),
            Answer("pms", "They are gone", "They are struck out."),
        ),
        "Until then they are held. Everything else is up to date.",
    )


def _merge_suggestion(decision: DecisionView, around: Surroundings) -> Words:
    source = around.source(decision)
    pair = [around.cards[key] for key in decision.appointment_ids if key in around.cards]
    labels = ("By hand", source)
    return (
        f"A card added by hand looks like one from {source}",
        [
            f"{label}: {_line(card)}{_born(card)}, {_phone(card)}"
            for label, card in zip(labels, pair, strict=False)
        ],
        (
            Answer(
                "pms",
                "They are the same",
                f"One card stays, from {source}, with the notes, phone and email typed here.",
            ),
            Answer("keep", "They are different", "Both stay."),
        ),
        "Until then both are on the sheet.",
    )


def _phone(card: Card) -> str:
    return str(fmt.phone(card.patient_phone)) if card.patient_phone else "no phone"


_KINDS: dict[str, Callable[[DecisionView, Surroundings], Words]] = {
    "field_conflict": _field_conflict,
    "patient_changed": _patient_changed,
    "removals_held": _removals_held,
    "merge_suggestion": _merge_suggestion,
    **about_lists.KINDS,
}
