"""Asking the PMS about one appointment now."""

from __future__ import annotations

import pytest

from pmsapp.domain.errors import RetryLaterError
from pmsapp.services.base.errors import Conflict, NotFound
from pmsapp.services.editing import overrides
from pmsapp.services.sheet import days
from pmsapp.services.sheet.timeline import of_card
from pmsapp.services.sync import recheck
from tests.support import tables
from tests.support.fake_clinic import MEL, FakeClinic


@pytest.fixture
def visit(clinic: FakeClinic) -> str:
    visit = clinic.practice.book("anna", clinic.at("09:00"), ["ada"])
    clinic.sync()
    return visit


ANSWERS = """
the PMS            | the card
does nothing       | on_sheet
moves to tomorrow  | on_sheet
cancels            | cancelled
deletes            | deleted
makes in-person    | filtered
names nobody there | deleted
names another      | held
"""


@pytest.mark.parametrize("row", tables.rows(ANSWERS), ids=lambda row: row["the PMS"])
def test_one_card_is_brought_up_to_date(clinic: FakeClinic, visit: str, row: dict[str, str]) -> None:
    before = clinic.card(visit)
    etag = days.sheet_etag(clinic.today)
    match row["the PMS"]:
        case "moves to tomorrow":
            clinic.practice.change(visit, start_at=clinic.at("10:00", 1))
        case "cancels":
            clinic.practice.change(visit, status="cancelled")
        case "deletes":
            clinic.practice.delete(visit)
        case "makes in-person":
            clinic.practice.change(visit, type_id="rooms")
        case "names nobody there":
            clinic.practice.change(visit, patients=())
        case "names another":
            clinic.practice.change(visit, patients=("bo",))
    card = recheck.recheck_card(before.id, MEL)
    assert (card.id, card.presence) == (before.id, row["the card"])
    if row["the PMS"] == "does nothing":
        assert card == before
        assert days.sheet_etag(clinic.today) == etag
    else:
        assert days.sheet_etag(clinic.today) != etag
    run = clinic.sync()
    assert run.counts["removed"] == 0, "the next run finds it as it is"
    assert clinic.card(visit, "ada").presence == row["the card"]


def test_a_deleted_card_that_is_back_is_restored(clinic: FakeClinic, visit: str) -> None:
    card_id = clinic.card(visit).id
    clinic.practice.delete(visit)
    clinic.sync()
    clinic.practice.undelete(visit)
    assert recheck.recheck_card(card_id, MEL).presence == "on_sheet"
    assert [event.kind for event in of_card(card_id)][0] == "restored"


def test_what_staff_typed_is_merged_just_like_in_a_run(clinic: FakeClinic, visit: str) -> None:
    card_id = clinic.card(visit).id
    overrides.edit_card(card_id, {"patient_phone": "+61491570156", "notes": "Rang"}, MEL)
    clinic.practice.edit_patient("ada", phone="+61491570999")
    card = recheck.recheck_card(card_id, MEL)
    assert (card.notes, [edit.conflict for edit in card.edited]) == ("Rang", [True])
    assert len(clinic.questions()) == 1


def test_a_vendor_that_does_not_answer_changes_nothing(clinic: FakeClinic, visit: str) -> None:
    before = clinic.card(visit)
    clinic.practice.faults.look_ups = {visit: RetryLaterError("PMS-SLOW", pms="Fake")}
    with pytest.raises(RetryLaterError):
        recheck.recheck_card(before.id, MEL)
    assert clinic.card(visit) == before


def test_a_vendor_that_is_too_slow_is_called_slow(clinic: FakeClinic, visit: str) -> None:
    """The deadline of an answer is no business of an update's."""
    clinic.practice.faults.look_ups = {visit: RetryLaterError("RUN-DEADLINE", pms="Fake")}
    with pytest.raises(RetryLaterError) as refused:
        recheck.recheck_card(clinic.card(visit).id, MEL)
    assert (refused.value.code, refused.value.message) == ("PMS-SLOW", "Fake took too long to answer")


def test_a_card_added_by_hand_cannot_be_asked_about(clinic: FakeClinic) -> None:
    values = {"start_at": clinic.at("09:00"), "patient_name": "Ada Alder"}
    card = overrides.add_card(clinic.today, values, MEL)
    with pytest.raises(Conflict) as refused:
        recheck.recheck_card(card.id, MEL)
    assert refused.value.code == "MANUAL-CARD"
    with pytest.raises(NotFound):
        recheck.recheck_card(999, MEL)


def test_a_kept_aside_record_that_is_gone_is_settled(clinic: FakeClinic) -> None:
    bad = clinic.practice.book("anna", clinic.at("15:00"), ["bo"])
    clinic.practice.faults.bad = {bad}
    clinic.sync()
    (aside,) = recheck.list_quarantined()
    clinic.practice.faults.bad = set()
    clinic.practice.delete(bad)
    assert recheck.retry_quarantined(aside.id, MEL) is True
    assert recheck.list_quarantined() == []
    with pytest.raises(NotFound):
        recheck.retry_quarantined(aside.id, MEL)
