"""The dead man's switch: one ping after good runs, never a cost to a run, its address a secret."""

from __future__ import annotations

import logging
import socket
import time
from collections.abc import Callable

import pytest
from flask import Flask
from sqlalchemy import update

from pmsapp.domain.errors import RetryLaterError
from pmsapp.models import SyncRun
from pmsapp.services.base.transaction import writing
from pmsapp.services.clinic import clinic
from pmsapp.services.monitoring import heartbeat_ping, periodic_tasks, task_table
from pmsapp.settings import Settings
from tests.support.clock import FrozenClock
from tests.support.fake_clinic import FakeClinic
from tests.support.fake_pms import FakePractice
from tests.support.watching import Receiver


@pytest.fixture
def settings(make_settings: Callable[..., Settings], receiver: Receiver) -> Settings:
    return make_settings(heartbeat_url=receiver.url)


@pytest.fixture
def fake(app: Flask, frozen_clock: FrozenClock, practice: FakePractice) -> FakeClinic:
    clinic.ensure()
    return FakeClinic(practice)


def test_each_good_run_is_pinged_once(fake: FakeClinic, receiver: Receiver) -> None:
    assert heartbeat_ping.send_owed() is False
    fake.sync()
    assert heartbeat_ping.send_owed() is True
    assert heartbeat_ping.send_owed() is False
    fake.sync()
    fake.sync()
    assert heartbeat_ping.send_owed() is True
    assert receiver.paths == ["/ping", "/ping"]


def test_a_run_that_failed_is_silence(fake: FakeClinic, practice: FakePractice, receiver: Receiver) -> None:
    practice.faults.lists[None] = (0, RetryLaterError("PMS-DOWN", pms="Fake"))
    fake.sync()
    assert heartbeat_ping.send_owed() is False
    assert receiver.paths == []


def test_a_run_that_read_everything_counts_although_a_person_has_to_look(
    fake: FakeClinic, receiver: Receiver
) -> None:
    fake.sync()
    with writing() as session:
        session.execute(update(SyncRun).values(status="partial", error_code="REC-BAD"))
    assert heartbeat_ping.send_owed() is True


def test_a_preview_is_no_run(fake: FakeClinic, receiver: Receiver) -> None:
    fake.sync(dry_run=True)
    assert heartbeat_ping.send_owed() is False


def test_a_restart_pings_nothing_anew(fake: FakeClinic, receiver: Receiver) -> None:
    fake.sync()
    heartbeat_ping.send_owed()
    periodic_tasks.declare()
    assert heartbeat_ping.send_owed() is False


def test_a_watcher_that_is_gone_costs_nothing_but_a_line_without_its_address(
    fake: FakeClinic,
    app: Flask,
    make_settings: Callable[..., Settings],
    caplog: pytest.LogCaptureFixture,
) -> None:
    fake.sync()
    app.extensions["pmsapp_settings"] = make_settings(heartbeat_url="http://127.0.0.1:9/secret-uuid")
    with caplog.at_level(logging.DEBUG):
        assert heartbeat_ping.send_owed() is False
    assert "secret-uuid" not in caplog.text
    assert task_table.list_tasks()[0].last_result == "MaxRetryError"


def test_a_watcher_that_hangs_is_left_after_seconds(
    fake: FakeClinic,
    app: Flask,
    make_settings: Callable[..., Settings],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(heartbeat_ping, "ANSWER_WITHIN_S", 0.2)
    fake.sync()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        app.extensions["pmsapp_settings"] = make_settings(heartbeat_url=address)
        begun = time.perf_counter()
        assert heartbeat_ping.send_owed() is False
        assert time.perf_counter() - begun < 3


def test_a_watcher_that_sends_us_elsewhere_is_not_followed(fake: FakeClinic, receiver: Receiver) -> None:
    receiver.status = 302
    fake.sync()
    assert heartbeat_ping.send_owed() is False
    assert receiver.paths == ["/ping"]


def test_without_an_address_nothing_is_kept(
    fake: FakeClinic, app: Flask, make_settings: Callable[..., Settings]
) -> None:
    app.extensions["pmsapp_settings"] = make_settings()
    fake.sync()
    assert heartbeat_ping.send_owed() is False
    assert task_table.list_tasks() == []
