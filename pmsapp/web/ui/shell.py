"""The frame around every signed-in screen: sidebar, sync badge, age of the data, the notice above the page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flask import render_template, request

from pmsapp import clock
from pmsapp.access import guard
from pmsapp.domain.codes import LeadsTo
from pmsapp.domain.errors import is_for_staff
from pmsapp.domain.runsheet import oldest
from pmsapp.domain.sync_state import ConnectionState, overall_state
from pmsapp.services.base.next_step import NextStep
from pmsapp.services.base.transaction import reading
from pmsapp.services.clinic import snapshot
from pmsapp.services.clinic.snapshot import Snapshot
from pmsapp.services.connections import connections
from pmsapp.services.connections.connections import ConnectionView
from pmsapp.services.editing import decisions
from pmsapp.services.monitoring import incidents
from pmsapp.services.monitoring.incidents import IncidentView
from pmsapp.services.people import sessions
from pmsapp.services.setup.drafts import Unfinished
from pmsapp.services.vendors import adapters as vendor_adapters
from pmsapp.web.ui import formatting as fmt
from pmsapp.web.ui import labels
from pmsapp.web.ui.page_contexts import Badge, NavItem, Notice, Shell

_LIVE = frozenset(ConnectionState) - {ConnectionState.SETUP, ConnectionState.PAUSED}

HIDE_DETAILS_AFTER = timedelta(minutes=3)  # without a person at the page


@dataclass(frozen=True, slots=True)
class PageStatus:
    """How everything stands now: what the sidebar, the badge and the notice are made of.

    `running`: what the run under way says of itself, by connection. `has_problem`: something wrong was told of.
    """

    connections: tuple[ConnectionView, ...]
    running: dict[int, Mapping[str, Any]]
    zone: str
    now: datetime
    clinic: str = ""
    is_training: bool = False
    has_problem: bool = False

    @property
    def state(self) -> ConnectionState:
        """The most serious state of all connections."""
        return overall_state(connection.state for connection in self.connections)

    def names(self) -> dict[int, str]:
        """What each connection is called on cards. One that is still being set up makes no other's name longer."""
        used = [
            connection for connection in self.connections if connection.state is not ConnectionState.SETUP
        ]
        rest = {connection.id: connection.pms_label for connection in self.connections}
        return rest | names_on_cards(
            [(connection.id, connection.pms_label, connection.display_name) for connection in used]
        )


def names_on_cards(connections: Sequence[tuple[int, str, str]]) -> dict[int, str]:
    """The PMS ("Gentu"), or the connection's own name where two use the same one. Takes (id, PMS, own name)."""
    used = Counter(pms for _, pms, _ in connections)
    return {number: pms if used[pms] == 1 else own for number, pms, own in connections}


def page_status() -> PageStatus:
    """Ask the services how everything stands."""
    with reading() as session:
        return page_status_of(snapshot.load(session, clock.now()))


def page_status_of(snapshot_now: Snapshot) -> PageStatus:
    """The same, of what was read already."""
    now = clock.now()
    running = {
        connection.row.id: connection.progress
        for connection in snapshot_now.connections
        if connection.progress is not None
    }
    own, listed = snapshot_now.clinic, tuple(connections.views_in(snapshot_now, now))
    return PageStatus(
        listed,
        running,
        own.time_zone,
        now,
        own.name,
        own.is_training or any(vendor_adapters.is_simulated(connection.pms_type) for connection in listed),
        snapshot_now.has_problem,
    )


def page_shell(active: str, now: PageStatus | None = None, *, open_decisions: int | None = None) -> Shell:
    """The frame for a page under the sidebar's entry `active` (today, decisions, integrations, settings, help)."""
    now = now or page_status()
    if open_decisions is None:
        open_decisions = len(decisions.list_open())
    actor, signed_in = guard.current_actor(), guard.current_session()
    rule = guard.rule_for(request.endpoint, request.method)
    on = live(now.connections)
    age = oldest(connection.freshness for connection in on) if on else None
    return Shell(
        active=active,
        items=_items(now, open_decisions),
        badge=overall_badge(now),
        as_of=fmt.moment(age.as_of, now.now, now.zone) if age and age.as_of else None,
        person=actor.name,
        user_id=actor.id,
        lock_after_s=int(sessions.IDLE_LIFE.total_seconds()),
        hide_after_s=int(HIDE_DETAILS_AFTER.total_seconds()),
        is_delicate=bool(rule and rule.fresh),
        shortcuts=bool(signed_in and signed_in.shortcuts),
        can_sync=bool(on) and guard.may("updates.start", "POST"),
        can_configure=guard.may("connecting.choose"),
        can_add=guard.may("cards.new"),
        is_training=now.is_training,
    )


