"""Hundreds of made-up days in a clinic, in every order; `make soak` plays twenty thousand."""

from __future__ import annotations

import os
import random
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.fake_pms import PER_PRACTITIONER, WHOLE_PRACTICE
from tests.soak.machine import SyncMachine

EXAMPLES = int(os.environ.get("PMS_SOAK_EXAMPLES", "0"))
IN_CI = 250  # of each kind of vendor
STEPS = 10


class PerPractitioner(SyncMachine):
    slug = PER_PRACTITIONER


class WholePractice(SyncMachine):
    slug = WHOLE_PRACTICE


@pytest.mark.slow
@pytest.mark.parametrize("machine", [PerPractitioner, WholePractice])
def test_any_order_of_events_keeps_every_promise(machine: type[SyncMachine]) -> None:
    options = settings(
        max_examples=(EXAMPLES or IN_CI * 2) // 2,
        stateful_step_count=STEPS,
        deadline=timedelta(minutes=5) if EXAMPLES else None,
        derandomize=not EXAMPLES,
        print_blob=True,
        suppress_health_check=list(HealthCheck),
        database=None,
    )
    if EXAMPLES:
        number = int(os.environ.get("PMS_SOAK_SEED") or random.SystemRandom().randrange(2**32))
        print(f"\n{machine.__name__}: PMS_SOAK_SEED={number}")
        machine = seed(number)(machine)
    run_state_machine_as_test(machine, settings=options)
