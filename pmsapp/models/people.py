"""Who may come in, what they did, and the clinic itself."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, UniqueConstraint
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
    require_second_factor: Mapped[bool] = mapped_column(default=False, server_default="0")
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class User(Base):
    """A person. role: admin, reception, clinician (own column), viewer. `sheet_view`: how they last chose to see a day.

    `shortcuts`: the keys of the run sheet work everywhere on it, and not in its list alone.
    `must_change_password`: somebody else chose the password, so it opens nothing but the page to change it.
    """

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
    shortcuts: Mapped[bool] = mapped_column(default=False, server_default="0")
    must_change_password: Mapped[bool] = mapped_column(default=False, server_default="0")


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
    browser: Mapped[str | None]


class KnownBrowser(Base):
    """A browser a person has signed in on before. Only the hash of its token is kept; without the row it is unknown."""

    __tablename__ = "known_browsers"
    __table_args__ = table(UniqueConstraint("user_id", "token_hash"), never_reuse_ids=True)

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    token_hash: Mapped[str]
    browser: Mapped[str | None]
    created_at: Mapped[datetime]
    last_used_at: Mapped[datetime]


class SecondFactor(Base):
    """The secret a person's authenticator app shares with us; stored once a code has proved it.

    `last_step` is the 30-second step of the last code used: a code of that step or an earlier one is refused.
    """

    __tablename__ = "second_factors"
    __table_args__ = table()

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), unique=True)
    secret_uid: Mapped[str]
    secret_sealed: Mapped[str]
    key_id: Mapped[str | None]
    enabled_at: Mapped[datetime]
    last_step: Mapped[int | None]


class RecoveryCode(Base):
    """A code that stands for the authenticator app once. Only its hash is kept."""

    __tablename__ = "recovery_codes"
    __table_args__ = table()

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    code_hash: Mapped[str]
    used_at: Mapped[datetime | None]


class OneTimeLink(Base):
    """A link with which a person chooses a password. kind: invitation, reset. Only its hash is kept; it works once."""

    __tablename__ = "one_time_links"
    __table_args__ = table()

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    kind: Mapped[str]
    token_hash: Mapped[str] = mapped_column(unique=True)
    created_at: Mapped[datetime]
    created_by: Mapped[str]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class LoginThrottle(Base):
    """Failed sign-ins by key. kind: account, address, everybody, browser, code; ticket: a waited-for try used up."""

    __tablename__ = "login_throttles"
    __table_args__ = table(Index("ix_login_throttles_last_failure_at", "last_failure_at"))

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    key_hash: Mapped[str] = mapped_column(unique=True)
    failures: Mapped[int] = mapped_column(default=0)
    last_failure_at: Mapped[datetime]


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