def render(template: str, active: str, now: PageStatus | None = None, **context: object) -> str:
    """A whole page in the frame."""
    return render_template(template, shell=page_shell(active, now), **context)


def live(listed: Sequence[ConnectionView]) -> list[ConnectionView]:
    """Those that are set up and not paused: the ones "Sync now" asks."""
    return [connection for connection in listed if connection.state in _LIVE]


def overall_badge(now: PageStatus) -> Badge:
    """One badge that speaks for every connection: a run in progress, else the most serious state."""
    if now.running:
        return labels.updating_badge(now.running.values())
    if not now.connections:
        return Badge("Nothing connected", "plug")
    worst = next(connection for connection in now.connections if connection.state is now.state)
    return labels.connection_badge(worst, None, now.now)


def notice(now: PageStatus) -> Notice | None:
    """The one thing that changes what staff should trust, most serious first; None when all is well."""
    told = incidents.list_open() if now.has_problem else []
    of_installation = [incident for incident in told if incident.connection_id is None]
    for incident in of_installation:
        if incident.code in _EXPLAINS_ALL:
            return _installation_notice(incident, now)
    for state, make in _NOTICES:
        for connection in now.connections:
            if connection.state is state:
                return make(connection, now)
    for incident in of_installation:
        if incident.code in _TOUCHES_CARDS or guard.may("settings.health"):
            return _installation_notice(incident, now)
    return None


def unfinished_notice(begun: Unfinished, now: PageStatus) -> Notice:
    """A set-up that somebody began and nobody finished: the step that comes next, who was there last, and the way on."""
    by = f", {begun.by} {fmt.moment(begun.at, now.now, now.zone)}" if begun.by and begun.at else ""
    return Notice(
        f"The set-up of {begun.name} is not finished",
        f"Step {begun.step} of {begun.steps} comes next{by}.",
        "wait",
        "plug",
        href=begun.href,
        action="Continue",
    )


# Nobody reads, or nothing read can be relied on: whatever a connection says follows from this.
_EXPLAINS_ALL = frozenset({"SCHED-DEAD", "QUEUE-STUCK", "DATABASE-DAMAGED"})
# Staff should know; the rest is for those who can do something about it.
_TOUCHES_CARDS = frozenset({"RECEIPT-DIFFERS"})


def _installation_notice(incident: IncidentView, now: PageStatus) -> Notice:
    """What is wrong with pmsapp itself, such as updates that no longer start."""
    age = (
        oldest(incident.freshness for incident in live(now.connections)).as_of
        if incident.code in _EXPLAINS_ALL
        else None
    )
    as_of = f"Cards are as of {fmt.moment(age, now.now, now.zone)}. " if age else ""
    href, action = way_to(incident.step)
    advice = _advice_to(incident.advice, incident.code, incident.step)
    since = fmt.moment(incident.started_at, now.now, now.zone)
    tone = "stop" if incident.code in _EXPLAINS_ALL else "warn"
    return Notice(
        f"{incident.message}.",
        f"Since {since}. {as_of}{advice}",
        tone,
        "warn",
        incident.code,
        href,
        action,
    )


def _age(connection: ConnectionView, now: PageStatus) -> str:
    if connection.freshness.as_of is None:
        return labels.no_age_words(connection)
    return f"Cards are as of {fmt.moment(connection.freshness.as_of, now.now, now.zone)}."


