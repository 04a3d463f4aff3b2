"""Hosts that asked us to wait, as one process reads what all of them wrote."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy.exc import OperationalError

from pmsapp import clock
from pmsapp.services.vendors import rate_limit_blocks
from pmsapp.services.vendors.rate_limit_blocks import LOOK_EVERY_S, StoredBlocks
from tests.support.clock import FrozenClock

HOST = "api.example.com"


def test_what_another_process_wrote_is_seen_after_a_second_and_ones_own_at_once(
    app: Flask, frozen_clock: FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    now_s = [100.0]
    monkeypatch.setattr(clock, "monotonic_s", lambda: now_s[0])
    ours, theirs = StoredBlocks(app.app_context), StoredBlocks(app.app_context)
    until = clock.now() + timedelta(minutes=1)
    assert ours.read(HOST) is None
    theirs.write(HOST, until)
    assert theirs.read(HOST) == until
    now_s[0] += LOOK_EVERY_S
    assert ours.read(HOST) == until
    ours.write(HOST, until + timedelta(minutes=1))
    assert ours.read(HOST) == until + timedelta(minutes=1)
    frozen_clock.advance(minutes=3)
    assert ours.read(HOST) is None, "over, also when nobody looked again"


def test_what_was_told_holds_on_while_the_database_does_not_answer(
    app: Flask, frozen_clock: FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    now_s = [100.0]
    monkeypatch.setattr(clock, "monotonic_s", lambda: now_s[0])
    blocks = StoredBlocks(app.app_context)
    until = clock.now() + timedelta(minutes=1)
    blocks.write(HOST, until)
    assert blocks.read(HOST) == until

    def fail() -> None:
        raise OperationalError("it failed", None, Exception("disk"))

    monkeypatch.setattr(rate_limit_blocks, "reading", fail)
    now_s[0] += LOOK_EVERY_S
    assert blocks.read(HOST) == until
