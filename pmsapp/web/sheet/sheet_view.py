"""Turns a domain `Sheet` into what the page prints. Pure: it is handed its now and its names."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

from pmsapp.domain.appointment import Presence
from pmsapp.domain.runsheet import FreshnessState, Sheet
from pmsapp.domain.window import day_of
from pmsapp.domain.worklist.lines import Filter, WorkList, lay_out
from pmsapp.domain.worklist.patients import matches
from pmsapp.services.sheet.questions import CODES
from pmsapp.web.sheet.card_view import Names
from pmsapp.web.sheet.columns_view import Axis, build_columns
from pmsapp.web.sheet.day_truth import DayTruth, age_words, is_old
from pmsapp.web.sheet.line_view import Setting
from pmsapp.web.sheet.list_contexts import ListView, Toast
from pmsapp.web.sheet.list_view import build_list
from pmsapp.web.sheet.look import COLUMNS, LIST, Look
from pmsapp.web.sheet.sheet_contexts import (
    ClosedDay,
    DayLink,
    EmptySheet,
    SheetPage,
    ViewChoice,
)
from pmsapp.web.ui import fields
from pmsapp.web.ui import formatting as fmt
from pmsapp.web.ui.page_contexts import Notice


def build_page(
    sheet: Sheet,
    *,
    now: datetime,
    names: Names,
    clinic: str,
    can_edit: bool,
    version: str,
    look: Look,
    truth: DayTruth,
    fed: frozenset[int],
    viewer: str = "",
    can_decide: bool = True,
    closed: ClosedDay | None = None,
    toast: Toast | None = None,
) -> SheetPage:
    """Everything `runsheet/sheet.html` prints. `closed`: why, None when the clinic is open that day."""
    today = day_of(now, sheet.time_zone)
    is_today = sheet.date == today
    names = replace(names, clinicians={column.id: column.name for column in sheet.columns})
    around = Setting(
        now,
        names,
        sheet.time_zone,
        can_edit,
        viewer,
        all(card.is_telehealth is not False for card in sheet.cards),
    )
    axis = Axis(sheet, now, is_today=is_today)
    is_columns = look.view == COLUMNS
    laid = laid_out(sheet, look, now, is_today=is_today)
    notices = _questions(sheet, names, can_decide=can_decide)
    return SheetPage(
        **_day_texts(sheet, now, today, clinic),
        version=version,
        poll_href=f"{look.href()}&v={version}",
        freshness=truth.badge,
        summary=_summary(sheet),
        hours=axis.hours if is_columns else (),
        columns=build_columns(sheet, axis, names, laid.lines, can_edit=can_edit) if is_columns else (),
        empty=_empty_of(sheet, look, now, is_today=is_today, closed=closed),
        asides=(*truth.notes, *notices) if is_columns else truth.notes,
        not_shown=_not_shown(sheet),
        zone=sheet.time_zone,
        sources=fmt.listed(sorted(set(names.connections.values()))),
        can_edit=can_edit,
        now=fmt.hhmm(now, sheet.time_zone),
        is_old=is_old(sheet.freshness),
        open_decisions=sheet.open_decisions,
        view=look.view,
        work_list=_work_list(sheet, laid, look, around, clinic, fed, notices),
        reason=truth.reason,
        reason_href=truth.href,
        views=_views(is_columns=is_columns),
        print_href=f"/sheet/{sheet.date.isoformat()}/print",
        query=look.query,
        here=look.href(),
        toast=toast,
    )


def _views(*, is_columns: bool) -> tuple[ViewChoice, ...]:
    return (
        ViewChoice(LIST, "Work list", not is_columns),
        ViewChoice(COLUMNS, "By clinician", is_columns),
    )


def _day_texts(sheet: Sheet, now: datetime, today: date, clinic: str) -> dict[str, Any]:
    """What is said of the day itself: its names, its neighbours, and the age of what is shown."""
    as_of = age_words(sheet.freshness, now, sheet.time_zone, never="never read")
    return {
        "iso": sheet.date.isoformat(),
        "heading": fmt.day_name(sheet.date, today),
        "day": _day_words(sheet.date, today),
        "short_day": fmt.short_day(sheet.date, today),
        "title": _title(sheet, sheet.date == today),
        "previous": _day_link(sheet.date - timedelta(days=1), today),
        "following": _day_link(sheet.date + timedelta(days=1), today),
        "today": None if sheet.date == today else DayLink("/", "Today"),
        "as_of": as_of,
        "as_of_long": f"Data as of {as_of}" if sheet.freshness.state is FreshnessState.FRESH else "",
        "was_read": sheet.freshness.as_of is not None,
        "paper": f"{clinic} · run sheet of {fmt.long_day(sheet.date)}"
        + (f" · data as of {as_of}" if as_of else ""),
    }


def _work_list(
    sheet: Sheet,
    laid: WorkList,
    look: Look,
    around: Setting,
    clinic: str,
    fed: frozenset[int],
    notices: tuple[Notice, ...],
) -> ListView:
    return build_list(
        sheet,
        laid,
        look,
        around,
        clinic=clinic,
        notices=notices,
        fed=fed,
    )


def laid_out(sheet: Sheet, look: Look, now: datetime, *, is_today: bool) -> WorkList:
    """The day's lines in their places, filter and search applied."""
    return lay_out(
        sheet,
        now,
        is_today=is_today,
        chosen=look.chosen,
        by_time=look.by_time,
        is_wanted=lambda card: matches(
            look.query, name=card.patient_name, birth_date=card.patient_dob, phone=card.patient_phone
        ),
    )


