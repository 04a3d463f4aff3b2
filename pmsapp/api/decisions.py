"""Questions only a person can settle."""

from __future__ import annotations

from flask import Blueprint

from pmsapp.access import looking
from pmsapp.access.guard import current_actor
from pmsapp.api.contract import Answered, call
from pmsapp.schemas.decisions import ChoiceIn, DecisionList, DecisionOut
from pmsapp.schemas.sheet import DateAsked
from pmsapp.services.clinic import clinic, day_bounds
from pmsapp.services.editing import decisions

bp = Blueprint("api_decisions", __name__, url_prefix="/api/pms/conflicts")
TAG = "Decisions"


@bp.get("")
@call(answers={200: DecisionList}, refusals=(422,), tag=TAG)
def list_decisions(query: DateAsked) -> Answered:
    """List what waits for a person, oldest first."""
    day_bounds.check(query.date)
    found = decisions.list_open(query.date)
    looking.at_decisions({card_id for question in found for card_id in question.appointment_ids})
    return DecisionList.of(found, clinic.time_zone())


@bp.post("/<id:decision_id>")
@call(answers={200: DecisionOut}, refusals=(400, 404, 409, 415, 422), tag=TAG)
def decide(decision_id: int, json: ChoiceIn) -> Answered:
    """Answer a question; the choice is in force when the call returns.

    409 with `current` when somebody else was faster.
    """
    view = decisions.decide(decision_id, json.choice, current_actor())
    looking.at_decisions(view.appointment_ids)
    return DecisionOut.of(view, clinic.time_zone())
