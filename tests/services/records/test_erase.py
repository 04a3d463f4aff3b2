"""Erasing one patient: nowhere left, never brought back, and nobody else touched."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import suppress
from datetime import date
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import func, select, text

from pmsapp import clock
from pmsapp.domain.actor import COMMAND_LINE
from pmsapp.domain.appointment import Patient
from pmsapp.extensions import db
from pmsapp.models import CardBefore, Decision, PMSConnection, RunSheetAppointment, SyncRun
from pmsapp.services.base import audit, audit_chain
from pmsapp.services.base.errors import Conflict, Invalid, NotFound
from pmsapp.services.base.transaction import reading, writing
from pmsapp.services.connections import disconnect
from pmsapp.services.editing import hand_over, overrides
from pmsapp.services.maintenance import backup, erasure, purge
from pmsapp.services.maintenance.erasure import Erased
from pmsapp.services.records import access_log, correct, erase, export, patients
from pmsapp.services.sheet import before_runs
from pmsapp.services.sync import recheck
from pmsapp.services.vendors import erased_patients
from pmsapp.settings import Settings
from tests.support import postgres
from tests.support.actors import make_user, program_for
from tests.support.fake_clinic import MEL, FakeClinic
from tests.support.fake_pms import FakePractice

CANARY = "Wobblegong"
NAME = f"Zz{CANARY} Canaryson"
BORN = date(1971, 5, 17)
PHONE, EMAIL, FILE = "+61491570999", "zzcanary@example.net", "file-canary-7788"
TEXTS = (CANARY, "Canaryson", "491570999", "491571998", "491 570 999", "zzcanary", FILE, BORN.isoformat())


@pytest.fixture
def canary(clinic: FakeClinic, practice: FakePractice) -> str:
    """A day with the canary, a namesake of another file, and somebody else; staff worked on the canary's card."""
    practice.patients["canary"] = Patient(FILE, NAME, BORN, PHONE, EMAIL)
    practice.patients["namesake"] = Patient("file-namesake", NAME, date(1990, 1, 1), "+61491570222")
    practice.book("anna", clinic.at("10:40"), ["canary"])
    practice.book("anna", clinic.at("11:00"), ["namesake"])
    practice.book("ben", clinic.at("11:20"), ["ada"])
    assert clinic.sync().status == "success"
    overrides.edit_card(clinic.card("v1").id, {"patient_phone": "0491 571 998"}, MEL)
    return f"{clinic.connection_id}:{FILE}"


def names_left() -> list[str | None]:
    with reading() as session:
        return list(
            session.scalars(select(RunSheetAppointment.patient_name).order_by(RunSheetAppointment.id))
        )


def test_two_people_of_one_name_are_two_references(canary: str, clinic: FakeClinic) -> None:
    found = patients.find(name="canaryson zzwob")
    assert [patient.reference for patient in found] == [f"{clinic.connection_id}:file-namesake", canary] or [
        patient.reference for patient in found
    ] == [canary, f"{clinic.connection_id}:file-namesake"]
    assert [p.reference for p in patients.find(name="Canaryson", birth_date=BORN)] == [canary]
    assert [p.reference for p in patients.find(phone="491 570 999")] == [canary]
    assert patients.find(name="Nobody") == []
    with pytest.raises(Invalid):
        patients.find()


def test_erasing_takes_every_card_of_that_file_and_no_namesake(canary: str) -> None:
    done = erase.erase(canary, COMMAND_LINE)
    assert (done.cards, done.kept_out) == (1, True)
    assert names_left() == [NAME, "Ada Alder"]
    with pytest.raises(NotFound):
        patients.get(canary)
    assert audit_chain.verify().ok


def test_no_sync_no_recheck_and_no_other_day_brings_them_back(
    canary: str, clinic: FakeClinic, practice: FakePractice
) -> None:
    erase.erase(canary, COMMAND_LINE)
    practice.edit_patient("canary", phone="+61491570111")
    practice.book("ben", clinic.at("15:00"), ["canary", "bo"])
    run = clinic.sync()
    assert run.status == "success"
    assert run.counts["skipped"] >= 2
    assert CANARY not in str(names_left()[1:])
    assert names_left() == [NAME, "Ada Alder", "Bo Birch"]
    group = clinic.card("v4", "bo")
    recheck.recheck_card(group.id, MEL)
    assert names_left() == [NAME, "Ada Alder", "Bo Birch"]


def test_connecting_the_practice_again_does_not_bring_them_back(
    canary: str, clinic: FakeClinic, practice: FakePractice
) -> None:
    erase.erase(canary, COMMAND_LINE)
    disconnect.delete_connection(clinic.connection_id, "remove", MEL)
    again = FakeClinic(practice)
    again.sync()
    assert sorted(map(str, names_left())) == sorted([NAME, "Ada Alder"])


