"""What staff do to cards: type over, take back, add, remove, bring back, acknowledge."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from pmsapp.domain.actor import Actor
from pmsapp.models import AuditEvent
from pmsapp.services.base.errors import Conflict, Invalid, NotFound
from pmsapp.services.base.transaction import reading
from pmsapp.services.editing import overrides
from pmsapp.services.sheet import days
from tests.support import tables
from tests.support.fake_clinic import MEL, FakeClinic


@pytest.fixture
def visit(clinic: FakeClinic) -> str:
    visit = clinic.practice.book("anna", clinic.at("09:00"), ["ada"])
    clinic.sync()
    return visit


def edit(clinic: FakeClinic, visit: str, **changes: Any) -> None:
    overrides.edit_card(clinic.card(visit).id, changes, MEL)


def newest_audit() -> AuditEvent:
    with reading() as session:
        return session.scalars(select(AuditEvent).order_by(AuditEvent.id.desc())).first()  # type: ignore[return-value]


# -- typing over ----------------------------------------------------------------------------------------------------


def fields(clinic: FakeClinic) -> dict[str, tuple[Any, Any]]:
    """For every field staff may edit: what they type, and what the PMS comes to say."""
    return {
        "patient_name": ("Ada Typed", "Ada Acorn"),
        "patient_phone": ("+61491570156", "+61491570999"),
        "patient_email": ("typed@example.com", "new@example.com"),
        "start_at": (clinic.at("11:00"), clinic.at("12:00")),
        "duration_minutes": (30, 45),
        "clinician_id": (clinic.mapped["ben"], clinic.mapped["cleo"]),
        "is_telehealth": (False, None),
    }


def pms_comes_to_say(clinic: FakeClinic, visit: str, field: str, value: Any) -> None:
    practice = clinic.practice
    match field:
        case "patient_name" | "patient_phone" | "patient_email":
            practice.edit_patient("ada", **{field.removeprefix("patient_"): value})
        case "start_at":
            practice.change(visit, start_at=value)
        case "duration_minutes":
            practice.change(visit, minutes=value)
        case "clinician_id":
            person = {number: key for key, number in clinic.mapped.items()}[value]
            practice.change(visit, practitioner=person)
        case "is_telehealth":
            kinds = {True: "video", False: "rooms", None: "other"}
            practice.change(visit, type_id=kinds[value])


FIELDS = (
    "patient_name",
    "patient_phone",
    "patient_email",
    "start_at",
    "duration_minutes",
    "clinician_id",
    "is_telehealth",
)
STAFF_SHOWS = FIELDS[:3]


@pytest.mark.parametrize("field", FIELDS)
def test_what_was_typed_survives_any_number_of_runs(clinic: FakeClinic, visit: str, field: str) -> None:
    typed, _ = fields(clinic)[field]
    edit(clinic, visit, **{field: typed})
    for _ in range(3):
        run = clinic.sync()
        assert run.counts["updated"] == 0
        card = clinic.card(visit)
        assert getattr(card, field) == typed
        assert [(edit.field, edit.conflict) for edit in card.edited] == [(field, False)]


@pytest.mark.parametrize("field", FIELDS)
def test_both_sides_changed_keeps_both_and_asks(clinic: FakeClinic, visit: str, field: str) -> None:
    typed, now = fields(clinic)[field]
    edit(clinic, visit, **{field: typed})
    pms_comes_to_say(clinic, visit, field, now)
    run = clinic.sync()
    assert run.status == "success", "a conflict never blocks a run"
    card = clinic.card(visit)
    assert getattr(card, field) == (typed if field in STAFF_SHOWS else now)
    (typed,) = card.edited
    assert typed.conflict
    (question,) = clinic.questions()
    assert (question.kind, question.field, question.appointment_ids) == ("field_conflict", field, (card.id,))


@pytest.mark.parametrize("field", FIELDS[:-1])
def test_the_pms_coming_round_ends_the_edit(clinic: FakeClinic, visit: str, field: str) -> None:
    typed, now = fields(clinic)[field]
    edit(clinic, visit, **{field: typed})
    pms_comes_to_say(clinic, visit, field, now)
    clinic.sync()
    pms_comes_to_say(clinic, visit, field, typed)
    clinic.sync()
    card = clinic.card(visit)
    assert (getattr(card, field), card.edited, clinic.questions()) == (typed, (), [])


def test_the_pms_going_back_leaves_the_edit_standing(clinic: FakeClinic, visit: str) -> None:
    edit(clinic, visit, patient_phone="+61491570156")
    clinic.practice.edit_patient("ada", phone="+61491570999")
    clinic.sync()
    clinic.practice.edit_patient("ada", phone="+61491570000")
    clinic.sync()
    (typed,) = clinic.card(visit).edited
    assert (typed.conflict, clinic.questions()) == (False, [])


def test_dropping_an_edit_shows_the_pms_again(clinic: FakeClinic, visit: str) -> None:
    edit(clinic, visit, patient_phone="+61491570156")
    edit(clinic, visit, patient_phone=None)
    card = clinic.card(visit)
    assert (card.patient_phone, card.edited) == ("+61491570000", ())


def test_typing_what_the_pms_says_is_no_edit(clinic: FakeClinic, visit: str) -> None:
    before = clinic.card(visit)
    edit(clinic, visit, patient_phone="+61491570000")
    assert clinic.card(visit) == before, "nothing changed, not even its version"


def test_typing_again_answers_a_conflict(clinic: FakeClinic, visit: str) -> None:
    edit(clinic, visit, patient_phone="+61491570156")
    clinic.practice.edit_patient("ada", phone="+61491570999")
    clinic.sync()
    edit(clinic, visit, patient_phone="+61491570157")
    (typed,) = clinic.card(visit).edited
    assert (typed.value, typed.pms_value, typed.conflict) == ("+61491570157", "+61491570999", False)
    assert clinic.questions() == []


def test_notes_and_state_are_ours_and_no_run_touches_them(clinic: FakeClinic, visit: str) -> None:
    edit(clinic, visit, notes="Rang twice", state="contacted")
    clinic.practice.change(visit, start_at=clinic.at("11:00"), status="cancelled", notes="PMS note")
    clinic.sync()
    card = clinic.card(visit)
    assert (card.notes, card.state, card.pms_notes) == ("Rang twice", "contacted", "PMS note")


def test_a_moved_card_stands_on_the_day_it_shows_and_both_days_tags_change(
    clinic: FakeClinic, visit: str
) -> None:
    before = [days.sheet_etag(clinic.today + timedelta(days=n)) for n in (0, 1)]
    edit(clinic, visit, start_at=clinic.at("14:00", 1))
    assert (clinic.sheet().cards, [card.date for card in clinic.sheet(1).cards]) == (
        [],
        [clinic.today + timedelta(days=1)],
    )
    after = [days.sheet_etag(clinic.today + timedelta(days=n)) for n in (0, 1)]
    assert all(was != now for was, now in zip(before, after, strict=True))


def test_the_day_a_card_moved_away_from_changes_with_it(clinic: FakeClinic, visit: str) -> None:
    clinic.practice.change(visit, start_at=clinic.at("09:00", 1))
    clinic.sync()
    before = days.get_sheet(clinic.today, include_not_shown=True)
    edit(clinic, visit, notes="Wants a call back")
    after = days.get_sheet(clinic.today, include_not_shown=True)
    assert [card.notes for card in after.not_shown_cards or ()] == ["Wants a call back"]
    assert after.version > before.version


def test_a_card_staff_moved_to_another_day_is_still_deleted_there(clinic: FakeClinic, visit: str) -> None:
    """Its list is that of its PMS day; the sheet that has to change is the one it shows on."""
    edit(clinic, visit, start_at=clinic.at("14:00", 1))
    before = days.sheet_etag(clinic.today + timedelta(days=1))
    clinic.practice.delete(visit)
    clinic.sync(clinic.today)
    assert [card.presence for card in clinic.sheet(1).cards] == ["deleted"]
    assert days.sheet_etag(clinic.today + timedelta(days=1)) != before


def test_a_card_staff_moved_to_another_day_goes_where_the_pms_moves_it(
    clinic: FakeClinic, visit: str
) -> None:
    edit(clinic, visit, start_at=clinic.at("14:00", 1))
    before = days.sheet_etag(clinic.today + timedelta(days=1))
    clinic.practice.change(visit, start_at=clinic.at("15:00"))
    clinic.sync(clinic.today)
    assert [card.start_at for card in clinic.sheet().cards] == [clinic.at("15:00")]
    assert clinic.sheet(1).cards == []
    assert days.sheet_etag(clinic.today + timedelta(days=1)) != before


# -- two people at once ---------------------------------------------------------------------------------------------


def test_an_edit_of_an_older_version_is_refused_with_the_card_as_it_is(
    clinic: FakeClinic, visit: str
) -> None:
    seen = clinic.card(visit)
    edit(clinic, visit, patient_phone="+61491570156")
    with pytest.raises(Conflict) as refused:
        overrides.edit_card(seen.id, {"notes": "mine"}, MEL, row_version=seen.row_version)
    assert refused.value.code == "ROW-CHANGED"
    assert refused.value.current == clinic.card(visit)
    assert clinic.card(visit).notes is None


def test_a_run_that_changed_the_card_counts_as_somebody_else(clinic: FakeClinic, visit: str) -> None:
    seen = clinic.card(visit)
    clinic.practice.edit_patient("ada", phone="+61491570999")
    clinic.sync()
    with pytest.raises(Conflict):
        overrides.edit_card(seen.id, {"notes": "mine"}, MEL, row_version=seen.row_version)


def test_a_run_that_changed_nothing_does_not(clinic: FakeClinic, visit: str) -> None:
    seen = clinic.card(visit)
    clinic.sync()
    overrides.edit_card(seen.id, {"notes": "mine"}, MEL, row_version=seen.row_version)
    assert clinic.card(visit).notes == "mine"


WRONG = """
field            | typed              | because
patient_name     | -                  | Enter the patient's name.
patient_phone    | hello              | Enter a phone number
patient_email    | not an address     | Enter an email address
duration_minutes | 0                  | Enter whole minutes
clinician_id     | 999                | Choose a clinician
is_telehealth    | perhaps            | Answer yes or no
state            | asleep             | not a state
start_at         | yesterday          | Give a date and time
colour           | red                | cannot be changed
"""


@pytest.mark.parametrize("row", tables.rows(WRONG), ids=lambda row: row["field"])
def test_nothing_is_stored_on_a_doubt(clinic: FakeClinic, visit: str, row: dict[str, str]) -> None:
    before = clinic.card(visit)
    value: Any = int(row["typed"]) if row["typed"].isdigit() else row["typed"]
    with pytest.raises(Invalid) as refused:
        overrides.edit_card(before.id, {row["field"]: value, "notes": "kept back"}, MEL)
    assert row["because"] in refused.value.errors[row["field"]]
    assert clinic.card(visit) == before


def test_a_clinician_edits_their_own_column_alone(clinic: FakeClinic, visit: str) -> None:
    own = Actor(kind="user", name="Anna", id=7, role="clinician", clinician_id=clinic.mapped["anna"])
    other = Actor(kind="user", name="Ben", id=8, role="clinician", clinician_id=clinic.mapped["ben"])
    overrides.edit_card(clinic.card(visit).id, {"notes": "mine"}, own)
    with pytest.raises(NotFound):
        overrides.edit_card(clinic.card(visit).id, {"notes": "not mine"}, other)


def test_every_change_is_audited_without_what_was_typed(clinic: FakeClinic, visit: str) -> None:
    edit(clinic, visit, patient_phone="+61491570156", notes="Private")
    event = newest_audit()
    assert (event.action, event.subject) == ("card.edit", f"card:{clinic.card(visit).id}")
    assert event.detail == {"fields": ["notes", "patient_phone"]}


# -- by hand --------------------------------------------------------------------------------------------------------


def by_hand(clinic: FakeClinic, **values: Any) -> int:
    given = {
        "start_at": clinic.at("09:10"),
        "patient_name": "Alder, Ada",
        "clinician_id": clinic.mapped["anna"],
    }
    return overrides.add_card(clinic.today, {**given, **values}, MEL).id


def test_a_card_added_by_hand_is_what_staff_typed_and_no_run_touches_it(clinic: FakeClinic) -> None:
    card_id = by_hand(clinic, notes="Walk-in")
    before = days.get_card(card_id)
    assert (before.source, before.patient_name, before.state, before.is_telehealth) == (
        "manual",
        "Alder, Ada",
        "booked",
        True,
    )
    clinic.sync()
    assert days.get_card(card_id) == before
    overrides.edit_card(card_id, {"patient_phone": "+61491570156", "clinician_id": None}, MEL)
    after = days.get_card(card_id)
    assert (after.patient_phone, after.clinician_id, after.edited) == ("+61491570156", None, ())


def test_a_card_added_by_hand_needs_a_name_and_a_time_on_that_day(clinic: FakeClinic) -> None:
    for missing in ("start_at", "patient_name"):
        with pytest.raises(Invalid) as refused:
            by_hand(clinic, **{missing: None})
        assert missing in refused.value.errors
    with pytest.raises(Invalid) as refused:
        by_hand(clinic, start_at=clinic.at("09:00", 1))
    assert "not on that day" in refused.value.errors["start_at"]
    card_id = by_hand(clinic)
    with pytest.raises(Invalid):
        overrides.edit_card(card_id, {"patient_name": None}, MEL)


TWINS = """
the hand-made card         | is suggested
same time and clinician    | yes
20 minutes apart           | yes
21 minutes apart           | no
another clinician          | no
another name               | no
removed already            | no
"""


@pytest.mark.parametrize("row", tables.rows(TWINS), ids=lambda row: row["the hand-made card"])
def test_its_duplicate_from_the_pms_is_a_suggestion_never_a_merge(
    clinic: FakeClinic, row: dict[str, str]
) -> None:
    match row["the hand-made card"]:
        case "20 minutes apart":
            card_id = by_hand(clinic, start_at=clinic.at("08:40"))
        case "21 minutes apart":
            card_id = by_hand(clinic, start_at=clinic.at("08:39"))
        case "another clinician":
            card_id = by_hand(clinic, clinician_id=clinic.mapped["ben"])
        case "another name":
            card_id = by_hand(clinic, patient_name="Quite Different")
        case "removed already":
            card_id = by_hand(clinic)
            overrides.remove_card(card_id, "A slip", MEL)
        case _:
            card_id = by_hand(clinic)
    visit = clinic.practice.book("anna", clinic.at("09:00"), ["ada"])
    clinic.sync()
    found = [question for question in clinic.questions() if question.kind == "merge_suggestion"]
    assert bool(found) is (row["is suggested"] == "yes")
    if found:
        assert found[0].appointment_ids == (card_id, clinic.card(visit).id)
    assert clinic.presence(visit) == "on_sheet"
    clinic.sync()
    assert len([question for question in clinic.questions() if question.kind == "merge_suggestion"]) == len(
        found
    )


# -- removing and bringing back -------------------------------------------------------------------------------------


def test_what_staff_removed_stays_removed(clinic: FakeClinic, visit: str) -> None:
    overrides.remove_card(clinic.card(visit).id, "Phone visit", MEL)
    clinic.practice.edit_patient("ada", name="Ada Acorn")
    clinic.practice.change(visit, practitioner="ben", minutes=30)
    for _ in range(3):
        run = clinic.sync()
        assert (clinic.presence(visit), run.skipped_reasons) == ("removed_by_staff", {"removed_by_staff": 1})
    assert (clinic.sheet().cards, clinic.sheet().not_shown["removed_by_staff"]) == ([], 1)


RETURNS = """
the PMS                            | the card
moves to 10:00                     | on_sheet
moves to tomorrow                  | on_sheet
moves to 10:00 and cancels         | removed_by_staff
moves to 10:00 and makes in-person | removed_by_staff
deletes                            | removed_by_staff
cancels                            | removed_by_staff
moves to Dr Ben                    | removed_by_staff
"""


@pytest.mark.parametrize("row", tables.rows(RETURNS), ids=lambda row: row["the PMS"])
def test_it_returns_once_marked_when_its_start_changes(
    clinic: FakeClinic, visit: str, row: dict[str, str]
) -> None:
    overrides.remove_card(clinic.card(visit).id, "Phone visit", MEL)
    changes: dict[str, Any] = {}
    if "10:00" in row["the PMS"]:
        changes["start_at"] = clinic.at("10:00")
    if "tomorrow" in row["the PMS"]:
        changes["start_at"] = clinic.at("09:00", 1)
    if "cancels" in row["the PMS"]:
        changes["status"] = "cancelled"
    if "in-person" in row["the PMS"]:
        changes["type_id"] = "rooms"
    if "Ben" in row["the PMS"]:
        changes["practitioner"] = "ben"
    if row["the PMS"] == "deletes":
        clinic.practice.delete(visit)
    else:
        clinic.practice.change(visit, **changes)
    clinic.sync()
    card = clinic.card(visit)
    assert (card.presence, card.returned_at is not None) == (row["the card"], row["the card"] == "on_sheet")
    if card.presence == "on_sheet":
        overrides.remove_card(card.id, "Still not", MEL)
        clinic.sync()
        assert clinic.presence(visit) == "removed_by_staff"


@pytest.mark.parametrize("undo", [{"status": "booked"}, {"type_id": "video"}])
def test_one_that_moved_while_it_would_not_be_shown_returns_when_it_would(
    clinic: FakeClinic, visit: str, undo: dict[str, Any]
) -> None:
    overrides.remove_card(clinic.card(visit).id, "Phone visit", MEL)
    hidden = {"status": "cancelled"} if "status" in undo else {"type_id": "rooms"}
    clinic.practice.change(visit, start_at=clinic.at("10:00"), **hidden)
    clinic.sync()
    assert clinic.presence(visit) == "removed_by_staff"
    clinic.practice.change(visit, **undo)
    clinic.sync()
    assert clinic.presence(visit) == "on_sheet"


def test_one_that_moved_while_its_type_was_hidden_returns_when_the_type_is_shown(
    clinic: FakeClinic, visit: str
) -> None:
    overrides.remove_card(clinic.card(visit).id, "Phone visit", MEL)
    clinic.decide_type("video", sync_enabled=False)
    clinic.practice.change(visit, start_at=clinic.at("10:00"))
    clinic.sync()
    clinic.sync()
    assert clinic.presence(visit) == "removed_by_staff"
    clinic.decide_type("video", sync_enabled=True)
    clinic.sync()
    assert clinic.presence(visit) == "on_sheet"


RESTORES = """
meanwhile the PMS  | at once   | after the next run
did nothing        | on_sheet  | on_sheet
deleted it         | on_sheet  | deleted
cancelled it       | on_sheet  | cancelled
made it in-person  | on_sheet  | filtered
renamed            | on_sheet  | on_sheet
"""


@pytest.mark.parametrize("row", tables.rows(RESTORES), ids=lambda row: row["meanwhile the PMS"])
def test_bringing_back_and_the_next_run(clinic: FakeClinic, visit: str, row: dict[str, str]) -> None:
    card_id = clinic.card(visit).id
    overrides.remove_card(card_id, "Phone visit", MEL)
    match row["meanwhile the PMS"]:
        case "deleted it":
            clinic.practice.delete(visit)
        case "cancelled it":
            clinic.practice.change(visit, status="cancelled")
        case "made it in-person":
            clinic.practice.change(visit, type_id="rooms")
        case "renamed":
            clinic.practice.edit_patient("ada", name="Ada Acorn")
    assert overrides.restore_card(card_id, MEL).presence == row["at once"]
    clinic.sync()
    assert clinic.presence(visit) == row["after the next run"]
    before = clinic.card(visit)
    clinic.sync()
    assert clinic.card(visit) == before


def test_a_card_brought_back_goes_where_the_clinics_decisions_put_it(clinic: FakeClinic, visit: str) -> None:
    card_id = clinic.card(visit).id
    overrides.remove_card(card_id, "Phone visit", MEL)
    clinic.decide_on("anna", "ignored")
    assert overrides.restore_card(card_id, MEL).presence == "unmapped"
    overrides.remove_card(card_id, "Phone visit", MEL)
    clinic.decide_on("anna", "mapped")
    clinic.decide_type("video", is_telehealth=False)
    assert overrides.restore_card(card_id, MEL).presence == "filtered"
    with pytest.raises(Conflict) as refused:
        overrides.restore_card(card_id, MEL)
    assert refused.value.code == "NOT-REMOVED"


def test_removing_needs_a_reason_and_twice_is_once(clinic: FakeClinic, visit: str) -> None:
    card = clinic.card(visit)
    with pytest.raises(Invalid):
        overrides.remove_card(card.id, "  ", MEL)
    overrides.remove_card(card.id, "Phone visit", MEL, row_version=card.row_version)
    version = clinic.card(visit).row_version
    overrides.remove_card(card.id, "Phone visit", MEL)
    assert clinic.card(visit).row_version == version


def test_a_conflict_on_a_removed_card_is_asked_when_it_is_back(clinic: FakeClinic, visit: str) -> None:
    edit(clinic, visit, patient_phone="+61491570156")
    overrides.remove_card(clinic.card(visit).id, "Phone visit", MEL)
    clinic.practice.edit_patient("ada", phone="+61491570999")
    clinic.sync()
    assert clinic.questions() == []
    overrides.restore_card(clinic.card(visit).id, MEL)
    clinic.sync()
    assert [question.kind for question in clinic.questions()] == ["field_conflict"]


# -- acknowledging --------------------------------------------------------------------------------------------------


def test_acknowledging_takes_a_cancelled_card_out_of_view_once(clinic: FakeClinic, visit: str) -> None:
    clinic.practice.change(visit, status="cancelled")
    clinic.sync()
    card = overrides.acknowledge_card(clinic.card(visit).id, MEL)
    assert clinic.sheet().cards == []
    assert overrides.acknowledge_card(card.id, MEL).row_version == card.row_version


def test_acknowledging_a_card_that_stands_changes_nothing(clinic: FakeClinic, visit: str) -> None:
    before = clinic.card(visit)
    assert overrides.acknowledge_card(before.id, MEL) == before


def test_an_unknown_card_is_not_found(app: Flask) -> None:
    for act in (overrides.acknowledge_card, overrides.restore_card):
        with pytest.raises(NotFound):
            act(999, MEL)
