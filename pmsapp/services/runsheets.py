"""The run sheet of a day, as everybody reads it."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from pmsapp import clock
from pmsapp.domain.appointment import Presence
from pmsapp.domain.rules import Decision as MappingDecision
from pmsapp.domain.runsheet import (
    NOT_SHOWN,
    Card,
    Freshness,
    Sheet,
    arrange,
    in_time_order,
    oldest,
    stays_in_view,
)
from pmsapp.domain.schedule import aged
from pmsapp.domain.window import day_start
from pmsapp.extensions import key_ring
from pmsapp.models import Decision, Incident, PMSClinicianMapping, PMSConnection, RunSheet, RunSheetClinician
from pmsapp.models import Freshness as FreshnessRow
from pmsapp.services import schedule
from pmsapp.services.cards import load_cards
from pmsapp.services.errors import NotFound
from pmsapp.services.stored_cards import CARDS
from pmsapp.services.transaction import reading


def get_sheet(day: date, *, include_not_shown: bool = False, clinician_id: int | None = None) -> Sheet:
    """One day. `clinician_id` narrows it to that column (a clinician sees their own).

    The number of statements does not depend on the number of cards or clinicians.
    """
    now = clock.now()
    with reading() as session:
        ages = _Ages(session, day, now)
        row = session.execute(select(RunSheet.id, RunSheet.version).where(RunSheet.date == day)).one_or_none()
        cards = _cards_of(session, row.id if row else None, day)
        clinicians = _clinicians(session, cards, ages)
        waiting = _waiting(session)
    if clinician_id is not None:
        clinicians = [one for one in clinicians if one[0] == clinician_id]
        cards = [card for card in cards if card.clinician_id == clinician_id]
    sheet_cards = [card for card in cards if card.date == day]
    shown = [card for card in sheet_cards if stays_in_view(card)]
    hidden = [card for card in sheet_cards if card.presence in NOT_SHOWN and not stays_in_view(card)]
    moved = [card for card in cards if card.date != day]
    columns, unassigned = arrange(shown, clinicians)
    whole = oldest(ages.all_parts())
    version = row.version if row else 0
    return Sheet(
        date=day,
        time_zone=ages.zone,
        version=version,
        freshness=whole,
        columns=columns,
        unassigned=unassigned if clinician_id is None else (),
        not_shown=_not_shown_counts(hidden, moved),
        not_shown_cards=in_time_order([*hidden, *moved]) if include_not_shown else None,
        etag=_etag(day, version, ages, waiting),
        in_person_not_shown=ages.not_shown,
        undecided=ages.undecided,
        open_decisions=waiting[0],
        connections=ages.labels,
    )


def get_card(card_id: int) -> Card:
    """One card whatever its presence. Raises NotFound."""
    with reading() as session:
        found = load_cards(session, key_ring(), [CARDS.c.id == card_id])
    if not found:
        raise NotFound("appointment")
    return found[0]


def sheet_etag(day: date) -> str:
    """The sheet's tag without reading its cards."""
    now = clock.now()
    with reading() as session:
        ages = _Ages(session, day, now)
        version = session.scalar(select(RunSheet.version).where(RunSheet.date == day)) or 0
        waiting = _waiting(session)
    return _etag(day, version, ages, waiting)


def _cards_of(session: Session, sheet_id: int | None, day: date) -> list[Card]:
    """Cards shown on the day, and those that moved away from it."""
    here = CARDS.c.moved_from_date == day
    return load_cards(
        session, key_ring(), [or_(CARDS.c.run_sheet_id == sheet_id, here) if sheet_id else here]
    )


def _clinicians(session: Session, cards: Sequence[Card], ages: _Ages) -> list[tuple[int, str, Freshness]]:
    """Active columns in their order, and inactive ones that still have cards."""
    used = {card.clinician_id for card in cards}
    rows = session.execute(
        select(RunSheetClinician.id, RunSheetClinician.name, RunSheetClinician.active).order_by(
            RunSheetClinician.sort_order, RunSheetClinician.name, RunSheetClinician.id
        )
    )
    return [(row.id, row.name, ages.of(row.id)) for row in rows if row.active or row.id in used]


def _not_shown_counts(hidden: Sequence[Card], moved: Sequence[Card]) -> dict[str, int]:
    counts = Counter(card.presence for card in hidden)
    return {
        "moved": len(moved),
        "filtered": counts[Presence.FILTERED],
        "unmapped": counts[Presence.UNMAPPED],
        "removed_by_staff": counts[Presence.REMOVED_BY_STAFF],
    }


