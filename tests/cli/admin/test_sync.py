"""`pmsapp sync`: one update, watched to its end, performed here when nobody else does."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import update

from pmsapp import clock
from pmsapp.models import PMSConnection
from pmsapp.sandbox.server import SandboxServer
from pmsapp.services.base.transaction import writing
from pmsapp.services.runs import history as run_history
from pmsapp.settings import Settings
from tests.cli.conftest import Outcome, Pmsapp
from tests.support import actors
from tests.support.clock import FrozenClock
from tests.support.connecting import paired_gentu, vendor_settings


@pytest.fixture
def settings(make_settings: Callable[..., Settings], sandbox: SandboxServer) -> Settings:
    return make_settings(vendors=vendor_settings(sandbox))


@pytest.fixture
def connection_id(app: Flask, sandbox: SandboxServer) -> int:
    return paired_gentu(sandbox, display_name="Banksia")


@pytest.fixture
def sync(pmsapp: Pmsapp, connection_id: int, sandbox: SandboxServer) -> Callable[..., Outcome]:
    """`pmsapp sync` with the sandbox as Gentu."""

    def call(*args: str) -> Outcome:
        return pmsapp(
            "sync",
            *args,
            PMSAPP_GENTU_BASE_URL=sandbox.gentu_base,
            PMSAPP_GENTU_REQUESTS_PER_MINUTE="6000",
            PMSAPP_ALLOWED_PMS_HOSTS="127.0.0.1",
        )

    return call


def test_a_connection_goes_by_number_or_name(sync: Callable[..., Outcome], connection_id: int) -> None:
    first = sync(str(connection_id))
    assert first.code == 0, first.err
    assert first.out.startswith(f"Reading Banksia, run {run_history.list_runs(connection_id).items[0].id}.")
    assert ": success" in first.out
    assert sync("banksia").code == 0


def test_a_dry_run_writes_nothing_and_speaks_json(sync: Callable[..., Outcome], connection_id: int) -> None:
    shown = sync("Banksia", "--dry-run", "--date", "2026-11-24", "--json")
    run = json.loads(shown.out)
    assert (shown.code, run["status"], run["dates"]) == (0, "success", ["2026-11-24"])
    assert "cards" in run["preview"]


def test_a_run_in_json_is_the_run_of_the_interface(
    sync: Callable[..., Outcome], connection_id: int, app: Flask
) -> None:
    shown = json.loads(sync("Banksia", "--json").out)
    admin = actors.browser(app, actors.make_user("admin"))
    answer = admin.get(f"/api/pms/connections/{connection_id}/sync/{shown['id']}")
    assert shown == answer.get_json()


def test_a_run_that_fails_says_why_and_ends_with_one(
    sync: Callable[..., Outcome], sandbox: SandboxServer
) -> None:
    sandbox.faults.set("server_error", vendor="gentu")
    shown = sync("Banksia")
    assert shown.code == 1
    assert "failed" in shown.out
    assert "(PMS-" in shown.out


def test_a_vendor_that_asked_us_to_wait_is_not_asked(
    sync: Callable[..., Outcome], connection_id: int
) -> None:

    with writing() as session:
        session.execute(update(PMSConnection).values(not_before=clock.now() + timedelta(hours=1)))
    shown = sync("Banksia")
    assert shown.code == 1
    assert "asked us to wait until" in shown.out


def test_a_wrong_date_is_one_sentence(sync: Callable[..., Outcome]) -> None:
    shown = sync("Banksia", "--date", "tomorrow")
    assert shown.code == 2
    assert "'tomorrow' does not match the format" in shown.err


@pytest.mark.parametrize("day", ["2040-01-01", "0001-01-01", "9999-12-31"])
def test_field_26_the_command_line_reads_no_day_out_of_bounds(
    sync: Callable[..., Outcome], connection_id: int, frozen_clock: FrozenClock, day: str
) -> None:
    shown = sync("Banksia", "--date", day)
    assert (shown.code, shown.out) == (1, "")
    assert shown.err.startswith("Error: Choose a day")
    assert run_history.list_runs(connection_id).items == ()


def test_field_30_a_dry_run_prints_what_would_change(
    sync: Callable[..., Outcome], connection_id: int
) -> None:
    shown = sync("Banksia", "--dry-run", "--json")
    cards = json.loads(shown.out)["preview"]["cards"]
    lines = sync("Banksia", "--dry-run").out.splitlines()
    word = "Nothing" if not cards else "1 card" if len(cards) == 1 else f"{len(cards)} cards"
    assert any(line.startswith(f"{word} would change") for line in lines)
    assert len([line for line in lines if line.startswith("  ")]) == len(cards)
    for card in cards:
        assert any(card["change"] in line and (card["patient_name"] or "") in line for line in lines)
