"""A hundred made-up days in a clinic, in every order; the build plays five hundred, `make soak` twenty thousand."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.soak.machine import SyncMachine
from tests.soak.seeds import EACH, SEED, SHARES
from tests.support.fake_pms import PER_PRACTITIONER, WHOLE_PRACTICE

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
    print(f"\n{machine.__name__}, seed {number}, {EACH} days")
    options = settings(
        max_examples=EACH,
        stateful_step_count=STEPS,
        deadline=None,
        print_blob=True,
        suppress_health_check=list(HealthCheck),
        database=None,
    )
    run_state_machine_as_test(seed(number)(machine), settings=options)
