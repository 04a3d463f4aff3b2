"""The run sheet's page and its quiet refresh."""

from __future__ import annotations

from datetime import date, datetime

from flask import Blueprint, Response, make_response, render_template, request
from flask.typing import ResponseReturnValue

from pmsapp import clock
from pmsapp.access import guard
from pmsapp.domain.runsheet import Sheet
from pmsapp.services.clinic import opening_hours
from pmsapp.services.sheet import days
from pmsapp.services.sheet.days import DayRead
from pmsapp.web.sheet.card_view import Names
from pmsapp.web.sheet.sheet_view import build_page
from pmsapp.web.ui import shell
from pmsapp.web.ui.fields import within_bounds

bp = Blueprint("runsheet", __name__)


@bp.get("/")
def today() -> ResponseReturnValue:
    """Today's sheet."""
    return _page(None)


@bp.get("/sheet/<day:wanted>")
def day(wanted: date) -> ResponseReturnValue:
    """The sheet of one day; for the page's own poll only what changed, or 204."""
    within_bounds(wanted)
    if not request.headers.get("HX-Request"):
        return _page(wanted)
    if request.args.get("v") == _version(days.sheet_etag(wanted), clock.now()):
        return Response(status=204)
    return _page(wanted, "runsheet/_refresh.html")


def _page(wanted: date | None, template: str = "runsheet/sheet.html") -> Response:
    read = _read(wanted)
    now = shell.page_status_of(read.house)
    page = build_page(
        read.sheet,
        now=now.now,
        names=Names(now.names()),
        clinic=now.clinic,
        can_edit=guard.may("cards.save", "POST"),
        closed=None if read.sheet.cards else opening_hours.why_closed_at(read.house.clinic, read.sheet.date),
        version=_version(read.sheet.etag, now.now),
    )
    frame = shell.page_shell("today" if page.today is None else "", now, open_decisions=page.open_decisions)
    return make_response(render_template(template, page=page, shell=frame, banner=shell.notice(now)))


def get_own_sheet(wanted: date) -> Sheet:
    """The sheet as the one asking may see it: a clinician sees their own column."""
    return _read(wanted).sheet


def _read(wanted: date | None) -> DayRead:
    actor = guard.current_actor()
    own = (actor.clinician_id or 0) if actor.role == "clinician" else None
    return days.read_day(wanted, clinician_id=own)


def _version(etag: str, now: datetime) -> str:
    """What the page shows: the sheet's tag, and the minute, because ages and the line of now move by themselves."""
    return f"{etag}-{now:%H%M}"


def clinicians_of(wanted: date) -> dict[int, str]:
    """The columns of a day that the one asking may see: clinician id -> name, in their order."""
    return {column.id: column.name for column in get_own_sheet(wanted).columns}
