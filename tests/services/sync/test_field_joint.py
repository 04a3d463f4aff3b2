"""A joint consultation: one appointment with several practitioners is one steady card in one column."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask

from pmsapp.domain.errors import RetryLaterError
from pmsapp.schemas.sheet import CardOut
from tests.support.clock import FrozenClock
from tests.support.fake_clinic import FakeClinic, stock
from tests.support.fake_pms import PER_PRACTITIONER, WHOLE_PRACTICE, FakePractice, registered


@pytest.fixture
def practice() -> Iterator[FakePractice]:
    practice = stock(FakePractice())
    with registered("practice", practice):
        yield practice


@pytest.fixture(params=[PER_PRACTITIONER, WHOLE_PRACTICE])
def clinic(
    request: pytest.FixtureRequest, app: Flask, frozen_clock: FrozenClock, practice: FakePractice
) -> FakeClinic:
    return FakeClinic(practice, request.param)


@pytest.fixture(params=[("anna", "ben"), ("ben", "anna")], ids=["first listed", "last listed"])
def joint(request: pytest.FixtureRequest, clinic: FakeClinic) -> tuple[str, str, str]:
    """A visit of two practitioners: (its id, whose column it belongs to, who else is there)."""
    owner, other = request.param
    return clinic.practice.book(owner, clinic.at("13:00"), ["ada"], also=(other,)), owner, other


def quiet(clinic: FakeClinic) -> None:
    """Further runs have nothing to do; each pair counts once."""
    for _ in range(2):
        run = clinic.sync()
        assert (run.counts["updated"], run.counts["created"], run.counts["unchanged"]) == (0, 0, 1)
        assert (run.status, run.counts["fetched"]) == ("success", 1)


def test_field_05_it_is_one_card_in_the_column_of_the_first_and_names_the_other(
    clinic: FakeClinic, joint: tuple[str, str, str]
) -> None:
    visit, owner, other = joint
    run = clinic.sync()
    assert (run.counts["created"], run.counts["fetched"], run.status) == (1, 1, "success")
    card = clinic.card(visit)
    assert card.clinician_id == clinic.mapped[owner]
    assert card.also_with == (clinic.practice.practitioners[other].name,)
    assert CardOut.of(card, clinic.zone).also_with == list(card.also_with)
    version = card.row_version
    quiet(clinic)
    assert clinic.card(visit).row_version == version


def test_field_05_the_first_who_is_mapped_has_it(clinic: FakeClinic, joint: tuple[str, str, str]) -> None:
    visit, owner, other = joint
    clinic.decide_on(owner, "ignored")
    clinic.sync()
    card = clinic.card(visit)
    assert card.clinician_id == clinic.mapped[other]
    assert card.also_with == (clinic.practice.practitioners[owner].name,)
    quiet(clinic)


def test_field_05_it_moves_once_when_the_clinic_decides_anew(
    clinic: FakeClinic, joint: tuple[str, str, str]
) -> None:
    visit, owner, other = joint
    clinic.decide_on(owner, "undecided")
    clinic.sync()
    assert clinic.card(visit).clinician_id == clinic.mapped[other]
    clinic.decide_on(owner, "mapped")
    assert clinic.sync().counts["updated"] == 1
    assert clinic.card(visit).clinician_id == clinic.mapped[owner]
    quiet(clinic)


def test_field_05_somebody_who_joins_or_leaves_is_one_change(clinic: FakeClinic) -> None:
    visit = clinic.practice.book("anna", clinic.at("13:00"), ["ada"])
    clinic.sync()
    clinic.practice.change(visit, also=("cleo",))
    assert clinic.sync().counts["updated"] == 1
    assert clinic.card(visit).also_with == ("Dr Cleo Cohn",)
    quiet(clinic)
    clinic.practice.change(visit, also=())
    assert clinic.sync().counts["updated"] == 1
    assert clinic.card(visit).also_with == ()
    quiet(clinic)


def test_field_05_it_is_kept_while_its_owners_list_cannot_be_read(
    clinic: FakeClinic, joint: tuple[str, str, str]
) -> None:
    visit, owner, _ = joint
    clinic.sync()
    clinic.practice.faults.lists[owner] = (0, RetryLaterError("PMS-DOWN", pms="Fake"))
    clinic.practice.change(visit, start_at=clinic.at("15:00"))
    clinic.sync()
    assert clinic.card(visit).presence == "on_sheet"
    clinic.practice.faults.lists.clear()
    clinic.sync()
    card = clinic.card(visit)
    assert (card.start_at, card.clinician_id) == (clinic.at("15:00"), clinic.mapped[owner])
    quiet(clinic)


def test_field_05_a_joint_visit_that_is_deleted_leaves_once(
    clinic: FakeClinic, joint: tuple[str, str, str]
) -> None:
    visit, _, _ = joint
    clinic.sync()
    clinic.practice.delete(visit)
    assert clinic.sync().counts["removed"] == 1
    assert clinic.presence(visit) == "deleted"
    assert clinic.sync().counts["removed"] == 0
