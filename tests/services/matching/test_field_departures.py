"""A practitioner or type that changes, is archived or goes at the vendor becomes a question with its cards, asked once."""

from __future__ import annotations

from dataclasses import replace

import pytest
from flask import Flask

from pmsapp import clock
from pmsapp.domain.errors import BadVendorDataError
from pmsapp.services.base.transaction import reading
from pmsapp.services.connections import connections
from pmsapp.services.editing import decisions
from pmsapp.services.editing.decisions import DecisionView
from pmsapp.services.monitoring import conditions
from pmsapp.services.sheet import columns
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
    made.sync()
    return made


def asked(kind: str) -> list[DecisionView]:
    return [question for question in decisions.list_open() if question.kind == kind]


def renamed(practice: FakePractice, key: str, **changes: object) -> None:
    practice.practitioners[key] = replace(practice.practitioners[key], **changes)  # type: ignore[arg-type]


def test_field_living_somebody_deleted_at_the_pms_is_asked_about_and_their_list_fails_no_run(
    fake: FakeClinic, practice: FakePractice, frozen_clock: FrozenClock
) -> None:
    del practice.practitioners["anna"]
    practice.faults.lists["anna"] = (0, BadVendorDataError("PMS-REFUSED", pms="Fake"))
    frozen_clock.advance(minutes=20)
    assert fake.sync().status == "success"
    (question,) = asked("practitioner_gone")
    assert sorted(question.appointment_ids) == sorted(card.id for card in fake.cards().values())
    assert question.theirs["how"] == "vanished"
    frozen_clock.advance(minutes=20)
    assert fake.sync().status == "success"
    assert [question.id for question in asked("practitioner_gone")] == [question.id]
    decisions.decide(question.id, "pms", MEL)
    assert {card.presence.value for card in fake.cards().values()} == {"unmapped"}
    frozen_clock.advance(minutes=20)
    assert fake.sync().status == "success"
    assert asked("practitioner_gone") == []


def test_field_living_whoever_is_listed_again_is_read_again_and_no_longer_asked_about(
    fake: FakeClinic, practice: FakePractice, frozen_clock: FrozenClock
) -> None:
    anna = practice.practitioners.pop("anna")
    frozen_clock.advance(minutes=20)
    fake.sync()
    practice.book("anna", fake.at("11:20"), ["cy"])
    assert asked("practitioner_gone")
    practice.practitioners["anna"] = anna
    frozen_clock.advance(minutes=20)
    fake.sync()
    assert asked("practitioner_gone") == []
    assert fake.presence("v3") == "on_sheet"


def test_field_living_a_kept_column_of_somebody_gone_is_not_asked_about_for_ever(
    fake: FakeClinic, practice: FakePractice, frozen_clock: FrozenClock
) -> None:
    del practice.practitioners["anna"]
    practice.faults.lists["anna"] = (0, BadVendorDataError("PMS-REFUSED", pms="Fake"))
    frozen_clock.advance(minutes=20)
    fake.sync()
    (question,) = asked("practitioner_gone")
    decisions.decide(question.id, "keep", MEL)
    frozen_clock.advance(minutes=20)
    assert fake.sync().status == "success"
    assert asked("practitioner_gone") == []
    assert fake.presence("v1") == "on_sheet"


@BOTH_WAYS
def test_field_living_an_archived_practitioner_is_asked_about_and_still_read(
    fake: FakeClinic, practice: FakePractice, frozen_clock: FrozenClock
) -> None:
    renamed(practice, "anna", active=False)
    practice.book("anna", fake.at("11:20"), ["cy"])
    frozen_clock.advance(minutes=20)
    fake.sync()
    (question,) = asked("practitioner_gone")
    assert (question.theirs["how"], fake.presence("v3")) == ("archived", "on_sheet")
    renamed(practice, "anna", active=True)
    frozen_clock.advance(minutes=20)
    fake.sync()
    assert asked("practitioner_gone") == []


