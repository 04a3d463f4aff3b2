"""Made-up sheets for tests of what the page prints; nothing is stored."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

from pmsapp.domain.appointment import Presence
from pmsapp.domain.runsheet import Card, Column, Freshness, FreshnessState, Sheet

DAY = date(2026, 11, 23)
ZONE = "Australia/Melbourne"
NOW = datetime(2026, 11, 22, 23, 30, tzinfo=UTC)  # 10:30 in Melbourne
FRESH = Freshness(NOW - timedelta(minutes=5), FreshnessState.FRESH)
LATE = Freshness(NOW - timedelta(minutes=20), FreshnessState.LATE)
STALE = Freshness(NOW - timedelta(hours=2), FreshnessState.STALE)
NEVER = Freshness(None, FreshnessState.NEVER)


def at(clock: str) -> datetime:
    """That wall-clock time of the day, in Melbourne (UTC+11 in November)."""
    hour, minute = map(int, clock.split(":"))
    return datetime(2026, 11, 22, 13, 0, tzinfo=UTC) + timedelta(hours=hour, minutes=minute)


def card(number: int = 1, clock: str = "09:00", **more: Any) -> Card:
    """A telehealth card of twenty minutes; keyword arguments replace any field."""
    values: dict[str, Any] = {
        "id": number,
        "row_version": 1,
        "date": DAY,
        "start_at": at(clock),
        "time_zone": ZONE,
        "duration_minutes": 20,
        "clinician_id": 1,
        "patient_name": f"Patient {number}",
        "patient_dob": date(1979, 3, 12),
        "patient_phone": f"+6149157{number:04d}",
        "patient_email": None,
        "appointment_type": "Telehealth consult",
        "appointment_status": "booked",
        "is_telehealth": True,
        "presence": Presence.ON_SHEET,
        "state": "booked",
        "notes": None,
        "pms_notes": None,
        "source": "pms",
        "pms_connection_id": 1,
        "pms_appointment_id": str(number),
        "pms_patient_id": "1",
        "pms_practitioner_id": "1",
        "pms_last_synced_at": NOW,
    }
    return Card(**(values | more))


def column(*cards: Card, number: int = 1, fresh: Freshness = FRESH) -> Column:
    return Column(number, f"Dr {number}", fresh, tuple(cards))


def sheet(*columns: Column, **more: Any) -> Sheet:
    """A day with these columns; keyword arguments replace any field."""
    values: dict[str, Any] = {
        "date": DAY,
        "time_zone": ZONE,
        "version": 1,
        "freshness": FRESH,
        "columns": columns,
        "unassigned": (),
        "not_shown": {},
        "connections": ("Gentu",),
    }
    return Sheet(**(values | more))