# The page that each kind of step leads to.
_ENDPOINTS = {
    LeadsTo.LOGIN: "connecting.login",
    LeadsTo.PAIRING: "connecting.pair",
    LeadsTo.CONNECTION: "connection.show",
    LeadsTo.KEPT_ASIDE: "connection.show",
    LeadsTo.HISTORY: "history.index",
    LeadsTo.DECISIONS: "decisions.index",
    LeadsTo.HELP: "help.show",
    LeadsTo.HEALTH: "settings.health",
    LeadsTo.ALERTS: "alerts.index",
    LeadsTo.PEOPLE: "people.index",
}


def way_to(step: NextStep | None) -> tuple[str | None, str | None]:
    """Address and words of a step, for whoever may take it; nobody is led to questions when none is open."""
    if step is None or not guard.may(_ENDPOINTS[step.leads_to]):
        return None, None
    if step.leads_to is LeadsTo.DECISIONS and not decisions.list_open():
        return None, None
    return step.href, step.word


def _advice_to(advice: str, code: str | None, step: NextStep | None) -> str:
    """What to do, said to whom it concerns: a reader who may not take the step is told whose it is."""
    if step is None or code is None or not is_for_staff(code) or guard.may(_ENDPOINTS[step.leads_to]):
        return advice
    whose = "Reception" if step.leads_to in _OF_THE_DESK else "An administrator"
    return f"{whose} has to act: {advice[:1].lower()}{advice[1:]}"


_OF_THE_DESK = frozenset({LeadsTo.DECISIONS, LeadsTo.HISTORY})


def _needs_you(connection: ConnectionView, now: PageStatus) -> Notice:
    error = connection.last_sync_error
    headline = error.message if error else f"{connection.display_name} needs you"
    href, action = way_to(connection.next_step)
    return Notice(
        headline,
        f"{_age(connection, now)} {_advice_to(connection.advice, connection.trouble_code, connection.next_step)}",
        "stop",
        "person",
        connection.trouble_code,
        href,
        action,
    )


def _stale(connection: ConnectionView, now: PageStatus) -> Notice:
    return _notice_of(connection, now, f"{connection.display_name} has not been read for a while", "clock")


def _pms_trouble(connection: ConnectionView, now: PageStatus) -> Notice:
    return _notice_of(connection, now, f"{connection.pms_label} has a problem", "cloud")


def _retrying(connection: ConnectionView, now: PageStatus) -> Notice:
    return _notice_of(connection, now, f"{connection.pms_label} is not answering", "again")


def _notice_of(connection: ConnectionView, now: PageStatus, headline: str, icon: str) -> Notice:
    error = connection.last_sync_error
    href, action = way_to(connection.next_step)
    advice = _advice_to(connection.advice, connection.trouble_code, connection.next_step)
    again = (
        f" Next try {fmt.moment(connection.next_sync_at, now.now, now.zone)}."
        if connection.next_sync_at
        else ""
    )
    return Notice(
        error.message if error else headline,
        f"{_age(connection, now)} {advice}{again}",
        "warn",
        icon,
        connection.trouble_code,
        href,
        action,
    )


_NOTICES = (
    (ConnectionState.NEEDS_YOU, _needs_you),
    (ConnectionState.STALE, _stale),
    (ConnectionState.PMS_TROUBLE, _pms_trouble),
    (ConnectionState.RETRYING, _retrying),
)


def _items(now: PageStatus, open_decisions: int) -> tuple[NavItem, ...]:
    needy = _needy(now.connections)
    items = [
        NavItem("today", "Today", "/", "today"),
        NavItem(
            "decisions", "Decisions", "/decisions", "decide", open_decisions, f"{open_decisions} to decide"
        ),
        NavItem(
            "integrations", "Integrations", "/integrations", "plug", needy, f"{needy} needs you", urgent=True
        ),
        NavItem("settings", "Settings", "/settings", "settings"),
        NavItem("help", "Help", "/help", "help"),
    ]
    endpoints = {
        "today": "runsheet.today",
        "decisions": "decisions.index",
        "integrations": "integrations.index",
        "settings": "settings.index",
        "help": "help.start",
    }
    return tuple(item for item in items if guard.may(endpoints[item.key]))


def _needy(listed: Sequence[ConnectionView]) -> int:
    return sum(connection.state is ConnectionState.NEEDS_YOU for connection in listed)
