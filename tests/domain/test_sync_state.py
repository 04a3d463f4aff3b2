"""The one word a connection's card says, and the moves a run may make."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from pmsapp.domain.errors import CATALOGUE
from pmsapp.domain.runsheet import FreshnessState
from pmsapp.domain.sync_state import (
    OPEN_RUNS,
    ConnectionFacts,
    ConnectionState,
    RunStatus,
    connection_state,
    is_over,
    may_move,
    overall_state,
    state_after_error,
    what_to_do,
)

NOW = datetime(2026, 11, 23, 0, 0, tzinfo=UTC)


def facts(
    stored: str = "ok",
    enabled: bool = True,
    paused_until: datetime | None = None,
    fresh: FreshnessState = FreshnessState.FRESH,
) -> ConnectionFacts:
    return ConnectionFacts(ConnectionState(stored), enabled, paused_until, fresh)


@pytest.mark.parametrize(
    ("given", "state"),
    [
        (facts(), "ok"),
        (facts(fresh=FreshnessState.LATE), "late"),
        (facts(fresh=FreshnessState.STALE), "stale"),
        (facts(fresh=FreshnessState.NEVER), "ok"),
        (facts("retrying", fresh=FreshnessState.STALE), "retrying"),
        (facts("needs_you", fresh=FreshnessState.STALE), "needs_you"),
        (facts("pms_trouble"), "pms_trouble"),
        (facts("setup", enabled=False, fresh=FreshnessState.NEVER), "setup"),
        (facts("setup", paused_until=NOW + timedelta(hours=1)), "setup"),
        (facts("needs_you", paused_until=NOW + timedelta(hours=1)), "paused"),
        (facts("needs_you", paused_until=NOW), "needs_you"),
        (facts("ok", enabled=False), "paused"),
    ],
)
def test_a_connection_has_one_state(given: ConnectionFacts, state: str) -> None:
    assert connection_state(given, NOW) == state


@pytest.mark.parametrize(
    ("code", "state"),
    [
        ("AUTH-EXPIRED", "needs_you"),
        ("RATE-WAIT", "retrying"),
        ("PMS-GARBLED", "pms_trouble"),
        ("NOT-A-CODE", "pms_trouble"),
    ],
)
def test_an_error_is_sorted_by_who_acts(code: str, state: str) -> None:
    assert state_after_error(code) == state


def test_every_code_leads_to_a_state_that_can_be_stored() -> None:
    assert {state_after_error(code) for code in CATALOGUE} <= {
        ConnectionState.NEEDS_YOU,
        ConnectionState.RETRYING,
        ConnectionState.PMS_TROUBLE,
    }


def test_the_worst_connection_speaks_for_all() -> None:
    states = [ConnectionState.OK, ConnectionState.LATE, ConnectionState.NEEDS_YOU]
    assert overall_state(states) is ConnectionState.NEEDS_YOU
    assert overall_state([ConnectionState.SETUP, ConnectionState.OK]) is ConnectionState.OK
    assert overall_state([]) is ConnectionState.SETUP


@pytest.mark.parametrize("state", list(ConnectionState))
def test_every_state_says_what_to_do_in_one_sentence(state: ConnectionState) -> None:
    for code in (None, "AUTH-EXPIRED"):
        text = what_to_do(state, code, "Gentu")
        assert text.endswith(".")
        assert "{pms}" not in text


def test_what_is_over_never_changes_again() -> None:
    for before in RunStatus:
        moves = {after for after in RunStatus if may_move(before, after)}
        assert bool(moves) == (before in OPEN_RUNS) == (not is_over(before))
        assert before not in moves


def test_a_queued_run_cannot_succeed_without_running() -> None:
    assert not may_move(RunStatus.QUEUED, RunStatus.SUCCESS)
    assert may_move(RunStatus.RUNNING, RunStatus.QUEUED)