def test_a_run_that_had_read_them_before_cannot_write_them_after(
    canary: str, clinic: FakeClinic, practice: FakePractice, monkeypatch: pytest.MonkeyPatch
) -> None:
    practice.change("v1", start_at=clinic.at("10:50"))
    read = practice.list_pages

    def erased_meanwhile(*args: object, **kwargs: object) -> object:
        pages = list(read(*args, **kwargs))  # type: ignore[arg-type]
        if any(CANARY in str(patient.name) for patient in practice.patients.values()):
            with suppress(NotFound):  # this list is read twice
                erase.erase(canary, COMMAND_LINE)
        return iter(pages)

    monkeypatch.setattr(practice, "list_pages", erased_meanwhile)
    clinic.sync()
    assert names_left() == [NAME, "Ada Alder"]


def test_notes_the_law_wants_kept_are_erased_only_on_purpose(canary: str, clinic: FakeClinic) -> None:
    overrides.edit_card(clinic.card("v1").id, {"notes": "needs an interpreter"}, MEL)
    with pytest.raises(Conflict, match="2033"):
        erase.erase(canary, COMMAND_LINE)
    assert len(names_left()) == 3
    assert erase.erase(canary, COMMAND_LINE, despite_the_law=True).cards == 1


def test_a_card_by_hand_is_a_patient_of_its_own(clinic: FakeClinic) -> None:
    card = overrides.add_card(
        clinic.today, {"start_at": clinic.at("15:00"), "clinician_id": None, "patient_name": NAME}, MEL
    )
    other = overrides.add_card(
        clinic.today, {"start_at": clinic.at("16:00"), "clinician_id": None, "patient_name": NAME}, MEL
    )
    assert erase.erase(f"card:{card.id}", COMMAND_LINE).kept_out is False
    assert patients.get(f"card:{other.id}").cards == (other.id,)


def test_cards_left_by_a_connection_are_one_patient_by_their_old_file(
    canary: str, clinic: FakeClinic, practice: FakePractice
) -> None:
    practice.book("ben", clinic.at("16:00"), ["canary"])
    clinic.sync()
    first = clinic.card("v1").id
    disconnect.delete_connection(clinic.connection_id, "keep", MEL)
    assert len(patients.get(f"card:{first}").cards) == 2
    assert erase.erase(f"card:{first}", COMMAND_LINE).cards == 2
    assert names_left() == [NAME, "Ada Alder"]


def test_the_export_holds_everything_and_who_saw_it(canary: str, clinic: FakeClinic) -> None:
    card = clinic.card("v1")
    access_log.note(access_log.CARD, f"card:{card.id}", MEL, [card.id], session_id=1)
    found = export.everything_on(canary)
    assert (found["names"], found["birth_dates"]) == ([NAME], [BORN.isoformat()])
    assert [card_told["patient_email"] for card_told in found["cards"]] == [EMAIL]
    assert found["cards"][0]["typed_by_staff"][0]["value"] == "+61491571998"
    assert found["cards"][0]["timeline"]
    assert found["seen_by"][0]["who"].endswith("Mel")
    assert "file-namesake" not in str(found)


def test_putting_a_name_right_is_an_edit_of_every_card_of_that_file(canary: str, clinic: FakeClinic) -> None:
    assert correct.correct(canary, {"patient_name": "Right Name"}, MEL) == 1
    assert clinic.card("v1").patient_name == "Right Name"
    assert clinic.card("v2").patient_name == NAME


def test_what_other_cards_were_before_an_update_names_nobody_who_was_erased(
    canary: str, clinic: FakeClinic, practice: FakePractice
) -> None:
    """Ada's place is given to the canary: the question on Ada's card, kept before the next update, names both."""
    practice.change("v3", patients=("canary",))
    clinic.sync()
    practice.change("v3", start_at=clinic.at("11:30"))
    clinic.sync(dry_run=True)
    with writing() as session:
        ada = clinic.card("v3", "ada").id
        question = session.scalars(select(Decision).where(Decision.state == "open")).first()
        assert question is not None
        last = session.scalar(select(func.max(SyncRun.id)))
        with before_runs.keeping(session, last, [ada], clock.now()):
            card = session.get_one(RunSheetAppointment, ada)
            card.row_version += 1
    assert CANARY in kept_copies()
    erase.erase(canary, COMMAND_LINE)
    assert CANARY not in kept_copies()


