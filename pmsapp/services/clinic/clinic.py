"""The one clinic of this installation: its name, zone, opening hours and days it is closed."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Row, select, update
from sqlalchemy.orm import Session

from pmsapp import clock
from pmsapp.domain.actor import Actor
from pmsapp.domain.window import day_of, days_ahead, is_zone
from pmsapp.extensions import current_settings
from pmsapp.models import Clinic
from pmsapp.models.upsert import table_of
from pmsapp.services.base import audit
from pmsapp.services.base.errors import Invalid
from pmsapp.services.base.transaction import reading, writing

DAY_WORDS = {
    "mon": "Monday",
    "tue": "Tuesday",
    "wed": "Wednesday",
    "thu": "Thursday",
    "fri": "Friday",
    "sat": "Saturday",
    "sun": "Sunday",
}
WEEKDAYS = tuple(DAY_WORDS)
Hours = Mapping[str, tuple[str, str] | None]
USUAL_HOURS: Hours = {
    **dict.fromkeys(WEEKDAYS[:5], ("07:00", "19:00")),
    "sat": ("07:00", "14:00"),
    "sun": None,
}
ALWAYS_OPEN: Hours = dict.fromkeys(WEEKDAYS, ("00:00", "24:00"))
STATES = ("ACT", "NSW", "NT", "QLD", "SA", "TAS", "VIC", "WA")
_STATE_OF_ZONE = {
    "Australia/Sydney": "NSW",
    "Australia/Broken_Hill": "NSW",
    "Australia/Lord_Howe": "NSW",
    "Australia/Melbourne": "VIC",
    "Australia/Hobart": "TAS",
    "Australia/Brisbane": "QLD",
    "Australia/Lindeman": "QLD",
    "Australia/Adelaide": "SA",
    "Australia/Darwin": "NT",
    "Australia/Perth": "WA",
    "Australia/Eucla": "WA",
}
THE_ONE = 1
_ITS_ROW = select(table_of(Clinic)).where(table_of(Clinic).c.id == THE_ONE)
DEFAULT_NAME = "Our clinic"
MAX_NAME_CHARS = 120
_JITTER_BELOW_S = 60
CLOCK_TIME = "(?:[01][0-9]|2[0-3]):[0-5][0-9]|24:00"
_TIME = re.compile(CLOCK_TIME)
NAME_SENTENCE = f"Give the clinic a name of 1 to {MAX_NAME_CHARS} characters."
ZONE_SENTENCE = "Choose a time zone such as Australia/Melbourne."
STATE_SENTENCE = f"The state must be one of: {', '.join(STATES)}."
NEVER_OPEN = "Give opening hours for at least one day; pause the updates instead when the clinic is closed."


@dataclass(frozen=True, slots=True)
class ClinicView:
    """The clinic. `hours`: weekday ("mon".."sun") -> (opens, closes) as clinic-local "HH:MM", None when closed.

    `state` decides the public holidays; None: none are kept. `jitter_s`: how far this installation's schedule
    stands off the full minute, so that many installations do not call a vendor at once.
    """

    name: str
    time_zone: str
    state: str | None
    hours: Hours
    closed_days: tuple[date, ...]
    jitter_s: int
    is_training: bool
    require_second_factor: bool = False


def ensure(*, name: str = DEFAULT_NAME, is_training: bool = False, hours: Hours = USUAL_HOURS) -> ClinicView:
    """Make the clinic's row on the first start; later starts change nothing."""
    zone = current_settings().clinic_time_zone
    with writing() as session:
        row = session.get(Clinic, THE_ONE)
        if row is None:
            now = clock.now()
            row = Clinic(
                id=THE_ONE,
                name=name,
                time_zone=zone,
                state=_STATE_OF_ZONE.get(zone),
                hours=dict(hours),
                closed_days=[],
                jitter_s=secrets.randbelow(_JITTER_BELOW_S),
                is_training=is_training,
                created_at=now,
                updated_at=now,
            )
            session.add(row)
            session.flush()
        return _view(row)


def get_clinic(session: Session | None = None) -> ClinicView:
    """The clinic; before it has a row, what the settings say."""
    if session is not None:
        return view_of(session.get(Clinic, THE_ONE))
    with reading() as own:
        return view_of(own.execute(_ITS_ROW).one_or_none())


def time_zone(session: Session | None = None) -> str:
    """The clinic's IANA zone."""
    return get_clinic(session).time_zone


