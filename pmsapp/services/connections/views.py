"""A connection as people and programs see it: no secret in it, its state and the age of its data worked out now."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from pmsapp import clock
from pmsapp.adapters.registry import get_info
from pmsapp.domain import sync_state
from pmsapp.domain.errors import is_for_staff
from pmsapp.domain.runsheet import Freshness
from pmsapp.domain.schedule import ClinicHours
from pmsapp.domain.sync_state import ConnectionFacts, ConnectionState, RunStatus
from pmsapp.domain.window import local_time
from pmsapp.models import AuditEvent, PMSConnection
from pmsapp.services.base.next_step import NextStep, next_step
from pmsapp.services.base.transaction import reading
from pmsapp.services.clinic import opening_hours, snapshot
from pmsapp.services.clinic.snapshot import Connected, Snapshot
from pmsapp.services.vendors import adapters as vendor_adapters

SETUP_STEPS = 5


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
    clock_skew_s: float | None
    next_sync_at: datetime | None
    next_sync_reason: str | None
    paused: PauseView | None
    freshness: Freshness
    counts: ConnectionCounts
    has_credentials: bool
    needs_pairing: bool
    created_at: datetime
    updated_at: datetime

    @property
    def trouble_code(self) -> str | None:
        """The code its state speaks of; data that is merely old has one too. None when all is well or by choice."""
        code = self.last_sync_error.code if self.last_sync_error else None
        if self.state in _FAULTY:
            return code or "DATA-STALE"
        is_in_use = self.state in (ConnectionState.OK, ConnectionState.LATE)
        return code if is_in_use and self.last_sync_status in _NOT_WHOLE else None

    @property
    def next_step(self) -> NextStep | None:
        """The next step of that code."""
        code = self.trouble_code
        return next_step(code, self.pms_label, self.id) if code else None

    @property
    def needs_staff(self) -> bool:
        """True when somebody has to take that step."""
        return self.trouble_code is not None and is_for_staff(self.trouble_code)


_FAULTY = frozenset(
    {
        ConnectionState.NEEDS_YOU,
        ConnectionState.STALE,
        ConnectionState.PMS_TROUBLE,
        ConnectionState.RETRYING,
    }
)
_NOT_WHOLE = (RunStatus.PARTIAL, RunStatus.FAILED)


def views_in(loaded: Snapshot, now: datetime) -> list[ConnectionView]:
    """The view of every connection of the snapshot, in their order."""
    hours = opening_hours.hours_of(loaded.clinic, now)
    return [_view(connection, now, hours) for connection in loaded.connections]


def view_of(session: Session, row: PMSConnection) -> ConnectionView:
    """The view of one row."""
    now = clock.now()
    return views_in(snapshot.load(session, now, only=[row.id]), now)[0]


def _view(connection: Connected, now: datetime, hours: ClinicHours) -> ConnectionView:
    row = connection.row
    info = get_info(row.pms_type)
    lists = connection.lists(local_time(now, row.time_zone).date())
    fresh = sync_state.freshness_of(lists, now, hours)
    stored = ConnectionState(row.state)
    state = sync_state.connection_state(
        ConnectionFacts(
            stored,
            row.sync_enabled,
            row.paused_until,
            fresh.state,
            sync_state.is_overdue(lists, now, hours),
        ),
        now,
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
        clock_skew_s=row.clock_skew_s,
        next_sync_at=row.next_sync_at,
        next_sync_reason=row.next_sync_reason,
        paused=PauseView(row.paused_until, row.paused_by, row.paused_reason)
        if is_paused and row.paused_until
        else None,
        freshness=fresh,
        counts=_counts(connection),
        has_credentials=vendor_adapters.has_credentials(info, is_stored=row.credentials_sealed is not None),
        needs_pairing=info.capabilities.pairing and row.tenant_id is None,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def _error(row: PMSConnection) -> ErrorView | None:
    if row.last_error_code is None:
        return None
    return ErrorView(row.last_error_code, row.last_sync_error or row.last_error_code)


def _counts(loaded_connection: Connected) -> ConnectionCounts:
    decided = Counter(feed.decision.name.lower() for feed in loaded_connection.feeds if feed.decision)
    return ConnectionCounts(**decided, telehealth_types=loaded_connection.telehealth_types)


@dataclass(frozen=True, slots=True)
class SetupStep:
    """The step that comes next: its number of `SETUP_STEPS` and its address."""

    number: int
    href: str


@dataclass(frozen=True, slots=True)
class LastTouch:
    """Who did something to a connection last, and when."""

    who: str
    at: datetime


def next_setup_step(view: ConnectionView) -> SetupStep:
    """Where the set-up of this connection goes on."""
    base = f"/integrations/{view.id}"
    if not view.has_credentials:
        return SetupStep(2, f"{base}/login")
    if view.needs_pairing:
        return SetupStep(2, f"{base}/pair")
    if not view.counts.mapped and not view.counts.ignored:
        return SetupStep(3, f"{base}/practitioners")
    return SetupStep(5, f"{base}/start")


def last_touch(connection_id: int) -> LastTouch | None:
    """Who worked on a connection last; None where nothing tells."""
    with reading() as session:
        row = session.execute(
            select(AuditEvent.actor, AuditEvent.at)
            .where(AuditEvent.subject == f"connection:{connection_id}", AuditEvent.actor.like("user:%"))
            .order_by(AuditEvent.id.desc())
            .limit(1)
        ).one_or_none()
    return LastTouch(row.actor.partition(" ")[2], row.at) if row else None
