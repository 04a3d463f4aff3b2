"""How updating stands altogether, for one badge."""

from __future__ import annotations

from dataclasses import dataclass

from pmsapp.domain.sync_state import ConnectionState, overall_state
from pmsapp.services import connections, runs
from pmsapp.services.connections import ConnectionView
from pmsapp.services.runs import RunView
from pmsapp.services.transaction import reading


@dataclass(frozen=True, slots=True)
class Overall:
    """The most serious state of all connections, and each with its run in progress or queued."""

    state: ConnectionState
    connections: tuple[tuple[ConnectionView, RunView | None], ...]


def get_overall() -> Overall:
    """How every connection stands now."""
    views = connections.list_connections()
    with reading() as session:
        current = runs.current_runs(session)
    return Overall(
        state=overall_state(view.state for view in views),
        connections=tuple((view, current.get(view.id)) for view in views),
    )
