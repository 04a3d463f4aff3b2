"""How times, ages, numbers and phones are written on screen. Pure; every function is handed its zone and its now."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import phonenumbers

from pmsapp.domain.window import local_time

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_AU_MOBILE = "+614"
_AU_AREAS = frozenset("2378")
_E164_AU_LENGTH = 12


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


def phone(value: str) -> str:
    """A phone grouped for reading: "0412 345 678", "03 9123 4567"; one from abroad keeps its country code.

    What does not parse is shown as it is.
    """
    if value.startswith("+61") and len(value) == _E164_AU_LENGTH and value[1:].isdigit():
        local = "0" + value[3:]
        if value.startswith(_AU_MOBILE):
            return f"{local[:4]} {local[4:7]} {local[7:]}"
        if value[3] in _AU_AREAS:
            return f"{local[:2]} {local[2:6]} {local[6:]}"
    try:
        number = phonenumbers.parse(value, "AU")
    except phonenumbers.NumberParseException:
        return value
    national = number.country_code == 61  # noqa: PLR2004 - Australia
    form = (
        phonenumbers.PhoneNumberFormat.NATIONAL if national else phonenumbers.PhoneNumberFormat.INTERNATIONAL
    )
    return phonenumbers.format_number(number, form)


def phone_href(value: str) -> str | None:
    """The `tel:` address of a phone: its digits and a leading plus, nothing else; None when it holds no digit."""
    digits = "".join(c for c in value if c.isascii() and c.isdigit())
    return f"tel:{'+' if value.strip().startswith('+') else ''}{digits}" if digits else None
