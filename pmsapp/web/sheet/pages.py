"""The run sheet's page, its quiet refresh, and its search."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Annotated, ClassVar

from flask import Blueprint, Response, make_response, redirect, render_template, request
from flask.typing import ResponseReturnValue
from pydantic import AfterValidator

from pmsapp import clock
from pmsapp.access import guard, looking
from pmsapp.domain.runsheet import Sheet
from pmsapp.domain.sync_state import ConnectionState
from pmsapp.services.clinic import clinic, opening_hours
from pmsapp.services.records import access_log
from pmsapp.services.runs import history as run_history
from pmsapp.services.setup import drafts
from pmsapp.services.sheet import days, looks
from pmsapp.services.sheet.days import DayRead
from pmsapp.web.sheet import day_truth, toasts
from pmsapp.web.sheet.card_view import Names
from pmsapp.web.sheet.list_contexts import Toast
from pmsapp.web.sheet.look import Look, PollForm, SearchForm, ViewForm, read_look
from pmsapp.web.sheet.sheet_contexts import ClosedDay, SheetPage
from pmsapp.web.sheet.sheet_view import build_page
from pmsapp.web.ui import fields, forms, shell
from pmsapp.web.ui.fields import within_bounds
from pmsapp.web.ui.page_contexts import Notice, Shell
from pmsapp.web.ui.said import lead_to

bp = Blueprint("runsheet", __name__)
PAGE, REFRESH = "runsheet/sheet.html", "runsheet/_refresh.html"
# The day's own word stands in the frame unless a connection has something more serious to say.
_CALM = frozenset({ConnectionState.OK, ConnectionState.LATE, ConnectionState.STALE, ConnectionState.PAUSED})


def _is_look(what: str) -> str:
    if what not in (access_log.PRINT, access_log.REVEAL):
        raise ValueError("Say what was looked at.")
    return what


class LookedForm(forms.Form):
    """What the browser saw somebody look at."""

    sentences: ClassVar[Mapping[str, str]] = {"what": "Say what was looked at."}
    what: Annotated[str, AfterValidator(_is_look)]


@dataclass(frozen=True, slots=True)
class DayPage:
    """A day ready to print, with its frame and the notice above it."""

    page: SheetPage
    frame: Shell
    banner: Notice | None
    read: DayRead


@bp.get("/")
def today() -> ResponseReturnValue:
    """Today's sheet."""
    return answer(None)


@bp.get("/sheet")
def go_to_day() -> ResponseReturnValue:
    """The day chosen from the calendar."""
    return redirect(_look_at(fields.asked_day()).href(), 303)


@bp.get("/sheet/<day:wanted>")
def day(wanted: date) -> ResponseReturnValue:
    """The sheet of one day; for the page's own poll only what changed, or 204."""
    within_bounds(wanted)
    if not request.headers.get("HX-Request"):
        return answer(wanted)
    if forms.read_address(PollForm).v == version_of(days.sheet_etag(wanted), clock.now()):
        return Response(status=204)
    return answer(wanted, REFRESH)


@bp.post("/sheet/<day:wanted>/search")
def search(wanted: date) -> ResponseReturnValue:
    """The lines of one day that match; sent in the body, so that no patient is ever in an address."""
    template = REFRESH if request.headers.get("HX-Request") else PAGE
    return answer(within_bounds(wanted), template, query=forms.read(SearchForm).q)


@bp.post("/sheet/<day:wanted>/view")
def choose_view(wanted: date) -> ResponseReturnValue:
    """Choose how to see a day; kept for the person."""
    within_bounds(wanted)
    view = forms.read(ViewForm).view
    looks.choose_view(view, guard.current_actor())
    return redirect(replace(_look_at(wanted), view=view).href(), 303)


@bp.post("/sheet/<day:wanted>/seen")
def see_all(wanted: date) -> ResponseReturnValue:
    """A person has seen every change of a day."""
    within_bounds(wanted)
    looks.see_day(wanted, guard.current_actor())
    if request.headers.get("HX-Request"):
        return answer(wanted, REFRESH)
    return lead_to(_look_at(wanted).href(), "seen")


@bp.post("/looks")
def note_look() -> ResponseReturnValue:
    """Details that were hidden are shown again, or the page goes to paper: only the browser knows, and tells."""
    what = forms.read(LookedForm).what
    day_shown = fields.hidden_day() or clinic.today()
    looking.at_sheet(day_shown, {card.id for card in get_own_sheet(day_shown).cards}, what)
    return Response(status=204)


