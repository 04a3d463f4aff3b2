"""Commands answer a slip with one sentence, and programs with JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask

from pmsapp.sandbox.server import SandboxServer
from pmsapp.services.runs import history as run_history
from pmsapp.settings import Settings
from tests.cli.conftest import Outcome, Pmsapp
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


def test_field_30_a_zone_that_is_none_is_one_sentence(pmsapp: Pmsapp) -> None:
    shown = pmsapp("sandbox", "--zone", "X", "--port", "0")
    assert (shown.code, shown.out) == (2, "")
    assert shown.err == "Error: There is no such time zone; one reads like Australia/Melbourne.\n"


@pytest.mark.parametrize("content", [b"root:x:0:0", b"", b"SQLite format 3\x00 and then nothing"])
@pytest.mark.parametrize("command", [("verify",), ("restore", "--yes")])
def test_field_30_a_file_that_is_no_backup_is_one_sentence(
    pmsapp: Pmsapp, tmp_path: Path, content: bytes, command: tuple[str, ...]
) -> None:
    file = tmp_path / "passwd"
    file.write_bytes(content)
    shown = pmsapp(command[0], str(file), *command[1:])
    assert (shown.code, shown.out) == (2, "")
    assert shown.err == f"Error: {file} is no backup of pmsapp.\n"


def test_field_30_a_backup_speaks_json(pmsapp: Pmsapp) -> None:
    shown = pmsapp("backup", "--json")
    made = json.loads(shown.out)["backup"]
    assert (shown.code, Path(made["path"]).stat().st_size) == (0, made["size_bytes"])
    assert made["made_at"]
