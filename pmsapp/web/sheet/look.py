"""How a day is looked at: filter, view, order and collapsed sections, all in the address; the search never is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any
from urllib.parse import urlencode

from pmsapp.domain.worklist.lines import Filter
from pmsapp.services.sheet.looks import VIEWS
from pmsapp.web.ui.forms import Form

LIST, COLUMNS = VIEWS
_TIME = "time"


class SearchForm(Form):
    """What is searched for."""

    q: str = ""


class ViewForm(Form):
    """The view that was chosen."""

    view: str = ""


class PollForm(Form):
    """In the address of the page's own poll: what it shows."""

    v: str = ""


@dataclass(frozen=True, slots=True)
class Look:
    """What is chosen. `closed`: keys of collapsed sections; `query`: what is searched for, never in an address."""

    day: date
    chosen: Filter = Filter.ALL
    view: str = LIST
    by_time: bool = False
    closed: frozenset[str] = frozenset()
    query: str = ""

    def href(self, **changes: Any) -> str:
        """The address of the same day with these changes."""
        look = replace(self, **changes)
        wanted: dict[str, str] = {"view": look.view}
        if look.chosen is not Filter.ALL:
            wanted["filter"] = look.chosen.value
        if look.by_time:
            wanted["order"] = _TIME
        if look.closed:
            wanted["closed"] = ".".join(sorted(look.closed))
        return f"/sheet/{look.day.isoformat()}?{urlencode(wanted)}"

    def toggled(self, key: str) -> str:
        """The address with one section opened or closed."""
        return self.href(closed=self.closed ^ {key})


def read_look(day: date, given: Mapping[str, str], *, usual: str | None, query: str = "") -> Look:
    """The look an address asks for; `usual`: the view this person last chose. What is not known is left out.

    A filter or a search is always about the list.
    """
    view = given.get("view", "")
    chosen = given.get("filter", "")
    closed = {key for key in given.get("closed", "").split(".") if key.isalnum() and len(key) < 20}
    return Look(
        day=day,
        chosen=Filter(chosen) if chosen in set(Filter) else Filter.ALL,
        view=LIST if query.strip() else next((name for name in (view, usual) if name in VIEWS), LIST),
        by_time=given.get("order") == _TIME,
        closed=frozenset(closed),
        query=query.strip()[:100],
    )
