"""A sealed archive is all a new machine needs; without the passphrase, or changed by one byte, it opens for nobody."""

from __future__ import annotations

import io
import json
import os
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from flask import Flask

from pmsapp import clock
from pmsapp.crypto import sealed_stream
from pmsapp.crypto.cipher import CipherError
from pmsapp.domain.errors import ConfigurationError
from pmsapp.extensions import db
from pmsapp.models import PMSConnection
from pmsapp.services.base.transaction import writing
from pmsapp.services.maintenance import backup
from pmsapp.services.maintenance.off_site import away
from pmsapp.settings import Settings
from tests.cli.conftest import Pmsapp
from tests.support import postgres

pytestmark = pytest.mark.skipif(postgres.SERVER is not None, reason="PostgreSQL has its own tools")
PASSPHRASE = "purple trains eat moss at noon"
GIVEN = {"PMSAPP_BACKUP_PASSPHRASE": PASSPHRASE}


@pytest.fixture
def elsewhere_dir(tmp_path: Path) -> Path:
    """A folder of another disk."""
    folder = tmp_path / "nas"
    folder.mkdir()
    return folder


@pytest.fixture
def archive(app: Flask, pmsapp: Pmsapp, elsewhere_dir: Path) -> Path:
    """An archive of an installation with one login in it."""
    with writing() as session:
        row = PMSConnection(
            pms_type="gentu",
            display_name="Gentu",
            time_zone="Australia/Melbourne",
            secret_uid="x",
            created_at=clock.now(),
            updated_at=clock.now(),
        )
        row.credentials_sealed = app.extensions["pmsapp_keys"].seal("{}", "pms_connections:x:credentials")
        session.add(row)
    db.engine.dispose()
    made = pmsapp("backup", "--to", str(elsewhere_dir), **GIVEN)
    assert made.code == 0, made.err
    return Path(made.out.strip())


def test_an_archive_holds_nothing_in_the_clear(archive: Path, instance_dir: Path) -> None:
    content = archive.read_bytes()
    assert b"SQLite format" not in content
    assert (instance_dir / "encryption_keys").read_bytes().strip() not in content
    assert archive.stat().st_mode & 0o777 == 0o600
    assert not list((instance_dir / "backups").glob("work-*"))


def test_an_archive_and_the_passphrase_are_all_a_new_machine_needs(
    pmsapp: Pmsapp, archive: Path, instance_dir: Path
) -> None:
    keys = (instance_dir / "encryption_keys").read_text()
    shutil.rmtree(instance_dir)
    unreadable = json.loads(pmsapp("verify", str(archive), "--json", **GIVEN).out)["unreadable"]
    assert not instance_dir.exists()
    done = pmsapp("restore", str(archive), "--yes", **GIVEN)
    assert done.code == 0, done.err
    assert (instance_dir / "encryption_keys").read_text().split() == keys.split()
    uses = json.loads(pmsapp("keys", "list", "--json").out)["items"]
    assert all(use["known"] and use["texts"] for use in uses)
    assert unreadable in (0, 1)


def test_the_keys_of_an_archive_join_those_that_are_there(
    pmsapp: Pmsapp, archive: Path, instance_dir: Path
) -> None:
    (old,) = (instance_dir / "encryption_keys").read_text().split()
    assert pmsapp("keys", "add").code == 0
    (fresh, _) = (instance_dir / "encryption_keys").read_text().split()
    (instance_dir / "encryption_keys").write_text(f"{fresh}\n")
    assert pmsapp("restore", str(archive), "--yes", **GIVEN).code == 0
    assert (instance_dir / "encryption_keys").read_text().split() == [fresh, old]


def test_a_wrong_passphrase_or_a_changed_archive_is_one_sentence(pmsapp: Pmsapp, archive: Path) -> None:
    wrong = pmsapp("verify", str(archive), PMSAPP_BACKUP_PASSPHRASE="another passphrase of mine")
    assert (wrong.code, "the passphrase is wrong, or the archive was cut or altered" in wrong.err) == (
        2,
        True,
    )
    none = pmsapp("verify", str(archive))
    assert (none.code, "set PMSAPP_BACKUP_PASSPHRASE" in none.err) == (2, True)
    content = bytearray(archive.read_bytes())
    content[-100] ^= 1
    archive.write_bytes(content)
    assert pmsapp("restore", str(archive), "--yes", **GIVEN).code == 2


def test_a_stream_that_was_cut_at_a_piece_or_put_in_another_order_does_not_open() -> None:
    piece = 1024 * 1024
    plain = os.urandom(3 * piece)
    sealed = io.BytesIO()
    sealed_stream.seal(io.BytesIO(plain), sealed, PASSPHRASE)
    whole = sealed.getvalue()
    opened = io.BytesIO()
    sealed_stream.unseal(io.BytesIO(whole), opened, PASSPHRASE)
    assert opened.getvalue() == plain
    head, size = len(whole) - 3 * (piece + 16), piece + 16
    first, second = whole[head : head + size], whole[head + size : head + 2 * size]
    for bad in (
        whole[:-size],
        whole[:head] + second + first + whole[head + 2 * size :],
        whole[:10],
        whole + b"x",
    ):
        with pytest.raises(CipherError):
            sealed_stream.unseal(io.BytesIO(bad), io.BytesIO(), PASSPHRASE)


def test_days_weeks_and_months_are_kept_and_those_by_hand_push_out_none() -> None:
    now = datetime(2026, 11, 30, 14, 30, tzinfo=UTC)
    nights = [now - timedelta(days=days) for days in range(500)]
    kept = sorted(backup.kept_times(nights), reverse=True)
    assert kept[:14] == nights[:14]
    assert len(kept) == 14 + 6 + 10  # two weeks and two months are among the days, one month among the weeks
    assert (now - kept[-1]).days in range(330, 366)


def test_a_backup_by_hand_pushes_out_no_nightly_one(app: Flask, settings: Settings) -> None:
    assert backup.make() is not None
    for _ in range(3):
        backup.make(by_hand=True)
    names = sorted(path.name.partition("-")[0] for path in (settings.instance_dir / "backups").iterdir())
    assert names.count("pmsapp") == 1


def test_the_command_after_gets_the_file_and_its_failure_is_told(
    app: Flask, make_settings: object, elsewhere_dir: Path, tmp_path: Path
) -> None:
    assert callable(make_settings)
    given = {"backup_to": elsewhere_dir, "backup_passphrase": PASSPHRASE}
    carried = tmp_path / "carried"
    app.extensions["pmsapp_settings"] = make_settings(**given, backup_command=f"cp {{}} {carried}")
    assert away.take_newest() == "there is no backup yet"
    backup.make()
    assert away.take_newest().endswith(".archive left the machine")
    (made,) = elsewhere_dir.iterdir()
    assert carried.read_bytes() == made.read_bytes()
    assert away.verify_newest() == f"{made.name} could be put back"
    made.write_bytes(made.read_bytes()[:-1])
    with pytest.raises(ConfigurationError, match="verify ended with exit code 2"):
        away.verify_newest()
    app.extensions["pmsapp_settings"] = make_settings(**given, backup_command="false")
    with pytest.raises(ConfigurationError, match="PMSAPP_BACKUP_COMMAND ended with exit code 1"):
        away.take_newest()
    app.extensions["pmsapp_settings"] = make_settings(**{**given, "backup_to": tmp_path / "unmounted"})
    with pytest.raises(ConfigurationError, match="is its disk mounted"):
        away.take_newest()
