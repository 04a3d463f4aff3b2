"""`pmsapp audit`, `person` and `breach`: what they print, and how they end."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import text

from pmsapp.extensions import db
from pmsapp.services.base import audit
from pmsapp.services.base.transaction import writing
from pmsapp.services.records import access_log
from tests.cli.conftest import Pmsapp
from tests.services.base.test_audit import without_triggers
from tests.support import postgres
from tests.support.clock import FrozenClock
from tests.support.fake_clinic import MEL
from tests.support.seeded_clinic import BORN, Texts, seed

pytestmark = pytest.mark.skipif(postgres.SERVER is not None, reason="commands open the instance's own file")


@pytest.fixture
def texts(app: Flask, frozen_clock: FrozenClock) -> Texts:
    made = seed()
    access_log.note(access_log.CARD, "card:2", MEL, [2], session_id=1)
    access_log.note(access_log.SHEET, "sheet:2026-11-23", MEL, [1, 2], session_id=1)
    return made


def test_the_log_is_listed_and_narrowed(texts: Texts, pmsapp: Pmsapp) -> None:
    done = pmsapp("audit", "list", "--json")
    assert [row["action"] for row in json.loads(done.out)["items"]] == ["sheet.viewed", "card.viewed"]
    assert "card.viewed" in pmsapp("audit", "list", "--what", "card.", "--who", "Mel").out
    assert "Nothing matches" in pmsapp("audit", "list", "--to", "2020-01-01").out
    assert pmsapp("audit", "list", "--from", "soon").code == 2


def test_who_saw_names_people_and_pages(texts: Texts, pmsapp: Pmsapp) -> None:
    by_card = json.loads(pmsapp("audit", "who-saw", "--card", "1", "--json").out)["items"]
    assert [row["action"] for row in by_card] == ["sheet.viewed"]
    by_patient = json.loads(pmsapp("audit", "who-saw", "--patient", "1:pa-2", "--json").out)["items"]
    assert [row["cards"] for row in by_patient] == [[2], [2]]
    between = pmsapp("audit", "who-saw", "--from", "2026-11-23", "--to", "2026-11-23")
    assert between.out.count("Mel") == 2
    assert pmsapp("audit", "who-saw").code == 2


def test_verify_says_whether_the_log_holds(texts: Texts, pmsapp: Pmsapp) -> None:
    good = pmsapp("audit", "verify")
    assert (good.code, "the log holds" in good.out) == (0, True)
    head = good.out.split("the last ")[1].split(":")[0]
    assert pmsapp("audit", "verify", "--head", head).code == 0
    without_triggers("DELETE FROM audit_events WHERE id = 2")
    assert pmsapp("audit", "verify").code == 0
    cut = pmsapp("audit", "verify", "--head", head)
    assert (cut.code, "rows at the end are missing" in cut.err) == (1, True)
    assert pmsapp("audit", "verify", "--head", "nonsense").code == 2


def test_an_export_is_csv_that_no_spreadsheet_runs_and_leaves_a_row(texts: Texts, pmsapp: Pmsapp) -> None:
    with writing() as session:
        audit.record(session, MEL, "=cmd", "@thing:1")
    rows = list(csv.DictReader(io.StringIO(pmsapp("audit", "export").out)))
    assert [row["action"] for row in rows] == ["export", "'=cmd", "sheet.viewed", "card.viewed"]
    assert rows[1]["subject"] == "'@thing:1"
    lines = pmsapp("audit", "export", "--json").out.splitlines()
    assert json.loads(lines[-1])["action"] == "card.viewed"


def test_a_patient_is_found_exported_put_right_and_erased(
    texts: Texts, pmsapp: Pmsapp, tmp_path: Path
) -> None:
    found = json.loads(pmsapp("person", "find", "--born", BORN.isoformat(), "--json").out)["items"]
    assert [patient["reference"] for patient in found] == ["1:pa-2"]
    file = tmp_path / "out.json"
    assert pmsapp("person", "export", "1:pa-2", "--out", str(file)).code == 0
    assert json.loads(file.read_text())["cards"][0]["id"] == 2
    assert file.stat().st_mode & 0o077 == 0
    assert "1 cards" in pmsapp("person", "correct", "1:pa-2", "--phone", "0491 570 006").out
    kept = pmsapp("person", "erase", "1:pa-2", "--yes")
    assert (kept.code, "health records acts" in kept.err) == (1, True)
    gone = pmsapp("person", "erase", "1:pa-2", "--yes", "--despite-the-law", "--json")
    assert json.loads(gone.out)["cards"] == 1
    assert pmsapp("person", "export", "1:pa-2").code == 1
    with db.engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM run_sheet_appointments")).scalar_one() == 1


def test_ending_everything_asks_first_and_says_what_it_ended(texts: Texts, pmsapp: Pmsapp) -> None:
    refused = pmsapp("breach", "end-all", stdin="n\n")
    assert refused.code != 0
    done = pmsapp("breach", "end-all", "--yes")
    assert "sessions" in done.out
    assert json.loads(pmsapp("breach", "end-all", "--yes", "--json").out)["sessions"] == 0
