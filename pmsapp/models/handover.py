"""What outlives a connection, and who is fetching its token just now."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from pmsapp.models.base import Base, table
from pmsapp.models.types import JSONText


class FormerCard(Base):
    """A card whose connection was taken away: what it was at the PMS, so that reconnecting the same practice finds it.

    `practice_key`: the practice's fingerprint and organization, as `services.handover` writes it.
    `kept_values`: for a card kept as a manual one, what the PMS had said in the fields staff may edit.
    """

    __tablename__ = "pms_former_cards"
    __table_args__ = table(
        UniqueConstraint("pms_type", "practice_key", "pms_appointment_id", "pms_patient_id"),
        Index("ix_former_cards_card", "appointment_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    pms_type: Mapped[str]
    practice_key: Mapped[str]
    pms_appointment_id: Mapped[str]
    pms_patient_id: Mapped[str]
    pms_practitioner_id: Mapped[str | None]
    pms_type_id: Mapped[str | None]
    pms_date: Mapped[date | None]
    appointment_id: Mapped[int] = mapped_column(ForeignKey("run_sheet_appointments.id", ondelete="CASCADE"))
    kept_values: Mapped[Any | None] = mapped_column(JSONText)
    left_at: Mapped[datetime]


class TokenLease(Base):
    """Who fetches a connection's token just now; until `expires_at` nobody else may. One row per connection."""

    __tablename__ = "pms_token_leases"
    __table_args__ = table()

    connection_id: Mapped[int] = mapped_column(
        ForeignKey("pms_connections.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    holder: Mapped[str]
    expires_at: Mapped[datetime]
