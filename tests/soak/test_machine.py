"""Hundreds of made-up days in a clinic, in every order; `make soak` plays twenty thousand.

The same seed plays the same days: CI always plays those of SEED_IN_CI.
"""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.fake_pms import PER_PRACTITIONER, WHOLE_PRACTICE
from tests.soak.machine import SyncMachine

SEED_IN_CI = 2026
EXAMPLES = int(os.environ.get("PMS_SOAK_EXAMPLES") or 500)
SEED = int(os.environ.get("PMS_SOAK_SEED") or SEED_IN_CI)
SHARES = 4
STEPS = 10


class PerPractitioner(SyncMachine):
    slug = PER_PRACTITIONER


class WholePractice(SyncMachine):
    slug = WHOLE_PRACTICE


@pytest.mark.slow
@pytest.mark.parametrize("share", range(SHARES))
def test_any_order_of_events_keeps_every_promise(share: int) -> None:
    machine = (PerPractitioner, WholePractice)[share % 2]
    number = SEED + share
    print(f"\n{machine.__name__}, seed {number}, {EXAMPLES // SHARES} days")
    options = settings(
        max_examples=EXAMPLES // SHARES,
        stateful_step_count=STEPS,
        deadline=None,
        print_blob=True,
        suppress_health_check=list(HealthCheck),
        database=None,
    )
    run_state_machine_as_test(seed(number)(machine), settings=options)
