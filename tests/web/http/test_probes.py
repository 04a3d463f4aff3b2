"""What machines may ask, and what they are not told."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text, update
from sqlalchemy.exc import OperationalError

from pmsapp.domain.errors import RetryLaterError
from pmsapp.factory import create_app
from pmsapp.models import PMSConnection, ProcessBeat
from pmsapp.services.base import metrics
from pmsapp.services.base.transaction import writing
from pmsapp.services.clinic import clinic
from pmsapp.services.maintenance import backup
from pmsapp.services.monitoring import periodic_tasks
from pmsapp.services.monitoring.examination import doctor
from tests.support.actors import program_for
from tests.support.clock import FrozenClock
from tests.support.fake_clinic import FakeClinic
from tests.support.fake_pms import FakePractice
from tests.support.seeded_clinic import seed


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


def test_numbers_are_not_for_outsiders(client: FlaskClient) -> None:
    answer = client.get("/metrics")
    assert answer.status_code == 401
    assert answer.mimetype == "application/problem+json"


@pytest.fixture
def fake(app: Flask, frozen_clock: FrozenClock, practice: FakePractice) -> FakeClinic:
    """A connection to a fake practice, in clinic hours, read once."""
    clinic.ensure()
    made = FakeClinic(practice)
    made.sync()
    return made


def test_stale_data_in_clinic_hours_is_not_ready_and_fresh_data_is_again(
    fake: FakeClinic, client: FlaskClient, frozen_clock: FrozenClock
) -> None:
    frozen_clock.advance(minutes=31, seconds=1)
    assert client.get("/readyz").status_code == 503
    fake.sync()
    assert client.get("/readyz").status_code == 200


def test_old_data_at_night_or_under_a_pause_is_ready(
    fake: FakeClinic, client: FlaskClient, frozen_clock: FrozenClock
) -> None:
    frozen_clock.advance(hours=14)
    assert client.get("/readyz").status_code == 200
    frozen_clock.advance(hours=12)
    assert client.get("/readyz").status_code == 503
    with writing() as session:
        session.execute(update(PMSConnection).values(paused_until=frozen_clock.at + timedelta(hours=1)))
    assert client.get("/readyz").status_code == 200


def test_runs_lists_and_durations_are_counted_whoever_did_them(
    fake: FakeClinic, app: Flask, practice: FakePractice
) -> None:
    practice.faults.lists[None] = (0, RetryLaterError("PMS-DOWN", pms="Fake"))
    fake.sync()
    numbers = program_for(app, "status").get("/metrics").text
    assert 'pmsapp_sync_runs_ended_total{pms="fake",status="success",trigger="manual"} 1.0' in numbers
    assert 'pmsapp_sync_runs_ended_total{pms="fake",status="failed",trigger="manual"} 1.0' in numbers
    assert 'pmsapp_sync_scopes_total{outcome="complete",pms="fake"} 6.0' in numbers
    assert 'pmsapp_sync_run_duration_seconds_bucket{le="1",pms="fake"} 2.0' in numbers
    assert 'pmsapp_sync_run_duration_seconds_count{pms="fake"} 2.0' in numbers
    assert 'pmsapp_connection_data_age_seconds{connection="1",pms="fake"} 0.0' in numbers
    assert 'pmsapp_connection_next_run_seconds{connection="1",pms="fake"}' in numbers


def test_counters_of_other_processes_add_up(app: Flask) -> None:
    for _ in range(2):  # two processes, each with a meter of its own
        app.extensions.pop("pmsapp_metrics", None)
        metrics.current().vendor_request("gentu", "appointments", 200, 0.5)
        metrics.current().vendor_request("gentu", "appointments", 429, 0.25)
        metrics.current().vendor_wait("gentu", 2.0)
        metrics.flush()
    numbers = program_for(app, "status").get("/metrics").text
    assert 'pmsapp_vendor_requests_total{kind="appointments",pms="gentu",status="200"} 2.0' in numbers
    assert 'pmsapp_vendor_requests_total{kind="appointments",pms="gentu",status="429"} 2.0' in numbers
    assert 'pmsapp_vendor_request_seconds_total{pms="gentu"} 1.5' in numbers
    assert 'pmsapp_vendor_wait_seconds_total{pms="gentu"} 4.0' in numbers


def test_counters_wait_while_the_database_does_not_take_them(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    metrics.current().add("runs", pms="gentu", status="success", trigger="schedule")

    def locked() -> None:
        raise OperationalError("insert", {}, Exception("locked"))

    with monkeypatch.context() as patched:
        patched.setattr(metrics, "writing", locked)
        metrics.flush()
    assert metrics.list_counts() == []
    metrics.flush()
    assert [count.value for count in metrics.list_counts()] == [1.0]


def test_what_waits_and_what_is_wrong_is_measured(fake: FakeClinic, app: Flask) -> None:
    fake.request()
    periodic_tasks.declare()
    numbers = program_for(app, "status").get("/metrics").text
    assert "pmsapp_runs_waiting 1.0" in numbers
    assert "pmsapp_queue_up 0.0" in numbers
    assert "pmsapp_failed_jobs 0.0" in numbers
    assert 'pmsapp_task_failures{task="back up"} 0.0' in numbers
    assert "pmsapp_backup_age_seconds" not in numbers
    backup.make()
    assert "pmsapp_backup_age_seconds" in program_for(app, "status").get("/metrics").text


def test_field_23_nothing_says_ready_or_sound_while_pages_fail(app: Flask, client: FlaskClient) -> None:
    seed()
    assert client.get("/readyz").status_code == 200
    pages = next(check for check in doctor.examine() if check.name == "pages")
    assert pages.state is doctor.State.OK
    with writing() as session:
        # Nothing in pmsapp writes this; a hand in the database might.
        session.execute(text("UPDATE pms_connections SET paused_until = 'soon'"))
    assert client.get("/readyz").status_code == 503
    pages = next(check for check in doctor.examine() if check.name == "pages")
    assert (pages.state, pages.message) == (doctor.State.FAIL, "Today's run sheet cannot be shown.")
    assert not doctor.is_sound(doctor.examine())


def test_probes_that_find_all_well_leave_no_line(app: Flask, caplog: pytest.LogCaptureFixture) -> None:
    app.test_client().get("/login")
    with caplog.at_level("INFO", "pmsapp.web.http.request_log"):
        caplog.clear()
        for path in ("/healthz", "/readyz"):
            assert app.test_client().get(path).status_code == 200
        assert caplog.records == []
        app.test_client().get("/login")
        assert len(caplog.records) == 1


def test_a_refused_host_name_is_logged_once_with_the_setting(
    app: Flask, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("WARNING"):
        for _ in range(3):
            answer = app.test_client().get("/login", headers={"Host": "runsheet.clinic.example"})
            assert answer.status_code == 400
    told = [record.msg for record in caplog.records if "PMSAPP_TRUSTED_HOSTS" in str(record.msg)]
    assert len(told) == 1
    assert told[0]["host"] == "runsheet.clinic.example"


def test_flask_debug_has_no_effect(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLASK_DEBUG", "1")
    assert not create_app(app.extensions["pmsapp_settings"]).debug
