"""The log of who did what and who looked, the keys of its chain, and whom a sync must not bring back."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from pmsapp.models.base import Base, table
from pmsapp.models.column_types import JSONText


class AuditEvent(Base):
    """What somebody did, written in the same transaction; each row holds the hash of the one before.

    `key_id`: the row of AuditKey its hash is made with; null in rows from before the chain had a key.
    """

    __tablename__ = "audit_events"
    __table_args__ = table(Index("ix_audit_at", "at"), Index("ix_audit_subject", "subject", "id"))

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    actor: Mapped[str]
    action: Mapped[str]
    subject: Mapped[str | None]
    detail: Mapped[Any | None] = mapped_column(JSONText)
    request_id: Mapped[str | None]
    remote_addr: Mapped[str | None]
    previous_hash: Mapped[str]
    hash: Mapped[str]
    key_id: Mapped[int | None]


class AuditKey(Base):
    """A key of the audit chain, sealed: it opens only with the key ring, which lies outside the database."""

    __tablename__ = "audit_keys"
    __table_args__ = table(never_reuse_ids=True)

    id: Mapped[int] = mapped_column(primary_key=True)
    key_sealed: Mapped[str]
    created_at: Mapped[datetime]


class AuditCut(Base):
    """Where the log begins since its oldest rows were purged: the last row that went, proved by the chain's key."""

    __tablename__ = "audit_cuts"
    __table_args__ = table(never_reuse_ids=True)

    id: Mapped[int] = mapped_column(primary_key=True)
    through_id: Mapped[int]
    last_hash: Mapped[str]
    at: Mapped[datetime]
    key_id: Mapped[int]
    proof: Mapped[str]


class ErasedPatient(Base):
    """A patient whose data were erased. Only a digest says who; a sync skips whoever it names.

    `scrubbed_at`: when the freed space of the database's file was overwritten as well; null while that is owed.
    """

    __tablename__ = "erased_patients"
    __table_args__ = table(never_reuse_ids=True)

    id: Mapped[int] = mapped_column(primary_key=True)
    patient_digest: Mapped[str | None] = mapped_column(unique=True)
    cards: Mapped[int]
    erased_by: Mapped[str]
    erased_at: Mapped[datetime]
    scrubbed_at: Mapped[datetime | None]
