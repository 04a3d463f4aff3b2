"""Where a connection and a run stand, which moves are legal, and what the person should do. Pure.

What a run found is stored (setup, ok, retrying, pms_trouble, needs_you); late, stale and paused follow from the
clock and are worked out when read, so they are right even when nothing runs.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from pmsapp.domain.errors import CATALOGUE, advice_for
from pmsapp.domain.runsheet import FreshnessState


class ConnectionState(StrEnum):
    """What a connection's card says."""

    SETUP = "setup"
    OK = "ok"
    LATE = "late"
    STALE = "stale"
    RETRYING = "retrying"
    PMS_TROUBLE = "pms_trouble"
    NEEDS_YOU = "needs_you"
    PAUSED = "paused"


STORED_STATES = frozenset(
    {
        ConnectionState.SETUP,
        ConnectionState.OK,
        ConnectionState.RETRYING,
        ConnectionState.PMS_TROUBLE,
        ConnectionState.NEEDS_YOU,
    }
)

# Most serious first: the order in which one badge speaks for several connections.
_GRAVITY = (
    ConnectionState.NEEDS_YOU,
    ConnectionState.STALE,
    ConnectionState.PMS_TROUBLE,
    ConnectionState.RETRYING,
    ConnectionState.LATE,
    ConnectionState.PAUSED,
    ConnectionState.OK,
    ConnectionState.SETUP,
)


@dataclass(frozen=True, slots=True)
class ConnectionFacts:
    """What the state of a connection is worked out from. Instants are UTC-aware."""

    stored: ConnectionState
    sync_enabled: bool
    paused_until: datetime | None
    freshness: FreshnessState


def connection_state(facts: ConnectionFacts, now: datetime) -> ConnectionState:
    """One word for a connection.

    Set-up and pause are somebody's choice and come first; then what the last run found; then the data's age.
    A connection whose updates were switched off after set-up counts as paused.
    """
    if facts.stored is ConnectionState.SETUP:
        return ConnectionState.SETUP
    if not facts.sync_enabled or is_paused(facts.paused_until, now):
        return ConnectionState.PAUSED
    if facts.stored is not ConnectionState.OK:
        return facts.stored
    by_age = {FreshnessState.LATE: ConnectionState.LATE, FreshnessState.STALE: ConnectionState.STALE}
    return by_age.get(facts.freshness, ConnectionState.OK)


def is_paused(paused_until: datetime | None, now: datetime) -> bool:
    """True while a pause lasts; it ends by itself."""
    return paused_until is not None and now < paused_until


def state_after_error(code: str) -> ConnectionState:
    """The stored state that an error with this code leaves behind, by who has to act."""
    entry = CATALOGUE.get(code, CATALOGUE["BUG"])
    return ConnectionState(entry.actor.value)


def overall_state(states: Iterable[ConnectionState]) -> ConnectionState:
    """The most serious of several; SETUP when there is no connection at all."""
    listed = set(states)
    return next((state for state in _GRAVITY if state in listed), ConnectionState.SETUP)


def what_to_do(state: ConnectionState, error_code: str | None, pms: str) -> str:
    """One sentence for the person who looks at the connection; `pms` is the vendor's label."""
    if state is ConnectionState.SETUP:
        return "Finish the set-up; nothing is on the run sheet before that."
    if state is ConnectionState.PAUSED:
        return "Updates are paused. Switch them on again when you are ready."
    if error_code is not None and state not in {ConnectionState.OK, ConnectionState.LATE}:
        return advice_for(error_code, pms)
    if state is ConnectionState.STALE:
        return f"Look up changes in {pms} until the next update; see the history for why."
    if state is ConnectionState.LATE:
        return "The next update is a little late; nothing for you to do yet."
    return "Nothing for you to do."


class RunStatus(StrEnum):
    """Where a run stands."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCESS = "success"
    PARTIAL = "partial"
    FAILED = "failed"
    INTERRUPTED = "interrupted"
    CANCELLED = "cancelled"


OPEN_RUNS = frozenset({RunStatus.QUEUED, RunStatus.RUNNING})

_MOVES: dict[RunStatus, frozenset[RunStatus]] = {
    RunStatus.QUEUED: frozenset({RunStatus.RUNNING, RunStatus.CANCELLED, RunStatus.FAILED}),
    RunStatus.RUNNING: frozenset(
        {
            RunStatus.SUCCESS,
            RunStatus.PARTIAL,
            RunStatus.FAILED,
            RunStatus.INTERRUPTED,
            RunStatus.CANCELLED,
            RunStatus.QUEUED,
        }
    ),
}


def is_over(status: RunStatus) -> bool:
    """True when a run can never change again."""
    return status not in OPEN_RUNS


def may_move(before: RunStatus, after: RunStatus) -> bool:
    """True when a run may go from `before` to `after`.

    A running run goes back to queued only when the vendor asked it to wait; what is over stays as it is.
    """
    return after in _MOVES.get(before, frozenset())
