"""The run sheet's page and its quiet refresh."""

from __future__ import annotations

from datetime import date, datetime

from flask import Blueprint, Response, make_response, render_template, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import NotFound

from pmsapp import access, clock
from pmsapp.domain.runsheet import Sheet
from pmsapp.domain.window import day_of
from pmsapp.services import clinic, runsheets
from pmsapp.web import shell
from pmsapp.web.card_view import Names
from pmsapp.web.contexts import Shell
from pmsapp.web.sheet_contexts import SheetPage
from pmsapp.web.sheet_view import build_page

bp = Blueprint("runsheet", __name__)


@bp.get("/")
def today() -> ResponseReturnValue:
    """Today's sheet."""
    return _page(clinic.today())


@bp.get("/sheet/<iso>")
def day(iso: str) -> ResponseReturnValue:
    """The sheet of one day; for the page's own poll only what changed, or 204."""
    wanted = parse_day(iso)
    if not request.headers.get("HX-Request"):
        return _page(wanted)
    if request.args.get("v") == _version(runsheets.sheet_etag(wanted), wanted):
        return Response(status=204)
    now, page = _build(wanted)
    return make_response(
        render_template(
            "runsheet/_refresh.html", page=page, shell=_frame(now, page), notice_now=shell.notice(now)
        )
    )


def parse_day(iso: str) -> date:
    """A day from an address. Raises NotFound for anything else."""
    try:
        return date.fromisoformat(iso)
    except ValueError:
        raise NotFound from None


def _page(wanted: date) -> Response:
    now, page = _build(wanted)
    html = render_template(
        "runsheet/sheet.html", page=page, shell=_frame(now, page), banner=shell.notice(now)
    )
    return make_response(html)


def _build(wanted: date) -> tuple[shell.Standing, SheetPage]:
    now = shell.standing()
    sheet = get_own_sheet(wanted)
    page = build_page(
        sheet,
        now=now.now,
        names=Names(now.names()),
        clinic=now.clinic,
        can_edit=access.may("cards.save", "POST"),
        version=_version(sheet.etag, wanted, now.now),
    )
    return now, page


def _frame(now: shell.Standing, page: SheetPage) -> Shell:
    return shell.page_shell("today" if page.today is None else "", now, open_decisions=page.open_decisions)


def get_own_sheet(wanted: date) -> Sheet:
    """The sheet as the one asking may see it: a clinician sees their own column."""
    actor = access.current_actor()
    if actor.role == "clinician":
        return runsheets.get_sheet(wanted, clinician_id=actor.clinician_id or 0)
    return runsheets.get_sheet(wanted)


def _version(etag: str, wanted: date, now: datetime | None = None) -> str:
    """What the page shows: the sheet's tag, and today the minute, because the line of now moves."""
    instant = now or clock.now()
    return f"{etag}-{instant:%H%M}" if wanted == day_of(instant, clinic.time_zone()) else etag


def clinicians_of(wanted: date) -> dict[int, str]:
    """The columns of a day that the one asking may see: clinician id -> name, in their order."""
    return {column.id: column.name for column in get_own_sheet(wanted).columns}
