"""Form fields that several pages share."""

from __future__ import annotations

from datetime import date

from werkzeug.exceptions import NotFound

from pmsapp.adapters.registry import list_infos
from pmsapp.domain.window import AUSTRALIAN_ZONES
from pmsapp.schemas.addresses import day_or_none
from pmsapp.services.clinic import day_bounds
from pmsapp.web.ui.page_contexts import Option


def straight_to() -> tuple[tuple[str, str], ...]:
    """Each practice software by name, and where its set-up begins, chosen already."""
    return tuple((info.label, f"/integrations/new?chosen={info.slug}") for info in list_infos())


def zone_options(chosen: str) -> tuple[Option, ...]:
    """The zones of Australia, and the one chosen if it is another."""
    zones = list(AUSTRALIAN_ZONES) if chosen in AUSTRALIAN_ZONES else [chosen, *AUSTRALIAN_ZONES]
    return tuple(Option(zone, zone.replace("_", " "), zone == chosen) for zone in zones)


def parse_day(iso: str) -> date:
    """A day from an address or a hidden field. Raises NotFound for anything else."""
    day = day_or_none(iso)
    if day is None:
        raise NotFound
    return within_bounds(day)


def within_bounds(day: date) -> date:
    """The day, when a sheet may be shown for it. Raises NotFound."""
    if not day_bounds.is_within(day):
        raise NotFound
    return day
