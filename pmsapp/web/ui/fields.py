"""Form fields that several pages share."""

from __future__ import annotations

from datetime import date

from werkzeug.exceptions import NotFound

from pmsapp.domain.window import AUSTRALIAN_ZONES
from pmsapp.web.ui.page_contexts import Option


def zone_options(chosen: str) -> tuple[Option, ...]:
    """The zones of Australia, and the one chosen if it is another."""
    zones = list(AUSTRALIAN_ZONES) if chosen in AUSTRALIAN_ZONES else [chosen, *AUSTRALIAN_ZONES]
    return tuple(Option(zone, zone.replace("_", " "), zone == chosen) for zone in zones)


def parse_day(iso: str) -> date:
    """A day from an address. Raises NotFound for anything else."""
    try:
        return date.fromisoformat(iso)
    except ValueError:
        raise NotFound from None
