"""C23: one wall-clock time for one appointment, on the card, the page, the JSON and in the timeline.

On the two days a year that have 23 or 25 hours (Lord Howe: 23.5 and 24.5), in every Australian zone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from flask import Flask

from pmsapp import clock
from pmsapp.domain.window import AUSTRALIAN_ZONES, SyncWindow
from pmsapp.services.sheet.timeline import of_card
from pmsapp.settings import Settings
from tests.support.actors import Browser
from tests.support.clock import FrozenClock
from tests.support.fake_clinic import FakeClinic, stock
from tests.support.fake_pms import FakePractice, registered

DAYS = (date(2027, 4, 4), date(2027, 10, 3))
STEP = timedelta(minutes=30)


@pytest.fixture(params=AUSTRALIAN_ZONES)
def zone(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=DAYS, ids=str)
def day(request: pytest.FixtureRequest) -> date:
    found: date = request.param
    return found


@pytest.fixture
def settings(make_settings: Callable[..., Settings], zone: str) -> Settings:
    return make_settings(clinic_time_zone=zone, lookahead_days=0)


@pytest.fixture
def window(zone: str, day: date, frozen_clock: FrozenClock) -> SyncWindow:
    """The day, a minute before which the clock stands."""
    window = SyncWindow(day, zone)
    frozen_clock.set(window.start_at)
    return window


@pytest.fixture
def clinic(app: Flask, window: SyncWindow) -> Iterator[FakeClinic]:
    practice = stock(FakePractice())
    with registered("practice", practice):
        yield FakeClinic(practice, zone=window.zone)


def starts(window: SyncWindow) -> list[datetime]:
    """Each half hour that really passes, and the last minute."""
    count = int((window.end_at - window.start_at) / STEP)
    return [window.start_at + n * STEP for n in range(count)] + [window.end_at - timedelta(minutes=1)]


def wall(instant: datetime, zone: str) -> str:
    return f"{instant.astimezone(ZoneInfo(zone)):%H:%M}"


def test_c23_every_appointment_of_a_change_over_day_shows_its_own_time_everywhere(
    clinic: FakeClinic, window: SyncWindow, day: date, zone: str, login: Callable[..., Browser]
) -> None:
    booked = {clinic.practice.book("anna", at, ["ada"]): at for at in starts(window)}
    outside = [
        clinic.practice.book("anna", window.start_at - timedelta(minutes=1), ["bo"]),
        clinic.practice.book("anna", window.end_at, ["bo"]),
    ]
    run = clinic.sync(day)
    assert (run.status, run.counts["created"]) == ("success", len(booked))
    cards = {card.pms_appointment_id: card for card in clinic.sheet().cards}
    assert {name: card.start_at for name, card in cards.items()} == booked
    assert not [name for name in outside if name in cards]

    reception = login("reception")
    sheet = reception.get(f"/api/run-sheet?date={day}").json
    listed = {
        appointment["pms_appointment_id"]: appointment
        for column in sheet["clinicians"]
        for appointment in column["appointments"]
    }
    page = reception.get(f"/sheet/{day}").text
    for name, at in booked.items():
        told = datetime.fromisoformat(listed[name]["start_at"])
        assert told == at
        assert told.utcoffset() == at.astimezone(ZoneInfo(zone)).utcoffset()
        assert listed[name]["start_at"][11:16] == wall(at, zone)
        assert wall(at, zone) in page
    assert [appointment["start_at"] for appointment in sheet["clinicians"][0]["appointments"]] == [
        listed[name]["start_at"] for name in sorted(booked, key=lambda name: booked[name])
    ], "the order is that of the instants, not of the wall clock"


def test_c23_a_move_across_the_change_over_is_told_in_the_same_time(
    clinic: FakeClinic, window: SyncWindow, day: date, zone: str
) -> None:
    first, last = starts(window)[0], starts(window)[-2]
    visit = clinic.practice.book("anna", first, ["ada"])
    clinic.sync(day)
    clinic.practice.change(visit, start_at=last)
    run = clinic.sync(day)
    assert run.counts["updated"] == 1
    card = clinic.card(visit)
    assert card.moved_from is not None
    assert (card.start_at, card.moved_from.start_at, card.date) == (last, first, day)
    (moved, _) = of_card(card.id)
    assert datetime.fromisoformat(moved.was["start_at"]) == first
    again = clinic.sync(day)
    assert again.counts["unchanged"] == 1


def test_c23_today_is_the_clinics_day_at_both_of_its_edges(
    clinic: FakeClinic, window: SyncWindow, day: date, frozen_clock: FrozenClock
) -> None:
    for instant, today in (
        (window.start_at - timedelta(seconds=1), day - timedelta(days=1)),
        (window.start_at, day),
        (window.end_at - timedelta(seconds=1), day),
        (window.end_at, day + timedelta(days=1)),
    ):
        frozen_clock.set(instant)
        assert clinic.run(clinic.request()).dates == (today,)
        assert clock.now().astimezone(UTC) == instant