@BOTH_WAYS
def test_field_living_a_renamed_practitioner_may_rename_their_column(
    fake: FakeClinic, practice: FakePractice, frozen_clock: FrozenClock
) -> None:
    was = practice.practitioners["anna"].name
    renamed(practice, "anna", name="Dr Anna Newname")
    frozen_clock.advance(minutes=20)
    fake.sync()
    (question,) = asked("practitioner_changed")
    assert (question.ours, question.theirs["was_name"]) == (was, was)
    decisions.decide(question.id, "pms", MEL)
    names = [column.name for column in columns.list_clinicians()]
    assert "Dr Anna Newname" in names
    assert was not in names


def test_field_living_a_column_with_a_name_of_its_own_is_not_asked_about(
    fake: FakeClinic, practice: FakePractice, frozen_clock: FrozenClock
) -> None:
    columns.update_clinician(fake.mapped["anna"], MEL, name="Room 1")
    renamed(practice, "anna", name="Dr Anna Newname")
    frozen_clock.advance(minutes=20)
    fake.sync()
    assert asked("practitioner_changed") == []


def test_field_living_a_list_of_nobody_says_nothing_about_anybody(
    fake: FakeClinic, practice: FakePractice, frozen_clock: FrozenClock
) -> None:
    practice.practitioners.clear()
    practice.types.clear()
    frozen_clock.advance(minutes=20)
    fake.sync()
    assert decisions.list_open() == []


@pytest.mark.parametrize("how", ["vanished", "archived"])
def test_field_living_an_archived_type_with_cards_is_asked_about_once(
    fake: FakeClinic, practice: FakePractice, frozen_clock: FrozenClock, how: str
) -> None:
    kind = practice.types["video"]
    if how == "vanished":
        del practice.types["video"]
    else:
        practice.types["video"] = replace(kind, active=False)
    frozen_clock.advance(minutes=20)
    fake.sync()
    (question,) = asked("type_gone")
    assert (question.theirs["how"], len(question.appointment_ids)) == (how, 2)
    frozen_clock.advance(minutes=20)
    fake.sync()
    assert [question.id for question in asked("type_gone")] == [question.id]
    assert fake.presence("v1") == "on_sheet"
    decisions.decide(question.id, "pms", MEL)
    assert fake.presence("v1") == "filtered"
    practice.types["video"] = kind


def test_field_living_a_type_that_is_listed_again_settles_the_question(
    fake: FakeClinic, practice: FakePractice, frozen_clock: FrozenClock
) -> None:
    kind = practice.types.pop("video")
    frozen_clock.advance(minutes=20)
    fake.sync()
    assert asked("type_gone")
    practice.types["video"] = kind
    frozen_clock.advance(minutes=20)
    fake.sync()
    assert asked("type_gone") == []


def ages(fake: FakeClinic) -> tuple[str, str, dict[str, str]]:
    """How old the connection, today's sheet and each of its columns are."""
    sheet = fake.sheet()
    return (
        connections.get_connection(fake.connection_id).freshness.state.value,
        sheet.freshness.state.value,
        {column.name: column.freshness.state.value for column in sheet.columns},
    )


@pytest.mark.parametrize("answer", ["", "keep", "pms"])
def test_field_living_somebody_gone_makes_neither_sheet_nor_connection_late(
    fake: FakeClinic, practice: FakePractice, frozen_clock: FrozenClock, answer: str
) -> None:
    del practice.practitioners["anna"]
    practice.faults.lists["anna"] = (0, BadVendorDataError("PMS-REFUSED", pms="Fake"))
    frozen_clock.advance(minutes=10)
    fake.sync()
    if answer:
        decisions.decide(asked("practitioner_gone")[0].id, answer, MEL)
    for _ in range(4):
        frozen_clock.advance(minutes=20)
        fake.sync()
    connection, sheet, columns_of = ages(fake)
    assert (connection, sheet) == ("fresh", "fresh")
    assert columns_of["Dr Ben Bock"] == "fresh"
    assert columns_of["Dr Anna Abel"] == ("none" if answer == "pms" else "stale"), "nobody reads these cards"
    with reading() as session:
        assert conditions.stale_connections(session, clock.now()) == []
    frozen_clock.advance(days=2)  # beyond the days that were read ahead
    fake.sync()
    assert ages(fake)[2]["Dr Anna Abel"] == "none", "there is nothing of theirs to be late with"
    assert ages(fake)[:2] == ("fresh", "fresh")
