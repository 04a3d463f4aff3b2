"""The nightly purge of records: what served its time goes with a receipt, what is still needed stays."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import func, select, update

from pmsapp import clock
from pmsapp.domain.errors import ConfigurationError
from pmsapp.models import (
    AuditEvent,
    Decision,
    RunSheet,
    RunSheetAppointment,
    RunSheetEvent,
    RunSheetOverride,
)
from pmsapp.services.base import audit, audit_chain
from pmsapp.services.base.audit import Wanted
from pmsapp.services.base.transaction import reading, writing
from pmsapp.services.maintenance import backup, erasure, periods, purge
from pmsapp.services.maintenance.purge import Due
from pmsapp.settings import LEGAL_MINIMUM_DAYS, Settings
from tests.support import postgres
from tests.support.clock import FrozenClock
from tests.support.seeded_clinic import DAY, seed

YEAR = timedelta(days=366)


@pytest.fixture
def bare(app: Flask, frozen_clock: FrozenClock) -> None:
    """The seeded clinic: two cards of one day on which nobody has written, and no question about them."""
    seed()
    with writing() as session:
        session.execute(update(RunSheetAppointment).values(notes=None))
        session.query(Decision).delete()
        session.query(RunSheetOverride).delete()


def count(model: type) -> int:
    with reading() as session:
        return session.scalar(select(func.count()).select_from(model)) or 0


def write(card_id: int, **values: object) -> None:
    with writing() as session:
        session.execute(update(RunSheetAppointment).where(RunSheetAppointment.id == card_id).values(**values))


def receipts() -> list[object]:
    return [entry.detail for entry in audit.list_events(wanted=Wanted(actions=(purge.PURGED,)))]


def test_cards_nobody_wrote_on_go_after_their_period_with_a_receipt(
    bare: None, frozen_clock: FrozenClock
) -> None:
    frozen_clock.advance(days=365)
    assert purge.purge_records()["cards"] == 0
    frozen_clock.advance(days=1)
    assert purge.due(DAY + YEAR) == Due(2, DAY, DAY)
    gone = purge.purge_records()
    assert (gone["cards"], gone["days"], count(RunSheetAppointment), count(RunSheet)) == (2, 1, 0, 0)
    assert count(RunSheetEvent) == 0
    day = DAY.isoformat()
    assert {"what": "cards", "count": 2, "from": day, "to": day} in receipts()


@pytest.mark.parametrize(
    "kept",
    [
        {"notes": "prefers mornings"},
        {"attempts": [{"outcome": "no_answer"}]},
        {"identity_check": {"identifiers": ["name"]}},
    ],
)
def test_what_staff_wrote_about_a_patient_stays_for_the_laws_seven_years(
    bare: None, frozen_clock: FrozenClock, kept: dict[str, object]
) -> None:
    write(2, **kept)
    frozen_clock.advance(days=LEGAL_MINIMUM_DAYS)
    purge.purge_records()
    assert count(RunSheetAppointment) == 1
    frozen_clock.advance(days=1)
    assert purge.purge_records()["cards"] == 1


def test_the_record_of_a_child_stays_until_the_25th_birthday() -> None:
    kept = periods.of(Settings())
    child, adult = date(2016, 2, 29), date(1979, 3, 12)
    day = date(2026, 11, 23)
    rules = {"has_notes": True, "has_overrides": False}
    assert periods.keep_until(day, child, kept, **rules) == date(2041, 3, 1)
    assert periods.keep_until(day, adult, kept, **rules) == day + timedelta(days=LEGAL_MINIMUM_DAYS)
    assert periods.keep_until(day, child, kept, has_notes=False, has_overrides=False) == day + timedelta(
        days=365
    )


def test_notes_cannot_be_set_to_go_before_the_laws_minimum(make_settings: Callable[..., Settings]) -> None:
    with pytest.raises(ConfigurationError, match="RETENTION_NOTES_DAYS"):
        make_settings(retention_notes_days=LEGAL_MINIMUM_DAYS - 1)


def test_a_card_that_somebody_has_to_decide_about_stays(app: Flask, frozen_clock: FrozenClock) -> None:
    seed()
    with writing() as session:
        session.execute(update(RunSheetAppointment).values(notes=None))
    frozen_clock.advance(days=LEGAL_MINIMUM_DAYS * 2)
    purge.purge_records()
    with reading() as session:
        assert session.scalars(select(RunSheetAppointment.id)).all() == [2]
        assert session.scalars(select(Decision.state)).all() == ["open"]


def test_an_override_in_force_stays_and_one_that_is_over_goes(app: Flask, frozen_clock: FrozenClock) -> None:
    seed()
    with writing() as session:
        over = RunSheetOverride(
            appointment_id=2, field="patient_phone", value="1", by="Mel", at=clock.now(), state="dropped"
        )
        session.add(over)
    frozen_clock.advance(days=LEGAL_MINIMUM_DAYS + 1)
    assert purge.purge_records()["overrides"] == 1
    with reading() as session:
        assert session.scalars(select(RunSheetOverride.state)).all() == ["conflict"]


def test_the_log_loses_its_oldest_rows_and_still_holds(bare: None, frozen_clock: FrozenClock) -> None:
    with writing() as session:
        for _ in range(3):
            audit.record(session, audit.Actor(kind="cli", name="x"), "old.thing")
    frozen_clock.advance(days=LEGAL_MINIMUM_DAYS + 1)
    with writing() as session:
        audit.record(session, audit.Actor(kind="cli", name="x"), "new.thing")
    assert purge.purge_records()["log rows"] == 3
    actions = [entry.action for entry in audit.list_events()]
    assert "old.thing" not in actions
    assert "new.thing" in actions
    assert audit_chain.verify().ok
    assert {"what": "log", "count": 3} in receipts()


@pytest.mark.skipif(postgres.SERVER is not None, reason="PostgreSQL has its own tools")
def test_old_copies_go_and_the_newest_never(
    bare: None, settings: Settings, frozen_clock: FrozenClock
) -> None:
    folder = settings.instance_dir / backup.FOLDER
    folder.mkdir()
    names = (
        "pmsapp-20260101-013000.sqlite3",
        "pmsapp-20260102-013000.sqlite3",
        "replaced-20260101-100000.sqlite3",
        "replaced-20261120-100000.sqlite3",
        "undone-12.json",
    )
    for name in names:
        (folder / name).touch()
    long_ago = (clock.now() - timedelta(days=91)).timestamp()
    os.utime(folder / "undone-12.json", (long_ago, long_ago))
    assert purge.purge_records()["files"] == 3
    left = {path.name for path in folder.iterdir()}
    assert left == {"pmsapp-20260102-013000.sqlite3", "replaced-20261120-100000.sqlite3"}


def test_a_purge_with_nothing_to_do_writes_nothing(bare: None) -> None:
    before = count(AuditEvent)
    assert sum(purge.purge_records().values()) == 0
    assert count(AuditEvent) == before


_DIES = """
from datetime import datetime
from pmsapp import clock
from pmsapp.cli.shared.base import open_app
from pmsapp.services.maintenance import purge
purge.STEP_ROWS = 1
with open_app(), clock.use(lambda: datetime.fromisoformat("{now}")):
    purge.purge_records()