def _day_words(day: date, today: date) -> str:
    """ "Monday 23 November 2026" under "Today"; without the weekday where the heading is the weekday."""
    long = fmt.long_day(day)
    return long if abs((day - today).days) < 2 else long.split(" ", 1)[1]


def _title(sheet: Sheet, is_today: bool) -> str:
    count = f"({sheet.open_decisions}) " if sheet.open_decisions else ""
    return f"{count}Run sheet, {'today' if is_today else fmt.short_day(sheet.date)}"


def _day_link(day: date, today: date) -> DayLink:
    return DayLink(
        f"/sheet/{day.isoformat()}",
        fmt.day_name(day, today) if abs((day - today).days) < 2 else fmt.short_day(day),
    )


def _summary(sheet: Sheet) -> tuple[str, ...]:
    cards = sheet.cards
    disconnected = sum(card.is_disconnected for card in cards)
    gone = sum(card.is_gone for card in cards) - disconnected
    held = sum(card.presence is Presence.HELD for card in cards)
    unclear = sum(card.is_telehealth is None and not card.is_gone for card in cards)
    parts = [fmt.plural(len(cards) - gone - disconnected, "card")] if cards else []
    for number, words_ in (
        (gone, "cancelled"),
        (disconnected, "disconnected"),
        (held, "held"),
        (unclear, "not sure if telehealth"),
    ):
        if number:
            parts.append(f"{number} {words_}")
    return tuple(parts)


def _empty(sheet: Sheet, now: datetime, *, is_today: bool, closed: ClosedDay | None) -> EmptySheet:
    if not sheet.connections:
        return EmptySheet(
            "No practice software connected yet",
            (
                "Connect it and the day's telehealth appointments appear here by themselves.",
                "You need an administrator login of the practice software and about five minutes. Nothing is ever written to it.",
            ),
            href="/integrations/new",
            action="Connect",
            straight=fields.straight_to(),
        )
    if closed and sheet.freshness.state is not FreshnessState.FRESH:
        name = "" if closed.why.startswith("closed") else f" ({closed.why})"
        return EmptySheet(
            f"Clinic closed{name}",
            (
                "The day is not read by itself; nothing was found on it so far.",
                *((f"Next run sheet: {fmt.short_day(closed.reopens)}.",) if closed.reopens else ()),
            ),
            read_now=True,
        )
    if sheet.freshness.as_of is None:
        return EmptySheet(
            "This day has not been read yet", ("Nothing is known about it so far.",), read_now=True
        )
    checked = fmt.moment(sheet.freshness.as_of, now, sheet.time_zone)
    if sheet.freshness.state is not FreshnessState.FRESH:
        return EmptySheet(
            f"We could not read {fmt.listed(list(sheet.connections))} since {checked}",
            ("The list we had then held no telehealth appointments. There may be some by now.",),
            read_now=True,
        )
    day = "today" if is_today else "on this day"
    sentences = [f"Checked {checked}."]
    if sheet.in_person_not_shown:
        sentences.append(
            f"{fmt.plural(sheet.in_person_not_shown, 'in-person appointment is', 'in-person appointments are')} not shown."
        )
    return EmptySheet(f"No telehealth appointments {day}", tuple(sentences))


