"""How the whole installation stands, in one statement: the clinic, its connections, and when each list was read."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import groupby
from typing import Any, NamedTuple

from sqlalchemy import Row, Select, and_, bindparam, exists, func, literal, null, select, true, union_all
from sqlalchemy.orm import Session

from pmsapp.adapters.registry import ADAPTERS, get_info
from pmsapp.domain.sync.rules import MappingDecision
from pmsapp.domain.sync_state import ConnectionState, MappedList
from pmsapp.models import (
    Clinic,
    Incident,
    PMSAppointmentType,
    PMSConnection,
    ScopeFreshness,
    SyncRun,
)
from pmsapp.models import PMSClinicianMapping as Mapped_
from pmsapp.services.clinic import clinic
from pmsapp.services.clinic.clinic import ClinicView

UNASSIGNED = ""  # the practitioner of appointments that have none


class Reading(NamedTuple):
    """The last complete reading of one list on one day."""

    as_of: datetime
    fetched: int
    not_shown: int


@dataclass(frozen=True, slots=True)
class Feed:
    """One practitioner's list at one connection, with its readings by day. `decision` is None for UNASSIGNED.

    `since`: when it was decided about, else first seen. `is_listed`: False once the vendor no longer lists them, where
    each has a list of their own: it cannot be read any more, and a person is asked.
    """

    practitioner_id: str
    name: str | None
    clinician_id: int | None
    decision: MappingDecision | None
    readings: Mapping[date, Reading]
    since: datetime | None = None
    is_listed: bool = True


@dataclass(frozen=True, slots=True)
class Connected:
    """One connection. `progress`: of the run under way, empty until it says something; None when none runs."""

    row: PMSConnection
    feeds: tuple[Feed, ...]
    telehealth_types: int
    progress: Mapping[str, Any] | None

    @property
    def mapped(self) -> list[Feed]:
        """The feeds that fill a column."""
        return [feed for feed in self.feeds if feed.decision is MappingDecision.MAPPED]

    @property
    def read(self) -> list[Feed]:
        """Those of them that updates read."""
        return [feed for feed in self.mapped if feed.is_listed]

    @property
    def in_setup(self) -> bool:
        """True until its first update has shown that it works."""
        return self.row.state == ConnectionState.SETUP

    def lists(self, day: date) -> list[MappedList]:
        """Its mapped lists of a day, with what their age depends on.

        A list that is there no longer ages only its own column, and only on days it was read for.
        """
        return [
            MappedList(
                clinician_id=feed.clinician_id,
                as_of=feed.readings[day].as_of if day in feed.readings else None,
                since=feed.since,
                period=timedelta(minutes=self.row.sync_frequency_minutes),
                in_setup=self.in_setup,
                is_listed=feed.is_listed,
            )
            for feed in self.mapped
            if feed.is_listed or day in feed.readings
        ]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything small that a page needs. `has_problem`: an incident is open that people were told of."""

    clinic: ClinicView
    connections: tuple[Connected, ...] = field(default=())
    has_problem: bool = False


def load(
    session: Session, now: datetime, *, day: date | None = None, only: Collection[int] | None = None
) -> Snapshot:
    """One statement, whatever the number of connections and practitioners.

    Readings are those of `day` and of the days around now, of which each connection's today is one. `only` narrows
    the connections to these ids.
    """
    days = sorted(_days_around(now) | ({day} if day else set()))
    narrowed = {} if only is None else {"only": list(only)}
    rows = session.execute(_query(only is not None), {"days": days, **narrowed}).all()
    return Snapshot(
        clinic=clinic.view_of(rows[0].Clinic),
        connections=tuple(_connected(rows)),
        has_problem=rows[0].has_problem,
    )


def _days_around(now: datetime) -> set[date]:
    """Every day that is today somewhere."""
    here = now.astimezone(UTC).date()
    return {here + timedelta(days=step) for step in (-1, 0, 1)}


