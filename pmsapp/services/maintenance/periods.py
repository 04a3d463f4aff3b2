"""How long each kind of data stays: the settings, and what the law asks for at least. See docs/retention.md."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from pmsapp.settings import Settings

ADULT = 18
CHILDREN_UNTIL_AGE = 25  # the record of somebody seen as a child is kept until this birthday


@dataclass(frozen=True, slots=True)
class Periods:
    """Each as days. `notes` also counts for whatever staff wrote down about a patient's visit."""

    cards: timedelta
    notes: timedelta
    overrides: timedelta
    timelines: timedelta
    runs: timedelta
    audit: timedelta
    backups: timedelta


def of(settings: Settings) -> Periods:
    """The periods of this installation."""
    return Periods(
        cards=timedelta(days=settings.retention_cards_days),
        notes=timedelta(days=settings.retention_notes_days),
        overrides=timedelta(days=settings.retention_overrides_days),
        timelines=timedelta(days=settings.retention_timelines_days),
        runs=timedelta(days=settings.retention_runs_days),
        audit=timedelta(days=settings.retention_audit_days),
        backups=timedelta(days=settings.retention_backups_days),
    )


def keep_until(
    day: date, birth_date: date | None, periods: Periods, *, has_notes: bool, has_overrides: bool
) -> date:
    """The first day on which a card of `day` may go."""
    until = day + periods.cards
    if has_overrides:
        until = max(until, day + periods.overrides)
    if has_notes:
        until = max(until, day + periods.notes)
        if birth_date is not None and day < _birthday(birth_date, ADULT):
            until = max(until, _birthday(birth_date, CHILDREN_UNTIL_AGE))
    return until


def _birthday(born: date, age: int) -> date:
    try:
        return born.replace(year=born.year + age)
    except ValueError:  # 29 February
        return date(born.year + age, 3, 1)
