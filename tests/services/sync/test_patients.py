"""Another patient on the same appointment: a hold, never a merge."""

from __future__ import annotations

import pytest

from pmsapp.domain.errors import BadVendorDataError
from pmsapp.services.editing import decisions, overrides
from pmsapp.services.editing.decisions import DecisionView
from pmsapp.services.sync import recheck
from tests.support.fake_clinic import MEL, FakeClinic


@pytest.fixture
def visit(clinic: FakeClinic) -> str:
    """Ada's appointment, with a note, that names Bo now."""
    visit = clinic.practice.book("anna", clinic.at("09:00"), ["ada"])
    clinic.sync()
    overrides.edit_card(clinic.card(visit).id, {"notes": "Ada's own note"}, MEL)
    clinic.practice.change(visit, patients=("bo",))
    return visit


def the_question(clinic: FakeClinic) -> DecisionView:
    (question,) = [question for question in clinic.questions() if question.kind == "patient_changed"]
    return question


def stands(clinic: FakeClinic, visit: str) -> dict[str, str]:
    return {key[1]: card.presence.value for key, card in clinic.cards().items() if key[0] == visit}


def test_the_old_patient_is_held_with_the_notes_and_the_new_one_comes_without(
    clinic: FakeClinic, visit: str
) -> None:
    run = clinic.sync()
    assert (run.status, run.counts["held"], run.counts["created"]) == ("partial", 1, 1)
    old, new = clinic.card(visit, "ada"), clinic.card(visit, "bo")
    assert (old.presence, old.notes, new.presence, new.notes) == ("held", "Ada's own note", "on_sheet", None)
    question = the_question(clinic)
    assert question.appointment_ids == (old.id, new.id)
    assert (question.ours, question.theirs) == ("Ada Alder", "Bo Birch")
    assert {card.id for card in clinic.sheet().cards} == {old.id, new.id}


def test_one_look_up_of_a_card_holds_it_just_the_same(clinic: FakeClinic, visit: str) -> None:
    recheck.recheck_card(clinic.card(visit).id, MEL)
    assert stands(clinic, visit) == {"ada": "held", "bo": "on_sheet"}
    assert the_question(clinic).ours == "Ada Alder"


def test_pms_deletes_the_old_card(clinic: FakeClinic, visit: str) -> None:
    clinic.sync()
    decisions.decide(the_question(clinic).id, "pms", MEL)
    assert stands(clinic, visit) == {"ada": "deleted", "bo": "on_sheet"}
    run = clinic.sync()
    assert (run.status, run.counts["updated"]) == ("success", 0)
    assert clinic.card(visit, "ada").notes == "Ada's own note"


def test_keep_leaves_both_until_the_pms_changes_again(clinic: FakeClinic, visit: str) -> None:
    clinic.sync()
    decisions.decide(the_question(clinic).id, "keep", MEL)
    for _ in range(3):
        run = clinic.sync()
        assert (run.status, run.counts["updated"], run.counts["held"]) == ("success", 0, 0)
        assert stands(clinic, visit) == {"ada": "on_sheet", "bo": "on_sheet"}
    clinic.practice.change(visit, start_at=clinic.at("09:30"))
    run = clinic.sync()
    assert run.status == "partial"
    assert stands(clinic, visit) == {"ada": "held", "bo": "on_sheet"}
    assert the_question(clinic).theirs == "Bo Birch"


def test_kept_and_then_a_third_patient(clinic: FakeClinic, visit: str) -> None:
    clinic.sync()
    decisions.decide(the_question(clinic).id, "keep", MEL)
    clinic.sync()
    clinic.practice.change(visit, patients=("cy",))
    clinic.sync()
    assert stands(clinic, visit) == {"ada": "held", "bo": "held", "cy": "on_sheet"}
    assert len([question for question in clinic.questions() if question.kind == "patient_changed"]) == 2


def test_kept_and_then_deleted_at_the_pms(clinic: FakeClinic, visit: str) -> None:
    clinic.sync()
    decisions.decide(the_question(clinic).id, "keep", MEL)
    clinic.sync()
    clinic.practice.delete(visit)
    clinic.sync()
    assert stands(clinic, visit) == {"ada": "deleted", "bo": "deleted"}


def test_an_answer_is_about_what_the_pms_says_by_then(clinic: FakeClinic, visit: str) -> None:
    clinic.sync()
    question = the_question(clinic)
    clinic.practice.change(visit, start_at=clinic.at("09:30"))
    clinic.sync()
    decisions.decide(question.id, "keep", MEL)
    run = clinic.sync()
    assert run.status == "success"
    assert stands(clinic, visit) == {"ada": "on_sheet", "bo": "on_sheet"}


def test_back_to_the_first_patient_holds_the_second(clinic: FakeClinic, visit: str) -> None:
    clinic.sync()
    overrides.edit_card(clinic.card(visit, "bo").id, {"notes": "Bo's note"}, MEL)
    clinic.practice.change(visit, patients=("ada",))
    clinic.sync()
    assert stands(clinic, visit) == {"ada": "on_sheet", "bo": "held"}
    assert (clinic.card(visit, "ada").notes, clinic.card(visit, "bo").notes) == (
        "Ada's own note",
        "Bo's note",
    )
    question = the_question(clinic)
    assert (question.ours, question.theirs) == ("Bo Birch", "Ada Alder")
    decisions.decide(question.id, "pms", MEL)
    assert clinic.sync().status == "success"
    assert stands(clinic, visit) == {"ada": "on_sheet", "bo": "deleted"}


