"""A run that dies anywhere is repaired by the next one: the end is what an undisturbed run would have left.

Two ways to die: a real SIGKILL of a forked process at every failpoint (each pass of it), and a failure of every
single statement in turn, which is what a full disk, a lost connection or a power cut look like from inside.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from pmsapp import clock
from pmsapp.extensions import db
from pmsapp.services.base import failpoints
from pmsapp.services.base.errors import Conflict
from pmsapp.services.editing import decisions, overrides
from pmsapp.services.runs import lease
from pmsapp.services.sync import execute
from tests.soak.installation import Installation, installation
from tests.soak.machine import KilledError, failing_statement
from tests.soak.seeds import EXAMPLES
from tests.support import snapshot
from tests.support.clock import MONDAY_9AM, FrozenClock
from tests.support.fake_clinic import MEL, FakeClinic, stock
from tests.support.fake_pms import FakePractice, registered

SHARES = 4
EVERY = 1 if EXAMPLES > 500 else 2  # each statement in `make soak`, each second one elsewhere


class Stage:
    """A clinic just before a run with something of everything to do, and a way back to that moment."""

    def __init__(self, home: Installation, frozen: FrozenClock, practice: FakePractice) -> None:
        self._home = home
        self._frozen = frozen
        self.clinic = FakeClinic(practice)
        self._set()
        frozen.advance(hours=2)  # the reference lists are due as well
        self.begins_at = frozen.at
        self._files = home.save()
        self.undisturbed = self._end_state(self.clinic.request())

    def _set(self) -> None:
        clinic, practice = self.clinic, self.clinic.practice
        visits = [practice.book("anna", clinic.at(f"{hour:02}:00"), ["ada"]) for hour in range(8, 16)]
        crowd = [practice.book("ben", clinic.at(f"{hour:02}:30"), ["bo"]) for hour in range(8, 16)]
        clinic.sync()
        overrides.edit_card(clinic.card(visits[0]).id, {"start_at": clinic.at("12:00"), "notes": "Rang"}, MEL)
        overrides.remove_card(clinic.card(visits[7]).id, "Not ours", MEL)
        values = {
            "start_at": clinic.at("09:05"),
            "patient_name": "Di Dogwood",
            "clinician_id": clinic.mapped["cleo"],
        }
        overrides.add_card(clinic.today, values, MEL)
        practice.change(visits[0], start_at=clinic.at("17:00"))
        practice.change(visits[1], practitioner="ben")
        practice.change(visits[2], start_at=clinic.at("09:00", 1))
        practice.change(visits[3], status="cancelled")
        practice.delete(visits[4])
        practice.change(visits[5], patients=("cy",))
        practice.change(visits[6], start_at=clinic.at("09:00", 30))
        practice.change(visits[7], start_at=clinic.at("18:00"))
        practice.book("cleo", clinic.at("09:00"), ["di"])
        for visit in crowd[:6]:
            practice.delete(visit)

    def back(self) -> int:
        """Everything as it was; a run asked for."""
        self._home.load(self._files)
        self._frozen.set(self.begins_at)
        return self.clinic.request()

    def repaired(self, run_id: int) -> dict[str, Any]:
        """What stands after the sweep and the next run."""
        self._frozen.advance(seconds=61)
        lease.sweep_interrupted()
        assert self.clinic.run(run_id).status != "running"
        return self._end_state(
            run_id if self.clinic.run(run_id).status == "queued" else self.clinic.request()
        )

    def _end_state(self, run_id: int) -> dict[str, Any]:
        execute.execute_run(run_id)
        run = self.clinic.run(run_id)
        assert run.is_over, run.status
        return end_state()


def end_state() -> dict[str, Any]:
    """All that matters about the database, without the times at which it was written."""
    now = snapshot.take()
    named = {row["id"]: (row["pms_appointment_id"], row["pms_patient_id"]) for row in now.cards.values()}
    return {
        "cards": {named[key]: _lasting(row) for key, row in now.cards.items()},
        "overrides": [_lasting(row) for row in now.overrides.values()],
        "questions": sorted(
            (
                row["kind"],
                row["state"],
                sorted(map(str, (named.get(appointment_id) for appointment_id in row["appointment_ids"]))),
            )
            for row in now.decisions.values()
        ),
        "sheets": {row["date"]: row["version"] for row in now.sheets.values()},
        "read": sorted(
            (str(row["date"]), row["pms_practitioner_id"], row["fetched"]) for row in now.freshness.values()
        ),
        "timeline": now.events,
    }


def _lasting(row: snapshot.Row) -> snapshot.Row:
    kept = ("start_at", "tombstone_start_at", "moved_from_at")
    return {
        name: value
        for name, value in row.items()
        if name in kept or not (isinstance(value, datetime) or name.endswith("_sealed"))
    }


@pytest.fixture
def stage() -> Iterator[Stage]:
    home, frozen = installation(), FrozenClock(MONDAY_9AM)
    practice = stock(FakePractice())
    with home.app.app_context(), clock.use(frozen), registered("practice", practice):
        home.reset()
        yield Stage(home, frozen, practice)
        home.reset()


@pytest.mark.parametrize("point", failpoints.NAMES)
def test_a_process_killed_at_any_point_leaves_what_the_next_run_repairs(stage: Stage, point: str) -> None:
    passes = 0
    while True:
        run_id = stage.back()
        if not _dies_in_a_fork(run_id, f"{point}:{passes + 1}"):
            break
        passes += 1
        assert stage.repaired(run_id) == stage.undisturbed, f"{point}, pass {passes}"
    assert passes > 0, f"this run never passes {point}"


def _dies_in_a_fork(run_id: int, point: str) -> bool:
    """Do the run in a forked process that is killed at `point`; False when it came to its end."""
    db.engine.dispose()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.environ["PMS_FAILPOINT"] = point
            execute.execute_run(run_id)
            code = 0
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL
        return True
    assert os.WEXITSTATUS(status) == 0
    return False


@pytest.mark.slow
@pytest.mark.parametrize("share", range(SHARES))
def test_every_statement_may_be_the_last_one(stage: Stage, share: int) -> None:
    number = 1 + share * EVERY
    while True:
        run_id = stage.back()
        try:
            with failing_statement(number, KilledError()):
                execute.execute_run(run_id)
            break
        except KilledError:
            assert stage.repaired(run_id) == stage.undisturbed, f"killed at statement {number}"
        number += SHARES * EVERY
    assert number > 100, "a run has more statements than that"


@pytest.mark.slow
def test_a_database_that_fails_at_any_statement_is_recorded_and_repaired(stage: Stage) -> None:
    for number in range(2, 400, 7):
        run_id = stage.back()
        try:
            with failing_statement(number, OperationalError("it failed", None, Exception("disk")), once=True):
                execute.execute_run(run_id)
        except OperationalError:
            pass
        assert stage.repaired(run_id) == stage.undisturbed, f"failed at statement {number}"


def test_answers_given_between_a_kill_and_its_repair_stand(stage: Stage) -> None:
    run_id = stage.back()
    assert _dies_in_a_fork(run_id, "before_finish")
    (question,) = [decision for decision in decisions.list_open() if decision.kind == "removals_held"]
    decisions.decide(question.id, "keep", MEL)
    stage.repaired(run_id)
    assert {stage.clinic.presence(f"v{number}") for number in range(9, 15)} == {"on_sheet"}
    with pytest.raises(Conflict):
        decisions.decide(question.id, "pms", MEL)
    assert clock.now() - stage.begins_at == timedelta(seconds=61)
