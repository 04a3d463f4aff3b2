"""What was decided about practitioners and types, for as long as it can be undone; and receipts of whole days."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from pmsapp.models.base import Base, table
from pmsapp.models.column_types import JSONText


class MatchingChange(Base):
    """A change of who stands in which column (`practitioners`), or of what is shown as telehealth (`types`).

    `kept`: each decision before and after, and where the cards stood that it is about. No name of a patient is in it.
    """

    __tablename__ = "pms_matching_changes"
    __table_args__ = table(
        Index("ix_pms_matching_changes_connection_id", "connection_id", "at"),
        Index("ix_pms_matching_changes_expires_at", "expires_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    connection_id: Mapped[int] = mapped_column(ForeignKey("pms_connections.id", ondelete="CASCADE"))
    what: Mapped[str]
    kept: Mapped[Any] = mapped_column(JSONText)
    by: Mapped[str]
    at: Mapped[datetime]
    expires_at: Mapped[datetime]
    undone_by: Mapped[str | None]
    undone_at: Mapped[datetime | None]


class Receipt(Base):
    """One comparison of a connection's day, read fresh, with the sheet; asked for, then made.

    `outcome`: None while it waits, then match, differs or unread. `differences`: a line each, without names.
    `apart`: counts of what staff did, which is no difference. `is_confirmed`: an update in between did not settle it.
    """

    __tablename__ = "pms_receipts"
    __table_args__ = table(
        Index("ix_pms_receipts_connection_id", "connection_id", "id"),
        Index("ix_pms_receipts_outcome", "outcome", "due_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    connection_id: Mapped[int] = mapped_column(ForeignKey("pms_connections.id", ondelete="CASCADE"))
    date: Mapped[date]
    asked_by: Mapped[str]
    asked_at: Mapped[datetime]
    due_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    checked_at: Mapped[datetime | None]
    outcome: Mapped[str | None]
    error_code: Mapped[str | None]
    expected: Mapped[int] = mapped_column(default=0)
    matched: Mapped[int] = mapped_column(default=0)
    differences: Mapped[Any | None] = mapped_column(JSONText)
    apart: Mapped[Any | None] = mapped_column(JSONText)
    is_confirmed: Mapped[bool] = mapped_column(default=False)
    follows_id: Mapped[int | None]
