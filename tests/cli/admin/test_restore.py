"""Putting a backup back: whole or not at all, and nothing that matters goes back in time unnoticed."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select

from pmsapp.crypto.cipher import make_key
from pmsapp.domain.actor import COMMAND_LINE
from pmsapp.extensions import db
from pmsapp.models import PMSConnection, SyncRun
from pmsapp.services.base import audit, audit_chain
from pmsapp.services.base.errors import Conflict
from pmsapp.services.base.transaction import reading
from pmsapp.services.editing import overrides
from pmsapp.services.maintenance import audit_watch, backup
from pmsapp.services.people import api_tokens, second_factor, sessions, users
from pmsapp.services.records import erase
from pmsapp.services.runs import requests as run_requests
from pmsapp.services.sync import execute
from pmsapp.supervisor.lock import only_one
from tests.cli.conftest import Pmsapp
from tests.support import postgres
from tests.support.actors import app_code, give_second_factor, make_user
from tests.support.clock import FrozenClock
from tests.support.fake_clinic import MEL, FakeClinic
from tests.support.fake_pms import FakePractice

pytestmark = pytest.mark.skipif(postgres.SERVER is not None, reason="PostgreSQL has its own tools")


@pytest.fixture
def fake(app: Flask, frozen_clock: FrozenClock, practice: FakePractice) -> FakeClinic:
    """A clinic with two cards; Mel has written a note on Ada's."""
    made = FakeClinic(practice)
    practice.book("anna", made.at("10:40"), ["ada"])
    practice.book("anna", made.at("11:00"), ["bo"])
    made.sync()
    overrides.edit_card(made.card("v1").id, {"notes": "prefers mornings"}, MEL)
    return made


@dataclass
class Night:
    """A backup, and what was done on the day after it."""

    copy: Path
    session: str
    person: int
    token: str
    version: int
    row_version: int
    fence: int
    new_card: int


@pytest.fixture
def night(fake: FakeClinic, practice: FakePractice, frozen_clock: FrozenClock) -> Night:
    person = make_user("reception")
    session = sessions.start(person.id, COMMAND_LINE)
    made = api_tokens.create("desk", "reception", COMMAND_LINE)
    saved = backup.make()
    assert saved is not None
    frozen_clock.advance(hours=2)
    overrides.edit_card(fake.card("v1").id, {"notes": "lost on the way back"}, MEL)
    practice.book("anna", fake.at("11:40"), ["cy"])
    fake.sync()
    give_second_factor(person.id)
    users.disable_user(person.id, COMMAND_LINE)
    api_tokens.revoke(made.view.id, COMMAND_LINE)
    left_over = fake.request()  # still queued when the installation is stopped
    assert left_over
    sheet = fake.sheet()
    frozen_clock.advance(minutes=5)
    return Night(
        saved.path,
        session,
        person.id,
        made.token,
        sheet.version,
        fake.card("v1").row_version,
        _fence(),
        fake.card("v3").id,
    )


def _fence() -> int:
    with reading() as session:
        return session.scalars(select(PMSConnection.fence)).one()


def _put_back(pmsapp: Pmsapp, copy: Path) -> tuple[str, str]:
    db.engine.dispose()
    done = pmsapp("restore", str(copy), "--yes")
    assert done.code == 0, done.err
    return done.out, done.err


def test_the_backup_is_in_force_and_what_was_done_since_is_listed_and_kept(
    pmsapp: Pmsapp, fake: FakeClinic, night: Night, instance_dir: Path
) -> None:
    out, err = _put_back(pmsapp, night.copy)
    assert fake.card("v1").notes == "prefers mornings"
    assert ("v3", "cy") not in fake.cards()
    assert "is whole: 2 cards, 1 people" in err
    (listed,) = (instance_dir / "backups").glob("undone-*.json")
    assert str(listed) in out
    actions = [item["action"] for item in json.loads(listed.read_text())["items"]]
    assert "user.disabled" in actions
    assert f"{len(actions)} things were done since" in err
    assert "lost on the way back" not in listed.read_text()
    (kept,) = (instance_dir / "backups").glob("replaced-*.sqlite3")
    assert {path.stat().st_mode & 0o777 for path in (listed, kept, instance_dir / "pmsapp.sqlite3")} == {
        0o600
    }
    assert not list(instance_dir.glob("work-*"))
    assert audit_chain.verify().ok
    assert audit.list_events(limit=1)[0].action == "database.restored"


def test_no_page_program_or_worker_of_the_lost_time_is_believed(
    pmsapp: Pmsapp, fake: FakeClinic, night: Night
) -> None:
    _put_back(pmsapp, night.copy)
    assert sessions.resume(night.session, active=False) is None
    assert fake.sheet().version > night.version
    assert _fence() > night.fence
    with pytest.raises(Conflict):
        overrides.edit_card(fake.card("v1").id, {"notes": "x"}, MEL, row_version=night.row_version)
    with reading() as session:
        assert {run.status for run in session.scalars(select(SyncRun))} <= {"success", "interrupted"}


def test_whoever_was_put_out_since_stays_out(pmsapp: Pmsapp, fake: FakeClinic, night: Night) -> None:
    _put_back(pmsapp, night.copy)
    assert users.get_user(night.person).disabled_at is not None
    assert api_tokens.find(night.token) is None


