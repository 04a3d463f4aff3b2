"""The one word a connection's card says, and the moves a run may make."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from pmsapp.domain.codes import CATALOGUE
from pmsapp.domain.runsheet import FreshnessState
from pmsapp.domain.schedule import ClinicHours
from pmsapp.domain.sync_state import (
    ConnectionFacts,
    ConnectionState,
    MappedList,
    connection_state,
    freshness_of,
    is_overdue,
    next_ageing,
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


OPEN = ClinicHours("Australia/Melbourne")
QUARTER = timedelta(minutes=15)
MINE, HERS = 1, 2


def read_list(
    minutes: float | None, *, column: int = MINE, since: float = 600, setup: bool = False
) -> MappedList:
    as_of = None if minutes is None else NOW - timedelta(minutes=minutes)
    return MappedList(column, as_of, NOW - timedelta(minutes=since), QUARTER, setup)


@pytest.mark.parametrize(
    ("lists", "state", "overdue"),
    [
        ([read_list(5)], "fresh", False),
        ([read_list(5), read_list(20)], "late", False),
        ([read_list(5), read_list(40)], "stale", True),
        ([read_list(5), read_list(None, since=10)], "never", False),
        ([read_list(5), read_list(None, since=40)], "never", True),
        ([read_list(5), read_list(None, setup=True)], "fresh", False),
        ([read_list(None, setup=True)], "none", False),
        ([], "none", False),
        ([read_list(5), read_list(-90, since=40)], "never", True),
        ([read_list(-90, since=-90)], "never", False),
    ],
    ids=[
        "one",
        "the oldest counts",
        "stale",
        "never read, mapped just now",
        "never read for long",
        "another in set-up",
        "only in set-up",
        "no list",
        "read in the future",
        "read and mapped in the future",
    ],
)
def test_the_age_of_mapped_lists(lists: list[MappedList], state: str, overdue: bool) -> None:
    fresh = freshness_of(lists, NOW, OPEN)
    assert (fresh.state, is_overdue(lists, NOW, OPEN)) == (state, overdue)
    assert (fresh.as_of is None) == (state in ("never", "none"))


def test_a_day_that_is_over_ages_no_further_and_a_later_reading_of_it_is_fresh() -> None:
    over = NOW - timedelta(hours=5)
    read_before = MappedList(MINE, over - timedelta(minutes=20), None, QUARTER)
    read_after = MappedList(HERS, over + timedelta(hours=1), None, QUARTER)
    assert freshness_of([read_before], NOW, OPEN, over=over).state == "late"
    after = freshness_of([read_after], NOW, OPEN, over=over)
    assert (after.state, after.as_of) == ("fresh", read_after.as_of)


def test_nothing_ages_before_it_is_said_to() -> None:
    lists = [read_list(5), read_list(None, since=10), read_list(-90)]
    until = next_ageing(lists, NOW, OPEN)
    assert until is not None
    just_before = until - timedelta.resolution
    assert freshness_of(lists, just_before, OPEN) == freshness_of(lists, NOW, OPEN)
    assert is_overdue(lists, just_before, OPEN) == is_overdue(lists, NOW, OPEN)


def test_a_list_that_is_never_read_makes_its_connection_stale() -> None:
    told = ConnectionFacts(ConnectionState.OK, True, None, FreshnessState.NEVER, overdue=True)
    assert connection_state(told, NOW) == "stale"
