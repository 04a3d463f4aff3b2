"""A day is compared with the practice software: what was planted is found, what staff did is not a difference."""

from __future__ import annotations

import pytest
from flask import Flask

from pmsapp import clock
from pmsapp.domain.errors import RetryLaterError
from pmsapp.services.base.errors import Conflict
from pmsapp.services.base.transaction import reading, writing
from pmsapp.services.editing import overrides
from pmsapp.services.monitoring import conditions
from pmsapp.services.runs import waiting
from pmsapp.services.sheet.stored_cards import CARDS
from pmsapp.services.sync import execute, receipts
from pmsapp.services.sync.receipts import ReceiptView
from tests.support.clock import FrozenClock
from tests.support.fake_clinic import MEL, FakeClinic
from tests.support.fake_pms import PER_PRACTITIONER, WHOLE_PRACTICE, FakePractice

BOTH_WAYS = pytest.mark.parametrize("slug", [PER_PRACTITIONER, WHOLE_PRACTICE])


@pytest.fixture
def slug() -> str:
    return PER_PRACTITIONER


@pytest.fixture
def fake(app: Flask, frozen_clock: FrozenClock, practice: FakePractice, slug: str) -> FakeClinic:
    made = FakeClinic(practice, slug)
    practice.book("anna", made.at("10:40"), ["ada"])
    practice.book("anna", made.at("11:00"), ["bo"])
    practice.book("ben", made.at("10:00"), ["cy"])
    practice.book("ben", made.at("10:30"), ["di"], type_id="rooms")
    made.sync()
    return made


def check(fake: FakeClinic) -> ReceiptView:
    receipts.ask(fake.connection_id, MEL)
    receipts.make_due()
    found = receipts.latest(fake.connection_id)
    assert found is not None
    return found


def found_kinds(receipt: ReceiptView) -> list[tuple[str, str, tuple[str, ...]]]:
    return [(line["kind"], line["pms_appointment_id"], tuple(line["fields"])) for line in receipt.differences]


def codes() -> list[tuple[str, int | None]]:
    with reading() as session:
        found = conditions.find(session, clock.now())
    return [
        (condition.code, condition.connection_id)
        for condition in found
        if condition.code == "RECEIPT-DIFFERS"
    ]


@BOTH_WAYS
def test_a_sheet_as_the_pms_says_matches_whatever_staff_did(fake: FakeClinic) -> None:
    overrides.edit_card(fake.card("v1").id, {"patient_phone": "0491 570 156", "notes": "x"}, MEL)
    overrides.remove_card(fake.card("v2").id, "not today", MEL)
    receipt = check(fake)
    assert (receipt.outcome, receipt.matched, receipt.expected) == ("match", 2, 2)
    assert receipt.apart == {"edited": 1, "removed_by_staff": 1}
    assert receipt.checked_at == clock.now()


@BOTH_WAYS
def test_a_card_changed_behind_the_programs_back_is_found(fake: FakeClinic) -> None:
    fake.write(fake.card("v1").id, patient_phone="+61491570999")
    receipt = check(fake)
    assert (receipt.outcome, receipt.matched, receipt.expected) == ("differs", 2, 3)
    assert found_kinds(receipt) == [("values", "v1", ("patient_phone",))]


@BOTH_WAYS
def test_a_card_that_is_missing_is_found(fake: FakeClinic) -> None:
    with writing() as session:
        session.execute(CARDS.delete().where(CARDS.c.pms_appointment_id == "v3"))
    receipt = check(fake)
    assert (receipt.matched, receipt.expected) == (2, 3)
    assert found_kinds(receipt) == [("missing", "v3", ())]
    assert receipt.differences[0]["card_id"] is None


@BOTH_WAYS
def test_a_card_too_many_is_found(fake: FakeClinic) -> None:
    fake.write(fake.card("v2").id, pms_appointment_id="nobody-booked-this")
    receipt = check(fake)
    assert ("extra", "nobody-booked-this", ()) in found_kinds(receipt)
    assert ("missing", "v2", ()) in found_kinds(receipt)


