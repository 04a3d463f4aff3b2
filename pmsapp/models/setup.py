"""Set-ups that were begun and are not finished."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from pmsapp.models.base import Base, table
from pmsapp.models.column_types import JSONText


class SetupDraft(Base):
    """How far the set-up of one connection has come, for any administrator to go on with, until `expires_at`.

    `fields_sealed`: what was typed into the connect form, secrets too, as sealed JSON; gone once the login is stored
    with its connection. `found`: what the vendor answered, and counts of what lies ahead; nobody's details.
    `choices`: what was chosen on a step and not yet decided.
    """

    __tablename__ = "pms_setup_drafts"
    __table_args__ = table(
        UniqueConstraint("connection_id"),
        Index(
            "uq_setup_drafts_one_before_connecting",
            "pms_type",
            unique=True,
            sqlite_where=text("connection_id IS NULL"),
            postgresql_where=text("connection_id IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    pms_type: Mapped[str]
    connection_id: Mapped[int | None] = mapped_column(ForeignKey("pms_connections.id", ondelete="CASCADE"))
    step: Mapped[int]
    secret_uid: Mapped[str]
    fields_sealed: Mapped[str | None]
    key_id: Mapped[str | None]
    found: Mapped[Any | None] = mapped_column(JSONText)
    choices: Mapped[Any] = mapped_column(JSONText, default=dict)
    started_by: Mapped[str]
    touched_by: Mapped[str]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    expires_at: Mapped[datetime]


class Disconnected(Base):
    """A connection that was taken away, for as long as that can be undone: its row, matches and types as they were.

    The login in it stays sealed as it was, for its own row alone.
    """

    __tablename__ = "pms_disconnected"
    __table_args__ = table(Index("ix_pms_disconnected_expires_at", "expires_at"))

    id: Mapped[int] = mapped_column(primary_key=True)
    pms_type: Mapped[str]
    display_name: Mapped[str]
    cards: Mapped[str]
    kept: Mapped[Any] = mapped_column(JSONText)
    by: Mapped[str]
    at: Mapped[datetime]
    expires_at: Mapped[datetime]
