"""Connections and what is asked of them. Secrets go in and never come out."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import Field

from pmsapp.domain.runsheet import Freshness, FreshnessState
from pmsapp.domain.sync_state import ConnectionState
from pmsapp.schemas.base import (
    NOT_SENT,
    Answer,
    Asked,
    AskedInAddress,
    Change,
    local,
    local_or_none,
)
from pmsapp.schemas.fields import (
    ConnectionName,
    CredentialField,
    CredentialText,
    Frequency,
    Instant,
    PairingCode,
    PracticeId,
    Reason,
    VendorName,
    Zone,
)
from pmsapp.services.connections.connections import CheckResult, ConnectionView, Paired

Credentials = Annotated[
    dict[CredentialField, CredentialText],
    Field(
        description="The vendor's login fields by name; write-only",
        max_length=10,
        json_schema_extra={"writeOnly": True},
    ),
]


_FRESHNESS: dict[FreshnessState, Literal["never", "fresh", "late", "stale"]] = {
    FreshnessState.NONE: "never",
    FreshnessState.NEVER: "never",
    FreshnessState.FRESH: "fresh",
    FreshnessState.LATE: "late",
    FreshnessState.STALE: "stale",
}


class FreshnessOut(Answer):
    """How old data is. `as_of`: when it was last read completely; null with state never, also where no list is read."""

    as_of: datetime | None
    state: Literal["never", "fresh", "late", "stale"]

    @classmethod
    def of(cls, fresh: Freshness, zone: str) -> Self:
        return cls(as_of=local_or_none(fresh.as_of, zone), state=_FRESHNESS[fresh.state])


class ErrorOut(Answer):
    """What went wrong: a stable code and its sentence."""

    code: str
    message: str


class PausedOut(Answer):
    """A pause in force."""

    until: datetime
    by: str | None
    reason: str | None


class ConnectionCountsOut(Answer):
    """Practitioners by decision, and types that count as telehealth."""

    mapped: int
    ignored: int
    undecided: int
    telehealth_types: int


class Connection(Answer):
    """One link to a practice."""

    id: int
    pms_type: str
    display_name: str
    tenant_id: str | None
    practice_id: str | None
    organization_id: str | None
    time_zone: str
    state: ConnectionState
    sync_enabled: bool
    sync_frequency_minutes: int
    sync_telehealth_only: bool
    last_sync_at: datetime | None
    last_sync_status: str | None
    last_sync_error: ErrorOut | None
    next_sync_at: datetime | None
    paused: PausedOut | None
    freshness: FreshnessOut
    counts: ConnectionCountsOut
    has_credentials: bool

    @classmethod
    def of(cls, view: ConnectionView, zone: str) -> Self:
        error, paused, counts = view.last_sync_error, view.paused, view.counts
        return cls(
            id=view.id,
            pms_type=view.pms_type,
            display_name=view.display_name,
            tenant_id=view.tenant_id,
            practice_id=view.practice_id,
            organization_id=view.organization_id,
            time_zone=view.time_zone,
            state=view.state,
            sync_enabled=view.sync_enabled,
            sync_frequency_minutes=view.sync_frequency_minutes,
            sync_telehealth_only=view.sync_telehealth_only,
            last_sync_at=local_or_none(view.last_sync_at, zone),
            last_sync_status=view.last_sync_status,
            last_sync_error=ErrorOut(code=error.code, message=error.message) if error else None,
            next_sync_at=local_or_none(view.next_sync_at, zone),
            paused=PausedOut(until=local(paused.until, zone), by=paused.by, reason=paused.reason)
            if paused
            else None,
            freshness=FreshnessOut.of(view.freshness, zone),
            counts=ConnectionCountsOut(
                mapped=counts.mapped,
                ignored=counts.ignored,
                undecided=counts.undecided,
                telehealth_types=counts.telehealth_types,
            ),
            has_credentials=view.has_credentials,
        )


class ConnectionList(Answer):
    """Every connection; there is never a further page."""

    items: list[Connection]
    next: str | None = None


class ConnectionCreate(Asked):
    """A new connection. A login that is given is tried live before anything is stored."""

    pms_type: VendorName
    display_name: ConnectionName | None = None
    credentials: Credentials | None = None
    practice_id: PracticeId | None = None
    organization_id: PracticeId | None = None
    time_zone: Zone | None = None


class ConnectForm(Asked):
    """What is typed on the connect page, whichever vendor it is for."""

    display_name: ConnectionName | None = None
    credentials: Credentials = Field(default_factory=dict)
    practice_id: PracticeId | None = None
    organization_id: PracticeId | None = None
    time_zone: Zone | None = None
    pairing_code: PairingCode | None = None


class PausedIn(Asked):
    """A pause that ends by itself, at most 31 days ahead, and why.

    `by` is there so that an answer can be sent back; it is always the one who asks.
    """

    until: Instant
    by: Annotated[str, Field(max_length=200)] | None = None
    reason: Reason


class ConnectionChange(Change):
    """What to change; what is not mentioned stays. `paused: null` ends a pause.

    `sync_enabled: false` needs `reason` beside it; updates come on again by themselves after 31 days.
    """

    display_name: ConnectionName = NOT_SENT
    credentials: Credentials = NOT_SENT
    time_zone: Zone = NOT_SENT
    sync_enabled: bool = NOT_SENT
    reason: Reason = NOT_SENT
    sync_frequency_minutes: Frequency = NOT_SENT
    sync_telehealth_only: bool = NOT_SENT
    paused: PausedIn | None = NOT_SENT


class ConnectionRemoval(AskedInAddress):
    """What becomes of the cards on sheets from today."""

    cards: Literal["keep", "strike", "remove"] = "strike"


class PairingIn(Asked):
    """A pairing code as the vendor showed it; spaces and dashes do not matter."""

    pairing_code: PairingCode


class PairingOut(Answer):
    """The practice a code opened."""

    tenant_id: str
    practice_name: str | None
    time_zone: str

    @classmethod
    def of(cls, paired: Paired) -> Self:
        return cls(tenant_id=paired.tenant_id, practice_name=paired.practice_name, time_zone=paired.time_zone)


class ConnectionTest(Answer):
    """What a test of a connection found. `code` is null when healthy."""

    healthy: bool
    code: str | None
    message: str
    latency_ms: int
    practice_name: str | None
    time_zone: str | None
    practitioners: int | None
    clock_skew_s: float | None

    @classmethod
    def of(cls, result: CheckResult) -> Self:
        return cls(
            healthy=result.healthy,
            code=result.code,
            message=result.message,
            latency_ms=result.latency_ms,
            practice_name=result.practice_name,
            time_zone=result.time_zone,
            practitioners=result.practitioners,
            clock_skew_s=result.clock_skew_s,
        )
