"""Form fields that several pages share."""

from __future__ import annotations

from datetime import date

from werkzeug.exceptions import NotFound

from pmsapp.adapters.registry import list_infos
from pmsapp.domain.window import AUSTRALIAN_ZONES
from pmsapp.services.clinic import clinic, day_bounds
from pmsapp.web.ui import forms
from pmsapp.web.ui.page_contexts import Option


def straight_to() -> tuple[tuple[str, str], ...]:
    """Each practice software by name, and where its set-up begins, chosen already."""
    return tuple((info.label, f"/integrations/new?chosen={info.slug}") for info in list_infos())


def zone_options(chosen: str) -> tuple[Option, ...]:
    """The zones of Australia, and the one chosen if it is another."""
    zones = list(AUSTRALIAN_ZONES) if chosen in AUSTRALIAN_ZONES else [chosen, *AUSTRALIAN_ZONES]
    return tuple(Option(zone, zone.replace("_", " "), zone == chosen) for zone in zones)


def asked_day() -> date:
    """The day the address asks for in `date`, else today. Raises NotFound for anything else."""
    asked = forms.read_address(forms.DayForm).date
    return within_bounds(asked or clinic.today())


def hidden_day() -> date | None:
    """The day the form is about, from its hidden `date`. Raises NotFound for anything that is no day."""
    day = forms.read_hidden(forms.DayForm).date
    return None if day is None else within_bounds(day)


def within_bounds(day: date) -> date:
    """The day, when a sheet may be shown for it. Raises NotFound."""
    if not day_bounds.is_within(day):
        raise NotFound
    return day
