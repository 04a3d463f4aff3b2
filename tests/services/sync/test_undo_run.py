"""Undoing a run gives the sheet back as it was before it, edits included, for every card nobody touched since."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select

from pmsapp import clock
from pmsapp.domain.runsheet import Card
from pmsapp.models import CardBefore, SyncRun
from pmsapp.sandbox.server import SandboxServer
from pmsapp.services.base import audit
from pmsapp.services.base.errors import Conflict
from pmsapp.services.base.transaction import reading, writing
from pmsapp.services.editing import decisions, overrides
from pmsapp.services.maintenance import erasure, purge
from pmsapp.services.sheet import before_runs
from pmsapp.services.sheet.stored_cards import CARDS
from pmsapp.services.sync import undo_run
from pmsapp.settings import Settings
from tests.support.clock import FrozenClock
from tests.support.fake_clinic import MEL, FakeClinic
from tests.support.sandboxes import Sandboxes
from tests.vendors.clinics import ConnectedClinic, vendors_at

VENDORS = ("gentu", "medirecords", "halaxy")
ROUNDS = 4


def picture(clinic: FakeClinic) -> dict[tuple[str, str], Card]:
    """Every card as people see it; only its version may differ."""
    return {key: replace(card, row_version=0) for key, card in clinic.cards().items()}


def test_what_a_run_changed_is_put_back_and_what_it_made_goes(clinic: FakeClinic) -> None:
    practice = clinic.practice
    moved = practice.book("anna", clinic.at("09:00"), ["ada"])
    gone = practice.book("anna", clinic.at("10:00"), ["bo"])
    called_off = practice.book("ben", clinic.at("11:00"), ["cy"])
    clinic.sync()
    card = clinic.card(moved)
    overrides.edit_card(card.id, {"patient_phone": "+61491570156", "notes": "Rang twice"}, MEL)
    before, version = picture(clinic), clinic.sheet().version
    practice.change(moved, start_at=clinic.at("14:00", 1), practitioner="ben")
    practice.edit_patient("ada", phone="+61491570999")
    practice.delete(gone)
    practice.change(called_off, status="cancelled")
    practice.book("cleo", clinic.at("12:00"), ["di"])
    run = clinic.sync()
    assert picture(clinic) != before
    assert [question.kind for question in clinic.questions()] == ["field_conflict"]
    done = undo_run.undo(clinic.connection_id, run.id, MEL)
    assert (len(done.possible), len(done.impossible)) == (4, 0)
    assert picture(clinic) == before
    assert clinic.questions() == []
    assert clinic.sheet().version > version
    undone = clinic.run(run.id).undone or {}
    assert {name: undone[name] for name in ("by", "put_back", "taken_off", "left")} == {
        "by": "Mel",
        "put_back": 3,
        "taken_off": 1,
        "left": 0,
    }


def test_the_next_run_reads_what_was_undone_again(clinic: FakeClinic) -> None:
    visit = clinic.practice.book("anna", clinic.at("09:00"), ["ada"])
    clinic.sync()
    clinic.practice.change(visit, start_at=clinic.at("14:00"))
    clinic.practice.book("anna", clinic.at("10:00"), ["bo"])
    run = clinic.sync()
    after = picture(clinic)
    undo_run.undo(clinic.connection_id, run.id, MEL)
    again = clinic.sync()
    assert (again.counts["updated"], again.counts["created"]) == (1, 1)
    assert {key: card.start_at for key, card in picture(clinic).items()} == {
        key: card.start_at for key, card in after.items()
    }


def test_the_age_of_the_data_is_that_of_the_run_before(clinic: FakeClinic, frozen_clock: FrozenClock) -> None:
    visit = clinic.practice.book("anna", clinic.at("09:00"), ["ada"])
    clinic.sync()
    read_at = clinic.sheet().freshness.as_of
    frozen_clock.advance(minutes=15)
    clinic.practice.change(visit, status="cancelled")
    run = clinic.sync()
    undo_run.undo(clinic.connection_id, run.id, MEL)
    assert clinic.sheet().freshness.as_of == read_at


def test_a_card_that_somebody_touched_since_stays_as_it_is(clinic: FakeClinic) -> None:
    first = clinic.practice.book("anna", clinic.at("09:00"), ["ada"])
    second = clinic.practice.book("anna", clinic.at("10:00"), ["bo"])
    clinic.sync()
    for visit in (first, second):
        clinic.practice.change(visit, minutes=45)
    run = clinic.sync()
    overrides.edit_card(clinic.card(first).id, {"notes": "Spoke to her"}, MEL)
    plan = undo_run.plan(clinic.connection_id, run.id)
    (stays,) = plan.impossible
    assert (stays.card_id, stays.obstacle and stays.obstacle.kind, stays.obstacle and stays.obstacle.by) == (
        clinic.card(first).id,
        "edited",
        "Mel",
    )
    undo_run.undo(clinic.connection_id, run.id, MEL)
    assert clinic.card(first).duration_minutes == 45
    assert clinic.card(first).notes == "Spoke to her"
    assert clinic.card(second).duration_minutes != 45


def test_a_card_that_a_later_run_changed_waits_for_that_one_to_be_undone(clinic: FakeClinic) -> None:
    visit = clinic.practice.book("anna", clinic.at("09:00"), ["ada"])
    clinic.sync()
    before = picture(clinic)
    clinic.practice.change(visit, minutes=45)
    earlier = clinic.sync()
    clinic.practice.change(visit, minutes=60)
    later = clinic.sync()
    (stays,) = undo_run.plan(clinic.connection_id, earlier.id).impossible
    assert stays.obstacle is not None
    assert stays.obstacle.kind == "later_update"
    with pytest.raises(Conflict) as refused:
        undo_run.undo(clinic.connection_id, earlier.id, MEL)
    assert refused.value.code == "NOTHING-TO-UNDO"
    undo_run.undo(clinic.connection_id, later.id, MEL)
    undo_run.undo(clinic.connection_id, earlier.id, MEL)
    assert picture(clinic) == before


def test_two_patients_of_one_appointment_go_back_together_or_not_at_all(clinic: FakeClinic) -> None:
    visit = clinic.practice.book("anna", clinic.at("09:00"), ["ada"])
    clinic.sync()
    before = picture(clinic)
    clinic.practice.change(visit, patients=("bo",))
    run = clinic.sync()
    assert clinic.presence(visit, "ada") == "held"
    overrides.edit_card(clinic.card(visit, "bo").id, {"notes": "New here"}, MEL)
    plan = undo_run.plan(clinic.connection_id, run.id)
    assert {line.obstacle.kind for line in plan.impossible if line.obstacle} == {"edited", "together"}
    assert plan.possible == ()
    overrides.edit_card(clinic.card(visit, "bo").id, {"notes": None}, MEL)
    assert undo_run.plan(clinic.connection_id, run.id).possible == ()
    assert picture(clinic) != before


def test_a_swap_of_patients_is_undone_whole(clinic: FakeClinic) -> None:
    visit = clinic.practice.book("anna", clinic.at("09:00"), ["ada"])
    clinic.sync()
    before = picture(clinic)
    clinic.practice.change(visit, patients=("bo",))
    run = clinic.sync()
    undo_run.undo(clinic.connection_id, run.id, MEL)
    assert picture(clinic) == before
    assert clinic.questions() == []


def test_removals_that_were_held_stand_again_and_nobody_is_asked(clinic: FakeClinic) -> None:
    visits = [clinic.practice.book("anna", clinic.at(f"{hour:02}:00"), ["ada"]) for hour in range(8, 16)]
    clinic.sync()
    before = picture(clinic)
    for visit in visits[:6]:
        clinic.practice.delete(visit)
    run = clinic.sync()
    assert [question.kind for question in clinic.questions()] == ["removals_held"]
    undo_run.undo(clinic.connection_id, run.id, MEL)
    assert picture(clinic) == before
    assert clinic.questions() == []


def test_a_question_that_the_run_settled_is_asked_again(clinic: FakeClinic) -> None:
    visit = clinic.practice.book("anna", clinic.at("09:00"), ["ada"])
    clinic.sync()
    overrides.edit_card(clinic.card(visit).id, {"patient_phone": "+61491570156"}, MEL)
    clinic.practice.edit_patient("ada", phone="+61491570999")
    clinic.sync()
    before, (asked,) = picture(clinic), clinic.questions()
    clinic.practice.edit_patient("ada", phone="+61491570156")
    run = clinic.sync()
    assert clinic.questions() == []
    undo_run.undo(clinic.connection_id, run.id, MEL)
    assert picture(clinic) == before
    assert clinic.questions() == [asked]


def test_what_cannot_be_undone_says_why(clinic: FakeClinic, frozen_clock: FrozenClock) -> None:
    def refusal(run_id: int) -> str:
        return undo_run.plan(clinic.connection_id, run_id).refused or ""

    clinic.practice.book("anna", clinic.at("09:00"), ["ada"])
    assert "preview" in refusal(clinic.sync(dry_run=True).id)
    made = clinic.sync()
    assert "changed no cards" in refusal(clinic.sync().id)
    frozen_clock.advance(hours=25)
    assert "24 hours" in refusal(made.id)
    purge.purge_records()
    with reading() as session:
        assert session.scalar(select(func.count()).select_from(CardBefore)) == 0


def test_a_run_is_undone_once_and_never_while_another_reads(clinic: FakeClinic) -> None:
    clinic.practice.book("anna", clinic.at("09:00"), ["ada"])
    run, other = clinic.sync(), clinic.sync()
    with writing() as session:
        session.get_one(SyncRun, other.id).status = "running"
    with pytest.raises(Conflict, match="under way"):
        undo_run.undo(clinic.connection_id, run.id, MEL)
    with writing() as session:
        session.get_one(SyncRun, other.id).status = "success"
    undo_run.undo(clinic.connection_id, run.id, MEL)
    with pytest.raises(Conflict, match="already"):
        undo_run.undo(clinic.connection_id, run.id, MEL)


def test_the_log_says_who_undid_what_without_a_patient(clinic: FakeClinic) -> None:
    clinic.practice.book("anna", clinic.at("09:00"), ["ada"])
    run = clinic.sync()
    card_id = next(iter(clinic.cards().values())).id
    undo_run.undo(clinic.connection_id, run.id, MEL)
    entry = audit.list_events(limit=1)[0]
    assert (entry.action, entry.subject) == ("run.undo", f"run:{run.id}")
    assert entry.detail == {
        "connection_id": clinic.connection_id,
        "put_back": 0,
        "taken_off": 1,
        "left": 0,
        "cards_taken_off": [card_id],
    }


def test_what_is_kept_of_a_patient_goes_with_their_cards(clinic: FakeClinic) -> None:
    visit = clinic.practice.book("anna", clinic.at("09:00"), ["ada"])
    clinic.sync()
    clinic.practice.edit_patient("ada", name="Ada Acorn")
    clinic.sync()
    with writing() as session:
        erasure.remove_cards(session, [clinic.card(visit).id], clock.now())
    with reading() as session:
        assert session.scalar(select(func.count()).select_from(CardBefore)) == 0


def test_every_column_of_a_card_is_either_put_back_or_known_to_stay() -> None:
    put_back = {column.name for column in before_runs._COLUMNS}
    assert set(CARDS.columns.keys()) >= before_runs._STAYS
    assert put_back | before_runs._STAYS == set(CARDS.columns.keys())
    assert {
        "start_at",
        "clinician_id",
        "presence",
        "run_sheet_id",
        "pms_digest",
        "host_link_sealed",
    } <= put_back


@pytest.fixture
def sandbox(sandboxes: Sandboxes, frozen_clock: FrozenClock) -> SandboxServer:
    return sandboxes.lend()


@pytest.fixture
def settings(make_settings: Callable[..., Settings], sandbox: SandboxServer) -> Settings:
    return make_settings(vendors=vendors_at(sandbox))


@pytest.mark.slow
@pytest.mark.parametrize("vendor", VENDORS)
def test_after_an_undo_the_sheet_is_the_sheet_before_the_run_on_random_days(
    vendor: str, app: Flask, sandbox: SandboxServer, frozen_clock: FrozenClock
) -> None:
    clinic = ConnectedClinic(app, sandbox, vendor)
    clinic.match_everybody()
    clinic.choose_types()
    chance = random.Random(vendor)  # noqa: S311 - days and changes to try, no secret
    for ahead in chance.sample(range(-20, 20), ROUNDS):
        day = clinic.today + timedelta(days=ahead)
        clinic.sync(day)
        edit_freely(clinic, day, chance)
        frozen_clock.advance(minutes=15)
        before, questions = of_days(clinic, day), decisions.list_open()
        change_freely(clinic, day, chance)
        run = clinic.sync(day)
        assert of_days(clinic, day) != before
        done = undo_run.undo(clinic.connection_id, run.id, MEL)
        assert done.impossible == ()
        assert of_days(clinic, day) == before, f"{vendor}, {day}"
        assert decisions.list_open() == questions


def of_days(clinic: ConnectedClinic, day: date) -> dict[int, Card]:
    cards = [*clinic.all_cards(day), *clinic.all_cards(day + timedelta(days=1))]
    return {card.id: replace(card, row_version=0) for card in cards}


def edit_freely(clinic: ConnectedClinic, day: date, chance: random.Random) -> None:
    """Somebody at the desk types over a third of the cards."""
    cards = clinic.sheet(day).cards
    for card in chance.sample(list(cards), max(1, len(cards) // 3)):
        field = chance.choice(["patient_phone", "notes", "patient_email"])
        typed = {"patient_phone": "+61491570156", "notes": "Rang", "patient_email": "desk@example.com"}[field]
        overrides.edit_card(card.id, {field: typed}, MEL)


def change_freely(clinic: ConnectedClinic, day: date, chance: random.Random) -> None:
    """The practice moves, cancels, deletes and books, and one patient has another phone."""
    book = clinic.sandbox.clinic
    rows = [row for row in book.appointments_on(day) if row.attendances]
    for row in chance.sample(rows, min(len(rows), 6)):
        how = chance.choice(["move", "day", "cancel", "delete", "swap", "phone"])
        if how == "move":
            book.move(row.key, at=f"{chance.randrange(8, 17):02}:35")
        elif how == "day":
            book.move(row.key, on=day + timedelta(days=1))
        elif how == "cancel":
            book.cancel(row.key)
        elif how == "delete":
            book.delete(row.key)
        elif how == "swap":
            others = [other.attendances[0].patient_key for other in rows if other.key != row.key]
            book.swap_patient(row.key, chance.choice(others))
        else:
            book.edit_patient(row.attendances[0].patient_key, phone=f"0491 570 {chance.randrange(100, 999)}")