def test_a_card_that_stands_off_the_sheet_behind_the_programs_back_is_found(fake: FakeClinic) -> None:
    fake.write(fake.card("v1").id, presence="filtered")
    assert found_kinds(check(fake)) == [("place", "v1", ())]


def test_what_changed_at_the_pms_since_the_last_update_is_settled_by_the_update_that_follows(
    fake: FakeClinic, practice: FakePractice, frozen_clock: FrozenClock
) -> None:
    practice.change("v1", minutes=30)
    first = check(fake)
    assert first.outcome == "differs"
    assert not first.is_confirmed
    assert codes() == []
    do_waiting(fake)
    frozen_clock.advance(minutes=3)
    receipts.make_due()
    assert receipts.latest(fake.connection_id).outcome == "match"  # type: ignore[union-attr]


def test_a_difference_that_an_update_does_not_settle_is_an_incident_until_it_is_read_again(
    fake: FakeClinic, frozen_clock: FrozenClock
) -> None:
    fake.write(fake.card("v1").id, patient_phone="+61491570999")
    check(fake)
    do_waiting(fake)
    frozen_clock.advance(minutes=3)
    receipts.make_due()
    confirmed = receipts.latest(fake.connection_id)
    assert confirmed is not None
    assert confirmed.is_confirmed
    assert ("RECEIPT-DIFFERS", fake.connection_id) in codes()
    receipts.read_again(fake.connection_id, MEL)
    do_waiting(fake)
    frozen_clock.advance(minutes=3)
    receipts.make_due()
    mended = receipts.latest(fake.connection_id)
    assert mended is not None
    assert (mended.outcome, mended.matched) == ("match", 3)
    assert codes() == []
    with pytest.raises(Conflict):
        receipts.read_again(fake.connection_id, MEL)


def test_it_waits_while_an_update_is_queued_or_under_way(
    fake: FakeClinic, practice: FakePractice, frozen_clock: FrozenClock
) -> None:
    fake.request()
    receipts.ask(fake.connection_id, MEL)
    receipts.make_due()
    assert receipts.latest(fake.connection_id) is None
    assert receipts.is_waiting(fake.connection_id)
    do_waiting(fake)
    frozen_clock.advance(minutes=3)
    practice.before_list = lambda _: fake.request() and None
    receipts.make_due()
    assert receipts.latest(fake.connection_id) is None, "an update began while it was reading"
    practice.before_list = None
    do_waiting(fake)
    frozen_clock.advance(minutes=3)
    receipts.make_due()
    assert receipts.latest(fake.connection_id).outcome == "match"  # type: ignore[union-attr]


def test_a_list_that_cannot_be_read_is_never_called_a_match(fake: FakeClinic, practice: FakePractice) -> None:
    practice.faults.lists["ben"] = (0, RetryLaterError("PMS-SLOW", pms="Fake"))
    receipt = check(fake)
    assert (receipt.outcome, receipt.error_code) == ("unread", "PMS-SLOW")
    assert receipt.apart == {"not_read": 1}


def test_making_a_receipt_writes_no_card_and_no_run(fake: FakeClinic, practice: FakePractice) -> None:
    practice.change("v1", status="cancelled")
    before = fake.cards()
    check(fake)
    assert fake.cards() == before


def test_every_night_every_connection_that_is_on_is_compared(fake: FakeClinic) -> None:
    assert receipts.ask_nightly() == "1 asked for"
    assert receipts.ask_nightly() == "1 asked for", "one that waits is enough"
    receipts.make_due()
    receipt = receipts.latest(fake.connection_id)
    assert receipt is not None
    assert receipt.outcome == "match"
    assert not receipts.is_waiting(fake.connection_id)


def do_waiting(fake: FakeClinic) -> None:
    """Do the update that waits, as a worker would."""
    for run in waiting.waiting_runs(for_at_least_s=0.0):
        execute.execute_run(run.id)
