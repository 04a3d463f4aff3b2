"""What was disconnected is kept for a day, so that it can be undone."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from pmsapp.models import column_types as types

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "pms_disconnected",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("pms_type", sa.Text(), nullable=False),
        sa.Column("display_name", sa.Text(), nullable=False),
        sa.Column("cards", sa.Text(), nullable=False),
        sa.Column("kept", types.JSONText(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("at", types.UTCDateTime(), nullable=False),
        sa.Column("expires_at", types.UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_pms_disconnected"),
        sqlite_strict=True,
        sqlite_autoincrement=False,
    )
    op.create_index("ix_pms_disconnected_expires_at", "pms_disconnected", ["expires_at"])
