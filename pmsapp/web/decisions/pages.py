"""The list of what only a person can settle, answering it, and taking an answer back."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress

from flask import Blueprint, Response, make_response, render_template, request
from flask.typing import ResponseReturnValue

from pmsapp.access import guard, looking
from pmsapp.domain.runsheet import Card
from pmsapp.services.base.errors import Conflict, NotFound
from pmsapp.services.clinic import clinic
from pmsapp.services.editing import decisions
from pmsapp.services.editing.decisions import DecisionView
from pmsapp.services.sheet import columns, days
from pmsapp.web.decisions.contexts import DecisionsPage, Question
from pmsapp.web.decisions.surroundings import Surroundings
from pmsapp.web.decisions.view import build_decided, build_question
from pmsapp.web.sheet import pages as sheet_pages
from pmsapp.web.ui import formatting as fmt
from pmsapp.web.ui import forms, shell
from pmsapp.web.ui.said import SENTENCES, lead_to

bp = Blueprint("decisions", __name__)


class DecideForm(forms.Form):
    """The answer, and whether it is every like question's."""

    choice: str = ""
    same: forms.Ticked = False


@bp.get("/decisions")
def index() -> ResponseReturnValue:
    """What waits, oldest first, and what was answered today."""
    return _answer()


@bp.post("/decisions/<id:decision_id>")
def decide(decision_id: int) -> ResponseReturnValue:
    """Answer one question (`choice` keep or pms), and with `same` every other like it."""
    form = forms.read(DecideForm)
    try:
        decisions.decide(
            decision_id,
            form.choice,
            guard.current_actor(),
            same_for_others=form.same,
        )
    except Conflict as error:
        return _answer(fault=_who_was_faster(error), status=409)
    return _done("decided")


@bp.post("/decisions/<id:decision_id>/undo")
def undo(decision_id: int) -> ResponseReturnValue:
    """Take an answer back."""
    try:
        decisions.undo(decision_id, guard.current_actor())
    except Conflict as error:
        return _answer(fault=error.message, status=409)
    return _done("decision-open")


def _who_was_faster(error: Conflict) -> str:
    given = error.current
    if isinstance(given, DecisionView) and given.decided_by:
        return f"{error.message.rstrip('.')}; their answer is below."
    return error.message


def _done(word: str) -> ResponseReturnValue:
    if not request.headers.get("HX-Request"):
        return lead_to("/decisions", word)
    response = _answer()
    response.headers["HX-Trigger"] = json.dumps(
        {"say": {"target": "body", "text": SENTENCES[word]}, "sheet:changed": {"target": "body"}}
    )
    return response


def _answer(*, fault: str | None = None, status: int = 200) -> Response:
    now = shell.page_status()
    page = _page(now, fault)
    frame = shell.page_shell("decisions", now, open_decisions=len(page.questions))
    name = "decisions/_answer.html" if request.headers.get("HX-Request") else "decisions/index.html"
    return make_response(render_template(name, shell=frame, page=page), status)


def _page(now: shell.PageStatus, fault: str | None) -> DecisionsPage:
    still_open, decided = decisions.list_open(), decisions.list_decided_today()
    sheet = sheet_pages.get_own_sheet(clinic.today())
    asked = {question.subject for question in still_open}
    cards = cards_of([*still_open, *decided])
    looking.at_decisions(cards.keys())
    around = Surroundings(
        cards=cards,
        clinicians={column.id: column.name for column in sheet.columns},
        not_shown={group.subject: group.number for group in sheet.undecided},
        sources=now.names(),
        now=now.now,
        zone=now.zone,
    )
    alike = Counter(
        (question.kind, question.field, question.date)
        for question in still_open
        if question.kind == "field_conflict"
    )
    return DecisionsPage(
        questions=tuple(
            build_question(question, around, max(0, alike[question.kind, question.field, question.date] - 1))
            for question in still_open
        ),
        undecided=tuple(
            f"{group.name}: {fmt.plural(group.number, 'appointment')} today, not shown"
            for group in sheet.undecided
            if group.subject not in asked
        ),
        decided=tuple(build_decided(decision, around) for decision in decided),
        fault=fault,
    )


def questions_of(asked: Iterable[DecisionView], now: shell.PageStatus) -> tuple[Question, ...]:
    """Questions ready to print, where one card shows those about it."""
    listed = list(asked)
    around = Surroundings(
        cards=cards_of(listed),
        clinicians={view.id: view.name for view in columns.list_clinicians()},
        sources=now.names(),
        now=now.now,
        zone=now.zone,
    )
    return tuple(build_question(view, around) for view in listed)


def cards_of(listed: Iterable[DecisionView]) -> dict[int, Card]:
    """The cards the questions are about; one that no longer exists is left out."""
    found: dict[int, Card] = {}
    for card_id in {key for decision in listed for key in decision.appointment_ids}:
        with suppress(NotFound):
            found[card_id] = days.get_card(card_id)
    return found
