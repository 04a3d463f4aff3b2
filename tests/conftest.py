"""How the tests are run: what they may reach, in which order they go, which worker does what.

Fixtures stand in `tests/support/fixtures.py`. Nothing but this machine is reached; see `tests/support/network.py`.
"""

from __future__ import annotations

import os
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

from tests.soak import seeds
from tests.support import network, speed

pytest_plugins = ("tests.support.fixtures",)

network.limit_to_this_machine()
speed.remember_routes()
speed.remember_clinics()
speed.hash_cheaply()
for _name in [name for name in os.environ if name.startswith("PMSAPP_")]:
    del os.environ[_name]

WITH_PROCESSES = ("tests/operations/", "tests/supervisor/", "tests/promises/test_processes.py")


def pytest_report_header() -> str:
    """Which days the soak plays stands in every report, also when all is well."""
    return seeds.in_words()


def pytest_xdist_auto_num_workers() -> int:
    """One more than there are cores: the one that has the tests of real processes mostly waits."""
    return (os.cpu_count() or 1) + 1


class _ProcessesTogether(LoadScopeScheduling):
    """Tests of real processes go to one worker, one after another; every other test to whoever is free."""

    def _split_scope(self, nodeid: str) -> str:
        return "processes" if nodeid.startswith(WITH_PROCESSES) else nodeid


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    """How tests are dealt to the workers."""
    return _ProcessesTogether(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes long begins first."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)
