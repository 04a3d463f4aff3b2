"""The view by clinician: a column each, hour by hour, so that a time is at one height across the clinic. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

from pmsapp.domain.runsheet import Card, Column, Freshness, FreshnessState, Sheet
from pmsapp.domain.worklist.lines import Line
from pmsapp.web.sheet.card_view import Names, build_card
from pmsapp.web.sheet.day_truth import age_words, freshness_badge, is_old
from pmsapp.web.sheet.line_view import pms_note, presses_of, state_badge
from pmsapp.web.sheet.sheet_contexts import Band, CardView, ColumnView, Hour
from pmsapp.web.ui import formatting as fmt
from pmsapp.web.ui.page_contexts import Badge


def build_columns(
    sheet: Sheet, axis: Axis, names: Names, lines: Mapping[int, Line], *, can_edit: bool
) -> tuple[ColumnView, ...]:
    """Every clinician's column, patients without a clinician first. `lines`: the day laid out, for states and buttons."""
    if not sheet.cards and not _some_column_is_old(sheet):
        return ()
    columns = [_column(column, axis, names, sheet.time_zone) for column in sheet.columns]
    if sheet.unassigned:
        columns.insert(0, _unassigned(sheet.unassigned, axis, names))

    def as_line(view: CardView) -> CardView:
        """The card with the state and the buttons of its line: both views say the same."""
        line = lines.get(view.id)
        if line is None:
            return view
        note = pms_note(line.card, names)
        return replace(
            view,
            badge=state_badge(line, axis.now),
            marks=((Badge(note, "info", "warn"),) if note else ()) + view.marks,
            presses=presses_of(line) if can_edit else (),
        )

    return tuple(
        replace(
            column,
            bands=tuple(
                replace(band, cards=tuple(as_line(view) for view in band.cards)) for band in column.bands
            ),
        )
        for column in columns
    )


class Axis:
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


def _column(column: Column, axis: Axis, names: Names, zone: str) -> ColumnView:
    fresh = column.freshness
    return ColumnView(
        key=str(column.id),
        name=column.name,
        counts=_counts(column.cards),
        as_of=age_words(fresh, axis.now, zone, never="not read yet"),
        freshness=freshness_badge(fresh, axis.now, zone) if is_old(fresh) else None,
        bands=_bands(column.cards, axis, names, zone),
        empty=None if column.cards else _empty_column(fresh, axis.now, zone),
    )


def _unassigned(cards: Sequence[Card], axis: Axis, names: Names) -> ColumnView:
    return ColumnView(
        key="none",
        name="No clinician",
        counts=_counts(cards),
        as_of="",
        freshness=None,
        bands=_bands(cards, axis, names, str(axis.zone)),
        unassigned=True,
    )


def _bands(cards: Sequence[Card], axis: Axis, names: Names, zone: str) -> tuple[Band, ...]:
    views = [build_card(card, now=axis.now, names=names, sheet_zone=zone) for card in cards]
    return axis.bands(cards, views) if cards else ()


def _counts(cards: Sequence[Card]) -> str:
    disconnected = sum(card.is_disconnected for card in cards)
    gone = sum(card.is_gone for card in cards) - disconnected
    parts = [fmt.plural(len(cards) - gone - disconnected, "card")]
    parts += [
        f"{number} {word}" for number, word in ((gone, "cancelled"), (disconnected, "disconnected")) if number
    ]
    return ", ".join(parts)


def _empty_column(fresh: Freshness, now: datetime, zone: str) -> str:
    if fresh.state is FreshnessState.NONE:
        return "No cards. No clinician of the practice software is matched to this column."
    if fresh.as_of is None:
        return "Not read yet."
    if fresh.state is FreshnessState.FRESH:
        return "No telehealth appointments."
    return f"Nothing in the list of {fmt.moment(fresh.as_of, now, zone)}."


def _some_column_is_old(sheet: Sheet) -> bool:
    return any(is_old(column.freshness) for column in sheet.columns) and bool(sheet.freshness.as_of)


def card_of(columns: Sequence[ColumnView], card_id: int) -> CardView | None:
    """One card as it is drawn, None where it is not on the page."""
    drawn = (card for column in columns for band in column.bands for card in band.cards)
    return next((card for card in drawn if card.id == card_id), None)
