"""Connections to practice software, what is mapped, and what each run did."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import Computed, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from pmsapp import clock
from pmsapp.models.base import Base, table
from pmsapp.models.column_types import JSONText


class PMSConnection(Base):
    """One configured link to a practice. Sealed columns open only on their own row (`secret_uid`).

    `state` is what the last run found (setup, ok, retrying, pms_trouble, needs_you); late, stale and paused are
    computed when read. `practice_marks`: further ids that belong to the practice alone; `practice_claim`: the practice
    (and clinic) that this connection alone may read (services.connections.same_practice). `new_types`: what becomes of
    a type that appears later (ask, similar, ignore). `clock_skew_s`: the vendor's clock minus ours, as the last run saw
    it. `fence` grows with every lease; a writer whose fence is not the row's may not write.
    """

    __tablename__ = "pms_connections"
    __table_args__ = table(
        Index(
            "uq_connections_practice",
            "pms_type",
            "practice_claim",
            unique=True,
            sqlite_where=text("practice_claim IS NOT NULL"),
            postgresql_where=text("practice_claim IS NOT NULL"),
        ),
        never_reuse_ids=True,
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    pms_type: Mapped[str]
    display_name: Mapped[str]
    practice_name: Mapped[str | None]
    tenant_id: Mapped[str | None]
    practice_id: Mapped[str | None]
    organization_id: Mapped[str | None]
    practice_fingerprint: Mapped[str | None]
    practice_marks: Mapped[Any | None] = mapped_column(JSONText)
    practice_claim: Mapped[str | None]
    time_zone: Mapped[str]
    time_zone_chosen: Mapped[bool] = mapped_column(default=False)

    secret_uid: Mapped[str]
    credentials_sealed: Mapped[str | None]
    access_token: Mapped[str | None]
    refresh_token: Mapped[str | None]
    token_expires_at: Mapped[datetime | None]
    token_minted_at: Mapped[datetime | None]
    webhook_secret_sealed: Mapped[str | None]
    key_id: Mapped[str | None]

    state: Mapped[str] = mapped_column(default="setup")
    sync_enabled: Mapped[bool] = mapped_column(default=False)
    sync_frequency_minutes: Mapped[int] = mapped_column(default=15)
    sync_telehealth_only: Mapped[bool] = mapped_column(default=True)
    last_sync_at: Mapped[datetime | None]
    last_sync_status: Mapped[str | None]
    last_error_code: Mapped[str | None]
    last_sync_error: Mapped[str | None]
    next_sync_at: Mapped[datetime | None]
    next_sync_reason: Mapped[str | None]
    not_before: Mapped[datetime | None]
    failures_in_row: Mapped[int] = mapped_column(default=0)
    clock_skew_s: Mapped[float | None]
    paused_until: Mapped[datetime | None]
    paused_by: Mapped[str | None]
    paused_reason: Mapped[str | None]
    new_types: Mapped[str] = mapped_column(default="ask", server_default="ask")

    fence: Mapped[int] = mapped_column(default=0, server_default="0")
    reference_read_at: Mapped[datetime | None]
    config_version: Mapped[int] = mapped_column(default=1, server_default="1")
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class PMSClinicianMapping(Base):
    """A PMS practitioner and what the clinic decided: mapped, ignored or undecided.

    `auto_created`: the clinician column was made by that decision. `sync_enabled` follows `decision`.
    """

    __tablename__ = "pms_clinician_mappings"
    __table_args__ = table(UniqueConstraint("pms_connection_id", "pms_practitioner_id"))

    id: Mapped[int] = mapped_column(primary_key=True)
    pms_connection_id: Mapped[int] = mapped_column(ForeignKey("pms_connections.id", ondelete="CASCADE"))
    pms_practitioner_id: Mapped[str]
    pms_practitioner_name: Mapped[str]
    active: Mapped[bool] = mapped_column(default=True)
    shown_in_appointment_book: Mapped[bool] = mapped_column(default=True)
    decision: Mapped[str] = mapped_column(default="undecided")
    run_sheet_clinician_id: Mapped[int | None] = mapped_column(ForeignKey("run_sheet_clinicians.id"))
    auto_created: Mapped[bool] = mapped_column(default=False)
    sync_enabled: Mapped[bool] = mapped_column(Computed("decision = 'mapped'", persisted=True))
    first_seen_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    decided_by: Mapped[str | None]
    decided_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(Computed("first_seen_at", persisted=True))
    updated_at: Mapped[datetime] = mapped_column(default=clock.now, onupdate=clock.now)


class PMSAppointmentType(Base):
    """A PMS appointment type. `is_telehealth` is the clinic's decision (null = follow the PMS); `pms_is_telehealth` the vendor's mark."""

    __tablename__ = "pms_appointment_types"
    __table_args__ = table(UniqueConstraint("pms_connection_id", "pms_type_id"))

    id: Mapped[int] = mapped_column(primary_key=True)
    pms_connection_id: Mapped[int] = mapped_column(ForeignKey("pms_connections.id", ondelete="CASCADE"))
    pms_type_id: Mapped[str]
    pms_type_name: Mapped[str]
    default_duration_minutes: Mapped[int | None]
    colour: Mapped[str | None]
    active: Mapped[bool] = mapped_column(default=True)
    is_telehealth: Mapped[bool | None]
    pms_is_telehealth: Mapped[bool | None]
    sync_enabled: Mapped[bool] = mapped_column(default=True)
    suggested: Mapped[bool] = mapped_column(default=False)
    evidence: Mapped[str | None]
    first_seen_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    created_at: Mapped[datetime] = mapped_column(Computed("first_seen_at", persisted=True))
    updated_at: Mapped[datetime] = mapped_column(default=clock.now, onupdate=clock.now)


class SyncRun(Base):
    """One run. queued -> running -> success, partial, failed, interrupted or cancelled.

    `fence` is the lease it holds while running; `heartbeat_at` its last sign of life; `dates` ISO days;
    `error_details` {"code": the run's, "scopes": {code: how many lists ended with it}}. `requests_made`: calls to the vendor.
    `undone`: {"at", "by", "put_back", "taken_off", "left"} where somebody undid it; `left` cards stayed as they were.
    """

    __tablename__ = "pms_sync_log"
    __table_args__ = table(
        Index(
            "uq_runs_one_running",
            "pms_connection_id",
            unique=True,
            sqlite_where=text("status = 'running'"),
            postgresql_where=text("status = 'running'"),
        ),
        Index("ix_runs_connection", "pms_connection_id", "id"),
        never_reuse_ids=True,
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    pms_connection_id: Mapped[int] = mapped_column(ForeignKey("pms_connections.id", ondelete="CASCADE"))
    sync_type: Mapped[str] = mapped_column(default="full")
    trigger: Mapped[str]
    actor: Mapped[str | None]
    dates: Mapped[Any] = mapped_column(JSONText, default=list)
    dry_run: Mapped[bool] = mapped_column(default=False)
    slot: Mapped[str | None]
    status: Mapped[str] = mapped_column(default="queued")
    requested_at: Mapped[datetime]
    not_before: Mapped[datetime | None]
    started_at: Mapped[datetime | None]
    completed_at: Mapped[datetime | None]
    heartbeat_at: Mapped[datetime | None]
    fence: Mapped[int | None]
    cancel_requested_at: Mapped[datetime | None]
    cancel_requested_by: Mapped[str | None]
    appointments_fetched: Mapped[int] = mapped_column(default=0)
    appointments_created: Mapped[int] = mapped_column(default=0)
    appointments_updated: Mapped[int] = mapped_column(default=0)
    unchanged: Mapped[int] = mapped_column(default=0)
    appointments_skipped: Mapped[int] = mapped_column(default=0)
    failed: Mapped[int] = mapped_column(default=0)
    removed: Mapped[int] = mapped_column(default=0)
    held: Mapped[int] = mapped_column(default=0)
    skipped_reasons: Mapped[Any | None] = mapped_column(JSONText)
    error_code: Mapped[str | None]
    error_message: Mapped[str | None]
    error_details: Mapped[Any | None] = mapped_column(JSONText)
    note: Mapped[str | None]
    requests_made: Mapped[int | None]
    undone: Mapped[Any | None] = mapped_column(JSONText)
    progress: Mapped[Any | None] = mapped_column(JSONText)
    preview: Mapped[Any | None] = mapped_column(JSONText)
    created_at: Mapped[datetime] = mapped_column(Computed("requested_at", persisted=True))
    updated_at: Mapped[datetime] = mapped_column(default=clock.now, onupdate=clock.now)


# What is counted -> the column of SyncRun that holds it.
RUN_COUNTS = {
    "fetched": "appointments_fetched",
    "created": "appointments_created",
    "updated": "appointments_updated",
    "unchanged": "unchanged",
    "skipped": "appointments_skipped",
    "failed": "failed",
    "removed": "removed",
    "held": "held",
}


class SyncScope(Base):
    """One practitioner-day of a run: complete, incomplete or failed, what it counted, and its receipt.

    `matched` of `expected`: cards whose PMS columns equal what was just read; `differences` says why the others do not.
    """

    __tablename__ = "pms_sync_scopes"
    __table_args__ = table(
        Index("ix_scopes_run", "run_id"),
        Index("ix_scopes_fresh", "connection_id", "date", "pms_practitioner_id", "checked_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("pms_sync_log.id", ondelete="CASCADE"))
    connection_id: Mapped[int] = mapped_column(ForeignKey("pms_connections.id", ondelete="CASCADE"))
    pms_practitioner_id: Mapped[str | None]
    name: Mapped[str | None]
    clinician_id: Mapped[int | None]
    date: Mapped[date]
    outcome: Mapped[str]
    checked_at: Mapped[datetime]
    fetched: Mapped[int] = mapped_column(default=0)
    created: Mapped[int] = mapped_column(default=0)
    updated: Mapped[int] = mapped_column(default=0)
    unchanged: Mapped[int] = mapped_column(default=0)
    skipped: Mapped[int] = mapped_column(default=0)
    failed: Mapped[int] = mapped_column(default=0)
    removed: Mapped[int] = mapped_column(default=0)
    held: Mapped[int] = mapped_column(default=0)
    error_code: Mapped[str | None]
    expected: Mapped[int | None]
    matched: Mapped[int | None]
    differences: Mapped[Any | None] = mapped_column(JSONText)
    digest: Mapped[str | None]


class ScopeFreshness(Base):
    """When a practitioner-day was last read completely. One row per (connection, day, practitioner); "" = unassigned.

    `read_state`: what is needed to recognise the same reading again (services.unchanged); null when in doubt.
    """

    __tablename__ = "pms_freshness"
    __table_args__ = table(UniqueConstraint("connection_id", "date", "pms_practitioner_id"))

    id: Mapped[int] = mapped_column(primary_key=True)
    connection_id: Mapped[int] = mapped_column(ForeignKey("pms_connections.id", ondelete="CASCADE"))
    date: Mapped[date]
    pms_practitioner_id: Mapped[str]
    as_of: Mapped[datetime]
    read_state: Mapped[Any | None] = mapped_column(JSONText)
    fetched: Mapped[int] = mapped_column(default=0)
    not_shown: Mapped[int] = mapped_column(default=0)


class Quarantine(Base):
    """A record that could not be understood: redacted shape, reason, and whether it was tried again."""

    __tablename__ = "pms_quarantine"
    __table_args__ = table(UniqueConstraint("connection_id", "record_key"))

    id: Mapped[int] = mapped_column(primary_key=True)
    connection_id: Mapped[int] = mapped_column(ForeignKey("pms_connections.id", ondelete="CASCADE"))
    record_key: Mapped[str]
    pms_appointment_id: Mapped[str | None]
    pms_practitioner_id: Mapped[str | None]
    date: Mapped[date | None]
    reason: Mapped[str]
    shape: Mapped[str]
    first_seen_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    run_id: Mapped[int | None] = mapped_column(ForeignKey("pms_sync_log.id", ondelete="SET NULL"))
    resolved_at: Mapped[datetime | None]


class WebhookEvent(Base):
    """An event id that was already taken as a nudge."""

    __tablename__ = "pms_webhook_events"
    __table_args__ = table(UniqueConstraint("connection_id", "event_id"))

    id: Mapped[int] = mapped_column(primary_key=True)
    connection_id: Mapped[int] = mapped_column(ForeignKey("pms_connections.id", ondelete="CASCADE"))
    event_id: Mapped[str]
    event: Mapped[str]
    received_at: Mapped[datetime]


class VendorReference(Base):
    """Reference data as a vendor's adapter keeps it between runs (roles, types, code tables); never patient data.

    `made_for`: which practice and which version of this program it belongs to.
    """

    __tablename__ = "pms_vendor_memory"
    __table_args__ = table(UniqueConstraint("connection_id", "name"))

    id: Mapped[int] = mapped_column(primary_key=True)
    connection_id: Mapped[int] = mapped_column(ForeignKey("pms_connections.id", ondelete="CASCADE"))
    name: Mapped[str]
    made_for: Mapped[str]
    value: Mapped[Any] = mapped_column(JSONText)
    read_at: Mapped[datetime]


class TokenLease(Base):
    """Who fetches a connection's token just now; until `expires_at` nobody else may. One row per connection."""

    __tablename__ = "pms_token_leases"
    __table_args__ = table()

    connection_id: Mapped[int] = mapped_column(
        ForeignKey("pms_connections.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    holder: Mapped[str]
    expires_at: Mapped[datetime]
