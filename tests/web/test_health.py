"""What machines may ask, and what they are not told."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from pmsapp.models import ProcessBeat
from pmsapp.services.transaction import writing
from tests.actors import program_for
from tests.conftest import FrozenClock
from tests.seeded_clinic import seed


def a_beat(frozen_clock: FrozenClock, age: timedelta) -> None:
    at = frozen_clock() - age
    with writing() as session:
        session.add(ProcessBeat(name="scheduler", pid=1, at=at, started_at=at))


def test_anybody_may_ask_whether_it_lives_and_hears_one_word(client: FlaskClient) -> None:
    answer = client.get("/healthz")
    assert (answer.status_code, answer.json) == (200, {"status": "ok"})


def test_a_silent_scheduler_is_degraded(client: FlaskClient, frozen_clock: FrozenClock) -> None:
    a_beat(frozen_clock, timedelta(seconds=10))
    assert client.get("/healthz").json == {"status": "ok"}
    frozen_clock.advance(minutes=5)
    assert client.get("/healthz").json == {"status": "degraded"}


def test_a_database_that_does_not_answer_is_degraded_and_not_ready(app: Flask, client: FlaskClient) -> None:
    assert client.get("/readyz").status_code == 200
    with writing() as session:
        session.execute(text("DROP TABLE process_beats"))
        session.execute(text("UPDATE alembic_version SET version_num = 'another'"))
    assert client.get("/healthz").json == {"status": "degraded"}
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json) == (503, {"status": "not ready"})


@pytest.mark.parametrize("role", ["status", "viewer", "admin"])
def test_monitoring_reads_numbers_with_any_token(app: Flask, frozen_clock: FrozenClock, role: str) -> None:
    texts = seed()
    a_beat(frozen_clock, timedelta(seconds=10))
    answer = program_for(app, role).get("/metrics")
    assert answer.status_code == 200
    assert answer.mimetype == "text/plain"
    assert 'pmsapp_sync_runs{status="success"} 1.0' in answer.text
    assert 'pmsapp_process_silence_seconds{process="scheduler"} 10.0' in answer.text
    assert "pmsapp_open_decisions 1.0" in answer.text
    assert 'pmsapp_connection_state{connection="1",pms="halaxy"' in answer.text
    for secret in (*texts.patient_texts, texts.vendor):
        assert secret not in answer.text


def test_numbers_are_not_for_strangers(client: FlaskClient) -> None:
    answer = client.get("/metrics")
    assert answer.status_code == 401
    assert answer.mimetype == "application/problem+json"
