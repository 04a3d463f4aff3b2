"""The run sheet of a day and its cards."""

from __future__ import annotations

from datetime import date as Day  # noqa: N812

from flask import Blueprint, Response, request

from pmsapp.access import looking
from pmsapp.access.guard import current_actor
from pmsapp.api.contract import Answered, call
from pmsapp.domain.actor import Actor
from pmsapp.domain.runsheet import Card
from pmsapp.schemas.base import given
from pmsapp.schemas.hand_over import HandOverAsked, HandOverIn, HandOverOut
from pmsapp.schemas.sheet import (
    AttemptIn,
    CardChange,
    CardCreate,
    CardOut,
    CardRemoval,
    IdentityCheckIn,
    IfMatch,
    RunSheetOut,
    SheetAsked,
)
from pmsapp.services.clinic import clinic, day_bounds
from pmsapp.services.editing import hand_over, overrides, patient_checks, steps
from pmsapp.services.sheet import days
from pmsapp.services.sync import recheck

bp = Blueprint("api_run_sheet", __name__, url_prefix="/api/run-sheet")
TAG = "Run sheet"
# No card ever has this version, so a tag that is no number matches nothing.
_NO_VERSION = -1


@bp.get("")
@call(answers={200: RunSheetOut, 304: None}, refusals=(422,), tag=TAG)
def get_run_sheet(query: SheetAsked) -> Answered:
    """Show the run sheet of a day (today when none is named).

    Answers 304 to If-None-Match while nothing anybody could see has changed. A clinician sees their own column.
    """
    day_bounds.check(query.date)
    only = _own_column(current_actor())
    with_hidden = query.include == "not_shown"
    viewer = current_actor().id if current_actor().kind == "user" else "program"
    marks = f"{int(with_hidden)}-{only if only is not None else 'all'}-{viewer}"
    for seen in request.if_none_match.as_set(include_weak=True):
        if seen.endswith(f"-{marks}") and days.is_current(seen.removesuffix(f"-{marks}"), query.date):
            return _tagged(Response(status=304), seen)
    sheet = days.read_day(
        query.date, include_not_shown=with_hidden, clinician_id=only, viewer=current_actor()
    ).sheet
    looking.at_sheet(sheet.date, sheet.card_ids)
    body = RunSheetOut.of(sheet, sheet.time_zone)
    response = Response(body.model_dump_json(), content_type="application/json")
    return _tagged(response, f"{days.tag_of(sheet)}-{marks}")


@bp.get("/hand-over")
@call(answers={200: HandOverOut}, refusals=(422,), tag=TAG)
def get_hand_over(query: HandOverAsked) -> Answered:
    """Show what is left of a day (today when none is named), by card, and whether it is closed."""
    day_bounds.check(query.date)
    return _handed_over(query.date or clinic.today())


@bp.put("/hand-over")
@call(answers={200: HandOverOut}, refusals=(400, 409, 415, 422), tag=TAG)
def close_day(query: HandOverAsked, json: HandOverIn) -> Answered:
    """Close a day in somebody's name; 409 when it is closed already."""
    day_bounds.check(query.date)
    day = query.date or clinic.today()
    hand_over.close(day, json.name, json.note, current_actor())
    return _handed_over(day)


@bp.delete("/hand-over")
@call(answers={200: HandOverOut}, refusals=(422,), tag=TAG)
def reopen_day(query: HandOverAsked) -> Answered:
    """Open a closed day again."""
    day_bounds.check(query.date)
    day = query.date or clinic.today()
    hand_over.reopen(day, current_actor())
    return _handed_over(day)


@bp.post("/appointments")
@call(answers={201: CardOut}, refusals=(400, 415, 422), tag=TAG)
def add_card(json: CardCreate) -> Answered:
    """Add a card by hand."""
    values = given(json)
    day = values.pop("date")
    card = overrides.add_card(day, values, current_actor())
    location = f"/api/run-sheet/appointments/{card.id}"
    return CardOut.of(card, clinic.time_zone()), 201, {"Location": location, "ETag": f'"{card.row_version}"'}


@bp.get("/appointments/<id:card_id>")
@call(answers={200: CardOut}, refusals=(404,), tag=TAG)
def get_card(card_id: int) -> Answered:
    """Show one card, whatever its presence."""
    return _one(days.get_card(card_id, current_actor()))


