"""The document is put to the test: calls made up from it, right ones and wrong ones, as every kind of caller.

Nothing breaks, every answer is one the document names, what the document forbids is refused, and nobody gets in
without a token.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.config import SchemathesisConfig

from pmsapp.sandbox.server import SandboxServer
from pmsapp.settings import Settings
from tests.api.conftest import API
from tests.support.clock import MONDAY_9AM, FrozenClock
from tests.support.connecting import vendor_settings
from tests.support.seeded_clinic import seed

# Made-up calls of each kind, right and wrong, for each call of the document, by who makes them ("": nobody).
EXAMPLES = {"admin": 3, "reception": 2, "viewer": 1, "": 1}
DAYS = st.dates(date(2026, 1, 1), date(2027, 6, 30)).map(date.isoformat)
INSTANTS = st.integers(0, 24 * 27).map(lambda hours: (MONDAY_9AM + timedelta(hours=hours)).isoformat())
# A right call may still be refused for what is stored: an id nobody has, a clinician of no column, a card that moved on.
CONFIG = """
[checks.positive_data_acceptance]
expected-statuses = ["2xx", 304, 401, 403, 404, 409, 412, 422, 502, 503]
"""


@pytest.fixture
def settings(make_settings: Callable[..., Settings], sandbox: SandboxServer) -> Settings:
    """The vendors answer at the sandbox; nobody is slowed down."""
    return make_settings(
        vendors=vendor_settings(sandbox), api_reads_per_minute=100_000, api_writes_per_minute=100_000
    )


def use_near_days() -> None:
    """Days and instants within the bounds that move with the clock, which no document can name."""
    schemathesis.openapi.format("date", DAYS)
    schemathesis.openapi.format("date-time", INSTANTS)


@pytest.mark.slow
@pytest.mark.parametrize("role", EXAMPLES)
def test_made_up_calls_break_nothing_and_get_what_the_document_says(
    app: Flask, as_role: Callable[[str], API], frozen_clock: FrozenClock, role: str
) -> None:
    seed()
    use_near_days()
    caller = as_role(role)
    headers = {"Accept-Encoding": "identity"} | ({"Authorization": f"Bearer {caller.token}"} if role else {})
    schema = schemathesis.openapi.from_dict(
        as_role("status").get("/api/openapi.json").json, config=SchemathesisConfig.from_str(CONFIG)
    )
    schema.app = app
    operations = [found.ok() for found in schema.get_all_operations()]
    for operation in sorted(operations, key=lambda operation_: operation_.method.upper() == "DELETE"):
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            _play(operation, mode, headers, EXAMPLES[role])


def _play(operation: Any, mode: GenerationMode, headers: dict[str, str], examples: int) -> None:
    @hypothesis_settings(
        max_examples=examples,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode), near=st.booleans())
    def play(case: Case, near: bool) -> None:
        if near and mode is GenerationMode.POSITIVE and case.path_parameters:
            case.path_parameters = dict.fromkeys(case.path_parameters, 1)
        case.call_and_validate(headers=headers)

    play()
