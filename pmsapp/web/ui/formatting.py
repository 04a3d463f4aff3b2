"""How times, ages, numbers and phones are written on screen. Pure; every function is handed its zone and its now."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import phonenumbers

from pmsapp.adapters.parsing.text import phones_in, whole_number
from pmsapp.domain.window import local_time

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_AU_MOBILE = "+614"
_AU_AREAS = frozenset("2378")
_E164_AU_LENGTH = 12
_AUSTRALIA = 61


def zone_of(name: str) -> ZoneInfo:
    """The zone of that name."""
    return ZoneInfo(name)


def hhmm(instant: datetime, zone: str) -> str:
    """ "09:30", for tables and cards."""
    return f"{local_time(instant, zone):%H:%M}"


def prose_time(instant: datetime, zone: str) -> str:
    """ "9:30 am", for sentences."""
    return clock_words(local_time(instant, zone))


def clock_words(local: datetime) -> str:
    """ "9:30 am" of a local wall-clock time."""
    return f"{local.hour % 12 or 12}:{local.minute:02d} {'am' if local.hour < 12 else 'pm'}"


def hour_words(hour: int) -> str:
    """ "9 am", for the edge of the sheet."""
    return f"{hour % 12 or 12} {'am' if hour < 12 else 'pm'}"


def time_range(start_at: datetime, end_at: datetime | None, zone: str) -> str:
    """ "09:30–09:50", or the start alone when the end is unknown."""
    return hhmm(start_at, zone) + (f"–{hhmm(end_at, zone)}" if end_at else "")


def moment(instant: datetime, now: datetime, zone: str) -> str:
    """ "09:02" today, "yesterday 17:40", "Mon 16 Nov 09:02" before that (or after today)."""
    clock, today, then = hhmm(instant, zone), local_time(now, zone).date(), local_time(instant, zone).date()
    if then == today:
        return clock
    if then == today - timedelta(days=1):
        return f"yesterday {clock}"
    return f"{short_day(then, today)} {clock}"


def spreadsheet_time(instant: datetime, zone: str) -> str:
    """ "2026-11-23 09:02:00": the wall clock of the zone, as every spreadsheet reads it."""
    return f"{instant.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M:%S}"


def short_day(day: date, today: date | None = None) -> str:
    """ "Mon 23 Nov", with the year when it is not this year's."""
    year = "" if today is None or today.year == day.year else f" {day.year}"
    return f"{_DAYS[day.weekday()]} {day.day} {_MONTHS[day.month - 1]}{year}"


def long_day(day: date) -> str:
    """ "Monday 23 November 2026"."""
    return f"{day:%A} {day.day} {day:%B} {day.year}"


def day_name(day: date, today: date) -> str:
    """ "Today", "Tomorrow", "Yesterday", else the weekday."""
    return {0: "Today", 1: "Tomorrow", -1: "Yesterday"}.get((day - today).days, f"{day:%A}")


def birth_date(day: date) -> str:
    """ "12 Mar 1979": no reader can swap day and month."""
    return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"


def age(birth: date, on: date) -> str:
    """ "47 y" on that day; months under two years; "" for a birth date in the future."""
    months = (on.year - birth.year) * 12 + on.month - birth.month - (on.day < birth.day)
    if months < 0:
        return ""
    return f"{months // 12} y" if months >= 24 else f"{months} mo"


def plural(number: int, noun: str, many: str | None = None) -> str:
    """ "1 card", "3 cards"; `many` where an s is not enough."""
    return f"{number} {noun if number == 1 else many or noun + 's'}"


def listed(parts: Sequence[str]) -> str:
    """ "A, B and C"."""
    return ", ".join(parts) if len(parts) < 2 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def span(seconds: float) -> str:
    """ "20 s", "3 min", "2 h 5 min": how long something took or has been going on."""
    whole = max(0, int(seconds))
    if whole < 90:
        return f"{whole} s"
    minutes = whole // 60
    if minutes < 90:
        return f"{minutes} min"
    hours, rest = divmod(minutes, 60)
    return f"{hours} h {rest} min" if rest else f"{hours} h"


@dataclass(frozen=True, slots=True)
class PhonePart:
    """A piece of a phone text; `href` dials the number in it."""

    text: str
    href: str | None = None


@dataclass(frozen=True, slots=True)
class PhoneText:
    """A phone as it is shown; its parts joined are the text, nothing dropped."""

    parts: tuple[PhonePart, ...]

    def __str__(self) -> str:
        return "".join(part.text for part in self.parts)


def phone(value: str) -> PhoneText:
    """A phone for reading: one whole number is grouped, with a link; every other text stands as it was written.

    "0412 345 678", "03 9123 4567", "+44 20 7946 0123"; "Mum 0412 345 678 after 3pm" with a link on the number alone.
    """
    number = whole_number(value)
    if number is not None:
        return PhoneText((PhonePart(_grouped(number), f"tel:{number}"),))
    parts, at = [], 0
    for found in phones_in(value):
        parts += [
            PhonePart(value[at : found.start]),
            PhonePart(value[found.start : found.end], f"tel:{found.number}"),
        ]
        at = found.end
    return PhoneText(tuple(part for part in (*parts, PhonePart(value[at:])) if part.text))


def _grouped(number: str) -> str:
    """A number in E.164 the way people here write it."""
    if number.startswith("+61") and len(number) == _E164_AU_LENGTH:
        local = "0" + number[3:]
        if number.startswith(_AU_MOBILE):
            return f"{local[:4]} {local[4:7]} {local[7:]}"
        if number[3] in _AU_AREAS:
            return f"{local[:2]} {local[2:6]} {local[6:]}"
    parsed = phonenumbers.parse(number)
    at_home = parsed.country_code == _AUSTRALIA
    form = (
        phonenumbers.PhoneNumberFormat.NATIONAL if at_home else phonenumbers.PhoneNumberFormat.INTERNATIONAL
    )
    shown: str = phonenumbers.format_number(parsed, form)
    return shown if re.sub(r"\D", "", shown).removeprefix("0") in (number[1:], number[3:]) else number
