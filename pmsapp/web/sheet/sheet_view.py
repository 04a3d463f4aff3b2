"""Turns a domain `Sheet` into what the page prints. Pure: it is handed its now and its names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from pmsapp.domain.appointment import Presence
from pmsapp.domain.runsheet import Card, Column, Freshness, FreshnessState, Sheet
from pmsapp.domain.window import day_of
from pmsapp.web.sheet.card_view import Names, build_card
from pmsapp.web.sheet.sheet_contexts import (
    Band,
    CardView,
    ColumnView,
    DayLink,
    EmptySheet,
    Hour,
    SheetPage,
)
from pmsapp.web.ui import formatting as fmt
from pmsapp.web.ui.page_contexts import Badge, Notice

_FRESHNESS = {
    FreshnessState.FRESH: Badge("Up to date", "tick", "good"),
    FreshnessState.NEVER: Badge("Not read yet", "broken"),
    FreshnessState.NONE: Badge("Nothing read yet", "plug"),
}


def freshness_badge(fresh: Freshness, now: datetime, zone: str) -> Badge:
    """How old the data is, as word, shape and colour. Stale never looks like empty."""
    if fresh.as_of is None or fresh.state in _FRESHNESS:
        return _FRESHNESS.get(fresh.state, _FRESHNESS[FreshnessState.NEVER])
    age = fmt.moment(fresh.as_of, now, zone)
    if fresh.state is FreshnessState.LATE:
        return Badge(f"Late: data from {age}", "clock", "wait")
    return Badge(f"Out of date: data from {age}", "clock", "warn")


def build_page(
    sheet: Sheet,
    *,
    now: datetime,
    names: Names,
    clinic: str,
    can_edit: bool,
    version: str,
    closed: str | None = None,
) -> SheetPage:
    """Everything `runsheet/sheet.html` prints. `closed`: why the clinic is closed that day, None when it is open."""
    today = day_of(now, sheet.time_zone)
    names = replace(names, clinicians={column.id: column.name for column in sheet.columns})
    axis = _Axis(sheet, now, is_today=sheet.date == today)
    columns = [_column(column, axis, names, sheet.time_zone, can_edit=can_edit) for column in sheet.columns]
    if sheet.unassigned:
        columns.insert(0, _unassigned(sheet.unassigned, axis, names, can_edit=can_edit))
    badge = freshness_badge(sheet.freshness, now, sheet.time_zone)
    as_of = _age_words(sheet.freshness, now, sheet.time_zone, never="never read")
    return SheetPage(
        iso=sheet.date.isoformat(),
        heading=fmt.day_name(sheet.date, today),
        day=_day_words(sheet.date, today),
        title=_title(sheet, today == sheet.date),
        version=version,
        poll_href=f"/sheet/{sheet.date.isoformat()}?v={version}",
        previous=_day_link(sheet.date - timedelta(days=1), today),
        following=_day_link(sheet.date + timedelta(days=1), today),
        today=None if sheet.date == today else DayLink("/", "Today"),
        as_of=as_of,
        as_of_long=f"Data as of {as_of}" if sheet.freshness.state is FreshnessState.FRESH else "",
        freshness=badge,
        summary=_summary(sheet),
        hours=axis.hours,
        columns=tuple(columns) if sheet.cards or _some_column_is_old(sheet) else (),
        empty=None if sheet.cards else _empty(sheet, now, is_today=sheet.date == today, closed=closed),
        asides=_asides(sheet),
        not_shown=_not_shown(sheet),
        zone=sheet.time_zone,
        sources=fmt.listed(sorted(set(names.connections.values()))),
        can_edit=can_edit,
        now=fmt.hhmm(now, sheet.time_zone),
        is_old=_is_old(sheet.freshness),
        paper=f"{clinic} · run sheet of {fmt.long_day(sheet.date)}"
        + (f" · data as of {as_of}" if as_of else ""),
        open_decisions=sheet.open_decisions,
    )


class _Axis:
    """The hours down the side of the sheet, and where the line of now falls."""

    def __init__(self, sheet: Sheet, now: datetime, *, is_today: bool) -> None:
        self.now = now
        self.zone = ZoneInfo(sheet.time_zone)
        here = now.astimezone(self.zone)
        self.here_hour = here.hour
        self._hours = {card.id: card.start_at.astimezone(self.zone).hour for card in sheet.cards}
        used = list(self._hours.values())
        self.has_now = bool(used) and is_today and min(used) <= here.hour <= max(used) + 1
        span = [*used, here.hour] if self.has_now else used
        self._keys: list[tuple[int, bool]] = []
        hours: list[Hour] = []
        for hour in range(min(span), max(span) + 1) if span else ():
            if self.has_now and hour == here.hour:
                if any(self._key(card) == (hour, False) for card in sheet.cards):
                    self._keys.append((hour, False))
                    hours.append(Hour(fmt.hour_words(hour)))
                self._keys.append((hour, True))
                hours.append(Hour(f"{here:%H:%M}", now=True))
            else:
                self._keys.append((hour, False))
                hours.append(Hour(fmt.hour_words(hour)))
        self.hours = tuple(hours)

    def _key(self, card: Card) -> tuple[int, bool]:
        hour = self._hours[card.id]
        return hour, self.has_now and hour == self.here_hour and card.start_at > self.now

    def bands(self, cards: Sequence[Card], views: Sequence[CardView]) -> tuple[Band, ...]:
        """The column's cards hour by hour; every column has the same bands, so that hours line up."""
        by_key: dict[tuple[int, bool], list[CardView]] = {key: [] for key in self._keys}
        for card, view in zip(cards, views, strict=True):
            by_key[self._key(card)].append(view)
        return tuple(Band(tuple(by_key[key]), now=key[1]) for key in self._keys)


