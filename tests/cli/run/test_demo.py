"""`pmsapp demo`: a training clinic that touches nothing real, set up as a person would and kept for the next start."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask

from pmsapp.cli.run import demo_clinic
from pmsapp.cli.run.demo import demo_settings
from pmsapp.cli.run.demo_setup import PRACTICE
from pmsapp.domain.errors import ConfigurationError
from pmsapp.sandbox.server import SandboxServer
from pmsapp.services.clinic import clinic
from pmsapp.services.connections import connections
from pmsapp.services.people import sign_in, users
from pmsapp.services.runs import history as run_history
from pmsapp.services.sheet import days
from pmsapp.services.sync import execute
from pmsapp.settings import Settings
from tests.cli.conftest import Pmsapp
from tests.support.connecting import vendor_settings


class TestSetUp:
    @pytest.fixture
    def settings(self, make_settings: Callable[..., Settings], sandbox: SandboxServer) -> Settings:
        return make_settings(vendors=vendor_settings(sandbox))

    def test_the_clinic_is_ready_to_use_and_a_second_start_keeps_it(
        self, app: Flask, settings: Settings
    ) -> None:
        told: list[str] = []
        first = demo_clinic.prepare(PRACTICE, told.append)
        assert len(told) == 6
        view = connections.get_connection(first.connection_id)
        assert (view.sync_enabled, view.counts.undecided) == (True, 0)
        assert view.counts.mapped > 1
        assert view.counts.telehealth_types > 0
        current = run_history.list_runs(first.connection_id).current
        assert current is not None
        execute.execute_run(current.id)
        assert run_history.get_run(first.connection_id, current.id).status == "success"
        assert days.get_sheet(clinic.today()).cards

        again: list[str] = []
        assert demo_clinic.prepare(PRACTICE, again.append) == first
        assert again == []
        assert [person.role for person in users.list_users()] == ["admin", "reception"]

    def test_a_set_up_that_was_cut_short_is_finished(self, app: Flask, settings: Settings) -> None:
        def stop_at_pairing(sentence: str) -> None:
            if sentence.startswith("Pairing"):
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            demo_clinic.prepare(PRACTICE, stop_at_pairing)
        prepared = demo_clinic.prepare(PRACTICE, lambda sentence: None)
        assert connections.get_connection(prepared.connection_id).sync_enabled
        assert len(connections.list_connections()) == 1

    def test_passwords_are_kept_in_a_private_file_and_work(self, app: Flask, settings: Settings) -> None:
        prepared = demo_clinic.prepare(PRACTICE, lambda sentence: None)
        path = settings.instance_dir / demo_clinic.LOGINS_FILE
        assert path.stat().st_mode & 0o777 == 0o600
        assert json.loads(path.read_text()) == {login.email: login.password for login in prepared.logins}
        for login in prepared.logins:
            person = users.find_user(login.email)
            assert sign_in.check_password(person.id, login.password, demo_clinic.COMMAND_LINE)
        assert prepared.logins[0].password not in repr(prepared)


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("PMSAPP_GENTU_BASE_URL", "https://api.pm.magentus.com/v1", "unset PMSAPP_GENTU_BASE_URL"),
        ("PMSAPP_DATABASE_URL", "postgresql://clinic", "unset PMSAPP_DATABASE_URL"),
        ("PMSAPP_REDIS_URL", "redis://clinic", "unset PMSAPP_REDIS_URL"),
    ],
)
def test_nothing_real_is_touched(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, value: str, sentence: str
) -> None:
    monkeypatch.setenv("PMSAPP_INSTANCE_DIR", str(tmp_path / "demo"))
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError, match=sentence):
        demo_settings(None)


def test_a_real_clinics_folder_is_refused(pmsapp: Pmsapp, instance_dir: Path) -> None:
    shown = pmsapp("demo")
    assert (shown.code, "holds a real clinic" in shown.err) == (2, True)


def test_the_demo_has_a_folder_beside_the_real_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("pmsapp.paths.default_instance_dir", lambda: tmp_path / "instance")
    settings = demo_settings(9123)
    assert (settings.instance_dir, settings.port) == (tmp_path / "instance" / "demo", 9123)
