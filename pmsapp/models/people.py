"""Who may come in, what they did, and the clinic itself."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from pmsapp.models.base import Base, table
from pmsapp.models.column_types import JSONText


class Clinic(Base):
    """The one clinic of this installation (id 1). `hours`: weekday ("mon".."sun") -> [opens, closes] or null."""

    __tablename__ = "clinic"
    __table_args__ = table()

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    time_zone: Mapped[str]
    state: Mapped[str | None]
    hours: Mapped[Any] = mapped_column(JSONText)
    closed_days: Mapped[Any] = mapped_column(JSONText, default=list)
    jitter_s: Mapped[int] = mapped_column(default=0)
    is_training: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class User(Base):
    """A person. role: admin, reception, clinician (own column), viewer. `sheet_view`: how they last chose to see a day."""

    __tablename__ = "users"
    __table_args__ = table()

    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    role: Mapped[str]
    password_hash: Mapped[str]
    clinician_id: Mapped[int | None] = mapped_column(ForeignKey("run_sheet_clinicians.id"))
    disabled_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    last_login_at: Mapped[datetime | None]
    sheet_view: Mapped[str | None]


class UserSession(Base):
    """A signed-in browser. Only the hash of its token is kept; ending it here ends it everywhere at once."""

    __tablename__ = "user_sessions"
    __table_args__ = table()

    id: Mapped[int] = mapped_column(primary_key=True)
    token_hash: Mapped[str] = mapped_column(unique=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    ended_reason: Mapped[str | None]


class LoginThrottle(Base):
    """Failed sign-ins by key (account, address, or everybody) and when the next try is allowed."""

    __tablename__ = "login_throttles"
    __table_args__ = table()

    id: Mapped[int] = mapped_column(primary_key=True)
    key_hash: Mapped[str] = mapped_column(unique=True)
    failures: Mapped[int] = mapped_column(default=0)
    last_failure_at: Mapped[datetime]
    blocked_until: Mapped[datetime | None]


class APIToken(Base):
    """A program's key: hashed, shown once. role: admin, reception, viewer, status (no patient data)."""

    __tablename__ = "api_tokens"
    __table_args__ = table()

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    prefix: Mapped[str]
    token_hash: Mapped[str] = mapped_column(unique=True)
    role: Mapped[str]
    created_at: Mapped[datetime]
    created_by: Mapped[str]
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]


class AuditEvent(Base):
    """What somebody did, written in the same transaction; each row holds the hash of the one before."""

    __tablename__ = "audit_events"
    __table_args__ = table(Index("ix_audit_at", "at"))

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