# A connection's practitioners, and always one more for what has none.
_FEEDS = union_all(
    select(
        Mapped_.pms_connection_id,
        Mapped_.id.label("place"),
        Mapped_.pms_practitioner_id.label("practitioner_id"),
        Mapped_.pms_practitioner_name.label("name"),
        Mapped_.run_sheet_clinician_id,
        Mapped_.decision,
        func.coalesce(Mapped_.decided_at, Mapped_.first_seen_at).label("since"),
        Mapped_.last_seen_at,
    ),
    select(PMSConnection.id, literal(0), literal(UNASSIGNED), null(), null(), null(), null(), null()),
).subquery("feeds")
_TYPES = (
    select(func.count())
    .where(
        PMSAppointmentType.pms_connection_id == PMSConnection.id,
        func.coalesce(PMSAppointmentType.is_telehealth, PMSAppointmentType.pms_is_telehealth).is_(True),
    )
    .scalar_subquery()
)
_PROBLEM = exists().where(Incident.ended_at.is_(None), Incident.opened_at.is_not(None))


@cache
def _query(is_narrowed: bool) -> Select[Any]:
    """Clinic and connections may both be missing: there is always one row."""
    wanted = PMSConnection.id.in_(bindparam("only", expanding=True)) if is_narrowed else true()
    return (
        select(
            Clinic,
            PMSConnection,
            _TYPES.label("telehealth_types"),
            _PROBLEM.label("has_problem"),
            SyncRun.id.label("run_id"),
            SyncRun.progress,
            _FEEDS.c.practitioner_id,
            _FEEDS.c.name,
            _FEEDS.c.run_sheet_clinician_id,
            _FEEDS.c.decision,
            _FEEDS.c.since,
            _FEEDS.c.last_seen_at,
            ScopeFreshness.date,
            ScopeFreshness.as_of,
            ScopeFreshness.fetched,
            ScopeFreshness.not_shown,
        )
        .select_from(select(literal(1)).subquery("one"))
        .outerjoin(Clinic, Clinic.id == clinic.THE_ONE)
        .outerjoin(PMSConnection, wanted)
        .outerjoin(SyncRun, and_(SyncRun.pms_connection_id == PMSConnection.id, SyncRun.status == "running"))
        .outerjoin(_FEEDS, _FEEDS.c.pms_connection_id == PMSConnection.id)
        .outerjoin(
            ScopeFreshness,
            and_(
                ScopeFreshness.connection_id == PMSConnection.id,
                ScopeFreshness.pms_practitioner_id == _FEEDS.c.practitioner_id,
                ScopeFreshness.date.in_(bindparam("days", expanding=True)),
            ),
        )
        .order_by(PMSConnection.id, _FEEDS.c.place)
    )


def _connected(rows: Iterable[Row[Any]]) -> Iterator[Connected]:
    for row, of_one in groupby(rows, key=lambda each: each.PMSConnection):
        if row is None:
            continue
        listed = list(of_one)
        first = listed[0]
        yield Connected(
            row,
            tuple(_feeds(listed, _listed_since(row))),
            first.telehealth_types,
            None if first.run_id is None else first.progress or {},
        )


def _listed_since(connection: PMSConnection) -> datetime | None:
    """Whoever was last listed before this is no longer listed; None where one list serves everybody."""
    info = ADAPTERS.get(connection.pms_type)
    reads_each = info is not None and get_info(connection.pms_type).capabilities.reads_per_practitioner
    return connection.reference_read_at if reads_each else None


def _feeds(rows: Iterable[Row[Any]], listed_since: datetime | None) -> Iterator[Feed]:
    for practitioner_id, of_one in groupby(rows, key=lambda each: each.practitioner_id):
        listed = list(of_one)
        first = listed[0]
        yield Feed(
            practitioner_id,
            first.name,
            first.run_sheet_clinician_id,
            MappingDecision(first.decision) if first.decision else None,
            {row.date: Reading(row.as_of, row.fetched, row.not_shown) for row in listed if row.date},
            first.since,
            listed_since is None or first.last_seen_at is None or first.last_seen_at >= listed_since,
        )
