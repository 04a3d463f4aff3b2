"""A connection as people and programs see it: no secret in it, its state and the age of its data worked out now."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import Row, func, select, tuple_
from sqlalchemy.orm import Session

from pmsapp import clock
from pmsapp.adapters.registry import get_info
from pmsapp.domain import sync_state
from pmsapp.domain.rules import Decision
from pmsapp.domain.runsheet import Freshness
from pmsapp.domain.schedule import ClinicHours, aged
from pmsapp.domain.sync_state import ConnectionFacts, ConnectionState
from pmsapp.domain.window import day_of
from pmsapp.models import Freshness as FreshnessRow
from pmsapp.models import PMSAppointmentType, PMSClinicianMapping, PMSConnection
from pmsapp.services import schedule, vendors


@dataclass(frozen=True, slots=True)
class ErrorView:
    """What went wrong last: a code of the catalogue and its sentence."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class PauseView:
    """A pause in force: it ends by itself at `until`."""

    until: datetime
    by: str | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class ConnectionCounts:
    """How many practitioners are mapped, ignored, undecided; how many types count as telehealth."""

    mapped: int = 0
    ignored: int = 0
    undecided: int = 0
    telehealth_types: int = 0


@dataclass(frozen=True, slots=True)
class ConnectionView:
    """One connection. `pms_label` is the vendor's name, `advice` what the person should do, in one sentence.

    `needs_pairing`: the vendor wants a pairing code and none was consumed yet. Instants are UTC-aware.
    """

    id: int
    pms_type: str
    pms_label: str
    display_name: str
    practice_name: str | None
    tenant_id: str | None
    practice_id: str | None
    organization_id: str | None
    time_zone: str
    state: ConnectionState
    advice: str
    sync_enabled: bool
    sync_frequency_minutes: int
    sync_telehealth_only: bool
    last_sync_at: datetime | None
    last_sync_status: str | None
    last_sync_error: ErrorView | None
    next_sync_at: datetime | None
    next_sync_reason: str | None
    paused: PauseView | None
    freshness: Freshness
    counts: ConnectionCounts
    has_credentials: bool
    needs_pairing: bool
    created_at: datetime
    updated_at: datetime


def views_of(session: Session, rows: Sequence[PMSConnection]) -> list[ConnectionView]:
    """The views of these rows, in their order; a constant number of statements."""
    now = clock.now()
    ids = [row.id for row in rows]
    counts = _counts(session, ids)
    hours = schedule.clinic_hours(session, now)
    as_of = _as_of(session, rows, now)
    return [_view(row, counts[row.id], as_of.get(row.id), now, hours) for row in rows]


def view_of(session: Session, row: PMSConnection) -> ConnectionView:
    """The view of one row."""
    return views_of(session, [row])[0]


def _view(
    row: PMSConnection, counts: ConnectionCounts, as_of: datetime | None, now: datetime, hours: ClinicHours
) -> ConnectionView:
    info = get_info(row.pms_type)
    fresh = aged(as_of, now, timedelta(minutes=row.sync_frequency_minutes), hours)
    stored = ConnectionState(row.state)
    state = sync_state.connection_state(
        ConnectionFacts(stored, row.sync_enabled, row.paused_until, fresh.state), now
    )
    is_paused = row.paused_until is not None and sync_state.is_paused(row.paused_until, now)
    return ConnectionView(
        id=row.id,
        pms_type=row.pms_type,
        pms_label=info.label,
        display_name=row.display_name,
        practice_name=row.practice_name,
        tenant_id=row.tenant_id,
        practice_id=row.practice_id,
        organization_id=row.organization_id,
        time_zone=row.time_zone,
        state=state,
        advice=sync_state.what_to_do(state, row.last_error_code, info.label),
        sync_enabled=row.sync_enabled,
        sync_frequency_minutes=row.sync_frequency_minutes,
        sync_telehealth_only=row.sync_telehealth_only,
        last_sync_at=row.last_sync_at,
        last_sync_status=row.last_sync_status,
        last_sync_error=_error(row),
        next_sync_at=row.next_sync_at,
        next_sync_reason=row.next_sync_reason,
        paused=PauseView(row.paused_until, row.paused_by, row.paused_reason)
        if is_paused and row.paused_until
        else None,
        freshness=fresh,
        counts=counts,
        has_credentials=vendors.has_credentials(info, is_stored=row.credentials_sealed is not None),
        needs_pairing=info.capabilities.pairing and row.tenant_id is None,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def _error(row: PMSConnection) -> ErrorView | None:
    if row.last_error_code is None:
        return None
    return ErrorView(row.last_error_code, row.last_error_message or row.last_error_code)


def _counts(session: Session, ids: Iterable[int]) -> dict[int, ConnectionCounts]:
    found: dict[int, dict[str, int]] = {connection_id: {} for connection_id in ids}
    mapping = PMSClinicianMapping
    for connection_id, decision, count in session.execute(
        select(mapping.connection_id, mapping.decision, func.count())
        .where(mapping.connection_id.in_(found))
        .group_by(mapping.connection_id, mapping.decision)
    ):
        found[connection_id][Decision(decision).name.lower()] = count
    kind = PMSAppointmentType
    for connection_id, count in session.execute(
        select(kind.connection_id, func.count())
        .where(
            kind.connection_id.in_(found),
            func.coalesce(kind.is_telehealth, kind.pms_is_telehealth).is_(True),
        )
        .group_by(kind.connection_id)
    ):
        found[connection_id]["telehealth_types"] = count
    return {connection_id: ConnectionCounts(**values) for connection_id, values in found.items()}


def _as_of(session: Session, rows: Sequence[PMSConnection], now: datetime) -> dict[int, datetime]:
    """When today's list of each connection was last read completely: its oldest mapped practitioner counts."""
    today = {row.id: day_of(now, row.time_zone) for row in rows}
    found = dict(_oldest_read(session, today))
    for row in rows:
        if row.id not in found and row.last_sync_at is not None and row.last_sync_status == "success":
            found[row.id] = row.last_sync_at
    return found


def _oldest_read(session: Session, today: dict[int, date]) -> Iterable[Row[int, datetime]]:
    mapping = PMSClinicianMapping
    if not today:
        return []
    return session.execute(
        select(FreshnessRow.connection_id, func.min(FreshnessRow.as_of))
        .join(
            mapping,
            (mapping.connection_id == FreshnessRow.connection_id)
            & (mapping.pms_practitioner_id == FreshnessRow.pms_practitioner_id),
        )
        .where(
            mapping.decision == Decision.MAPPED.value,
            tuple_(FreshnessRow.connection_id, FreshnessRow.date).in_(list(today.items())),
        )
        .group_by(FreshnessRow.connection_id)
    ).all()
