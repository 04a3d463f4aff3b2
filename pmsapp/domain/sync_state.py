"""Where a connection and a run stand, which moves are legal, and what the person should do. Pure.

What a run found is stored (setup, ok, retrying, pms_trouble, needs_you); late, stale and paused follow from the
clock and are worked out when read, so they are right even when nothing runs.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from pmsapp.domain.codes import CATALOGUE
from pmsapp.domain.errors import advice_for
from pmsapp.domain.runsheet import Freshness, FreshnessState, oldest
from pmsapp.domain.schedule import ClinicHours, aged, ages_next


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
class MappedList:
    """One practitioner's list of one day, as far as its age goes.

    `clinician_id`: the column it fills. `as_of`: when it was last read completely, None when it never was; `since`:
    from when it was to be read. `period`: how often that is. `in_setup`: its connection is not in use yet.
    `is_listed`: False once the practice software has no such list any more.
    """

    clinician_id: int | None
    as_of: datetime | None
    since: datetime | None
    period: timedelta
    in_setup: bool = False
    is_listed: bool = True

    @property
    def counts(self) -> bool:
        """Whether anybody can be waiting for it to be read."""
        return self.is_listed and not self.in_setup


def freshness_of(
    lists: Iterable[MappedList],
    now: datetime,
    hours: ClinicHours,
    *,
    over: datetime | None = None,
    of_column: bool = False,
) -> Freshness:
    """How old the data of these lists is: the one answer for connection, column, sheet, alerts and API.

    The oldest list counts, one that was never read counts as never read, and lists of a connection in set-up count
    for nothing. Nor does one that the practice software has no longer, but for its own column (`of_column`), whose
    cards nobody reads any more. Without any list there is no age. A day that ended at `over` ages no further.
    """
    return oldest(
        _freshness_of_one(mapped, now, hours, over)
        for mapped in lists
        if mapped.counts or (of_column and not mapped.in_setup)
    )


def _freshness_of_one(
    mapped: MappedList, now: datetime, hours: ClinicHours, over: datetime | None
) -> Freshness:
    known = aged(mapped.as_of, now, mapped.period, hours)
    if known.as_of is None or over is None or now < over:
        return known
    return Freshness(known.as_of, aged(min(known.as_of, over), over, mapped.period, hours).state)


def is_overdue(lists: Iterable[MappedList], now: datetime, hours: ClinicHours) -> bool:
    """True when one of them is stale, or was never read although it should have been for as long."""
    return any(
        aged(_waits_since(mapped, now, hours), now, mapped.period, hours).state is FreshnessState.STALE
        for mapped in lists
        if mapped.counts
    )


def _waits_since(mapped: MappedList, now: datetime, hours: ClinicHours) -> datetime | None:
    return aged(mapped.as_of, now, mapped.period, hours).as_of or mapped.since


def next_ageing(lists: Iterable[MappedList], now: datetime, hours: ClinicHours) -> datetime | None:
    """The first instant at which any of the above may be otherwise; None when nothing known can change it."""
    read_at = ((at, mapped.period) for mapped in lists for at in (mapped.as_of, mapped.since))
    return ages_next(read_at, now, hours)


@dataclass(frozen=True, slots=True)
class ConnectionFacts:
    """What the state of a connection is worked out from. Instants are UTC-aware. `overdue`: as `is_overdue` says."""

    stored: ConnectionState
    sync_enabled: bool
    paused_until: datetime | None
    freshness: FreshnessState
    overdue: bool = False


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
    if facts.overdue or facts.freshness is FreshnessState.STALE:
        return ConnectionState.STALE
    return ConnectionState.LATE if facts.freshness is FreshnessState.LATE else ConnectionState.OK


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


def is_over(status: RunStatus) -> bool:
    """True when a run can never change again."""
    return status not in OPEN_RUNS
