"""The clinic's own row: made once, changed with care."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from flask import Flask

from pmsapp.domain.actor import COMMAND_LINE
from pmsapp.services.base import audit
from pmsapp.services.base.errors import Invalid
from pmsapp.services.clinic import clinic
from tests.support.clock import FrozenClock


def test_before_its_row_exists_the_settings_speak(app: Flask) -> None:
    view = clinic.get_clinic()
    assert (view.time_zone, view.state, view.is_training) == ("Australia/Melbourne", "VIC", False)


def test_the_row_is_made_once(app: Flask) -> None:
    first = clinic.ensure(name="First")
    second = clinic.ensure(name="Second")
    assert first == second
    assert 0 <= first.jitter_s < 60


def test_today_is_the_clinics_day(app: Flask, frozen_clock: FrozenClock) -> None:
    frozen_clock.set(datetime(2026, 11, 22, 14, 0, tzinfo=UTC))
    assert clinic.today() == date(2026, 11, 23)


def test_a_change_is_stored_and_audited(app: Flask) -> None:
    view = clinic.update_clinic(
        COMMAND_LINE,
        name=" Banksia Clinic ",
        state="NSW",
        closed_days=(date(2026, 12, 24), date(2026, 12, 24)),
    )
    assert (view.name, view.state, view.closed_days) == ("Banksia Clinic", "NSW", (date(2026, 12, 24),))
    assert clinic.get_clinic() == view
    assert audit.list_events()[0].detail == {"fields": ["closed_days", "name", "state"]}


def test_a_state_can_be_taken_away(app: Flask) -> None:
    assert clinic.update_clinic(COMMAND_LINE, state="").state is None


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": "  "}, "name"),
        ({"time_zone": "Mars/Olympus"}, "time_zone"),
        ({"state": "Tuscany"}, "state"),
        ({"hours": {"mon": ("08:00", "17:00")}}, "hours"),
        ({"hours": {**clinic.USUAL_HOURS, "tue": ("17:00", "08:00")}}, "hours.tue"),
        ({"hours": {**clinic.USUAL_HOURS, "tue": ("8", "17:00")}}, "hours.tue"),
        ({"hours": dict.fromkeys(clinic.WEEKDAYS)}, "hours"),
    ],
)
def test_what_cannot_be_right_is_refused_by_field(app: Flask, change: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        clinic.update_clinic(COMMAND_LINE, **change)
    assert set(refused.value.errors) == {field}
