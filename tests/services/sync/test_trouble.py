"""Runs that meet faults: what they keep, what they say, when the next one may start."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from pmsapp import clock
from pmsapp.domain.errors import BadVendorDataError, PMSError, ReconnectRequiredError, RetryLaterError
from pmsapp.models import PMSConnection, ScopeFreshness, SyncRun
from pmsapp.services.base.transaction import reading
from pmsapp.services.sync import execute, recheck
from tests.support import tables
from tests.support.clock import FrozenClock
from tests.support.fake_clinic import MEL, FakeClinic
from tests.support.fake_pms import WHOLE_PRACTICE, FakePractice, Faults


@pytest.fixture
def clinic(app: Flask, frozen_clock: FrozenClock, practice: FakePractice) -> FakeClinic:
    clinic = FakeClinic(practice)
    for practitioner in ("anna", "ben"):
        for slot in ("09:00", "10:00", "11:00", "12:00", "13:00"):
            practice.book(practitioner, clinic.at(slot), ["ada"])
    clinic.sync()
    return clinic


def connection(clinic: FakeClinic) -> PMSConnection:
    with reading() as session:
        return session.get_one(PMSConnection, clinic.connection_id)


ERRORS: dict[str, PMSError] = {
    "PMS-SLOW": RetryLaterError("PMS-SLOW", pms="Fake"),
    "PMS-GARBLED": BadVendorDataError(pms="Fake"),
    "READ-ENDLESS": BadVendorDataError("READ-ENDLESS", pms="Fake"),
    "AUTH-EXPIRED": ReconnectRequiredError("AUTH-EXPIRED", pms="Fake"),
    "RATE-WAIT": RetryLaterError("RATE-WAIT", pms="Fake"),
}

TROUBLE = """
whose list | error        | after pages | the run | code         | the connection | Anna's today | Ben's today | Cleo's today
ben        | PMS-SLOW     | 0           | partial | READ-PART    | ok             | complete     | failed      | complete
ben        | PMS-SLOW     | 1           | partial | READ-PART    | ok             | complete     | incomplete  | complete
ben        | READ-ENDLESS | 1           | partial | READ-PART    | ok             | complete     | incomplete  | complete
ben        | AUTH-EXPIRED | 0           | partial | AUTH-EXPIRED | needs_you      | complete     | failed      | complete
anna       | RATE-WAIT    | 0           | partial | RATE-WAIT    | ok             | failed       | complete    | -
everybody  | PMS-SLOW     | 0           | failed  | PMS-SLOW     | retrying       | failed       | failed      | failed
everybody  | PMS-GARBLED  | 0           | failed  | PMS-GARBLED  | pms_trouble    | failed       | failed      | failed
everybody  | AUTH-EXPIRED | 0           | failed  | AUTH-EXPIRED | needs_you      | failed       | failed      | failed
everybody  | PMS-SLOW     | 1           | partial | READ-PART    | ok             | incomplete   | incomplete  | incomplete
"""


@pytest.mark.parametrize("row", tables.rows(TROUBLE), ids=tables.case)
def test_one_list_that_fails_touches_no_other(clinic: FakeClinic, row: dict[str, str]) -> None:
    person = None if row["whose list"] == "everybody" else row["whose list"]
    clinic.practice.faults.lists[person] = (int(row["after pages"]), ERRORS[row["error"]])
    before = {key: card.presence for key, card in clinic.cards().items()}
    run = clinic.sync()
    assert (run.status, run.error[0] if run.error else "") == (row["the run"], row["code"])
    assert connection(clinic).state == row["the connection"]
    outcomes = clinic.outcomes(run)
    for name, cell in (("anna", "Anna's today"), ("ben", "Ben's today"), ("cleo", "Cleo's today")):
        if row[cell]:
            assert outcomes[name, clinic.today] == row[cell], name
    assert {key: card.presence for key, card in clinic.cards().items()} == before


def test_reading_stops_where_asking_on_would_meet_the_same_answer(clinic: FakeClinic) -> None:
    asked: list[str | None] = []
    clinic.practice.before_list = asked.append
    clinic.practice.faults.lists[None] = (0, ERRORS["AUTH-EXPIRED"])
    run = clinic.sync()
    assert len(asked) <= 2, "one, and perhaps the one that was under way"
    assert len(run.scopes) == 6, "everybody is accounted for"
    assert {scope.error_code for scope in run.scopes} == {"AUTH-EXPIRED"}
    with reading() as session:
        stored = session.get_one(SyncRun, run.id)
        assert stored.error_details == {"code": "AUTH-EXPIRED", "scopes": {"AUTH-EXPIRED": 6}}


def test_three_lists_in_a_row_that_time_out_are_enough(clinic: FakeClinic) -> None:
    asked: list[str | None] = []
    clinic.practice.before_list = asked.append
    clinic.practice.faults.lists[None] = (0, ERRORS["PMS-SLOW"])
    run = clinic.sync()
    assert 3 <= len(asked) <= 4
    assert (run.status, len(run.scopes)) == ("failed", 6)


def test_the_sentence_says_first_what_worked(clinic: FakeClinic) -> None:
    clinic.practice.faults.lists["ben"] = (0, ERRORS["PMS-SLOW"])
    run = clinic.sync()
    assert run.error == (
        "READ-PART",
        "Dr Anna Abel, Dr Cleo Cohn up to date 09:00; Dr Ben Bock not read: Fake took too long to answer",
    )


def test_freshness_is_kept_only_for_lists_read_to_their_end(
    clinic: FakeClinic, frozen_clock: FrozenClock
) -> None:
    first = clock.now()
    frozen_clock.advance(minutes=5)
    clinic.practice.faults.lists["ben"] = (1, ERRORS["PMS-SLOW"])
    clinic.sync()
    with reading() as session:
        ages = {
            row.pms_practitioner_id: row.as_of
            for row in session.scalars(select(ScopeFreshness).where(ScopeFreshness.date == clinic.today))
        }
    assert ages == {"anna": clock.now(), "ben": first, "cleo": clock.now()}


@pytest.mark.parametrize("slug", ["fake", WHOLE_PRACTICE])
def test_a_list_without_an_end_mark_removes_nothing(
    app: Flask, frozen_clock: FrozenClock, practice: FakePractice, slug: str
) -> None:
    clinic = FakeClinic(practice, slug)
    visits = [practice.book("anna", clinic.at(f"{hour}:00"), ["ada"]) for hour in range(10, 18)]
    clinic.sync()
    practice.delete(visits[0])
    practice.faults.no_end_mark = True
    run = clinic.sync()
    assert (run.status, clinic.presence(visits[0])) == ("partial", "on_sheet")
    assert set(clinic.outcomes(run).values()) == {"incomplete"}
    practice.faults = Faults()
    clinic.sync()
    assert clinic.presence(visits[0]) == "deleted"


def test_a_wait_the_vendor_names_sets_the_next_run_and_holds_back_the_queued_one(
    clinic: FakeClinic, frozen_clock: FrozenClock
) -> None:
    until = clock.now() + timedelta(seconds=90)
    clinic.practice.faults.lists[None] = (0, RetryLaterError("RATE-WAIT", pms="Fake", retry_at=until))
    waiting: list[int] = []
    clinic.practice.before_list = lambda _: (
        waiting or waiting.append(clinic.request(clinic.today + timedelta(days=9)))
    )
    run = clinic.sync()
    clinic.practice.before_list = None
    clinic.practice.faults = Faults()
    assert run.error is not None
    assert run.error[0] == "RATE-WAIT"
    row = connection(clinic)
    assert (row.not_before, row.next_sync_at) == (until, until)
    assert clinic.run(waiting[0]).not_before == until
    execute.execute_run(waiting[0])
    assert clinic.run(waiting[0]).status == "queued", "not before the vendor is ready"
    request = clinic.request()
    assert clinic.run(request).not_before == until
    frozen_clock.advance(seconds=91)
    execute.execute_run(request)
    assert clinic.run(request).status == "success"


def test_a_vendor_whose_reference_lists_say_wait_is_not_asked_on(
    clinic: FakeClinic, frozen_clock: FrozenClock
) -> None:
    frozen_clock.advance(hours=2)
    until = clock.now() + timedelta(seconds=90)
    clinic.practice.faults.reference = RetryLaterError("RATE-WAIT", pms="Fake", retry_at=until)
    asked: list[str | None] = []
    clinic.practice.before_list = asked.append
    run = clinic.sync()
    assert (run.status, run.error[0] if run.error else None, asked) == ("failed", "RATE-WAIT", [])


def test_reference_lists_that_fail_in_passing_do_not_stop_the_appointments(
    clinic: FakeClinic, frozen_clock: FrozenClock
) -> None:
    frozen_clock.advance(hours=2)
    clinic.practice.faults.reference = BadVendorDataError(pms="Fake")
    assert clinic.sync().status == "success"


# -- records that cannot be understood ------------------------------------------------------------------------------


def test_one_bad_record_is_kept_aside_and_the_rest_applied(clinic: FakeClinic) -> None:
    bad = clinic.practice.book("anna", clinic.at("15:00"), ["bo"])
    clinic.practice.book("anna", clinic.at("16:00"), ["cy"])
    clinic.practice.faults.bad = {bad}
    run = clinic.sync()
    assert (run.status, run.error[0] if run.error else None) == ("partial", "REC-BAD")
    assert (run.counts["failed"], run.counts["created"]) == (1, 1)
    (aside,) = recheck.list_quarantined(clinic.connection_id)
    assert (aside.pms_appointment_id, aside.reason) == (bad, "A time is no time")
    clinic.sync()
    assert len(recheck.list_quarantined(clinic.connection_id)) == 1
    clinic.practice.faults = Faults()
    clinic.sync()
    assert recheck.list_quarantined(clinic.connection_id) == []
    assert clinic.presence(bad) == "on_sheet"


def test_a_kept_aside_record_is_tried_again_by_hand(clinic: FakeClinic) -> None:
    bad = clinic.practice.book("anna", clinic.at("15:00"), ["bo"])
    clinic.practice.faults.bad = {bad}
    clinic.sync()
    (aside,) = recheck.list_quarantined(clinic.connection_id)
    with pytest.raises(BadVendorDataError):
        recheck.retry_quarantined(aside.id, MEL)
    clinic.practice.faults = Faults()
    assert recheck.retry_quarantined(aside.id, MEL) is True
    assert recheck.list_quarantined(clinic.connection_id) == []
    assert clinic.presence(bad) == "on_sheet"


# -- success, but unusual -------------------------------------------------------------------------------------------


def test_nothing_at_all_after_a_full_day_is_success_but_unusual(clinic: FakeClinic) -> None:
    run = clinic.sync(clinic.today + timedelta(days=1))
    assert run.status == "success"
    assert run.note is not None
    assert run.note.startswith("Unusual")


def test_a_quiet_closed_day_is_not_unusual(clinic: FakeClinic) -> None:
    sunday = clinic.today + timedelta(days=6)
    assert sunday.weekday() == 6
    assert clinic.sync(sunday).note is None


def test_a_quiet_day_after_a_quiet_day_is_not_unusual(
    app: Flask, frozen_clock: FrozenClock, practice: FakePractice
) -> None:
    clinic = FakeClinic(practice)
    for hour in range(9, 14):
        practice.book("anna", clinic.at(f"{hour:02}:00"), ["ada"])
    clinic.sync()
    assert clinic.sync(clinic.today + timedelta(days=1)).note is None, "five are not more than five"
