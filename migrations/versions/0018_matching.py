"""Changes of matches and types can be undone for a day, and a day is compared with the practice software."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from pmsapp.models import column_types as types

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "pms_matching_changes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("connection_id", sa.Integer(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("kept", types.JSONText(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("at", types.UTCDateTime(), nullable=False),
        sa.Column("expires_at", types.UTCDateTime(), nullable=False),
        sa.Column("undone_by", sa.Text(), nullable=True),
        sa.Column("undone_at", types.UTCDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["connection_id"],
            ["pms_connections.id"],
            name="fk_pms_matching_changes_connection_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_pms_matching_changes"),
        sqlite_strict=True,
        sqlite_autoincrement=False,
    )
    op.create_index(
        "ix_pms_matching_changes_connection_id", "pms_matching_changes", ["connection_id", "at"]
    )
    op.create_index("ix_pms_matching_changes_expires_at", "pms_matching_changes", ["expires_at"])
    op.create_table(
        "pms_receipts",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("connection_id", sa.Integer(), nullable=False),
        sa.Column("date", types.LocalDate(), nullable=False),
        sa.Column("asked_by", sa.Text(), nullable=False),
        sa.Column("asked_at", types.UTCDateTime(), nullable=False),
        sa.Column("due_at", types.UTCDateTime(), nullable=False),
        sa.Column("started_at", types.UTCDateTime(), nullable=True),
        sa.Column("checked_at", types.UTCDateTime(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("error_code", sa.Text(), nullable=True),
        sa.Column("expected", sa.Integer(), nullable=False),
        sa.Column("matched", sa.Integer(), nullable=False),
        sa.Column("differences", types.JSONText(), nullable=True),
        sa.Column("apart", types.JSONText(), nullable=True),
        sa.Column("is_confirmed", types.Flag(), nullable=False),
        sa.Column("follows_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["connection_id"],
            ["pms_connections.id"],
            name="fk_pms_receipts_connection_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_pms_receipts"),
        sqlite_strict=True,
        sqlite_autoincrement=False,
    )
    op.create_index("ix_pms_receipts_connection_id", "pms_receipts", ["connection_id", "id"])
    op.create_index("ix_pms_receipts_outcome", "pms_receipts", ["outcome", "due_at"])
