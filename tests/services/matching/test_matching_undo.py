"""A change of matches or types is told before it is kept, and undone within a day: the same sheet, edits included."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from pmsapp.domain.errors import BadVendorDataError
from pmsapp.domain.runsheet import Card
from pmsapp.models import MatchingChange, RunSheetClinician
from pmsapp.services.base.errors import Conflict, NotFound
from pmsapp.services.base.transaction import reading, writing
from pmsapp.services.editing import decisions, overrides
from pmsapp.services.maintenance import retention
from pmsapp.services.matching import appointment_types, effects, mappings, undo
from pmsapp.services.matching.appointment_types import TypeChoice
from pmsapp.services.matching.effects import Effect
from pmsapp.services.matching.mappings import MappingChoice
from pmsapp.services.sheet import matching_changes
from tests.support.clock import FrozenClock
from tests.support.connecting import ADMIN
from tests.support.fake_clinic import MEL, PATIENTS, FakeClinic
from tests.support.fake_pms import PER_PRACTITIONER, WHOLE_PRACTICE, FakePractice

BOTH_WAYS = pytest.mark.parametrize("slug", [PER_PRACTITIONER, WHOLE_PRACTICE])
_WORK = ("notes", "patient_phone", "edited")


@pytest.fixture
def slug() -> str:
    return PER_PRACTITIONER


@pytest.fixture
def fake(app: Flask, frozen_clock: FrozenClock, practice: FakePractice, slug: str) -> FakeClinic:
    made = FakeClinic(practice, slug)
    for at, patient in (("10:40", "ada"), ("11:00", "bo")):
        practice.book("anna", made.at(at), [patient])
    practice.book("ben", made.at("10:00"), ["cy"])
    made.sync()
    return made


def match(fake: FakeClinic, *choices: MappingChoice) -> None:
    mappings.set_mappings(fake.connection_id, choices, ADMIN)


def choose(fake: FakeClinic, *choices: TypeChoice) -> None:
    appointment_types.set_types(fake.connection_id, choices, ADMIN)


def last_change(fake: FakeClinic) -> undo.Undoable:
    return undo.list_undoable(fake.connection_id)[0]


def take_back(fake: FakeClinic) -> None:
    undo.undo(fake.connection_id, last_change(fake).id, ADMIN)


def picture(fake: FakeClinic) -> dict[tuple[str, str], Card]:
    """Every card in every field, but for its version and what the last reading left on it."""
    return {key: replace(card, row_version=0, pms_last_synced_at=None) for key, card in fake.cards().items()}


def edit(fake: FakeClinic, visit: str, **changes: Any) -> None:
    overrides.edit_card(fake.card(visit).id, changes, MEL)


@BOTH_WAYS
def test_take_off_now_of_somebody_departed_is_undone_with_what_staff_typed(
    fake: FakeClinic, practice: FakePractice, frozen_clock: FrozenClock, slug: str
) -> None:
    edit(fake, "v1", patient_phone="0491 570 156", notes="Interpreter booked")
    before = picture(fake)
    del practice.practitioners["anna"]
    if slug == PER_PRACTITIONER:
        practice.faults.lists["anna"] = (0, BadVendorDataError("PMS-REFUSED", pms="Fake"))
    frozen_clock.advance(minutes=20)
    fake.sync()
    (question,) = [asked for asked in decisions.list_open() if asked.kind == "practitioner_gone"]
    decisions.decide(question.id, "pms", MEL)
    assert {fake.presence("v1"), fake.presence("v2")} == {"unmapped"}
    take_back(fake)
    assert picture(fake) == before
    assert [asked.id for asked in decisions.list_open()] == [question.id], "and it is asked again"


def test_ignoring_somebody_is_undone_at_once_before_any_update(fake: FakeClinic) -> None:
    edit(fake, "v2", notes="Rings back at noon")
    before = picture(fake)
    match(fake, MappingChoice("anna", "ignore"))
    assert fake.presence("v1") == "unmapped"
    change = last_change(fake)
    (subject,) = change.subjects
    assert (subject.name, subject.was, subject.now) == ("Dr Anna Abel", "column Dr Anna Abel", "not shown")
    assert change.by == "Mel"
    take_back(fake)
    assert picture(fake) == before
    assert undo.list_undoable(fake.connection_id) == []


def test_an_edit_that_agreed_with_the_change_stands_again_after_it(fake: FakeClinic) -> None:
    edit(fake, "v1", clinician_id=fake.mapped["ben"])
    before = picture(fake)
    match(fake, MappingChoice("anna", "map", clinician_id=fake.mapped["ben"]))
    fake.sync()
    assert fake.card("v1").edited == (), "the practice software's own column is the one staff chose"
    take_back(fake)
    assert picture(fake) == before
    assert fake.card("v1").clinician_id == fake.mapped["ben"]
    assert fake.card("v2").clinician_id == fake.mapped["anna"]


def test_a_column_chosen_by_staff_in_between_stays_chosen(fake: FakeClinic) -> None:
    match(fake, MappingChoice("anna", "map", clinician_id=fake.mapped["ben"]))
    fake.sync()
    edit(fake, "v1", clinician_id=fake.mapped["cleo"])
    take_back(fake)
    card = fake.card("v1")
    assert card.clinician_id == fake.mapped["cleo"]
    assert [(edited.field, edited.conflict) for edited in card.edited] == [("clinician_id", False)]
    fake.sync()
    assert fake.card("v1").clinician_id == fake.mapped["cleo"]


def test_a_card_cancelled_at_the_pms_in_between_stays_cancelled(
    fake: FakeClinic, practice: FakePractice
) -> None:
    match(fake, MappingChoice("anna", "map", clinician_id=fake.mapped["ben"]))
    fake.sync()
    practice.change("v1", status="cancelled")
    fake.sync()
    take_back(fake)
    assert fake.presence("v1") == "cancelled"
    assert fake.card("v1").clinician_id == fake.mapped["anna"]


def test_a_new_column_goes_with_the_change_that_made_it(fake: FakeClinic) -> None:
    match(fake, MappingChoice("anna", "create", name="Telehealth room"))
    fake.sync()
    take_back(fake)
    with reading() as session:
        made = session.scalars(
            select(RunSheetClinician).where(RunSheetClinician.name == "Telehealth room")
        ).one()
    assert not made.active


def test_a_later_decision_about_the_same_person_is_in_the_way_and_named(fake: FakeClinic) -> None:
    match(fake, MappingChoice("anna", "ignore"))
    first = last_change(fake)
    match(fake, MappingChoice("anna", "map", clinician_id=fake.mapped["cleo"]))
    with pytest.raises(Conflict) as refused:
        undo.undo(fake.connection_id, first.id, ADMIN)
    assert refused.value.code == "CANNOT-UNDO"
    assert "Dr Anna Abel was decided about again since, by Mel" in refused.value.message
    take_back(fake)
    undo.undo(fake.connection_id, first.id, ADMIN)
    assert fake.presence("v1") == "on_sheet"
    with pytest.raises(Conflict):
        undo.undo(fake.connection_id, first.id, ADMIN)


def test_after_a_day_it_stands(fake: FakeClinic, frozen_clock: FrozenClock) -> None:
    match(fake, MappingChoice("anna", "ignore"))
    change = last_change(fake)
    frozen_clock.advance(hours=24)
    assert undo.list_undoable(fake.connection_id) == []
    with pytest.raises(NotFound):
        undo.undo(fake.connection_id, change.id, ADMIN)
    retention.purge()
    with reading() as session:
        assert session.scalars(select(MatchingChange)).all() == []


def test_where_an_erased_card_stood_is_not_kept(fake: FakeClinic) -> None:
    match(fake, MappingChoice("anna", "ignore"))
    erased, other = fake.card("v1").id, fake.card("v2").id
    with writing() as session:
        matching_changes.forget_cards(session, [erased])
    with reading() as session:
        (change,) = session.scalars(select(MatchingChange)).all()
    assert [card["id"] for card in change.kept["cards"]] == [other]


def test_nothing_is_kept_of_a_form_that_changes_nothing(fake: FakeClinic) -> None:
    match(fake, MappingChoice("anna", "map", clinician_id=fake.mapped["anna"]))
    assert undo.list_undoable(fake.connection_id) == []


@BOTH_WAYS
@pytest.mark.parametrize("seed", range(10))
def test_on_any_day_a_change_and_its_undo_give_the_same_sheet(
    app: Flask, frozen_clock: FrozenClock, practice: FakePractice, slug: str, seed: int
) -> None:
    rng = random.Random(f"{slug}{seed}")
    fake = FakeClinic(practice, slug)
    book_a_day(rng, fake)
    fake.sync()
    work(rng, fake, "before")
    fake.sync()
    before = picture(fake)
    change_something(rng, fake)
    if rng.random() < 0.7:
        frozen_clock.advance(minutes=5)
        fake.sync()
    done = work(rng, fake, "between")
    take_back(fake)
    for is_read in (False, True):
        now = picture(fake)
        assert now.keys() >= before.keys()
        for key, card in before.items():
            kept = {name: getattr(now[key], name) for name in _WORK} if key in done else {}
            assert now[key] == replace(card, **kept), key
        came = [now[key] for key in now.keys() - before.keys()]
        shown = [card for card in came if card.presence.value not in ("filtered", "unmapped")]
        assert not (shown and is_read), "what came through the change has left again"
        assert {card.is_telehealth for card in shown} <= {None, True}, "until then it is not sure"
        for key, note in done.items():
            assert now[key].notes == note
            assert now[key].patient_phone == "+61491570999"
        frozen_clock.advance(minutes=5)
        fake.sync()


def book_a_day(rng: random.Random, fake: FakeClinic) -> None:
    start = fake.at("08:00")
    for number in range(14):
        fake.practice.book(
            rng.choice(("anna", "ben", "cleo")),
            start + timedelta(minutes=30 * number, days=rng.choice((0, 0, 1))),
            [rng.choice(PATIENTS).split()[0].lower()],
            type_id=rng.choice(("video", "rooms", "other")),
            evidence=rng.choice((None, None, True, False)),
            status=rng.choice(("booked", "booked", "confirmed", "arrived", "no_show")),
        )


def work(rng: random.Random, fake: FakeClinic, when: str) -> dict[tuple[str, str], str]:
    """Notes and a phone on some cards, and before the change also other columns."""
    shown = {key: card for key, card in fake.cards().items() if card.presence == "on_sheet"}
    done: dict[tuple[str, str], str] = {}
    for key in rng.sample(sorted(shown), min(4, len(shown))):
        changes: dict[str, Any] = {"notes": f"{when} {key[0]}", "patient_phone": "0491 570 999"}
        if when == "before":
            changes["patient_phone"] = "0491 570 888"
            if rng.random() < 0.5:
                changes["clinician_id"] = fake.mapped[rng.choice(("anna", "ben", "cleo"))]
            if rng.random() < 0.3:
                changes["is_telehealth"] = rng.choice((True, False))
        overrides.edit_card(shown[key].id, changes, MEL)
        done[key] = changes["notes"]
    return done


def change_something(rng: random.Random, fake: FakeClinic) -> None:
    """One form of practitioners or of types, kept as an administrator does; it changes something."""
    while not undo.list_undoable(fake.connection_id):
        if rng.random() < 0.5:
            people = rng.sample(("anna", "ben", "cleo"), rng.choice((1, 2)))
            match(fake, *(any_choice(rng, fake, person) for person in people))
        else:
            kinds = rng.sample(("video", "rooms", "other"), rng.choice((1, 2)))
            choose(
                fake,
                *(
                    TypeChoice(
                        kind,
                        is_telehealth=rng.choice((True, False, None)),
                        sync_enabled=rng.random() < 0.8,
                    )
                    for kind in kinds
                ),
            )


def any_choice(rng: random.Random, fake: FakeClinic, person: str) -> MappingChoice:
    what = rng.choice(("map", "create", "ignore", "undecided"))
    column = fake.mapped[rng.choice(("anna", "ben", "cleo"))] if what == "map" else None
    return MappingChoice(person, what, column, f"Room of {person}" if what == "create" else None)


# What a change would do, told before.


def test_a_preview_tells_what_moves_and_what_staff_have_put_elsewhere(fake: FakeClinic) -> None:
    edit(fake, "v2", clinician_id=fake.mapped["cleo"])
    found = effects.of_mappings(
        fake.connection_id, [MappingChoice("anna", "map", clinician_id=fake.mapped["ben"])]
    )
    assert found.each == (
        Effect("Dr Anna Abel", moves=1, stay=1, origin="Dr Anna Abel", target="Dr Ben Bock"),
    )
    assert undo.list_undoable(fake.connection_id) == [], "nothing is stored by asking"


def test_a_preview_tells_what_leaves_and_how_much_of_it_was_worked_on(fake: FakeClinic) -> None:
    edit(fake, "v2", notes="Has a question")
    found = effects.of_mappings(fake.connection_id, [MappingChoice("anna", "ignore")])
    assert found.each == (Effect("Dr Anna Abel", off=2, with_work=1),)
    match(fake, MappingChoice("anna", "ignore"))
    assert {fake.presence("v1"), fake.presence("v2")} == {"unmapped"}


@BOTH_WAYS
def test_a_preview_tells_what_comes_on_as_the_next_update_puts_it(
    fake: FakeClinic, practice: FakePractice
) -> None:
    match(fake, MappingChoice("anna", "ignore"))
    practice.book("anna", fake.at("15:00"), ["di"])
    practice.book("anna", fake.at("15:30"), ["eve"], type_id="rooms")
    found = effects.of_mappings(
        fake.connection_id, [MappingChoice("anna", "map", clinician_id=fake.mapped["ben"])]
    )
    assert found.each == (Effect("Dr Anna Abel", target="Dr Ben Bock", on=3),)
    match(fake, MappingChoice("anna", "map", clinician_id=fake.mapped["ben"]))
    fake.sync()
    shown = [card for card in fake.cards().values() if card.clinician_id == fake.mapped["ben"]]
    assert len([card for card in shown if card.presence == "on_sheet"]) == 1 + 3


@BOTH_WAYS
def test_a_preview_of_types_equals_what_the_next_update_does(
    fake: FakeClinic, practice: FakePractice
) -> None:
    practice.book("ben", fake.at("14:00"), ["di"], type_id="rooms")
    practice.book("ben", fake.at("14:30"), ["eve"], type_id="rooms")
    fake.sync()
    choices = [TypeChoice("rooms", is_telehealth=True), TypeChoice("video", sync_enabled=False)]
    found = effects.of_types(fake.connection_id, choices)
    assert found.each == (Effect("In the rooms", on=2), Effect("Video call", off=3))
    choose(fake, *choices)
    fake.sync()
    shown = [card for card in fake.cards().values() if card.presence == "on_sheet"]
    assert {card.appointment_type for card in shown} == {"In the rooms"}
    assert len(shown) == 2


def test_a_preview_says_when_what_comes_on_could_not_be_read(
    fake: FakeClinic, practice: FakePractice
) -> None:
    match(fake, MappingChoice("anna", "ignore"))
    practice.faults.lists["anna"] = (0, BadVendorDataError("PMS-REFUSED", pms="Fake"))
    found = effects.of_mappings(
        fake.connection_id, [MappingChoice("anna", "map", clinician_id=fake.mapped["ben"])]
    )
    assert found.each == (Effect("Dr Anna Abel", target="Dr Ben Bock", on=None),)
