"""The end of the day: what is left of it, and closing it with a name."""

from __future__ import annotations

from datetime import date

from flask import Blueprint, make_response
from flask.typing import ResponseReturnValue

from pmsapp.access import guard, looking
from pmsapp.services.base.errors import Conflict, Invalid
from pmsapp.services.editing import hand_over
from pmsapp.web.paper.hand_over_view import Typed, build_hand_over
from pmsapp.web.paper.print_pages import printed_by
from pmsapp.web.sheet.card_view import Names
from pmsapp.web.ui import forms, shell
from pmsapp.web.ui.fields import within_bounds
from pmsapp.web.ui.said import lead_to

bp = Blueprint("hand_over", __name__)


class HandOverForm(forms.Form):
    """Who closes the day, and what they say of it."""

    name: str = ""
    note: str = ""


@bp.get("/sheet/<day:wanted>/hand-over")
def show(wanted: date) -> ResponseReturnValue:
    """What is left of a day."""
    return _page(within_bounds(wanted))


@bp.post("/sheet/<day:wanted>/hand-over")
def close(wanted: date) -> ResponseReturnValue:
    """Close the day in somebody's name."""
    within_bounds(wanted)
    form = forms.read(HandOverForm)
    name, note = form.name, form.note
    try:
        hand_over.close(wanted, name, note, guard.current_actor())
    except Invalid as error:
        return _page(wanted, Typed(name, note, error.errors), 422)
    except Conflict:
        return _page(wanted, Typed(name, note), 409)  # the page says who was faster
    return lead_to(f"/sheet/{wanted.isoformat()}/hand-over", "day-closed")


@bp.post("/sheet/<day:wanted>/hand-over/reopen")
def reopen(wanted: date) -> ResponseReturnValue:
    """Open a closed day again."""
    hand_over.reopen(within_bounds(wanted), guard.current_actor())
    return lead_to(f"/sheet/{wanted.isoformat()}/hand-over", "day-opened")


def _page(wanted: date, typed: Typed | None = None, status: int = 200) -> ResponseReturnValue:
    actor, now = guard.current_actor(), shell.page_status()
    own = (actor.clinician_id or 0) if actor.role == "clinician" else None
    found = hand_over.get(wanted, clinician_id=own)
    looking.at_sheet(wanted, found.card_ids)
    page = build_hand_over(
        found,
        now=now.now,
        names=Names(now.names()),
        clinic=now.clinic,
        made=printed_by(actor.name, now.now, now.zone),
        can_close=guard.may("hand_over.close", "POST"),
        shows_questions=own is None,
        is_training=now.is_training,
        typed=typed or Typed(actor.name),
    )
    return make_response(shell.render("paper/hand_over.html", "today", now, page=page), status)