@bp.patch("/appointments/<id:card_id>")
@call(answers={200: CardOut}, refusals=(400, 404, 409, 412, 415, 422), tag=TAG)
def change_card(card_id: int, json: CardChange, headers: IfMatch) -> Answered:
    """Type over fields of a card; null drops what was typed.

    With If-Match (the card's row_version) a card that changed since is left alone: 412 with `current`. With `base`
    (what the changed fields showed) only a change of those very fields is in the way.
    """
    changes = given(json)
    base = given(changes.pop("base")) if "base" in changes else None
    row_version = _row_version(headers.if_match)
    card = overrides.edit_card(card_id, changes, current_actor(), row_version=row_version, base=base)
    return _again(card)


@bp.delete("/appointments/<id:card_id>")
@call(answers={204: None}, refusals=(400, 404, 412, 415, 422), tag=TAG)
def remove_card(card_id: int, json: CardRemoval, headers: IfMatch) -> Answered:
    """Take a card off the sheet with a reason.

    It stays removed; it returns once, marked, when its start changes at the PMS.
    """
    row_version = _row_version(headers.if_match)
    overrides.remove_card(card_id, json.reason, current_actor(), row_version=row_version)
    return "", 204


@bp.post("/appointments/<id:card_id>/acknowledge")
@call(answers={200: CardOut}, refusals=(404,), tag=TAG)
def acknowledge_card(card_id: int) -> Answered:
    """Say that a cancelled, deleted or held card has been seen."""
    return _again(overrides.acknowledge_card(card_id, current_actor()))


@bp.post("/appointments/<id:card_id>/restore")
@call(answers={200: CardOut}, refusals=(404, 409), tag=TAG)
def restore_card(card_id: int) -> Answered:
    """Bring back a card that staff removed, or that has left and was acknowledged."""
    return _again(overrides.restore_card(card_id, current_actor()))


@bp.post("/appointments/<id:card_id>/attempts")
@call(answers={200: CardOut}, refusals=(400, 404, 409, 415, 422), tag=TAG)
def add_attempt(card_id: int, json: AttemptIn) -> Answered:
    """Count an attempt to reach the patient.

    Whoever has not come yet is then in state `no_answer`; with outcome `reached` in state `contacted`.
    """
    return _again(steps.record_attempt(card_id, json.outcome, current_actor()).card)


@bp.post("/appointments/<id:card_id>/claim")
@call(answers={200: CardOut}, refusals=(404, 409), tag=TAG)
def claim_card(card_id: int) -> Answered:
    """Say that one is calling the patient, for two minutes; 409 while somebody else is."""
    return _again(patient_checks.claim(card_id, current_actor()))


@bp.post("/appointments/<id:card_id>/identity-check")
@call(answers={200: CardOut}, refusals=(400, 404, 415, 422), tag=TAG)
def check_identity(card_id: int, json: IdentityCheckIn) -> Answered:
    """Note that the patient was identified by three of the approved identifiers."""
    return _again(patient_checks.check_identity(card_id, json.identifiers, current_actor()))


@bp.post("/appointments/<id:card_id>/take-over")
@call(answers={200: CardOut}, refusals=(404, 409), tag=TAG)
def take_over(card_id: int) -> Answered:
    """Take notes, state and the patient's edits over from the cancelled visit this one was booked anew from.

    Once, on the new card (its `rebooked.from` names the other); 409 where there is nothing to take over.
    """
    return _again(overrides.take_over(card_id, current_actor()))


@bp.post("/appointments/<id:card_id>/recheck")
@call(answers={200: CardOut}, refusals=(404, 409, 502), tag=TAG)
def recheck_card(card_id: int) -> Answered:
    """Read one card's appointment again, now."""
    return _one(recheck.recheck_card(card_id, current_actor()))


def _handed_over(day: Day) -> Answered:
    view = hand_over.get(day, clinician_id=_own_column(current_actor()))
    looking.at_sheet(day, view.card_ids)
    return HandOverOut.of(view, view.sheet.time_zone)


def _own_column(actor: Actor) -> int | None:
    """The only column a clinician sees; None for everybody else. A clinician without a column sees none."""
    if actor.role != "clinician":
        return None
    return actor.clinician_id if actor.clinician_id is not None else 0


def _again(card: Card) -> Answered:
    """A card after a change, as a reader sees it: with its day around it."""
    return _one(days.get_card(card.id, current_actor()))


def _one(card: Card) -> Answered:
    looking.at_card(card.id)
    return CardOut.of(card, clinic.time_zone()), {"ETag": f'"{card.row_version}"'}


def _row_version(if_match: str | None) -> int | None:
    """The version a change is based on; None when it does not matter (no header, or *)."""
    if if_match is None or if_match.strip() == "*":
        return None
    text = if_match.strip().removeprefix("W/").strip('"')
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else _NO_VERSION


def _tagged(response: Response, tag: str) -> Response:
    response.set_etag(tag, weak=True)  # compression changes the bytes, not what they say
    return response
