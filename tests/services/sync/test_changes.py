"""What a run makes of each change in the PMS. The practice is held in memory; everything else is real."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask

from pmsapp.services.editing import overrides
from pmsapp.services.runs.history import RunView
from pmsapp.services.sheet import days as sheet_days
from pmsapp.services.sheet.timeline import of_card
from tests.support import tables
from tests.support.clock import FrozenClock
from tests.support.fake_clinic import MEL, FakeClinic, stock
from tests.support.fake_pms import WHOLE_PRACTICE, FakePractice, registered


def numbers(run: RunView) -> dict[str, int]:
    """The counts that are not zero."""
    return {name: count for name, count in run.counts.items() if count}


CHANGES = """
the PMS           | presence  | fetched | created | updated | unchanged | skipped | removed
does nothing      | on_sheet  | 1       | 0       | 0       | 1         | 0       | 0
renames           | on_sheet  | 1       | 0       | 1       | 0         | 0       | 0
moves to 10:00    | on_sheet  | 1       | 0       | 1       | 0         | 0       | 0
moves to tomorrow | on_sheet  | 1       | 0       | 1       | 0         | 0       | 0
moves to Dr Ben   | on_sheet  | 1       | 0       | 1       | 0         | 0       | 0
moves far away    | on_sheet  | 1       | 0       | 1       | 0         | 0       | 0
cancels           | cancelled | 1       | 0       | 1       | 0         | 0       | 1
no-shows          | on_sheet  | 1       | 0       | 1       | 0         | 0       | 0
deletes           | deleted   | 0       | 0       | 0       | 0         | 0       | 1
makes in-person   | filtered  | 1       | 0       | 0       | 0         | 1       | 1
"""


def change(clinic: FakeClinic, visit: str, how: str) -> None:
    practice = clinic.practice
    match how:
        case "renames":
            practice.edit_patient("ada", name="Ada Acorn")
        case "moves to 10:00":
            practice.change(visit, start_at=clinic.at("10:00"))
        case "moves to tomorrow":
            practice.change(visit, start_at=clinic.at("09:00", 1))
        case "moves to Dr Ben":
            practice.change(visit, practitioner="ben")
        case "moves far away":
            practice.change(visit, start_at=clinic.at("09:00", 40))
        case "cancels":
            practice.change(visit, status="cancelled")
        case "no-shows":
            practice.change(visit, status="no_show")
        case "deletes":
            practice.delete(visit)
        case "makes in-person":
            practice.change(visit, type_id="rooms")


@pytest.mark.parametrize("slug", ["fake", WHOLE_PRACTICE])
@pytest.mark.parametrize("row", tables.rows(CHANGES), ids=lambda row: row["the PMS"])
def test_one_change_and_its_numbers(
    app: Flask, frozen_clock: FrozenClock, practice: FakePractice, row: dict[str, str], slug: str
) -> None:
    clinic = FakeClinic(practice, slug)
    visit = practice.book("anna", clinic.at("09:00"), ["ada"])
    clinic.sync()
    before = clinic.card(visit)
    change(clinic, visit, row["the PMS"])
    run = clinic.sync()
    assert run.status == "success"
    assert clinic.presence(visit) == row["presence"]
    names = ("fetched", "created", "updated", "unchanged", "skipped", "removed")
    assert {name: run.counts[name] for name in names} == {name: int(row[name]) for name in names}
    assert clinic.card(visit).id == before.id
    again = clinic.sync()
    assert (again.counts["updated"], again.counts["removed"]) == (0, 0)


def test_a_moved_card_takes_its_edits_along_and_the_old_day_counts_it(clinic: FakeClinic) -> None:
    visit = clinic.practice.book("anna", clinic.at("09:00"), ["ada"])
    clinic.sync()
    card = clinic.card(visit)
    overrides.edit_card(card.id, {"notes": "Rang twice", "patient_phone": "+61491570156"}, MEL)
    clinic.practice.change(visit, start_at=clinic.at("11:00", 1), practitioner="ben")
    clinic.sync()
    moved = clinic.card(visit)
    assert (moved.id, moved.notes, moved.patient_phone) == (card.id, "Rang twice", "+61491570156")
    assert clinic.sheet().not_shown["moved"] == 1
    assert [card.id for card in clinic.sheet(1).cards] == [card.id]
    assert moved.moved_from is not None
    assert moved.moved_from.start_at == clinic.at("09:00")


def test_a_card_that_moves_twice_is_still_counted_where_it_came_from(clinic: FakeClinic) -> None:
    visit = clinic.practice.book("anna", clinic.at("09:00"), ["ada"])
    clinic.sync()
    clinic.practice.change(visit, start_at=clinic.at("11:00", 1))
    clinic.sync()
    clinic.practice.change(visit, start_at=clinic.at("12:00", 1))
    clinic.sync()
    assert clinic.sheet().not_shown["moved"] == 1
    assert clinic.sheet(1).not_shown["moved"] == 0
    clinic.practice.change(visit, start_at=clinic.at("12:00"))
    clinic.sync()
    assert (clinic.sheet().not_shown["moved"], clinic.sheet(1).not_shown["moved"]) == (0, 1)


def test_a_move_says_what_has_changed_the_time_the_clinician_or_both(clinic: FakeClinic) -> None:
    times, hands, both = (
        clinic.practice.book("anna", clinic.at(clock), [patient])
        for clock, patient in (("09:00", "ada"), ("10:00", "bo"), ("11:00", "cy"))
    )
    clinic.sync()
    clinic.practice.change(times, start_at=clinic.at("09:30"))
    clinic.practice.change(hands, practitioner="ben")
    clinic.practice.change(both, start_at=clinic.at("11:30"), practitioner="ben")
    clinic.sync()
    moves = [clinic.card(visit).moved_from for visit in (times, hands, both)]
    assert [(move.start_at, move.clinician_id) for move in moves if move] == [
        (clinic.at("09:00"), None),
        (None, clinic.mapped["anna"]),
        (clinic.at("11:00"), clinic.mapped["anna"]),
    ]


def test_a_card_moved_and_cancelled_at_once_is_counted_on_its_old_day(clinic: FakeClinic) -> None:
    visit = clinic.practice.book("anna", clinic.at("09:00"), ["ada"])
    clinic.sync()
    clinic.practice.change(visit, start_at=clinic.at("09:00", 1), status="cancelled")
    clinic.sync()
    assert clinic.sheet().not_shown["moved"] == 1
    assert [card.presence for card in clinic.sheet(1).cards] == ["cancelled"]


def test_a_remapped_column_is_no_move(clinic: FakeClinic) -> None:
    visit = clinic.practice.book("anna", clinic.at("09:00"), ["ada"])
    clinic.sync()
    clinic.decide_on("anna", "mapped", "ben")
    clinic.sync()
    card = clinic.card(visit)
    assert (card.clinician_id, card.moved_from) == (clinic.mapped["ben"], None)
    clinic.decide_on("anna", "undecided")
    clinic.sync()
    clinic.decide_on("anna", "mapped")
    clinic.sync()
    card = clinic.card(visit)
    assert (card.presence, card.clinician_id, card.moved_from) == ("on_sheet", clinic.mapped["anna"], None)
    assert "moved_clinician" not in {event.kind for event in of_card(card.id)}


def test_unmapped_and_back_is_never_a_cancellation(clinic: FakeClinic) -> None:
    visit = clinic.practice.book("anna", clinic.at("09:00"), ["ada"])
    clinic.sync()
    clinic.decide_on("anna", "undecided")
    run = clinic.sync()
    assert (clinic.presence(visit), run.counts["removed"], run.counts["skipped"]) == ("unmapped", 1, 1)
    assert run.skipped_reasons == {"practitioner_undecided": 1}
    assert [(group.name, group.number) for group in clinic.sheet().undecided] == [("Dr Anna Abel", 1)]
    clinic.decide_on("anna", "mapped")
    clinic.sync()
    assert clinic.presence(visit) == "on_sheet"


def test_a_type_decision_filters_and_brings_back(clinic: FakeClinic) -> None:
    visit = clinic.practice.book("anna", clinic.at("09:00"), ["ada"], type_id="other")
    clinic.sync()
    assert clinic.card(visit).is_telehealth is None
    for values, presence in (
        ({"is_telehealth": False}, "filtered"),
        ({"is_telehealth": True}, "on_sheet"),
        ({"sync_enabled": False}, "filtered"),
        ({"sync_enabled": True, "is_telehealth": None}, "on_sheet"),
    ):
        clinic.decide_type("other", **values)
        clinic.sync()
        assert clinic.presence(visit) == presence


def test_a_card_with_staff_work_stays_in_view_when_the_pms_makes_it_in_person(clinic: FakeClinic) -> None:
    visit = clinic.practice.book("anna", clinic.at("09:00"), ["ada"])
    clinic.sync()
    card = clinic.card(visit)
    overrides.edit_card(card.id, {"notes": "Needs an interpreter"}, MEL)
    clinic.practice.change(visit, type_id="rooms")
    clinic.sync()
    shown = clinic.sheet()
    assert [(card.presence, card.presence_reason) for card in shown.cards] == [
        ("filtered", "no longer telehealth")
    ]
    assert shown.not_shown["filtered"] == 0
    overrides.acknowledge_card(card.id, MEL)
    assert (len(clinic.sheet().cards), clinic.sheet().not_shown["filtered"]) == (0, 1)


def test_a_cancellation_seen_before_need_not_be_seen_again_when_it_is_filtered(clinic: FakeClinic) -> None:
    visit = clinic.practice.book("anna", clinic.at("09:00"), ["ada"])
    clinic.sync()
    overrides.edit_card(clinic.card(visit).id, {"notes": "Rang"}, MEL)
    clinic.practice.change(visit, status="cancelled")
    clinic.sync()
    overrides.acknowledge_card(clinic.card(visit).id, MEL)
    clinic.practice.change(visit, type_id="rooms")
    clinic.sync()
    assert clinic.presence(visit) == "filtered"
    assert clinic.sheet().cards == []


def test_an_acknowledged_cancellation_that_changes_stays_acknowledged_until_it_is_another_one(
    clinic: FakeClinic,
) -> None:
    visit = clinic.practice.book("anna", clinic.at("09:00"), ["ada"])
    clinic.sync()
    clinic.practice.change(visit, status="cancelled")
    clinic.sync()
    overrides.acknowledge_card(clinic.card(visit).id, MEL)
    clinic.practice.edit_patient("ada", name="Ada Acorn")
    clinic.sync()
    assert clinic.sheet().cards == []
    clinic.practice.change(visit, status="booked")
    clinic.sync()
    assert [card.presence for card in clinic.sheet().cards] == ["on_sheet"]
    clinic.practice.change(visit, status="cancelled")
    clinic.sync()
    assert [card.presence for card in clinic.sheet().cards] == ["cancelled"]


def test_a_deleted_appointment_that_is_back_is_the_same_card(clinic: FakeClinic) -> None:
    visit = clinic.practice.book("anna", clinic.at("09:00"), ["ada"])
    clinic.sync()
    card = clinic.card(visit)
    clinic.practice.delete(visit)
    clinic.sync()
    clinic.practice.undelete(visit)
    clinic.sync()
    assert (clinic.card(visit).id, clinic.presence(visit)) == (card.id, "on_sheet")
    assert [event.kind for event in of_card(card.id)] == ["restored", "deleted", "created"]


def test_a_group_gives_a_card_per_patient_and_one_who_leaves_is_looked_up(clinic: FakeClinic) -> None:
    visit = clinic.practice.book("anna", clinic.at("09:00"), ["ada", "bo", "cy"])
    clinic.sync()
    assert len(clinic.cards()) == 3
    clinic.practice.change(visit, patients=("ada", "cy"))
    run = clinic.sync()
    assert clinic.practice.asked == [visit]
    assert clinic.presence(visit, "bo") == "deleted"
    assert numbers(run) == {"fetched": 2, "unchanged": 2, "removed": 1}


def test_a_no_show_and_a_cancellation_never_seen_before(clinic: FakeClinic) -> None:
    missed = clinic.practice.book("anna", clinic.at("09:00"), ["ada"], status="no_show")
    clinic.practice.book("anna", clinic.at("10:00"), ["bo"], status="cancelled")
    clinic.practice.book("anna", clinic.at("11:00"), [])
    run = clinic.sync()
    assert [card.pms_appointment_id for card in clinic.sheet().cards] == [missed]
    assert clinic.card(missed).appointment_status == "no_show"
    assert run.skipped_reasons == {"cancelled_before_seen": 1, "no_patient": 1}
    assert numbers(run) == {"fetched": 3, "created": 1, "skipped": 2}


def test_an_appointment_without_a_practitioner_is_unassigned(
    app: Flask, frozen_clock: FrozenClock, practice: FakePractice
) -> None:
    clinic = FakeClinic(practice, WHOLE_PRACTICE)
    visit = practice.book(None, clinic.at("09:00"), ["ada"])
    clinic.sync()
    assert [card.pms_appointment_id for card in clinic.sheet().unassigned] == [visit]


def test_two_connections_with_the_same_ids_never_touch_each_other(
    app: Flask, frozen_clock: FrozenClock, practice: FakePractice
) -> None:
    place = FakeClinic(practice)
    other_practice = stock(FakePractice())
    with registered("other", other_practice):
        other = FakeClinic(other_practice, name="other")
        first = practice.book("anna", place.at("09:00"), ["ada"])
        second = other_practice.book("anna", other.at("09:00"), ["ada"])
        assert first == second
        place.sync()
        other.sync()
        assert len(place.sheet().cards) == 2
        practice.delete(first)
        place.sync()
        assert (place.presence(first), other.presence(second)) == ("deleted", "on_sheet")


def test_the_tag_changes_exactly_with_the_sheet(clinic: FakeClinic, frozen_clock: FrozenClock) -> None:
    visit = clinic.practice.book("anna", clinic.at("09:00"), ["ada"])
    clinic.sync()
    tags = {clinic.sheet().etag}
    for how in ("renames", "moves to 10:00", "moves to Dr Ben", "cancels", "makes in-person"):
        change(clinic, visit, how)
        clinic.sync()
        assert clinic.sheet().etag == sheet_days.sheet_etag(clinic.today)
        assert clinic.sheet().etag not in tags
        tags.add(clinic.sheet().etag)
    frozen_clock.advance(minutes=1)
    before = clinic.sheet().etag
    clinic.sync()
    assert clinic.sheet().etag != before, "the age of the data is part of what a reader sees"
    assert clinic.sheet().etag == sheet_days.sheet_etag(clinic.today)


def test_a_silent_change_of_a_removed_card_still_changes_the_tags_of_both_days(clinic: FakeClinic) -> None:
    visit = clinic.practice.book("anna", clinic.at("09:00"), ["ada"])
    clinic.sync()
    overrides.remove_card(clinic.card(visit).id, "Not ours", MEL)
    clinic.practice.change(visit, start_at=clinic.at("09:00", 1), type_id="rooms")
    before = [clinic.sheet(days).etag for days in (0, 1)]
    clinic.sync()
    assert (clinic.sheet().not_shown["removed_by_staff"], clinic.sheet(1).not_shown["removed_by_staff"]) == (
        0,
        1,
    )
    assert [clinic.sheet(days).etag for days in (0, 1)] != before


def test_cards_beyond_the_days_read_are_left_alone(clinic: FakeClinic) -> None:
    far = clinic.practice.book("anna", clinic.at("09:00", 5), ["ada"])
    clinic.sync(clinic.today + timedelta(days=5))
    clinic.practice.delete(far)
    clinic.sync()
    assert clinic.presence(far) == "on_sheet"
    clinic.sync(clinic.today + timedelta(days=5))
    assert clinic.presence(far) == "deleted"


def test_the_tag_changes_with_the_number_of_in_person_appointments_read_at_the_same_moment(
    clinic: FakeClinic,
) -> None:
    visit = clinic.practice.book("anna", clinic.at("09:00"), ["ada"], type_id="rooms")
    clinic.sync()
    before = clinic.sheet()
    clinic.practice.change(visit, patients=("ada", "bo", "cy"))
    clinic.sync()
    after = clinic.sheet()
    assert (before.in_person_not_shown, after.in_person_not_shown) == (1, 3)
    assert before.freshness == after.freshness
    assert before.etag != after.etag