"""


@pytest.mark.parametrize("point", ["purge_cards:1", "purge_cards:2", "purge_rows:1", "purge_log:1"])
def test_a_purge_killed_half_way_leaves_whole_steps_and_the_next_goes_on(
    bare: None, settings: Settings, frozen_clock: FrozenClock, point: str
) -> None:
    with writing() as session:
        audit.record(session, audit.Actor(kind="cli", name="x"), "old.thing")
    now = frozen_clock.advance(days=LEGAL_MINIMUM_DAYS + 1)
    environ = os.environ | postgres.address_of(settings)
    environ |= {"PMSAPP_INSTANCE_DIR": str(settings.instance_dir), "PMS_FAILPOINT": point}
    child = subprocess.run(
        [sys.executable, "-c", _DIES.format(now=now.isoformat())],
        env=environ,
        cwd=Path(__file__).parents[3],
        check=False,
    )
    assert child.returncode == -9
    cards = sum(
        entry["count"] for entry in receipts() if isinstance(entry, dict) and entry["what"] == "cards"
    )
    assert cards + count(RunSheetAppointment) == 2, "a card that went has its receipt, and no other has one"
    purge.purge_records()
    assert (count(RunSheetAppointment), count(RunSheet)) == (0, 0)
    assert audit_chain.verify().ok


def test_taking_cards_away_bumps_the_day_so_that_open_pages_see_it(bare: None) -> None:
    with writing() as session:
        before = session.scalar(select(RunSheet.version))
        assert erasure.remove_cards(session, [1], clock.now()) == 1
        session.flush()
        assert session.scalar(select(RunSheet.version)) == (before or 0) + 1
