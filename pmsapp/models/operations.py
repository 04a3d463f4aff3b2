"""What keeps the installation honest about itself: incidents, deliveries, due tasks, signs of life."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from pmsapp.models.base import Base, table
from pmsapp.models.column_types import JSONText


class Incident(Base):
    """A condition that lasts: opened, perhaps escalated, ended. One open incident per subject."""

    __tablename__ = "incidents"
    __table_args__ = table(
        Index(
            "uq_incidents_open",
            "subject",
            unique=True,
            sqlite_where=text("ended_at is null"),
            postgresql_where=text("ended_at is null"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    subject: Mapped[str]
    connection_id: Mapped[int | None] = mapped_column(ForeignKey("pms_connections.id", ondelete="CASCADE"))
    code: Mapped[str]
    severity: Mapped[str]
    started_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    failures: Mapped[int] = mapped_column(default=1)
    opened_at: Mapped[datetime | None]
    escalated_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    snoozed_until: Mapped[datetime | None]
    snoozed_by: Mapped[str | None]
    snoozed_reason: Mapped[str | None]


class AlertDelivery(Base):
    """One message to one channel: written before it is sent, so that none is lost and none is sent twice.

    `next_try_at` is set while it still has to be sent; `at` is the last try (before the first: when it was written).
    """

    __tablename__ = "alert_deliveries"
    __table_args__ = table()

    id: Mapped[int] = mapped_column(primary_key=True)
    incident_id: Mapped[int | None] = mapped_column(
        ForeignKey("incidents.id", ondelete="SET NULL"), index=True
    )
    kind: Mapped[str]
    channel: Mapped[str]
    at: Mapped[datetime]
    delivered: Mapped[bool]
    note: Mapped[str | None]
    title: Mapped[str]
    body: Mapped[str]
    path: Mapped[str]
    tries: Mapped[int] = mapped_column(default=0, server_default="0")
    next_try_at: Mapped[datetime | None]


class ScheduledTask(Base):
    """An entry of the declared list of periodic tasks, with its own due time. `failures`: how often in a row it failed."""

    __tablename__ = "scheduled_tasks"
    __table_args__ = table()

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    due_at: Mapped[datetime]
    last_started_at: Mapped[datetime | None]
    last_ended_at: Mapped[datetime | None]
    last_result: Mapped[str | None]
    failures: Mapped[int] = mapped_column(default=0, server_default="0")
    data: Mapped[Any | None] = mapped_column(JSONText)


class ProcessBeat(Base):
    """A process's last sign of life. name: scheduler, worker, web."""

    __tablename__ = "process_beats"
    __table_args__ = table()

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    pid: Mapped[int]
    at: Mapped[datetime]
    started_at: Mapped[datetime]


class MetricCounter(Base):
    """A number that only grows, for monitoring: added to by every process. `labels` is a small JSON object."""

    __tablename__ = "metric_counters"
    __table_args__ = table(UniqueConstraint("name", "labels"))

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    labels: Mapped[Any] = mapped_column(JSONText)
    value: Mapped[float] = mapped_column(default=0.0)


class StoredAnswer(Base):
    """The answer to a program's call with an idempotency key, kept for a day so that a repeat does nothing twice.

    `owner` is the token or person; `key_hash` and `body_hash` stand for the key and what was asked. Without `status`
    the call has not ended, or its process died.
    """

    __tablename__ = "stored_answers"
    __table_args__ = table(UniqueConstraint("owner", "key_hash"), never_reuse_ids=True)

    id: Mapped[int] = mapped_column(primary_key=True)
    owner: Mapped[str]
    key_hash: Mapped[str]
    body_hash: Mapped[str]
    status: Mapped[int | None]
    answer_sealed: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(index=True)


class VendorBlock(Base):
    """A vendor's host that asked not to be called before `until`; for every process, also while there is no Redis."""

    __tablename__ = "vendor_blocks"
    __table_args__ = table()

    host: Mapped[str] = mapped_column(primary_key=True)
    until: Mapped[datetime]


class DowntimePassphrase(Base):
    """The passphrase of the downtime copy (one row), sealed."""

    __tablename__ = "downtime_passphrases"
    __table_args__ = table()

    id: Mapped[int] = mapped_column(primary_key=True)
    secret_uid: Mapped[str]
    passphrase_sealed: Mapped[str]
    key_id: Mapped[str | None]
    set_at: Mapped[datetime]
    set_by: Mapped[str]