def _questions(sheet: Sheet, names: Names, *, can_decide: bool) -> tuple[Notice, ...]:
    """What needs somebody on this day and is no patient: undecided practitioners, held removals. Only who may decide is
    led to where that is done."""
    asked = {question.subject: question.id for question in sheet.questions}
    found = [
        Notice(
            f"{group.name} has {fmt.plural(group.number, 'appointment')} that {'is' if group.number == 1 else 'are'} not shown",
            "Nobody has decided yet where they belong.",
            icon="person",
            code="MAP-NEW",
            href=_place(asked.get(group.subject), can_decide=can_decide),
            action="Decide",
        )
        for group in sheet.undecided
        if group.number
    ]
    for question in sheet.questions:
        if question.kind == "removals_held":
            who = names.clinicians.get(question.clinician_id or 0, "one clinician")
            found.append(
                Notice(
                    f"{fmt.plural(question.number, 'patient')} of {who} would disappear",
                    "Removals are held until somebody looks.",
                    icon="held",
                    code="REMOVE-HELD",
                    href=_place(question.id, can_decide=can_decide),
                    action="Decide",
                )
            )
        elif question.kind in _ABOUT_LISTS:
            headline, detail = _ABOUT_LISTS[question.kind]
            found.append(
                Notice(
                    headline.format(patients=fmt.plural(question.number, "patient")),
                    detail,
                    icon="help",
                    code=CODES.get(question.kind),
                    href=_place(question.id, can_decide=can_decide),
                    action="Decide",
                )
            )
    odd = [card for card in sheet.cards if card.time_odd and card.presence is Presence.ON_SHEET]
    if odd:
        found.append(
            Notice(
                f"{fmt.plural(len(odd), 'patient')} at a time that does not exist or exists twice",
                "The clocks change that night. The time is shown as it was sent; check it in the practice software.",
                icon="clock",
                code="TIME-ODD",
                href=f"/cards/{odd[0].id}",
                action="Look",
            )
        )
    return tuple(found)


# Questions about practitioners and types that touch the patients of every day.
_ABOUT_LISTS = {
    "type_new": ("{patients} of an appointment type that is new", "Shown and marked until somebody decides."),
    "type_changed": ("{patients} of an appointment type that was changed", "Shown as not sure until then."),
    "type_gone": ("{patients} of an appointment type that was archived", "Shown as before until then."),
    "practitioner_gone": (
        "{patients} of somebody who left the practice software or is inactive there",
        "Their cards may be out of date.",
    ),
    "practitioner_changed": ("A practitioner has another name now: {patients}", "The column keeps its name."),
}


def _place(decision_id: int | None, *, can_decide: bool) -> str | None:
    if not can_decide:
        return None
    return f"/decisions#decision-{decision_id}" if decision_id else "/decisions#undecided"


def _empty_of(
    sheet: Sheet, look: Look, now: datetime, *, is_today: bool, closed: ClosedDay | None
) -> EmptySheet | None:
    """Only where nothing at all is to be seen: a filter that hides everything says so itself, and a day whose patients
    wait for somebody to say where they belong is not empty."""
    if any(group.number for group in sheet.undecided):
        return None
    if sheet.cards or look.chosen is Filter.NOT_SHOWN:
        return None
    return _empty(sheet, now, is_today=is_today, closed=closed)


def _not_shown(sheet: Sheet) -> str | None:
    wordings = {
        "moved": "moved to another day",
        "filtered": "no longer telehealth",
        "unmapped": "of clinicians not shown",
        "removed_by_staff": "removed by staff",
    }
    parts = [f"{sheet.not_shown[key]} {text}" for key, text in wordings.items() if sheet.not_shown.get(key)]
    return f"Not shown: {', '.join(parts)}." if parts else None
