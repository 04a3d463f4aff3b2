"""Which commands may make, change or read an instance folder: only its owner's, and those that look leave no trace."""

from __future__ import annotations

import base64
import os
import shutil
from pathlib import Path

import pytest

from pmsapp import clock
from pmsapp.crypto import key_files
from pmsapp.crypto.cipher import BadKeyError, KeyRing, make_key
from pmsapp.extensions import db
from pmsapp.factory import create_app
from pmsapp.models import PMSConnection
from pmsapp.models.databases.sqlite import sqlite_module
from pmsapp.services.base.transaction import writing
from pmsapp.settings import load_settings
from pmsapp.supervisor.lock import only_copy
from tests.cli.conftest import Pmsapp
from tests.support import postgres
from tests.support.cases import check_each

pytestmark = pytest.mark.skipif(
    postgres.SERVER is not None, reason="what is in the folder of a SQLite instance"
)
OLD_RELEASE = Path(__file__).parents[2] / "services" / "maintenance" / "golden" / "0.1.0.sql"


def _files(folder: Path) -> set[str]:
    return {
        path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.name.endswith("-shm")
    }


@pytest.fixture
def old_backup(tmp_path: Path) -> Path:
    """A database of the first release, lying anywhere."""
    file = tmp_path / "old.sqlite3"
    made = sqlite_module().connect(file)
    made.executescript(OLD_RELEASE.read_text(encoding="utf-8"))
    made.close()
    return file


def test_verifying_an_old_backup_leaves_nothing_behind(
    pmsapp: Pmsapp, instance_dir: Path, old_backup: Path
) -> None:
    before = _files(instance_dir)
    said = pmsapp("verify", str(old_backup))
    assert said.code == 0, said.err
    assert _files(instance_dir) == before


def test_a_backup_is_verified_on_a_machine_without_an_installation(
    pmsapp: Pmsapp, tmp_path: Path, old_backup: Path
) -> None:
    nowhere = tmp_path / "nowhere"
    said = pmsapp("verify", str(old_backup), PMSAPP_INSTANCE_DIR=str(nowhere))
    assert said.code == 0, said.err
    assert "is whole" in said.out
    assert "do not open with the keys of this installation" in said.err
    assert not nowhere.exists()


