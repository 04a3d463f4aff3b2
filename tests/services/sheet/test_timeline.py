"""A card's timeline and a run's changes."""

from __future__ import annotations

import pytest

from pmsapp.services.base.errors import NotFound
from pmsapp.services.editing import overrides
from pmsapp.services.sheet.timeline import of_card, of_run
from tests.support.fake_clinic import MEL, FakeClinic


def test_a_timeline_says_what_was_there_before(clinic: FakeClinic) -> None:
    visit = clinic.practice.book("anna", clinic.at("09:00"), ["ada"])
    clinic.sync()
    clinic.practice.change(visit, start_at=clinic.at("10:00"))
    clinic.practice.edit_patient("ada", name="Ada Acorn")
    run = clinic.sync()
    newest, first = of_card(clinic.card(visit).id)
    assert (newest.kind, newest.source, newest.run_id, newest.fields) == (
        "moved_time",
        "pms",
        run.id,
        ("start_at", "patient_name"),
    )
    assert newest.was == {"start_at": "2026-11-22T22:00:00.000000+00:00", "patient_name": "Ada Alder"}
    assert (first.kind, first.fields) == ("created", ())


def test_a_run_tells_which_cards_it_changed_and_no_others(clinic: FakeClinic) -> None:
    for patient in ("ada", "bo"):
        clinic.practice.book("anna", clinic.at("09:00"), [patient])
    first = clinic.sync()
    assert [event.kind for event in of_run(first.id)] == ["created", "created"]
    assert of_run(clinic.sync().id) == []
    clinic.practice.edit_patient("bo", name="Bo Bark")
    assert [event.kind for event in of_run(clinic.sync().id)] == ["changed"]


def test_a_timeline_begins_once_although_no_time_passes(clinic: FakeClinic) -> None:
    visit = clinic.practice.book("anna", clinic.at("09:00"), ["ada"])
    clinic.sync()
    clinic.practice.change(visit, patients=("ada", "bo"))
    run = clinic.sync()
    assert [(event.kind, event.appointment_id) for event in of_run(run.id)] == [
        ("created", clinic.card(visit, "bo").id)
    ]


def test_what_staff_did_stands_beside_it_without_what_they_typed(clinic: FakeClinic) -> None:
    visit = clinic.practice.book("anna", clinic.at("09:00"), ["ada"])
    clinic.sync()
    overrides.edit_card(clinic.card(visit).id, {"notes": "Private words"}, MEL)
    newest, _ = of_card(clinic.card(visit).id)
    assert (newest.source, newest.kind, newest.actor, newest.fields) == ("staff", "edited", "Mel", ("notes",))
    assert "Private" not in repr(newest.was)


def test_a_card_that_is_not_there_has_none(clinic: FakeClinic) -> None:
    with pytest.raises(NotFound):
        of_card(999)
