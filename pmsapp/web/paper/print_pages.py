"""The run sheet on paper: a preview with what to choose, one clinician per page."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime

from flask import Blueprint
from flask.typing import ResponseReturnValue

from pmsapp.access import guard, looking
from pmsapp.domain.runsheet import Sheet
from pmsapp.services.records import access_log
from pmsapp.web.paper.contexts import PrintPage
from pmsapp.web.paper.day_view import build_day
from pmsapp.web.sheet.card_view import Names
from pmsapp.web.sheet.pages import get_own_sheet
from pmsapp.web.ui import formatting as fmt
from pmsapp.web.ui import forms, shell
from pmsapp.web.ui.fields import within_bounds

bp = Blueprint("paper", __name__)
_NOBODY = "none"


class PrintForm(forms.Form):
    """In the address: whose column alone, and whether initials stand for names."""

    clinician: str = ""
    initials: str = ""


@bp.get("/sheet/<day:wanted>/print")
def sheet(wanted: date) -> ResponseReturnValue:
    """A day on paper; of one clinician, or with initials alone, where that was chosen."""
    asked = forms.read_address(PrintForm)
    sheet = get_own_sheet(within_bounds(wanted))
    looking.at_sheet(wanted, {card.id for card in sheet.cards}, access_log.PRINT)
    now = shell.page_status()
    choices = {str(column.id): column.name for column in sheet.columns}
    if sheet.unassigned:
        choices[_NOBODY] = "No clinician"
    chosen = asked.clinician if asked.clinician in choices else ""
    is_initials = asked.initials == "1"
    paper = build_day(
        _only(sheet, chosen) if chosen else sheet,
        now=now.now,
        names=Names(now.names()),
        clinic=now.clinic,
        made=printed_by(guard.current_actor().name, now.now, now.zone),
        is_initials=is_initials,
        is_training=now.is_training,
    )
    page = PrintPage(wanted.isoformat(), paper, choices, chosen, is_initials, max(len(paper.sections), 1))
    return shell.render("paper/print.html", "", now, page=page)


def printed_by(name: str, now: datetime, zone: str) -> str:
    """ "Printed by Mel, Mon 23 Nov 2026 09:02"."""
    local = now.astimezone(fmt.zone_of(zone))
    return f"Printed by {name}, {fmt.short_day(local.date())} {local:%Y %H:%M}"


def _only(sheet: Sheet, chosen: str) -> Sheet:
    """The same day with one clinician's column."""
    if chosen == _NOBODY:
        return replace(sheet, columns=())
    return replace(
        sheet, columns=tuple(column for column in sheet.columns if str(column.id) == chosen), unassigned=()
    )