def _column(column: Column, axis: _Axis, names: Names, zone: str, *, can_edit: bool) -> ColumnView:
    fresh = column.freshness
    return ColumnView(
        key=str(column.id),
        name=column.name,
        counts=_counts(column.cards),
        as_of=_age_words(fresh, axis.now, zone, never="not read yet"),
        freshness=freshness_badge(fresh, axis.now, zone) if _is_old(fresh) else None,
        bands=_bands(column.cards, axis, names, zone, can_edit=can_edit),
        empty=None if column.cards else _empty_column(fresh, axis.now, zone),
    )


def _unassigned(cards: Sequence[Card], axis: _Axis, names: Names, *, can_edit: bool) -> ColumnView:
    return ColumnView(
        key="none",
        name="No clinician",
        counts=_counts(cards),
        as_of="",
        freshness=None,
        bands=_bands(cards, axis, names, str(axis.zone), can_edit=can_edit),
        unassigned=True,
    )


def _bands(
    cards: Sequence[Card], axis: _Axis, names: Names, zone: str, *, can_edit: bool
) -> tuple[Band, ...]:
    views = [
        build_card(card, now=axis.now, names=names, can_edit=can_edit, sheet_zone=zone) for card in cards
    ]
    return axis.bands(cards, views) if cards else ()


def _counts(cards: Sequence[Card]) -> str:
    gone = sum(card.is_gone for card in cards)
    standing = fmt.plural(len(cards) - gone, "card")
    return f"{standing}, {gone} cancelled" if gone else standing


def _is_old(fresh: Freshness) -> bool:
    """True for data with an age that is not a good one."""
    return fresh.state not in (FreshnessState.FRESH, FreshnessState.NONE)


def _age_words(fresh: Freshness, now: datetime, zone: str, *, never: str) -> str:
    """When it was read; "" where there is nothing to read."""
    if fresh.state is FreshnessState.NONE:
        return ""
    return fmt.moment(fresh.as_of, now, zone) if fresh.as_of else never


def _empty_column(fresh: Freshness, now: datetime, zone: str) -> str:
    if fresh.state is FreshnessState.NONE:
        return "No cards. No clinician of the practice software is matched to this column."
    if fresh.as_of is None:
        return "Not read yet."
    if fresh.state is FreshnessState.FRESH:
        return "No telehealth appointments."
    return f"Nothing in the list of {fmt.moment(fresh.as_of, now, zone)}."


def _some_column_is_old(sheet: Sheet) -> bool:
    return any(_is_old(column.freshness) for column in sheet.columns) and bool(sheet.freshness.as_of)


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
    gone = sum(card.is_gone for card in cards)
    held = sum(card.presence is Presence.HELD for card in cards)
    unclear = sum(card.is_telehealth is None and not card.is_gone for card in cards)
    parts = [fmt.plural(len(cards) - gone, "card")] if cards else []
    for number, words_ in ((gone, "cancelled"), (held, "held"), (unclear, "not sure if telehealth")):
        if number:
            parts.append(f"{number} {words_}")
    return tuple(parts)


def _empty(sheet: Sheet, now: datetime, *, is_today: bool, closed: str | None) -> EmptySheet:
    if not sheet.connections:
        return EmptySheet(
            "No practice software connected yet",
            (
                "Connect it and the day's telehealth appointments appear here by themselves.",
                "You need an administrator login of the practice software and about five minutes. Nothing is ever written to it.",
            ),
            href="/integrations/new",
            action="Connect",
        )
    if closed and sheet.freshness.state is not FreshnessState.FRESH:
        name = "" if closed.startswith("closed") else f" ({closed})"
        return EmptySheet(
            f"Clinic closed{name}",
            ("The day is not read by itself; nothing was found on it so far.",),
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


def _asides(sheet: Sheet) -> tuple[Notice, ...]:
    return tuple(
        Notice(
            f"{name} has {fmt.plural(number, 'appointment')} that {'is' if number == 1 else 'are'} not shown",
            "Nobody has decided yet where they belong.",
            icon="person",
            href="/decisions",
            action="Decide",
        )
        for name, number in sheet.undecided
        if number
    )


def _not_shown(sheet: Sheet) -> str | None:
    wordings = {
        "moved": "moved to another day",
        "filtered": "no longer telehealth",
        "unmapped": "of clinicians not shown",
        "removed_by_staff": "removed by staff",
    }
    parts = [f"{sheet.not_shown[key]} {text}" for key, text in wordings.items() if sheet.not_shown.get(key)]
    return f"Not shown: {', '.join(parts)}." if parts else None
