"""Ids and days in the addresses of pages and of the JSON interface: anything else is an address that does not exist."""

from __future__ import annotations

import re
from datetime import date

from werkzeug.routing import BaseConverter, Map, ValidationError

from pmsapp.schemas.fields import FIRST_DAY, LAST_DAY, MAX_ID

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


class IdConverter(BaseConverter):
    """An id that fits the database."""

    regex = r"[1-9][0-9]{0,18}"

    def to_python(self, value: str) -> int:
        found = int(value)
        if found > MAX_ID:
            raise ValidationError
        return found


class DayConverter(BaseConverter):
    """A day of this century, as YYYY-MM-DD."""

    regex = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"

    def to_python(self, value: str) -> date:
        found = day_or_none(value)
        if found is None:
            raise ValidationError
        return found

    def to_url(self, value: date | str) -> str:
        return str(value)


def day_or_none(text: str) -> date | None:
    """A day of this century written as YYYY-MM-DD; None for anything else."""
    if not _DAY.fullmatch(text):
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if FIRST_DAY <= day <= LAST_DAY else None


def id_or_none(text: str | None) -> int | None:
    """An id that fits the database, written in digits; None for anything else."""
    if text is None or not re.fullmatch(r"[1-9][0-9]{0,18}", text, re.ASCII):
        return None
    found = int(text)
    return found if found <= MAX_ID else None


def use_converters(routes: Map) -> None:
    """Let routes say `<id:card_id>` and `<day:wanted>`."""
    routes.converters["id"] = IdConverter
    routes.converters["day"] = DayConverter
