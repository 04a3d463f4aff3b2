"""The next step of an error as a person takes it here: its words, and the address of the page where it is done."""

from __future__ import annotations

from dataclasses import dataclass

from pmsapp.domain.codes import LeadsTo
from pmsapp.domain.errors import step_for

_OF_CONNECTION = {
    LeadsTo.LOGIN: "/login",
    LeadsTo.PAIRING: "/pair",
    LeadsTo.CONNECTION: "",
    LeadsTo.KEPT_ASIDE: "#aside-h",
    LeadsTo.HISTORY: "/history",
}
_OF_INSTALLATION = {
    LeadsTo.DECISIONS: "/decisions",
    LeadsTo.HEALTH: "/settings/health",
    LeadsTo.ALERTS: "/settings/alerts",
    LeadsTo.PEOPLE: "/settings/people",
}


@dataclass(frozen=True, slots=True)
class NextStep:
    """What to press, where that leads, and the kind of place it is."""

    word: str
    href: str
    leads_to: LeadsTo


def help_href(code: str) -> str:
    """Where a code is explained."""
    return f"/help/{code}"


def next_step(code: str, pms: str, connection_id: int | None) -> NextStep:
    """The step of `code`; one of a connection leads to the health page where there is no connection."""
    step = step_for(code)
    leads_to = step.leads_to
    if connection_id is None and leads_to in _OF_CONNECTION:
        leads_to = LeadsTo.HEALTH
    if leads_to is LeadsTo.HELP:
        href = help_href(code)
    elif leads_to in _OF_CONNECTION:
        href = f"/integrations/{connection_id}{_OF_CONNECTION[leads_to]}"
    else:
        href = _OF_INSTALLATION[leads_to]
    return NextStep(step.words.format(pms=pms), href, leads_to)