def test_a_patient_erased_since_is_erased_again_and_the_log_holds(
    pmsapp: Pmsapp, fake: FakeClinic, night: Night
) -> None:
    erase.erase(f"{fake.connection_id}:ada", COMMAND_LINE, despite_the_law=True)
    audit_watch.note_head()
    _put_back(pmsapp, night.copy)
    assert [key for key in fake.cards() if key[1] == "ada"] == []
    assert audit_watch.check().endswith("rows hold")
    fake.sync()
    assert [key for key in fake.cards() if key[1] == "ada"] == []


def test_a_second_factor_set_up_since_is_still_asked_for(
    pmsapp: Pmsapp, fake: FakeClinic, night: Night
) -> None:
    _put_back(pmsapp, night.copy)
    assert second_factor.is_enabled(night.person)
    assert second_factor.check(night.person, app_code(), COMMAND_LINE)


def test_the_next_update_reads_everything_anew_and_gives_no_id_twice(
    pmsapp: Pmsapp, fake: FakeClinic, night: Night, practice: FakePractice
) -> None:
    _put_back(pmsapp, night.copy)
    (request,) = run_requests.request_due_runs()
    execute.execute_run(request.sync_id)
    assert fake.run(request.sync_id).status == "success"
    assert set(fake.cards()) == {("v1", "ada"), ("v2", "bo"), ("v3", "cy")}
    assert fake.card("v1").notes == "prefers mornings"
    assert fake.card("v3").id > night.new_card


def test_a_second_restore_of_the_same_backup_is_newer_still(
    pmsapp: Pmsapp, fake: FakeClinic, night: Night, frozen_clock: FrozenClock
) -> None:
    _put_back(pmsapp, night.copy)
    overrides.edit_card(fake.card("v1").id, {"notes": "again"}, MEL)
    version, row_version = fake.sheet().version, fake.card("v1").row_version
    frozen_clock.advance(minutes=1)
    _put_back(pmsapp, night.copy)
    assert fake.sheet().version > version
    assert fake.card("v1").row_version > row_version


def test_it_refuses_while_pmsapp_runs(pmsapp: Pmsapp, night: Night, instance_dir: Path) -> None:
    with reading() as session:
        session.connection()  # a process with the database open
        refused = pmsapp("restore", str(night.copy), "--yes")
    assert refused.code == 2
    assert "A process still uses the database; stop pmsapp first." in refused.err
    db.engine.dispose()
    with only_one(instance_dir):
        refused = pmsapp("restore", str(night.copy), "--yes")
    assert refused.code == 2
    assert "pmsapp already runs" in refused.err


def test_a_damaged_backup_changes_nothing(pmsapp: Pmsapp, fake: FakeClinic, night: Night) -> None:
    content = bytearray(night.copy.read_bytes())
    content[8192:40960] = b"\xff" * (40960 - 8192)
    night.copy.write_bytes(content)
    db.engine.dispose()
    for command in (["verify", str(night.copy)], ["restore", str(night.copy), "--yes"]):
        refused = pmsapp(*command)
        assert refused.code != 0
        assert refused.err.startswith("Error: ")
        assert len(refused.err.splitlines()) == 1
    assert fake.card("v1").notes == "lost on the way back"


def test_without_a_yes_nothing_is_changed(pmsapp: Pmsapp, fake: FakeClinic, night: Night) -> None:
    db.engine.dispose()
    asked = pmsapp("restore", str(night.copy), stdin="n\n")
    assert "Put it back?" in asked.err
    assert asked.code != 0
    assert fake.card("v1").notes == "lost on the way back"


def test_a_new_machine_takes_a_backup_too(
    pmsapp: Pmsapp, fake: FakeClinic, night: Night, instance_dir: Path
) -> None:
    db.engine.dispose()
    for path in instance_dir.glob("pmsapp.sqlite3*"):
        path.unlink()
    _put_back(pmsapp, night.copy)
    assert fake.card("v1").notes == "prefers mornings"


def test_a_live_database_that_is_damaged_is_replaced_all_the_same(
    pmsapp: Pmsapp, fake: FakeClinic, night: Night, instance_dir: Path
) -> None:
    db.engine.dispose()
    (instance_dir / "pmsapp.sqlite3").write_bytes(b"SQLite format 3\0" + b"\xff" * 20_000)
    _, err = _put_back(pmsapp, night.copy)
    assert "The database that is there cannot be read" in err
    assert fake.card("v1").notes == "prefers mornings"


def test_verify_reads_the_newest_backup_and_changes_nothing(
    pmsapp: Pmsapp, fake: FakeClinic, night: Night
) -> None:
    before = night.copy.read_bytes()
    said = pmsapp("verify")
    assert said.code == 0, said.err
    assert f"{night.copy} is whole: 2 cards, 1 people" in said.out
    shown = json.loads(pmsapp("verify", "--json").out)
    assert (shown["cards"], shown["unreadable"]) == (2, 0)
    assert night.copy.read_bytes() == before


def test_verify_without_a_backup_is_one_sentence(pmsapp: Pmsapp) -> None:
    refused = pmsapp("verify")
    assert (refused.code, refused.err) == (2, "Error: There is no backup yet; run: pmsapp backup\n")


def test_a_copy_made_with_other_keys_is_told(
    pmsapp: Pmsapp, fake: FakeClinic, night: Night, instance_dir: Path
) -> None:
    (instance_dir / "encryption_keys").write_text(f"{make_key()}\n")
    said = pmsapp("verify")
    assert said.code == 0
    assert "do not open with the keys of this installation" in said.err
