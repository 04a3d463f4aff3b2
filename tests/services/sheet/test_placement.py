"""Putting a card somewhere is one act: presence, why, since when, version, timeline, and the sheet's version."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from pmsapp import clock
from pmsapp.domain.actor import Actor
from pmsapp.domain.appointment import Presence
from pmsapp.models import RunSheet, RunSheetAppointment
from pmsapp.services.base.transaction import reading, writing
from pmsapp.services.clinic import clinic
from pmsapp.services.sheet import placement, timeline
from pmsapp.services.sheet.placement import PlacedBy
from tests.support.clock import FrozenClock
from tests.support.fake_clinic import FakeClinic, stock
from tests.support.fake_pms import FakePractice, registered

MEL = Actor(kind="user", name="Mel", id=1, role="reception")
SERVICES = Path(placement.__file__).resolve().parent.parent
# A run writes presence in bulk together with what the PMS says; the rest goes through `placement`.
MAY_WRITE_PRESENCE = {"sheet/placement.py", "scopes/write.py"}
PLACE = {"presence_reason", "presence_at"}


@pytest.fixture
def fake(app: Flask, frozen_clock: FrozenClock) -> Iterator[FakeClinic]:
    practice = stock(FakePractice())
    with registered("practice", practice):
        clinic.ensure()
        made = FakeClinic(practice)
        practice.book("anna", made.at("10:00"), ["ada"])
        practice.book("anna", made.at("11:00"), ["bo"])
        made.sync()
        frozen_clock.advance(minutes=5)
        yield made


def cards() -> list[RunSheetAppointment]:
    with reading() as session:
        return list(session.scalars(select(RunSheetAppointment).order_by(RunSheetAppointment.start_at)))


def sheet_version(day: date) -> int:
    with reading() as session:
        return session.scalars(select(RunSheet.version).where(RunSheet.date == day)).one()


def placed(presence: Presence, reason: str | None, **also: Any) -> set[date]:
    with writing() as session:
        return placement.place(
            session,
            [card.id for card in cards()],
            presence,
            reason,
            kind="moved_by_test",
            by=PlacedBy.staff(MEL),
            now=clock.now(),
            **also,
        )


def test_a_place_has_a_reason_a_time_a_line_and_new_versions(
    fake: FakeClinic, frozen_clock: FrozenClock
) -> None:
    before, version = cards(), sheet_version(fake.today)
    assert placed(Presence.HELD, "somebody asked") == {fake.today}
    for was, card in zip(before, cards(), strict=True):
        assert (card.presence, card.presence_reason, card.presence_at) == (
            "held",
            "somebody asked",
            frozen_clock.at,
        )
        assert (card.row_version, card.updated_at) == (was.row_version + 1, frozen_clock.at)
        newest = timeline.of_card(card.id)[0]
        assert (newest.kind, newest.source, newest.actor, newest.at) == (
            "moved_by_test",
            "staff",
            "Mel",
            frozen_clock.at,
        )
    assert sheet_version(fake.today) == version + 1


def test_what_was_acknowledged_is_seen_anew_and_no_reason_has_no_time(fake: FakeClinic) -> None:
    acknowledged: dict[str, datetime | str] = {"acknowledged_at": clock.now(), "acknowledged_by": "Mel"}
    placed(Presence.CANCELLED, "cancelled", also=acknowledged)
    assert {card.acknowledged_by for card in cards()} == {"Mel"}
    placed(Presence.ON_SHEET, None)
    for card in cards():
        assert (card.presence_reason, card.presence_at) == (None, None)
        assert (card.acknowledged_at, card.acknowledged_by) == (None, None)


def test_cards_that_stand_elsewhere_by_now_are_left_alone(fake: FakeClinic) -> None:
    placed(Presence.HELD, "held")
    versions = [card.row_version for card in cards()]
    assert placed(Presence.DELETED, "gone", only=(Presence.ON_SHEET,)) == set()
    assert [(card.presence, card.row_version) for card in cards()] == [
        ("held", version) for version in versions
    ]


def test_a_caller_of_many_lets_the_sheets_versions_grow_once(fake: FakeClinic) -> None:
    version = sheet_version(fake.today)
    assert placed(Presence.HELD, "held", bump=False) == {fake.today}
    assert sheet_version(fake.today) == version


def test_a_card_held_as_an_object_shows_its_new_place(fake: FakeClinic) -> None:
    with writing() as session:
        card = session.scalars(select(RunSheetAppointment)).first()
        assert card is not None
        by, now = PlacedBy.staff(MEL), clock.now()
        placement.place(session, [card.id], Presence.HELD, "held", kind="x", by=by, now=now)
        assert card.presence == "held"


def test_nobody_else_puts_cards_anywhere() -> None:
    found = {
        path.relative_to(SERVICES).as_posix()
        for path in SERVICES.rglob("*.py")
        if _writes_a_place(ast.parse(path.read_text(encoding="utf-8")))
    }
    assert found <= MAY_WRITE_PRESENCE


def _writes_a_place(tree: ast.AST) -> bool:
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and node.attr in PLACE:
            return True
        if isinstance(node, ast.Call) and PLACE & {keyword.arg for keyword in node.keywords}:
            is_update = isinstance(node.func, ast.Attribute) and node.func.attr == "values"
            if is_update:
                return True
        if isinstance(node, ast.Dict):
            keys = {key.value for key in node.keys if isinstance(key, ast.Constant)}
            if PLACE & keys:
                return True
    return False
