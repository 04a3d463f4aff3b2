"""Vendors that send what no vendor should: whole runs into the database, values of every answer replaced at random.

Whatever comes, a run ends as what it is, nothing crashes and nothing leaves the sheet for it; the next good run puts
everything right. `HOSTILE_ROUNDS` and `HOSTILE_SEED` play more, or others.
"""

from __future__ import annotations

import os
import random
from copy import deepcopy
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import delete, update

from pmsapp.domain.appointment import Presence
from pmsapp.models import Decision, PMSConnection, VendorReference
from pmsapp.sandbox.server import SandboxServer
from pmsapp.services.base.transaction import writing
from tests.adapters.damage import Rewriter, places
from tests.support.clock import FrozenClock
from tests.vendors.clinics import VENDORS, ConnectedClinic

ROUNDS = int(os.environ.get("HOSTILE_ROUNDS", "6"))
SEED = int(os.environ.get("HOSTILE_SEED", "20261123"))
VALUES: tuple[Any, ...] = (
    None,
    True,
    -1,
    0,
    2**63,
    10**30,
    1e308,
    1795392000000,
    "",
    " ",
    "a\x00b\x07",
    "half a \ud800 pair",
    "\u202eright to left",
    "\U0001f469\u200d\u2695\ufe0f",
    "e" + "\u0301" * 10_000,
    "n" * 300,
    "x" * 1_000_000,
    "<script>alert(1)</script>",
    "../../etc/passwd?x=1#y",
    "0001-01-01T00:00:00+00:00",
    "9999-12-31T23:59:59-12:00",
    "2026-11-23T24:00:00+11:00",
    "2026-11-23T09:00",
    "2026-10-04T02:30",
    "2026-13-45",
    "NaN",
    [],
    {},
    [None],
    [[[[1]]]],
    {"a": {"b": [None]}},
    {"resourceType": "OperationOutcome"},
)


class Spoiler:
    """Replaces a few values of every answer it is shown, while it is on; the same ones for the same seed."""

    def __init__(self) -> None:
        self.rng: random.Random | None = None

    def __call__(self, payload: Any) -> Any:
        if self.rng is None:
            return payload
        for _ in range(self.rng.randint(0, 3)):
            found = places(payload)
            if found:
                place = self.rng.choice(found)
                payload = place.damaged(payload, deepcopy(self.rng.choice(VALUES)))
        return payload


@pytest.mark.slow
@pytest.mark.parametrize("vendor", VENDORS)
def test_a_run_over_hostile_answers_ends_as_what_it_is_and_the_next_one_heals_it(
    vendor: str, app: Flask, sandbox: SandboxServer, frozen_clock: FrozenClock
) -> None:
    clinic = ConnectedClinic(app, sandbox, vendor)
    clinic.match_everybody()
    assert clinic.sync(clinic.today).status == "success"
    good = _cards(clinic)
    spoiler = Spoiler()
    sandbox.app.wsgi_app = rewriter = Rewriter(sandbox.app.wsgi_app)  # type: ignore[method-assign]
    rewriter.change = spoiler
    for number in range(ROUNDS):
        _forget()
        spoiler.rng = random.Random(SEED + number)
        run = clinic.sync(clinic.today)
        errors = {run.error[0] if run.error else None, *(scope.error_code for scope in run.scopes)}
        what = f"seed {SEED + number}: {run.status} {errors}"
        assert run.status in ("success", "partial", "failed"), what
        assert "BUG" not in errors, what
        now = _cards(clinic)
        assert good.keys() <= now.keys(), what
        assert {value for value in now.values() if value is Presence.DELETED} == set(), what
        spoiler.rng = None
        _forget()
        frozen_clock.advance(seconds=1)
        healed = clinic.sync(clinic.today)
        # Cards that only nonsense had made may have to wait for somebody, if they are many.
        assert healed.error is None or healed.error[0] == "REMOVE-HELD", what
        after = _cards(clinic)
        assert {key: after[key] for key in good} == good, what


def _cards(clinic: ConnectedClinic) -> dict[tuple[str | None, str], Presence]:
    sheet = clinic.sheet()
    every = [*sheet.cards, *(sheet.not_shown_cards or ())]
    return {(card.pms_appointment_id, card.pms_patient_id): card.presence for card in every}


def _forget() -> None:
    """Every list is asked for; nothing waits for a person or for a time."""
    with writing() as session:
        session.execute(delete(VendorReference))
        session.execute(
            update(PMSConnection).values(reference_read_at=None, not_before=None, access_token=None)
        )
        session.execute(update(Decision).where(Decision.state == "open").values(state="lapsed"))