def _waiting(session: Session) -> tuple[int, int]:
    """How many questions wait, and the newest trouble people were told of: both are announced on every sheet."""
    questions = select(func.count()).select_from(Decision).where(Decision.state == "open").scalar_subquery()
    trouble = (
        select(func.max(Incident.id))
        .where(Incident.ended_at.is_(None), Incident.opened_at.is_not(None))
        .scalar_subquery()
    )
    row = session.execute(select(questions, trouble)).one()
    return row[0] or 0, row[1] or 0


def _etag(day: date, version: int, ages: _Ages, waiting: tuple[int, int]) -> str:
    """Changes with the cards, their age, what is counted beside them, the questions that wait, and trouble."""
    parts = sorted(
        (key, [(age.state.value, str(age.as_of)) for age in part]) for key, part in ages.parts.items()
    )
    beside = ages.not_shown, ages.undecided, ages.labels
    return hashlib.sha256(f"{day}|{version}|{parts}|{beside}|{waiting}".encode()).hexdigest()[:20]


class _Ages:
    """How old each practitioner-day is, folded by clinician. A day that is over no longer ages."""

    def __init__(self, session: Session, day: date, now: datetime) -> None:
        self._hours = schedule.clinic_hours(session, now)
        self._now = min(now, day_start(day + timedelta(days=1), self._hours.zone))
        self.zone = self._hours.zone
        connections = session.execute(
            select(
                PMSConnection.id,
                PMSConnection.display_name,
                PMSConnection.sync_frequency_minutes,
                PMSConnection.next_sync_at,
                PMSConnection.state,
            )
        ).all()
        mappings = session.execute(
            select(
                PMSClinicianMapping.connection_id,
                PMSClinicianMapping.pms_practitioner_id,
                PMSClinicianMapping.pms_practitioner_name,
                PMSClinicianMapping.clinician_id,
                PMSClinicianMapping.decision,
            ).where(PMSClinicianMapping.decision != MappingDecision.IGNORED)
        ).all()
        rows = session.execute(
            select(
                FreshnessRow.connection_id,
                FreshnessRow.pms_practitioner_id,
                FreshnessRow.as_of,
                FreshnessRow.not_shown,
                FreshnessRow.fetched,
            ).where(FreshnessRow.date == day)
        ).all()
        self._periods = {row.id: timedelta(minutes=row.sync_frequency_minutes) for row in connections}
        read = {
            (row.connection_id, row.pms_practitioner_id): row
            for row in rows
            if row.connection_id in self._periods
        }
        mapped = [
            row
            for row in mappings
            if row.decision == MappingDecision.MAPPED and row.connection_id in self._periods
        ]
        self.parts: dict[int, list[Freshness]] = {}
        for row in mapped:
            age = self._age(row.connection_id, read.get((row.connection_id, row.pms_practitioner_id)))
            if row.clinician_id is not None:
                self.parts.setdefault(row.clinician_id, []).append(age)
        shown = {(row.connection_id, row.pms_practitioner_id) for row in mapped} | {
            (row.connection_id, "") for row in rows
        }
        self.not_shown = sum(row.not_shown for key, row in read.items() if key in shown)
        self.undecided = self._undecided(mappings, read)
        self.labels = tuple(row.display_name for row in connections)

    def _age(self, connection_id: int, row: Any | None) -> Freshness:
        return aged(row.as_of if row else None, self._now, self._periods[connection_id], self._hours)

    def _undecided(
        self, mappings: Sequence[Any], read: dict[tuple[int, str], Any]
    ) -> tuple[tuple[str, int], ...]:
        found = []
        for row in mappings:
            seen = read.get((row.connection_id, row.pms_practitioner_id))
            if row.decision == MappingDecision.UNDECIDED and seen is not None and seen.fetched:
                found.append((row.pms_practitioner_name, seen.fetched))
        return tuple(found)

    def of(self, clinician_id: int) -> Freshness:
        """A column's age: its oldest part; NEVER when no connection feeds it."""
        return oldest(self.parts.get(clinician_id, ()))

    def all_parts(self) -> list[Freshness]:
        """Every part there is."""
        return [age for ages in self.parts.values() for age in ages]