def answer(
    wanted: date | None, template: str = PAGE, *, query: str = "", toast: Toast | None = None
) -> Response:
    """The page of a day (None: today), or the part of it that a request of the page itself is answered with."""
    told = forms.asked().get("told")
    if toast is None and told and template == PAGE:
        toast = toasts.told_again(told, guard.current_actor())
    made = make_page(wanted, query=query, toast=toast)
    html = render_template(template, page=made.page, shell=made.frame, banner=made.banner)
    return make_response(html)


def make_page(
    wanted: date | None,
    *,
    query: str = "",
    given: Mapping[str, str] | None = None,
    toast: Toast | None = None,
) -> DayPage:
    """Everything a page of that day is drawn from. `given`: how it is looked at, where the address does not say."""
    read = _read(wanted)
    sheet, actor = read.sheet, guard.current_actor()
    if _is_first_look(sheet):
        looks.begin_day(sheet.date, actor)
    _note_look(sheet, query)
    now = shell.page_status_of(read.snapshot)
    truth = day_truth.truth_of(
        sheet,
        read.snapshot,
        now.connections,
        now.now,
        names=now.names(),
        may=guard.may,
        not_whole=run_history.days_not_whole(
            [view.id for view in now.connections if day_truth.is_partial(view)]
        ),
    )
    page = build_page(
        sheet,
        now=now.now,
        names=Names(now.names()),
        clinic=now.clinic,
        can_edit=guard.may("lines.press", "POST"),
        version=version_of(sheet.etag, now.now),
        look=_look_at(sheet.date, query, given),
        truth=replace(truth, notes=(*truth.notes, *_unfinished(now))),
        fed=day_truth.fed_columns(sheet),
        viewer=actor.name,
        can_decide=guard.may("decisions.index"),
        closed=None if sheet.cards else _closed(read),
        toast=toast,
    )
    frame = shell.page_shell("today" if page.today is None else "", now, open_decisions=page.open_decisions)
    # One list that lags is said of that list, and not of the whole connection.
    banner = None if truth.notes and now.state is ConnectionState.STALE else shell.notice(now)
    return DayPage(page, _frame_of_day(frame, page, now), banner, read)


def _closed(read: DayRead) -> ClosedDay | None:
    why = opening_hours.why_closed_at(read.snapshot.clinic, read.sheet.date)
    return ClosedDay(why, opening_hours.next_open_day(read.snapshot.clinic, read.sheet.date)) if why else None


def _note_look(sheet: Sheet, query: str) -> None:
    """Who sees these cards, for the log; what was searched for stands in no row."""
    looking.at_sheet(sheet.date, sheet.card_ids, access_log.SEARCH if query.strip() else access_log.SHEET)


def _unfinished(now: shell.PageStatus) -> list[Notice]:
    """A set-up that somebody began and nobody finished, for those who can."""
    if not guard.may("connecting.choose"):
        return []
    return [shell.unfinished_notice(begun, now) for begun in drafts.unfinished(now.connections)]


def _frame_of_day(frame: Shell, page: SheetPage, now: shell.PageStatus) -> Shell:
    """The sidebar beside a sheet speaks of the day that is looked at, and Sync now reads it."""
    frame = replace(frame, sync=replace(frame.sync, day=page.iso), polls=False)
    if now.running or not now.connections or now.state not in _CALM:
        return frame
    return replace(
        frame,
        badge=page.freshness,
        as_of=page.as_of if page.was_read else None,
        reason=page.reason,
        reason_href=page.reason_href,
    )


def _is_first_look(sheet: Sheet) -> bool:
    """True while this person has never looked at this day."""
    return any(card.is_first_look for card in sheet.cards)


def get_own_sheet(wanted: date) -> Sheet:
    """The sheet as the one asking may see it: a clinician sees their own column."""
    return _read(wanted).sheet


def _read(wanted: date | None) -> DayRead:
    actor = guard.current_actor()
    own = (actor.clinician_id or 0) if actor.role == "clinician" else None
    return days.read_day(wanted, include_not_shown=True, clinician_id=own, viewer=actor)


def _look_at(wanted: date, query: str = "", given: Mapping[str, str] | None = None) -> Look:
    signed_in = guard.current_session()
    usual = signed_in.sheet_view if signed_in else None
    return read_look(wanted, forms.asked() if given is None else given, usual=usual, query=query)


def version_of(etag: str, now: datetime) -> str:
    """What the page shows: the sheet's tag, and the minute, because ages and the line of now move by themselves."""
    return f"{etag}-{now:%H%M}"


def clinicians_of(wanted: date) -> dict[int, str]:
    """The columns of a day that the one asking may see: clinician id -> name, in their order."""
    return {column.id: column.name for column in get_own_sheet(wanted).columns}
