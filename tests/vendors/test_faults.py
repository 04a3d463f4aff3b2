"""docs/faults.md holds what really happens under every fault of the dial, for each vendor. `REWRITE_FAULTS=1` writes it."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from flask import Flask

from pmsapp.adapters.registry import get_info
from pmsapp.sandbox.server import SandboxServer
from tests.support.clock import FrozenClock
from tests.vendors.clinics import VENDORS
from tests.vendors.faults import PAGED, FaultyClinic, cases_of

PAGE = Path(__file__).resolve().parents[2] / "docs" / "faults.md"
REWRITE = os.environ.get("REWRITE_FAULTS") == "1"
HEAD = "| Fault | The run | The card says | Requests | The cards |\n|---|---|---|---|---|"


@pytest.mark.slow
@pytest.mark.parametrize("vendor", VENDORS)
def test_the_table_of_faults_is_what_happens(
    vendor: str, app: Flask, sandbox: SandboxServer, frozen_clock: FrozenClock
) -> None:
    clinic, rows, filled = FaultyClinic(app, sandbox, vendor, frozen_clock), [HEAD], False
    for case in cases_of(vendor):
        if case.name in PAGED and not filled:
            clinic.fill()
            filled = True
        rows.append(clinic.run_under(case))
    table = "\n".join(rows)
    if REWRITE:
        _write(vendor, table)
    assert _section(vendor).splitlines() == table.splitlines(), "REWRITE_FAULTS=1 brings the page up to date"


def _section(vendor: str) -> str:
    match = re.search(_marks(vendor, r"(.*?)"), PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert match is not None, f"docs/faults.md has no section for {get_info(vendor).label}"
    return match.group(1)


def _write(vendor: str, table: str) -> None:
    text = PAGE.read_text(encoding="utf-8")
    replaced = re.sub(_marks(vendor, ".*?"), lambda _: _marks(vendor, table), text, flags=re.DOTALL)
    PAGE.write_text(replaced, encoding="utf-8")


def _marks(vendor: str, inside: str) -> str:
    return f"<!-- faults of {vendor} -->\n{inside}\n<!-- end -->"
