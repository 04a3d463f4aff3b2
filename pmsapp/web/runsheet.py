"""The run sheet's page and its quiet refresh."""

from __future__ import annotations

from datetime import date, datetime

from flask import Blueprint, Response, make_response, render_template, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import NotFound

from pmsapp import access, clock
from pmsapp.domain.runsheet import Sheet
from pmsapp.domain.window import day_of
from pmsapp.services import runsheets, schedule
from pmsapp.services.transaction import reading
from pmsapp.web import shell
from pmsapp.web.card_view import Names
from pmsapp.web.contexts import Shell
from pmsapp.web.sheet_contexts import SheetPage
from pmsapp.web.sheet_view import build_page

bp = Blueprint("runsheet", __name__)


@bp.get("/")
def today() -> ResponseReturnValue:
    """Today's sheet."""
    now = shell.standing()
    return _page(day_of(now.now, now.zone), now)


@bp.get("/sheet/<iso>")
def day(iso: str) -> ResponseReturnValue:
    """The sheet of one day; for the page's own poll only what changed, or 204."""
    wanted = parse_day(iso)
    if not request.headers.get("HX-Request"):
        return _page(wanted, shell.standing())
    seen = request.args.get("v", "")
    if seen and seen == _version(runsheets.sheet_etag(wanted), clock.now(), is_today="-" in seen):
        return Response(status=204)
    now = shell.standing()
    page = _build(wanted, now)
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


def _page(wanted: date, now: shell.Standing) -> Response:
    page = _build(wanted, now)
    html = render_template(
        "runsheet/sheet.html", page=page, shell=_frame(now, page), banner=shell.notice(now)
    )
    return make_response(html)


def _build(wanted: date, now: shell.Standing) -> SheetPage:
    sheet = get_own_sheet(wanted)
    return build_page(
        sheet,
        now=now.now,
        names=Names(now.names()),
        clinic=now.clinic,
        can_edit=access.may("cards.save", "POST"),
        closed=None if sheet.cards else _why_closed(wanted),
        version=_version(sheet.etag, now.now, is_today=wanted == day_of(now.now, now.zone)),
    )


def _why_closed(wanted: date) -> str | None:
    with reading() as session:
        return schedule.why_closed(session, wanted)


def _frame(now: shell.Standing, page: SheetPage) -> Shell:
    return shell.page_shell("today" if page.today is None else "", now, open_decisions=page.open_decisions)


def get_own_sheet(wanted: date) -> Sheet:
    """The sheet as the one asking may see it: a clinician sees their own column."""
    actor = access.current_actor()
    if actor.role == "clinician":
        return runsheets.get_sheet(wanted, clinician_id=actor.clinician_id or 0)
    return runsheets.get_sheet(wanted)


def _version(etag: str, now: datetime, *, is_today: bool) -> str:
    """What the page shows: the sheet's tag, and today the minute, because the line of now moves."""
    return f"{etag}-{now:%H%M}" if is_today else etag


def clinicians_of(wanted: date) -> dict[int, str]:
    """The columns of a day that the one asking may see: clinician id -> name, in their order."""
    return {column.id: column.name for column in get_own_sheet(wanted).columns}
