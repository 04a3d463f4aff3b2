"""How updating stands altogether, for one badge."""

from __future__ import annotations

from dataclasses import dataclass

from pmsapp.domain.sync_state import ConnectionState, overall_state
from pmsapp.services.base.transaction import reading
from pmsapp.services.connections import connections
from pmsapp.services.connections.connections import ConnectionView
from pmsapp.services.runs import history as run_history
from pmsapp.services.runs.history import RunView


@dataclass(frozen=True, slots=True)
class StatusSummary:
    """The most serious state of all connections, and each with its run in progress or queued."""

    state: ConnectionState
    connections: tuple[tuple[ConnectionView, RunView | None], ...]


def get_status_summary() -> StatusSummary:
    """How every connection stands now."""
    views = connections.list_connections()
    with reading() as session:
        current = run_history.current_runs(session)
    return StatusSummary(
        state=overall_state(view.state for view in views),
        connections=tuple((view, current.get(view.id)) for view in views),
    )
