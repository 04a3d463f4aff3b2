"""Times on the command line: days and instants of the clinic, as people write them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import click

from pmsapp.domain.window import day_start
from pmsapp.services.clinic import clinic

F = TypeVar("F", bound=Callable[..., Any])


def period_options(command: F) -> F:
    """Add `--from` and `--to`."""
    to = click.option(
        "--to",
        "until",
        metavar="WHEN",
        help="Before then; a day counts whole. 2026-11-30 or 2026-11-30T17:30.",
    )
    return click.option("--from", "since", metavar="WHEN", help="From then on, in the clinic's time.")(
        to(command)
    )


def read_period(since: str | None, until: str | None) -> tuple[datetime | None, datetime | None]:
    """Both ends as instants. Raises BadParameter."""
    return _instant(since, "--from", end=False), _instant(until, "--to", end=True)


def _instant(text: str | None, option: str, *, end: bool) -> datetime | None:
    if text is None:
        return None
    zone = clinic.time_zone()
    try:
        if len(text) == len("2026-11-30"):
            return day_start(date.fromisoformat(text) + timedelta(days=1 if end else 0), zone)
        given = datetime.fromisoformat(text)
    except ValueError:
        raise click.BadParameter("write it like 2026-11-30 or 2026-11-30T17:30.", param_hint=option) from None
    return (given if given.tzinfo else given.replace(tzinfo=ZoneInfo(zone))).astimezone(UTC)