def test_commands_make_nothing_in_a_folder_without_an_installation(pmsapp: Pmsapp, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir(mode=0o700)

    def check(command: list[str]) -> None:
        for folder in (empty, tmp_path / "absent"):
            said = pmsapp(*command, PMSAPP_INSTANCE_DIR=str(folder))
            assert said.code in (1, 2)
            assert f"There is no installation in {folder}" in said.out + said.err
        assert list(empty.iterdir()) == []
        assert not (tmp_path / "absent").exists()

    check_each(
        [["doctor"], ["backup"], ["users", "list"], ["keys", "list"], ["sync", "1"], ["worker"]], check
    )


def test_a_restore_waiting_at_its_question_and_a_verify_never_meet(
    pmsapp: Pmsapp, instance_dir: Path, old_backup: Path
) -> None:
    with only_copy(instance_dir):
        for command in (["verify", str(old_backup)], ["restore", str(old_backup), "--yes"]):
            refused = pmsapp(*command)
            assert (refused.code, refused.err) == (
                2,
                "Error: Another verify or restore is under way; let it end first.\n",
            )


def test_what_a_killed_restore_left_is_taken_away_by_the_next(
    pmsapp: Pmsapp, instance_dir: Path, old_backup: Path
) -> None:
    left = instance_dir / "work-left"
    left.mkdir(mode=0o700)
    shutil.copy(old_backup, left / "copy.sqlite3")
    assert pmsapp("verify", str(old_backup)).code == 0
    assert not left.exists()


def test_a_command_of_another_user_says_how_to_run_as_the_owner(
    pmsapp: Pmsapp, instance_dir: Path, old_backup: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = key_files.user_name(instance_dir.stat().st_uid)
    before = _files(instance_dir)
    monkeypatch.setattr(os, "geteuid", lambda: 4711)
    monkeypatch.setattr("sys.argv", ["/opt/pmsapp/bin/pmsapp", "backup", "--json"])

    def check(command: list[str]) -> None:
        said = pmsapp(*command)
        assert said.code == (1 if command == ["doctor"] else 2)
        told = f"belongs to the user {owner}, and this is #4711; run: sudo -u {owner} /opt/pmsapp/bin/pmsapp backup --json"
        assert told in said.out + said.err
        assert _files(instance_dir) == before

    commands = [
        ["backup"],
        ["restore", str(old_backup), "--yes"],
        ["verify", str(old_backup)],
        ["users", "list"],
    ]
    check_each(
        [*commands, ["db", "upgrade"], ["up", "--port", "0"], ["keys", "add", "--lost"], ["doctor"]], check
    )


def _seal_something(instance_dir: Path) -> None:
    app = create_app(load_settings({}, instance_dir=instance_dir), screens=False)
    with app.app_context(), writing() as session:
        session.add(
            PMSConnection(
                pms_type="gentu",
                display_name="Gentu",
                time_zone="Australia/Melbourne",
                secret_uid="x",
                credentials_sealed=app.extensions["pmsapp_keys"].seal("x", "y"),
                created_at=clock.now(),
                updated_at=clock.now(),
            )
        )
    with app.app_context():
        db.engine.dispose()


def test_a_lost_key_file_is_never_replaced_in_silence(pmsapp: Pmsapp, instance_dir: Path) -> None:
    _seal_something(instance_dir)
    key_file = instance_dir / "encryption_keys"
    key_file.unlink()

    def check(command: list[str]) -> None:
        said = pmsapp(*command)
        assert said.code in (1, 2)
        assert f"{key_file} is missing" in said.out + said.err
        assert not key_file.exists()

    check_each([["users", "list"], ["db", "upgrade"], ["web", "--port", "0"], ["doctor"]], check)
    begun = pmsapp("keys", "add", "--lost")
    assert begun.code == 0
    assert "enter logins and links again" in begun.out
    assert key_file.stat().st_mode & 0o777 == 0o600
    assert "1 sealed texts do not open" in pmsapp("doctor").out
    assert pmsapp("keys", "add", "--lost").err == "Error: There are keys already; nothing was changed.\n"


def test_a_key_that_nothing_needs_yet_is_made_anew(pmsapp: Pmsapp, instance_dir: Path) -> None:
    (instance_dir / "encryption_keys").unlink()
    assert pmsapp("users", "list").code == 0
    assert (instance_dir / "encryption_keys").exists()


def test_a_key_that_is_not_random_is_refused(pmsapp: Pmsapp, instance_dir: Path) -> None:
    for weak in (bytes(32), b"\1\2" * 16):
        with pytest.raises(BadKeyError):
            KeyRing([base64.urlsafe_b64encode(weak).decode()])
    (instance_dir / "encryption_keys").write_text("A" * 43 + "=\n")
    refused = pmsapp("users", "list")
    assert (refused.code, "a key is not random" in refused.err) == (2, True)
    assert KeyRing([make_key()]).ids


def test_unit_and_commands_read_one_file_of_settings(
    pmsapp: Pmsapp, instance_dir: Path, tmp_path: Path
) -> None:
    file = tmp_path / "pmsapp.env"
    file.write_text(f'# the clinic\nPMSAPP_INSTANCE_DIR="{instance_dir}"\n; more\nPMSAPP_PORT=9001\nLANG=C\n')
    settings = load_settings({"PMSAPP_ENV_FILE": str(file)})
    assert (settings.instance_dir, settings.port) == (instance_dir, 9001)
    assert load_settings({"PMSAPP_ENV_FILE": str(file), "PMSAPP_PORT": "9002"}).port == 9002
    (instance_dir / "settings.toml").write_text("port = 9003\n")
    (instance_dir / "settings.toml").chmod(0o600)
    assert load_settings({"PMSAPP_ENV_FILE": str(file)}).port == 9001
    missing = pmsapp("users", "list", PMSAPP_ENV_FILE=str(tmp_path / "none.env"))
    assert (missing.code, "none.env cannot be read" in missing.err) == (2, True)