def test_a_restored_backup_has_no_copies_of_whoever_is_erased_again(
    canary: str, clinic: FakeClinic, practice: FakePractice
) -> None:
    practice.change("v1", start_at=clinic.at("10:45"))
    clinic.sync(dry_run=True)
    assert FILE in kept_copies()
    with reading() as session:
        card, connection = clinic.card("v1"), session.get_one(PMSConnection, clinic.connection_id)
        digests = erased_patients.digests_of(connection, FILE)
    with writing() as session:
        notes = [Erased(digest, 1, "user:1 Mel", clock.now()) for digest in digests]
        assert erasure.erase_again(session, notes, clock.now()) == 1
    assert FILE not in kept_copies()
    assert card.id not in {left.id for left in clinic.cards().values()}


def kept_copies() -> str:
    """What stands beside the cards: previews, and how cards and their questions were before an update."""
    with reading() as session:
        return json.dumps(
            [*session.scalars(select(SyncRun.preview)), *session.scalars(select(CardBefore.before))]
        )


def test_the_log_of_an_erasure_names_nobody(canary: str) -> None:
    erase.erase(canary, COMMAND_LINE)
    newest = audit.list_events()[0]
    assert (newest.action, newest.subject) == ("person.erased", None)
    assert CANARY not in str(newest)
    assert FILE not in str(newest)


def everywhere(folder: Path, *, but: tuple[Path, ...] = ()) -> dict[str, bytes]:
    """Every file of an instance, byte by byte."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file() and path not in but]
    return {path.name: path.read_bytes() for path in files}


def found_in(files: dict[str, bytes]) -> list[tuple[str, str]]:
    return [(name, word) for name, content in files.items() for word in TEXTS if word.encode() in content]


@pytest.mark.skipif(postgres.SERVER is not None, reason="PostgreSQL keeps its files to itself")
def test_the_erased_patient_is_nowhere_in_pages_logs_and_backups_made_after(
    app: Flask,
    canary: str,
    clinic: FakeClinic,
    practice: FakePractice,
    settings: Settings,
    caplog: pytest.LogCaptureFixture,
) -> None:
    hand_over.close(clinic.today, "Mel", f"Ring {NAME} on Monday.", MEL)
    clinic.sync(dry_run=True)
    practice.change("v1", start_at=clinic.at("10:45"))
    clinic.sync(dry_run=True)
    program = program_for(app, "admin")
    answer = program.send(
        "POST",
        f"/api/run-sheet/appointments/{clinic.card('v1').id}/acknowledge",
        headers={"Idempotency-Key": "once"},
    )
    assert answer.status_code < 500
    make_user("viewer")
    practice.patients.pop("namesake")
    practice.delete("v2")
    clinic.sync()
    erase.erase(f"{clinic.connection_id}:file-namesake", COMMAND_LINE)
    assert found_in(everywhere(settings.instance_dir)), "the canary was there before"
    done = erase.erase(canary, COMMAND_LINE)
    assert done.is_scrubbed
    made = backup.make()
    assert made is not None
    db.engine.dispose()
    assert found_in(everywhere(settings.instance_dir)) == []
    assert [word for word in TEXTS if word in caplog.text] == []


@pytest.mark.skipif(postgres.SERVER is not None, reason="SQLite's own way of deleting")
def test_what_is_deleted_is_overwritten_in_the_file(app: Flask) -> None:
    with db.engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA secure_delete").scalar_one() == 1


def test_the_nightly_purge_scrubs_what_an_erasure_could_not(
    canary: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as busy:
        busy.setattr(erasure, "_vacuum", lambda: False)
        assert erase.erase(canary, COMMAND_LINE).is_scrubbed is (postgres.SERVER is not None)
    purge.purge_records()
    with reading() as session:
        assert not erasure.is_scrub_owed(session)


_DIES = """
from pmsapp.cli.program import run
raise SystemExit(run(["person", "erase", "{reference}", "--yes"]))
"""


@pytest.mark.parametrize(("point", "left"), [("erase_patient", 3), ("erase_scrub", 2)])
def test_an_erasure_killed_half_way_is_whole_or_did_not_happen(
    canary: str, settings: Settings, point: str, left: int
) -> None:
    environ = os.environ | postgres.address_of(settings)
    environ |= {"PMSAPP_INSTANCE_DIR": str(settings.instance_dir), "PMS_FAILPOINT": point}
    child = subprocess.run(
        [sys.executable, "-c", _DIES.format(reference=canary)],
        env=environ,
        cwd=Path(__file__).parents[3],
        check=False,
    )
    assert child.returncode == -9
    assert len(names_left()) == left
    if left == 3:
        erase.erase(canary, COMMAND_LINE)
    purge.purge_records()
    with reading() as session:
        assert session.execute(text("SELECT count(*) FROM erased_patients")).scalar_one() > 0
        assert not erasure.is_scrub_owed(session)
    assert names_left() == [NAME, "Ada Alder"]