def today(session: Session | None = None) -> date:
    """The clinic's calendar day now."""
    return day_of(clock.now(), time_zone(session))


def update_clinic(
    actor: Actor,
    *,
    name: str | None = None,
    time_zone: str | None = None,
    state: str | None = None,
    hours: Hours | None = None,
    closed_days: tuple[date, ...] | None = None,
) -> ClinicView:
    """Change what is given (`state` "" takes the state away). Raises Invalid with a sentence per field."""
    changes: dict[str, Any] = {
        "name": name.strip() if name is not None else None,
        "time_zone": time_zone,
        "state": state,
        "hours": dict(hours) if hours is not None else None,
        "closed_days": [day.isoformat() for day in sorted(set(closed_days))]
        if closed_days is not None
        else None,
    }
    changes = {field: value for field, value in changes.items() if value is not None}
    _check(changes)
    if changes.get("state") == "":
        changes["state"] = None
    ensure()
    with writing() as session:
        before = session.scalars(select(Clinic).where(Clinic.id == THE_ONE)).one()
        changes = {field: value for field, value in changes.items() if _differs(before, field, value)}
        if changes:
            session.expire(before)
            session.execute(
                update(Clinic).where(Clinic.id == THE_ONE).values(**changes, updated_at=clock.now())
            )
            audit.record(session, actor, "clinic.changed", "clinic:1", {"fields": sorted(changes)})
        row = session.scalars(select(Clinic).where(Clinic.id == THE_ONE)).one()
        return _view(row)


def _differs(row: Clinic, field: str, value: Any) -> bool:
    """True when the row says something else; a list and a tuple of the same are no difference."""
    return json.dumps(getattr(row, field), sort_keys=True) != json.dumps(value, sort_keys=True)


def _check(changes: Mapping[str, Any]) -> None:
    errors: dict[str, str] = {}
    if "name" in changes and not 1 <= len(changes["name"]) <= MAX_NAME_CHARS:
        errors["name"] = NAME_SENTENCE
    if "time_zone" in changes and not is_zone(changes["time_zone"]):
        errors["time_zone"] = ZONE_SENTENCE
    if changes.get("state") not in (None, "", *STATES):
        errors["state"] = STATE_SENTENCE
    if "hours" in changes:
        errors |= _hours_faults(changes["hours"])
    if errors:
        raise Invalid(errors)


def _hours_faults(hours: Mapping[str, Any]) -> dict[str, str]:
    """What is wrong with opening hours: a sentence for each day, or one for all of them."""
    if set(hours) != set(WEEKDAYS):
        return {"hours": "Give opening hours for each day from mon to sun, or none for a day that is closed."}
    faults = {f"hours.{day}": fault for day, times in hours.items() if (fault := times_fault(day, times))}
    return faults or ({} if any(hours.values()) else {"hours": NEVER_OPEN})


def times_fault(day: str, times: Any) -> str | None:
    """One sentence about the opening hours of a weekday that cannot be right, or None."""
    if times is None:
        return None
    if len(times) != 2 or not all(isinstance(text, str) and _TIME.fullmatch(text) for text in times):
        return f"{DAY_WORDS[day]}'s hours need two times like 08:30, or none when the clinic is closed."
    return f"On {DAY_WORDS[day]} the clinic must open before it closes." if times[0] >= times[1] else None


def view_of(row: Clinic | Row[Any] | None) -> ClinicView:
    """The clinic as its row says; without one, what the settings say."""
    return _from_settings() if row is None else _view(row)


def _view(row: Clinic | Row[Any]) -> ClinicView:
    return ClinicView(
        name=row.name,
        time_zone=row.time_zone,
        state=row.state,
        hours={day: tuple(row.hours[day]) if row.hours.get(day) else None for day in WEEKDAYS},
        closed_days=tuple(date.fromisoformat(day) for day in row.closed_days or ()),
        jitter_s=row.jitter_s,
        is_training=row.is_training,
        require_second_factor=row.require_second_factor,
    )


def _from_settings() -> ClinicView:
    zone = current_settings().clinic_time_zone
    return ClinicView("Our clinic", zone, _STATE_OF_ZONE.get(zone), USUAL_HOURS, (), 0, is_training=False)


def days_to_read(session: Session) -> list[date]:
    """Today first, then the look-ahead."""
    return days_ahead(today(session), current_settings().lookahead_days)