def test_both_in_a_group_after_all(clinic: FakeClinic, visit: str) -> None:
    clinic.sync()
    clinic.practice.change(visit, patients=("ada", "bo"))
    run = clinic.sync()
    assert (run.status, stands(clinic, visit), clinic.questions()) == (
        "success",
        {"ada": "on_sheet", "bo": "on_sheet"},
        [],
    )


def test_one_of_a_group_changes_and_back(clinic: FakeClinic) -> None:
    visit = clinic.practice.book("anna", clinic.at("10:00"), ["ada", "bo"])
    clinic.sync()
    clinic.practice.change(visit, patients=("ada", "cy"))
    clinic.sync()
    assert stands(clinic, visit) == {"ada": "on_sheet", "bo": "deleted", "cy": "on_sheet"}
    assert clinic.card(visit, "bo").presence_reason == "no longer in this appointment"
    assert clinic.questions() == []
    clinic.practice.change(visit, patients=("ada", "bo"))
    clinic.sync()
    assert stands(clinic, visit) == {"ada": "on_sheet", "bo": "on_sheet", "cy": "deleted"}


def test_a_preview_and_the_run_after_it_say_alike_who_left_and_what_is_gone(clinic: FakeClinic) -> None:
    group = clinic.practice.book("anna", clinic.at("10:00"), ["ada", "bo"])
    alone = clinic.practice.book("anna", clinic.at("11:00"), ["cy"])
    clinic.sync()
    clinic.practice.change(group, patients=("ada",))
    clinic.practice.delete(alone)
    preview = clinic.sync(dry_run=True)
    assert preview.preview is not None
    assert preview.preview["changes"] == {"left": 1, "deleted": 1}
    run = clinic.sync()
    assert preview.counts == run.counts
    reasons = {clinic.card(group, "bo").presence_reason, clinic.card(alone, "cy").presence_reason}
    assert reasons == {"no longer in this appointment", "no longer in the practice software"}


def test_checking_a_card_again_says_that_its_patient_left_the_group(clinic: FakeClinic) -> None:
    visit = clinic.practice.book("anna", clinic.at("10:00"), ["ada", "bo"])
    clinic.sync()
    clinic.practice.change(visit, patients=("ada",))
    card = recheck.recheck_card(clinic.card(visit, "bo").id, MEL)
    assert (str(card.presence), card.presence_reason) == ("deleted", "no longer in this appointment")


@pytest.mark.parametrize("whole_run", [True, False])
def test_another_patient_and_another_day_at_once(clinic: FakeClinic, visit: str, *, whole_run: bool) -> None:
    clinic.practice.change(visit, start_at=clinic.at("09:00", 1), practitioner="ben")
    preview = clinic.sync(None if whole_run else clinic.today, dry_run=True)
    run = clinic.sync(None if whole_run else clinic.today)
    assert preview.counts == run.counts
    assert stands(clinic, visit) == {"ada": "held", "bo": "on_sheet"}
    assert clinic.card(visit, "bo").clinician_id == clinic.mapped["ben"]
    assert the_question(clinic).ours == "Ada Alder"


def test_another_patient_and_cancelled_at_once(clinic: FakeClinic, visit: str) -> None:
    clinic.practice.change(visit, status="cancelled")
    run = clinic.sync()
    assert (run.status, stands(clinic, visit)) == ("success", {"ada": "deleted"})


def test_a_cancelled_card_is_not_held_when_its_slot_is_given_to_another(clinic: FakeClinic) -> None:
    visit = clinic.practice.book("anna", clinic.at("09:00"), ["ada"])
    clinic.sync()
    clinic.practice.change(visit, status="cancelled")
    clinic.sync()
    clinic.practice.change(visit, status="booked", patients=("bo",))
    clinic.sync()
    assert stands(clinic, visit) == {"ada": "cancelled", "bo": "on_sheet"}
    assert clinic.questions() == []


def test_an_incomplete_list_still_shows_who_was_swapped(clinic: FakeClinic, visit: str) -> None:
    clinic.practice.faults.lists["anna"] = (1, BadVendorDataError("READ-ENDLESS", pms="Fake"))
    run = clinic.sync(clinic.today)
    assert clinic.outcomes(run)["anna", clinic.today] == "incomplete"
    assert stands(clinic, visit) == {"ada": "held", "bo": "on_sheet"}


def test_an_incomplete_list_never_takes_a_patient_out_of_a_group(clinic: FakeClinic) -> None:
    visit = clinic.practice.book("anna", clinic.at("10:00"), ["ada", "bo"])
    clinic.sync()
    clinic.practice.change(visit, patients=("ada",))
    clinic.practice.faults.lists["anna"] = (1, BadVendorDataError("READ-ENDLESS", pms="Fake"))
    clinic.sync(clinic.today)
    assert stands(clinic, visit) == {"ada": "on_sheet", "bo": "on_sheet"}
