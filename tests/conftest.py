"""How the tests are run: what they may reach, in which order they go, which worker does what.

Fixtures stand in `tests/support/fixtures.py`. Nothing but this machine is reached; see `tests/support/network.py`.
"""

from __future__ import annotations

import os
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

from tests.soak import seeds
from tests.support import network, routes, speed

pytest_plugins = ("tests.support.fixtures",)

network.limit_to_this_machine()
routes.remember()
speed.remember_clinics()
speed.hash_cheaply()
speed.remember_passwords()
for _name in [name for name in os.environ if name.startswith("PMSAPP_")]:
    del os.environ[_name]

# Tests that share something dear (an installation, a wheel, Chromium) or measure how soon something is back: each of
# these stays on one worker.
TOGETHER = (
    "tests/browser/test_accessibility.py",
    "tests/browser/",
    "tests/operations/test_kills.py",
    "tests/promises/test_processes.py",
    "tests/supervisor/test_up.py",
    "tests/test_packaging.py",
)


def pytest_report_header() -> str:
    """Which days the soak plays stands in every report, also when all is well."""
    return seeds.in_words()


def pytest_xdist_auto_num_workers() -> int:
    """Two more than there are cores: tests of real processes and of Chromium mostly wait."""
    return (os.cpu_count() or 1) + 2


class _ModulesTogether(LoadScopeScheduling):
    """What belongs together goes to one worker, one after another; every other test to whoever is free."""

    def _split_scope(self, nodeid: str) -> str:
        return next((place for place in TOGETHER if nodeid.startswith(place)), nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    """How tests are dealt to the workers."""
    return _ModulesTogether(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes long begins first."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)


def pytest_collection_finish() -> None:
    """Everything that lasts to the end is there."""
    speed.keep_what_is_there()
